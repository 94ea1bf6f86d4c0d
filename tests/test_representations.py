"""Activations are what the network computes, and looking at them leaves no trace."""

import numpy as np
import pytest
import torch
from small_networks import network, random_images
from torch import nn
from torch.nn import functional as F

from lib.models import ModelError
from lib.models.representations import activations, block_points, check_points, representation

KINDS = ("resnet-8", "plain-8", "resnet-small")


class Branched(nn.Module):
    """Its ReLU writes into the memory of the layer before; it can use that layer twice, or fail."""

    def __init__(self, uses=1, fails=False):
        super().__init__()
        self.scale, self.relu, self.fc = nn.Linear(64, 4, bias=False), nn.ReLU(inplace=True), nn.Linear(4, 4)
        self.unused = nn.Identity()
        self.uses, self.fails = uses, fails

    def forward(self, images):
        for _ in range(self.uses):
            hidden = self.scale(images.flatten(1))
        if self.fails:
            raise RuntimeError("broken inside")
        return self.fc(self.relu(hidden))


def state(model):
    """All that may not change: weights, buffers, gradients, modes and hooks."""
    modules = list(model.modules())
    return (
        [value.clone() for value in model.state_dict().values()],
        [None if parameter.grad is None else parameter.grad.clone() for parameter in model.parameters()],
        [module.training for module in modules],
        [len(module._forward_hooks) for module in modules],
    )


def assert_same(before, after):
    for old, new in zip(before[0] + before[1], after[0] + after[1], strict=True):
        assert old is new is None or torch.equal(old, new)
    assert before[2:] == after[2:]
    assert not any(after[3])


def half_training(model):
    """A network with gradients, and modules in both modes."""
    model.train()
    model(random_images(4)[0]).sum().backward()
    next(model.children()).eval()
    return model


@torch.no_grad()
@pytest.mark.parametrize("family", ["resnet-8", "plain-8"])
def test_values_are_those_of_a_forward_pass_by_hand(family):
    model, images = network(family=family, width=1), random_images()[0]
    x = F.relu(model.stem[1](model.stem[0](images)))
    expected = {"stem": x}
    for name in ("stage1.0", "stage2.0", "stage3.0"):
        block = model.get_submodule(name)
        branch = block.bn2(block.conv2(F.relu(block.bn1(block.conv1(x)))))
        if family == "resnet-8":
            branch = branch + (x if name == "stage1.0" else block.shortcut(x[..., ::2, ::2]))
        x = expected[name] = F.relu(branch)
    expected["fc"] = model.fc(x.mean((2, 3)))
    assert block_points(model) == tuple(expected)
    (found,) = activations(model, images, block_points(model))
    assert list(found) == list(expected)
    for point, value in expected.items():
        torch.testing.assert_close(found[point], value, rtol=1e-6, atol=1e-6, msg=point)
    assert torch.equal(found["fc"], model(images))


@torch.no_grad()
def test_points_of_the_other_kind_of_residual_network_are_after_the_relu_too():
    model, images = network(family="resnet-small"), random_images()[0]
    assert block_points(model) == ("relu1", "layer1.0", "layer1.1", "layer2.0", "layer3.0", "layer4.0", "fc")
    (found,) = activations(model, images, block_points(model))
    x = F.relu(model.bn1(model.conv1(images)))
    assert torch.equal(found["relu1"], x)
    for name in block_points(model)[1:-1]:
        block = model.get_submodule(name)
        branch = block.bn2(block.conv2(F.relu(block.bn1(block.conv1(x)))))
        x = F.relu(branch + block.downsample(x[..., :: block.stride, :: block.stride]))
        torch.testing.assert_close(found[name], x, rtol=1e-6, atol=1e-6, msg=name)
        assert (found[name] == 0).any() and (found[name] >= 0).all()


@pytest.mark.parametrize("batch_size", [1, 5, 12, 100])
def test_batch_after_batch_gives_what_all_images_at_once_give(batch_size):
    model, images = network(family="resnet-8"), random_images(12)[0]
    whole = representation(model, images, block_points(model))
    parts = list(activations(model, images, block_points(model), batch_size=batch_size))
    assert [len(part["fc"]) for part in parts] == [len(part) for part in images.split(batch_size)]
    for point, rows in whole.items():
        assert rows.dtype == np.float32 and rows.shape == (12, parts[0][point][0].numel())
        joined = np.concatenate([part[point].flatten(1) for part in parts])
        np.testing.assert_allclose(joined, rows, rtol=1e-4, atol=1e-5)
    again = representation(model, images, block_points(model), batch_size=batch_size)
    for point, rows in whole.items():
        np.testing.assert_allclose(again[point], rows, rtol=1e-4, atol=1e-5)


def test_images_do_not_see_each_other():
    """Eval mode: with a network left in train mode too."""
    model, images = network(family="resnet-8"), random_images(12)[0]
    other = torch.cat([images[:4], 100 * images[4:]])
    for point, rows in representation(model.train(), images, block_points(model)).items():
        changed = representation(model, other, block_points(model))[point]
        np.testing.assert_allclose(changed[:4], rows[:4], rtol=1e-4, atol=1e-5)
        assert not np.allclose(changed[4:], rows[4:])


