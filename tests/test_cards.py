"""Cards of headline claims: what would turn a verdict, the cases of a row, words that mean only themselves, pictures."""

import dataclasses

import pytest
from markdown_it import MarkdownIt

import cards
import flips
import plain_markdown
import what_holds
from evidence import Study
from lib.verdicts import Claim

CLAIM = Claim(
    "03-growth-vit", "It rises.", "step", 0.2, 0.1, 0.3, 9, 256, "rule", "supported", "ours", "headline",
    "03-growth-{family}", r"\rho > 0", (0.0,), "", 0.01,
)  # fmt: skip


@pytest.mark.parametrize(
    "changes, told",
    [
        ({}, "reached 0.000; from there its nearest end is 0.100 away, 1.0 times half its length. The verdict stays"),
        ({"verdict": "undecided", "estimate": 0.05, "low": -0.1, "high": 0.2}, "3.0 times shorter, as with about 9.0"),
        ({"verdict": "not tested", "gate": "independent networks 4, 6 or more needed"}, "independent networks 4 < 6"),
        ({"verdict": "undecided", "thresholds": (0.05,)}, "asks for more than the interval"),
        ({"low": None, "high": None, "p": None}, "would have to be others"),
    ],
)
def test_what_would_turn_a_verdict(changes, told):
    assert told in flips.flip(dataclasses.replace(CLAIM, **changes))


def test_a_card_has_its_place_its_formula_a_picture_and_the_numbers(tmp_path):
    study = Study("Digits", "/book/chapters", "book", "digits")
    lines = what_holds.lines({study: {"03_x": [CLAIM, dataclasses.replace(CLAIM, name="03-growth-mlp")]}})
    page = cards.cards(lines, "history of {}".format)
    assert "(card-03-growth-family)=" in page and "\\rho > 0" in page and "history of 03-growth-{family}" in page
    assert "results/book/03_x.json" in page and "<small>vit</small>" in page and "<small>mlp</small>" in page
    cards.draw_forests(lines, tmp_path)
    picture = (tmp_path / "03-growth-family.svg").read_text()
    assert "Digits: vit" in picture and "Digits: mlp" in picture
    cards.draw_forests(lines, tmp_path)
    assert (tmp_path / "03-growth-family.svg").read_text() == picture


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
        "one\n\n| two",
    ],
)
def test_words_in_markdown_mean_only_themselves(text):
    tokens = MarkdownIt("gfm-like").parse(plain_markdown.pipe_table(["h"], [[plain_markdown.escaped(text)]]))
    cell = next(tokens[at + 1] for at, token in enumerate(tokens) if token.type == "td_open")
    assert "".join(child.content for child in cell.children) == " ".join(text.split())
