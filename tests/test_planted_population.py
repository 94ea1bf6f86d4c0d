"""Populations planted with a known mean direction and a known psi are recovered: the chapters' numbers hold the truth.

The intervals for E[t], for the concentration of psi, for the similarity of two widths, their difference and the cosine
of their mean directions hold the truth in 95 % of 1,000 populations, give or take 3, and of the first 100, give or take 7.
"""

import numpy as np
import pytest

from lib.similarity import mean_direction_cosine
from lib.similarity.crossed import similarity_matrix
from lib.similarity.mean_directions import mean_resultant_length
from lib.similarity.rank_one import cosines, resultants
from lib.sphere import vmf_concentration
from lib.sphere.saw import Saw

DIM, IMAGES = 16, 25
MORE_IMAGES = 60  # where a similarity of few networks must not come out negative, which has no cosine
PSI = {"narrow": lambda t: 5 * t, "wide": lambda t: -14 * np.log(1 - 0.8 * t)}  # von Mises-Fisher and a power


@pytest.fixture  # for each test anew, so that none depends on the others' draws
def planted():
    """[trials, networks, images, dim] directions of both populations, about one mu an image, and their E[t]."""
    families = {name: Saw(psi, DIM) for name, psi in PSI.items()}
    rng = np.random.default_rng(0)
    mu = np.eye(DIM)[0]  # everything measured is the same for any mu an image: tests below rotate it

    def draw(name, networks, images=IMAGES):
        return families[name].sample(rng, mu, networks * images).reshape(networks, images, DIM)

    return draw, {name: saw.moment(1) for name, saw in families.items()}


@pytest.fixture(params=[100, pytest.param(1000, marks=pytest.mark.slow)])
def trials(request):
    return request.param


def covered(hits, trials):
    return abs(hits / trials - 0.95) <= (0.03 if trials == 1000 else 0.07)


@pytest.mark.parametrize("networks, images", [(5, IMAGES), (20, IMAGES), pytest.param(100, 20, marks=pytest.mark.slow)])
def test_the_mean_cosine_is_within_its_interval(planted, trials, networks, images):
    draw, truth = planted
    rng = np.random.default_rng(networks)
    hits = 0
    for _ in range(trials):
        matrix = similarity_matrix([draw("wide", networks, images)], rng, draws=30)
        _, low, high = matrix.interval(resultants)
        hits += low[0] <= truth["wide"] <= high[0]
    assert covered(hits, trials), hits


@pytest.mark.parametrize("networks", [5, 20])
def test_the_concentration_of_psi_is_within_its_interval(planted, trials, networks):
    """psi = exp(5 t): the concentration that belongs to the ends of the interval of E[t]."""
    draw, _ = planted
    rng = np.random.default_rng(networks + 1)
    intervals = [
        similarity_matrix([draw("narrow", networks)], rng, draws=40).interval(resultants) for _ in range(trials)
    ]
    low, high = (vmf_concentration(np.concatenate([interval[end] for interval in intervals]), DIM) for end in (1, 2))
    hits = np.sum((low <= 5) & (5 <= high))
    assert covered(hits, trials), hits


@pytest.mark.parametrize("networks", [6, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("degrees", [0, 30])
def test_the_interval_of_a_cosine_of_mean_directions_is_as_wide_as_its_error(planted, trials, networks, degrees):
    draw, _ = planted
    rng, angle = np.random.default_rng(networks), np.radians(degrees)
    rotation = np.eye(DIM)
    rotation[:2, :2] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    estimates, halves, hits = [], [], 0
    for _ in range(trials):
        matrix = similarity_matrix(
            [draw("narrow", networks, MORE_IMAGES), draw("wide", networks, MORE_IMAGES) @ rotation], rng, draws=60
        )
        estimate, low, high = matrix.interval(lambda rho: cosines(rho)[..., 0, 1])
        estimates.append(estimate)
        halves.append((high - low) / 2)
        hits += low <= np.cos(angle) <= high
    assert covered(hits, trials), hits
    assert 0.8 < np.median(halves) / (1.96 * np.std(estimates)) < 1.4


@pytest.mark.parametrize("networks", [5, 20])
def test_what_two_widths_have_in_common_is_within_its_interval(planted, trials, networks):
    draw, truth = planted
    rng = np.random.default_rng(networks)
    expected = {"rho": truth["narrow"] * truth["wide"], "rise": truth["wide"] - truth["narrow"], "cosine": 1}
    statistics = {
        "rho": lambda m: m[..., 0, 1],
        "rise": lambda m: np.diff(resultants(m))[..., 0],
        "cosine": lambda m: m[..., 0, 1] / np.prod(resultants(m), axis=-1),
    }
    hits = dict.fromkeys(expected, 0)
    for _ in range(trials):
        matrix = similarity_matrix([draw("narrow", networks), draw("wide", networks)], rng, draws=60)
        for name, statistic in statistics.items():
            _, low, high = matrix.interval(statistic)
            hits[name] += low <= expected[name] <= high
    assert all(covered(found, trials) for found in hits.values()), hits


@pytest.mark.parametrize("networks", [3, 5, 20])
def test_the_corrected_cosine_of_mean_directions_is_unbiased_and_the_raw_one_is_not(planted, networks):
    draw, truth = planted
    raw, corrected = [], []
    for _ in range(400):
        a, b = draw("narrow", networks, MORE_IMAGES), draw("wide", networks, MORE_IMAGES)
        raw.append(mean_direction_cosine(a, b, corrected=False))
        corrected.append(mean_direction_cosine(a, b))
    error = np.std(corrected) / 20
    bias = np.std(corrected) ** 2  # of a ratio, of second order
    assert abs(np.mean(corrected) - 1) < 4 * error + bias
    # The mean of N networks keeps R / sqrt(R^2 + (1 - R^2) / N) of its direction.
    kept = [truth[name] / np.sqrt(truth[name] ** 2 + (1 - truth[name] ** 2) / networks) for name in PSI]
    assert np.mean(raw) == pytest.approx(np.prod(kept), rel=0.03) and np.mean(raw) < 1 - 20 * np.std(raw) / 20


def test_rotating_everything_changes_nothing(planted):
    draw, _ = planted
    a, b = draw("narrow", 6), draw("wide", 4)
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((IMAGES, DIM, DIM)))[0]  # one for each image
    turned = [np.einsum("nde,mne->mnd", rotation, u) for u in (a, b)]
    first, second = (similarity_matrix(pair, np.random.default_rng(0), draws=20) for pair in ((a, b), turned))
    np.testing.assert_allclose(first.interval(), second.interval(), atol=1e-10)
    np.testing.assert_allclose(mean_resultant_length(a), mean_resultant_length(turned[0]), atol=1e-10)
