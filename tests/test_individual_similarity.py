"""Chapter 3: verdicts follow from the similarity matrix and from the distances of Table 1."""

from dataclasses import replace

import numpy as np
import pytest

from lib.chapters.individual_similarity import (
    Growth,
    distance_claims,
    distances_by_width,
    growth_claims,
    mean_step,
    steps,
)
from lib.similarity.network_distances import READINGS, Distances
from lib.statistics.sample import Sample

WIDTHS = (2, 4, 8)
RISING = np.array([[0.1, 0.2, 0.3], [0.2, 0.4, 0.5], [0.3, 0.5, 0.8]])


def matrix(values, spread):
    """A matrix whose entries vary independently by `spread` over images, and not with the networks."""
    noise = np.random.default_rng(0).standard_normal((2000, *values.shape))
    without = np.tile(values, (60, 1, 1))
    return Sample(values, without, values + spread * noise, without[None], (20, 20, 20), 1000)


def verdicts(values, spread):
    claims = growth_claims("cnn-small", Growth(matrix(values, spread), WIDTHS, (-0.01, 0.01)))
    return {claim.name.removeprefix("03-").removesuffix("-cnn-small"): claim.verdict for claim in claims}


def test_steps_are_differences_along_either_width():
    np.testing.assert_allclose(steps(RISING), [[0.1, 0.1], [0.2, 0.1], [0.2, 0.3]])
    assert mean_step(RISING) == pytest.approx(1 / 6)
    assert mean_step(np.stack([RISING, -RISING])) == pytest.approx([1 / 6, -1 / 6])


def test_a_clear_rise_supports_all_claims():
    assert set(verdicts(RISING, 0.001).values()) == {"supported"}


def test_a_clear_fall_contradicts_growth():
    found = verdicts(RISING[::-1, ::-1], 0.001)
    assert {found[name] for name in ("growth", "range", "every-step")} == {"contradicted"}


def test_one_step_that_is_not_sure_leaves_only_every_step_undecided():
    flat = RISING.copy()
    flat[0, 1] = flat[1, 0] = 0.1
    found = verdicts(flat, 0.01)
    assert found == {
        "growth": "supported",
        "range": "supported",
        "every-step": "undecided",
        "above-chance": "supported",
    }


def test_a_single_step_contradicts_only_beyond_what_chance_does_among_so_many():
    """A step of -2.4 standard errors is outside its own 95 % interval (1.96), not outside one of six at 95 % (2.64)."""
    spread = 0.01
    for fall, verdict in ((2.4, "undecided"), (3.6, "contradicted")):
        values = RISING.copy()
        values[0, 1] = values[1, 0] = 0.1 - fall * spread * np.sqrt(2)
        assert verdicts(values, spread)["every-step"] == verdict


def test_similarity_within_the_band_of_chance_is_not_above_it():
    values = RISING.copy()
    values[0, 0] = 0.005
    assert verdicts(values, 0.001)["above-chance"] == "contradicted"


FAMILY_WIDTHS = dict.fromkeys(["cnn-small", "cnn-large", "resnet-large"], (2, 4))


def distances(mean, spread=0.001, null=0.01):
    """Three networks whose mean distance is known, each left out changing it by about `spread`."""
    pairs = mean * (1 - np.eye(3))
    return Distances(pairs, mean + spread * np.array([-1, 0, 1]), np.full(100, null), 4, 100, 0)


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
    assert distance_verdicts(cnn_small=distances(0.495, 0.01), cnn_large=distances(0.1))["small"] == "undecided"
    assert distance_verdicts(cnn_small=distances(0.9), cnn_large=distances(0.1))["small"] == "contradicted"


def test_distances_are_judged_against_two_samples_of_one_law():
    """The null here is 100 times 0.01, so its mean and its 97.5 % point are both 0.01."""
    for mean, verdict in ((0.05, "supported"), (0.001, "contradicted"), (0.0101, "undecided")):
        assert distance_verdicts(cnn_small=distances(mean))["null-cnn-small"] == verdict
    spread = replace(distances(0.02), null=np.linspace(0, 0.03, 101))  # between its mean and its 97.5 % point
    assert distance_verdicts(cnn_small=spread)["null-cnn-small"] == "undecided"


def test_families_of_different_widths_are_compared_at_those_that_both_have():
    rows = {"cnn-large": [distances(0.2), distances(0.9)], "cnn-small": [distances(0.7), distances(0.1)]}
    found = {"others": rows, "reference": rows}
    claim = distance_claims(found, {"cnn-large": [4, 8], "cnn-small": [2, 4]})[0]
    assert claim.estimate == pytest.approx(0.1) and "mean over k = 4;" in claim.statistic and claim.networks == 8
    apart = distance_claims(found, {"cnn-large": [4, 8], "cnn-small": [2, 16]})
    assert [claim.name.removeprefix("03-wasserstein-") for claim in apart] == [
        "small",
        "null-cnn-large",
        "null-cnn-small",
    ]
    assert "cnn-large, k = 8" in apart[0].statistic


def test_the_figure_has_a_panel_a_reading_with_all_families():
    rows = {"cnn-large": [distances(0.2)] * 2, "cnn-small": [distances(0.1)] * 2}
    figure = distances_by_width({"others": rows, "reference": rows}, FAMILY_WIDTHS)
    assert [axis.get_title() for axis in figure.axes] == [
        f"cosines with {reading.label}" for reading in READINGS.values()
    ]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["two samples of one law", "cnn-large", "cnn-small"]


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
