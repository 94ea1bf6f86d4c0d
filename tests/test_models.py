"""The CNNs and ResNets: sizes by closed formulas, the released checkpoints, torchvision, and PyTorch's own draw."""

import multiprocessing

import pytest
import torch
import torchvision
from small_networks import randomised
from torch import nn
from torch.nn import functional as F

from lib import models

# Trainable parameters as quadratic polynomials of the width: k^2 and k, beside 8Ck + C.
FORMULAS = {"cnn-small": (378, 72), "cnn-large": (1143, 117), "resnet-small": (1212, 241), "resnet-large": (2724, 297)}


TABLE = {
    10: (39_330, 116_280, 124_420, 276_180),
    20: (154_250, 461_150, 491_230, 1_097_150),
    40: (610_890, 1_836_690, 1_952_050, 4_373_490),
    80: (2_431_370, 7_330_970, 7_782_490, 17_463_770),
    160: (9_701_130, 29_292_330, 31_078_570, 69_794_730),
}


CONVOLUTIONAL = tuple(FORMULAS)


def parameters(family, width, classes=10, **sizes):
    return models.count_parameters(family, width, num_classes=classes, **sizes)


@pytest.mark.parametrize("width", TABLE)
def test_parameter_count_is_that_of_the_table(width):
    assert tuple(parameters(family, width) for family in CONVOLUTIONAL) == TABLE[width]


@pytest.mark.parametrize("family", CONVOLUTIONAL)
def test_the_count_is_that_of_the_weights_there_are(family):
    model = models.build(family, 5, num_classes=3)
    assert parameters(family, 5, 3) == sum(parameter.numel() for parameter in model.parameters())
    assert all(parameter.requires_grad and parameter.device.type == "cpu" for parameter in model.parameters())


@pytest.mark.parametrize("family", CONVOLUTIONAL)
def test_weights_do_not_depend_on_the_image_size(family):
    names = [models.build(family, 2, image_size=size).state_dict().keys() for size in (1, 8, 32)]
    assert names[0] == names[1] == names[2]
    assert len({parameters(family, 3, image_size=size) for size in (1, 2, 3, 5, 8, 28, 64)}) == 1


@pytest.mark.parametrize("family", (*models.FAMILIES, "resnet-14", "plain-14"))
@pytest.mark.parametrize("channels, size", [(1, 1), (3, 2), (1, 3), (3, 5), (1, 8), (3, 28), (3, 32), (3, 64)])
def test_every_image_size_gives_one_finite_score_a_class(family, channels, size):
    model = models.build(family, 2, in_channels=channels, image_size=size, num_classes=7)
    scores = model(torch.randn(3, channels, size, size, generator=torch.Generator().manual_seed(0)))
    assert scores.shape == (3, 7) and scores.isfinite().all()


@pytest.mark.parametrize(
    "family, sizes",
    [
        ("cnn-small", [32, 32, 16, 8]),
        ("cnn-large", [32, 32, 32, 32, 16, 16, 8, 8]),
        ("resnet-small", [16] * 5 + [8] * 2 + [4] * 2 + [2] * 2),
        ("resnet-large", [16] * 5 + [8] * 4 + [4] * 4 + [2] * 4),
    ],
)
def test_maps_have_the_sizes_of_the_fact_sheet(family, sizes):
    model, seen = models.build(family, 2), []
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d) and "downsample" not in name:
            module.register_forward_hook(lambda _, __, output: seen.append(tuple(output.shape[-2:])))
    model.fc.register_forward_hook(lambda _, arguments, __: seen.append(tuple(arguments[0].shape)))
    model(torch.zeros(2, 3, 32, 32))
    assert seen == [(size, size) for size in sizes] + [(2, 16)]


