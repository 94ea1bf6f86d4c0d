"""Verdicts on the papers' claims, and the small JSON files that carry each chapter's numbers into the book."""

import json
import math
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from IPython.display import HTML

from lib.runtime.files import ROOT, write_whole
from lib.statistics.intervals import Interval
from lib.training import provenance

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
MARKS = {SUPPORTED: "✔", CONTRADICTED: "✘", UNDECIDED: "?"}


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


def judge_within(low: float, high: float, least: float, most: float) -> str:
    """Supported when the interval lies within [least, most], contradicted when it lies outside, else undecided."""
    if least <= low and high <= most:
        return SUPPORTED
    return CONTRADICTED if high < least or low > most else UNDECIDED


def all_above(name: str, statement: str, statistic: str, interval: Callable[[float], Interval], threshold: float,
              networks: int, images: int, places: Sequence[str]) -> Claim:
    """The claim that every one of several numbers lies above `threshold`; the one that decides is shown.

    `interval`: level -> estimates, lows and highs, arrays of one shape; `places` says what each of them is about.  Many
    are looked at, so that one of them contradicts only at a level corrected for their number.
    """
    estimate, low, high = map(np.ravel, interval(0.95))
    strict = np.ravel(interval(1 - 0.05 / estimate.size)[2])
    verdict = judge_above(low, strict, threshold)
    end, shown = ("upper", np.argmin(strict)) if verdict == CONTRADICTED else ("lower", np.argmin(low))
    return Claim(name, statement,
                 f"{statistic}: {places[shown]}, the one of {estimate.size} with the lowest {end} end; "
                 f"{int((low > threshold).sum())} of {estimate.size} intervals lie above {threshold:g}",
                 float(estimate[shown]), float(low[shown]), float(high[shown]), networks, images,
                 f"all 95 % intervals above {threshold:g}; contradicted if one lies below, at the level "
                 f"1 - 0.05 / {estimate.size}", verdict)


def all_within(name: str, statement: str, statistic: str, interval: Callable[[float], Interval],
               band: tuple[float, float], networks: int, images: int, places: Sequence[str]) -> Claim:
    """The claim that every one of several ratios lies within `band`; the one that decides is shown.

    Arguments and the correction for many as in `all_above`.  Beyond the band is measured in logarithms: a ratio of a
    half is as far from 1 as one of two.  Contradicted shows the interval that lies furthest outside at the corrected
    level; otherwise it is the one with the end that reaches furthest out.
    """
    estimate, low, high = map(np.ravel, interval(0.95))
    strict = [np.ravel(part) for part in interval(1 - 0.05 / estimate.size)[1:]]
    verdicts = [judge_within(*ends, *band) for ends in zip(low, high)]
    outside = [judge_within(*ends, *band) == CONTRADICTED for ends in zip(*strict)]
    if any(outside):
        verdict, shown = CONTRADICTED, np.nanargmax(_beyond(strict[1], strict[0], band))
    else:
        verdict = SUPPORTED if set(verdicts) == {SUPPORTED} else UNDECIDED
        shown = np.argmax(_beyond(low, high, band))  # of several the first without an interval, if there is one
    return Claim(name, statement, f"{statistic}: {places[shown]}, the one of {estimate.size} that decides; "
                 f"{verdicts.count(SUPPORTED)} within {band[0]:g} to {band[1]:g}, {sum(outside)} outside at the "
                 "corrected level", float(estimate[shown]), float(low[shown]), float(high[shown]), networks,
                 images, f"all 95 % intervals within {band[0]:g} to {band[1]:g}; contradicted if one lies outside, at "
                 f"the level 1 - 0.05 / {estimate.size}", verdict)


def _beyond(low: np.ndarray, high: np.ndarray, band: tuple[float, float]) -> np.ndarray:
    """How far `low` lies below the band or `high` above it, whichever is more, in logarithms; negative within."""
    low, high = (np.log(np.maximum(end, np.finfo(float).tiny)) for end in (low, high))  # a ratio's low may be below 0
    return np.maximum(np.log(band[0]) - low, high - np.log(band[1]))


def table(claims: Iterable[Claim]) -> HTML:
    """One row a claim, for a notebook: its statement, the statistic, the estimate with interval, and the verdict."""
    rows = [{"claim": claim.statement, "statistic": claim.statistic,
             "estimate [95 % interval]": f"{short(claim.estimate)} [{short(claim.low)}, {short(claim.high)}]",
             "networks, images": f"{claim.networks}, {claim.images}", "verdict": claim.verdict} for claim in claims]
    with pd.option_context("display.max_colwidth", None):  # pandas would cut the sentences short
        return HTML(pd.DataFrame(rows).to_html(index=False, border=0, justify="left"))


def short(value: float | None) -> str:
    """Three decimals, or a power of ten for what they would show as zero; an en dash for what was not finite."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.0005 else f"{value:.0e}"


def write_results(study: str, chapter: str, parameters: Mapping[str, object], numbers: Mapping[str, object],
                  claims: Iterable[Claim]) -> None:
    """Write results/<study>/<chapter>.json, whole or not at all."""
    versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
    content = {"chapter": chapter, "study": study, "versions": versions, "parameters": _plain(dict(parameters)),
               "provenance": _plain(provenance.used()),
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


def read_claims(folder: Path, chapters: Iterable[str]) -> dict[str, list[Claim]]:
    """The claims of each of the chapters, as `write_results` left them in results/<study>/.

    Raises:
        ValueError: a chapter without results, a file that is no JSON of claims, an unknown verdict, or a name that
            occurs twice.
    """
    found: dict[str, list[Claim]] = {}
    owners: dict[str, str] = {}
    for chapter in chapters:
        path = folder / f"{chapter}.json"
        if not path.exists():
            raise ValueError(f"chapter {chapter} has no results: there is no {path.name} in results/{folder.name}")
        try:
            found[chapter] = [Claim(**entry) for entry in json.loads(path.read_text())["claims"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"results/{folder.name}/{path.name} is no file of claims: {error}") from None
        for claim in found[chapter]:
            if claim.verdict not in MARKS:
                raise ValueError(f"claim {claim.name} of chapter {chapter} has the verdict {claim.verdict!r}; "
                                 f"the verdicts are {', '.join(MARKS)}")
            if claim.name in owners:
                raise ValueError(f"two claims have the name {claim.name}, in {owners[claim.name]} and {chapter}")
            owners[claim.name] = chapter
    return found
