"""Chapter 21: predictions are exact where the law is, wrong by as much as it is broken, and judged as their rules promise."""

from dataclasses import replace

import error_rates
import numpy as np
import pytest

from lib.attacks.attack_transfer import Transfer
from lib.attacks.one_step import Scores
from lib.chapters import foretold
from lib.chapters.foretold import ROWS, Foretold, attack_ratios, diagonal_errors, direction_ratio, joined, narrow_ratios
from lib.chapters.foretold_authors import AUTHORS, Picture
from lib.chapters.foretold_planted import coverage, planted
from lib.similarity.crossed import similarity_matrix
from lib.similarity.foretold import (
    direction_of_widest,
    from_diagonal,
    from_narrow,
    from_near,
    losses_from_diagonals,
    losses_from_narrow,
)
from lib.similarity.mean_directions import planted_population
from lib.sphere.saw import von_mises_fisher
from lib.statistics.sample import Sample
from lib.verdicts import judged

WIDTHS, NARROW = (2, 4, 8, 16), (1, 2)
R = 0.2 * np.array(WIDTHS) ** 0.4
S = 0.5 * np.array(WIDTHS) ** -0.3  # how sensitive targets are
LOSSES = np.outer(R, S)
ROW = {row.name.removesuffix("-{family}"): row for row in (*ROWS, *AUTHORS)}


@pytest.mark.parametrize(
    "foretold, expected",
    [
        (from_diagonal(np.outer(R, R)), np.outer(R, R)),
        (from_narrow(np.outer(R, R), WIDTHS, NARROW), np.outer(R, R)),
        (from_near(np.where(np.eye(4), np.nan, np.outer(R, R)), 2), np.outer(R, R)),
        (losses_from_diagonals(R, LOSSES), LOSSES),
        (losses_from_narrow(R, LOSSES, WIDTHS, NARROW), LOSSES),
    ],
)
def test_where_the_law_holds_little_foretells_all(foretold, expected):
    np.testing.assert_allclose(foretold, expected)


def test_only_what_is_given_is_read():
    rho = np.full((4, 4), np.nan)
    rho[1:3, 1:3] = np.outer(R, R)[1:3, 1:3]
    np.testing.assert_allclose(from_narrow(rho, WIDTHS, NARROW), np.outer(R, R))
    rho[np.diag_indices(4)] = R**2
    rho[1, 2] = rho[2, 1] = np.nan
    np.testing.assert_allclose(from_diagonal(rho), np.outer(R, R))


def test_neighbours_alone_leave_the_law_open():
    with pytest.raises(ValueError, match="a reach of 2 or more, not 1"):
        from_near(np.outer(R, R), 1)


def test_the_widest_direction_is_missed_by_the_cosine_to_which_it_is_turned():
    rho = np.outer(R, R)
    rho[:-1, -1] *= 0.8
    rho[-1, :-1] *= 0.8
    expected, found = direction_of_widest(rho, [6] * 4, NARROW)
    assert found / expected == pytest.approx(0.8) and 0 < found < expected < 1
    assert diagonal_errors(rho)[[2, 4, 5]] == pytest.approx([-np.log(0.8)] * 3)


def test_a_step_along_signs_loses_what_the_law_says():
    """Populations about one direction whose parts are normal; the loss is u2 . sign(u1), as of a small step."""
    rng = np.random.default_rng(0)
    axis = rng.standard_normal(400)
    axis /= np.linalg.norm(axis)
    populations = [r * axis + np.sqrt((1 - r**2) / 400) * rng.standard_normal((300, 400)) for r in R]
    losses = np.array([[np.mean(np.sign(one[:150]) @ other[150:].T) for other in populations] for one in populations])
    assert losses_from_diagonals(R, losses) / losses == pytest.approx(1, rel=0.1)
    assert losses_from_narrow(R, losses, WIDTHS, NARROW) / losses == pytest.approx(1, rel=0.15)


def test_similarities_and_attacks_see_the_same_networks_and_images():
    """An attack that takes exactly the cosine of the two networks: 1 - alpha(k, k) is rho(k, k), with all its draws."""
    rng = np.random.default_rng(0)
    directions = [planted_population(von_mises_fisher(kappa, 16), 4, 30, rng) for kappa in (4, 9)]
    cosines = np.einsum("sand,tbnd->stabn", directions, directions)
    cosines[:, :, np.eye(4, dtype=bool)] = np.nan
    before = Scores(np.zeros((2, 1, 4, 30)), np.ones((2, 1, 4, 30)))
    transfer = Transfer(before, Scores(np.log1p(-np.clip(cosines, -1, 0.999)), np.ones_like(cosines)), (False, False))
    both = joined(directions, transfer, np.random.default_rng(1), 60)
    for part in (both.values, both.without, both.by_images, both.without_by_images):
        np.testing.assert_allclose(part[..., 0, :], np.diagonal(part[..., 1:, :], axis1=-2, axis2=-1), atol=2e-3)
    assert both.networks == (4,) and both.images == 30


