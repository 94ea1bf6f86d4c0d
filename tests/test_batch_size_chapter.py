"""The verdicts of chapter 8 follow from the changes per doubling; its table and pictures have the numbers."""

import error_rates
import numpy as np
import pytest
from planted_measures import measures

from lib.chapters.batch_size import batch_size_claims
from lib.effects.batch_size import distinct_recipes, effects, protocols
from lib.effects.paired import Measures
from lib.gates import learnt
from lib.similarity.paired_similarity import paired_similarities

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


def test_claims_have_the_numbers_of_the_table_and_count_all_seeds():
    found = grown(noise=0.01)
    claims = batch_size_claims("vit", found, FOUND, LEARNT)
    changes = [change for row in list(effects(found, FOUND).values())[:3] for change in row.values()]
    np.testing.assert_allclose([(claim.estimate, claim.low, claim.high) for claim in claims], changes)
    assert {(claim.networks, claim.images) for claim in claims} == {(12, 25)}
    assert claims[1].statistic.endswith("(nats)") and "below 0" in claims[1].rule


def test_each_protocol_is_judged_by_its_own_numbers():
    falling = dict(zip(FOUND["equal steps"], (0.5, 0.45, None, 0.1)))  # the third is a recipe of equal epochs too
    rho = [falling.get(recipe) or 0.2 + 0.01 * step for recipe, step in zip(RECIPES, DOUBLINGS)]
    found = verdicts(measures(RECIPES, rho, rho, loss=1 - 0.01 * DOUBLINGS, accuracy=0.5 + 0.01 * DOUBLINGS))
    assert found.pop("similarity-rises-equal-steps-vit") == "contradicted" and set(found.values()) == {"supported"}


@pytest.mark.parametrize("trials", [40, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("change, expected", [(0.05, "supported"), (0, None), (-0.05, "contradicted")])
def test_changes_with_the_batch_size_are_judged_wrongly_as_seldom_as_the_rules_promise(change, expected, trials):
    rng, found = np.random.default_rng(0), {}
    line = {"equal epochs": FOUND["equal epochs"]}
    for _ in range(trials):
        for claim in batch_size_claims("vit", trained(rng, change), line, LEARNT):
            found.setdefault(claim.name, []).append(claim.verdict)
    assert len(found) == 4
    for verdicts_of in found.values():
        error_rates.check(verdicts_of, expected, 0.9)


def trained(rng, change):
    """Six seeds of two widths on 30 images: seeds, images and single cells vary, half of a seed's part under all recipes."""
    doublings = DOUBLINGS - DOUBLINGS.min()

    def table(slope):
        """[seeds, images, recipes] that change by a tenth of `slope` per doubling."""
        parts = (
            rng.standard_normal((6, 1, 1)),
            rng.standard_normal((6, 1, len(RECIPES))),
            rng.standard_normal((1, 30, 1)),
        )
        return 0.5 + slope * doublings + 0.05 * sum(parts) + 0.1 * rng.standard_normal((6, 30, len(RECIPES)))

    def directions():
        shared = rng.standard_normal((6, 30, 1, 8)) + rng.standard_normal((6, 30, len(RECIPES), 8))
        shared[..., 0] += (2 + 5 * change * doublings) * (1 + 0.1 * rng.standard_normal((6, 1, 1)))
        return np.moveaxis(shared / np.linalg.norm(shared, axis=-1, keepdims=True), 2, 0)

    similarity = paired_similarities([list(directions()) for _ in range(2)], rng, 20)
    losses, hits = ([table(sign * change) for _ in range(2)] for sign in (-1, 1))
    return Measures(tuple(RECIPES), similarity, losses, hits, [table(-change).mean(1) for _ in range(2)])
