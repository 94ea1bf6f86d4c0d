"""Training lines of a study: populations, rounds, what is left, how long it takes, and what networks must have learnt."""

import pytest

from lib import data
from lib.training import store
from lib.training.plan import lines
from lib.training.populations import train_or_load

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
