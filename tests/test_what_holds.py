"""The table of headline claims: the worst of several families, Holm's correction, sentences for families, the papers' order."""

import dataclasses
from itertools import combinations

import numpy as np
import pytest

import evidence
import front
import ledger
import report
import what_holds
from evidence import Study
from lib.verdicts import Claim
from what_holds import Cell, Line, Place

CLAIM = Claim("r-a", "It rises.", "step", 0.1, 0.0, 0.2, 20, 256, "rule", "supported", level="headline", row="r-{x}")
DIGITS = Study("Digits", "/book/chapters", "book", "digits")
STUDY, LARGER = (Study(name, f"/book/studies/{name}", name, "cifar10") for name in ("few", "more"))
SURE, WEAK = ("supported", 0.001), ("supported", 0.04)
OPEN, NO, NOT = ("undecided", None), ("contradicted", 0.01), ("not tested", None)


def place(verdict, p, study=DIGITS, **changes):
    return Place(dataclasses.replace(CLAIM, verdict=verdict, p=p, **changes), study, "03_x")


@pytest.mark.parametrize(
    "found, verdict, p",
    [
        ([SURE, WEAK], "supported", 0.04),
        ([SURE, NOT], "supported", 0.001),
        ([SURE, OPEN], "undecided", 1),
        ([SURE, OPEN, NO, NOT], "contradicted", 0.03),
        ([NOT, NOT], "not tested", 1),
        ([("supported", None)], "supported", 1),
    ],
)
def test_a_cell_is_supported_only_if_every_tested_family_is_and_shows_the_worst(found, verdict, p):
    cell = Cell([place(*one) for one in found])
    assert (cell.verdict, cell.p) == (verdict, pytest.approx(p))
    assert cell.shown.claim.verdict == verdict
    assert cell.verdict not in ("supported", "contradicted") or cell.p >= (cell.shown.claim.p or 1)


def test_holm_rejects_what_bonferroni_rejects_in_every_subset_of_the_column():
    """The closed test of Bonferroni's is Holm's procedure."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = rng.uniform(0, 1, 5) ** 4
        lines = [Line(str(i), "", "ours", {"Digits": Cell([place("supported", one)])}) for i, one in enumerate(p)]
        lines.append(Line("gate", "", "ours", {"Digits": Cell([place("not tested", None)])}))
        found = [line.cells["Digits"].holm for line in what_holds.with_holm(lines)]
        subsets = [subset for size in range(1, 6) for subset in combinations(range(5), size)]
        closed = [
            all(min(p[list(subset)]) <= 0.05 / len(subset) for subset in subsets if one in subset) for one in range(5)
        ]
        assert found == [*closed, False]


@pytest.mark.parametrize(
    "statements, sentence",
    [
        (["It rises."], "It rises."),
        (["A of cnn-small: up.", "A of cnn-large: up.", "A of resnet-small: up."], "A of each family: up."),
        (["Two of cnn-small.", "Two of resnet-small."], "Two of cnn-small / resnet-small."),
        (["It grows (a b).", "It grows (c d).", "It grows (e f)."], "It grows …"),
        (["One.", "Of other length."], "One."),
    ],
)
def test_one_sentence_for_the_claims_of_a_row(statements, sentence):
    assert what_holds.together(statements) == sentence


def test_lines_stand_in_the_order_of_papers_and_figures():
    sources = [
        "Great Minds, abstract",
        "Great Minds, abstract; Figs 2, 12",
        "released pictures; Great Minds, Fig. 4",
        "Great Minds, Fig. 18a",
        "Great Minds, Table 1",
        "Wide and Deep, Fig. 1",
        "Wide and Deep, Figs. 7a and F.1",
        "Wide and Deep, Fig. C.1",
        "Wide and Deep, Fig. D.1",
        "Stitching, abstract",
        "ours",
    ]
    places = [what_holds.place_in_papers(source) for source in sources]
    assert places == sorted(places) and places[0] == places[1] and len(set(places)) == len(sources) - 1


def test_the_book_s_own_claims_stand_last_and_neither_count_with_the_papers_nor_correct_them():
    """Two of a paper and eight of the book at an error level that would not stand among ten."""

    def named(name, source):
        return dataclasses.replace(CLAIM, name=name, row=name, source=source, p=0.02)

    papers, own = (
        [named(name, "Great Minds, abstract") for name in "ab"],
        [named(name, "this book") for name in "cdefghij"],
    )
    lines = what_holds.lines({DIGITS: {"03_x": [*own, *papers]}})
    assert what_holds.of_papers(lines) == lines[:2] and what_holds.title_of(lines[2].source) == "This book's own"
    assert [line.cells["Digits"].holm for line in lines] == [True] * 2 + [False] * 8
    assert "| Digits | 2 |" in front.front(lines)


@pytest.mark.parametrize(
    "name, column",
    [("10-width", "authors' networks"), ("21-authors-matrix", "authors' networks"), ("21-x", "CIFAR-10")],
)
def test_claims_about_the_authors_networks_have_their_own_column(name, column):
    claim = dataclasses.replace(CLAIM, name=name)
    assert [found[0] for found in evidence.columns({STUDY: {"21_y": [claim]}})] == [column]


def test_rows_that_say_the_same_are_rows():
    assert {*what_holds.SAME, *what_holds.SAME.values()} <= set(ledger.rules())


def test_claims_of_a_row_make_a_line_and_of_two_studies_the_one_that_tests_counts():
    def named(name, verdict):
        return dataclasses.replace(CLAIM, name=name, verdict=verdict)

    found = {
        DIGITS: {"03_x": [named("r-a", "supported"), named("r-b", "undecided")]},
        LARGER: {"03_x": [named("r-a", "supported")]},
        STUDY: {"03_x": [named("r-a", "not tested"), dataclasses.replace(CLAIM, name="d", row="d", level="detail")]},
    }
    (line,) = what_holds.lines(found)
    assert {column: cell.verdict for column, cell in line.cells.items()} == {
        "CIFAR-10": "supported",
        "Digits": "undecided",
    }
    assert what_holds.totals([line], "Digits")["undecided"] == 1


def test_the_report_has_a_row_a_claim_of_a_paper_and_a_column_a_data_set():
    own = "Great Minds, Fig. 2"
    lines = [
        Line("a", "It | rises.", own, {"Digits": Cell([place(*NO)])}),
        Line("b", "It falls.", own, {"CIFAR-10": Cell([place(*SURE, study=STUDY)])}),
        Line("c", "Ours.", "ours", {"Digits": Cell([place(*SURE)])}),
    ]
    title, _, header, _, *rows = report.report(lines).splitlines()
    assert title == "## Great Minds Think Alike" and header.count("|") == 4
    assert [row.split("|")[-3:-1] for row in rows] == [[" – ", " ✘ 0\\.10 "], [" ✔ 0\\.10 ", " – "]]
