"""Training lines of a study: populations, rounds, what is left, how long it takes, and what networks must have learnt."""

import dataclasses

import pytest

from lib import data
from lib.training import plan, store
from lib.training.plan import lines
from lib.training.populations import train_or_load
from lib.training.wide_and_deep import RECIPE

ROW = {"line": "a", "families": ["cnn-small"], "widths": [2, 3], "seeds": 3, "epochs": 3}


def study(**change):
    return {"dataset": "digits", "parameters": {"precision": "bfloat16"}, "training": [{**ROW, **change}]}


def only(**change):
    (line,) = lines("few", study(**change))
    return line


def test_a_line_is_the_product_of_what_varies():
    line = only(
        families=["cnn-small", "resnet-small"],
        widths={"cnn-small": [2, 3], "resnet-small": [4]},
        n_train=[40, 60],
        controls=["none", "same-order"],
        batch_size=[20, 30],
    )
    found = {(one.family, one.width, one.n_train, one.control, one.batch_size) for one in line.specifications}
    assert len(found) == len(line.specifications) == 24
    assert {(family, width) for family, width, *_ in found} == {("cnn-small", 2), ("cnn-small", 3), ("resnet-small", 4)}
    assert {one.precision for one in line.specifications} == {"bfloat16"}
    assert {one.epochs for one in line.specifications} == {3}
    part = data.load("digits", n_train=40)
    assert {one.train_digest for one in line.specifications if one.n_train == 40} == {part.train_digest}


def test_rounds_bring_all_networks_to_the_same_epochs():
    line = only(epochs=12)
    assert line.rounds() == [1, 2, 5, 10, 12]
    for epochs in line.rounds():
        requests = line.requests(epochs)
        assert [one.epochs for one in requests] == [epochs] * 2 and set(map(len, requests.values())) == {3}
    assert {one.key for one in line.requests(1)} == {one.key for one in line.requests(12)}


def test_a_schedule_that_knows_its_end_has_one_round():
    line = only(recipe="wide-and-deep", families=["resnet-8"], widths=[1], epochs=30)
    assert line.rounds() == [30]
    (specification,) = line.requests(30)
    assert {name: getattr(specification, name) for name in RECIPE} == RECIPE


def test_what_is_left_are_the_epochs_that_no_file_holds(artifacts, inline):
    line = only(n_train=60, widths=[2])
    (specification,) = line.specifications
    assert line.left() == {specification: 9}
    train_or_load(line.requests(2), inline)
    assert line.left() == {specification: 3}
    store.paths(specification, 1, 2)[1].unlink()
    assert line.left() == {specification: 4}


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"epoch": 3}, "study few, line a: there is no epoch; did you mean 'epochs'?"),
        ({"recipe": "deep"}, "unknown recipe 'deep'; the recipes are great-minds, wide-and-deep"),
        ({"widths": {"cnn-large": [2]}}, "widths must name each of the families cnn-small, and no other"),
        ({"families": ["vgg"]}, "study few, line a: unknown family 'vgg'"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, not 0"),
        ({"n_train": 4}, "n_train for 'digits' must be a whole number from 10"),
    ],
)
def test_a_wrong_line_is_refused_with_its_name(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        only(**change)


def test_a_line_without_a_field_is_refused():
    row = {name: value for name, value in ROW.items() if name != "seeds"}
    with pytest.raises(ValueError, match="study few, line a: seeds is missing"):
        list(lines("few", study() | {"training": [row]}))


def test_hours_are_images_times_seconds(tiny):
    other = dataclasses.replace(tiny, width=3)
    rates = {tiny: 0.001, other: 0.002}
    assert plan.hours({tiny: 10, other: 5}, rates, 2) == pytest.approx((10 * 60 * 0.001 + 5 * 60 * 0.002) / 7200)
    assert plan.hours({tiny: 0}, rates, 2) == 0


def test_widths_between_two_measured_ones_lie_on_the_line(tiny, monkeypatch):
    """With 2, 3 and 4 units of work and 10 and 20 seconds at the ends."""
    measured = []
    monkeypatch.setattr(plan, "multiplications", lambda one: one.width)
    monkeypatch.setattr(plan, "_measure", lambda one, seconds: measured.append(one.width) or 5.0 * one.width)
    wanted = [dataclasses.replace(tiny, width=width) for width in (2, 3, 4)]
    rates = plan.seconds_per_image(wanted)
    assert sorted(measured) == [2, 4] and [rates[one] for one in wanted] == [10, 15, 20]


def test_a_single_width_is_measured_and_the_length_of_a_training_changes_nothing(tiny, monkeypatch):
    monkeypatch.setattr(plan, "SECONDS", 0.0)
    longer = dataclasses.replace(tiny, epochs=50)
    rates = plan.seconds_per_image([tiny, longer])
    assert rates[tiny] == rates[longer] > 0
