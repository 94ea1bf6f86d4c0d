"""Training many networks at once is training each by itself, as the fact sheet (4.2) says."""

import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lib import data, models
from lib.training import trainer
from lib.training.specification import specify

SEEDS = range(4)


def learning_rate(specification, epoch):
    if specification.schedule == "cosine":
        return 0.5 * specification.learning_rate * (1 + math.cos(math.pi * epoch / specification.epochs))
    return specification.learning_rate / math.sqrt(epoch + 1)


def kernels(model):
    """The names of the weights of convolutions and linear layers."""
    return {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, (nn.Conv2d, nn.Linear))}


@torch.no_grad()
def step(model, velocity, rate, momentum, decay):
    """v = momentum v + gradient + decay w, w = w - rate v; the decay of kernels alone."""
    decaying = kernels(model)
    for name, weight in model.named_parameters():
        gradient = weight.grad + decay * weight if name in decaying else weight.grad
        velocity[name] = momentum * velocity.get(name, 0) + gradient
        weight -= rate * velocity[name]


def plain_loop(specification, seed, images):
    """One network trained in the plainest way there is: -> state dict, mean loss of each epoch, test loss."""
    model = models.initialise(specification.build(), specification.generator(seed, "weights")).double()
    order = specification.generator(seed, "order")
    losses, velocity = [], {}
    for epoch in range(specification.epochs):
        rate = learning_rate(specification, epoch)
        permutation, total = torch.randperm(len(images.train_labels), generator=order), 0.0
        for batch in permutation.split(specification.batch_size):
            loss = F.cross_entropy(model.train()(images.train_images[batch].double()), images.train_labels[batch])
            model.zero_grad()
            loss.backward()
            step(model, velocity, rate, specification.momentum, specification.weight_decay)
            total += loss.item() * len(batch)
        losses.append(total / len(permutation))
    with torch.no_grad():
        scores = model.eval()(images.test_images.double())
    return model.state_dict(), losses, F.cross_entropy(scores, images.test_labels).item(), scores


WIDE_AND_DEEP = {"schedule": "cosine", "momentum": 0.9, "weight_decay": 0.02, "learning_rate": 0.02}


@pytest.mark.parametrize(
    "family, width, recipe",
    [
        *((family, 2, {}) for family in models.FAMILIES),
        ("resnet-8", 1, WIDE_AND_DEEP),
        ("plain-8", 1, WIDE_AND_DEEP),
        ("vit", 2, {"weight_decay": 0.5}),
        ("cnn-small", 2, {"momentum": 0.5, "epochs": 3}),
    ],
)
def test_a_stack_trains_each_network_as_a_plain_loop_does(family, width, recipe, digits):
    recipe = {"epochs": 2, **recipe}
    specification = specify(digits, family, width, batch_size=25, precision="float64", **recipe)
    for network, seed in zip(trainer.train(specification, [3, 0, 7], digits), [3, 0, 7], strict=True):
        state, losses, test_loss, scores = plain_loop(specification, seed, digits)
        assert network.seed == seed and network.state.keys() == state.keys()
        for name, value in state.items():
            torch.testing.assert_close(network.state[name], value, rtol=1e-10, atol=1e-10, msg=name)
        assert network.train_loss == pytest.approx(losses, rel=1e-5)
        assert network.test_loss[-1] == pytest.approx(test_loss, rel=1e-5)
        hits = (scores.argmax(1) == digits.test_labels).double().mean().item()
        assert network.test_accuracy[-1] == pytest.approx(hits, rel=1e-6)


def test_momentum_is_that_of_pytorch(tiny, digits):
    """One network and one batch an epoch: the trainer's steps are those of torch.optim.SGD."""
    recipe = {"momentum": 0.9, "learning_rate": 0.05, "epochs": 4, "batch_size": 60, "precision": "float64"}
    specification = dataclasses.replace(tiny, **recipe)
    (network,) = trainer.train(specification, [0], digits)
    model = models.initialise(specification.build(), specification.generator(0, "weights")).double()
    optimiser = torch.optim.SGD(model.parameters(), lr=1, momentum=0.9)
    for epoch in range(4):
        optimiser.param_groups[0]["lr"] = 0.05 / math.sqrt(epoch + 1)
        optimiser.zero_grad()
        F.cross_entropy(model.train()(digits.train_images.double()), digits.train_labels).backward()
        optimiser.step()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(network.state[name], value, rtol=1e-9, atol=1e-9, msg=name)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("family", ["resnet-8", "vit"])
