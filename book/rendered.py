"""A Sphinx extension: the look of verdicts, numbers that pages call by name and their files beside the pages, and what is left
of pages whose networks learnt little."""

import json
import re
from pathlib import Path

from docutils import nodes

from lib.rules import NOT_TESTED

STATIC = Path(__file__).resolve().parent / "static"
INTERVAL = re.compile(r"(?<=\d) \[[-−+]?\d[\d.e-]*, [-−+]?\d[\d.e-]*\]| \[95 % interval\]")
COUNTED = re.compile(r"\(\d+ claims: \d+ supported")  # what such a sentence goes on to say follows from verdicts
# In a cell, or at the end of a sentence.
VERDICT = re.compile(r"(?:(?<=>)|(?<=: ))(?:supported|contradicted|undecided)(?=[<.;])")


def look(app, config):
    """Style and filters of tables of verdicts, on every page."""
    config.html_static_path = [*config.html_static_path, str(STATIC)]


def numbers(app, config):
    """{{ name }} in a page stands for a number of `measured` or one of `settings`."""
    import settings  # noqa: F401  its functions are among those measured
    from measured import all_measured

    config.myst_substitutions = {**config.myst_substitutions, **all_measured()}


def files_of_numbers(app, error):
    """results/ of the studies with a page beside the pages, without spaces, for the links of detail checks."""
    import evidence

    for study in {} if error else evidence.folders(evidence.executed_studies()):
        own = Path("results", study.results)
        (app.outdir / own).mkdir(parents=True, exist_ok=True)
        for path in (evidence.ROOT / own).glob("*.json"):
            content = json.dumps(json.loads(path.read_text()), separators=(",", ":"))
            (app.outdir / own / path.name).write_text(content)


def warn(app, doctree):
    """Below the title of a study's page from before the gates: what its networks have not learnt; and `only_described`."""
    _, *place = app.env.docname.split("/")
    failed = unmet_before_gates(*place[1:]) if len(place) == 3 and place[0] == "studies" else []
    if failed:
        said = (
            f"The networks of this page have not learnt enough for its claims to be judged ({'; '.join(failed)}). It was "
            "executed before there were such gates, with some rules and intervals that the book no longer has: its "
            "verdicts are not tested, and the intervals of its tables are left out."
        )
        only_described(doctree)
        title = next(iter(doctree.findall(nodes.title)))
        title.parent.insert(title.parent.index(title) + 1, nodes.warning("", nodes.paragraph(text=said)))


def only_described(doctree):
    """Numbers that cells put out stay, without verdicts and without intervals, of which some left their range."""
    for cell in doctree.findall(lambda node: isinstance(node, nodes.container) and "cell_output" in node["classes"]):
        for item in [*cell.findall(nodes.list_item)]:
            if COUNTED.search(item.astext()):
                item.parent.remove(item)
        for text in [*cell.findall(nodes.Text)]:
            said = VERDICT.sub(NOT_TESTED, INTERVAL.sub("", text))
            if said != text:
                text.parent.replace(text, nodes.Text(said))


def unmet_before_gates(study: str, chapter: str) -> list[str]:
    """What fails of the gates of a study's chapter, if its results know none: 'lowest test accuracy 0.185 < 0.5'."""
    import evidence
    import studies
    from earlier_gates import CLASSES, earlier_gates
    from verdict_html import unmet

    if any(claim.get("gate") for claim in evidence.written(study, chapter)["claims"]):
        return []
    data = evidence.data_of(studies.read_table()[study]["dataset"])
    return unmet("; ".join(map(str, earlier_gates(chapter, evidence.ROOT / "results" / study, CLASSES[data]))))


def setup(app):
    app.connect("doctree-read", warn)
    app.connect("config-inited", numbers)
    app.connect("config-inited", look)
    app.connect("build-finished", files_of_numbers)
    app.add_css_file("verdicts.css")
    app.add_js_file("filters.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
