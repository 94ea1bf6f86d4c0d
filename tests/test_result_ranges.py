"""No interval of any committed or local result leaves the range of what it is about, and no gated verdict is of a few networks."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

RESULTS = Path(__file__).resolve().parents[1] / "results"
OF_RATIOS = re.compile("measured over|over (measured|its|that)|/ formula|logarithm|squared error|exponent")
DIFFERENCE = re.compile(r"less|difference|minus| - |−|beyond|gain|fall|change|rise")


def bounds(statistic):
    """What a statistic by these words can be: correlations and cosines, shares, and differences of such."""
    if not re.search(
        "cosine|correlation|rho|CKA|R²|AUROC|conformity|share|chance|accuracy", statistic
    ) or OF_RATIOS.search(statistic):
        return -np.inf, np.inf
    share = re.match("share|AUROC|conformity|chance|accuracy", statistic) and not DIFFERENCE.search(statistic)
    return (0, 1) if share else (-1, 1)


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*/*.json")), ids=lambda path: f"{path.parent.name} {path.stem}")
def test_intervals_stay_in_the_range_of_what_they_are_about_and_six_networks_are_judged(path):
    """Claims without a gate are of before the gates; pages leave out their intervals and count them as not tested."""
    for claim in json.loads(path.read_text()).get("claims", []):
        known = None not in (claim["low"], claim["high"])
        if known and (claim.get("gate") or claim.get("level") == "machinery"):
            least, most = bounds(claim["statistic"].split(": ")[0])
            assert least <= claim["low"] <= claim["estimate"] <= claim["high"] <= most, claim["name"]
        if claim.get("gate") and claim["verdict"] != "not tested":
            assert claim["networks"] >= 6 or claim["level"] == "machinery", claim["name"]
