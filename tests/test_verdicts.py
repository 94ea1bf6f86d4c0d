"""Claims are judged by their rows: the same rules on every piece of evidence, and the level at which a verdict ends."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from lib.statistics.intervals import mean_interval
from lib.statistics.sample import Estimated
from lib.verdicts import HEADLINE, Row, judged, verdicts_by


def test_the_same_rules_on_several_pieces_of_evidence():
    row = Row("a", "It is so.", "ours", "x", lambda value: Estimated(lambda level: (value, value, value), 7, 0))
    found = verdicts_by(lambda value: judged([row], value), {"one": 1.0, "other": -1.0})
    assert found == {"a": {"one": "supported", "other": "contradicted"}}


def test_the_level_at_which_a_verdict_ends_is_the_tests_p_value():
    values = np.random.default_rng(0).normal(0.8, 1, 12)
    row = Row("a", "It is.", "ours", "x", lambda x: Estimated(lambda at: mean_interval(x, at), 12, 0), level=HEADLINE)
    (claim,) = judged([row], values)
    assert claim.p == pytest.approx(ttest_1samp(values, 0).pvalue, rel=0.05)  # Student's interval is Student's test
