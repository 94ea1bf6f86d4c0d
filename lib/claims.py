"""Verdicts on the papers' claims, and the small JSON files that carry each chapter's numbers into the book."""

import json
import math
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import torch
from IPython.display import HTML

from lib.store import ROOT, write_whole

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"


@dataclass(frozen=True)
class Claim:
    """One claim of a paper, as it fared on the networks at hand.

    Attributes:
        name: identifier, unique over the book.
        statement: the claim in words; `rule`: what decides, whatever the numbers of the run.
        statistic: what is estimated; `estimate`, `low`, `high`: its value and 95 % interval.
        networks, images: how many of each the estimate rests on.
        verdict: 'supported', 'contradicted' or 'undecided'.
    """

    name: str
    statement: str
    statistic: str
    estimate: float
    low: float
    high: float
    networks: int
    images: int
    rule: str
    verdict: str


def judge_above(low: np.ndarray, high: np.ndarray, threshold: float = 0.0) -> str:
    """Supported when every interval lies above the threshold, contradicted when one lies below, else undecided."""
    if np.size(low) and np.all(np.asarray(low) > threshold):
        return SUPPORTED
    return CONTRADICTED if np.any(np.asarray(high) < threshold) else UNDECIDED


def table(claims: Iterable[Claim]) -> HTML:
    """One row a claim, for a notebook: its statement, the statistic, the estimate with interval, and the verdict."""
    rows = [{"claim": claim.statement, "statistic": claim.statistic,
             "estimate [95 % interval]": f"{_short(claim.estimate)} [{_short(claim.low)}, {_short(claim.high)}]",
             "networks, images": f"{claim.networks}, {claim.images}", "verdict": claim.verdict} for claim in claims]
    with pd.option_context("display.max_colwidth", None):  # pandas would cut the sentences short
        return HTML(pd.DataFrame(rows).to_html(index=False, border=0, justify="left"))


def _short(value: float) -> str:
    """Three decimals, or a power of ten for what they would show as zero."""
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.0005 else f"{value:.0e}"


def write_results(study: str, chapter: str, parameters: Mapping[str, object], numbers: Mapping[str, object],
                  claims: Iterable[Claim]) -> None:
    """Write results/<study>/<chapter>.json, whole or not at all."""
    versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
    content = {"chapter": chapter, "study": study, "versions": versions, "parameters": _plain(dict(parameters)),
               "numbers": _plain(dict(numbers)), "claims": [_plain(asdict(claim)) for claim in claims]}
    write_whole(ROOT / "results" / study / f"{chapter}.json",
                (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def _plain(value):
    """Arrays and numpy numbers as lists and numbers of six significant digits; what is not finite as None."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
