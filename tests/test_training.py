"""Training many networks at once is training each by itself, as the fact sheet (4.2) says."""

import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lib import data, models
from lib.training import networks_together, trainer
from lib.training.specification import RECIPE, SNAPSHOTS, specify

SEEDS = range(4)


@pytest.fixture(scope="module")
def trained(tiny, digits):
    return trainer.train(tiny, SEEDS, digits)


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


@pytest.mark.parametrize("epochs", [1, 2, 40])
def test_the_cosine_falls_from_the_learning_rate_towards_zero(tiny, epochs):
    """Fact sheet 2.1; half way it is a half, and two epochs as far from either end add up to the whole."""
    specification = dataclasses.replace(tiny, schedule="cosine", learning_rate=0.3, epochs=epochs)
    rates = [specification.learning_rate_of(epoch) for epoch in range(epochs)]
    assert rates[0] == 0.3 and min(rates) > 0 and rates == sorted(rates, reverse=True)
    if epochs > 1:
        assert rates[epochs // 2] == pytest.approx(0.15)
    assert [a + b for a, b in zip(rates[1:], rates[:0:-1])] == pytest.approx([0.3] * (epochs - 1))


def test_the_inverse_root_is_that_of_the_number_of_the_epoch(tiny):
    specification = dataclasses.replace(tiny, learning_rate=0.3)
    assert [specification.learning_rate_of(epoch) for epoch in (0, 3, 8)] == pytest.approx([0.3, 0.15, 0.1])


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


def test_the_test_set_is_scored_whole_also_when_it_is_longer_than_a_batch(tiny, digits, trained, monkeypatch):
    monkeypatch.setattr(trainer, "TEST_BATCH", 7)
    for network, usual in zip(trainer.train(tiny, SEEDS, digits), trained):
        assert network.test_loss == pytest.approx(usual.test_loss, rel=1e-5)
        assert network.test_accuracy == usual.test_accuracy


def test_seeds_give_other_networks_and_one_seed_the_same(tiny, digits, trained):
    again = trainer.train(tiny, SEEDS, digits)
    for a in SEEDS:
        for b in SEEDS:
            same = [
                torch.equal(trained[a].state[name], value)
                for name, value in again[b].state.items()
                if name.endswith("weight")
            ]
            assert all(same) if a == b else not any(same)


def test_bfloat16_is_another_key_and_another_network_with_float32_weights(tiny, digits, trained):
    mixed = dataclasses.replace(tiny, precision="bfloat16")
    network = trainer.train(mixed, SEEDS, digits)[0]
    assert mixed.key != tiny.key and network.finite
    for name, value in trained[0].state.items():
        assert network.state[name].dtype == value.dtype
    assert not torch.equal(network.state["fc.weight"], trained[0].state["fc.weight"])
    torch.testing.assert_close(network.state["fc.weight"], trained[0].state["fc.weight"], rtol=0, atol=0.1)


def test_a_loss_that_overflows_makes_a_network_not_finite(tiny, digits, trained):
    wild = dataclasses.replace(tiny, learning_rate=1e30)
    assert not any(network.finite for network in trainer.train(wild, SEEDS, digits))
    assert all(network.finite for network in trained)
    for curve in ("train_loss", "test_loss"):
        for value in (math.nan, math.inf):
            assert not dataclasses.replace(trained[0], **{curve: [1.0, value]}).finite


def test_company_depends_on_the_specification_alone_and_divides_evenly(digits):
    sizes = [networks_together(specify(digits, "cnn-small", width)) for width in (1, 2, 8, 9, 32, 33, 128)]
    assert sizes == sorted(sizes, reverse=True) and {4 % size for size in sizes} == {0}


CHANGES = {
    "family": "cnn-large",
    "width": 3,
    "dataset": "other",
    "n_train": 61,
    "train_digest": "0",
    "in_channels": 3,
    "image_size": 9,
    "num_classes": 11,
    "learning_rate": 0.2,
    "batch_size": 26,
    "optimiser": "adam",
    "precision": "float64",
    "schedule": "cosine",
    "momentum": 0.1,
    "weight_decay": 0.1,
    "control": "same-order",
    "recipe": 0,
}


OUTSIDE = {"epochs": 3, "n_test": 21, "test_digest": "0", "data_seed": 1, "source": "elsewhere", "data_root": "/"}


def test_every_field_enters_the_key_but_for_length_evaluation_and_place(tiny):
    assert {*CHANGES, *OUTSIDE} == {field.name for field in dataclasses.fields(tiny)}
    keys = {dataclasses.replace(tiny, **{name: value}).key for name, value in CHANGES.items()} | {tiny.key}
    assert len(keys) == len(CHANGES) + 1
    assert {dataclasses.replace(tiny, **{name: value}).key for name, value in OUTSIDE.items()} == {tiny.key}


def test_a_schedule_that_knows_its_end_has_its_length_in_the_key(tiny):
    keys = {dataclasses.replace(tiny, schedule="cosine", epochs=epochs).key for epochs in (2, 3, 10)}
    assert len(keys) == 3


def test_the_seed_of_the_data_counts_where_it_shuffles_the_labels(tiny):
    keys = {dataclasses.replace(tiny, control="random-labels", data_seed=seed).key for seed in (0, 1)}
    assert len(keys) == 2


@pytest.mark.parametrize(
    "epochs, kept", [(1, (1,)), (3, (1, 2, 3)), (20, (1, 2, 5, 10, 20)), (60, (*SNAPSHOTS[:-1], 60))]
)
def test_snapshots_are_the_usual_ones_and_what_is_asked_for(tiny, epochs, kept):
    assert dataclasses.replace(tiny, epochs=epochs).snapshots == kept
    assert dataclasses.replace(tiny, epochs=epochs, schedule="cosine").snapshots == (epochs,)


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"momentum": 0.9},
        {"optimiser": "adam", "learning_rate": 0.01},
        {"schedule": "cosine"},
        {"precision": "bfloat16"},
        {"precision": "float64"},
    ],
)
@pytest.mark.parametrize("stop", [1, 3])
def test_a_training_that_stops_and_goes_on_is_the_one_that_went_through(tiny, digits, recipe, stop):
    """Bit for bit: weights, buffers of the optimiser, random streams and curves."""
    whole = dataclasses.replace(tiny, epochs=4, **recipe)
    seen = []
    through = trainer.train(whole, SEEDS, digits, keep=seen.append)
    assert [networks[0].epochs for networks in seen] == [1, 2, 3, 4]
    again = trainer.train(whole, SEEDS, digits, start=seen[stop - 1])
    for a, b in zip(through, again, strict=True):
        assert a.state.keys() == b.state.keys() and a.resume.keys() == b.resume.keys()
        assert all(torch.equal(a.state[name], b.state[name]) for name in a.state)
        assert all(torch.equal(a.resume[name], b.resume[name]) for name in a.resume)
        assert (a.train_loss, a.train_accuracy, a.test_loss) == (b.train_loss, b.train_accuracy, b.test_loss)


