"""Every figure of a chapter has a number of the book's own, a permalink, and says which figure of which
paper it is; with the numbers behind it, where `touched` knows them, for `static/figures.js`.

Captions are displayed by the executed chapters, so all this is written into the built pages: nothing is executed again.
"""

import json
import re
from collections.abc import Callable, Mapping
from html import escape

import everything
import touched
from figure_words import words

FIGURE = re.compile(r'(<a class="enlarge" (?:(?!</a>).)*</a>)\s*<p>(<strong>.*?)</p>', re.S)
# "Fig. 12", "Figs. 7a, 7b and F.1", "Table 1" in the bold beginning of a caption
ORIGIN = re.compile(r"(?:Figs?\.?|Table) (?:[A-Z]\.)?\d+\w?(?:(?:, | and |, and )(?:[A-Z]\.)?\d+\w?)*")
ALT = re.compile(r'(<img [^>]*?alt="[^"]*)')
TOLD = re.compile(r"\b(?:black|white|dark|light)(?:er)?\b", re.I)  # colours that the dark would make untrue
SCRIPT = '<script defer src="{}_static/figures.js"></script>'


def numbered(html: str, chapter: str, data: str | None = None, found: dict | None = None) -> str:
    """A page whose figures are numbered in their order.

    chapter: its file's stem; data: the title of a study; found: the chapter's results, where there are any.
    """
    behind: dict[str, dict] = {}
    counted = iter(range(1, 1000))
    html = FIGURE.sub(lambda match: _figure(*match.groups(), chapter, next(counted), data, found, behind.update), html)
    if not behind:
        return html
    content = json.dumps({"command": touched.command(chapter, found), "figures": behind}).replace("</", "<\\/")
    script = SCRIPT.format("../" * (2 + (data is not None)))
    return html.replace(
        "</body>", f'<script type="application/json" id="behind-figures">{content}</script>{script}</body>'
    )


def _figure(
    picture: str, caption: str, chapter: str, count: int, data: str | None, found: dict | None, keep: Callable
) -> str:
    label = chapter.partition("_")[0].lstrip("0")
    label = "O" if label == "own" else label
    anchor, title = f"figure-{label}-{count}", f"Figure {label}.{count}" + (f", {data}" if data else "")
    if TOLD.search(picture + plain(caption)):
        picture = picture.replace(" data-curves", "")
    if found and (shown := touched.behind(chapter, plain(caption), found)):
        keep({anchor: shown})
        picture = ALT.sub(lambda match: f"{match[1].rstrip()} {escape(words(shown))}", picture, count=1)
    return (
        f'<figure class="numbered" id="{anchor}">{picture}<figcaption><p><a class="number" href="#{anchor}">{escape(title)}</a>'
        f"{origin(chapter, caption)} {caption}</p></figcaption></figure>"
    )


def origin(chapter: str, caption: str) -> str:
    """' (Fig. 12 of Great Minds Think Alike).', as HTML, where the bold beginning of a caption names a paper's figure."""
    own = ORIGIN.search(plain(caption.partition("</strong>")[0]))
    paper = next((one["title"] for one in everything.papers() if chapter in chapters_of(one)), None)
    return f' <span class="origin">({own[0]} of <cite>{escape(paper)}</cite>)</span>' if own and paper else ""


def chapters_of(paper: Mapping) -> set[str]:
    """The chapters that redraw something of a paper (everything.toml)."""
    return {chapter for item in paper["item"] for chapter in item.get("chapters", ())}


def plain(html: str) -> str:
    return re.sub(r"<[^>]*>", "", html).replace("’", "'")
