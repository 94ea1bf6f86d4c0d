"""The book on paper: one page of all pages, whose links stay inside and whose files are found."""

import re

import pytest

import printed
from chapters import chapter_names

NAMES = ["book/index", "book/chapters/a"]
PAGE = (
    '<html><head><link href="../_static/x.css"/></head><article class="bd-article">'
    '<h1 id="top">A</h1>{}<script>alert()</script></article></html>'
)


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setattr(printed, "HTML", tmp_path)
    links = '<details><div class="highlight-json">{"p": 1}</div></details><a href="chapters/a.html#top"></a><a href="#top"></a><a href="api/x.html"></a><a href="https://a.org"></a>'
    for name, body in zip(NAMES, (links, '<details><img src="../../_images/a.webp" loading="lazy"/></details>')):
        (tmp_path / f"{name}.html").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.html").write_text(PAGE.format(body))
    return printed.whole(NAMES)


def test_links_lead_to_printed_pages_or_nowhere(made):
    inside = re.findall(r'href="#([^"]*)"', made)
    assert inside == ["book-chapters-a--top", "book-index--top"] and all(f'id="{place}"' in made for place in inside)
    assert 'href="https://a.org"' in made and "api/x" not in made


def test_numbers_for_machines_are_not_printed(made):
    assert '"p"' not in made and made.count("<details open>") == 1


def test_what_is_loaded_is_found_and_nothing_is_folded_or_run(made):
    assert 'href="../html/_static/x.css"' in made and 'src="../html/_images/a.webp"' in made
    assert "<details open>" in made and "lazy" not in made and "alert" not in made


def test_every_chapter_is_printed_in_the_order_of_the_book():
    names = printed.pages()
    assert names[0] == "book/index" and not any("/api/" in name for name in names)
    assert [name for name in names if name.startswith("book/chapters/")] == [
        f"book/chapters/{one}" for one in chapter_names()
    ]
