"""Chapter 10: verdicts follow from numbers and their draws, and a picture is judged by what others can show."""

import numpy as np
import pytest

from lib.chapters.released_models import accuracy_claims, attack_claims, similarity_claims, source_means, target_means
from lib.chapters.released_pictures import compare, picture_claims
from lib.gates import learnt
from lib.rules import CONTRADICTED, SUPPORTED, UNDECIDED
from lib.statistics.sample import Sample

WIDTHS = (8, 12, 16, 20, 32, 40)
T = np.array([0.2, 0.3, 0.35, 0.4, 0.45, 0.5])
CHANCE = 0.03  # what pairs of untrained networks stay below
LEARNT = [learnt([0.7], 10)]


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
    found = similarity_claims(resampled(np.outer(T, T), 1e-4), WIDTHS, CHANCE, LEARNT)
    assert verdicts(found) == dict.fromkeys(["10-above-chance", "10-width", "10-rank-one"], SUPPORTED)
    assert {(claim.networks, claim.images) for claim in found} == {(6, 1000)}


def test_similarities_that_fall_with_the_width_contradict_the_order_alone():
    found = verdicts(similarity_claims(resampled(np.outer(T[::-1], T[::-1]), 1e-4), WIDTHS, CHANCE, LEARNT))
    assert found == {"10-above-chance": SUPPORTED, "10-width": CONTRADICTED, "10-rank-one": SUPPORTED}


def test_noise_leaves_order_and_product_undecided():
    found = verdicts(similarity_claims(resampled(np.outer(T, T), 0.03), WIDTHS, CHANCE, LEARNT))
    assert set(found.values()) == {UNDECIDED}


def test_one_network_beside_which_the_others_do_not_grow_contradicts():
    rho = np.outer(T, T)
    rho[0, -1] = rho[-1, 0] = 0.05  # below that of the narrowest with the second
    found = verdicts(similarity_claims(resampled(rho, 1e-4), WIDTHS, CHANCE, LEARNT))
    assert found == {"10-above-chance": SUPPORTED, "10-width": CONTRADICTED, "10-rank-one": CONTRADICTED}


def test_one_pair_below_chance_contradicts_that_all_are_beyond():
    rho = np.outer(T, T)
    rho[0, 1] = rho[1, 0] = -0.01
    found = verdicts(similarity_claims(resampled(rho, 1e-4), WIDTHS, CHANCE, LEARNT))
    assert found["10-above-chance"] == CONTRADICTED and found["10-rank-one"] == UNDECIDED  # no logarithm, no law


@pytest.mark.parametrize(
    "shares, verdict",
    [
        ([0, 0.1, 0.2, 0.3, 0.4, 0.5], SUPPORTED),
        ([0, 0.1, 0.05, 0.3, 0.4, 0.5], CONTRADICTED),
        ([0, 0.1, 0.1, 0.3, 0.4, 0.5], UNDECIDED),
    ],
)
def test_every_step_of_the_accuracy_counts(shares, verdict):
    assert [claim.verdict for claim in accuracy_claims(resampled(0.4 + np.array(shares), 0.002), WIDTHS, LEARNT)] == [
        verdict
    ]


@pytest.mark.parametrize(
    "sources, targets, expected",
    [
        (
            [0.2, 0.15, 0.1, -0.1, -0.15, -0.2],
            [0.01, 0, 0, 0, 0, 0],
            {"10-wide-sources": SUPPORTED, "10-target-little": SUPPORTED},
        ),
        (
            [-0.2, -0.15, -0.1, 0.1, 0.15, 0.2],
            [0.01, 0, 0, 0, 0, 0],
            {"10-wide-sources": CONTRADICTED, "10-target-little": SUPPORTED},
        ),
        # Without the diagonal a target's own part leaks into the averages of sources: only the spread is judged.
        ([0.01, 0, 0, 0, 0, -0.01], [0.4, 0.2, 0.1, -0.1, -0.2, -0.3], {"10-target-little": CONTRADICTED}),
    ],
)
def test_attacks_are_judged_by_the_rows_as_sources(sources, targets, expected):
    alpha = 0.8 + np.array(sources)[:, None] + np.array(targets)
    found = verdicts(attack_claims(resampled(alpha, 0.01), WIDTHS, LEARNT))
    assert found | expected == found


def test_averages_leave_out_the_network_itself():
    alpha = np.arange(9.0).reshape(3, 3)
    alpha[np.diag_indices(3)] = np.nan
    np.testing.assert_allclose(source_means(alpha), [1.5, 4, 6.5])
    np.testing.assert_allclose(target_means(alpha), [4.5, 4, 3.5])


def by_image(seed=0, images=1000, numbers=15):
    return np.random.default_rng(seed).normal(0.1, 0.15, (images, numbers))


def comparison(theirs, spread=1.0, top=np.inf):
    values = 0.1 + spread * (by_image() - 0.1)
    return compare(
        values, theirs, np.full(15, 0.002), [f"pair {place}" for place in range(15)], 256, np.random.default_rng(1), top
    )


def judged(found, what="similarity"):
    """Of similarities bands may reach 0.05 from their middle, of attack ratios 0.2."""
    (claim,) = picture_claims({what: found}, 6, LEARNT)
    assert (claim.name, claim.networks, claim.images) == (f"10-picture-{what.replace(' ', '-')}", 6, 1000)
    return claim


def test_a_picture_of_other_images_of_the_kind_is_expected_there():
    held = [comparison(by_image(seed, 256).mean(0)) for seed in range(1, 5)]
    assert sum(judged(found).verdict == SUPPORTED for found in held) >= 3
    assert 0.9 < np.mean([found.table()["within"].mean() for found in held]) <= 1
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
    found = compare(
        values, theirs, np.full(15, 0.002), [f"pair {place}" for place in range(15)], 256, np.random.default_rng(1)
    )
    claim = judged(found, "attack ratio")
    assert claim.verdict == SUPPORTED and ": pair 3, of 15 the one nearest to an end of its band; " in claim.statistic
    assert claim.estimate == pytest.approx(0.01)
    claim = judged(found)
    assert claim.verdict == UNDECIDED and ": pair 8, of 15 the one with the widest band, +-0.0" in claim.statistic


def test_a_band_too_wide_to_tell_decides_nothing():
    theirs = comparison(np.zeros(15), spread=4).ours
    assert judged(comparison(theirs, spread=4)).verdict == UNDECIDED
    assert judged(comparison(theirs, spread=4), "attack ratio").verdict == SUPPORTED
