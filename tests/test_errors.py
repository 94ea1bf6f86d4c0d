"""Per-example accuracies of two architectures: planted populations whose truth is known, and refusals."""

import numpy as np
import pytest
from scipy.special import expit, rel_entr, softmax

from lib.effects.accuracy_differences import nearest, validation_part
from lib.effects.errors import (
    agreement,
    deviations,
    difference,
    divergence,
    even_number,
    halves,
    split_variances,
    strata,
)


def planted(rng, first, second, networks=12):
    """Hits of networks that are right on each image with these probabilities, [images] each."""
    return tuple((rng.random((networks, len(p))) < p).astype(float) for p in (first, second))


def test_the_variance_is_that_of_the_per_example_accuracies_less_their_sampling_variance():
    rng = np.random.default_rng(0)
    first, second = planted(rng, rng.random(40), rng.random(40), networks=7)
    found = difference(first, second, rng, 100)
    gap = first.mean(0) - second.mean(0)
    # What the scatter of networks adds at each image, less what it adds to the mean over the images.
    noise = sum((table - table.mean(1, keepdims=True)).var(0, ddof=1).sum() / len(table) for table in (first, second))
    assert found.observed == pytest.approx(gap.var(ddof=1) - noise / 39)
    estimate, low, high = found.root()
    assert estimate == pytest.approx(np.sqrt(found.observed)) and low < estimate < high


def rates(make, runs, draws=199, seed=0):
    """How often the interval of the variance lies above zero, and holds the truth that `make` tells."""
    rng, above, holds = np.random.default_rng(seed), [], []
    for _ in range(runs):
        tables, truth = make(rng)
        found = difference(*tables, rng, draws)
        _, low, high = found.variance()
        assert (low > 0) == (found.observed > np.quantile(found.drawn, 0.975))
        above.append(low > 0)
        holds.append(low <= truth <= high)
    return np.mean(above), np.mean(holds)


@pytest.mark.parametrize("runs", [150, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("shift, found", [(0, 0.025), (0.05, 0), (0.25, 1)])
def test_the_interval_says_what_the_test_says_and_holds_the_truth(shift, found, runs):
    """No difference, a small one and a large one; 12 networks of each architecture on 80 images."""
    rng = np.random.default_rng(7)
    easy, sign = rng.uniform(0.3, 0.7, 80), rng.choice([-1, 1], 80)
    first, second = easy + shift * sign, easy - shift * sign
    above, holds = rates(lambda rng: (planted(rng, first, second), (first - second).var(ddof=1)), runs)
    assert holds > 0.95 - 3 * np.sqrt(0.95 * 0.05 / runs)
    assert above <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / runs) if shift == 0 else above >= found


@pytest.mark.parametrize("runs", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_abilities_matched_on_other_images_leave_no_difference_of_errors(runs):
    """One axis of ability: unmatched, hard images gain more and the errors differ; the nearest of three does not differ."""
    rng = np.random.default_rng(8)
    tests, others = rng.normal(1.5, 2, (2, 200))

    def pair(rng, abilities):
        candidates = {one: planted(rng, expit(others + one), expit(others))[0].mean(1) for one in abilities}
        chosen = nearest(candidates, planted(rng, expit(others), expit(others))[0].mean(1))
        return planted(rng, expit(tests + chosen), expit(tests)), 0

    matched, unmatched = (rates(lambda rng: pair(rng, given), runs)[0] for given in ((-0.6, 0.05, 1.2), (1.2,)))
    assert matched <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / runs) and unmatched > 0.7


def test_inner_products_are_the_mean_covariance_within_groups():
    rng = np.random.default_rng(0)
    table, groups = rng.standard_normal((2, 9)), np.array([0, 1, 0, 1, 0, 1, 1, 0, 0])
    rows = deviations(table, groups)
    parts = [np.cov(table[:, groups == group]) for group in (0, 1)]
    np.testing.assert_allclose(rows @ rows.T, (5 * parts[0] + 4 * parts[1]) / 9)
    np.testing.assert_allclose(deviations(table) @ deviations(table).T, np.cov(table))


def test_random_halves_of_one_architecture_differ_by_nothing_on_average_and_across_by_the_difference():
    rng = np.random.default_rng(5)
    first, second = planted(rng, rng.random(50), rng.random(50))
    whole = difference(first, second, rng, 1).observed
    within_first, within_second, across = split_variances(first, second, rng, 4000)
    for drawn, expected in ((within_first, 0), (within_second, 0), (across, whole)):
        assert drawn.mean() == pytest.approx(expected, abs=4 * drawn.std() / np.sqrt(len(drawn)))


@pytest.mark.parametrize("count", [4, 7])
def test_networks_that_make_no_two_halves_are_refused(count):
    with pytest.raises(ValueError, match=f"^two halves need an even number of networks, at least 6, not {count}$"):
        halves(np.zeros((count, 3)))


def test_halves_share_no_network():
    first, second = halves(np.arange(8)[:, None])
    np.testing.assert_array_equal(np.concatenate([first, second]).ravel(), range(8))
    assert len(first) == 4


def test_lost_networks_leave_an_even_number_or_are_told():
    assert even_number({"a": range(9), "b": range(12)}) == 8
    with pytest.raises(ValueError, match="^b: 5 networks kept a finite loss, and 6 are needed"):
        even_number({"a": range(9), "b": range(5)})


def test_agreement_and_divergence_are_those_of_single_pairs():
    logits = np.random.default_rng(0).standard_normal((3, 6, 4))
    same, distance = agreement(logits.argmax(-1)), divergence(logits)
    p = softmax(logits, axis=-1)
    for a, b in np.ndindex(3, 3):
        assert same[a, b] == (logits[a].argmax(1) == logits[b].argmax(1)).mean()
        both_ways = (rel_entr(p[a], p[b]) + rel_entr(p[b], p[a])).sum(1).mean() / 2
        assert distance[a, b] == pytest.approx(both_ways, abs=1e-12)


def test_validation_images_are_others_than_those_of_training(digits):
    part = validation_part(digits, 50)
    used = {image.numpy().tobytes() for image in digits.train_images}
    assert len(part.test_labels) == 50 and not used & {image.numpy().tobytes() for image in part.test_images}
    assert part.train_images is digits.train_images


def test_strata_do_not_see_who_is_deep_and_a_lone_image_is_left_out():
    rng = np.random.default_rng(0)
    first, second = planted(rng, rng.random(30), rng.random(30))
    together = rng.permutation(np.concatenate([first, second]))
    np.testing.assert_array_equal(strata(first, second), strata(together[:12], together[12:]))
    rows = deviations(first[:, :5], np.array([0, 0, 7, 3, 3]))
    assert not rows[:, 2].any() and rows[:, [0, 1, 3, 4]].any()
    np.testing.assert_allclose(rows[:, :2].sum(1), 0, atol=1e-12)
