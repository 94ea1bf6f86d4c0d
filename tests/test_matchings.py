"""Direct matching against independent oracles: least squares, and networks with permuted channels."""

import copy

import numpy as np
import pytest
import torch
from small_networks import network, random_images
from torch import nn

from lib.models.cut_networks import LOGITS, CutNetwork
from lib.stitching import AffineMap, accuracy, direct_match, hits, residual, resized


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def permuted(model, stage, order):
    """A copy of a resnet whose channels after the first block of a stage are permuted."""
    model = copy.deepcopy(model)
    block = getattr(model, f"layer{stage}")[0]
    parts = [block.conv2, block.bn2, *(block.downsample if stage > 1 else (model.conv1, model.bn1))]
    if stage == 1:  # its shortcut hands the stem's channels on as they are
        block.conv1.weight.copy_(block.conv1.weight[:, order].clone())
    for part in parts:
        for tensor in (*part.parameters(), *(buffer for buffer in part.buffers() if buffer.ndim)):
            tensor.copy_(tensor[order].clone())
    return model


@pytest.fixture
def net():
    return CutNetwork(network(family="resnet-large", width=2).to(torch.float64))


def test_the_map_is_a_1x1_convolution_after_bilinear_resizing():
    weight, bias, x = noise(3, 2), noise(3, seed=1), noise(4, 2, 2, 2, seed=2)
    found = AffineMap(weight, bias, (4, 4))(x)
    convolution = nn.Conv2d(2, 3, 1).to(torch.float64)
    convolution.load_state_dict({"weight": weight[:, :, None, None], "bias": bias})
    expected = convolution(nn.Upsample(size=(4, 4), mode="bilinear")(x))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(AffineMap(weight, bias, (2, 2))(x)[1, :, 0, 1], weight @ x[1, :, 0, 1] + bias)


def test_resizing_leaves_maps_of_that_size_alone():
    x = noise(2, 3, 4, 4)
    assert resized(x, (4, 4)) is x and resized(x, (2, 2)).shape == (2, 3, 2, 2)
    torch.testing.assert_close(resized(noise(2, 3, 1, 1), (4, 4)), noise(2, 3, 1, 1).expand(2, 3, 4, 4))


def test_a_network_stitched_to_itself_by_the_identity_is_itself_bit_for_bit(net):
    images, labels = random_images()
    images = images.to(torch.float64)
    found = net.representations(images)
    for point in net.points:
        channels, *size = found[point].shape[1:]
        identity = AffineMap(torch.eye(channels, dtype=torch.float64), torch.zeros(channels, dtype=torch.float64), size)
        assert torch.equal(net.end(point)(identity(found[point])), found[LOGITS])


def test_direct_matching_finds_the_identity_between_a_network_and_itself(net):
    images, labels = random_images(count=100)
    found = net.representations(images.to(torch.float64))
    own = float((found[LOGITS].argmax(1) == labels).double().mean())
    for point in net.points:
        one = direct_match(found[point], found[point])
        assert residual(one(found[point]), found[point]) < 1e-20
        assert accuracy(one, found[point], net.end(point), labels) == own


def least_squares(source, target):
    """numpy's affine map of the rows: weight, bias."""
    rows, goals = (np.moveaxis(part.numpy(), 1, -1).reshape(-1, part.shape[1]) for part in (source, target))
    solution = np.linalg.lstsq(np.column_stack([rows, np.ones(len(rows))]), goals, rcond=None)[0]
    return solution[:-1].T, solution[-1]


@pytest.mark.parametrize(
    "images, source, target",
    [
        (50, (3, 2, 2), (5, 2, 2)),
        (50, (7, 2, 2), (2, 2, 2)),  # fewer channels than the target, and more
        (6, (20, 1, 1), (4, 1, 1)),
        (1, (3, 1, 1), (2, 1, 1)),
    ],
)  # fewer rows than unknowns
def test_direct_matching_is_numpy_s_least_squares(images, source, target):
    source, target = noise(images, *source), noise(images, *target, seed=1)
    one = direct_match(source, target)
    weight, bias = least_squares(source, target)
    np.testing.assert_allclose(one.weight.detach(), weight, atol=1e-10)
    np.testing.assert_allclose(one.bias.detach(), bias, atol=1e-10)


def test_of_several_best_maps_the_one_of_least_norm_is_taken():
    """Channels that are zero, constant, or the same twice leave the map open."""
    source = noise(40, 5, 2, 2)
    source[:, 1], source[:, 2], source[:, 3] = 0, 3, source[:, 0]
    target = noise(40, 2, 2, 2, seed=1)
    one = direct_match(source, target)
    weight, bias = least_squares(source, target)
    np.testing.assert_allclose(one.weight.detach(), weight, atol=1e-10)
    np.testing.assert_allclose(one.weight[:, 0].detach(), one.weight[:, 3].detach(), atol=1e-10)
    assert one.weight[:, 1].abs().max() < 1e-12
    np.testing.assert_allclose(
        one.weight[:, 2].detach(), 3 * one.bias.detach(), atol=1e-10
    )  # 3 for every 1 of the bias


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_channels_that_follow_from_others_up_to_rounding_change_nothing(scale):
    """In single precision three of seven channels are sums of the others but for the last bit: fitted to that bit, they
    would have weights of a million, and the rounding of the map would be seen."""
    own = scale * (noise(400, 4, 2, 2).float() + 1)
    sums = torch.einsum("oc,nchw->nohw", noise(3, 4, seed=1).float(), own)
    source, target = torch.cat([own, sums], dim=1), own[:, :1] + scale * noise(400, 5, 2, 2, seed=2).float()
    whole = direct_match(source[:100], target[:100])
    plain = direct_match(own[:100], target[:100])
    assert whole.weight.abs().max() < 10 and whole.weight.dtype == torch.float32
    torch.testing.assert_close(whole(source[100:]), plain(own[100:]), rtol=1e-4, atol=1e-4 * scale)


