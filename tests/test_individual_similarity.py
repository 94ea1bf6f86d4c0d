"""Chapter 3: verdicts follow from the similarity matrix and from the distances of Table 1."""

from dataclasses import replace

import error_rates
import numpy as np
import pytest

from lib.chapters.distances_of_networks import ORDER, Apart, distance_claims, distances_by_width
from lib.chapters.individual_similarity import GROWTH, Growth, growth_claims, rises, steps
from lib.similarity.crossed import similarity_matrix
from lib.similarity.mean_directions import planted_population
from lib.similarity.network_distances import READINGS, Distances, population_distances
from lib.sphere.saw import von_mises_fisher
from lib.statistics.sample import Sample
from lib.verdicts import judged

WIDTHS = (2, 4, 8)
RISING = np.array([[0.1, 0.2, 0.3], [0.2, 0.4, 0.5], [0.3, 0.5, 0.8]])


def matrix(values, spread):
    """A matrix whose entries vary independently by `spread` over images, and not with the networks."""
    noise = np.random.default_rng(0).standard_normal((2000, *values.shape))
    without = np.tile(values, (60, 1, 1))
    return Sample(values, without, values + spread * noise, without[None], (20, 20, 20), 1000)


def verdicts(values, spread):
    claims = growth_claims("cnn-small", Growth(matrix(values, spread), WIDTHS, (-0.01, 0.01)), [])
    return {claim.name.removeprefix("03-").removesuffix("-cnn-small"): claim.verdict for claim in claims}


def test_steps_are_differences_along_either_width():
    np.testing.assert_allclose(steps(RISING), [[0.1, 0.1], [0.2, 0.1], [0.2, 0.3]])
    np.testing.assert_allclose(rises(np.stack([RISING, -RISING])), [[0.2, 0.3, 0.5], [-0.2, -0.3, -0.5]])


def test_a_clear_rise_supports_all_claims():
    assert set(verdicts(RISING, 0.001).values()) == {"supported"}


def test_a_clear_fall_contradicts_growth():
    found = verdicts(RISING[::-1, ::-1], 0.001)
    assert {found[name] for name in ("growth", "range", "every-step")} == {"contradicted"}


def test_one_step_that_is_not_sure_leaves_only_the_steps_undecided():
    flat = RISING.copy()
    flat[0, 1] = flat[1, 0] = 0.1
    found = verdicts(flat, 0.01)
    assert found == {
        "growth": "supported",
        "range": "supported",
        "every-step": "undecided",
        "above-chance": "supported",
    }


@pytest.mark.parametrize("fall, verdict", [(0.1, "contradicted"), (0.0, "undecided")])
def test_growth_on_average_is_not_enough_where_one_width_s_row_does_not_rise(fall, verdict):
    """The others' rises are so large that the mean of all steps is far above zero."""
    values = RISING + 0.3 * np.eye(3)[2] * np.eye(3)[:, 2:]
    values[0, 2] = values[2, 0] = values[0, 0] - fall
    assert rises(values).mean() > 0.2 and verdicts(values, 0.001)["growth"] == verdict


