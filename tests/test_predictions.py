"""The verdicts of chapter 15 follow from its numbers; tables and figures have them."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lib.chapters import predictions, predictions_figures, predictions_tables
from lib.chapters.predictions import CLASSES, HARD, IMAGES, Compared, pair_claims, step_claims
from lib.effects.accuracy_differences import ClassDifferences, Step
from lib.effects.errors import Difference
from lib.training.wide_and_deep import Architecture

BASE, MIDDLE, DEEP, WIDE = Architecture(14), Architecture(20), Architecture(26), Architecture(14, 2)


def hits(rate, networks=8, images=200, seed=0):
    """Every network is right on nearly as many images, so that means are sure."""
    rng = np.random.default_rng(seed)
    table = np.zeros((networks, images))
    for row, count in zip(table, rate * images + rng.integers(0, 2, networks)):
        row[rng.permutation(images)[: int(count)]] = 1
    return table


class Found(Difference):
    """A difference whose interval is planted."""

    def __init__(self, root):
        super().__init__(np.eye(6), np.arange(6) < 3, np.linspace(-1e-3, 1e-3, 50))
        object.__setattr__(self, "planted", root)

    def root(self, level=0.95):
        return self.planted


SMALL, LARGE, OPEN = (Found(root) for root in ((0.002, -0.004, 0.008), (0.05, 0.03, 0.07), (0.02, -0.01, 0.05)))


def class_table(p):
    p = np.array(p)
    return ClassDifferences(np.linspace(-0.1, 0.1, len(p)), p, p < 0.001, (p < 0.05).mean(), np.full(10, 0.05), 0.0321)


def compared(first, second, images, hard, classes):
    """The four claims by the end of their name."""
    found = Compared({DEEP: first, WIDE: second}, DEEP, WIDE, {IMAGES: images, HARD: hard, CLASSES: classes})
    return {claim.name.removeprefix("15-"): claim for claim in pair_claims(found, [])}


@pytest.mark.parametrize(
    "rates, verdict",
    [((0.8, 0.8), "supported"), ((0.8, 0.7), "contradicted"), ((0.7, 0.8), "contradicted"), ((0.8, 0.79), "undecided")],
)
def test_equal_means_lie_within_a_point(rates, verdict):
    first, second = hits(rates[0]), hits(rates[1], seed=1)
    claim = compared(first, second, SMALL, SMALL, SMALL)["equal-accuracy"]
    assert claim.verdict == verdict and claim.networks == 16 and claim.images == 200
    assert claim.estimate == pytest.approx(first.mean() - second.mean())


@pytest.mark.parametrize(
    "over, whole, verdict",
    [
        (LARGE, LARGE, "supported"),
        (SMALL, SMALL, "contradicted"),
        (OPEN, OPEN, "undecided"),
        (SMALL, LARGE, "undecided"),
    ],
)
def test_the_interval_decides_and_only_less_than_a_point_over_all_images_contradicts(over, whole, verdict):
    claims = compared(hits(0.8), hits(0.8), whole, over, over)
    assert claims["not-only-accuracy"].verdict == verdict
    assert (claims["not-only-accuracy"].low, claims["not-only-accuracy"].high) == over.root()[1:]
    assert claims["different-classes"].verdict == ("contradicted" if over is SMALL else verdict)


def test_errors_of_architectures_that_are_not_equally_good_are_not_compared():
    rng = np.random.default_rng(0)
    accuracies = 0.85 + 0.01 * rng.standard_normal((2, 8))
    for better, verdict in ((0.0, "supported"), (0.05, "not tested")):
        gate = predictions.equally_good(
            accuracies[0] - accuracies[0].mean(), accuracies[1] - accuracies[1].mean() + better
        )
        pair = Compared({DEEP: hits(0.8), WIDE: hits(0.8)}, DEEP, WIDE, dict.fromkeys((IMAGES, HARD, CLASSES), LARGE))
        assert pair_claims(pair, [gate])[1].verdict == verdict


def ladder_claims(rates):
    ladder = [BASE, MIDDLE, DEEP][: len(rates)]
    tables = {one: hits(rate, seed=seed) for seed, (one, rate) in enumerate(zip(ladder, rates))}
    return {claim.name: claim.verdict for claim in step_claims(tables, {"deeper": ladder}, {"deeper": []})}


@pytest.mark.parametrize(
    "rates, better, small",
    [
        ((0.5, 0.7, 0.75), "supported", "supported"),
        ((0.5, 0.55, 0.75), "supported", "contradicted"),
        ((0.5, 0.7, 0.6), "contradicted", "supported"),
        ((0.5, 0.6, 0.7), "supported", "undecided"),
        ((0.5, 0.5, 0.7), "undecided", "contradicted"),
    ],
)
def test_every_step_has_to_raise_accuracy_and_the_first_most(rates, better, small):
    assert ladder_claims(rates) == {"15-deeper-better": better, "15-deeper-helps-small": small}


def test_a_single_step_says_nothing_of_small_networks():
    assert ladder_claims((0.5, 0.7)) == {"15-deeper-better": "supported"}


def test_tables_have_a_row_a_comparison():
    tables = {"narrow": hits(0.6), "wide": hits(0.7)}
    learnt = SimpleNamespace(networks=[SimpleNamespace(train_accuracy=[0.2, value]) for value in (0.9, 1.0)])
    table = predictions_tables.accuracy_table(tables, dict.fromkeys(tables, learnt))
    assert list(table["architecture"]) == ["narrow", "wide"]
    assert set(table["training accuracy (last epoch)"]) == {"0.950"}
    assert predictions_tables.differences_table({"images": LARGE})["standard deviation beyond chance"].tolist() == [
        "+0.050 [+0.030, +0.070]"
    ]
    classes = predictions_tables.classes_table({"a and b": class_table([0.01, 0.04, 0.2, 0.0001])})
    assert classes.values.tolist() == [["a and b", 4, 3, "0.2", "0.0321", 1]]
    step = Step(BASE, WIDE, (0.05, 0.03, 0.07), SMALL)
    rows = predictions_tables.steps_table({"wider": [step]})
    assert rows["step"].tolist() == ["ResNet-14 (1×) to ResNet-14 (2×)"]


def test_networks_of_one_kind_answer_more_alike_in_the_table_where_they_do():
    rng = np.random.default_rng(0)
    kinds = 3 * rng.standard_normal((2, 1, 80, 4))
    first, second = kinds + rng.standard_normal((2, 6, 80, 4))
    table = predictions_tables.pairs_table(first, second, rng, 400).set_index("two networks")
    same, distance = (table.loc[name] for name in table.index)
    assert min(float(same["both deep"]), float(same["both wide"])) > float(same["one of each"])
    assert max(float(distance["both deep"]), float(distance["both wide"])) < float(distance["one of each"])
    assert float(same["p"]) < 0.05 and float(distance["p"]) < 0.05
    between = (float(same["both deep"]) + float(same["both wide"])) / 2 - float(same["one of each"])
    assert float(same["more alike within than across, by"].split()[0]) == pytest.approx(between, abs=0.0015)


def test_panels_have_a_dot_an_image_near_its_two_accuracies():
    rng = np.random.default_rng(0)
    x, y = (rng.random((5, 60)) < 0.8).astype(float), (rng.random((4, 60)) < 0.6).astype(float)
    figure = predictions_figures.accuracy_pairs({"one": (("a", x), ("b", y)), "two": (("b", y), ("a", x))})
    dots = figure.axes[0].collections[0].get_offsets()
    np.testing.assert_allclose(np.round(dots * [5, 4]) / [5, 4], np.stack([x.mean(0), y.mean(0)], 1))
    assert figure.axes[0].get_xlabel() == "a" and figure.axes[1].get_ylabel() == "a"
    plt.close(figure)


def test_chance_and_what_was_seen_are_in_squared_points():
    figure = predictions_figures.beyond_chance(
        {"a": np.full(9, 1e-4), "b": np.full(9, 3e-4)}, {"all": LARGE, "hard": SMALL}
    )
    assert [axis.get_title() for axis in figure.axes] == ["half against half", "all", "hard"]
    line = figure.axes[1].lines[0]
    assert list(line.get_xdata()) == pytest.approx([1e4 * LARGE.observed] * 2)
    plt.close(figure)


@pytest.mark.parametrize("count, named", [(10, 10), (100, 0)])
def test_classes_are_named_where_names_can_be_read(count, named):
    rng = np.random.default_rng(0)
    clouds = {name: tuple(rng.standard_normal((2, count))) for name in ("deep and wide", "deep halves")}
    figure = predictions_figures.class_changes(clouds, ("deeper", "wider"), [str(number) for number in range(count)])
    axis = figure.axes[0]
    assert len(axis.texts) == named and len(axis.collections) == 2
    np.testing.assert_allclose(axis.collections[1].get_offsets().data, 100 * np.transpose(clouds["deep halves"]))
    assert axis.get_xlabel() == "deeper (points)"
    plt.close(figure)
