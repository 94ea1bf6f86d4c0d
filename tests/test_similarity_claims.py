"""The verdicts of chapter 3 follow from the matrix and its draws."""

import numpy as np
import pytest

from lib.chapters.similarity_claims import findings, growth_claims, mean_step, steps
from lib.statistics.sample import Sample

WIDTHS = (2, 4, 8)
RISING = np.array([[0.1, 0.2, 0.3], [0.2, 0.4, 0.5], [0.3, 0.5, 0.8]])


def matrix(values, spread):
    """A matrix whose entries vary independently by `spread` over images, and not with the networks."""
    noise = np.random.default_rng(0).standard_normal((2000, *values.shape))
    without = np.tile(values, (60, 1, 1))
    return Sample(values, without, values + spread * noise, without[None], (20, 20, 20), 1000)


def verdicts(values, spread):
    claims = growth_claims("cnn-small", matrix(values, spread), WIDTHS, (-0.01, 0.01))
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
    assert found == {"growth": "supported", "range": "supported", "every-step": "undecided", "above-chance": "supported"}


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


def test_the_answer_in_words_has_a_line_a_family_with_its_numbers():
    matrices = {"cnn-small": matrix(RISING, 0.001), "vit": matrix(RISING, 0.001)}
    lines = findings(matrices, {"cnn-small": WIDTHS, "vit": (3, 6, 12)}).split("\n")
    assert [line.split("**")[1] for line in lines] == ["cnn-small", "vit"]
    assert "from 0.10 at (2, 2) to 0.80 at (8, 8)" in lines[0] and "at (3, 3) to 0.80 at (12, 12)" in lines[1]
    assert "adds 0.167" in lines[0]
    assert "Of the 6 single steps, 6 have" in lines[0] and "0 below" in lines[0]
