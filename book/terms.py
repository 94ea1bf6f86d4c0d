"""The first time a page uses a word of the glossary, the word leads there and a pointer over it tells.

The words are those of the glossary's first column that are no signs; what they mean is its second column.
"""

import re
from collections.abc import Iterator, Mapping
from html import escape

from chapters import ROOT
from verdict_html import anchor

GLOSSARY = ROOT / "book" / "glossary.md"
WORD = re.compile(r"[A-Za-z][A-Za-z –-]+")
QUIET = re.compile(r"a|code|pre|h[1-6]|script|style|svg|summary|button|table|figcaption|span")
TAG = re.compile(r"<(/?)([a-z0-9]+)([^>]*)>")
ROW = re.compile(r"(<tr[^>]*>\s*<td[^>]*>)(.*?)(?=</td>)", re.S)
MATHS = re.compile(r"\$[^$]*\$|\\\(.*?\\\)|<[^>]*>")
# Words that mean other things too: a pointer over them would often be wrong.
COMMON = re.compile(
    "controls|corrected|deletion|depth|direction|energy|estimate|interval|its share|rule|contradicted|not tested|of a claim|"
    "residual|source|target|supported|the law|threshold|undecided|view"
)


def meanings() -> dict[str, str]:
    """word -> what it means, in plain words."""
    rows = [line.strip("| ").split(" | ") for line in GLOSSARY.read_text().splitlines() if line.startswith("| ")]
    found = {word: re.sub(r"[$\\]|\{.*?\}", "", meaning) for terms, meaning, *_ in rows for word in words_of(terms)}
    found.pop("symbol or term")
    return found


def words_of(terms: str) -> list[str]:
    """The words of a cell of the first column, Markdown or HTML, without signs and common words."""
    words = (word.strip() for word in MATHS.sub("", terms).split(","))
    return [word for word in words if WORD.fullmatch(word) and len(word) > 2 and not COMMON.fullmatch(word)]


def with_places(html: str, known: Mapping[str, str]) -> str:
    """The glossary with a place for each of its words that is explained elsewhere."""

    def place(row: re.Match) -> str:
        places = (f'<span id="term-{anchor(word)}"></span>' for word in words_of(row[2]) if word in known)
        return row[1] + "".join(places) + row[2]

    return ROW.sub(place, html)


def explained(html: str, known: Mapping[str, str], glossary: str) -> str:
    """A page whose article explains each known word once, in a paragraph or a list."""
    begin, end = html.find("<article"), html.find("</article>")
    left = dict(known)
    parts = (_linked(text, left, glossary) if running else text for text, running in _texts(html[begin:end]))
    return html[:begin] + "".join(parts) + html[end:]


def _texts(html: str) -> Iterator[tuple[str, bool]]:
    """Tags and the texts between them, with whether a text runs in a paragraph or a list and nothing quiet."""
    at, inside, quiet = 0, 0, []
    for tag in TAG.finditer(html):
        yield html[at : tag.start()], bool(inside) and not quiet
        yield tag[0], False
        closing, name = bool(tag[1]), tag[2]
        inside += (-1 if closing else 1) * (name in ("p", "li"))
        if QUIET.fullmatch(name):  # spans hold mathematics, and names of programs
            quiet = quiet[:-1] if closing else [*quiet, name]
        at = tag.end()
    yield html[at:], False


def _linked(text: str, left: dict[str, str], glossary: str) -> str:
    """The text with the words that are left to be explained, longer ones first; they are taken out of `left`."""
    if not left or not text.strip():
        return text
    words = re.compile(rf"\b({'|'.join(map(re.escape, sorted(left, key=len, reverse=True)))})(s?)\b")

    def link(match: re.Match) -> str:
        meaning = left.pop(match[1], None)
        if meaning is None:
            return match[0]
        address = f"{glossary}#term-{anchor(match[1])}"
        return f'<a class="term" href="{address}" title="{escape(meaning)}">{match[0]}</a>'

    return words.sub(link, text)