@torch.no_grad()
@pytest.mark.parametrize("family, layout", [("cnn-small", "cc.c.c"), ("cnn-large", "cccc.cc.cc")])
def test_cnns_compute_what_the_fact_sheet_says(family, layout):
    """c: convolution, BatchNorm, ReLU; a point: max-pool 2; then max-pool 8 and the linear layer."""
    model = randomised(models.build(family, 2)).double().eval()
    weights = iter([value for name, value in model.state_dict().items() if "num_batches" not in name])
    x = images = torch.randn(3, 3, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for step in layout:
        if step == ".":
            x = F.max_pool2d(x, 2)
        else:
            x = F.conv2d(x, next(weights), next(weights), padding=1)
            scale, shift, mean, variance = (next(weights)[:, None, None] for _ in range(4))
            x = torch.relu((x - mean) / torch.sqrt(variance + 1e-5) * scale + shift)
    x = F.linear(F.max_pool2d(x, 8).flatten(1), next(weights), next(weights))
    torch.testing.assert_close(model(images), x, rtol=1e-10, atol=0)


@torch.no_grad()
def test_resnet_large_computes_what_torchvision_resnet18_without_max_pool_does():
    ours = randomised(models.build("resnet-large", 64, num_classes=11)).eval()
    theirs = torchvision.models.resnet18(num_classes=11).eval()
    theirs.maxpool = nn.Identity()
    theirs.load_state_dict(ours.state_dict())
    ours, theirs = ours.double(), theirs.double()
    for size in (32, 33, 64):
        images = torch.randn(2, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(size))
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-10, atol=0)


@torch.no_grad()
@pytest.mark.parametrize("width", [8, 12, 16, 20, 32, 40])
def test_released_checkpoints_load_strictly_and_tell_images_apart(released, width):
    model = models.build("cnn-small", width).eval()
    model.load_state_dict(torch.load(released[width], weights_only=True, map_location="cpu"), strict=True)
    scores = model(torch.randn(64, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert scores.shape == (64, 10) and scores.isfinite().all()
    assert scores.std(0).min() > 0.1 and scores.abs().max() < 100
    with pytest.raises(RuntimeError, match="size mismatch"):
        models.build("cnn-small", width + 1).load_state_dict(model.state_dict())


@pytest.mark.parametrize("family", CONVOLUTIONAL)
@pytest.mark.parametrize("seed", [0, 3])
def test_initialise_is_the_draw_of_pytorch_from_the_same_seed(family, seed):
    torch.manual_seed(seed)
    default = models.build(family, 3, in_channels=1, image_size=8).state_dict()
    drawn = models.initialise(
        randomised(models.build(family, 3, in_channels=1, image_size=8)), torch.Generator().manual_seed(seed)
    )
    for name, value in drawn.named_parameters():
        assert torch.equal(value, default[name]), name


def test_initialise_leaves_the_common_random_stream_alone():
    model, before = models.build("cnn-small", 2), torch.get_rng_state()
    models.initialise(model, torch.Generator().manual_seed(0))
    assert torch.equal(before, torch.get_rng_state())


def test_an_unknown_family_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="'cnn-smal'.*cnn-small, cnn-large, resnet-small, resnet-large"):
        models.build("cnn-smal", 4)


@pytest.mark.parametrize("name", ["width", "in_channels", "image_size", "num_classes"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True, "4", None])
def test_a_size_that_is_no_whole_number_above_zero_is_refused_by_name(name, value):
    sizes = {"width": 2, name: value}
    with pytest.raises(ValueError, match=f"^{name} must be a whole number of at least 1, not {value!r}$"):
        models.build("resnet-small", **sizes)


def gradients(network, images):
    network.zero_grad()
    network(images).square().sum().backward()
    return [parameter.grad.clone().double() for parameter in network.parameters()]


def check_gradients(family, width):
    """Of float32 as it is trained against plain float64."""
    rng = torch.Generator().manual_seed(0)
    network = models.initialise(models.build(family, width, image_size=16), rng).double()
    images = torch.randn(32, 3, 16, 16, generator=rng, dtype=torch.float64)
    exact = gradients(network, images)
    # A bias before BatchNorm has none: float32 leaves there what rounds away of the others.
    rounding = 1e-6 * max(gradient.norm() for gradient in exact)
    network = network.float().to(memory_format=torch.channels_last)
    images = images.float().contiguous(memory_format=torch.channels_last)
    for _ in range(5):
        for found, expected in zip(gradients(network, images), exact):
            # A unit within rounding of the kink of its ReLU passes all of its gradient in one precision, none in the other.
            assert (found - expected).norm() < 1e-2 * expected.norm() + rounding


@pytest.mark.parametrize("family, width", [("resnet-small", 3), ("resnet-small", 6), ("resnet-8", 3)])
def test_narrow_residual_networks_have_the_gradients_of_double_precision(family, width):
    """In a process of its own, because a faulty kernel may end it."""
    process = multiprocessing.get_context("fork").Process(target=check_gradients, args=(family, width))
    process.start()
    process.join()
    assert process.exitcode == 0
