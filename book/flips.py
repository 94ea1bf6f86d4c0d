"""What would turn a verdict round, in a sentence, from the interval, the thresholds and the error level of a claim."""

import math

from lib.results import short
from lib.rules import CONTRADICTED, NOT_TESTED, SUPPORTED
from lib.verdicts import Claim
from verdict_html import unmet


def flip(claim: Claim) -> str:
    """What would have to be different for another verdict."""
    if claim.verdict == NOT_TESTED:
        return f"it is judged once the gate is passed; now {', '.join(unmet(claim.gate))}."
    near = _nearest(claim)
    if near is None:
        return _by_level(claim) or "the numbers at hand would have to be others."
    threshold, gap, half = near
    if claim.verdict in (SUPPORTED, CONTRADICTED):
        return (
            f"an interval that reached {short(threshold)}; from there its nearest end is {short(gap)} away, "
            f"{gap / half:.1f} times half its length. {_by_level(claim)}".strip()
        )
    if claim.low <= threshold <= claim.high and abs(claim.estimate - threshold) > 0:
        times = half / abs(claim.estimate - threshold)
        return (
            f"the interval holds {short(threshold)}; around the same estimate it would decide if it were {times:.1f} times "
            f"shorter, as with about {_rounded(times**2)} times as many networks."
        )
    return "the rule asks for more than the interval that is shown: see the rule."


def _nearest(claim: Claim) -> tuple[float, float, float] | None:
    """The threshold nearest to the interval, how far it is from it, and half the interval; None without any of them."""
    ends = (claim.estimate, claim.low, claim.high)
    if not claim.thresholds or any(end is None or not math.isfinite(end) for end in ends) or claim.high <= claim.low:
        return None
    gap = {threshold: min(abs(claim.low - threshold), abs(claim.high - threshold)) for threshold in claim.thresholds}
    threshold = min(gap, key=gap.get)
    return threshold, gap[threshold], (claim.high - claim.low) / 2


def _by_level(claim: Claim) -> str:
    if claim.p is None:
        return ""
    return f"The verdict stays the same down to an error level of {claim.p:.2g}."


def _rounded(times: float) -> str:
    return f"{times:.0f}" if times >= 10 else f"{times:.1f}"
