"""Moments of the same networks: against sums over all pairs written out, and planted parts that are shared and own."""

import numpy as np
import pytest

from lib.similarity.paired_similarity import over_time, own, shared


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def written_out(populations, weights, left_out=None):
    """[2, P, P] by loops over moments, networks and images."""
    networks = [i for i in range(len(populations[0])) if i != left_out]
    found = np.empty((2, len(populations), len(populations)))
    for a, one in enumerate(populations):
        for b, other in enumerate(populations):
            for kind in (0, 1):
                total = count = 0.0
                for i in networks:
                    for j in networks:
                        if (i == j) != bool(kind):
                            continue
                        known = one[i].any(-1) & other[j].any(-1)
                        total += weights[known] @ np.sum(one[i] * other[j], axis=-1)[known]
                        count += weights[known].sum()
                found[kind, a, b] = total / count
    return found


def test_every_number_is_the_mean_over_its_pairs_also_without_a_network_and_on_drawn_images():
    rng = np.random.default_rng(0)
    populations = unit(rng.standard_normal((3, 4, 70, 5)) + 0.5)
    populations[1, 2, :20] = 0  # gradients that vanished
    found = over_time(populations, np.random.default_rng(1), 30)
    np.testing.assert_allclose(found.values, written_out(populations, np.ones(70)))
    for network in range(4):
        np.testing.assert_allclose(found.without[network], written_out(populations, np.ones(70), network))
    counts = np.random.default_rng(1).multinomial(70, np.full(70, 1 / 70), 30)
    np.testing.assert_allclose(found.by_images[7], written_out(populations, counts[7]))
    np.testing.assert_allclose(found.without_by_images[5, 3], written_out(populations, counts[5], 3))
    assert found.networks == (4,) and found.images == 70


def moments(kept, turned, rng, networks=6, images=80, dims=30):
    """Two moments: a shared direction that turns by an angle, and parts of each network of which a share `kept` stays."""
    axes = np.eye(dims)
    first, last = axes[0], np.cos(turned) * axes[0] + np.sin(turned) * axes[1]
    rest = rng.standard_normal((2, networks, images, dims))
    rest[..., :2] = 0
    before, new = unit(rest[0]), rest[1]
    new = unit(new - np.sum(new * before, axis=-1, keepdims=True) * before)  # at a right angle: the share is exact
    after = kept * before + np.sqrt(1 - kept**2) * new
    return 0.6 * first + 0.8 * before, 0.5 * last + np.sqrt(0.75) * after


@pytest.mark.parametrize("kept, turned", [(0.0, 0.0), (0.7, 0.0), (0.3, 0.5), (1.0, 0.8)])
def test_what_is_shared_and_what_is_a_network_s_own_are_told_apart(kept, turned):
    both = over_time(moments(kept, turned, np.random.default_rng(0), 10, 300), np.random.default_rng(1), 20).values
    assert shared(both)[0, 1] == pytest.approx(np.cos(turned), abs=0.02)
    assert own(both)[0, 1] == pytest.approx(kept, abs=0.03)
    assert own(both)[0, 0] == pytest.approx(1) and shared(both)[1, 1] == pytest.approx(1)


@pytest.mark.parametrize("trials, band", [(60, 0.08), pytest.param(1000, 0.025, marks=pytest.mark.slow)])
def test_intervals_hold_the_truth(trials, band):
    rng = np.random.default_rng(0)
    found = [over_time(moments(0.4, 0.5, rng), rng, 40) for _ in range(trials)]
    for statistic, truth in ((own, 0.4), (shared, np.cos(0.5))):
        ends = np.array([one.interval(lambda both: statistic(both)[..., 0, 1])[1:] for one in found])
        held = np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
        assert held > 0.95 - band, (statistic.__name__, held)


@pytest.mark.parametrize("shapes", [[(2, 9, 4)] * 2, [(3, 9, 4), (4, 9, 4)]])
def test_other_or_too_few_networks_are_refused(shapes):
    with pytest.raises(ValueError, match="the same networks, 3 at least, not"):
        over_time([unit(np.ones(shape)) for shape in shapes], np.random.default_rng(0))
