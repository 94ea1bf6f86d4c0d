"""Chapter 5: its claims on populations whose law is known."""

import error_rates
import numpy as np
import pytest

from lib.chapters.saw_distribution import (
    FIRST,
    ORDER,
    RIGHT_OF_UNIFORM,
    SHAPE,
    TRENDS,
    FirstImage,
    Populations,
    uniform_and_own,
)
from lib.chapters.saw_form import BEYOND_VMF, RICHER, SYMMETRY, Gains, Symmetry
from lib.similarity.mean_directions import mean_cosine_estimates
from lib.similarity.shapes import held_out
from lib.similarity.stochastic_order import cosines
from lib.similarity.symmetry import alignment, with_exponential_cosines
from lib.sphere.saw import Saw, von_mises_fisher
from lib.sphere.uniform import cosine_tail
from lib.statistics.intervals import crossed_interval
from lib.verdicts import judged

DIM = 12
MU = np.eye(DIM)[0]
WIDTHS = (2, 4, 8)
SHAPES = ("exponential", *RICHER)


def claim(row, evidence):
    (found,) = judged([row], evidence, family="vit")
    return found


def population(rng, saw, networks=12, images=150):
    return saw.sample(rng, MU, networks * images).reshape(networks, images, DIM)


def populations(kappas, **sizes):
    rng = np.random.default_rng(0)
    made = [cosines(population(rng, von_mises_fisher(kappa, DIM), **sizes)) for kappa in kappas]
    return Populations(made, WIDTHS[: len(made)])


@pytest.mark.parametrize(
    "kappas, verdict",
    [((3, 9, 30), "supported"), ((9, 9, 9), "undecided"), ((30, 9, 3), "contradicted"), ((3, 30, 9), "contradicted")],
)
def test_order_follows_the_concentration(kappas, verdict):
    found = claim(ORDER, populations(kappas))
    assert found.verdict == verdict and found.name == "05-order-vit"
    assert found.networks == 36 and found.images == 150 and found.low <= found.estimate <= found.high


def test_few_networks_leave_a_small_step_undecided():
    assert claim(ORDER, populations((9, 9.5), networks=4, images=30)).verdict == "undecided"


@pytest.mark.parametrize("kappas, verdict", [((8, 20), "supported"), ((0, 20), "undecided")])
def test_right_of_uniform_needs_every_width(kappas, verdict):
    found = claim(RIGHT_OF_UNIFORM, populations(kappas))
    assert found.verdict == verdict
    mean = claim(TRENDS[1], populations(kappas))
    assert mean.verdict == verdict and (verdict == "supported" or ": k = 2, the one" in mean.statistic)


