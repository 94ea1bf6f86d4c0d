"""Intervals hold what they promise: coverage and spread in simulation against the truth."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from lib.bootstrap import SimilarityMatrix, difference_interval, mean_interval, similarity_matrix
from lib.similarity import expected

PULLS = (0.7, 1.4)
SIMULATIONS, NETWORKS, IMAGES, DIMS = 400, 5, 40, 8


def simulate(rng, pulls=PULLS, networks=NETWORKS, images=IMAGES):
    """Families that agree about each image to a degree of the image's own; networks differ in how much they follow."""
    centres = rng.standard_normal((images, DIMS)) * rng.gamma(2, 0.5, (images, 1))
    made = []
    for pull in pulls:
        follow = pull * rng.gamma(4, 0.25, (networks, 1, 1))
        rows = follow * centres + rng.standard_normal((networks, images, DIMS))
        made.append(rows / np.linalg.norm(rows, axis=2, keepdims=True))
    return made


@pytest.fixture(scope="module")
def truth():
    """[2, 2] expected cosine of two new networks on a new image."""
    rng = np.random.default_rng(0)
    first, second = [], []
    for _ in range(4000):
        a, b = simulate(rng, networks=2, images=50)
        first.append([(a[0] * a[1]).sum(1).mean(), (a[0] * b[1]).sum(1).mean()])
        second.append([(b[0] * a[1]).sum(1).mean(), (b[0] * b[1]).sum(1).mean()])
    return np.stack([np.mean(first, 0), np.mean(second, 0)])


@pytest.fixture(scope="module", params=[3, NETWORKS, 12])
def simulations(request):
    rng = np.random.default_rng(1)
    return [similarity_matrix(simulate(rng, networks=request.param), rng, draws=200) for _ in range(SIMULATIONS)]


@pytest.mark.filterwarnings("ignore:.*no direction")
@pytest.mark.parametrize("zeros", [False, True])
def test_values_are_the_expected_similarities(zeros):
    rng = np.random.default_rng(0)
    populations = [simulate(rng, images=150)[0][:size] for size in (2, 3, 5)]
    if zeros:
        populations[0][0, 3] = populations[1][:, 70] = populations[2][1, 70] = populations[2][1, 149] = 0
    matrix = similarity_matrix(populations, rng, draws=3)
    assert matrix.networks == (2, 3, 5) and matrix.images == 150 and matrix.draws.shape == (3, 3, 3)
    for i, a in enumerate(populations):
        for j, b in enumerate(populations):
            assert matrix.values[i, j] == pytest.approx(expected(a, None if i == j else b), rel=1e-10)


def test_zero_gradients_are_told(recwarn):
    a, b = simulate(np.random.default_rng(0))
    similarity_matrix([a, b], np.random.default_rng(0), draws=2)
    assert not recwarn.list
    a[0, :3] = 0
    with pytest.warns(UserWarning, match="3 of 400 gradients are zero and have no direction"):
        similarity_matrix([a, b], np.random.default_rng(0), draws=2)


def test_intervals_of_95_percent_cover_the_truth_so_often(simulations, truth):
    """Four standard errors of 400 trials are 4.4 %, and two points are granted to the normal approximation."""
    intervals = [matrix.interval() for matrix in simulations]
    covered = np.mean([(low <= truth) & (truth <= high) for _, low, high in intervals], axis=0)
    assert (covered >= 0.885).all(), covered


def test_intervals_of_steps_cover_the_true_step(simulations, truth):
    def step(matrix):
        return matrix[..., 1, 1] - matrix[..., 0, 0]

    intervals = [matrix.interval(step) for matrix in simulations]
    covered = np.mean([low <= step(truth) <= high for _, low, high in intervals])
    assert covered >= 0.885


def test_the_spread_of_the_draws_is_that_of_the_estimate(simulations):
    true_spread = np.std([matrix.values for matrix in simulations], axis=0)
    drawn = np.sqrt(np.mean([np.var(matrix.draws, axis=0, ddof=1) for matrix in simulations], axis=0))
    ratio = drawn / true_spread
    # The noise of single gradients varies with the networks and with the images drawn, so it counts a little twice.
    # Of three networks two different ones are always drawn, which narrows the spread; Student's 4.3 makes up for it.
    lowest = 0.75 if simulations[0].networks[0] == 3 else 0.9
    assert (ratio > lowest).all() and (ratio < 1.3).all(), ratio


