"""Intervals hold what they promise: coverage and spread in simulation against the truth."""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import t as student

from lib.similarity import crossed, expected
from lib.similarity.crossed import JOINT, similarity_matrix
from lib.statistics.sample import image_counts

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
    return [similarity_matrix(simulate(rng, networks=request.param), rng, draws=100) for _ in range(SIMULATIONS)]


@pytest.mark.filterwarnings("ignore:.*no direction")
@pytest.mark.parametrize("zeros", [False, True])
def test_values_are_the_expected_similarities(zeros):
    rng = np.random.default_rng(0)
    populations = [simulate(rng, images=150)[0][:size] for size in (2, 3, 5)]
    if zeros:
        populations[0][0, 3] = populations[1][:, 70] = populations[2][1, 70] = populations[2][1, 149] = 0
    matrix = similarity_matrix(populations, rng, draws=3)
    assert matrix.networks == (2, 3, 5) and matrix.images == 150 and matrix.by_images.shape == (3, 3, 3)
    for i, a in enumerate(populations):
        for j, b in enumerate(populations):
            assert matrix.values[i, j] == pytest.approx(expected(a, None if i == j else b), rel=1e-10)


@pytest.mark.filterwarnings("ignore:.*no direction")
@pytest.mark.parametrize("held", [0, 10**6])
@pytest.mark.parametrize("zeros", [0, 0.01, 0.5])
def test_draws_are_the_expected_similarities_of_images_drawn_again(monkeypatch, zeros, held):
    """Networks with and without a direction on all images, also without each network; by the slow way, pair by pair."""
    rng = np.random.default_rng(0)
    monkeypatch.setattr(crossed, "HELD", held)
    populations = [simulate(rng, images=70)[0][:size] for size in (3, 4)]
    for one in populations:
        one[1:][rng.random((len(one) - 1, 70)) < zeros] = 0
    matrix = similarity_matrix(populations, np.random.default_rng(1), draws=60)
    counts = image_counts(70, np.random.default_rng(1), 60)

    def slow(a, b):
        return [[expected(a), expected(a, b)], [expected(b, a), expected(b)]]

    for draw in (0, JOINT - 1, 59):
        a, b = (np.repeat(one, counts[draw], axis=1) for one in populations)
        np.testing.assert_allclose(matrix.by_images[draw], slow(a, b), rtol=1e-10)
        if draw < JOINT:
            without = [slow(np.delete(a, place, 0), b) for place in range(3)]
            without += [slow(a, np.delete(b, place, 0)) for place in range(4)]
            np.testing.assert_allclose(matrix.without_by_images[draw], without, rtol=1e-10)


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


def test_the_width_of_intervals_follows_the_spread_of_the_estimate(simulations, truth):
    """Half an interval is no less than two standard deviations, and no more than Student's quantile of few networks."""
    spread = np.std([matrix.values for matrix in simulations], axis=0)
    half = np.median([(high - low) / 2 for _, low, high in (matrix.interval() for matrix in simulations)], axis=0)
    quantile = student.ppf(0.975, simulations[0].networks[0] - 1)
    assert (half > 1.7 * spread).all() and (half < 1.3 * quantile * spread).all(), half / spread


def test_the_estimate_is_unbiased_and_the_draws_lie_around_it(simulations, truth):
    values = np.array([matrix.values for matrix in simulations])
    error = values.std(axis=0) / np.sqrt(SIMULATIONS)
    assert (abs(values.mean(0) - truth) < 4.5 * error).all()
    drawn = np.array([np.mean(matrix.by_images, axis=0) for matrix in simulations])
    assert (abs((drawn - values).mean(0)) < 0.01).all()


@pytest.mark.filterwarnings("ignore:.*no direction")
def test_a_network_left_out_is_one_that_was_never_there():
    a, b = simulate(np.random.default_rng(0))
    a[1, 4] = b[2, 7] = 0
    matrix = similarity_matrix([a, b], np.random.default_rng(1), draws=2)
    for left, populations in ((1, [np.delete(a, 1, 0), b]), (NETWORKS + 2, [a, np.delete(b, 2, 0)])):
        np.testing.assert_allclose(
            matrix.without[left], similarity_matrix(populations, np.random.default_rng(1), 2).values, rtol=1e-10
        )


def test_draws_are_symmetric_and_seeded():
    populations = simulate(np.random.default_rng(0))
    first, again, other = (similarity_matrix(populations, np.random.default_rng(seed), draws=120) for seed in (1, 1, 2))
    assert first.by_images.shape == (120, 2, 2) and first.without_by_images.shape == (JOINT, 2 * NETWORKS, 2, 2)
    np.testing.assert_allclose(first.by_images, first.by_images.transpose(0, 2, 1), rtol=1e-10)
    np.testing.assert_array_equal(first.by_images, again.by_images)
    assert not np.isclose(first.by_images, other.by_images).any()
    np.testing.assert_array_equal(first.values, other.values)
    np.testing.assert_array_equal(first.without, other.without)
    assert (first.by_images.std(axis=0) > 0).all()


def test_memory_does_not_grow_with_the_number_of_draws():
    populations = simulate(np.random.default_rng(0), networks=100)
    peaks = []
    for draws in (100, 1000):
        tracemalloc.start()
        similarity_matrix(populations, np.random.default_rng(0), draws=draws)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 2 * 900 * 8 * (2 * 2) < 0.1 * peaks[0]  # two numbers' worth for each small matrix


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
    interval = similarity_matrix([a], np.random.default_rng(0), draws=50).interval()
    np.testing.assert_allclose(interval, 1, rtol=1e-12)


def test_higher_levels_and_fewer_networks_give_wider_intervals():
    matrix = similarity_matrix(simulate(np.random.default_rng(0)), np.random.default_rng(0), draws=50)
    widths = [np.subtract(*matrix.interval(level=level)[:0:-1]) for level in (0.5, 0.9, 0.95, 0.99)]
    assert all((a < b).all() for a, b in zip(widths, widths[1:]))
    fewer = similarity_matrix(
        [population[:3] for population in simulate(np.random.default_rng(0))], np.random.default_rng(0), draws=50
    )
    assert (np.subtract(*fewer.interval()[:0:-1]) > widths[2]).all()


def test_a_statistic_is_taken_of_the_estimate_and_of_every_draw():
    matrix = similarity_matrix(simulate(np.random.default_rng(0)), np.random.default_rng(0), draws=50)
    whole, part = matrix.interval(), matrix.interval(lambda m: 10 * m[..., 0, 1])
    np.testing.assert_allclose(part, [10 * array[0, 1] for array in whole], rtol=1e-10)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda a, b: [a, b[:1]], "at least 2 networks, not 1"),
        (lambda a, b: [a, b[:, 1:]], "same images and dims"),
        (lambda a, b: [a, b[:, :, 1:]], "same images and dims"),
        (lambda a, b: [a, b * np.nan], "must be finite numbers"),
    ],
)
def test_populations_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        similarity_matrix(change(*simulate(np.random.default_rng(0))), np.random.default_rng(0))
