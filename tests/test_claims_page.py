"""The page of claims: each claim once, its words as they are, a column for each study."""

import dataclasses

import pytest
from markdown_it import MarkdownIt

import claims_page
from claims_page import Study
from lib.rules import MARKS
from lib.verdicts import Claim

CLAIM = Claim(
    "rises", "It rises.", "step", 0.1234567, 0.01234, 0.20123, 20, 256, "the interval lies above 0", "supported"
)
DIGITS, CIFAR = Study("Digits", "/book/chapters"), Study("CIFAR-10", "/book/studies/cifar10")
SPACE = "\N{NO-BREAK SPACE}"


def named(name, **changes):
    return dataclasses.replace(CLAIM, name=name, **changes)


def cells(markdown):
    """The rows of all tables as a reader sees them: MyST's dialect, with links made of addresses."""
    tokens = MarkdownIt("gfm-like").parse(markdown)
    rows = []
    for before, token in zip(tokens, tokens[1:]):
        if before.type == "tr_open":
            rows.append([])
        if before.type in ("th_open", "td_open"):
            assert not {child.type for child in token.children} & {"link_open", "em_open", "strong_open", "s_open"}
            rows[-1].append("".join(child.content for child in token.children if child.type != "html_inline"))
    return rows


def test_every_claim_of_every_chapter_is_in_the_overview_once_and_counted():
    first = [named(f"01-{verdict}", verdict=verdict) for verdict in MARKS]
    second = [named(f"02-{i}") for i in range(2)]
    page = cells(claims_page.overview({DIGITS: {"01_one": first, "02_two": second, "03_none": []}}))
    summary, rows = page[1:5], page[6:]
    assert summary == [
        [f"{{doc}}/book/chapters/{name}", f"✔{SPACE}{a}, ✘{SPACE}{b}, ?{SPACE}{c}, ○{SPACE}{d}"]
        for name, a, b, c, d in (("01_one", 1, 1, 1, 1), ("02_two", 2, 0, 0, 0), ("03_none", 0, 0, 0, 0))
    ] + [["all", f"✔{SPACE}3, ✘{SPACE}1, ?{SPACE}1, ○{SPACE}1"]]
    assert [row[:3] for row in rows] == [
        [f"It rises.{claim.name}", "step", "the interval lies above 0"] for claim in first + second
    ]
    assert rows[1][3] == (
        f"{{doc}}✘{SPACE}contradicted </book/chapters/01_one>0.123[0.012,{SPACE}0.201]20 networks, 256 images"
    )
    assert "</book/chapters/02_two>" in rows[4][3]


def test_a_claim_that_several_studies_judge_has_one_row_with_a_cell_each():
    found = {
        DIGITS: {"01_one": [named("a"), named("b")]},
        CIFAR: {
            "01_one": [named("b", verdict="contradicted", estimate=0.5, statistic="another")],
            "02_two": [named("c")],
        },
    }
    page = cells(claims_page.overview(found))
    assert page[1][1:] == [f"✔{SPACE}2, ✘{SPACE}0, ?{SPACE}0, ○{SPACE}0", f"✔{SPACE}0, ✘{SPACE}1, ?{SPACE}0, ○{SPACE}0"]
    assert page[2] == ["{doc}/book/studies/cifar10/02_two", "–", f"✔{SPACE}1, ✘{SPACE}0, ?{SPACE}0"]
    assert page[4] == ["claim", "statistic", "rule", "Digits", "CIFAR-10"]
    only_first, both, only_second = page[5:]
    assert only_first[4] == only_second[3] == "–"
    assert both[:2] == ["It rises.b", "step"] and both[3].startswith(
        f"{{doc}}✔{SPACE}supported </book/chapters/01_one>"
    )
    assert both[4].startswith(f"{{doc}}✘{SPACE}contradicted </book/studies/cifar10/01_one>0.500")


def test_agreement_counts_the_shared_claims_and_lists_those_turned_round():
    verdicts = [
        ("supported", "supported"),
        ("undecided", "undecided"),
        ("supported", "contradicted"),
        ("contradicted", "supported"),
        ("supported", "undecided"),
    ]
    found = {
        DIGITS: {"01_one": [named(str(i), verdict=pair[0]) for i, pair in enumerate(verdicts)]},
        CIFAR: {"01_one": [named(str(i), verdict=pair[1]) for i, pair in enumerate(verdicts)] + [named("alone")]},
    }
    page = cells(claims_page.agreement(found))
    assert page[1] == ["CIFAR-10", "5", "2", "2"]
    assert [row[0] for row in page[3:]] == ["It rises.2", "It rises.3"]
    calm = claims_page.agreement({DIGITS: {"01_one": [CLAIM]}, CIFAR: {"01_one": [CLAIM]}})
    assert "No claim is supported in one study and contradicted in another." in calm


@pytest.mark.parametrize(
    "networks, images, counted", [(20, 256, "20 networks, 256 images"), (20, 0, "20 networks"), (0, 0, "")]
)
def test_what_a_claim_rests_on_is_told_where_it_rests_on_any(networks, images, counted):
    page = cells(claims_page.overview({DIGITS: {"01_one": [named("n", networks=networks, images=images)]}}))
    assert page[-1][3].endswith(f"0.201]{counted}")


def test_a_claim_without_an_interval_has_dashes_and_negative_numbers_a_minus():
    page = cells(claims_page.overview({DIGITS: {"01_one": [named("n", estimate=-0.5, low=None, high=None)]}}))
    assert f"−0.500[–,{SPACE}–]" in page[-1][3]


@pytest.mark.parametrize(
    "text",
    [
        "a | b || c",
        r"\| and \\ and \\|",
        "*a* _b_ **c** ~~d~~",
        "`code` ``| more``",
        "<b>bold</b> &lt; <!-- a -->",
        "[a](b) ![c](d) {doc}`e` {{ f }}",
        "$x$ and $$y$$",
        "www.example.com, mu1.mu2, a@b.org",
        "# 1. - + > k=2",
    ],
)
def test_words_of_a_claim_mean_only_themselves(text):
    page = cells(claims_page.overview({DIGITS: {"01_one": [named("n", statement=text, statistic=text, rule=text)]}}))
    assert page[-1][:3] == [text + "n", text, text] and len(page[-1]) == 4


def test_a_line_break_in_a_claim_does_not_break_its_row():
    page = cells(claims_page.overview({DIGITS: {"01_one": [named("n", rule="one\n\n| two")]}}))
    assert page[-1][2] == "one | two"
