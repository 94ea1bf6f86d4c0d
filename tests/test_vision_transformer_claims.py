"""Chapter 9: transformers are judged by the rules of the other families, under names of their own chapter."""

import re

import numpy as np
import pytest

from lib.chapters.individual_similarity import Growth
from lib.chapters.shared_directions import Everything
from lib.chapters.vision_transformer import SHARED, TRANSFORMERS, VARIANTS
from lib.similarity.crossed import similarity_matrix
from lib.similarity.mean_directions import planted_population
from lib.sphere.saw import von_mises_fisher
from lib.verdicts import judged

WIDTHS = (2, 4, 8)


def planted(kappas, turned=()):
    """Similarities of von Mises-Fisher populations of these concentrations; those `turned` have a mu of their own."""
    rng = np.random.default_rng(0)
    populations = [planted_population(von_mises_fisher(kappa, 16), 12, 200, rng) for kappa in kappas]
    populations = [np.roll(part, 1, axis=-1) if i in turned else part for i, part in enumerate(populations)]
    return similarity_matrix(populations, rng, 100)


def verdicts(rows, matrix):
    growth = Growth(matrix, WIDTHS[: len(matrix.values)], (-0.01, 0.01))
    return {claim.name: claim.verdict for claim in judged(rows, growth, family="vit", **growth.words)}


def test_a_concentrating_family_with_one_mean_direction_supports_all_claims():
    found = verdicts(TRANSFORMERS, planted([6, 12, 24]))
    assert set(found.values()) == {"supported"}
    assert all(re.fullmatch(r"09-[a-z0-9-]+-vit", name) for name in found) and len(found) == 8


def test_a_family_that_spreads_contradicts_growth_and_h1():
    found = verdicts(TRANSFORMERS, planted([24, 12, 6]))
    assert found["09-growth-vit"] == found["09-h1-vit"] == "contradicted" and found["09-h2-vit"] == "supported"


def test_a_width_with_a_direction_of_its_own_contradicts_h2_alone():
    found = verdicts(VARIANTS, planted([6, 24], turned=[1]))
    assert found["09-h2-vit"] == "contradicted" and len(found) == 2


@pytest.mark.parametrize("turned, expected", [((), "supported"), ((2, 3), "contradicted")])
def test_families_share_directions_or_not(turned, expected):
    everything = Everything(planted([6, 12, 6, 12], turned), ["vit", "vit", "cnn-small", "cnn-small"], [2, 4, 2, 4])
    (claim,) = judged([SHARED], everything)
    assert claim.verdict == expected and claim.name == "09-h2-across-families"
