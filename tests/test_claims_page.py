"""The page of detail checks: each claim once, its words as they are, a cell for each data set."""

import dataclasses
import re
from html import unescape

import pytest

import claims_page
import light_forest
from evidence import Study
from lib.rules import MARKS
from lib.verdicts import Claim

CLAIM = Claim(
    "rises", "It rises.", "step", 0.1234567, 0.01234, 0.20123, 20, 256, "the interval lies above 0", "supported"
)
DIGITS = Study("Digits", "/book/chapters", "book", "digits")
CIFAR = Study("CIFAR-10", "/book/studies/cifar10", "cifar10", "cifar10")
SPACE = "\N{NO-BREAK SPACE}"


def named(name, **changes):
    return dataclasses.replace(CLAIM, name=name, **changes)


def rows_of(found):
    """Row of the page -> its text without tags, and its HTML."""
    page = claims_page.details(found, "detail", lambda row: f"history of {row}")
    rows = re.findall(r"<tr id.*?</tr>", page, re.S)
    return [(" ".join(unescape(re.sub(r"<[^>]*>", " ", row)).split()), row) for row in rows]


def test_a_claim_that_several_studies_judge_has_one_row_with_a_cell_each():
    found = {
        DIGITS: {"01_one": [named("a"), named("b"), named("c", level="machinery")]},
        CIFAR: {"01_one": [named("b", verdict="contradicted", estimate=-0.5)]},
    }
    (only, first), (both, second) = rows_of(found)
    assert only.endswith("– ✔ supported 0.12 [0.012, 0.201], 20 networks, 256 images")
    assert "✘ contradicted −0.50 [0.012" in both and "history of b" in both
    assert 'href="chapters/01_one.html"' in first and 'href="studies/cifar10/01_one.html"' in second
    assert 'data-disagree="no"' in first and 'data-disagree="yes"' in second
    assert 'data-verdict="contradicted;supported;"' in second


def test_a_claim_that_is_not_tested_shows_the_number_of_the_gate_that_failed():
    gate = "lowest test accuracy 0.85, 0.5 or more needed; independent networks 4, 6 or more needed"
    ((text, _),) = rows_of({DIGITS: {"01_one": [named("a", verdict="not tested", gate=gate)]}})
    assert text.endswith("○ not tested 4 < 6")


@pytest.mark.parametrize("text", ["<b>bold</b> &lt; <!-- a -->", "\"quoted\" 'a' | b", "one\n\n two {{ f }}"])
def test_words_of_a_claim_mean_only_themselves(text):
    ((shown, _),) = rows_of({DIGITS: {"01_one": [named("n", statement=text, statistic=text, rule=text)]}})
    assert shown.count(" ".join(text.split())) == 3


def test_chapters_are_counted_and_shared_claims_compared():
    verdicts = [("supported", "supported"), ("undecided", "undecided"), ("supported", "contradicted")]
    found = {
        DIGITS: {"01_one": [named(str(i), verdict=pair[0]) for i, pair in enumerate(verdicts)], "02_two": []},
        CIFAR: {"01_one": [named(str(i), verdict=pair[1]) for i, pair in enumerate(verdicts)] + [named("alone")]},
    }
    table = claims_page.by_chapter(found).splitlines()
    assert f"✔{SPACE}2, ✘{SPACE}0, ?{SPACE}1, ○{SPACE}0" in table[2] and table[3].endswith("| – |")
    counts, turned = claims_page.agreement(found).split("\n\n")
    assert counts.splitlines()[2] == r"| CIFAR\-10 | 3 | 2 | 1 |"
    assert turned.count(MARKS["contradicted"]) == 1
    calm = claims_page.agreement({DIGITS: {"01_one": [CLAIM]}, CIFAR: {"01_one": [CLAIM]}})
    assert "No claim is supported on one data set and contradicted on another." in calm


def test_a_light_card_draws_every_interval_to_scale_beside_the_threshold_and_names_the_numbers():
    wide = named("a", low=-1.0, estimate=0.0, high=1.0, thresholds=(0.5,))
    narrow = named("a", low=-0.5, estimate=-0.25, high=0.0, thresholds=(0.5,), verdict="contradicted")
    found = {DIGITS: {"01_one": [wide]}, CIFAR: {"01_one": [narrow, named("b", low=None, estimate=None, high=None)]}}
    drawn = light_forest.light_forest(claims_page.each(found)[0])
    (threshold,) = drawn.thresholds
    left, right = drawn.bars[1].low, drawn.bars[1].high
    ends = [drawn.bars[0].low, drawn.bars[0].estimate, drawn.bars[0].high, threshold]
    assert [bar.column for bar in drawn.bars] == ["CIFAR-10", "Digits"] and drawn.width > right
    assert [(end - left) / (right - left) for end in ends] == pytest.approx([0.25, 0.375, 0.5, 0.75], abs=1e-3)
    (_, page), (_, empty) = rows_of(found)
    assert 'href="../results/cifar10/01_one.json"' in page and 'href="../results/book/01_one.json"' in page
    assert page.count("<circle") == 2 and "<svg" not in empty
