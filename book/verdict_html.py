"""Verdicts as HTML: the templates of book/templates/, and the words and links that they need."""

import re

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lib.results import short
from lib.rules import MARKS, NOT_TESTED
from lib.verdicts import Claim
from plain_markdown import TEMPLATES
from what_holds import Cell, Place

GATE = re.compile(r"(?P<says>[^;]+?) (?P<found>\S+), (?P<needed>\S+) or (?P<side>more|less) needed")


def anchor(text: str) -> str:
    """Letters, digits and hyphens, for a place in a page."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def page(place: Place) -> str:
    """The page that judges a claim, seen from book/."""
    return f"{place.study.pages.removeprefix('/book/')}/{place.chapter}.html"


def unmet(gate: str) -> list[str]:
    """The gates of `Claim.gate` that are not passed, each as 'lowest test accuracy 0.185 < 0.5'."""
    return [
        f"{found['says'].strip()} {found['found']} {'<' if found['side'] == 'more' else '>'} {found['needed']}"
        for found in GATE.finditer(gate)
        if not _passed(float(found["found"]), float(found["needed"]), found["side"])
    ]


def _passed(found: float, needed: float, side: str) -> bool:
    return found >= needed if side == "more" else found <= needed


def number(cell: Cell) -> str:
    """One number for a cell: the estimate that decides, or that of the gate which is not passed."""
    claim = cell.shown.claim
    if cell.verdict == NOT_TESTED:
        return next((re.sub(r".* (\S+ [<>] \S+)$", r"\1", gate) for gate in unmet(claim.gate)), "")
    return signed(claim.estimate)


def signed(value: float | None) -> str:
    """A number in few digits with a minus sign."""
    return "–" if value is None else (f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}").replace("-", "−")


def interval(claim: Claim) -> str:
    """'0.12 [0.01, 0.20]'."""
    return f"{short(claim.estimate)} [{short(claim.low)}, {short(claim.high)}]".replace("-", "−")


def told(cell: Cell) -> str:
    """What a pointer over the mark tells."""
    claim = cell.shown.claim
    if cell.verdict == NOT_TESTED:
        return "; ".join(["not tested", *unmet(claim.gate)])
    return f"{cell.verdict}: {claim.statement} {claim.statistic}: {interval(claim)}"


def counted(cell: Cell) -> str:
    """'✔ 3, ? 1': how the families fare that make a cell."""
    return ", ".join(f"{MARKS[verdict]}\N{NO-BREAK SPACE}{count}" for verdict, count in cell.counts.items())


def rests_on(cell: Cell) -> str:
    """'[0.01, 0.20], 20 networks, 256 images'."""
    claim = cell.shown.claim
    counted = [f"{count} {what}" for count, what in ((claim.networks, "networks"), (claim.images, "images")) if count]
    return ", ".join([f"[{short(claim.low)}, {short(claim.high)}]".replace("-", "−"), *counted])


def case(claim: Claim) -> str:
    """What tells a claim from others of its row: '08-rises-{short}-{family}' and its name -> 'equal-steps, vit'."""
    parts = re.split(r"\{\w+\}", claim.row)
    found = re.fullmatch("(.+)".join(map(re.escape, parts)), claim.name)
    return ", ".join(found.groups()) if found else ""


def rendered(template: str, **words: object) -> str:
    """A template of book/templates/ as HTML; what claims say means only itself."""
    options = {"trim_blocks": True, "lstrip_blocks": True, "undefined": StrictUndefined, "autoescape": True}
    environment = Environment(loader=FileSystemLoader(TEMPLATES), **options)
    environment.filters |= {
        function.__name__: function
        for function in (anchor, page, number, told, counted, rests_on, interval, unmet, case)
    }
    return environment.get_template(template).render(marks=MARKS, **words)
