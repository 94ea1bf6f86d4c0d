"""NeuroLibre's layout: content/ has the chapters of the book, paper.md cites what paper.bib has."""

import re

import yaml

import chapters

CONTENT = chapters.ROOT / "content"
PAPER = (chapters.ROOT / "paper.md").read_text()


def test_its_chapters_are_those_of_the_book_that_need_no_data_from_elsewhere_in_the_same_order():
    contents = yaml.safe_load((CONTENT / "_toc.yml").read_text())
    files = [contents["root"], *(one["file"] for part in contents["parts"] for one in part["chapters"])]
    needless = [name for name in chapters.chapter_names() if name not in chapters.NEEDS]
    assert files == [*(f"notebooks/{name}" for name in needless), "references"]
    assert all((CONTENT / f"{name}.ipynb").exists() for name in files[:-1]) and (CONTENT / "references.md").exists()


def test_its_paper_has_what_the_journal_asks_for_and_cites_what_is_listed():
    _, head, text = PAPER.split("---\n", 2)
    assert {"title", "tags", "authors", "affiliations", "date", "bibliography"} <= yaml.safe_load(head).keys()
    listed = set(re.findall(r"^@\w+\{(\w+),", (chapters.ROOT / "paper.bib").read_text(), re.M))
    cited = set(re.findall(r"@(\w+)", text))
    assert cited and cited <= listed
