"""The table of everything holds what the claims say of the papers, and leads to chapters that exist."""

import re

import pytest

import chapters
import everything
import evidence
from lib import results

FIGURE = re.compile(r"(?:Figs?\.?|Table|and|,) ((?:[A-F]\.)?\d+)")


def named(text: str) -> set[str]:
    """'Figs. 7a, 7b and F.1' -> {'7', 'F.1'}; of 'Figs 13 to 15' all three."""
    spans = re.findall(r"(\d+) to (\d+)", text)
    return {*FIGURE.findall(text)} | {str(number) for low, high in spans for number in range(int(low), int(high) + 1)}


@pytest.mark.parametrize("paper", everything.papers(), ids=lambda paper: paper["short"])
def test_every_figure_that_a_claim_names_stands_in_the_table_with_its_chapter(paper):
    found = results.read(chapters.ROOT / "results" / "digits", chapters.chapter_names())
    for chapter, claims in found.items():
        for claim in claims:
            own = [part for part in claim.source.split(";") if paper["short"] in part and "ours" not in part]
            for figure in named(" ".join(own)):
                places = [item.get("chapters", ()) for item in paper["item"] if figure in named(item["name"])]
                assert any(chapter in place for place in places), (claim.name, figure)


def test_its_chapters_exist_and_whatever_is_absent_has_a_reason():
    for paper in everything.papers():
        for item in paper["item"]:
            assert ("absent" in item) != ("chapters" in item), item
            assert {*item.get("chapters", ())} <= {*chapters.chapter_names()}, item


def test_names_are_found():
    assert named("Figs. 7a, 7b and F.1") == {"7", "F.1"} and named("Fig. 25; released pictures") == {"25"}
    assert named("Figs 3, 5, 13 to 15") == {"3", "5", "13", "14", "15"} and named("section 6; Table B.1") == {"B.1"}


@pytest.mark.skipif(not (chapters.ROOT / "results" / "book").exists(), reason="needs the results of this machine")
def test_each_execution_is_told_with_its_scale():
    studies = evidence.executed_studies()
    table = everything.everything(studies)
    shown = {chapter for paper in everything.papers() for item in paper["item"] for chapter in item.get("chapters", ())}
    for name, study in studies.items():
        for chapter in shown & {*study["chapters"]}:
            assert f"</book/studies/{name}/{chapter}>`" in table
    assert re.search(r"\(\d+ networks, [\d,]+ training images, \d+ epochs\)", table)
