"""Best sources, ties, distances and violations, on scores made by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest

from lib.stitching import identification as found


@pytest.mark.parametrize("layers", [2, 5, 8])
def test_chance_is_what_random_scores_do_and_what_equal_scores_do(layers):
    rng = np.random.default_rng(0)
    drawn = [rng.random((layers, layers)) for _ in range(4000)]
    expected = [np.mean([score(one) for one in drawn]) for score in (found.identified, found.distance)]
    assert found.chance(layers) == pytest.approx(expected, rel=0.06)
    flat = np.zeros((layers, layers))
    assert found.chance(layers) == pytest.approx((found.identified(flat).mean(), found.distance(flat).mean()))
    assert found.chance(layers) == pytest.approx((1 / layers, (layers**2 - 1) / (3 * layers)))


def test_a_score_that_falls_with_the_distance_follows_it():
    distances = found.layer_distances(6)
    assert distances[5, 0] == 5 and distances[2, 3] == 1
    assert found.distance_correlation(-distances) == pytest.approx(1)
    assert found.distance_correlation(np.exp(distances)) == pytest.approx(-1)
    assert found.distance_correlation(np.ones((3, 3))) == 0  # no order, none of it followed
    assert abs(found.distance_correlation(np.random.default_rng(0).random((6, 6)))) < 0.4


def hits(right):
    """[sources, targets, images] of one target's hits [sources, images], the other targets alike for all sources."""
    full = np.ones((len(right), len(right), len(right[0])), dtype=bool)
    full[:, 0] = right
    return full


@pytest.mark.parametrize("gained, lost", [(5, 0), (6, 0), (7, 0), (20, 8), (20, 5), (0, 30), (0, 0)])
def test_violations_are_those_of_an_exact_sign_test(gained, lost):
    own = np.r_[np.zeros(gained), np.ones(lost), np.ones(20), np.zeros(10)].astype(bool)
    other = np.r_[np.ones(gained), np.zeros(lost), np.ones(20), np.zeros(10)].astype(bool)
    violated = found.violations(hits([own, own, other]))
    expected = gained + lost and binomtest(gained, gained + lost, alternative="greater").pvalue < 0.05 / 2
    assert violated[2, 0] == bool(expected) and violated.sum() == violated[2, 0]


@pytest.mark.parametrize("errors, seen", [(0, False), (5, False), (6, True), (30, True)])
def test_a_target_can_be_violated_only_if_it_errs(errors, seen):
    """Three layers, so that one source has to be better at the level 0.025: of six images or more that differ."""
    own = np.arange(50) >= errors
    perfect = hits([own, np.ones(50, dtype=bool), own])
    assert found.could_be_violated(perfect).tolist() == [seen, False, False]
    assert found.violations(perfect)[1, 0] == seen


def test_targets_of_equally_good_sources_are_rarely_violated():
    """Eight sources that are right on images of their own choice: at most one target in twenty."""
    rng = np.random.default_rng(0)
    seen = [found.violations(rng.random((8, 8, 300)) < 0.9).any(0) for _ in range(200)]
    assert 0.005 < np.mean(seen) < 0.05


def test_the_share_of_later_sources_is_held_against_that_of_any_source():
    violated = np.zeros((4, 4), dtype=bool)
    violated[3, 0] = violated[2, 1] = violated[0, 1] = True
    assert found.later_share(violated) == pytest.approx((2 / 3, (1 + 2 / 3 + 2 / 3) / 3))
    everything = ~np.eye(4, dtype=bool)
    assert found.later_share(everything) == pytest.approx((0.5, 0.5))
    assert np.isnan(found.later_share(np.zeros((4, 4), dtype=bool))).all()


def test_an_index_that_falls_with_the_distance_is_specific_and_its_opposite_the_reverse():
    away = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    assert found.distance_correlation(-(away**2.0)) == pytest.approx(1) and found.identification(1.0 - away) == 1
    assert found.distance_correlation(away) == pytest.approx(-1) and found.identification(away) == 0
    assert found.distance_correlation(np.ones((4, 4))) == 0 and found.identification(np.ones((4, 4))) == 0.5
    noise = 1 + 1e-13 * np.random.default_rng(0).normal(size=(4, 4))  # rounding is no order
    assert found.distance_correlation(noise) == 0 and found.identification(noise) == 0.5
    with pytest.raises(ValueError, match=r"^corresponding layers need a square matrix, not shape \[3, 4\]$"):
        found.identification(np.ones((3, 4)))


def test_rank_correlations_by_hand():
    assert found.rank_correlation([1, 2, 3, 4], [10, 30, 20, 40]) == pytest.approx(0.8)  # 1 - 6 * 2 / (4 * 15)
    assert found.rank_correlation([1, 1, 1], [1, 2, 3]) == 0


SCORES = np.array(
    [[0.9, 0.1, 0.5, 0.3], [0.2, 0.8, 0.5, 0.3], [0.1, 0.8, 0.4, 0.3], [0.95, 0.0, 0.1, 0.3]]
)  # best: 3; 1 and 2; 0 and 1; all


def test_several_best_sources_share_a_target():
    shares = found.best_shares(SCORES)
    np.testing.assert_allclose(shares.sum(0), 1)
    np.testing.assert_allclose(shares[:, 1], [0, 0.5, 0.5, 0])
    np.testing.assert_allclose(found.identified(SCORES), [0, 0.5, 0, 0.25])
    np.testing.assert_allclose(found.distance(SCORES), [3, 0.5, 1.5, 1.5])
