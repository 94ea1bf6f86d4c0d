"""Table 1: distances against closed forms and scipy, intervals that hold the truth, verdicts that follow their rule."""

import itertools

import numpy as np
import pytest
from scipy.stats import ortho_group, wasserstein_distance
from scipy.stats import t as student

from lib.similarity.network_distances import (
    READINGS,
    cosines_with_first,
    family_distances,
    mean_distances,
    null_distances,
    population_distances,
    table,
    wasserstein,
)

OTHERS, REFERENCE = READINGS["others"], READINGS["reference"]


def interval(populations, weights=(1.0,)):
    """A weighted sum of mean distances with its interval."""
    return mean_distances(populations).interval(lambda means: means @ np.array(weights))


def rng(seed=0):
    return np.random.default_rng(seed)


def population(random, networks=6, images=50, dims=12, spread=0.2):
    """Directions about a common one, each network with a closeness of its own to it."""
    closeness = 1 + spread * random.standard_normal((networks, 1))
    vectors = random.standard_normal((networks, images, dims)) / np.sqrt(dims)
    vectors[..., 0] += closeness
    return vectors / np.linalg.norm(vectors, axis=2, keepdims=True)


def at_cosines(cosines):
    """A reference direction and one network for each number, at this cosine with it on all 5 images."""
    cosines = np.array([1.0, *cosines])
    directions = np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1)
    return np.repeat(directions[:, None], 5, axis=1)


def test_wasserstein_is_that_of_scipy():
    samples = np.random.default_rng(0).standard_normal((5, 40)) * [[1], [2], [1], [1], [3]] + [[0], [0], [1], [0], [5]]
    distances = wasserstein(samples)
    for i, j in itertools.product(range(5), repeat=2):
        assert distances[i, j] == pytest.approx(wasserstein_distance(samples[i], samples[j]), abs=1e-12)


def test_wasserstein_is_a_metric_of_samples_without_order():
    samples = np.random.default_rng(0).standard_normal((6, 30))
    d = wasserstein(samples)
    np.testing.assert_array_equal(d, d.T)
    assert not np.diag(d).any() and (d[~np.eye(6, dtype=bool)] > 0).all()
    assert (d[:, :, None] + d[None] >= d[:, None] - 1e-12).all()  # d[i, k] <= d[i, j] + d[j, k]
    shuffled = np.random.default_rng(1).permuted(samples, axis=1)
    np.testing.assert_allclose(wasserstein(shuffled), d, rtol=1e-12)
    np.testing.assert_allclose(wasserstein(3 * samples - 7), 3 * d, rtol=1e-12)
    np.testing.assert_allclose(wasserstein(np.stack([samples[0], samples[0] + 2])), [[0, 2], [2, 0]], atol=1e-12)
    assert wasserstein(samples[:1]).tolist() == [[0]]


@pytest.mark.parametrize(
    "samples, message",
    [
        (np.zeros((3, 6, 10)), r"samples must be .*\[networks, n\], not of shape \(3, 6, 10\)"),
        (np.full((3, 4), np.inf), "samples must be finite"),
    ],
)
def test_what_is_no_sample_is_refused(samples, message):
    with pytest.raises(ValueError, match=message):
        wasserstein(samples)


def test_constant_cosines_are_as_far_apart_as_their_values():
    """Point masses: the distance is that of the points; with +-1 it is the largest, 2."""
    found = population_distances(at_cosines([0.2, 0.6, -0.4]), REFERENCE, rng())
    np.testing.assert_allclose(found.pairs, [[0, 0.4, 0.6], [0.4, 0, 1.0], [0.6, 1.0, 0]], atol=1e-12)
    np.testing.assert_allclose(found.each, [0.4, 0.6, 1.0])
    np.testing.assert_allclose(found.without, [1.0, 0.6, 0.4])
    assert population_distances(at_cosines([1, -1, -1]), REFERENCE, rng()).pairs.max() == pytest.approx(2)