def test_the_source_is_resized_before_the_fit():
    source, target = noise(30, 3, 1, 1), noise(30, 4, 2, 2, seed=1)
    one = direct_match(source, target)
    other = direct_match(source.expand(30, 3, 2, 2), target)
    torch.testing.assert_close(one.weight, other.weight)
    torch.testing.assert_close(one.bias, other.bias)
    assert one(source).shape == target.shape


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_a_network_with_permuted_channels_is_recovered_exactly(stage):
    model = network(family="resnet-large", width=2)
    images, labels = random_images(count=300)
    channels = 2 * 2 ** (stage - 1)
    order = torch.randperm(channels, generator=torch.Generator().manual_seed(1))
    front, end = CutNetwork(permuted(model, stage, order).to(torch.float64)), CutNetwork(model.to(torch.float64))
    point = f"layer{stage}.0"
    source, target = (net.representations(images.to(torch.float64))[point] for net in (front, end))
    torch.testing.assert_close(source, target[:, order])  # the copy is what it should be
    one = direct_match(source[:100], target[:100])
    assert residual(one(source), target) < 1e-18
    own = float((end.representations(images.to(torch.float64))[LOGITS].argmax(1) == labels).double().mean())
    assert accuracy(one, source, end.end(point), labels) == own


def test_a_residual_is_zero_one_or_what_a_sum_says():
    target = noise(6, 3, 2, 2)
    assert residual(target, target) == 0 and residual(torch.zeros_like(target), target) == 1
    other = noise(6, 3, 2, 2, seed=1)
    expected = sum((a - b) ** 2 for a, b in zip(other.flatten().tolist(), target.flatten().tolist()))
    assert residual(other, target) == pytest.approx(expected / sum(b**2 for b in target.flatten().tolist()))


def test_networks_of_other_widths_depths_and_sizes_can_be_stitched():
    """From a deep one on larger images into a wide one: the channels, the layers and the maps may all differ."""
    front, end = CutNetwork(network(family="resnet-14", width=1)), CutNetwork(network(family="resnet-small", width=4))
    small, labels = random_images()
    large = torch.nn.functional.interpolate(small, size=(16, 16))
    source, target = front.representations(large)["stage3.1"], end.representations(small)["layer1.0"]
    assert source.shape == (12, 64, 4, 4) and target.shape == (12, 4, 4, 4)
    one = direct_match(source, target)
    assert one(source).shape == target.shape and len(hits(one, source, end.end("layer1.0"), labels)) == 12


def test_hits_do_not_depend_on_the_batches(net):
    images, labels = random_images(count=23)
    found = net.representations(images.to(torch.float64))
    one, end = direct_match(found["layer1.0"], found["layer2.0"]), net.end("layer2.0")
    whole = hits(one, found["layer1.0"], end, labels)
    assert whole.dtype == torch.bool and torch.equal(hits(one, found["layer1.0"], end, labels, 7), whole)
    assert accuracy(one, found["layer1.0"], end, labels) == float(whole.double().mean())


SOURCE, LABELS = noise(23, 2, 4, 4), torch.arange(23) % 10
BROKEN = torch.where(torch.arange(23)[:, None, None, None] == 3, torch.inf, SOURCE)


@pytest.mark.parametrize(
    "attempt, sentence",
    [
        (lambda end: direct_match(SOURCE, SOURCE[:22]), "both need the same images, at least one, not 23 and 22"),
        (lambda end: direct_match(SOURCE[:0], SOURCE[:0]), "the source must hold 1 image or more"),
        (lambda end: direct_match(SOURCE.flatten(1)[:, :8], SOURCE), r"the source must be \[images, channels, rows"),
        (lambda end: direct_match(SOURCE, BROKEN), "the target must be finite numbers"),
        (lambda end: direct_match(SOURCE.byte(), SOURCE), "the source must have floating-point numbers, not"),
        (lambda end: residual(SOURCE, SOURCE[:, :1]), "one shape, not .* and .*"),
        (lambda end: residual(BROKEN, SOURCE), "the mapped representation must be finite numbers"),
        (lambda end: residual(SOURCE, torch.zeros_like(SOURCE)), "zero everywhere"),
        (lambda end: hits(resized, SOURCE, end, LABELS), "the model stitch must be a torch.nn.Module, not a function"),
        (lambda end: hits(direct_match(SOURCE, SOURCE), SOURCE, end, LABELS[:1]), "23 images need as many labels, not"),
        (
            lambda end: hits(direct_match(SOURCE, SOURCE), SOURCE, end, LABELS[:, None]),
            r"labels must be class indices, whole numbers \[images\], not \[23, 1\]",
        ),
    ],
)
def test_what_cannot_be_matched_is_refused_in_a_sentence(net, attempt, sentence):
    with pytest.raises(ValueError, match=sentence):
        attempt(net.end("layer1.0"))
