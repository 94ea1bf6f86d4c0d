"""Launch buttons and cards appear with the addresses in CITATION.cff, and not before."""

from urllib.parse import unquote

import pytest

import address
from chapters import ROOT, chapter_names

CHAPTER = "book/chapters/03_individual_similarity"


def test_there_is_no_button_without_an_address_or_a_notebook():
    assert address.launches(CHAPTER, None) == [] and address.launches("book/glossary", "https://github.com/a/b") == []


@pytest.mark.parametrize(
    "repository, names", [("https://github.com/a/b", ["Binder", "Colab"]), ("https://forge.org/a/b", ["Binder"])]
)
def test_buttons_lead_to_the_committed_notebook(repository, names):
    buttons = address.launches(CHAPTER, repository)
    assert [button["text"] for button in buttons] == names
    assert all(button["url"].endswith("notebooks/03_individual_similarity.ipynb") for button in buttons)
    assert all("a/b" in unquote(button["url"]) for button in buttons)


def test_every_chapter_and_every_page_of_a_study_has_a_notebook():
    studies = [str(path.relative_to(ROOT).with_suffix("")) for path in ROOT.glob("book/studies/*/*.ipynb")]
    for page in [*(f"book/chapters/{name}" for name in chapter_names()), *studies]:
        assert (ROOT / address.notebook_of(page)).exists()


def test_a_card_has_a_picture_where_the_pages_are_known_and_its_words_are_text():
    assert "og:image" not in address.card("T", "d", "book/index", None)
    made = address.card('"T"', "<d>", "book/index", "https://a.org/b/")
    assert 'content="https://a.org/b/book/index.html"' in made and "&lt;d&gt;" in made and "&quot;T&quot;" in made