def test_pairs_are_the_distances_of_scipy_of_the_cosines_written_out():
    directions = population(rng())
    for reading in READINGS.values():
        samples = []
        for network in range(reading.references, 6):
            shared = directions[0] if reading is REFERENCE else np.delete(directions, network, 0).mean(0)
            samples.append([u @ m / np.linalg.norm(m) for u, m in zip(directions[network], shared)])
        found = population_distances(directions, reading, rng())
        for i, a in enumerate(samples):
            for j, b in enumerate(samples):
                assert found.pairs[i, j] == pytest.approx(wasserstein_distance(a, b), abs=1e-12)


@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
def test_equal_networks_have_no_distance_and_no_uncertainty(reading):
    found = population_distances(np.repeat(population(rng(), networks=1), 5, axis=0), reading, rng())
    np.testing.assert_allclose(found.pairs, 0, atol=1e-12)
    np.testing.assert_allclose(interval([found]), 0, atol=1e-12)


@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
def test_turning_all_gradients_changes_nothing_and_turning_one_network_does(reading):
    directions = population(rng())
    turn = ortho_group.rvs(12, random_state=1)
    pairs = population_distances(directions, reading, rng()).pairs
    np.testing.assert_allclose(population_distances(directions @ turn, reading, rng()).pairs, pairs, atol=1e-12)
    directions[3] = directions[3] @ turn
    assert not np.allclose(population_distances(directions, reading, rng()).pairs, pairs, atol=0.01)


@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
def test_an_image_on_which_a_network_has_no_direction_is_left_out_and_counted(reading):
    directions = population(rng())
    gap = directions.copy()
    gap[2, [4, 7]] = 0
    gap[5, 4] = 0
    found = population_distances(gap, reading, rng())
    assert (found.images, found.left_out, found.networks) == (48, 2, 6)
    expected = population_distances(np.delete(directions, [4, 7], axis=1), reading, rng())
    np.testing.assert_allclose(found.pairs, expected.pairs, atol=1e-12)


def test_the_interval_under_a_reference_is_the_plain_jackknife_of_pairs():
    found = population_distances(population(rng()), REFERENCE, rng())
    others = [np.delete(np.delete(found.pairs, i, 0), i, 1) for i in range(len(found.pairs))]
    means = [pairs[np.triu_indices(len(pairs), 1)].mean() for pairs in others]
    half = student.ppf(0.975, len(means) - 1) * np.sqrt((len(means) - 1) * np.var(means))
    estimate = found.pairs[np.triu_indices(len(found.pairs), 1)].mean()
    np.testing.assert_allclose(interval([found]), [estimate, estimate - half, estimate + half], rtol=1e-9)


def test_leaving_out_a_network_takes_it_out_of_the_mean_direction_of_the_others():
    directions = population(rng())
    found = population_distances(directions, OTHERS, rng())
    rest = population_distances(directions[1:], OTHERS, rng())
    assert found.without[0] == pytest.approx(rest.each.mean())
    assert abs(found.without[0] - found.pairs[1:, 1:].sum() / 20) > 1e-5


def test_two_populations_of_equal_size_and_variance_double_the_degrees_of_freedom():
    found = population_distances(population(rng()), OTHERS, rng())
    single, both = interval([found]), interval([found, found], [0.5, -0.5])
    assert both[0] == 0
    # Student's 97.5 % points with 5 and 10 degrees of freedom, from a table; the deviation is 1 / sqrt(2) of one.
    assert both[2] / (single[2] - single[0]) == pytest.approx(2.228139 / 2.570582 / np.sqrt(2), rel=1e-6)