def turned(cosine, trials, networks=6):
    """vMF populations of four widths that obey the law, but that the widest mean direction is turned away."""
    rng = np.random.default_rng(0)
    rotation = np.eye(16)
    rotation[:2, :2] = [[cosine, np.sqrt(1 - cosine**2)], [-np.sqrt(1 - cosine**2), cosine]]
    laws = [von_mises_fisher(kappa, 16) for kappa in (6, 8, 11, 15)]
    for _ in range(trials):
        populations = [planted_population(law, networks, 60, rng) for law in laws]
        populations[-1] = populations[-1] @ rotation
        yield similarity_matrix(populations, rng, 20)


# Three of six pairs hold a widest one at a cosine c: the size of their errors is |log c| / sqrt(2), 0.1 at 0.868.
TURNED = [
    ("21-matrix", 1.0, "supported"),
    ("21-matrix", 0.6, "contradicted"),
    ("21-matrix", 0.868, None),
    ("21-direction", 1.0, "supported"),
    ("21-direction", 0.7, "contradicted"),
    ("21-direction", 0.9, None),
]


@pytest.mark.parametrize("trials", [40, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("row, cosine, expected", TURNED)
def test_rules_about_one_direction_err_as_seldom_as_they_promise(row, cosine, expected, trials):
    found = [
        judged(
            [replace(ROW[row], level="detail")],
            Foretold(matrix, matrix, WIDTHS, NARROW),
            family="vit",
            narrow="",
            widest="",
        )[0].verdict
        for matrix in turned(cosine, trials)
    ]
    error_rates.check(found, expected, 0.6)


def attacked(factor, rng, spread=0.02, groups=6):
    """rho(k, k) and losses that obey the law but for a factor on all attacks by the widest on others, groups vary."""
    losses = LOSSES.copy()
    losses[-1, :-1] *= factor
    truth = np.concatenate([[R**2], losses])
    own = truth * (1 + spread * np.sqrt(groups) * rng.standard_normal((groups, *truth.shape)))
    without = (own.sum(0) - own) / (groups - 1)
    images = truth * 0.01 * rng.standard_normal((60, *truth.shape))
    return Sample(own.mean(0), without, own.mean(0) + images, without + images[:20, None], (groups,), 256)


@pytest.mark.parametrize("trials", [100, pytest.param(4000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("factor, expected", [(1.0, "supported"), (2.5, "contradicted"), (1.25, None), (0.8, None)])
def test_the_rule_about_attacks_errs_as_seldom_as_it_promises(factor, expected, trials):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(trials):
        one = Foretold(attacked(1, rng), attacked(factor, rng), WIDTHS, NARROW)
        found.append(judged([replace(ROW["21-attack"], level="detail")], one, family="vit")[0].verdict)
    error_rates.check(found, expected, 0.6)


@pytest.mark.parametrize("networks, trials, band", [(6, 40, 0.06), pytest.param(6, 1000, 0.03, marks=pytest.mark.slow)])
def test_intervals_of_predictions_hold_the_truth_where_the_law_holds(networks, trials, band):
    found = coverage(WIDTHS, NARROW, 0.3, 0.3, networks, 60, 32, trials, np.random.default_rng(0))
    assert all(abs(share - 0.96) < band for share in found.values()), found


def test_predictions_from_two_widths_are_not_held_against_those_widths():
    matrix = planted(R, 6, 60, 32, np.random.default_rng(0))
    one = Foretold(matrix, matrix, WIDTHS, NARROW)
    assert list(zip(*one.wider)) == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 3), (2, 3), (3, 3)]
    assert len(one.wider_attacks[0]) == 12 and (1, 2) not in list(zip(*one.wider_attacks))
    assert narrow_ratios(np.outer(R, R), one) == pytest.approx(1) and direction_ratio(np.outer(R, R), one) == 1
    assert attack_ratios(np.concatenate([[R**2], LOSSES])) == pytest.approx(1)
    assert foretold.drift(
        np.outer(R, R) * 0.9 ** np.abs(np.subtract.outer(range(4), range(4))), WIDTHS
    ) == pytest.approx(-np.log(0.9))


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.7])
def test_single_networks_that_obey_the_law_foretell_each_other(exponent):
    widths = np.arange(8, 25)
    r = 0.1 * widths**0.5
    losses = np.outer(r**exponent, np.linspace(0.5, 0.1, 17))
    losses[0, 1:9] = -0.2  # beyond the colours
    picture = Picture(np.where(np.eye(17), np.nan, np.outer(r, r)), np.where(np.eye(17), np.nan, losses), widths)
    assert picture.numbers() == pytest.approx([0, 1, exponent], abs=1e-6)
    assert len(picture.far_errors()) == 105 and len(picture.wide_errors()) == 36
    verdicts = [claim.verdict for claim in judged(AUTHORS, picture.sample(256))]
    assert verdicts == ["supported", "supported", "supported" if exponent == 1 else "contradicted"]
