"""Studies: the table is checked, pages say what they rest on, and what the project keeps of them is whole."""

import ast
import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
from planted_project import IMPORTING, plant

import pages
import studies
import tables
from lib.parameters import read

ROOT = Path(__file__).resolve().parents[1]
EXECUTED = [(name, chapter) for name, study in tables.executed_studies().items() for chapter in study["chapters"]]


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A project of one chapter, `trial`, and one study of it; the table's text is given back to be changed."""
    provenance = {
        "networks": 3,
        "training_hours": 1.5,
        "devices": ["cpu"],
        "machine": "2 cores of a kind",
        "data": {
            "digits": [
                {"train": 40, "test": 10, "train_sha256": "0123456789abcdef99", "test_sha256": "fedcba987654321099"}
            ]
        },
    }
    source = (
        "# %% [markdown]\n# # 7. Trial\n#\n# See {doc}`other` and {doc}`this <trial>`.\n\n"
        '# %% tags=["parameters"]\nstudy = "mine"\ndataset = "digits"\nn_train = 1\n\n'
        f"# %%\nimport json\nfrom pathlib import Path\n{IMPORTING}"
        'place = Path("../results") / study / "trial.json"\nplace.parent.mkdir(parents=True, exist_ok=True)\n'
        f'content = {{"provenance": {provenance!r}, "versions": {{"python": "3"}}, "claims": []}}\n'
        "place.write_text(json.dumps(content))\nprint(n_train, place.parent.name)\n"
    )
    plant(tmp_path, monkeypatch, source)
    table = tmp_path / "book" / "studies.toml"
    table.write_text(
        '[few]\ntitle = "Few digits"\ndataset = "digits"\n\n[few.parameters]\nn_train = 40\n\n'
        "[few.chapters]\ntrial = {}\n"
    )
    monkeypatch.setattr(studies, "ROOT", tmp_path)
    monkeypatch.setattr(studies, "TABLE", table)
    monkeypatch.setattr(studies, "PAGES", tmp_path / "book" / "studies")
    return tmp_path


@pytest.mark.parametrize(
    "old, new, sentence",
    [
        ("n_train = 40", "n_trian = 40", "study few in studies.toml: there is no n_trian; did you mean 'n_train'?"),
        ("trial = {}", "trail = {}", "study few in studies.toml: there is no trail; did you mean 'trial'? known are"),
        ("trial = {}", "trial = {epochs = 3}", "study few, chapter trial in studies.toml: there is no epochs; known"),
        ('title = "Few digits"', 'titel = "Few"', "there is no titel; did you mean 'title'?"),
        ("n_train = 40", "n_train = 4", "study few, chapter trial: n_train for 'digits' must be a whole number from"),
        ('"digits"', '"imagefolder:nowhere"', "study few, chapter trial: data set 'imagefolder:nowhere': there is no"),
    ],
)
def test_a_mistake_in_the_table_is_told_before_anything_is_executed(house, old, new, sentence):
    studies.TABLE.write_text(studies.TABLE.read_text().replace(old, new))
    with pytest.raises(SystemExit, match=re.escape(sentence)):
        studies.run("few", studies.read_table()["few"])
    assert not studies.PAGES.exists() and not (house / "results").exists()


@pytest.mark.parametrize("name", ["cifar1", ""])
def test_an_unknown_study_is_refused_with_those_there_are(monkeypatch, name):
    monkeypatch.setattr(sys, "argv", ["studies.py", name])
    with pytest.raises(SystemExit, match="the studies are cifar10-full, "):
        studies.main()


