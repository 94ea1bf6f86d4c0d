"""Chapter 2: counts that differ and accuracies that do not rise are noticed."""

import numpy as np
import pytest

from lib.chapters.populations import all_claims, counted_parameters, expected_parameters

WIDTHS = (2, 8)


def verdicts(off, rise, spread=0.01):
    networks = 0.7 + spread * np.array([-1, 0, 1])
    return all_claims(off, {"cnn-small": [networks, networks + rise]}, WIDTHS, 100, {"cnn-small": []})


def test_this_book_builds_networks_of_as_many_parameters_as_the_formulas_say():
    off = counted_parameters() - expected_parameters()
    parameters, accuracy = verdicts(off, 0.1)
    assert (parameters.verdict, parameters.estimate, parameters.networks) == ("supported", 0, 20)
    assert (accuracy.networks, accuracy.images, accuracy.statistic) == (6, 100, "test accuracy at k = 8 minus k = 2")
    off.iloc[2, 1] = -3
    (parameters, _) = verdicts(off, 0.1)
    assert (parameters.verdict, parameters.estimate) == ("contradicted", 3)


@pytest.mark.parametrize("rise, verdict", [(0.1, "supported"), (-0.1, "contradicted"), (0.005, "undecided")])
def test_wider_networks_classify_better_worse_or_it_cannot_be_told(rise, verdict):
    assert verdicts(counted_parameters() - expected_parameters(), rise)[1].verdict == verdict
