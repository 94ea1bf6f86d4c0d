"""Intervals hold what they promise: coverage and spread in simulation against the truth."""

import tracemalloc

import numpy as np
import pytest

from lib.similarity import expected
from lib.similarity.crossed import similarity_matrix

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


def test_intervals_of_95_percent_cover_the_truth_so_often(simulations, truth):
    """Four standard errors of 400 trials are 4.4 %, and two points are granted to the normal approximation."""
    intervals = [matrix.interval() for matrix in simulations]
    covered = np.mean([(low <= truth) & (truth <= high) for _, low, high in intervals], axis=0)
    assert (covered >= 0.885).all(), covered


def test_memory_does_not_grow_with_the_number_of_draws():
    populations = simulate(np.random.default_rng(0), networks=20)
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
