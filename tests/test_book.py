"""The built pages: complete, newer than what they show, and readable without a network."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from skips import browser

import chapters
import tables

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
BROWSER = browser()

pytestmark = pytest.mark.skipif(not (HTML / "index.html").exists(), reason="needs the built pages")


def test_every_chapter_is_a_page_no_older_than_its_execution():
    for name in chapters.chapter_names():
        page, executed = HTML / "book" / "chapters" / f"{name}.html", chapters.PAGES / f"{name}.ipynb"
        assert page.stat().st_mtime >= executed.stat().st_mtime


def test_every_claim_of_every_study_is_on_the_page_of_claims_in_one_row_with_a_link_to_each_of_its_pages():
    page = (HTML / "book" / "claims.html").read_text()
    rows = re.findall(r"<tr.*?</tr>", page, re.S)
    shown = {re.search(r"<code[^>]*>([^<]+)</code>", row)[1]: row for row in rows if "<code" in row}
    folders = {"book": ("chapters", chapters.chapter_names())} | {
        name: (f"studies/{name}", study["chapters"]) for name, study in tables.executed_studies().items()
    }
    names = set()
    for folder, (pages, executed) in folders.items():
        for chapter in executed:
            assert (HTML / "book" / pages / f"{chapter}.html").exists()
            for claim in json.loads((ROOT / "results" / folder / f"{chapter}.json").read_text())["claims"]:
                row = shown[claim["name"]]
                text = unescape(row).replace("’", "'")  # Sphinx sets a typographer's apostrophe
                link = re.search(f'href="{pages}/{chapter}.html".*?</a>', row, re.S)
                assert claim["verdict"] in link[0]
                assert claim["name"] in names or text.count(claim["statement"]) == 1
                names.add(claim["name"])
    assert sorted(shown) == sorted(names) and len(names) > 20 and len(folders) > 1


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


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_a_reader_sees_the_heatmaps_and_the_maths_without_a_network_or_an_error():
    from playwright.sync_api import sync_playwright

    errors, requests = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        )
        page = browser.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto((HTML / "book" / "index.html").as_uri())
        assert page.locator("figure img").evaluate("image => image.naturalWidth") > 500
        page.goto((HTML / "book" / "chapters" / "03_individual_similarity.html").as_uri())
        page.wait_for_selector("mjx-container mjx-math", state="attached")
        heatmap = page.locator("img[alt*='heatmap for each family of the expected similarity']")
        assert heatmap.count() == 1 and heatmap.evaluate("image => image.naturalWidth") > 500
        page.wait_for_function(
            "document.querySelectorAll('.math').length == document.querySelectorAll('.math > mjx-container').length"
        )
        assert page.locator("mjx-merror").count() == 0
        assert "\\(" not in page.locator("article").inner_text()
        browser.close()
    assert errors == []
    assert len(requests) > 10 and {address.split(":")[0] for address in requests} <= {"file", "data", "blob"}