def test_weight_decay_reaches_the_kernels_and_nothing_else(digits, family, optimiser):
    """After one step from the same weights."""
    recipe = {"epochs": 1, "batch_size": 60, "precision": "float64", "optimiser": optimiser, "learning_rate": 0.01}
    plain, decayed = (
        trainer.train(specify(digits, family, 2, weight_decay=decay, **recipe), [0, 1], digits) for decay in (0.0, 0.5)
    )
    model = models.build(family, 2, in_channels=1, image_size=8)
    trainable = {name for name, _ in model.named_parameters()}
    for a, b in zip(plain, decayed):
        changed = {name for name in trainable if not torch.equal(a.state[name], b.state[name])}
        assert changed == kernels(model) and changed < trainable


def test_networks_learn_the_digits():
    images = data.load("digits")
    for network in trainer.train(specify(images, "cnn-small", 4, epochs=3), SEEDS, images):
        assert network.finite
        assert network.train_loss[0] > network.train_loss[1] > network.train_loss[2]
        assert network.train_loss[0] < 2 * math.log(10)
        assert network.test_accuracy[-1] > 0.8 and network.train_accuracy[-1] > 0.8


@pytest.mark.parametrize(
    "schedule, epochs, tested", [("inverse-sqrt", 1, [1]), ("inverse-sqrt", 7, [1, 2, 5, 7]), ("cosine", 7, [7])]
)
def test_training_curves_have_an_entry_an_epoch_and_the_test_one_a_snapshot(schedule, epochs, tested, digits):
    specification = specify(digits, "cnn-small", 1, epochs=epochs, schedule=schedule)
    network = trainer.train(specification, [0], digits)[0]
    assert len(network.train_loss) == len(network.train_accuracy) == len(network.arithmetic) == network.epochs == epochs
    assert network.test_epochs == tested and len(network.test_loss) == len(network.test_accuracy) == len(tested)
    assert all(0 <= accuracy <= 1 for accuracy in network.train_accuracy + network.test_accuracy)


def test_the_test_set_is_scored_whole_also_when_it_is_longer_than_a_batch(tiny, digits, tiny_networks, monkeypatch):
    monkeypatch.setattr(trainer, "TEST_BATCH", 7)
    for network, usual in zip(trainer.train(tiny, SEEDS, digits), tiny_networks):
        assert network.test_loss == pytest.approx(usual.test_loss, rel=1e-5)
        assert network.test_accuracy == usual.test_accuracy


def test_seeds_give_other_networks_and_one_seed_the_same(tiny, digits, tiny_networks):
    again = trainer.train(tiny, SEEDS, digits)
    for a in SEEDS:
        for b in SEEDS:
            same = [
                torch.equal(tiny_networks[a].state[name], value)
                for name, value in again[b].state.items()
                if name.endswith("weight")
            ]
            assert all(same) if a == b else not any(same)


def test_bfloat16_is_another_key_and_another_network_with_float32_weights(tiny, digits, tiny_networks):
    mixed = dataclasses.replace(tiny, precision="bfloat16")
    network = trainer.train(mixed, SEEDS, digits)[0]
    assert mixed.key != tiny.key and network.finite
    for name, value in tiny_networks[0].state.items():
        assert network.state[name].dtype == value.dtype
    assert not torch.equal(network.state["fc.weight"], tiny_networks[0].state["fc.weight"])
    torch.testing.assert_close(network.state["fc.weight"], tiny_networks[0].state["fc.weight"], rtol=0, atol=0.1)


def test_a_loss_that_overflows_makes_a_network_not_finite(tiny, digits, tiny_networks):
    wild = dataclasses.replace(tiny, learning_rate=1e30)
    assert not any(network.finite for network in trainer.train(wild, SEEDS, digits))
    assert all(network.finite for network in tiny_networks)
    for curve in ("train_loss", "test_loss"):
        for value in (math.nan, math.inf):
            assert not dataclasses.replace(tiny_networks[0], **{curve: [1.0, value]}).finite


def test_mixed_training_of_the_fused_modules_is_that_of_the_plain_ones(tiny, digits, monkeypatch):
    """In float32 and for one step: later, a ReLU that rounding tips over makes other networks of both.

    tests/test_fused.py has double precision and many steps.
    """
    monkeypatch.setattr(trainer.arithmetic, "used", lambda precision, device: "float32")
    for family in ("cnn-small", "resnet-small"):
        plain = dataclasses.replace(tiny, family=family, batch_size=60, epochs=1)
        mixed = dataclasses.replace(plain, precision="mixed")
        for seeds in ([0, 1], [2]):
            for a, b in zip(trainer.train(plain, seeds, digits), trainer.train(mixed, seeds, digits), strict=True):
                assert b.arithmetic == ["float32"] and b.train_loss == pytest.approx(a.train_loss, rel=1e-5)
                for name, value in a.state.items():
                    torch.testing.assert_close(b.state[name], value, rtol=1e-3, atol=1e-4, msg=name)