def test_intervals_hold_the_truth():
    """Simulated populations: single ones nearly as often as promised, means and differences over five at least so."""
    for reading in READINGS.values():
        for networks in (4, 6):
            random = rng(networks)
            found = [
                population_distances(population(random, networks, images=60), reading, random, draws=1)
                for _ in range(400)
            ]
            truth = np.mean([one.each.mean() for one in found])
            single = np.array([interval([one]) for one in found])
            five = np.array([interval(found[i : i + 5], np.full(5, 0.2)) for i in range(0, 400, 5)])
            signs = np.repeat([0.2, -0.2], 5)
            difference = np.array([interval(found[i : i + 10], signs) for i in range(0, 400, 10)])
            assert np.mean((single[:, 1] <= truth) & (truth <= single[:, 2])) > 0.86
            assert np.mean((five[:, 1] <= truth) & (truth <= five[:, 2])) > 0.88
            assert np.mean((difference[:, 1] <= 0) & (0 <= difference[:, 2])) > 0.88


def test_the_null_is_that_of_two_samples_of_one_law():
    """Fresh pairs of normal samples stay below its 97.5 % point that often, and it shrinks as 1 / sqrt(n)."""
    random = rng()
    null = null_distances(random.standard_normal((200, 100)), random, 2000)
    fresh = [wasserstein_distance(random.standard_normal(100), random.standard_normal(100)) for _ in range(1000)]
    assert np.mean(np.array(fresh) <= np.quantile(null, 0.975)) == pytest.approx(0.975, abs=0.02)
    assert null.mean() == pytest.approx(np.mean(fresh), rel=0.05)
    finer = null_distances(random.standard_normal((50, 400)), random, 2000)
    assert finer.mean() == pytest.approx(null.mean() / 2, rel=0.08)
    assert not null_distances(np.ones((3, 10)), random, 5).any()


def test_all_populations_have_the_size_of_the_smallest():
    random = rng()
    grid = {
        ("cnn-small", 2): population(random, 9),
        ("cnn-small", 4): population(random, 9),
        ("cnn-large", 2): population(random, 5),
        ("cnn-large", 4): population(random, 6),
    }
    found = family_distances(grid, random)
    assert list(found) == ["others", "reference"]
    for name, compared in (("others", 5), ("reference", 4)):
        assert {family: [one.pairs.shape for one in row] for family, row in found[name].items()} == {
            family: [(compared, compared)] * 2 for family in ("cnn-small", "cnn-large")
        }
    expected = population_distances(grid["cnn-small", 4][:5], OTHERS, rng()).pairs
    np.testing.assert_allclose(found["others"]["cnn-small"][1].pairs, expected)
    rows = table(found, {"cnn-small": (2, 4), "cnn-large": (2, 4)})
    assert list(rows.index) == [(family, k) for family in ("cnn-small", "cnn-large") for k in (2, 4)]
    each = found["others"]["cnn-large"][0].each
    cell = rows.loc[("cnn-large", 2), (OTHERS.label, "mean ± sd")]
    assert cell.split() == [f"{each.mean():.4f}", "±", f"{np.std(each, ddof=1):.4f}"]
    assert not rows.isna().any(axis=None)


@pytest.mark.parametrize("networks", [2, 3])
def test_too_few_networks_make_no_distances(networks):
    found = family_distances({("cnn-small", 2): population(rng(), networks)}, rng())
    assert found == {}


@pytest.mark.parametrize(
    "directions, sentence",
    [
        (population(rng(), 3), "need at least 4 networks, not 3"),
        (np.zeros((4, 5, 3)), "no image has a direction for all of the 4 networks"),
        (np.zeros((4, 5)), r"must be \[networks, images, dims\], not of shape \(4, 5\)"),
        (np.full((4, 5, 3), np.nan), "must be finite"),
    ],
)
def test_what_has_no_distances_is_refused(directions, sentence):
    with pytest.raises(ValueError, match=sentence):
        population_distances(directions, OTHERS, rng())
    with pytest.raises(ValueError, match="at least 2 networks, not 1"):
        cosines_with_first(population(rng(), 1))


def test_a_refusal_names_the_population():
    with pytest.raises(ValueError, match="resnet-small of width 2: no image has a direction"):
        family_distances({("resnet-small", 2): np.zeros((4, 5, 3))}, rng())
