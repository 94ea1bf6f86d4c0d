"""Taking input gradients: nothing of the model changes, nothing large is held, and what does not fit is refused."""

import copy

import pytest
import torch
from small_networks import network, random_images, slow_gradients
from torch import nn

from lib import models
from lib.models import ClassScores
from lib.salience import input_gradients


@pytest.fixture(params=(*models.FAMILIES, "resnet-8", "plain-8"))
def model(request):
    return network(family=request.param).train()


@pytest.mark.parametrize(
    "wrap",
    [
        nn.Sequential,
        copy.deepcopy,
        lambda model: ClassScores("a", model),
        lambda model: (model.register_forward_hook(lambda *_: None), model)[1],
    ],
)
def test_what_is_not_a_network_of_ours_as_it_was_built_goes_the_plain_way_bit_for_bit(wrap):
    model, (images, labels) = wrap(network(family="vit").train()), random_images(9)
    assert torch.equal(
        input_gradients(model, images, labels, batch_size=4), slow_gradients(model, images, labels, batch_size=4)
    )


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_as_it_was(model, fails):
    model.fc.eval()  # a mixture of modes
    model.fc.weight.requires_grad_(False)
    modes = {name: module.training for name, module in model.named_modules()}
    state = {name: value.clone() for name, value in model.state_dict().items()}
    model.fc.bias.grad = kept = torch.ones_like(model.fc.bias)
    images, labels = random_images(6)
    if fails:
        with pytest.raises(ValueError):
            input_gradients(model, images, labels + 4)
    else:
        input_gradients(model, images, labels)
    assert {name: module.training for name, module in model.named_modules()} == modes
    assert all(parameter.grad is None for parameter in model.parameters() if parameter is not model.fc.bias)
    assert model.fc.bias.grad is kept and (kept == 1).all()
    assert not model.fc.weight.requires_grad and model.fc.bias.requires_grad
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert not images.requires_grad and images.grad is None


def broken(images):
    return images.flatten(1) * float("nan")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"output": "logits"}, "unknown output 'logits'; the outputs are logit, probability, log-probability"),
        ({"labels": torch.zeros(2, dtype=int)}, "3 images need as many labels, not 2"),
        ({"labels": torch.tensor([0, 64, 1])}, "labels must be from 0 to 63, the model's classes, not 0 to 64"),
        ({"labels": torch.tensor([0, -1, 1])}, "labels must be from 0 on, not -1"),
        (
            {"model": nn.Identity()},
            r"the model Identity returns \[3, 1, 8, 8\] for 3 images, a map and not \[images, classes\]",
        ),
        ({"model": nn.Flatten(0, 1)}, r"the model Flatten returns \[3, 8, 8\] for 3 images"),
        ({"model": type("Broken", (nn.Module,), {"forward": lambda _, images: broken(images)})()}, "not finite"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, not 0"),
        ({"batch_size": -1}, "batch_size must be a whole number of at least 1, not -1"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    usual = {"model": nn.Flatten(), "images": random_images(3)[0], "labels": torch.zeros(3, dtype=int)}
    with pytest.raises(ValueError, match=message):
        input_gradients(**(usual | arguments))