@pytest.mark.parametrize("trials", [40, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("row", [ORDER, *TRENDS, FIRST], ids=lambda row: row.name)
@pytest.mark.parametrize("effect", [True, False])
def test_what_is_planted_is_found_and_nothing_else(row, effect, trials):
    """Six networks a width: an order, or a mean direction, that is there or not."""
    rng, found = np.random.default_rng(0), []
    kappas = (4 if row is not FIRST else 40, 60) if effect else (9, 9) if "order" in row.name else (1e-6, 1e-6)
    for _ in range(trials):
        drawn = [population(rng, von_mises_fisher(kappa, DIM), networks=6, images=40) for kappa in kappas]
        one = Populations([cosines(u) for u in drawn], WIDTHS[:2])
        one = FirstImage([u[:, 0] for u in drawn], WIDTHS[:2]) if row is FIRST else one
        found.append(row.rule.judge(row.of(one), row.places(one)).verdict)
    error_rates.check(found, "supported" if effect else None, 0.5)


@pytest.mark.parametrize("trials", [2, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "saw, expected",
    [
        (von_mises_fisher(20.0, DIM), "supported"),
        (Saw(np.zeros_like, DIM), None),
        (Saw(lambda t: 30 * t**2 + 0.8 * t, DIM), "contradicted"),
    ],
    ids=["rises", "flat", "falls and rises"],
)
def test_the_shape_is_judged_by_the_psi_that_made_the_data(saw, expected, trials):
    rng = np.random.default_rng(1)
    drawn = (Populations([cosines(population(rng, saw, networks=20, images=100))], WIDTHS[:1]) for _ in range(trials))
    error_rates.check([claim(SHAPE, one).verdict for one in drawn], expected, 0.3)


def beyond_vmf(rng, *made):
    scores = [held_out(u, rng, shapes=SHAPES, folds=3) for u in made]
    control = [held_out(with_exponential_cosines(u, rng), rng, shapes=SHAPES, folds=3) for u in made]
    return claim(BEYOND_VMF, Gains(scores, control))


def test_a_shape_beyond_the_exponential_is_found_only_where_there_is_one():
    rng = np.random.default_rng(2)
    bent = Saw(lambda t: -8 * np.log1p(-0.95 * t), DIM)
    wide = beyond_vmf(rng, *(population(rng, bent, images=100) for _ in range(2)))
    assert wide.verdict == "supported" and wide.low > 0 and wide.networks == 24
    plain = beyond_vmf(rng, *(population(rng, von_mises_fisher(8.0, DIM), images=100) for _ in range(2)))
    assert plain.verdict != "supported"


def test_deviations_along_few_axes_are_no_richer_shape():
    """t exactly von Mises-Fisher about mu, but mu_perp mostly along few of 63 axes: the mean direction's error, too."""
    rng, dim = np.random.default_rng(5), 64
    t = von_mises_fisher(20.0, dim).sample_t(rng, 6 * 300)[:, None]
    across = rng.standard_normal((6 * 300, dim - 1)) * np.where(np.arange(dim - 1) < 8, 3.0, 1.0)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    u = np.concatenate([t, np.sqrt(1 - t**2) * across], axis=1).reshape(6, 300, dim)
    plain = held_out(u, rng, shapes=SHAPES, folds=3)
    spurious = crossed_interval(plain["quadratic exponential"] - plain["exponential"])
    assert spurious[1] > 0  # which is why a control runs along
    assert beyond_vmf(rng, u).verdict != "supported"
    made = with_exponential_cosines(u, rng)
    np.testing.assert_allclose(np.linalg.norm(made, axis=2), 1)
    assert mean_cosine_estimates(made)["pairs"] == pytest.approx(mean_cosine_estimates(u)["pairs"], abs=0.06)


@pytest.mark.parametrize(
    "gains, verdict",
    [
        ((0.3, -0.3), "supported"),
        ((-0.3, 0.3), "supported"),
        ((-0.3, -0.3), "contradicted"),
        ((0.0, -0.3), "undecided"),
    ],
)
def test_the_better_of_two_shapes_counts(gains, verdict):
    noise = 0.1 * np.random.default_rng(3).standard_normal((2, 2, 8, 40))
    tables = np.array(gains)[:, None, None] + noise - noise.mean((2, 3), keepdims=True)
    scores = [{"exponential": np.zeros((8, 40))} | dict(zip(RICHER, at)) for at in tables]
    nothing = [dict.fromkeys(SHAPES, np.zeros((8, 40)))] * 2
    found = claim(BEYOND_VMF, Gains(scores, nothing))
    assert found.verdict == verdict and found.estimate == pytest.approx(max(gains))
    assert "shape, the best of 2 (97.5 % interval)" in found.statistic
    assert claim(BEYOND_VMF, Gains(scores, scores)).verdict == "undecided"  # nothing that the control lacks


@pytest.mark.parametrize(
    "scales, networks, images, verdict",
    [
        (1.0, 20, 500, "supported"),
        (1.0, 5, 10, "undecided"),
        (np.where(np.arange(DIM) < 5, 1.0, 0.3), 8, 200, "contradicted"),
    ],
)
def test_symmetry_is_supported_contradicted_or_left_open(scales, networks, images, verdict):
    rng, tables = np.random.default_rng(4), []
    for _ in range(2):
        drawn = rng.standard_normal((networks, images, DIM)) * scales
        drawn[:, :, 0] += 3
        tables.append(alignment(drawn / np.linalg.norm(drawn, axis=2, keepdims=True), rng))
    found = claim(SYMMETRY, Symmetry(tables, WIDTHS[:2]))
    assert found.verdict == verdict and found.networks == 2 * networks and found.images == images
    assert verdict != "contradicted" or (found.low > 1 and "2 intervals exclude 1" in found.statistic)


def test_thresholds_hold_the_quantiles_of_the_uniform_law():
    thresholds = uniform_and_own(populations([20]).cosines[0])
    tails = np.sort(1 - cosine_tail(thresholds, DIM))
    for share in np.arange(1, 20) / 20:
        assert np.abs(tails - share).min() < 1e-9
    assert len(thresholds) == 38 and (np.diff(thresholds) >= 0).all()
