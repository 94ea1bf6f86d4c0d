"""A Sphinx extension: the first time a page uses a word of the glossary, the word leads there and a pointer over it tells.

The words are those of the glossary's first column that are no signs; what they mean is its second column.
"""

import re
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

from chapters import ROOT
from verdict_html import anchor

GLOSSARY = ROOT / "book" / "glossary.md"
WORD = re.compile(r"[A-Za-z][A-Za-z –-]+")
QUIET = {
    "a",
    "code",
    "pre",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "script",
    "style",
    "svg",
    "summary",
    "button",
    "table",
    "figcaption",
}
TAG = re.compile(r"<(/?)([a-z0-9]+)([^>]*)>")
ROW = re.compile(r"(<tr[^>]*>\s*<td[^>]*>)(.*?)(?=</td>)", re.S)
MATHS = re.compile(r"\$[^$]*\$|\\\(.*?\\\)|<[^>]*>")
# Words that mean other things too: a pointer over them would often be wrong.
COMMON = {
    "controls",
    "corrected",
    "deletion",
    "depth",
    "direction",
    "energy",
    "estimate",
    "interval",
    "its share",
    "rule",
}
COMMON |= {
    "contradicted",
    "not tested",
    "of a claim",
    "residual",
    "source",
    "target",
    "supported",
    "the law",
    "threshold",
    "undecided",
    "view",
}


def meanings() -> dict[str, str]:
    """word -> what it means, in plain words."""
    rows = [line.strip("| ").split(" | ") for line in GLOSSARY.read_text().splitlines() if line.startswith("| ")]
    found = {word: re.sub(r"[$\\]|\{.*?\}", "", meaning) for terms, meaning, *_ in rows for word in words_of(terms)}
    found.pop("symbol or term")
    return found


def explain_all(app, exception):
    """After a build of pages that went well."""
    if exception is None and app.builder.format == "html":
        known, out = meanings(), Path(app.outdir) / "book"
        page = out / "glossary.html"
        page.write_text(ROW.sub(lambda row: _place(row, known), page.read_text()))
        for path in [*out.glob("chapters/*.html"), *out.glob("studies/*/*.html")]:
            address = "../" * (len(path.relative_to(out).parts) - 1) + "glossary.html"
            path.write_text(explained(path.read_text(), known, address))


def words_of(terms: str) -> list[str]:
    """The words of a cell of the first column, Markdown or HTML, without signs and common words."""
    words = (word.strip() for word in MATHS.sub("", terms).split(","))
    return [word for word in words if WORD.fullmatch(word) and len(word) > 2 and word not in COMMON]


def _place(row: re.Match, known: Mapping[str, str]) -> str:
    """A row of the glossary with a place for each of its words that is explained elsewhere."""
    places = (f'<span id="term-{anchor(word)}"></span>' for word in words_of(row[2]) if word in known)
    return row[1] + "".join(places) + row[2]


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
        if name in QUIET or name == "span":  # spans hold mathematics, and names of programs
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


def setup(app):
    app.connect("build-finished", explain_all, priority=800)  # after `numbered`, which makes captions of paragraphs
    return {"parallel_read_safe": True, "parallel_write_safe": True}
