"""The page of the rule bench: headline figures whose verdicts change as a reader changes what had to be chosen.

`bench_export` computed every outcome and keeps them in book/bench/; `make book` makes book/chapters/bench_*.html of them,
and `static/rule_bench.js` looks up what the reader chose.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from docutils import nodes

from chapters import PAGES

KEPT = Path(__file__).resolve().parent / "bench"
CHAPTERS = {
    "growth": "03_individual_similarity",
    "hypotheses": "04_hypotheses",
    "attacks": "07_black_box_attack",
    "blocks": "11_block_structure",
}
DIGITS = "digits"


def write_rule_bench() -> None:
    """What book/rule_bench.md includes, unless it is newer than what it is made from."""
    made = {name: PAGES / f"bench_{name}.html" for name in ("data", *CHAPTERS)}
    sources = [Path(__file__), *KEPT.glob("*.json"), *KEPT.parent.glob("templates/bench*")]
    newest = max(path.stat().st_mtime for path in sources)
    if all(path.exists() and path.stat().st_mtime > newest for path in made.values()):
        return
    from lib.rules import MARKS  # with the next line PyTorch, which takes seconds
    from lib.runtime.files import write_whole
    from verdict_html import rendered

    kept = read()
    data = json.dumps({"sets": kept, "marks": MARKS}, ensure_ascii=False, separators=(",", ":"))
    write_whole(made.pop("data"), rendered("bench_data.html", data=data).encode())
    for name, path in made.items():
        there = [one for one in kept.values() if name in one["benches"]]
        tables = [table for one in there for table in still(one, name, list(MARKS.values()))]
        write_whole(path, rendered("bench.html", name=name, tables=tables).encode())


def read() -> dict[str, dict]:
    """Name of a data set -> what is kept of it, the digits first."""
    paths = sorted(KEPT.glob("*.json"), key=lambda path: path.stem != DIGITS)
    return {path.stem: json.loads(path.read_text()) for path in paths}


def still(one: Mapping, name: str, marks: list[str]) -> Iterator[dict]:
    """For those without scripts: of every choice a table with a column for each of its values, all others as in the chapter."""
    bench = one["benches"][name]
    for choice, values in bench["values"].items():
        rows = [
            (row["says"], case, [marks[found[key(row, bench["own"] | {choice: value})][0]] for value in values])
            for row in bench["rows"]
            if choice in row["by"]
            for case, found in row["cases"].items()
        ]
        if len(values) > 1:
            yield {"title": one["title"], "choice": choice, "values": values, "own": bench["own"][choice], "rows": rows}


def key(row: Mapping, chosen: Mapping) -> str:
    """Where a row's outcome under these choices stands among its others."""
    return " | ".join(str(chosen[name]) for name in row["by"])


def point_to(app, doctree):
    """Before the first part of a chapter on the bench: where its choices can be changed."""
    _, *place, chapter = app.env.docname.split("/")
    study = DIGITS if place == ["chapters"] else "".join(place[1:])
    there = read().get(study, {"benches": {}})["benches"]
    names = [name for name, own in CHAPTERS.items() if own == chapter and name in there]
    if not names:
        return
    title = next(iter(doctree.findall(nodes.title))).parent
    parts = [at for at, child in enumerate(title) if isinstance(child, nodes.section)]
    address = f"{'../' * len(place)}rule_bench.html#bench={names[0]}&data={study}"
    link = nodes.reference("", "rule bench", refuri=address, internal=False)
    said = nodes.paragraph(
        "",
        "What if other thresholds, fewer networks or another step had been chosen? The ",
        link,
        nodes.Text(" tells."),
    )
    title.insert(parts[0] if parts else len(title), said)


def setup(app):
    app.connect("doctree-read", point_to)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    write_rule_bench()
