"""The verdicts of chapter 8 follow from the changes per doubling; its table and pictures have the numbers."""

import numpy as np
import pytest
from planted_measures import measures

from lib.chapters.batch_size import batch_size_claims
from lib.effects.batch_size import distinct_recipes, protocols
from lib.gates import learnt

FOUND = protocols([64, 128, 256, 512], 20, 1200)
RECIPES = distinct_recipes(FOUND)
DOUBLINGS = np.log2([recipe.batch_size for recipe in RECIPES])
LEARNT = [learnt([0.9], 10)]
PROTOCOLS = [name.replace(" ", "-") for name in FOUND]


def grown(sign=1, noise=1e-4):
    """All measures change with the batch size alone, as claimed or, with the other sign, against it."""
    change = sign * 0.01 * DOUBLINGS
    rho = 0.3 + change
    return measures(RECIPES, rho, rho / 2, rho / 4, loss=1 - change, accuracy=0.5 + change, noise=noise)


def verdicts(found):
    return {claim.name.removeprefix("08-"): claim.verdict for claim in batch_size_claims("vit", found, FOUND, LEARNT)}


@pytest.mark.parametrize(
    "sign, noise, verdict", [(1, 1e-4, "supported"), (-1, 1e-4, "contradicted"), (1, 0.5, "undecided")]
)
def test_the_sign_of_the_interval_decides(sign, noise, verdict):
    claims = "similarity-rises", "loss-falls", "training-loss-falls", "accuracy-rises"
    names = [f"{name}-{one}-vit" for one in PROTOCOLS for name in claims]
    assert verdicts(grown(sign, noise)) == dict.fromkeys(names, verdict)
