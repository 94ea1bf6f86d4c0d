"""Taking input gradients: nothing of the model changes, nothing large is held, and what does not fit is refused."""

import copy

import pytest
import torch
from small_networks import network, random_images, slow_gradients
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

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


def test_a_hook_of_the_reader_runs(model):
    seen = []
    model.fc.register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
    images, labels = random_images(9)
    assert torch.equal(
        input_gradients(model, images, labels, batch_size=4), slow_gradients(model, images, labels, batch_size=4)
    )
    assert seen == 2 * [4, 4, 1]


class Storages(TorchDispatchMode):
    """The memory of every tensor that an operation returned and that is of `least` bytes or more."""

    def __init__(self, least):
        super().__init__()
        self.least, self.found = least, {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for one in tree_leaves(result):
            if isinstance(one, torch.Tensor) and one.untyped_storage().nbytes() >= self.least:
                self.found[one.untyped_storage().data_ptr()] = one.untyped_storage()  # kept: no address comes twice
        return result


@pytest.mark.parametrize("family", ["cnn-small", "resnet-small", "vit"])
def test_only_the_images_and_the_gradients_themselves_are_held_of_all_images(family):
    model, (images, labels) = network(family=family).train(), random_images(3000)
    with Storages(images.nbytes // 4) as storages:
        gradients = input_gradients(model, images, labels, batch_size=10)
    allowed = {images.untyped_storage().data_ptr(), gradients.untyped_storage().data_ptr()}
    assert set(storages.found) == allowed


@pytest.mark.parametrize("batch_size", [1, 4, 9, 100])
def test_the_batch_size_does_not_matter(model, batch_size):
    images, labels = random_images(9)
    whole = input_gradients(model, images, labels)
    gradients = input_gradients(model, images, labels, batch_size=batch_size)
    torch.testing.assert_close(gradients, whole, rtol=1e-5, atol=1e-6 * float(whole.abs().max()))


def test_other_images_do_not_change_an_image_s_gradient(model):
    """Given in train mode, where BatchNorm would couple them."""
    images, labels = random_images(6)
    before = input_gradients(model, images, labels)
    images[1:] *= 30
    assert torch.equal(input_gradients(model, images, labels)[0], before[0])
    assert not torch.equal(input_gradients(model, images, labels)[1], before[1])


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


def test_gradients_are_taken_also_where_they_are_switched_off(model):
    images, labels = random_images(3)
    with torch.no_grad():
        off = input_gradients(model, images, labels)
    assert torch.equal(off, input_gradients(model, images, labels)) and not off.requires_grad


def broken(images):
    return images.flatten(1) * float("nan")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"output": "logits"}, "unknown output 'logits'; the outputs are logit, probability, log-probability"),
        ({"labels": torch.zeros(2, dtype=int)}, "3 images need as many labels, not 2"),
        ({"labels": torch.tensor([0, 64, 1])}, "labels must be from 0 to 63, the model's classes, not 0 to 64"),
        ({"labels": torch.tensor([0, -1, 1])}, "labels must be from 0 on, not -1"),
        ({"model": nn.Identity()}, r"the model Identity returns \[3, 1, 8, 8\] for 3 images, a map and not \[images"),
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
