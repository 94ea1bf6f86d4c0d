"""A Sphinx extension: a study's page is what differs from the chapter on digits, whose text and code are folded away.

Nothing is executed again: the page is compared with that of the digits when it is read, and its figures get those of the
digits beside them when the pages are built (`finished`).
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from itertools import groupby

from docutils import nodes

from chapters import PAGES
from numbered import plain

STUDY = re.compile(r"book/studies/([^/]+)/([^/]+)")
RESTS_ON, TEXT = "What this page rests on", "Text and code of the chapter"
ANSWER = "Text of the chapter, and its answer"
FIGURE = re.compile(r'<figure class="numbered" id="([^"]+)">(.*?)</figure>', re.S)
BOLD = re.compile(r"<strong>.*?</strong>", re.S)


@cache
def written() -> dict[str, dict[str, str]]:
    """What `differences` found: study -> chapter -> HTML."""
    return json.loads((PAGES / "differences.json").read_text())


def fold(app, doctree):
    """Put what differs below the title and the question of a study's page, and fold what the digits' page has too."""
    place = STUDY.fullmatch(app.env.docname)
    html = written().get(place[1], {}).get(place[2]) if place else None
    if html is None:
        return
    digits = app.env.get_doctree(f"book/chapters/{place[2]}")  # read before: pages are read by name
    known = {content(child) for section in digits.findall(nodes.section) for child in section}
    first = next(doctree.findall(nodes.section))
    for section in [*doctree.findall(nodes.section)]:
        section[:] = folded(section.children, known, introduction=section is first)
    first.insert(2, raw(html))


def content(node: nodes.Node) -> str:
    """What a reader sees of a part of a page: its text and its pictures, wherever links lead."""
    pictures = [picture["uri"] for picture in node.findall(nodes.image)]
    return "\n".join([node.astext().replace("/book/chapters/", ""), *pictures])


def folded(children: Sequence[nodes.Node], known: set[str], introduction: bool) -> list[nodes.Node]:
    """The parts of a section, with a fold for each run of those that are known and of code.

    introduction: its title and the first of its paragraphs stay; the others are folded with the answer that they ask for.
    """
    kept = list(children[: 1 + introduction])
    parts = [part for child in children[len(kept) :] for part in without_code(child, content(child) in known)]
    above = next((at for at, (part, _) in enumerate(parts) if part.astext() == RESTS_ON), 0) if introduction else 0
    summaries = [*[ANSWER] * above, *[RESTS_ON] * 2 * bool(above)]
    summaries += [TEXT if same else None for _, same in parts[len(summaries) :]]
    for summary, run in groupby(zip(summaries, parts), key=lambda one: one[0]):
        found = [part for _, (part, _) in run]
        kept += [fold_of(summary), *found, raw("</details>")] if summary else found
    return kept


def without_code(node: nodes.Node, same: bool) -> list[tuple[nodes.Node, bool]]:
    """A part of a page and whether it belongs into a fold; of a cell first its code, which always does, then what it shows."""
    if not is_cell(node):
        return [(node, same and not isinstance(node, nodes.section))]
    node["hide_mode"] = None  # a fold is enough
    if same or not (len(node) > 1 and node[0].get("nb_element") == "cell_code_source"):
        return [(node, True)]
    code = nodes.container(nb_element="cell_code", classes=["cell"])
    code += node.pop(0)
    return [(code, True), (node, False)]


def is_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def fold_of(summary: str) -> nodes.raw:
    return raw(f'<details class="as-digits"><summary>{escape(summary)}</summary>')


def raw(html: str) -> nodes.raw:
    return nodes.raw("", html, format="html")


def beside(html: str, digits: str, address: str) -> str:
    """A page whose figures stand beside those of the digits' page whose captions begin alike, in their order."""
    theirs: dict[str, list[tuple[str, str]]] = {}
    for anchor, inside in FIGURE.findall(digits):
        theirs.setdefault(begins(inside), []).append((anchor, inside))

    def paired(figure: re.Match) -> str:
        if not (left := theirs.get(begins(figure[2]))):
            return figure[0]
        anchor, inside = left.pop(0)
        inside = inside.replace('"../../_images/', '"../../../_images/').replace(
            f'href="#{anchor}"', f'href="{address}#{anchor}"'
        )
        inside = re.sub(r'(class="number"[^>]*>[^<]*)', r"\1, digits", inside)
        return f'<div class="beside full-width">{figure[0]}<figure class="numbered">{inside}</figure></div>'

    return FIGURE.sub(paired, html)


def begins(inside: str) -> str:
    """The bold words at the beginning of a caption."""
    found = BOLD.search(inside)
    return plain(found[0]) if found else ""


def setup(app):
    app.connect("doctree-read", fold)
    app.add_css_file("folded.css")
    return {"parallel_read_safe": False, "parallel_write_safe": True}
