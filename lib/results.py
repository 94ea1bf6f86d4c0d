"""Each chapter's numbers and claims: rendered in its notebook, written as a small JSON file, and read for the book."""

import json
import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from IPython.display import HTML, Markdown

from lib.gates import Gate
from lib.rules import MARKS, NOT_TESTED
from lib.runtime.files import ROOT, write_whole
from lib.runtime.room import results_folder
from lib.training import populations
from lib.verdicts import DETAIL, HEADLINE, MACHINERY, Claim, Row

LEVELS = (HEADLINE, DETAIL, MACHINERY)


def table(claims: Iterable[Claim]) -> HTML:
    """One row a claim, for a notebook: its statement, the statistic, the estimate with interval, and the verdict."""
    rows = [
        {
            "claim": claim.statement,
            "statistic": claim.statistic,
            "estimate [95 % interval]": f"{short(claim.estimate)} [{short(claim.low)}, {short(claim.high)}]",
            "networks, images": f"{claim.networks}, {claim.images}",
            "verdict": f"not tested: {claim.gate}" if claim.verdict == NOT_TESTED else claim.verdict,
        }
        for claim in claims
    ]
    with pd.option_context("display.max_colwidth", None):  # pandas would cut the sentences short
        return HTML(pd.DataFrame(rows).to_html(index=False, border=0, justify="left"))


def answer(claims: Iterable[Claim], level: str | None = HEADLINE) -> Markdown:
    """What was found, a line a claim: its mark, the statement, the number with its interval, the verdict.

    level: only claims of this level; None: all of them, headlines first.
    """
    shown = [claim for own in LEVELS for claim in claims if claim.level == own and level in (None, own)]
    return Markdown(
        "\n".join(
            f"- {MARKS[claim.verdict]} **{claim.verdict}**: {claim.statement} ({claim.statistic}: {short(claim.estimate)} "
            f"[{short(claim.low)}, {short(claim.high)}]{f'; {claim.gate}' * (claim.verdict == NOT_TESTED)})"
            for claim in shown
        )
    )


def gates(by_group: Mapping[str, Sequence[Gate]]) -> Markdown:
    """What the networks of each group must have learnt, with the numbers found: a line a gate."""
    return Markdown(
        "\n".join(
            f"- {'passed' if gate.passed else '**not passed**'}: {group}: {gate}"
            for group, several in by_group.items()
            for gate in several
        )
    )


def rules(rows: Iterable[Row], **words: object) -> Markdown:
    """The rules in words, a line a row; `words` fill the rows' texts, for instance family="each family"."""
    return Markdown(
        "\n".join(
            f"- **{row.says.format(**words)}** ({row.source}) {row.statistic.format(**words)}: {row.rule_in_words}."
            for row in rows
        )
    )


def short(value: float | None) -> str:
    """Three decimals, or a power of ten for what they would show as zero; an en dash for what was not finite."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.0005 else f"{value:.0e}"


def write(
    study: str, chapter: str, parameters: Mapping[str, object], numbers: Mapping[str, object], claims: Iterable[Claim]
) -> None:
    """Write <study>/<chapter>.json into the folder of results (`lib.runtime.room`), whole or not at all."""
    versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
    content = {
        "chapter": chapter,
        "study": study,
        "versions": versions,
        "parameters": _plain(dict(parameters)),
        "provenance": _plain(populations.networks_used()),
        "numbers": _plain(dict(numbers)),
        "claims": [_plain(asdict(claim)) for claim in claims],
    }
    path = results_folder(ROOT) / study / f"{chapter}.json"
    write_whole(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


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


def read(folder: Path, chapters: Iterable[str]) -> dict[str, list[Claim]]:
    """The claims of each of the chapters, as `write` left them in results/<study>/.

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
            found[chapter] = [_claim(entry) for entry in json.loads(path.read_text())["claims"]]
        except (AttributeError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"results/{folder.name}/{path.name} is no file of claims: {error}") from None
        for claim in found[chapter]:
            if claim.verdict not in MARKS:
                raise ValueError(
                    f"claim {claim.name} of chapter {chapter} has the verdict {claim.verdict!r}; "
                    f"the verdicts are {', '.join(MARKS)}"
                )
            if claim.name in owners:
                raise ValueError(f"two claims have the name {claim.name}, in {owners[claim.name]} and {chapter}")
            owners[claim.name] = chapter
    return found


def _claim(entry: dict) -> Claim:
    claim = Claim(**entry | {"thresholds": tuple(entry.get("thresholds", ()))})
    if not isinstance(claim.name, str) or not isinstance(claim.verdict, str):
        raise TypeError(f"a name and a verdict are texts, not {claim.name!r} and {claim.verdict!r}")
    return claim
