"""The salience explorer: its small numbers keep every cosine, and a browser shows the library's."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from skips import browser

import explorer
from lib import similarity

HTML = Path(__file__).resolve().parents[1] / "_build" / "html"
BROWSER = browser()


def scaled(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


@pytest.mark.parametrize("shared", [0.0, 1.0, 10.0])
def test_rounding_moves_no_cosine_by_more_than_it_may(shared):
    rng = np.random.default_rng(0)
    u, v = (scaled(rng.standard_t(5, (2000, 64)) + shared * rng.standard_normal(64)) for _ in range(2))
    kept = [scaled(explorer.rounded(rows).astype(float)) for rows in (u, v)]
    assert np.abs(np.sum(kept[0] * kept[1], -1) - np.sum(u * v, -1)).max() < 0.006


def test_chance_is_of_different_networks_alone():
    u = scaled(np.random.default_rng(0).standard_normal((4, 300, 64)))
    images = np.arange(300)
    assert explorer.chance(u, u, images) == pytest.approx([-1.96 / 8, 1.96 / 8], abs=0.02)
    assert explorer.chance(u, u.copy(), images)[1] == pytest.approx(1)


@pytest.mark.skipif(not (HTML / "book" / "explorer.html").exists(), reason="needs the built pages")
@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_the_browser_shows_the_cosine_of_the_library_and_the_address_holds_the_choice():
    from playwright.sync_api import sync_playwright

    content = re.search(r'id="salience">(.*?)</script>', (HTML / "book" / "explorer.html").read_text(), re.S)[1]
    parameters = json.loads(explorer.results("03_individual_similarity", {"study": "book"}).read_text())["parameters"]
    shown, (_, trained, _) = json.loads(content), explorer.read(parameters)
    places = [image["place"] for image in shown["images"]]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800})
        address, choices = (HTML / "book" / "explorer.html").as_uri(), np.random.default_rng(0)
        for _ in range(20):
            x, a, b = choices.integers([len(places), len(trained), len(trained)])
            page.goto(f"{address}#image={x}&a={a}&i=0&b={b}&j=1")
            u, v = (trained[tuple(shown["populations"][at])][network, places[x]] for at, network in ((a, 0), (b, 1)))
            said = page.locator("output[name=said]").inner_text()
            assert float(re.search(r"cosine is (-?[\d.]+\d)", said)[1]) == pytest.approx(
                similarity.individual(u[None], v[None]), abs=0.006
            )
        page.locator("button[name=random]").focus()
        page.keyboard.press("Enter")
        sent, said = page.url, page.locator("output[name=said]").inner_text()
        page.goto("about:blank")
        page.goto(sent)
        assert page.locator("output[name=said]").inner_text() == said
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        browser.close()