def test_the_estimate_is_unbiased_and_the_draws_lie_around_it(simulations, truth):
    values = np.array([matrix.values for matrix in simulations])
    error = values.std(axis=0) / np.sqrt(SIMULATIONS)
    assert (abs(values.mean(0) - truth) < 4.5 * error).all()
    drawn = np.array([np.mean(matrix.draws, axis=0) for matrix in simulations])
    assert (abs((drawn - values).mean(0)) < 0.01).all()


def test_draws_are_symmetric_and_seeded():
    populations = simulate(np.random.default_rng(0))
    first, again, other = (similarity_matrix(populations, np.random.default_rng(seed), draws=50) for seed in (1, 1, 2))
    np.testing.assert_allclose(first.draws, first.draws.transpose(0, 2, 1), rtol=1e-10)
    np.testing.assert_array_equal(first.draws, again.draws)
    assert not np.isclose(first.draws, other.draws).any()
    np.testing.assert_array_equal(first.values, other.values)
    assert (first.draws.std(axis=0) > 0).all()


def test_two_networks_give_no_interval_for_their_own_similarity():
    a, b = simulate(np.random.default_rng(0))
    matrix = similarity_matrix([a[:2], b], np.random.default_rng(0), draws=50)
    estimate, low, high = matrix.interval()
    assert estimate[0, 0] == pytest.approx(expected(a[:2]))
    assert np.isnan(low[0, 0]) and np.isnan(high[0, 0])
    others = [(0, 1), (1, 0), (1, 1)]
    assert all(low[place] < estimate[place] < high[place] for place in others)


def test_identical_networks_leave_nothing_uncertain():
    a = np.repeat(simulate(np.random.default_rng(0))[0][:1], 4, axis=0)
    estimate, low, high = similarity_matrix([a], np.random.default_rng(0), draws=50).interval()
    assert estimate == low == high == pytest.approx(1)


def test_higher_levels_and_fewer_networks_give_wider_intervals():
    matrix = similarity_matrix(simulate(np.random.default_rng(0)), np.random.default_rng(0), draws=50)
    widths = [np.subtract(*matrix.interval(level=level)[:0:-1]) for level in (0.5, 0.9, 0.95, 0.99)]
    assert all((a < b).all() for a, b in zip(widths, widths[1:]))
    fewer = SimilarityMatrix(matrix.values, matrix.draws, (3, 5), matrix.images)
    assert (np.subtract(*fewer.interval()[:0:-1]) > widths[2]).all()


def test_a_statistic_is_taken_of_the_estimate_and_of_every_draw():
    matrix = similarity_matrix(simulate(np.random.default_rng(0)), np.random.default_rng(0), draws=50)
    whole, part = matrix.interval(), matrix.interval(lambda m: 10 * m[..., 0, 1])
    np.testing.assert_allclose(part, [10 * array[0, 1] for array in whole], rtol=1e-10)


@pytest.mark.parametrize("change, message", [
    (lambda a, b: [a, b[:1]], "at least 2 networks, not 1"),
    (lambda a, b: [a, b[:, 1:]], "same images and dims"),
    (lambda a, b: [a, b[:, :, 1:]], "same images and dims"),
])
def test_populations_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        similarity_matrix(change(*simulate(np.random.default_rng(0))), np.random.default_rng(0))


def test_the_interval_of_a_mean_is_student_s():
    values = np.random.default_rng(0).standard_normal((6, 3))
    mean, low, high = mean_interval(values, level=0.9)
    interval = ttest_1samp(values, 0).confidence_interval(0.9)
    np.testing.assert_allclose([mean, low, high], [values.mean(0), interval.low, interval.high], rtol=1e-10)
    with pytest.raises(ValueError, match="at least 2 networks, not 1"):
        mean_interval(values[:1])


def test_the_interval_of_a_difference_covers_it_also_with_unequal_spreads():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(600):
        difference, low, high = difference_interval(rng.normal(3, 1, 4), rng.normal(1, 5, 9))
        covered.append(low <= 2 <= high)
        assert low < difference < high
    assert abs(np.mean(covered) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 600)
    _, low, high = difference_interval([1.0, 2.0, 3.0], [5.0, 9.0])
    assert np.allclose((low, high), np.negative(difference_interval([5.0, 9.0], [1.0, 2.0, 3.0])[:0:-1]))
