"""What a specification decides: the key of its networks, their random streams, the size of a stack; or its refusal."""

import dataclasses
import math

import pytest
import torch

from lib import models
from lib.training import networks_together
from lib.training.specification import RECIPE, SNAPSHOTS, specify


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
    "family_digest": "0",
}


OUTSIDE = {"epochs": 3, "n_test": 21, "test_digest": "0", "data_seed": 1, "source": "elsewhere", "data_root": "/"}


def test_every_field_enters_the_key_but_for_length_evaluation_and_place(tiny):
    assert {*CHANGES, *OUTSIDE} == {field.name for field in dataclasses.fields(tiny)}
    keys = {dataclasses.replace(tiny, **{name: value}).key for name, value in CHANGES.items()} | {tiny.key}
    assert len(keys) == len(CHANGES) + 1
    assert {dataclasses.replace(tiny, **{name: value}).key for name, value in OUTSIDE.items()} == {tiny.key}


def test_the_key_has_the_length_of_a_schedule_that_knows_its_end_and_the_seed_that_shuffles_labels(tiny):
    for fixed, name in (({"schedule": "cosine"}, "epochs"), ({"control": "random-labels"}, "data_seed")):
        assert len({dataclasses.replace(tiny, **fixed, **{name: value}).key for value in (2, 3, 10)}) == 3


@pytest.mark.parametrize(
    "epochs, kept", [(1, (1,)), (3, (1, 2, 3)), (20, (1, 2, 5, 10, 20)), (60, (*SNAPSHOTS[:-1], 60))]
)
def test_snapshots_are_the_usual_ones_and_what_is_asked_for(tiny, epochs, kept):
    assert dataclasses.replace(tiny, epochs=epochs).snapshots == kept
    assert dataclasses.replace(tiny, epochs=epochs, schedule="cosine").snapshots == (epochs,)


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
        ({"control": "no-labels"}, "unknown control 'no-labels'; the controls are none, random-labels, same-weights"),
        ({"optimiser": "lion"}, "unknown optimiser 'lion'; the optimisers are sgd, adam"),
        ({"schedule": "step"}, "unknown schedule 'step'; the schedules are inverse-sqrt, cosine"),
        ({"schedule": ["cosine"]}, "unknown schedule .'cosine'.; the schedules are inverse-sqrt, cosine"),
        ({"momentum": 1.0}, "momentum must be from 0 to below 1, not 1.0"),
        ({"momentum": -0.1}, "momentum must be from 0 to below 1, not -0.1"),
        ({"momentum": math.nan}, "momentum must be from 0 to below 1, not nan"),
        ({"momentum": 0.9, "optimiser": "adam"}, "momentum belongs to sgd, and adam takes none; leave out momentum"),
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
