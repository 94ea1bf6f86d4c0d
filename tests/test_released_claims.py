"""The verdicts of chapter 10 follow from numbers and their draws, and a picture is judged by what others can show."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from lib.chapters import released_claims
from lib.chapters.picture_comparison import compare
from lib.statistics.sample import Sample
from lib.verdicts import CONTRADICTED, SUPPORTED, UNDECIDED

WIDTHS = (8, 12, 16, 20)
T = np.array([0.2, 0.3, 0.35, 0.4])


def resampled(values, spread, seed=0, images=1000):
    values = np.array(values, dtype=float)
    if values.ndim == 2:
        values[np.diag_indices(len(values))] = np.nan
    noise = np.random.default_rng(seed).standard_normal((500, *values.shape))
    if values.ndim == 2:
        noise = (noise + noise.swapaxes(1, 2)) / np.sqrt(2)
    return Sample(values, None, values + spread * noise, None, (), images)


def verdicts(claims):
    return {claim.name: claim.verdict for claim in claims}


def test_clear_similarities_of_rank_one_support_all():
    found = released_claims.similarity_claims(resampled(np.outer(T, T), 1e-4), WIDTHS, 192)
    assert verdicts(found) == dict.fromkeys(["10-above-chance", "10-width", "10-rank-one"], SUPPORTED)
    assert {(claim.networks, claim.images) for claim in found} == {(4, 1000)}


def test_similarities_that_fall_with_the_width_contradict_the_order_alone():
    found = verdicts(released_claims.similarity_claims(resampled(np.outer(T[::-1], T[::-1]), 1e-4), WIDTHS, 192))
    assert found == {"10-above-chance": SUPPORTED, "10-width": CONTRADICTED, "10-rank-one": SUPPORTED}


def test_noise_leaves_order_and_product_undecided():
    found = verdicts(released_claims.similarity_claims(resampled(np.outer(T, T), 0.01), WIDTHS, 192))
    assert found["10-above-chance"] == SUPPORTED and found["10-width"] == found["10-rank-one"] == UNDECIDED


def test_one_pair_below_chance_contradicts_that_all_are_beyond():
    rho = np.outer(T, T)
    rho[0, 1] = rho[1, 0] = -0.01
    found = verdicts(released_claims.similarity_claims(resampled(rho, 1e-4), WIDTHS, 192))
    assert found["10-above-chance"] == CONTRADICTED and found["10-rank-one"] == UNDECIDED  # no logarithm, no law


@pytest.mark.parametrize("shares, verdict", [([0.6, 0.7, 0.8, 0.9], SUPPORTED), ([0.6, 0.7, 0.65, 0.9], CONTRADICTED),
                                             ([0.6, 0.7, 0.7, 0.9], UNDECIDED)])
def test_every_step_of_the_accuracy_counts(shares, verdict):
    assert released_claims.accuracy_claim(resampled(shares, 0.002), WIDTHS).verdict == verdict


@pytest.mark.parametrize("sources, targets, expected", [
    ([0.2, 0.1, -0.1, -0.2], [0.01, 0, 0, 0], {"10-wide-sources": SUPPORTED, "10-target-little": SUPPORTED}),
    ([-0.2, -0.1, 0.1, 0.2], [0.01, 0, 0, 0], {"10-wide-sources": CONTRADICTED, "10-target-little": SUPPORTED}),
    # Without the diagonal a target's own part leaks into the averages of sources: only the spread is judged.
    ([0.01, 0, 0, -0.01], [0.4, 0.1, -0.1, -0.3], {"10-target-little": CONTRADICTED}),
])
def test_attacks_are_judged_by_the_rows_as_sources(sources, targets, expected):
    alpha = 0.8 + np.array(sources)[:, None] + np.array(targets)
    found = verdicts(released_claims.attack_claims(resampled(alpha, 0.01), WIDTHS))
    assert found | expected == found


def test_averages_leave_out_the_network_itself():
    alpha = np.arange(9.0).reshape(3, 3)
    alpha[np.diag_indices(3)] = np.nan
    np.testing.assert_allclose(released_claims.source_means(alpha), [1.5, 4, 6.5])
    np.testing.assert_allclose(released_claims.target_means(alpha), [4.5, 4, 3.5])


def by_image(seed=0, images=1000, numbers=15):
    return np.random.default_rng(seed).normal(0.1, 0.15, (images, numbers))


def comparison(theirs, spread=1.0, top=np.inf):
    values = 0.1 + spread * (by_image() - 0.1)
    return compare(values, theirs, np.full(15, 0.002), [f"pair {place}" for place in range(15)], 256,
                   np.random.default_rng(1), top)


def judged(found, widest=0.05):
    return found.claim("10-picture", "It shows it.", "similarity", widest, 6, 1000)


def test_a_picture_of_other_images_of_the_kind_is_expected_there():
    held = [comparison(by_image(seed, 256).mean(0)) for seed in range(1, 9)]
    assert sum(judged(found).verdict == SUPPORTED for found in held) >= 7
    assert 0.9 < np.mean([found.within().mean() for found in held]) <= 1
    table = held[0].table()
    assert list(table.index) == [f"pair {place}" for place in range(15)]
    np.testing.assert_allclose(table["difference"], table["picture"] - table["here"])


def test_a_picture_with_one_other_number_is_contradicted_and_the_pair_named():
    theirs = by_image(1, 256).mean(0)
    theirs[4] += 0.08
    claim = judged(comparison(theirs))
    assert claim.verdict == CONTRADICTED and claim.low > 0
    assert ": pair 4, of 15 the furthest outside its band at the corrected level; " in claim.statistic


def test_the_number_that_decides_is_named():
    """Bands of one width but for the eighth, whose images vary more; the third lies nearest to an end of its band."""
    values = by_image()
    values[:, 8] = 0.1 + 3 * (values[:, 8] - 0.1)
    theirs = values.mean(0)
    theirs[3] += 0.01
    found = compare(values, theirs, np.full(15, 0.002), [f"pair {place}" for place in range(15)], 256,
                    np.random.default_rng(1))
    claim = judged(found, widest=0.2)
    assert claim.verdict == SUPPORTED and ": pair 3, of 15 the one nearest to an end of its band; " in claim.statistic
    assert claim.estimate == pytest.approx(0.01)
    claim = judged(found)
    assert claim.verdict == UNDECIDED and ": pair 8, of 15 the one with the widest band, +-0.0" in claim.statistic


def test_a_band_too_wide_to_tell_decides_nothing():
    theirs = comparison(np.zeros(15), spread=4).ours
    assert judged(comparison(theirs, spread=4)).verdict == UNDECIDED
    assert judged(comparison(theirs, spread=4), widest=0.2).verdict == SUPPORTED


def test_beyond_the_end_of_the_colours_all_numbers_are_one():
    found = comparison(np.full(15, 0.3), top=0.02)
    assert (found.ours == 0.02).all() and (found.theirs == 0.02).all() and found.others.max() == 0.02
    assert judged(found).verdict == SUPPORTED


def test_findings_tell_the_numbers():
    rho = resampled(np.outer(T, T), 1e-4)
    alpha = resampled(0.8 + np.array([0.2, 0.1, -0.1, -0.2])[:, None] + 0 * T, 0.01)
    lines = released_claims.findings(rho, alpha, WIDTHS)
    assert "from 0.060 to 0.140" in lines[0] and "100.0 %" in lines[0]
    assert "from 1.00 (source k = 8) to 0.60 (k = 20)" in lines[1]
    theirs = by_image().mean(0) + np.where(np.arange(15) < 4, -0.01, 0.005)
    (line,) = released_claims.comparison_findings({"similarity": comparison(theirs)})
    assert line.startswith("- **similarity beside the picture**: the largest difference of 15 is 0.010 (pair ")
    assert "4 of the picture's numbers are lower than here, and 15 lie where" in line


def test_the_order_of_widths_is_scipy_s_rank_correlation():
    widths = [8, 12, 16, 24]  # 8 x 24 and 12 x 16 are a tie
    rho = np.random.default_rng(3).uniform(0, 1, (5, 4, 4))
    products, *found = (released_claims.pairs(matrix) for matrix in (np.outer(widths, widths), *rho))
    expected = [spearmanr(products, one).statistic for one in found]
    np.testing.assert_allclose(released_claims.width_order(rho, widths), expected)
