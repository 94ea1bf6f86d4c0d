"""What a study's page says otherwise than the same chapter on digits: verdicts, gates and parameters, as HTML for `folded`."""

from collections.abc import Mapping, Sequence

import evidence
from claims_page import disagree, each
from evidence import COLUMNS, Found, Study
from lib.rules import NOT_TESTED
from verdict_html import rendered, unmet
from what_holds import Cell, Line

DIGITS = COLUMNS["digits"]


def differences(found: Found) -> dict[str, dict[str, str]]:
    """Study -> chapter -> HTML, for every chapter that the digits have too."""
    digits, *others = found
    return {
        study.results: {
            chapter: difference(found, digits, study, chapter) for chapter in found[study] if chapter in found[digits]
        }
        for study in others
    }


def difference(found: Found, digits: Study, study: Study, chapter: str) -> str:
    """One page's: verdicts that differ first, those turned round before all; then gates that fail, and parameters."""
    both = {one: {chapter: found[one][chapter]} for one in (digits, study)}
    column = COLUMNS[study.data]
    lines = [line for line in each(both) if column in line.cells and DIGITS in line.cells]
    other = sorted(filter(differs, lines), key=lambda line: (not disagree(line), untested(line)))
    return rendered(
        "difference.html",
        column=column,
        digits=DIGITS,
        address=f"../../chapters/{chapter}.html",
        other=other,
        same=[line for line in lines if not differs(line)],
        alone=sum(column in line.cells and DIGITS not in line.cells for line in each(both)),
        gates={name: failed([line.cells[name] for line in lines]) for name in (column, DIGITS)},
        parameters=changed(*(parameters(one, chapter) for one in (study, digits))),
    )


def differs(line: Line) -> bool:
    """Whether its data sets come to different verdicts."""
    return len({cell.verdict for cell in line.cells.values()}) > 1


def untested(line: Line) -> bool:
    return any(cell.verdict == NOT_TESTED for cell in line.cells.values())


def failed(cells: Sequence[Cell]) -> list[str]:
    """The gates that some of these claims do not pass, each once."""
    return list(dict.fromkeys(gate for cell in cells for place in cell.places for gate in unmet(place.claim.gate)))


def parameters(study: Study, chapter: str) -> dict[str, object]:
    """What a chapter was executed with."""
    return evidence.written(study.results, chapter)["parameters"]


def changed(own: Mapping, digits: Mapping) -> dict[str, tuple[str, str]]:
    """Name of a parameter -> its two values as text, where they are not the same; one that only one knows is a dash."""
    names = [name for name in dict.fromkeys([*own, *digits]) if name != "study"]
    pairs = {name: tuple(told(one[name]) if name in one else "–" for one in (own, digits)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def told(value: object) -> str:
    """A parameter in words: 'all' for none, a list without its brackets, a family's own behind its name."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {told(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(told, value))
    return "all" if value is None else str(value)
