"""A stack of networks is nothing but its networks side by side."""

import pytest
import torch
from torch import nn

from lib import models
from lib.models.stacking import StackedLinear, stack, stack_images, unstack

MODELS, IMAGES, CLASSES = 3, 5, 4
FAMILIES = (*models.FAMILIES, "resnet-8", "plain-8")


def networks(family, count=MODELS, size=8):
    """Different float64 networks, running statistics included."""
    made = []
    for seed in range(count):
        generator = torch.Generator().manual_seed(seed)
        network = models.build(family, 2, image_size=size, num_classes=CLASSES).double()
        for value in network.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape, generator=generator, dtype=value.dtype) * 0.4 - 0.1)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_var.abs_()
        made.append(network)
    return made


def batches(count=MODELS, size=8):
    return torch.randn(count, IMAGES, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(9))


def split(scores, count=MODELS):
    return scores.view(len(scores), count, -1).unbind(1)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("size", [5, 8])
def test_each_network_of_a_stack_gives_what_it_gives_alone(family, training, size):
    alone, inputs = networks(family, size=size), batches(size=size)
    # Copies: in train mode a forward pass moves the running statistics.
    stacked = stack(alone).train(training)
    together = split(stacked(stack_images(inputs)))
    for network, images, scores in zip(alone, inputs, together):
        torch.testing.assert_close(scores, network.train(training)(images), rtol=1e-12, atol=1e-12)
    for network, state in zip(alone, unstack(stacked, MODELS)):
        for name, value in network.state_dict().items():
            torch.testing.assert_close(state[name], value, rtol=1e-12, atol=1e-12, msg=name)


@pytest.mark.parametrize("training", [False, True])
def test_a_stack_is_in_the_mode_of_its_networks(training):
    stacked = stack([network.train(training) for network in networks("resnet-small")])
    assert {module.training for module in stacked.modules()} == {training}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_unstack_gives_back_what_was_stacked_bit_for_bit(family, count):
    alone = networks(family, count)
    for network, state in zip(alone, unstack(stack(alone), count), strict=True):
        assert state.keys() == network.state_dict().keys()
        for name, value in network.state_dict().items():
            assert torch.equal(state[name], value) and state[name].dtype == value.dtype, name
            assert state[name].is_contiguous(), name


def test_stacking_and_unstacking_copy():
    alone = networks("cnn-small")
    stacked = stack(alone)
    states = unstack(stacked, MODELS)
    with torch.no_grad():
        stacked.fc.bias.zero_()
    assert all(network.fc.bias.abs().min() > 0 for network in alone)
    assert all(state["fc.bias"].abs().min() > 0 for state in states)
    assert alone[0].fc.weight.shape == (CLASSES, 16), "the first network itself was widened"


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_of_a_stack_are_those_of_each_network(family):
    alone, inputs = networks(family), batches()
    stacked = stack(alone)
    stacked(stack_images(inputs)).square().sum().backward()
    for m, (network, images) in enumerate(zip(alone, inputs)):
        network(images).square().sum().backward()
        for (name, own), wide in zip(network.named_parameters(), stacked.parameters(), strict=True):
            gradient = wide.grad.chunk(MODELS)[m]
            torch.testing.assert_close(gradient, own.grad, rtol=1e-9, atol=1e-9, msg=name)


@pytest.mark.parametrize("family", FAMILIES)
def test_broken_weights_of_one_network_reach_no_other(family):
    def scores_and_gradients(broken):
        alone = networks(family)
        if broken:
            with torch.no_grad():
                for parameter in alone[1].parameters():
                    parameter.fill_(float("nan"))
        stacked = stack(alone)
        scores = stacked(stack_images(batches()))
        scores.square().sum().backward()
        return split(scores), [parameter.grad.chunk(MODELS) for parameter in stacked.parameters()]

    (scores, gradients), (whole_scores, whole_gradients) = scores_and_gradients(True), scores_and_gradients(False)
    assert scores[1].isnan().all()
    for m in (0, 2):
        assert torch.equal(scores[m], whole_scores[m]) and scores[m].isfinite().all()
        assert all(torch.equal(a[m], b[m]) for a, b in zip(gradients, whole_gradients))


def test_a_stack_keeps_the_epsilon_and_the_momentum_of_batchnorm():
    class Other(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm2d(2, eps=0.5, momentum=0.3).double()

        def forward(self, x):
            return self.norm(x)

    alone = [Other() for _ in range(MODELS)]
    inputs = torch.cat([batches()[..., :1, :, :], 3 * batches()[..., :1, :, :]], dim=2)  # [models, images, 2, 8, 8]
    stacked = stack(alone)
    together = stacked(stack_images(inputs)).chunk(MODELS, dim=1)
    for network, images, scores, state in zip(alone, inputs, together, unstack(stacked, MODELS)):
        torch.testing.assert_close(scores, network(images), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(state["norm.running_var"], network.norm.running_var, rtol=1e-12, atol=0)
    assert (stacked.norm.eps, stacked.norm.momentum) == (0.5, 0.3)


def test_the_order_of_a_stack_matters():
    alone, inputs = networks("cnn-small"), stack_images(batches())
    a, b = stack(alone)(inputs), stack(alone[::-1])(inputs)
    assert not torch.allclose(a, b)


def test_stacked_images_keep_each_network_its_own_batch():
    inputs = batches()
    stacked = stack_images(inputs)
    assert stacked.shape == (IMAGES, MODELS * 3, 8, 8)
    for m in range(MODELS):
        assert torch.equal(stacked[:, 3 * m : 3 * m + 3], inputs[m])


def test_stacked_linear_is_one_product_a_network():
    layer = StackedLinear(2, 3, 4).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    x = torch.randn(5, 6, dtype=torch.float64, generator=generator)
    block = torch.block_diag(layer.weight[:4], layer.weight[4:])
    torch.testing.assert_close(layer(x), x @ block.T + layer.bias, rtol=1e-12, atol=1e-12)
