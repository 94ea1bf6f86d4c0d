"""The salience explorer: its small numbers keep every cosine, and a browser shows the library's."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import explorer
import explorer_numbers
from lib import data, similarity

HTML = Path(__file__).resolve().parents[1] / "_build" / "html"


def scaled(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


@pytest.mark.parametrize("shared", [0.0, 1.0, 10.0])
def test_rounding_moves_no_cosine_by_more_than_it_may(shared):
    rng = np.random.default_rng(0)
    u, v = (scaled(rng.standard_t(5, (2000, 64)) + shared * rng.standard_normal(64)) for _ in range(2))
    kept = [scaled(explorer_numbers.rounded(rows).astype(float)) for rows in (u, v)]
    assert np.abs(np.sum(kept[0] * kept[1], -1) - np.sum(u * v, -1)).max() < 0.006


def test_chance_is_of_different_networks_alone():
    u = scaled(np.random.default_rng(0).standard_normal((4, 300, 64)))
    assert explorer_numbers.chance(u, u) == pytest.approx([-1.96 / 8, 1.96 / 8], abs=0.02)
    assert explorer_numbers.chance(u, u.copy())[1] == pytest.approx(1)


def test_images_of_every_class_in_turn_and_pictures_that_lose_nothing():
    images = data.load("digits", n_test=60)
    places = explorer_numbers.first_of_each(images.test_labels.numpy(), 2)
    assert images.test_labels[places].tolist() == [label for label in range(10) for _ in range(2)]
    few = explorer_numbers.part(images, places)
    address = explorer_numbers.beneath_each_other(few)
    column = np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("L"))
    expected = np.round(255 * few.pixel_values(few.test_images)).squeeze(-1)
    np.testing.assert_array_equal(column.reshape(20, 8, 8), expected)


@pytest.mark.parametrize("path", sorted(explorer.EXPORTED.glob("*.js")), ids=lambda path: path.stem)
def test_exported_data_are_whole_and_small(path):
    kept = json.loads(path.read_text().partition(" = ")[2])
    numbers = np.frombuffer(base64.b64decode(kept["directions"]), np.int8)
    populations, images = len(kept["populations"]), len(kept["images"])
    rows = numbers.reshape(populations, kept["networks"], images, kept["dims"]).astype(int)
    assert np.abs(rows).max(-1).min() == explorer_numbers.LARGEST and kept["credit"]
    assert np.shape(kept["chance"]) == (populations, populations, 2)
    assert path.stat().st_size < 1.5e6


@pytest.mark.skipif(not (HTML / "book" / "explorer.html").exists(), reason="needs the built pages")
def test_the_browser_shows_the_cosine_of_the_library_and_the_address_holds_the_choice(chromium):
    parameters = json.loads(explorer.results(explorer.CHAPTER, {"study": "book"}).read_text())["parameters"]
    _, trained, _ = explorer_numbers.read(parameters, explorer.A_CLASS)
    directions, others = list(trained.values()), [path.stem for path in explorer.EXPORTED.glob("*.js")]
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    address, choices = (HTML / "book" / "explorer.html").as_uri(), np.random.default_rng(0)
    for _ in range(20):
        x, a, b = choices.integers([directions[0].shape[1], len(trained), len(trained)])
        page.goto(f"{address}#image={x}&a={a}&i=0&b={b}&j=1")
        page.locator("form.explorer").wait_for()
        u, v = directions[a][0, x], directions[b][1, x]
        said = page.locator("output[name=said]").inner_text()
        assert float(re.search(r"cosine is (-?[\d.]+\d)", said)[1]) == pytest.approx(
            similarity.individual(u[None], v[None]), abs=0.006
        )
    for name in others:
        page.locator("select[name=data]").select_option(name)
        page.wait_for_function("name => location.hash.includes(`data=${name}&`)", arg=name)
    page.locator("button[name=random]").focus()
    page.keyboard.press("Enter")
    sent, said = page.url, page.locator("output[name=said]").inner_text()
    page.goto("about:blank")
    page.goto(sent)
    page.locator("form.explorer").wait_for()
    assert page.locator("output[name=said]").inner_text() == said
    assert page.evaluate("document.documentElement.scrollWidth") == 390
