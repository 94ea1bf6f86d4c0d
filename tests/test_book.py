"""The built pages: complete, newer than what they show, and readable without a network."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import chapters
import evidence
from lib.verdicts import HEADLINE

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"

pytestmark = pytest.mark.skipif(not (HTML / "index.html").exists(), reason="needs the built pages")


def test_every_chapter_is_a_page_no_older_than_its_execution():
    for name in chapters.chapter_names():
        page, executed = HTML / "book" / "chapters" / f"{name}.html", chapters.PAGES / f"{name}.ipynb"
        assert page.stat().st_mtime >= executed.stat().st_mtime


def test_every_claim_of_every_study_is_on_a_card_or_among_the_detail_checks_with_a_link_to_its_page():
    rows = {name: (HTML / "book" / f"{name}.html").read_text() for name in ("claims", "cards")}
    details = {
        re.search(r"<code>([^<]+)</code>", row)[1]: row for row in re.findall(r"<tr id=.*?</tr>", rows["claims"], re.S)
    }
    found = evidence.read_all(evidence.executed_studies())
    names = set()
    for _, study, chapter, claim in evidence.columns(found):
        page = f"{study.pages.removeprefix('/book/')}/{chapter}.html"
        assert (HTML / "book" / page).exists()
        shown = rows["cards"] if claim.level == HEADLINE else details[claim.name]
        assert f'href="{page}"' in shown and claim.verdict in shown
        names |= set() if claim.level == HEADLINE else {claim.name}
    assert sorted(details) == sorted(names) and len(names) > 100 and len(found) > 1


def test_links_of_the_table_of_headline_claims_lead_somewhere():
    page = (HTML / "book" / "what_holds.html").read_text()
    cards = (HTML / "book" / "cards.html").read_text()
    targets = re.findall(r'href="cards.html#([^"]+)"', page)
    assert len(targets) > 20 and [name for name in targets if f'id="{name}"' not in cards] == []
    pages = set(re.findall(r'<td [^>]*><a href="([^"]+)"', page))
    assert len(pages) > 5 and [name for name in pages if not (HTML / "book" / name).exists()] == []


def test_tables_of_verdicts_fit_a_telephone_and_can_be_filtered(chromium):
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    for name in ("what_holds", "cards", "claims"):
        page.goto((HTML / "book" / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    table = page.locator(".filtered").first
    rows = table.locator("tr[data-paper]:visible")
    before = rows.count()
    table.locator("[data-filter=verdict]").select_option("contradicted")
    assert 0 < rows.count() < before
    assert rows.count() == table.locator("tr[data-verdict*='contradicted;']").count()


def test_no_page_loads_anything_from_elsewhere():
    class Loads(HTMLParser):
        def handle_starttag(self, tag, attributes):
            attributes = dict(attributes)
            if tag in ("script", "img", "iframe", "source"):
                loaded.append(attributes.get("src"))
            elif tag == "link" and attributes.get("rel") in ("stylesheet", "preload", "icon", "modulepreload"):
                loaded.append(attributes.get("href"))

    loaded = []
    for page in HTML.rglob("*.html"):
        Loads().feed(page.read_text())
    loaded = list(filter(None, loaded))
    assert len(loaded) > 50
    assert [address for address in loaded if re.match(r"(https?:)?//", address)] == []


def test_a_reader_sees_the_heatmaps_and_the_maths_without_a_network_or_an_error(chromium):
    errors, requests = [], []
    page = chromium.new_page()
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto((HTML / "book" / "index.html").as_uri())
    assert page.locator("figure img").first.evaluate("image => image.naturalWidth") > 500
    page.goto((HTML / "book" / "chapters" / "03_individual_similarity.html").as_uri())
    page.wait_for_selector("mjx-container mjx-math", state="attached")
    heatmap = page.locator("img[alt*='heatmap for each family of the expected similarity']")
    assert heatmap.count() == 1
    heatmap.scroll_into_view_if_needed()  # pictures are loaded when they are scrolled to
    assert heatmap.evaluate("image => image.decode().then(() => image.naturalWidth)") > 500
    page.wait_for_function(
        "document.querySelectorAll('.math').length == document.querySelectorAll('.math > mjx-container').length"
    )
    assert page.locator("mjx-merror").count() == 0
    assert "\\(" not in page.locator("article").inner_text()
    assert errors == []
    assert len(requests) > 10 and {address.split(":")[0] for address in requests} <= {"file", "data", "blob"}
