"""The claims of chapter 5 on populations whose law is known."""

import numpy as np
import pytest

from lib.chapters.saw_claims import (
    RICHER,
    beyond_vmf_claim,
    findings,
    order_claim,
    right_of_uniform_claim,
    shape_claim,
    symmetry_claim,
    uniform_and_own,
)
from lib.similarity.mean_directions import mean_cosine_estimates
from lib.similarity.shapes import held_out
from lib.similarity.stochastic_order import cosines
from lib.similarity.symmetry import alignment, with_exponential_cosines
from lib.sphere import cosine_tail
from lib.sphere.saw import Saw, von_mises_fisher
from lib.statistics.intervals import crossed_interval
from lib.verdicts import Claim

DIM = 12
MU = np.eye(DIM)[0]
WIDTHS = (2, 4, 8)


def population(rng, saw, networks=12, images=150):
    return saw.sample(rng, MU, networks * images).reshape(networks, images, DIM)


def populations(kappas, **sizes):
    rng = np.random.default_rng(0)
    return [cosines(population(rng, von_mises_fisher(kappa, DIM), **sizes)) for kappa in kappas]


@pytest.mark.parametrize("kappas, verdict", [((3, 9, 30), "supported"), ((9, 9, 9), "undecided"),
                                             ((30, 9, 3), "contradicted"), ((3, 30, 9), "contradicted")])
def test_order_follows_the_concentration(kappas, verdict):
    claim = order_claim("cnn-small", populations(kappas), WIDTHS)
    assert claim.verdict == verdict and claim.name == "05-order-cnn-small"
    assert claim.networks == 36 and claim.images == 150 and claim.low <= claim.estimate <= claim.high


def test_few_networks_leave_a_small_step_undecided():
    assert order_claim("cnn-small", populations((9, 9.5), networks=4, images=30), WIDTHS[:2]).verdict == "undecided"


@pytest.mark.parametrize("kappas, verdict", [((8, 20), "supported"), ((0, 20), "undecided")])
def test_right_of_uniform_needs_every_width(kappas, verdict):
    claim = right_of_uniform_claim("cnn-small", populations(kappas), WIDTHS[:2])
    assert claim.verdict == verdict
    if verdict == "undecided":
        assert "k = 2 at" in claim.statistic


def test_thresholds_hold_the_quantiles_of_the_uniform_law():
    thresholds = uniform_and_own(populations([20])[0])
    tails = np.sort(1 - cosine_tail(thresholds, DIM))
    for share in np.arange(1, 20) / 20:
        assert np.abs(tails - share).min() < 1e-9
    assert len(thresholds) == 38 and (np.diff(thresholds) >= 0).all()


@pytest.mark.parametrize("saw, verdict", [(von_mises_fisher(20.0, DIM), "supported"),
                                          (Saw(np.zeros_like, DIM), "undecided"),
                                          (Saw(lambda t: 30 * t**2 + 0.8 * t, DIM), "contradicted")])
def test_the_shape_is_judged_by_the_psi_that_made_the_data(saw, verdict):
    one = cosines(population(np.random.default_rng(1), saw, networks=25))
    assert shape_claim("cnn-small", [one, one], WIDTHS[:2]).verdict == verdict


def test_a_shape_beyond_the_exponential_is_found_only_where_there_is_one():
    rng = np.random.default_rng(2)
    wide = judged(rng, *(population(rng, Saw(lambda t: -8 * np.log1p(-0.95 * t), DIM), images=100) for _ in range(2)))
    assert wide.verdict == "supported" and wide.low > 0 and wide.networks == 24
    plain = judged(rng, *(population(rng, von_mises_fisher(8.0, DIM), images=100) for _ in range(2)))
    assert plain.verdict != "supported"


