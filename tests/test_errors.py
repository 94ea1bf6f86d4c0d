"""Per-example accuracies of two architectures: planted populations whose truth is known, and refusals."""

import numpy as np
import pytest
from scipy.special import expit, rel_entr, softmax
from scipy.stats import kstest

from lib.effects.accuracy_differences import nearest, validation_part
from lib.effects.errors import (
    agreement,
    deviations,
    difference,
    divergence,
    even_number,
    halves,
    hits,
    less_group_means,
    split_variances,
    strata,
)


def planted(rng, first, second, networks=12):
    """Hits of networks that are right on each image with these probabilities, [images] each."""
    return tuple((rng.random((networks, len(p))) < p).astype(float) for p in (first, second))


def simulated(make, runs=250, draws=99, stratified=False, seed=0):
    """p values and variances of `difference` for so many planted populations."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(runs):
        first, second = make(rng)
        groups = strata(first, second) if stratified else None
        found.append(difference(first, second, rng, draws, groups))
    return np.array([one.p for one in found]), np.array([one.observed for one in found])


def test_a_hit_is_the_label_with_the_largest_logit():
    logits = np.array([[[0.1, 0.9, 0.0], [2.0, 1.0, 0.0]], [[1.0, 0.0, 0.0], [0.0, 0.0, 5.0]]])
    np.testing.assert_array_equal(hits(logits, np.array([1, 2])), [[1, 0], [0, 1]])


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


@pytest.mark.parametrize("networks", [6, 12])
def test_the_variance_of_the_true_differences_is_estimated_without_bias(networks):
    rng = np.random.default_rng(1)
    p, q = rng.uniform(0.1, 0.9, (2, 60))
    _, found = simulated(lambda rng: planted(rng, p, q, networks), draws=1)
    assert found.mean() == pytest.approx((p - q).var(ddof=1), abs=4 * found.std() / np.sqrt(len(found)))


def test_networks_of_unequal_skill_do_not_bias_it():
    """A network's skill moves all its hits together; it is common to all images and leaves with the mean."""
    difficulty = np.random.default_rng(1).uniform(0.3, 0.7, 60)

    def make(rng):
        return tuple(
            (rng.random((6, 60)) < difficulty + rng.uniform(-0.25, 0.25, (6, 1))).astype(float) for _ in range(2)
        )

    _, found = simulated(make, runs=400, draws=1)
    assert found.mean() == pytest.approx(0, abs=4 * found.std() / np.sqrt(len(found)))


@pytest.mark.parametrize("stratified", [False, True])
def test_p_is_uniform_where_the_architecture_does_not_matter(stratified):
    easy = np.random.default_rng(2).beta(2, 0.5, 60)
    p, _ = simulated(lambda rng: planted(rng, easy, easy), stratified=stratified)
    assert kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize("stratified", [False, True])
def test_different_errors_are_found(stratified):
    rng = np.random.default_rng(3)
    easy = rng.uniform(0.4, 0.9, 100)
    shift = 0.25 * rng.choice([-1, 1], 100)
    p, _ = simulated(
        lambda rng: planted(rng, np.clip(easy + shift, 0, 1), np.clip(easy - shift, 0, 1)),
        runs=60,
        stratified=stratified,
    )
    assert (p < 0.05).mean() > 0.9


def test_a_difference_of_accuracy_alone_is_none_among_images_equally_hard():
    """Images differ in difficulty alone and architectures in ability alone: the plain test sees hard images gain more,
    the stratified one finds nothing, and its variance errs on the low side."""
    difficulty = np.random.default_rng(4).normal(1.5, 2, 200)

    def make(rng):
        return planted(rng, expit(difficulty + 0.6), expit(difficulty - 0.6))

    plain, _ = simulated(make, runs=60)
    within, variances = simulated(make, runs=100, stratified=True)
    assert (plain < 0.05).mean() > 0.7
    assert (within < 0.05).mean() <= 0.05 and variances.mean() < 0


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


@pytest.mark.parametrize("runs", [80, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("shift, found", [(0, 0.025), (0.05, 0), (0.25, 1)])
def test_the_interval_says_what_the_test_says_and_holds_the_truth(shift, found, runs):
    """No difference, a small one and a large one; 12 networks of each architecture on 80 images."""
    rng = np.random.default_rng(7)
    easy, sign = rng.uniform(0.3, 0.7, 80), rng.choice([-1, 1], 80)
    first, second = easy + shift * sign, easy - shift * sign
    above, holds = rates(lambda rng: (planted(rng, first, second), (first - second).var(ddof=1)), runs)
    assert holds > 0.95 - 3 * np.sqrt(0.95 * 0.05 / runs)
    assert above <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / runs) if shift == 0 else above >= found


@pytest.mark.parametrize("runs", [60, pytest.param(1000, marks=pytest.mark.slow)])
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


def test_means_of_groups_are_taken_off():
    np.testing.assert_allclose(
        less_group_means(np.array([[1.0, 2.0, 6.0, 5.0]]), np.array([4, 4, 9, 9])), [[-0.5, 0.5, 0.5, -0.5]]
    )


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
