"""Transformers are judged by the rules of the other families, under names of their own chapter."""

import re

import numpy as np
import pytest

from lib.chapters.transformer_claims import findings, shared_claim, transformer_claims, variant_claims
from lib.similarity.crossed import similarity_matrix
from lib.similarity.mean_directions import planted_population
from lib.sphere.saw import von_mises_fisher

WIDTHS = (2, 4, 8)
CHANCE = (-0.01, 0.01)


def planted(kappas, networks=12, turned=()):
    """The similarities of von Mises-Fisher populations of these concentrations; those `turned` have a mu of their own."""
    rng = np.random.default_rng(0)
    populations = [planted_population(von_mises_fisher(kappa, 16), networks, 200, rng) for kappa in kappas]
    populations = [np.roll(part, 1, axis=-1) if i in turned else part for i, part in enumerate(populations)]
    return similarity_matrix(populations, rng, 100)


def verdicts(claims):
    return {claim.name: claim.verdict for claim in claims}


def test_a_concentrating_family_with_one_mean_direction_supports_all_claims():
    found = verdicts(transformer_claims("vit", planted([6, 12, 24]), WIDTHS, CHANCE))
    assert set(found.values()) == {"supported"}
    assert all(re.fullmatch(r"09-[a-z0-9-]+-vit", name) for name in found) and len(found) == 8


def test_a_family_that_spreads_contradicts_growth_and_h1():
    found = verdicts(transformer_claims("vit", planted([24, 12, 6]), WIDTHS, CHANCE))
    assert found["09-growth-vit"] == found["09-h1-vit"] == "contradicted" and found["09-h2-vit"] == "supported"


def test_a_width_with_a_direction_of_its_own_contradicts_h2_alone():
    found = verdicts(variant_claims("vit-deep", planted([6, 24], turned=[1]), WIDTHS[:2], CHANCE))
    assert found["09-h2-vit-deep"] == "contradicted" and len(found) == 2


@pytest.mark.parametrize("turned, expected", [((), "supported"), ((2, 3), "contradicted")])
def test_families_share_directions_or_not(turned, expected):
    matrix = planted([6, 12, 6, 12], turned=turned)
    claim = shared_claim(matrix, ["vit", "vit", "cnn-small", "cnn-small"], [2, 4, 2, 4])
    assert claim.verdict == expected and claim.name == "09-h2-across-families"


def test_findings_tell_each_kind_s_numbers():
    matrix = planted([6, 24])
    text = findings({"vit": matrix, "vit-sgd": matrix}, {"vit": (2, 8), "vit-sgd": (2, 8)})
    (narrow, across), (_, wide) = matrix.values
    assert text.count("\n") == 1 and f"ρ goes from {narrow:.2f} at k = 2 to {wide:.2f} at k = 8" in text
    assert f"E[t] from {narrow**0.5:.2f} to {wide**0.5:.2f};" in text
    assert f"a step of the width adds {(wide - narrow) / 2:.3f} [" in text
    cosine, low, high = map(float, re.search(
        r"mean directions of k = 2 and k = 8 is (\S+) \[(\S+), (\S+)\]\.", text).groups())
    assert cosine == pytest.approx(across / np.sqrt(narrow * wide), abs=0.005) and low < cosine < high


def test_a_cosine_that_is_not_known_is_told_in_words():
    """Networks of the narrow width have nothing in common, so that no mean direction is known."""
    text = findings({"vit": planted([1e-3, 24])}, {"vit": (2, 8)})
    assert "mean directions of k = 2 and k = 8 is not to be told." in text and "nan" not in text
