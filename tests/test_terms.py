"""Words of the glossary are explained once a page, in running text alone, and lead to their place."""

import re

import pytest

import terms
from chapters import ROOT

HTML = ROOT / "_build" / "html" / "book"
KNOWN = {"mean direction": "where <most> point", "direction": "a unit vector", "FGSM": "one step"}


def explained(body):
    return terms.explained(f"<h1>FGSM</h1><article>{body}</article>", KNOWN, "g.html")


@pytest.mark.parametrize(
    "body, linked",
    [
        ("<p>A mean direction, a mean direction and directions.</p>", ["mean direction", "directions"]),
        ("<li>FGSM</li>", ["FGSM"]),
        ("<h2>FGSM</h2><td>FGSM</td><p><code>FGSM</code><a>FGSM</a><span>\\(FGSM\\)</span></p>", []),
        ("<p>MyFGSMs</p>", []),
    ],
)
def test_a_word_is_explained_once_in_running_text(body, linked):
    made = explained(body)
    assert re.findall(r'<a class="term"[^>]*>([^<]*)</a>', made) == linked
    assert re.sub(r'</?a class="term"[^>]*>|(?<=\w)</a>(?=[ ,.<])', "", made).count("FGSM") == body.count("FGSM") + 1


def test_a_meaning_is_told_as_text():
    assert 'title="where &lt;most&gt; point"' in explained("<p>mean direction</p>")


def test_the_glossary_has_words_without_signs():
    assert len(terms.meanings()) > 30 and not any("$" in word + told for word, told in terms.meanings().items())


@pytest.mark.skipif(not (HTML / "glossary.html").exists(), reason="needs the built pages")
def test_every_word_leads_to_its_place():
    places = set(re.findall(r'id="(term-[^"]*)"', (HTML / "glossary.html").read_text()))
    led = {
        place
        for page in HTML.glob("chapters/*.html")
        for place in re.findall(r"glossary.html#(term-[^\"]*)", page.read_text())
    }
    assert len(led) > 20 and led <= places
