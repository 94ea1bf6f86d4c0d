"""A sample's intervals: closed forms, and how often each design holds the truth, planted with effects that add."""

import numpy as np
import pytest
from scipy.stats import t as student

from lib.statistics.intervals import difference_interval, mean_interval
from lib.statistics.pairs import PairTable, jackknife, listed_pairs, over_pairs
from lib.statistics.sample import Sample, resampled_means, side_by_side

TRIALS = [pytest.param(300), pytest.param(3000, marks=pytest.mark.slow)]


def of_means(groups):
    """The means of groups of networks as a sample that leaves out one network at a time."""
    means = [group.mean() for group in groups]
    without = [
        [*means[:place], (group.sum() - one) / (len(group) - 1), *means[place + 1 :]]
        for place, group in enumerate(groups)
        for one in group
    ]
    return Sample(np.array(means), np.array(without), None, None, tuple(map(len, groups)), 0)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_one_group_of_networks_has_student_s_interval(level):
    values = np.random.default_rng(0).standard_normal(7)
    found = of_means([values]).interval(lambda means: means[..., 0], level)
    np.testing.assert_allclose(found, mean_interval(values, level), rtol=1e-10)


def test_two_groups_have_welch_s_interval():
    rng = np.random.default_rng(0)
    groups = [rng.standard_normal(5), 3 * rng.standard_normal(9)]
    found = of_means(groups).interval(lambda means: means[..., 0] - means[..., 1])
    np.testing.assert_allclose(found, difference_interval(*groups), rtol=1e-10)


def test_images_alone_have_student_s_quantile_and_the_draws_deviation():
    drawn = np.random.default_rng(0).standard_normal((500, 2))
    estimate, low, high = Sample(np.zeros(2), None, drawn, None, (), 30).interval()
    np.testing.assert_allclose(high - estimate, student.ppf(0.975, 29) * drawn.std(0, ddof=1))
    np.testing.assert_allclose(estimate - low, high - estimate)


def test_what_both_samples_have_in_common_counts_once():
    """Networks that differ at single images alone: their variance is in the images' already."""
    sample = crossed(np.random.default_rng(0), own=0.0, image=0.0, cell=1.0, networks=40, images=40)
    _, low, high = sample.interval()
    assert (high - low) / 2 == pytest.approx(student.ppf(0.975, 39) / 40, rel=0.25)  # not root two times as wide


def test_a_function_of_the_numbers_is_a_sample_too():
    sample = crossed(np.random.default_rng(0))
    np.testing.assert_allclose(sample.mapped(np.exp).interval(), sample.interval(np.exp))
    only = resampled_means(np.arange(10.0), np.random.default_rng(0), 50)
    np.testing.assert_allclose(only.mapped(np.sqrt).interval(), only.interval(np.sqrt))


def test_what_a_verdict_is_judged_by_has_the_numbers_of_its_sample():
    found = crossed(np.random.default_rng(0), networks=4, images=9).estimated(lambda value: 2 * value)
    assert (found.networks, found.images) == (4, 9)
    assert np.ptp(found.interval(0.99)) > np.ptp(found.interval(0.5))


def crossed(rng, own=1.0, image=1.0, cell=1.0, networks=5, images=30, draws=60, joint=20):
    """The mean of networks crossed with images, whose own parts and whose cells vary; the truth is 0."""
    table = own * rng.standard_normal((networks, 1)) + image * rng.standard_normal(images)
    table = table + cell * rng.standard_normal((networks, images))
    weights = rng.multinomial(images, np.full(images, 1 / images), draws) / images
    left_out = (table.sum(0) - table) / (networks - 1)
    drawn = table.mean(0) @ weights.T
    return Sample(table.mean(), left_out.mean(1), drawn, weights[:joint] @ left_out.T, (networks,), images)


def twins(rng):
    """Two recipes from the same seeds: seeds count once, however alike the twins are."""
    seeds = rng.standard_normal((5, 1)) + 0.3 * rng.standard_normal((5, 2))
    without = (seeds.sum(0) - seeds) / 4
    return Sample(seeds.mean(0), without, None, None, (5,), 0)


def images_only(rng):
    return resampled_means(rng.standard_normal(30), rng, 200)


def all_pairs(rng):
    """A network takes part in every pair of its population."""
    own = rng.standard_normal(6)
    values = own[:, None] + own + 0.5 * symmetric(rng.standard_normal((6, 6)))
    return over_pairs(np.where(np.eye(6, dtype=bool), np.nan, values))


def table_of_pairs(rng):
    own = rng.standard_normal(10)
    view = own[:, None] + own + 0.5 * symmetric(rng.standard_normal((10, 10)))
    table = PairTable(np.repeat([2, 4], 5), {}, {"view": view}, {})
    return jackknife(table, lambda part: part.views["view"][part.first, part.second].mean())


def ring(rng):
    """Pairs in a ring: each network is in two."""
    own = rng.standard_normal(6)
    values = own + np.roll(own, -1) + 0.5 * rng.standard_normal(6)
    return listed_pairs(values, [(i, (i + 1) % 6) for i in range(6)])


def symmetric(values):
    return (values + values.T) / 2


# design -> how often its interval holds the truth, at least and at most: a ring is wider than it need be
DESIGNS = {
    crossed: (0.93, 0.985),
    twins: (0.93, 0.97),
    images_only: (0.92, 0.97),
    all_pairs: (0.91, 0.98),
    table_of_pairs: (0.91, 0.98),
    ring: (0.95, 1.0),
}


@pytest.mark.parametrize("trials", TRIALS)
@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.__name__)
def test_intervals_of_95_percent_hold_the_truth_as_often_as_they_promise(design, trials):
    """The bounds are granted three standard errors of the simulation."""
    rng = np.random.default_rng(0)
    held = []
    for _ in range(trials):
        _, low, high = interval_of(design(rng))
        held.append(low <= 0 <= high)
    least, most = DESIGNS[design]
    slack = 3 * np.sqrt(0.95 * 0.05 / trials)
    assert least - slack < np.mean(held) < most + slack, np.mean(held)


def interval_of(made):
    """The interval of a sample's mean, whatever the number of its numbers."""
    return made.interval(lambda values: values.mean(-1) if made.values.ndim else values)


def test_estimates_side_by_side_are_their_numbers_in_one_row():
    groups = [np.random.default_rng(place).standard_normal(5) for place in range(2)]
    parts = [of_means([group]).estimated() for group in groups]
    both = side_by_side(parts)
    np.testing.assert_allclose(np.transpose(both.interval(0.9)), [np.ravel(part.interval(0.9)) for part in parts])
    assert both.networks == 10 and side_by_side(parts, 5).networks == 5
