"""A folded network is the same function, on maps small and large, and leaves the one it was made from alone."""

import copy

import pytest
import torch
from small_networks import network, random_images
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from lib.models.cut_networks import CutNetwork
from lib.models.folding import FoldedConvolution, folded

DOUBLE = torch.float64


@pytest.mark.parametrize("family, size", [
    *((family, size) for family in ("resnet-small", "resnet-large", "resnet-8", "plain-8") for size in (4, 8, 16)),
    ("cnn-small", 8), ("vit", 8)])
def test_it_is_the_same_function(family, size):
    model = network(family=family).to(DOUBLE)
    images = torch.randn(5, 1, size, size, dtype=DOUBLE, generator=torch.Generator().manual_seed(1))
    expected, state = model(images), copy.deepcopy(model.state_dict())
    torch.testing.assert_close(folded(model)(images), expected, rtol=1e-9, atol=1e-9)
    assert all(map(torch.equal, model.state_dict().values(), state.values()))
    assert not any(isinstance(module, FoldedConvolution) for module in model.modules())


def test_so_are_its_gradients():
    model = network(family="resnet-large").to(DOUBLE)
    net = CutNetwork(model)
    end, x = net.end("layer1.0"), net.representations(random_images()[0].to(DOUBLE))["layer1.0"]
    slow, fast = (torch.autograd.grad(one(leaf).square().sum(), leaf)[0]
                  for one, leaf in ((end, x.clone().requires_grad_()), (folded(end), x.clone().requires_grad_())))
    torch.testing.assert_close(fast, slow, rtol=1e-9, atol=1e-9)


def test_no_batch_norm_is_left_in_a_residual_network_and_nothing_takes_a_gradient():
    frozen = folded(network(family="resnet-large").train())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in frozen.modules())
    assert not any(module.training for module in frozen.modules())
    assert not any(parameter.requires_grad for parameter in frozen.parameters())


def test_only_small_maps_go_through_a_matrix():
    layer = FoldedConvolution(nn.Conv2d(2, 3, 3, padding=1)).requires_grad_(False)
    for size in (2, 4, 5):
        layer(torch.zeros(1, 2, size, size))
    assert {shape[1]: found is None for shape, found in layer.matrices.items()} == {2: False, 4: False, 5: True}
    wide = FoldedConvolution(nn.Conv2d(512, 512, 3, padding=1)).requires_grad_(False)
    assert wide(torch.zeros(1, 512, 4, 4)).shape == (1, 512, 4, 4) and set(wide.matrices.values()) == {None}


class Twice(nn.Sequential):
    """Uses the output of its convolution twice."""

    def forward(self, x):
        y = self[0](x)
        return y + self[1](y)


class Inside(nn.Module):
    """The same with a plain Sequential, whose children it calls itself."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return Twice.forward(self.layers, x)


def hooked():
    layer = nn.Conv2d(8, 6, 3)
    layer.register_forward_hook(lambda module, inputs, output: 2 * output)
    return layer


def normed(**options):
    """BatchNorm whose statistics are not the defaults."""
    norm = nn.BatchNorm2d(6, **options)
    if norm.running_mean is not None:
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    return norm


UNUSUAL = {
    "reflect": lambda: nn.Sequential(nn.Conv2d(8, 6, 3, padding=1, padding_mode="reflect"), normed()),
    "groups": lambda: nn.Sequential(nn.Conv2d(8, 6, 3, padding=1, groups=2), normed()),
    "weight norm": lambda: nn.Sequential(weight_norm(nn.Conv2d(8, 6, 3)), normed()),
    "hook": lambda: nn.Sequential(hooked(), normed()),
    "a forward of its own": lambda: Twice(nn.Conv2d(8, 6, 3), normed()),
    "children called by another": lambda: Inside(nn.Conv2d(8, 6, 3), normed()),
    "no running statistics": lambda: nn.Sequential(nn.Conv2d(8, 6, 3), normed(track_running_stats=False)),
    "no weights": lambda: nn.Sequential(nn.Conv2d(8, 6, 3), normed(affine=False)),
    "one convolution twice": lambda: nn.Sequential(*(same := [nn.Conv2d(6, 6, 3), normed()]), same[0], normed()),
    "pools": lambda: nn.Sequential(nn.Conv2d(8, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.MaxPool2d(2), nn.ReLU()),
}


@pytest.mark.parametrize("name", UNUSUAL)
@torch.no_grad()
def test_it_is_the_same_function_of_what_this_library_does_not_build(name):
    torch.manual_seed(0)
    model = UNUSUAL[name]().double().eval()
    images = torch.randn(5, 6 if name == "one convolution twice" else 8, 7, 7, dtype=DOUBLE)
    torch.testing.assert_close(folded(model)(images), model(images), rtol=1e-9, atol=1e-9)