@pytest.mark.parametrize("trials", [80, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kappas, expected", [((4, 6, 9), "supported"), ((6, 6, 6), None), ((9, 6, 4), "contradicted")])
def test_growth_errs_as_seldom_as_it_promises(kappas, expected, trials):
    """Populations of 6 networks about one mean direction."""
    rng = np.random.default_rng(0)
    laws = [von_mises_fisher(kappa, 8) for kappa in kappas]
    drawn = (similarity_matrix([planted_population(law, 6, 20, rng) for law in laws], rng, 20) for _ in range(trials))
    growth = (Growth(matrix, WIDTHS, (0, 0)) for matrix in drawn)
    found = [judged(GROWTH[:1], one, narrowest=2, widest=8, family="vit")[0].verdict for one in growth]
    error_rates.check(found, expected, 0.9)


def test_similarity_within_the_band_of_chance_is_not_above_it():
    values = RISING.copy()
    values[0, 0] = 0.005
    assert verdicts(values, 0.001)["above-chance"] == "contradicted"


FAMILY_WIDTHS = dict.fromkeys(["cnn-small", "cnn-large", "resnet-large"], (2, 4))


def distances(mean, spread=0.001, null=0.01):
    """Six networks whose mean distance is known, each left out changing it by about `spread`."""
    pairs = mean * (1 - np.eye(6))
    return Distances(pairs, mean + spread * np.linspace(-1, 1, 6), np.full(100, null), 6, 100, 0)


def distance_verdicts(**families):
    """Verdicts by short name, of mean distances by family with underscores, under both readings alike."""
    rows = {family.replace("_", "-"): [one, one] for family, one in families.items()}
    claims = distance_claims({"others": rows, "reference": rows}, FAMILY_WIDTHS)
    return {claim.name.removeprefix("03-wasserstein-"): claim.verdict for claim in claims}


def test_verdicts_follow_the_order_of_the_families():
    for deep, shallow, verdict in ((0.2, 0.1, "supported"), (0.1, 0.2, "contradicted"), (0.1, 0.1, "undecided")):
        found = distance_verdicts(cnn_large=distances(deep), cnn_small=distances(shallow))
        assert found["cnn"] == found["cnn-reference"] == verdict
        assert "resnet" not in found


def test_a_family_without_its_partner_has_no_claim_on_the_order():
    assert set(distance_verdicts(cnn_small=distances(0.1))) == {"small", "null-cnn-small"}
    assert set(distance_verdicts(cnn_small=distances(0.1), resnet_large=distances(0.1))) == {
        "small",
        "null-cnn-small",
        "null-resnet-large",
    }


def test_all_distances_are_small_or_one_is_not():
    assert distance_verdicts(cnn_small=distances(0.4), cnn_large=distances(0.1))["small"] == "supported"
    assert distance_verdicts(cnn_small=distances(0.49, 0.01), cnn_large=distances(0.1))["small"] == "undecided"
    assert distance_verdicts(cnn_small=distances(0.9), cnn_large=distances(0.1))["small"] == "contradicted"


@pytest.mark.parametrize("trials", [30, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "deep, shallow, expected", [(0.8, 0.05, "supported"), (0.3, 0.3, None), (0.05, 0.8, "contradicted")]
)
@pytest.mark.parametrize("reading", READINGS)
def test_the_order_of_two_families_errs_as_seldom_as_it_promises(reading, deep, shallow, expected, trials):
    """Six networks of each of two widths, closer to the common direction or less by `deep` and `shallow`."""
    rng, found = np.random.default_rng(0), []
    for _ in range(trials):
        rows = [
            population_distances(planted_networks(rng, spread), READINGS[reading], rng, draws=1)
            for spread in (deep, deep, shallow, shallow)
        ]
        apart = Apart(rows, np.array([0.5, 0.5, -0.5, -0.5]))
        found.append(ORDER.rule.judge(ORDER.of(apart)).verdict)
    error_rates.check(found, expected, 0.15)


def planted_networks(rng, spread, networks=6, images=40, dims=12):
    """Directions about a common one, each network with a closeness of its own to it."""
    vectors = rng.standard_normal((networks, images, dims)) / np.sqrt(dims)
    vectors[..., 0] += 1 + spread * rng.standard_normal((networks, 1))
    return vectors / np.linalg.norm(vectors, axis=2, keepdims=True)


def test_distances_are_judged_against_two_samples_of_one_law():
    """The null here is 100 times 0.01, so its mean and its 97.5 % point are both 0.01."""
    for mean, verdict in ((0.05, "supported"), (0.005, "contradicted"), (0.0101, "undecided")):
        assert distance_verdicts(cnn_small=distances(mean))["null-cnn-small"] == verdict
    spread = replace(distances(0.02), null=np.linspace(0, 0.03, 101))  # between its mean and its 97.5 % point
    assert distance_verdicts(cnn_small=spread)["null-cnn-small"] == "undecided"


def test_families_of_different_widths_are_compared_at_those_that_both_have():
    rows = {"cnn-large": [distances(0.2), distances(0.9)], "cnn-small": [distances(0.7), distances(0.1)]}
    found = {"others": rows, "reference": rows}
    claim = distance_claims(found, {"cnn-large": [4, 8], "cnn-small": [2, 4]})[0]
    assert claim.estimate == pytest.approx(0.1) and "mean over k = 4;" in claim.statistic and claim.networks == 12
    apart = distance_claims(found, {"cnn-large": [4, 8], "cnn-small": [2, 16]})
    assert [claim.name.removeprefix("03-wasserstein-") for claim in apart] == [
        "small",
        "null-cnn-large",
        "null-cnn-small",
    ]
    assert "cnn-large, k = 8" in apart[0].statistic


def test_the_band_of_a_width_is_that_of_the_families_that_have_it():
    rows = {
        "cnn-large": [distances(0.2, null=0.01), distances(0.2, null=0.02)],
        "cnn-small": [distances(0.1, null=0.03), distances(0.1, null=0.04)],
    }
    axis = distances_by_width({"others": rows}, {"cnn-large": (4, 8), "cnn-small": (2, 4)}).axes[0]
    ends = {(width, height) for width, height in axis.collections[0].get_paths()[0].vertices.round(6).tolist()}
    assert ends == {(2, 0.03), (4, 0.01), (4, 0.04), (8, 0.02)}


def test_without_distances_there_are_no_claims_about_them():
    assert distance_claims({}, FAMILY_WIDTHS) == []
