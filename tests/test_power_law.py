"""A law with few exponents: exact where it holds, off by what it was broken by, and with intervals that hold its exponents."""

from dataclasses import replace

import numpy as np
import pytest

from lib.similarity.foretold import design, errors, exponents, extremes
from lib.statistics.sample import Sample, beside

POINTS = [(k, n, e) for k in (2, 4, 8, 16) for n in (300, 600, 1200) for e in (5, 10, 20)]
TRUTH = np.array([-4.0, 0.5, 0.3, -0.2])
RHO = np.exp(design(POINTS)[0] @ TRUTH)


def test_exponents_come_back_and_foretell_what_was_left_out():
    columns, terms = design(POINTS)
    assert terms == ["width", "training images", "epochs"] and exponents(RHO, columns) == pytest.approx(TRUTH)
    left = extremes(POINTS)
    assert {term: int(one.sum()) for term, one in left.items()} == {"width": 9, "training images": 12, "epochs": 12}
    for one in left.values():
        assert errors(RHO, columns, ~one) == pytest.approx(0, abs=1e-9)
        broken = np.where(one, 0.8 * RHO, RHO)
        assert errors(broken, columns, ~one)[one] == pytest.approx(-np.log(0.8))


@pytest.mark.parametrize(
    "points, terms, left",
    [
        ([(k, 1200, e) for k, _, e in POINTS], ["width", "epochs"], {"width", "epochs"}),
        ([(k, n, 20) for k, n, _ in POINTS if n > 300], ["width", "training images"], {"width"}),
        ([(2, 1200, 5), (2, 1200, 10)], ["epochs"], set()),
    ],
)
def test_a_term_that_does_not_vary_has_no_exponent_and_two_values_foretell_no_third(points, terms, left):
    assert design(points)[1] == terms and set(extremes(points)) == left


def test_a_similarity_that_is_not_positive_leaves_the_law_open():
    columns, _ = design(POINTS)
    assert np.isnan(exponents(np.where(np.arange(len(RHO)) == 3, -0.1, RHO), columns)).all()


def group(truth, rng, units=6, spread=0.03):
    """A group of networks with these similarities, which vary over networks and images."""
    own = truth * (1 + spread * np.sqrt(units) * rng.standard_normal((units, len(truth))))
    without = (own.sum(0) - own) / (units - 1)
    images = 0.01 * truth * rng.standard_normal((40, len(truth)))
    return Sample(own.mean(0), without, own.mean(0) + images, without + images[:20, None], (units,), 100)


def test_groups_beside_each_other_keep_their_variances():
    rng = np.random.default_rng(0)
    parts = [group(np.array([0.1, 0.2]), rng), group(np.array([0.3]), rng, 4), group(np.full(3, 0.4), rng)]
    both = beside(parts)
    assert both.networks == (6, 4, 6) and both.without.shape == (16, 6) and both.without_by_images.shape == (20, 16, 6)
    start = 0
    for part in parts:
        size = len(part.values)
        for ours, theirs in zip(both.interval(lambda all: all[..., start : start + size]), part.interval()):
            np.testing.assert_allclose(ours, theirs)
        start += size
    assert (both.without[:6, 2:] == both.values[2:]).all()  # others stay
    with pytest.raises(ValueError, match="the same draws of images"):
        beside([parts[0], replace(parts[1], by_images=parts[1].by_images[:10])])


@pytest.mark.parametrize("trials, band", [(150, 0.05), pytest.param(4000, 0.02, marks=pytest.mark.slow)])
def test_intervals_of_exponents_hold_the_truth(trials, band):
    """Four widths are groups of six networks, each at all nine settings."""
    rng, columns = np.random.default_rng(0), design(POINTS)[0]
    held = []
    for _ in range(trials):
        sample = beside([group(part, rng) for part in np.split(RHO, 4)])
        _, low, high = sample.interval(lambda rho: exponents(rho, columns))
        held.append((low <= TRUTH) & (TRUTH <= high))
    assert np.mean(held, axis=0).min() > 0.95 - band, np.mean(held, axis=0)
