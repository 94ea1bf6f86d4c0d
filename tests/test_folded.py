"""Pages of studies as differences: what differs stands first, what the digits' page has too is folded, nothing is lost."""

from pathlib import Path

import pytest
from docutils import nodes

import differences
import folded
from evidence import Study
from lib.verdicts import Claim

HTML = Path(__file__).resolve().parents[1] / "_build" / "html" / "book"
DIGITS, CIFAR = (Study(name, f"/book/{name}", name, name) for name in ("digits", "cifar10"))


def claim(name, verdict, gate=""):
    numbers = (0.5, 0.4, 0.6) if verdict != "not tested" else (None, None, None)
    return Claim(name, f"{name} holds.", "a number", *numbers, 6, 10, "above 0", verdict, gate=gate)


@pytest.fixture
def found(monkeypatch):
    monkeypatch.setattr(differences, "parameters", lambda study, chapter: {"epochs": len(study.data), "grid": 8})
    missed = "lowest test accuracy 0.2, 0.5 or more needed"
    own = [
        claim("a", "supported"),
        claim("b", "not tested", missed),
        claim("c", "undecided"),
        claim("d", "contradicted"),
    ]
    digits = [claim("a", "supported"), claim("b", "supported"), claim("c", "supported"), claim("d", "supported")]
    return {DIGITS: {"one": digits}, CIFAR: {"one": [*own, claim("e", "supported")], "two": own}}


def test_verdicts_that_are_turned_round_stand_first_and_those_that_nothing_tested_last(found):
    (chapters,) = differences.differences(found).values()
    (html,) = chapters.values()  # the digits have no chapter two
    assert [html.index(f"{name} holds.") for name in "dcba"] == sorted(html.index(f"{name} holds.") for name in "abcd")
    assert "of the 4 claims that both judge 3 have another verdict; 1 more are judged here alone" in html
    assert "CIFAR-10: lowest test accuracy 0.2 &lt; 0.5. Digits: all passed." in html
    assert "<code>epochs</code>" in html and "<code>grid</code>" not in html


@pytest.mark.parametrize(
    "own, digits, told",
    [
        ({"n": None, "study": "a"}, {"n": 3, "study": "b"}, {"n": ("all", "3")}),
        ({"w": {"cnn": [2, 4]}}, {"w": [2, 4]}, {"w": ("cnn: 2, 4", "2, 4")}),
        ({"w": [2], "e": 1}, {"w": [2]}, {"e": ("1", "–")}),
    ],
)
def test_parameters_are_told_where_they_differ(own, digits, told):
    assert differences.changed(own, digits) == told


def cell(code, shown=""):
    parts = [nodes.container("", nodes.literal_block(text=code), nb_element="cell_code_source")]
    parts += [nodes.container("", nodes.literal_block(text=shown), nb_element="cell_code_output")] if shown else []
    return nodes.container("", *parts, nb_element="cell_code", hide_mode="input")


def test_a_section_keeps_everything_in_its_order_and_shows_what_the_digits_do_not_have():
    section = [
        nodes.title(text="Title"),
        nodes.paragraph(text="the same"),
        cell("alone()"),
        cell("same()", "equal"),
        cell("number()", "0.3"),
        nodes.paragraph(text="another"),
        nodes.section("", nodes.title(text="deeper")),
    ]
    known = {folded.content(one) for one in section[:4]}
    told, open_ = [], True
    for part in folded.folded(section, known, introduction=False):
        if isinstance(part, nodes.raw):
            open_ = part.astext() == "</details>"
        else:
            told.append((part.astext(), open_))
    shown, hidden = ([text for text, is_open in told if is_open == kind] for kind in (True, False))
    assert shown == ["Title", "0.3", "another", "deeper"]
    assert hidden == ["the same", "alone()", "same()\n\nequal", "number()"]


def test_of_the_introduction_title_and_question_stay_and_what_the_page_rests_on_has_a_fold_of_its_own():
    texts = ["Title", "Question", "what the paper says", "an answer", folded.RESTS_ON, "a table", "new"]
    parts = folded.folded([nodes.paragraph(text=text) for text in texts], set(), introduction=True)
    summaries = [part.astext() for part in parts if isinstance(part, nodes.raw) and "summary" in part.astext()]
    assert [folded.ANSWER in summaries[0], folded.RESTS_ON in summaries[1], len(summaries)] == [True, True, 2]
    assert [part.astext() for part in parts if not isinstance(part, nodes.raw)] == texts
    assert [part.astext() for part in parts[:2]] == texts[:2] and parts[-1].astext() == "new"


def figure(anchor, words, picture):
    link = f'<a class="enlarge" href="{picture}"><img src="{picture}" /></a>'
    number = f'<a class="number" href="#{anchor}">Figure</a>'
    return f'<figure class="numbered" id="{anchor}">{link}<figcaption>{number} <strong>{words}</strong> n</figcaption></figure>'


def test_figures_stand_beside_those_that_begin_alike_in_their_order():
    digits = figure("f-1", "A", "../../_images/a.webp") + figure("f-2", "B", "../../_images/b.webp")
    page = figure("f-1", "B", "../../../_images/c.webp") + figure("f-2", "C", "../../../_images/d.webp")
    made = folded.beside(page, digits, "../../chapters/x.html")
    first, second = made.split("</div>")
    assert first.count("<figure") == 2 and "../../../_images/b.webp" in first and "a.webp" not in made
    assert 'href="../../chapters/x.html#f-2">Figure, digits</a>' in first and made.count('id="f-1"') == 1
    assert second == figure("f-2", "C", "../../../_images/d.webp")


@pytest.mark.skipif(not (HTML / "index.html").exists(), reason="needs the built pages")
def test_a_study_s_page_repeats_no_prose_of_the_digits_and_shows_figures_beside_each_other(chromium):
    name = "03_individual_similarity"
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.goto((HTML / "chapters" / f"{name}.html").as_uri())
    digits = {text for text in page.locator("article section section > p").all_inner_texts() if len(text) > 80}
    page.goto((HTML / "studies" / "cifar10-50k" / f"{name}.html").as_uri())
    seen = set(page.locator("article section section p:visible").all_inner_texts())
    assert len(digits) > 10 and not digits & seen
    pairs = page.locator(".beside")
    assert pairs.count() > 5
    left, right = (pairs.first.locator("figure").nth(at).bounding_box() for at in (0, 1))
    assert left["y"] == pytest.approx(right["y"], abs=40) and right["x"] > left["x"] + left["width"]
    fold = page.locator("details.as-digits").last
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    assert fold.locator("p, pre").first.is_visible()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