def test_a_network_after_some_epochs_of_a_longer_training_is_that_of_the_shorter_one(tiny, digits):
    seen = []
    trainer.train(dataclasses.replace(tiny, epochs=5), SEEDS, digits, keep=seen.append)
    for long, short in zip(seen[1], trainer.train(tiny, SEEDS, digits), strict=True):
        assert all(torch.equal(long.state[name], short.state[name]) for name in long.state)


def test_going_on_from_the_end_evaluates_and_changes_nothing(tiny, digits, trained):
    unseen = [dataclasses.replace(one, test_epochs=[], test_loss=[], test_accuracy=[]) for one in trained]
    for again, first in zip(trainer.train(tiny, SEEDS, digits, start=unseen), trained, strict=True):
        assert again.test_epochs == [2] and again.test_loss == first.test_loss[-1:]
        assert all(torch.equal(again.state[name], first.state[name]) for name in first.state)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"family": "vgg"}, "unknown family 'vgg'; the families are cnn-small, "),
        ({"width": 0}, "width must be a whole number of at least 1, not 0"),
        ({"epochs": 1.5}, "epochs must be a whole number of at least 1, not 1.5"),
        ({"n_train": 51, "batch_size": 25}, "n_train 51 with batch_size 25 leaves a batch of one image"),
        ({"batch_size": 1}, "leaves a batch of one image"),
        ({"batch_size": -1}, "batch_size must be a whole number of at least 1, not -1"),
        ({"learning_rate": 0.0}, "learning_rate must be .*above 0, not 0.0"),
        ({"learning_rate": math.nan}, "learning_rate must be .*above 0, not nan"),
        ({"learning_rate": math.inf}, "learning_rate must be .*above 0, not inf"),
        (
            {"control": "no-labels"},
            "unknown control 'no-labels'; the controls are none, random-labels, same-weights, same-order, labels-25, ",
        ),
        ({"optimiser": "lion"}, "unknown optimiser 'lion'; the optimisers are sgd, adam"),
        ({"schedule": "step"}, "unknown schedule 'step'; the schedules are inverse-sqrt, cosine"),
        ({"schedule": ["cosine"]}, "unknown schedule .'cosine'.; the schedules are inverse-sqrt, cosine"),
        ({"momentum": 1.0}, "momentum must be from 0 to below 1, not 1.0"),
        ({"momentum": -0.1}, "momentum must be from 0 to below 1, not -0.1"),
        ({"momentum": math.nan}, "momentum must be from 0 to below 1, not nan"),
        (
            {"momentum": 0.9, "optimiser": "adam"},
            "momentum belongs to sgd, and adam takes none; leave out momentum 0.9",
        ),
        ({"weight_decay": -1e-4}, "weight_decay must be finite and at least 0, not -0.0001"),
        ({"weight_decay": math.inf}, "weight_decay must be finite and at least 0, not inf"),
        ({"weight_decay": math.nan}, "weight_decay must be finite and at least 0, not nan"),
        ({"family": "vit", "width": 3}, "vit has k / 2 heads: its width must be even, not 3"),
        ({"precision": "float16"}, "unknown precision 'float16'; the precisions are float32, mixed, bfloat16, float64"),
    ],
)
def test_a_field_out_of_range_is_refused_by_name(tiny, change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(tiny, **change)


def test_every_network_and_purpose_has_a_random_stream_of_its_own(tiny):
    streams = [
        tuple(
            torch.randint(
                2**62, (2,), generator=dataclasses.replace(tiny, family=family, width=width).generator(seed, purpose)
            ).tolist()
        )
        for family in models.FAMILIES
        for width in (2, 4, 22)
        for seed in (0, 1, 2, 12)
        for purpose in ("weights", "order")
    ]
    assert len(set(streams)) == len(streams) == 24 * len(models.FAMILIES)


def test_a_random_stream_does_not_depend_on_the_recipe(tiny):
    """So that runs of two recipes differ by the recipe alone."""
    other = dataclasses.replace(tiny, epochs=9, learning_rate=0.5, precision="bfloat16", train_digest="other")
    assert tiny.generator(5, "order").initial_seed() == other.generator(5, "order").initial_seed()


def test_the_stacks_are_those_of_this_recipe(tiny):
    """Other stacks round otherwise and make other networks: raise RECIPE with any change of these sizes."""
    sizes = [
        networks_together(dataclasses.replace(tiny, width=width, image_size=size))
        for size, width in ((8, 2), (8, 8), (8, 16), (8, 32), (16, 4), (16, 8), (32, 2))
    ]
    assert (RECIPE, sizes) == (1, [4, 4, 2, 1, 4, 2, 4])
    mixed = [
        networks_together(dataclasses.replace(tiny, family=family, width=width, image_size=32, precision="mixed"))
        for family in ("cnn-small", "resnet-small")
        for width in (2, 4, 8, 16, 32)
    ]
    assert mixed == [4, 2, 1, 1, 1, 4, 2, 2, 2, 1]


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


@pytest.mark.parametrize(
    "control, shared",
    [("none", set()), ("random-labels", set()), ("same-weights", {"weights"}), ("same-order", {"order"})],
)
def test_networks_of_a_control_share_what_it_says_and_nothing_else(tiny, control, shared):
    specification = dataclasses.replace(tiny, control=control)

    def draw(of, seed, purpose):
        return torch.randn(4, generator=of.generator(seed, purpose)).tolist()

    for purpose in ("weights", "order"):
        assert (draw(specification, 1, purpose) == draw(specification, 2, purpose)) == (purpose in shared)
        if control != "none":
            assert draw(specification, 1, purpose) != draw(tiny, 1, purpose)


def test_shuffled_labels_are_dealt_out_anew_once_for_all(tiny, digits):
    labels = digits.train_labels
    shuffled = dataclasses.replace(tiny, control="random-labels").training_labels(labels)
    wider = dataclasses.replace(tiny, control="random-labels", family="cnn-large", width=4).training_labels(labels)
    assert torch.equal(shuffled, wider) and not torch.equal(shuffled, labels)
    assert torch.equal(shuffled.sort().values, labels.sort().values)
    assert torch.equal(tiny.training_labels(labels), labels)


def test_networks_are_trained_on_the_shuffled_labels(tiny, digits):
    """Learnt by heart, they say the shuffled label of a training image and not the true one."""
    specification = dataclasses.replace(tiny, control="random-labels", width=16, epochs=60, learning_rate=0.3)
    (network,) = trainer.train(specification, [0], digits)
    model = specification.build()
    model.load_state_dict(network.state)
    with torch.no_grad():
        said = model.eval()(digits.train_images).argmax(1)
    assert (said == specification.training_labels(digits.train_labels)).float().mean() > 0.9
    assert (said == digits.train_labels).float().mean() < 0.3
