"""A Sphinx extension: what is done after a build that went well; each page is read and written once.

Files that no page uses go (`lean`), pages ask for no more than they need and are for keyboards and screen readers (`reading`),
figures of chapters get their numbers (`numbered`), those of studies the digits' beside them (`folded`), and words of the
glossary lead there (`terms`).
"""

import json
from pathlib import Path

import folded
import lean
import numbered
import reading
import studies
import terms
from chapters import ROOT


def finish(app, exception):
    """Files first, because pages name the pictures that are left."""
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    lean.remove_unused(out / "_static")  # among them what looks like pages
    pages = sorted(out.rglob("*.html"))
    lean.shrink(out, pages)
    table, known, digits = studies.read_table(), terms.meanings(), {}  # digits: their chapters come before the studies
    for page in pages:
        place = page.relative_to(out).parts
        html = reading.mended(lean.lean(page.read_text(), searches=page.name == "search.html"), page.parent)
        if place[:2] in (("book", "chapters"), ("book", "studies")):
            study = place[2] if place[1] == "studies" else "book"
            results = ROOT / "results" / study / f"{page.stem}.json"
            found = json.loads(results.read_text()) if results.exists() else None
            html = numbered.numbered(html, page.stem, table.get(study, {}).get("title"), found)
            if study == "book":
                digits[page.name] = html
            elif page.name in digits:
                html = folded.beside(html, digits[page.name], f"../../chapters/{page.name}")
            html = terms.explained(html, known, "../" * (len(place) - 2) + "glossary.html")
        elif place == ("book", "glossary.html"):
            html = terms.with_places(html, known)
        page.write_text(html)


def setup(app):
    app.connect("build-finished", finish)
    app.add_css_file("reading.css")
    app.add_css_file("figures.css")
    app.add_js_file("reading.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