def judged(rng, *populations):
    shapes = ("exponential", *RICHER)
    scores, control = ([held_out(made(u), rng, shapes=shapes, folds=3) for u in populations]
                       for made in (lambda u: u, lambda u: with_exponential_cosines(u, rng)))
    return beyond_vmf_claim("vit", scores, control)


def test_deviations_along_few_axes_are_no_richer_shape():
    """t exactly von Mises-Fisher about mu, but mu_perp mostly along few of 63 axes: the mean direction's error, too."""
    rng, dim = np.random.default_rng(5), 64
    t = von_mises_fisher(20.0, dim).sample_t(rng, 6 * 300)[:, None]
    across = rng.standard_normal((6 * 300, dim - 1)) * np.where(np.arange(dim - 1) < 8, 3.0, 1.0)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    u = np.concatenate([t, np.sqrt(1 - t**2) * across], axis=1).reshape(6, 300, dim)
    shapes = ("exponential", *RICHER)
    plain = held_out(u, rng, shapes=shapes, folds=3)
    spurious = crossed_interval(plain["quadratic exponential"] - plain["exponential"])
    assert spurious[1] > 0  # which is why a control runs along
    assert judged(rng, u).verdict != "supported"
    made = with_exponential_cosines(u, rng)
    np.testing.assert_allclose(np.linalg.norm(made, axis=2), 1)
    assert mean_cosine_estimates(made)["pairs"] == pytest.approx(mean_cosine_estimates(u)["pairs"], abs=0.06)


@pytest.mark.parametrize("gains, verdict", [((0.3, -0.3), "supported"), ((-0.3, 0.3), "supported"),
                                            ((-0.3, -0.3), "contradicted"), ((0.0, -0.3), "undecided")])
def test_the_better_of_two_shapes_counts(gains, verdict):
    noise = 0.1 * np.random.default_rng(3).standard_normal((2, 2, 8, 40))
    scores = [{"exponential": np.zeros((8, 40))} | {shape: gain - noise[i, j].mean() + noise[i, j] for j, (shape, gain)
              in enumerate(zip(RICHER, gains))} for i in range(2)]
    nothing = [dict.fromkeys(("exponential", *RICHER), np.zeros((8, 40))) for _ in range(2)]
    assert beyond_vmf_claim("vit", scores, nothing).verdict == verdict
    assert beyond_vmf_claim("vit", scores, scores).verdict == "undecided"  # nothing that the control lacks


def test_symmetry_is_supported_contradicted_or_left_open():
    rng = np.random.default_rng(4)

    def verdict(scales, networks, images):
        tables = []
        for _ in range(2):
            drawn = rng.standard_normal((networks, images, DIM)) * scales
            drawn[:, :, 0] += 3
            tables.append(alignment(drawn / np.linalg.norm(drawn, axis=2, keepdims=True), rng))
        return symmetry_claim("vit", tables, WIDTHS[:2])

    assert verdict(1.0, 20, 500).verdict == "supported"
    assert verdict(1.0, 5, 10).verdict == "undecided"
    few_axes = verdict(np.where(np.arange(DIM) < 5, 1.0, 0.3), 8, 200)
    assert few_axes.verdict == "contradicted" and few_axes.low > 1 and "2 intervals exclude 1" in few_axes.statistic


def test_the_answer_in_words_has_a_line_for_each_kind_of_claim():
    def claim(name, verdict):
        return Claim(name, "", "", 0.5, 0.25, 0.75, 3, 4, "", verdict)

    lines = findings([claim("05-order-cnn-small", "supported"), claim("05-right-of-uniform-cnn-small", "undecided"),
                      claim("05-order-resnet-small", "contradicted")]).split("\n")
    assert [line.split("**")[1] for line in lines] == ["T moves to the right with the width",
                                                       "T lies right of unrelated directions"]
    assert lines[0].endswith(": cnn-small supported, 0.50 [0.25, 0.75]; resnet-small contradicted, 0.50 [0.25, 0.75].")
    assert findings([]) == ""
