"""The tables that pages include are written when a claim changed, and only then."""

import json
import os

import nbformat
import pytest
from docutils import nodes

import chapters
import evidence
import pages
import rendered
import studies
import tables

CLAIM = {
    "name": "trial-claim",
    "statement": "It holds.",
    "statistic": "s",
    "estimate": 1.0,
    "low": 0.5,
    "high": 1.5,
    "networks": 0,
    "images": 0,
    "rule": "r",
    "verdict": "supported",
    "gate": "independent networks 6, 6 or more needed",
}
RESULTS = {
    "claims": [CLAIM],
    "parameters": {"dataset": "digits", "widths": [2, 4], "seeds": {"vit": 3}, "epochs": 5},
    "provenance": {"networks": 6, "training_hours": 0.26, "data": {"digits": [{"train": 40, "test": 10}]}},
}


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A project of one chapter, `trial`, with its results and those of the study `few`, which is not executed."""
    (tmp_path / "_toc.yml").write_text("file: book/chapters/trial\n")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "trial.py").write_text('# %% tags=["parameters"]\nstudy = "mine"\n')
    table = tmp_path / "studies.toml"
    table.write_text('[few]\ntitle = "Few digits"\ndataset = "digits"\nparameters = {}\nchapters = {trial = {}}\n')
    for folder in ("book", "few"):
        (tmp_path / "results" / folder).mkdir(parents=True)
        (tmp_path / "results" / folder / "trial.json").write_text(json.dumps(RESULTS))
    for module in (chapters, studies, tables, evidence):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(chapters, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(studies, "TABLE", table)
    monkeypatch.setattr(studies, "PAGES", tmp_path / "studies")
    monkeypatch.setattr(tables, "PAGES", tmp_path / "pages")
    return tmp_path


def test_the_tables_are_written_again_only_when_a_claim_changed(house):
    results, page = house / "results" / "book" / "trial.json", house / "pages" / "details.html"
    others = [page.with_name(name) for name in tables.MADE if name != page.name]
    tables.write_tables()
    assert page.read_text().count("trial-claim</code>") == 1
    page.write_text("newer than all that it is made from")
    for path in (page, *others):
        os.utime(path, (4e9, 4e9))
    tables.write_tables()
    assert page.read_text() == "newer than all that it is made from"
    os.utime(page, ns=(1, 1))
    tables.write_tables()
    assert page.read_text().count("trial-claim</code>") == 1
    os.utime(page, ns=(1, 1))
    results.write_text(json.dumps(RESULTS | {"numbers": {"of": "today"}}))
    tables.write_tables()
    assert page.stat().st_mtime_ns == 1
    results.write_text(json.dumps(RESULTS | {"claims": [CLAIM | {"verdict": "undecided"}]}))
    tables.write_tables()
    assert page.stat().st_mtime_ns != 1 and "undecided;" in page.read_text()


def test_a_study_is_in_the_tables_as_soon_as_its_pages_are_there(house):
    tables.write_tables()
    assert "Few digits" not in (house / "pages" / "details.html").read_text()
    assert (house / "pages" / "studies_table.md").read_text().count("\n") == 2  # a header alone
    kept = house / "results" / "few" / "trial.json"
    kept.write_text(json.dumps(RESULTS))
    page = nbformat.v4.new_notebook(metadata={"book": {"digest": "0"}})
    pages.seal(page, kept)
    pages.write(page, house / "studies" / "few" / "trial.ipynb")
    tables.write_tables()
    assert "studies/few/trial.html" in (house / "pages" / "details.html").read_text()
    row = (house / "pages" / "studies_table.md").read_text().splitlines()[-1]
    assert row == (
        "| Few digits | digits | 40 + 10 | k = 2, 4 | vit: 3 | 5 | 0.3 | {doc}`trial </book/studies/few/trial>` |"
    )
    assert "same verdict" in (house / "pages" / "agreement_table.md").read_text()
    kept.write_text(json.dumps(RESULTS | {"claims": [CLAIM | {"verdict": "contradicted"}]}))
    with pytest.raises(SystemExit, match="results/few/trial.json and its page .* were not made together: restore both"):
        tables.write_tables()


def test_a_faulty_file_of_claims_ends_the_build_and_keeps_the_tables(house):
    tables.write_tables()
    before = (house / "pages" / "details.html").read_text()
    (house / "results" / "book" / "trial.json").unlink()
    with pytest.raises(SystemExit, match="the pages of claims cannot be made: chapter trial has no results"):
        tables.write_tables()
    assert (house / "pages" / "details.html").read_text() == before


def test_pages_from_before_the_gates_say_what_their_networks_have_not_learnt(house):
    folder = house / "results" / "few"
    (folder / "02_populations.json").write_text(json.dumps({"numbers": {"test_accuracy": {"vit": [[0.9], [0.3]]}}}))
    assert rendered.unmet_before_gates("few", "trial") == []
    (folder / "trial.json").write_text(json.dumps({"claims": [{key: CLAIM[key] for key in CLAIM if key != "gate"}]}))
    assert rendered.unmet_before_gates("few", "trial") == ["lowest test accuracy 0.3 < 0.5"]


@pytest.mark.parametrize(
    "put_out, left",
    [
        ("<td>0.56 [-0.75, 1.87]</td><td>supported</td>", "<td>0.56</td><td>not tested</td>"),
        ("<th>estimate [95 % interval]</th><td>+0.067 [+0.005, +1.3e-05]</td>", "<th>estimate</th><td>+0.067</td>"),
        ("per doubling by −0.1 [−0.2, 0.1]: undecided.", "per doubling by −0.1: not tested."),
        (
            "95 % interval above 0; contradicted if it lies below",
            "95 % interval above 0; contradicted if it lies below",
        ),
        ("layers [8, 44]", "layers [8, 44]"),
    ],
)
def test_of_a_page_from_before_the_gates_numbers_are_left_without_verdicts_and_intervals(put_out, left):
    counted = "Blocks (8 claims: 1 supported, 0 contradicted, 7 undecided). It is not decided."
    items = [nodes.list_item("", nodes.paragraph(text=text)) for text in ("Kept.", counted)]
    output = nodes.container("", nodes.raw("", put_out, format="html"), nodes.bullet_list("", *items))
    output["classes"] = ["cell_output"]
    page = nodes.section("", nodes.paragraph(text=put_out), output)
    rendered.only_described(page)
    assert page[0].astext() == put_out and output[0].astext() == left
    assert [item.astext() for item in output[1]] == ["Kept."]
