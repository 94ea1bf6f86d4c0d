"""Networks are cut into pieces whose composition is the network bit for bit, and stay untouched themselves."""

import pytest
import torch
from small_networks import fingerprint, network, random_images

from lib.models.cut_networks import LOGITS, CutNetwork

POINTS = {
    "resnet-small": ("layer1.0", "layer1.1", "layer2.0", "layer3.0", "layer4.0"),
    "resnet-large": tuple(f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1)),
    "resnet-14": tuple(f"stage{stage}.{block}" for stage in (1, 2, 3) for block in (0, 1)),
    "plain-8": ("stage1.0", "stage2.0", "stage3.0"),
    "vit": ("blocks.0", "blocks.1"),
    "vit-deep": tuple(f"blocks.{place}" for place in range(4)),
}


@pytest.mark.parametrize("family, points", POINTS.items())
def test_all_pieces_together_are_the_network_bit_for_bit(family, points):
    model, (images, _) = network(family=family), random_images()
    net = CutNetwork(model)
    assert net.points == points and list(net.pieces) == ["stem", *points, LOGITS]
    x = images
    for piece in net.pieces.values():
        x = piece(x)
    assert torch.equal(x, model(images))


@pytest.mark.parametrize("family", POINTS)
def test_stitched_to_itself_at_any_point_it_is_the_network_bit_for_bit(family):
    model, (images, _) = network(family=family), random_images()
    net = CutNetwork(model)
    found, expected = net.representations(images), model(images)
    assert list(found) == [*net.points, LOGITS] and torch.equal(found[LOGITS], expected)
    for point in net.points:
        assert torch.equal(net.end(point)(found[point]), expected)


def test_representations_are_what_hooks_see_whatever_the_batches():
    model, (images, _) = network(family="resnet-large"), random_images()
    seen = {}
    hook = model.layer2[1].register_forward_hook(lambda module, inputs, output: seen.update(here=output))
    model(images)
    hook.remove()
    for batch_size in (5, 12, 100):
        found = CutNetwork(model).representations(images, batch_size)["layer2.1"]
        torch.testing.assert_close(found, seen["here"], rtol=1e-5, atol=1e-6)
        assert not found.requires_grad


def test_the_network_is_not_touched_and_its_copy_is_frozen():
    model, (images, _) = network(family="resnet-large"), random_images()
    model.train()
    before = fingerprint(model)
    net = CutNetwork(model)
    net.representations(images)
    net.end("layer1.0")(torch.randn(3, 2, 4, 4))
    assert fingerprint(model) == before and model.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())
    for piece in net.pieces.values():
        assert not any(module.training for module in piece.modules())
        assert not any(parameter.requires_grad for parameter in piece.parameters())


@pytest.mark.parametrize(
    "point, sentence",
    [
        ("layer5.0", "no point 'layer5.0' to stitch at; did you mean 'layer"),
        ("logits", "the points are layer1.0, layer1.1"),
        ("stem", "no point 'stem'"),
        (3, "no point 3 to stitch at; the points are"),
    ],
)
def test_a_layer_that_does_not_exist_is_told_in_a_sentence(point, sentence):
    with pytest.raises(ValueError, match=sentence):
        CutNetwork(network(family="resnet-large")).end(point)


def test_networks_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="only residual networks .* and vision transformers .* not CNN;"):
        CutNetwork(network())


@pytest.mark.parametrize(
    "family, shape, sentence",
    [
        ("resnet-large", (2, 3, 8, 8), r"takes images \[images, 1, rows, columns\], not \[2, 3, 8, 8\]"),
        ("resnet-8", (2, 8, 8), r"\[images, channels, height, width\], not \[2, 8, 8\]"),
        ("vit", (2, 1, 16, 16), r"\[images, 1, 8, 8\], not \[2, 1, 16, 16\]"),
    ],
)
def test_images_that_do_not_fit_are_refused_in_a_sentence(family, shape, sentence):
    with pytest.raises(ValueError, match=sentence):
        CutNetwork(network(family=family)).representations(torch.zeros(shape))


def test_a_residual_network_takes_images_of_another_size():
    found = CutNetwork(network(family="resnet-large")).representations(torch.zeros(2, 1, 16, 16))
    assert found["layer1.0"].shape == (2, 2, 8, 8) and found[LOGITS].shape == (2, 4)


def test_a_batch_of_no_images_is_refused():
    with pytest.raises(ValueError, match="batch_size must be a whole number of at least 1, not 0"):
        CutNetwork(network(family="resnet-8")).representations(random_images()[0], 0)