@pytest.mark.parametrize("family", KINDS)
def test_the_network_is_left_as_it_was_between_batches_and_afterwards(family):
    model = half_training(network(family=family))
    before = state(model)
    for found in activations(model, random_images()[0], block_points(model), batch_size=5):
        assert_same(before, state(model))
        assert not any(value.requires_grad for value in found.values())
    assert_same(before, state(model))
    assert torch.is_grad_enabled()


def test_an_error_in_what_uses_the_activations_leaves_no_trace():
    model = half_training(network(family="resnet-8"))
    before = state(model)
    with pytest.raises(ZeroDivisionError):
        for _ in activations(model, random_images()[0], block_points(model), batch_size=5):
            1 / 0
    assert_same(before, state(model))
    with pytest.raises(ZeroDivisionError):
        next(activations(model, random_images()[0], block_points(model), of=lambda output: 1 / 0))
    assert_same(before, state(model))


def test_an_error_inside_the_network_leaves_no_trace():
    model = Branched(fails=True).train()
    before = state(model)
    with pytest.raises(ModelError, match=r"^the model Branched fails .*: RuntimeError: broken inside$"):
        next(activations(model, random_images()[0], ["scale", "fc"]))
    assert_same(before, state(model))


def test_a_module_that_writes_into_the_memory_of_a_point_does_not_reach_it():
    model, images = Branched(), random_images()[0]
    found = representation(model, images, ["scale", "relu"])
    with torch.no_grad():
        scale = (images.flatten(1) @ model.scale.weight.T).numpy()
    np.testing.assert_allclose(found["scale"], scale, rtol=1e-4, atol=1e-5)
    assert (found["scale"] < 0).any()
    np.testing.assert_allclose(found["relu"], np.maximum(scale, 0), rtol=1e-4, atol=1e-5)


def test_what_is_kept_of_an_output_is_made_of_the_output():
    model, images = Branched(), random_images()[0]
    (whole,) = activations(model, images, ["scale"])
    (sums,) = activations(model, images, ["scale"], of=lambda output: output.sum(1))
    assert torch.equal(sums["scale"], whole["scale"].sum(1))


@pytest.mark.parametrize(
    "points, message",
    [
        (["stam"], r"^CifarResNet has no layer 'stam'; did you mean 'stem'\? the layers are stem, stem.0, .*, \.\.\.$"),
        (["stem", "zzz"], "^CifarResNet has no layer 'zzz'; the layers are stem, stem.0, "),
        ([""], "^CifarResNet has no layer ''; the layers are stem"),
        ("fc", "^points must be a list of the names of layers, not 'fc'$"),
        ([], r"^points must be one or more different layers, not \[\]$"),
        (["fc", "stem", "fc"], r"^points must be one or more different layers, not \['fc', 'stem', 'fc'\]$"),
    ],
)
def test_points_that_are_not_there_are_refused_in_one_sentence(points, message):
    """Before any batch is asked for."""
    model = network(family="resnet-14")
    for refuse in (check_points, lambda model, points: activations(model, random_images()[0], points)):
        with pytest.raises(ValueError, match=message) as caught:
            refuse(model, points)
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 450


@pytest.mark.parametrize("uses, point, times", [(1, "unused", 0), (2, "scale", 2)])
def test_a_point_that_is_not_computed_once_is_refused(uses, point, times):
    message = f"^a point must be computed once, and the network computes '{point}' {times} times$"
    with pytest.raises(ValueError, match=message):
        next(activations(Branched(uses), random_images()[0], ["fc", point]))


def test_a_batch_size_below_one_is_refused_before_any_work():
    model = network(family="resnet-8")
    with pytest.raises(ValueError, match="^batch_size must be a whole number of at least 1, not 0$"):
        activations(model, random_images()[0], block_points(model), batch_size=0)


def test_a_network_without_residual_blocks_must_be_told_its_points():
    with pytest.raises(ValueError, match="^CNN has no residual blocks of this library's or torchvision's ResNets;"):
        block_points(network(family="cnn-small"))
    (found,) = activations(network(family="cnn-small"), random_images()[0], ["backbone.2", "fc"])
    assert found["fc"].shape == (12, 4)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated")
@pytest.mark.parametrize(
    "layer, sentence",
    [
        (nn.MultiheadAttention(8, 2), "the layer '0' returns a tuple, and a point must be one tensor"),
        (torch.jit.script(nn.Linear(8, 8)), "layers of a TorchScript cannot be read"),
        (nn.Flatten(0, 1), r"the layer '0' returns \[24, 8, 8\] for 12 images, and a point needs the images first"),
    ],
)
def test_layers_that_are_no_representation_of_images_are_refused(layer, sentence):
    class Model(nn.Sequential):
        def forward(self, x):
            return self[0](*[x[:, 0]] * 3) if isinstance(self[0], nn.MultiheadAttention) else self[0](x)

    with pytest.raises(ValueError, match=sentence):
        representation(Model(layer), random_images(12, 2)[0], ["0"])
