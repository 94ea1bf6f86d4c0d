"""The calibration error: numbers worked out by hand, a plain loop, networks that know what they know."""

import numpy as np
import pytest

from lib.ensembles.measures import expected_calibration_error


def plain_loop(confidence, correct, bins):
    """The definition of Guo et al. (2017), image by image."""
    total = 0.0
    for low in range(bins):
        inside = [i for i, value in enumerate(confidence) if low / bins < value <= (low + 1) / bins]
        if inside:
            accuracy = sum(correct[i] for i in inside) / len(inside)
            total += len(inside) / len(confidence) * abs(accuracy - sum(confidence[i] for i in inside) / len(inside))
    return total


def test_numbers_worked_out_by_hand():
    # Two bins: (0, 0.5] holds 0.3 and 0.5 with accuracy 1/2, (0.5, 1] holds 0.7 and 0.9 with accuracy 1.
    found = expected_calibration_error([0.3, 0.5, 0.7, 0.9], [False, True, True, True], bins=2)
    assert found == pytest.approx(0.5 * abs(0.5 - 0.4) + 0.5 * abs(1 - 0.8))
    assert expected_calibration_error([0.8, 0.6], [1, 0], bins=1) == pytest.approx(0.2)
    assert expected_calibration_error([1.0, 1.0], [0, 0]) == pytest.approx(1)


@pytest.mark.parametrize("bins", [1, 7, 15])
def test_a_plain_loop_says_the_same_of_every_row(bins):
    rng = np.random.default_rng(0)
    confidence, correct = rng.uniform(0.1, 1, (3, 4, 50)), rng.random((3, 4, 50)) < 0.7
    found = expected_calibration_error(confidence, correct, bins)
    assert found.shape == (3, 4)
    for row in np.ndindex(3, 4):
        assert found[row] == pytest.approx(plain_loop(confidence[row], correct[row], bins))


def test_who_is_right_as_often_as_they_believe_has_no_error_and_else_the_gap():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.1, 0.9, 200_000)
    assert expected_calibration_error(confidence, rng.random(200_000) < confidence) < 0.01
    timid = expected_calibration_error(confidence, rng.random(200_000) < confidence + 0.1)
    assert timid == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("confidence, correct, bins, message", [
    ([0.5, 0.5], [1], 15, "must be of one shape"), ([], [], 15, "at least one image"), ([1.2], [1], 15, "from 0 to 1"),
    ([-0.1], [1], 15, "from 0 to 1"), ([np.nan], [1], 15, "from 0 to 1"),
    ([0.5], [1], 0, "bins must be a whole number"),
])
def test_what_is_no_confidence_is_refused(confidence, correct, bins, message):
    with pytest.raises(ValueError, match=message):
        expected_calibration_error(confidence, correct, bins)
