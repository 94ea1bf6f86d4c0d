"""A folded network is the same function, on maps small and large, and leaves the one it was made from alone."""

import copy

import pytest
import torch
from torch import nn

from lib.cut_networks import CutNetwork
from lib.folding import FoldedConvolution, folded
from small_networks import random_images, network

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
    quick = folded(network(family="resnet-large").train())
    assert not any(isinstance(module, nn.BatchNorm2d) and name != "bn1" for name, module in quick.named_modules())
    assert not any(module.training for module in quick.modules())
    assert not any(parameter.requires_grad for parameter in quick.parameters())


def test_only_small_maps_go_through_a_matrix():
    layer = FoldedConvolution(nn.Conv2d(2, 3, 3, padding=1)).requires_grad_(False)
    for size in (2, 4, 5):
        layer(torch.zeros(1, 2, size, size))
    assert {shape[1]: found is None for shape, found in layer.matrices.items()} == {2: False, 4: False, 5: True}
    wide = FoldedConvolution(nn.Conv2d(512, 512, 3, padding=1)).requires_grad_(False)
    assert wide(torch.zeros(1, 512, 4, 4)).shape == (1, 512, 4, 4) and set(wide.matrices.values()) == {None}
