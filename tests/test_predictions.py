"""The verdicts of chapter 15 follow from its numbers; tables and figures have them."""

import numpy as np
import pytest

from lib.chapters import predictions
from lib.chapters.predictions import CLASSES, HARD, IMAGES, Compared, pair_claims, step_claims
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