def test_a_page_of_a_study_says_what_it_rests_on_and_is_kept_until_something_changes(house, capsys):
    study = studies.read_table()["few"]
    studies.run("few", study)
    page = house / "book" / "studies" / "few" / "trial.ipynb"
    title, facts, *rest = nbformat.read(page, 4).cells
    assert title.source.startswith("# 7. Trial: Few digits\n")
    assert "{doc}`/book/chapters/other`" in title.source and "{doc}`this <trial>`" in title.source
    for words in (
        '`study = "few"`',
        "`n_train = 40`",
        "40 for training, 10 for testing",
        "`0123456789abcdef` and `fedcba9876543210`",
        "3, trained in 1.50 hours of one core",
        "on 2 cores of a kind",
        "revision `unknown`",
        "python 3",
    ):
        assert words in facts.source, words
    assert rest[-1].outputs[0].text == "40 few\n"
    assert [path.name for path in page.parent.iterdir()] == [page.name]
    before = page.stat().st_mtime_ns
    studies.run("few", study)
    assert page.stat().st_mtime_ns == before and "few, chapter trial: up to date" in capsys.readouterr().out
    source = house / "notebooks" / "trial.py"
    source.write_text(source.read_text().replace("# See {doc}`other`", "# New words about {doc}`other`"))
    studies.run("few", study)
    merged = nbformat.read(page, 4).cells
    assert "New words about {doc}`/book/chapters/other`" in merged[0].source
    assert merged[0].source.startswith("# 7. Trial: Few digits\n") and merged[1:] == [facts, *rest]
    (house / "lib" / "module.py").write_text("ANSWER = 43\n")
    studies.run("few", study)
    assert page.stat().st_mtime_ns != before


def test_a_part_of_the_data_that_lies_beside_the_checkout_is_read_instead(house):
    study = studies.read_table()["few"] | {"nearby": "imagefolder:part.zip"}
    assert studies.parameters("few", study, "trial")["dataset"] == "digits"
    (house / "part.zip").touch()
    assert studies.parameters("few", study, "trial")["dataset"] == "imagefolder:part.zip"


def test_the_table_of_the_project_names_chapters_and_parameters_that_there_are():
    for name, study in studies.read_table().items():
        for chapter in study["chapters"]:
            given = studies.parameters(name, study, chapter)
            assert given["study"] == name and given.keys() <= studies.parameters_of(chapter).keys()


@pytest.mark.parametrize("name, chapter", EXECUTED)
def test_the_kept_pages_of_a_study_are_complete_and_belong_to_their_results(name, chapter):
    notebook = nbformat.read(studies.PAGES / name / f"{chapter}.ipynb", 4)
    assert pages.incomplete(notebook, ROOT) == [] and notebook.cells[1].id == "provenance"
    found = json.loads((ROOT / "results" / name / f"{chapter}.json").read_text())
    assert pages.intact(notebook, ROOT / "results" / name / f"{chapter}.json")
    assert found["study"] == name and found["chapter"] == chapter


def injected(page):
    """The parameters that papermill gave to an executed chapter."""
    (cell,) = (cell for cell in nbformat.read(page, 4).cells if "injected-parameters" in cell.metadata.get("tags", []))
    return {line.targets[0].id: ast.literal_eval(line.value) for line in ast.parse(cell.source).body}


@pytest.mark.parametrize("name, chapter", EXECUTED)
def test_the_kept_pages_and_results_of_a_study_have_the_parameters_of_the_table(name, chapter):
    study = studies.read_table()[name]
    given = studies.parameters(name, study, chapter)
    recorded = json.loads((ROOT / "results" / name / f"{chapter}.json").read_text())["parameters"]
    assert recorded.keys() <= studies.parameters_of(chapter).keys()
    dataset = recorded.pop("dataset")  # which of the two depended on what lay beside the checkout
    assert dataset in (study["dataset"], study.get("nearby"))
    assert injected(studies.PAGES / name / f"{chapter}.ipynb") == given | {"dataset": dataset}
    del given["dataset"]
    assert vars(read(recorded | given, recorded | given)) == recorded  # as a chapter reads them: seeds by family


def test_every_kept_page_of_a_study_is_in_the_table_of_contents():
    listed = re.findall(r"file:\s*book/studies/(\S+)", (ROOT / "_toc.yml").read_text())
    assert listed == [f"{name}/{chapter}" for name, chapter in EXECUTED]
