"""The verdicts of chapter 4 follow from the matrices: planted ones that obey a hypothesis, and that break it."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from lib.chapters import hypothesis_figures
from lib.chapters.control_claims import POPULATIONS, control_claims, difference
from lib.chapters.hypothesis_claims import (
    across,
    across_claim,
    direction_claim,
    falls,
    family_claims,
    rank_one_claim,
    variance_claims,
)
from lib.chapters.hypothesis_findings import (
    control_findings,
    direction_findings,
    law_findings,
    promise_findings,
    variance_findings,
)
from lib.chapters.promise_claims import promise_claims
from lib.statistics.sample import Sample

WIDTHS = (2, 4, 8, 16)
R = 0.2 * np.array(WIDTHS, dtype=float) ** 0.4
LAW = R[:, None] * R


def matrix(values, spread=0.001):
    """A matrix whose entries vary independently by `spread` over images, and not with the networks."""
    noise = np.random.default_rng(0).standard_normal((1000, *values.shape))
    noise = (noise + noise.transpose(0, 2, 1)) / 2
    without = np.tile(values, (20 * len(values), 1, 1))
    return Sample(values, without, values + spread * noise, without[None], (20,) * len(values), 1000)


def verdict(claims, name):
    (found,) = [claim.verdict for claim in claims if claim.name == name]
    return found


def test_concentration_is_seen_and_its_opposite_too():
    np.testing.assert_allclose(falls(LAW), np.diff(R))
    rising, falling = (variance_claims("vit", matrix(values), WIDTHS) for values in (LAW, LAW[::-1, ::-1]))
    assert {claim.verdict for claim in rising} == {"supported"}
    assert {claim.verdict for claim in falling} == {"contradicted"}


def test_one_step_that_is_not_sure_leaves_every_step_undecided():
    flat = R.copy()
    flat[1] = flat[0]
    claims = variance_claims("vit", matrix(flat[:, None] * flat, 0.003), WIDTHS)
    assert verdict(claims, "04-h1-vit") == "supported" and verdict(claims, "04-h1-every-step-vit") == "undecided"


@pytest.mark.parametrize("cosine, spread, expected", [(1.0, 0.001, "supported"), (0.8, 0.001, "contradicted"),
                                                      (0.91, 0.01, "undecided")])
def test_one_direction_is_judged_by_the_lowest_cosine(cosine, spread, expected):
    values = LAW.copy()
    values[0, 3] = values[3, 0] = cosine * LAW[0, 3]
    claim = direction_claim("vit", matrix(values, spread), WIDTHS)
    assert claim.verdict == expected and claim.estimate == pytest.approx(cosine)
    assert cosine == 1 or ": k = 2 and 16, the one of 6" in claim.statistic


def test_families_are_compared_with_other_families_only():
    rows, columns = across(["a", "a", "b", "b"])
    assert list(zip(rows, columns)) == [(0, 2), (0, 3), (1, 2), (1, 3)]
    values = LAW.copy()
    values[:2, 2:] *= 0.5
    values[2:, :2] *= 0.5
    claim = across_claim(matrix(values), ["a", "a", "b", "b"], [2, 4, 2, 4])
    assert claim.verdict == "contradicted" and claim.estimate == pytest.approx(0.5)
    assert " and b k = " in claim.statistic
    assert direction_claim("b", matrix(values[2:, 2:]), [2, 4]).verdict == "supported"


def test_rank_one_is_judged_by_what_the_law_explains():
    assert rank_one_claim("vit", matrix(LAW)).verdict == "supported"
    broken = LAW.copy()
    broken[np.arange(4), np.arange(4)] *= [6, 1 / 4, 5, 1]
    assert rank_one_claim("vit", matrix(broken)).verdict == "contradicted"


def test_all_claims_of_a_family_are_those_of_chapters_3_and_4():
    names = ["03-growth", "03-range", "03-every-step", "03-above-chance", "04-h1", "04-h1-every-step", "04-h2",
             "04-rank-one"]
    assert {claim.name: claim.verdict for claim in family_claims("vit", matrix(LAW), WIDTHS, (-0.01, 0.01))} == {
        f"{name}-vit": "supported" for name in names}


def test_promises_hold_where_the_law_goes_on_and_fail_where_it_breaks():
    claims = promise_claims("vit", matrix(LAW), WIDTHS)
    assert {claim.verdict for claim in claims} == {"supported"}
    assert [claim.estimate for claim in claims[:2]] == pytest.approx([1, 1])
    stalled = R * [1, 1, 1, 0.5]
    claims = promise_claims("vit", matrix(stalled[:, None] * stalled), WIDTHS)
    assert verdict(claims, "04-predict-mean-cosine-vit") == verdict(claims, "04-predict-similarity-vit") == "contradicted"
    bent = LAW.copy()  # one similarity too large, another too small: no average may hide that
    bent[0, 3], bent[1, 3] = 1.3 * LAW[0, 3], LAW[1, 3] / 1.3
    bent[3, :2] = bent[:2, 3]
    (claim,) = [claim for claim in promise_claims("vit", matrix(bent), WIDTHS) if "similarity" in claim.name]
    assert claim.verdict == "contradicted" and "rho(4, 16), the one of 4 that decides" in claim.statistic
    away = LAW.copy()
    away[:3, 3] *= 0.3
    away[3, :3] *= 0.3
    assert verdict(promise_claims("vit", matrix(away), WIDTHS), "04-predict-direction-vit") == "contradicted"
    loose = promise_claims("vit", matrix(LAW, 0.05), WIDTHS)
    assert verdict(loose, "04-predict-mean-cosine-vit") == "undecided"


def test_each_family_s_power_law_is_drawn_over_its_own_widths():
    families = {"cnn-small": matrix(LAW[:3, :3]), "vit": matrix(LAW)}
    left, right = hypothesis_figures.promise(families, {"cnn-small": WIDTHS[:3], "vit": WIDTHS}).axes
    fits = [line for line in left.lines if line.get_linestyle() == "--"]
    for line, last in zip(fits, (8, 16), strict=True):
        x, y = line.get_data()
        assert (x[0], x[-1]) == pytest.approx((2, last))
        np.testing.assert_allclose(y, 0.2 * x**0.4)
    assert right.get_title().startswith("hollow: one network, k = 8 or 16\n")
    plt.close("all")


def controls(trained, untrained, labels, weights, order, spread=0.001):
    values = np.diag([trained, untrained, labels, weights, order]) + 0.01
    return matrix(values, spread)


def test_controls_compare_what_they_say():
    wide, narrow = controls(0.6, 0.0, 0.2, 0.8, 0.6), controls(0.2, 0.0, 0.0, 0.5, 0.2)
    claims = control_claims("vit", {2: narrow, 16: wide})
    expected = {"untrained": "supported", "random-labels": "supported", "memorising": "undecided",
                "same-weights": "supported", "same-order": "undecided"}
    assert {claim.name: claim.verdict for claim in claims} == {f"04-control-{name}-vit": found
                                                               for name, found in expected.items()}
    assert all(claim.networks == 80 for claim in claims)  # two widths, two populations of 20
    estimate, low, high = difference([narrow, wide], POPULATIONS.index("same weights"), POPULATIONS.index("trained"))
    np.testing.assert_allclose(estimate, [0.3, 0.2])
    assert (low < estimate).all() and (estimate < high).all()


def test_the_answers_in_words_carry_the_numbers():
    families = {"cnn-small": matrix(LAW), "vit": matrix(LAW)}
    widths = dict.fromkeys(families, WIDTHS)
    both = matrix(np.tile(LAW, (2, 2)) * np.kron([[1, 0.5], [0.5, 1]], np.ones((4, 4))))
    assert "E[t] goes from 0.26 at k = 2 to 0.61 at k = 16; of 3 steps 3 have" in variance_findings(families, widths)[1]
    h2 = direction_findings(families, both, ["a"] * 4 + ["b"] * 4)
    assert "are 1.000 on average" in h2[0] and "0.50 on average, from 0.50 to 0.50" in h2[-1]
    law = pd.DataFrame({"vit": {"R² of averages": 0.98, "r.m.s. residual of averages": 0.031,
                                "correlation of residuals, halves of the networks": 0.1}})
    assert "at least 0.980" in law_findings(law)[0] and "off by 3.1% at most" in law_findings(law)[0]
    few = law.assign(other=[0.99, 0.02, np.nan])  # a family whose halves tell nothing is not in the range
    assert "correlate by 0.10 to 0.10 between" in law_findings(few)[0]
    assert law_findings(few[["other"]])[0].endswith("off by 2.0% at most (root mean square).")
    words = control_findings("vit", {2: controls(0.2, 0, 0, 0.5, 0.2), 16: controls(0.6, 0, 0.2, 0.8, 0.6)})[0]
    assert "trained networks have ρ = 0.61" in words and "add 0.30 [0.30, 0.30] at k = 2" in words
    assert "is 1.00 [" in promise_findings(families, widths)[0]


def test_what_cannot_be_told_is_said_in_words():
    """A width whose networks have nothing in common: no mean direction, no law, no promise, and no NaN in a sentence."""
    broken = LAW.copy()
    broken[0, 0] = -0.01
    families = {"vit": matrix(broken)}
    law = pd.DataFrame({"vit": {"R² of averages": np.nan, "r.m.s. residual of averages": np.nan,
                                "correlation of residuals, halves of the networks": np.nan}})
    labels = np.diag([0.6, 0.0, -0.1, 0.8, 0.6]) + 0.01
    words = " ".join([*direction_findings(families, families["vit"], ["vit"] * 4), *law_findings(law),
                      *promise_findings(families, {"vit": WIDTHS}), *control_findings("vit", {2: matrix(labels)})])
    assert "nan" not in words
    for part in ("some width has no similarity above zero", "not to be told, because", "predicted over measured is not to "
                 "be told", "without a mean direction"):
        assert part in words
    claims = [direction_claim("vit", families["vit"], WIDTHS), rank_one_claim("vit", families["vit"]),
              *promise_claims("vit", families["vit"], WIDTHS)]
    assert {claim.verdict for claim in claims if claim.name != "04-predict-direction-vit"} == {"undecided"}
