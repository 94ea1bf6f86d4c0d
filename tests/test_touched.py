"""Figures with numbers of the book's own, and what a reader who touches them gets: the numbers of results/ and no others."""

import csv
import io
import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

import figure_tables
import figure_words
import numbered
import touched
from chapters import NOTEBOOKS, ROOT
from lib.cka import kept_maps
from lib.cka.blocks import Block

HTML = ROOT / "_build" / "html" / "book"
CAPTION = "<p><strong>The paper’s Fig. 12, row of this data set.</strong> n = 3.</p>"
PICTURE = '<a class="enlarge" href="a.webp"><img alt="A" src="a.webp" /></a>'


def results(chapter):
    return json.loads((ROOT / "results" / "digits" / f"{chapter}.json").read_text())


@pytest.mark.parametrize("chapter, begin", touched.FIGURES)
def test_every_table_belongs_to_a_caption_and_holds_numbers_of_the_results(chapter, begin):
    displayed = [
        "".join(output["data"]["text/markdown"]).lstrip("*")
        for cell in nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", 4).cells
        for output in cell.get("outputs", [])
        if "text/markdown" in output.get("data", {})
    ]
    (caption,) = (caption for caption in displayed if caption.startswith(begin))
    table = touched.behind(chapter, caption, results(chapter))
    rows = figure_words.rows_of(table)
    assert {len(row) for row in rows} == {len(table["columns"])}
    roles = {table[role] for role in ("panel", "x", "y", "value", "by") if role in table}
    assert roles <= {*table["columns"]} and table["n"]
    places = [tuple(map(str, row[:3])) for row in rows]
    assert table["kind"] != "map" or len(set(places)) == len(places)


def test_a_map_keeps_each_number_in_its_place():
    found = results("03_individual_similarity")
    table = touched.behind("03_individual_similarity", "The paper's Fig. 12", found)
    values = {(row[0], row[1], row[2]): row[3:] for row in table["rows"]}
    widths = found["parameters"]["widths"]["resnet-large"]
    for row, k2 in enumerate(widths):
        for column, k1 in enumerate(widths):
            ends = [found["numbers"]["expected"]["resnet-large"][end][row][column] for end in figure_tables.ENDS]
            assert values["resnet-large", k2, k1] == pytest.approx(ends, abs=1e-4)


def test_a_map_of_layers_keeps_its_numbers_its_titles_and_its_frame():
    cka = np.random.default_rng(0).random((4, 5))
    table = figure_tables.layers({"a": kept_maps.kept(cka, Block(1, 4, 5)), "b": kept_maps.kept(cka.T, Block(0, 0, 4))})
    rows = {tuple(row[:3]): row[3] for row in figure_words.rows_of(table)}
    assert rows["a", 1, 4] == rows["b", 4, 1] == pytest.approx(cka[1, 4], abs=5e-4) and len(rows) == 40
    assert table["blocks"] == {"a": [1, 4], "b": None}


def test_maps_of_every_two_networks_are_kept_once():
    maps = np.random.default_rng(0).random((3, 3, 2, 2))
    found = kept_maps.kept_pairs(maps, (Block(0, 0, 2),) * 3, most=2)
    assert [*found] == ["network 0", "networks 0 and 1", "network 1"]
    np.testing.assert_allclose(found["networks 0 and 1"]["cka"], maps[0, 1], atol=5e-4)


@pytest.mark.parametrize(
    "table, said",
    [
        (figure_tables.maps({"a": [[1, 2], [3, 4]]}, lambda _: [8, 16]), "a: from 1 (k2 8, k1 8) to 4 (k2 16, k1 16)"),
        (
            figure_tables.maps({"a": [[float("nan"), 2]]}, lambda _: ["x"], lambda _: [1, 2]),
            "a: from 2 (k2 x, k1 2) to 2",
        ),
        (
            figure_tables.maps({name: [[1]] for name in "abcdefghi"}, lambda _: [8]),
            "9 panels: from 1 (k2 8, k1 8) to 1",
        ),
        (
            figure_tables.over_width(
                {"a": {"estimate": [0.5, 0.25], "low": [0, 0], "high": [1, 1]}}, lambda _: [4, 32], "R"
            ),
            "a: from 0.5 (k 4) to 0.25 (k 32)",
        ),
        (figure_tables.maps({"a": [[float("nan")]]}, lambda _: [8]), ""),
    ],
)
def test_the_words_of_a_picture_say_where_its_numbers_are_lowest_and_highest(table, said):
    told = figure_words.words(table)
    assert told.startswith(said) and bool(said) == bool(told)


def test_results_of_an_earlier_revision_have_no_table():
    old = {"numbers": {"images": 3}, "parameters": {"widths": [1], "families": ["a"]}, "study": "old"}
    assert touched.behind("03_individual_similarity", "The paper's Fig. 12", old) is None


@pytest.mark.parametrize(
    "chapter, caption, said",
    [
        (
            "03_individual_similarity",
            "<strong>The paper’s Fig. 12, row of this data set.</strong> n",
            "Fig. 12 of <cite>Great Minds",
        ),
        (
            "15_predictions",
            "<strong>The paper’s Figs. 7a, 7b and F.1.</strong> n",
            "Figs. 7a, 7b and F.1 of <cite>Do Wide and",
        ),
        (
            "03_individual_similarity",
            "<strong>The paper’s Table 1 as a picture.</strong> n",
            "Table 1 of <cite>Great Minds",
        ),
        ("01_introduction", "<strong>Not in the paper.</strong> The families of Fig. 1", ""),
        ("own_models", "<strong>Fig. 3</strong>", ""),
    ],
)
def test_a_caption_says_which_figure_of_which_paper_it_is(chapter, caption, said):
    own = numbered.origin(chapter, caption)
    assert said in own and bool(said) == bool(own)


def test_figures_are_counted_in_their_order_and_nothing_else_is():
    page = f"<body>{PICTURE}{CAPTION}{PICTURE}{PICTURE}\n{CAPTION}</body>"
    made = numbered.numbered(page, "A1_open_choices", "CIFAR-10")
    assert re.findall(r'id="(figure[^"]*)"', made) == ["figure-A1-1", "figure-A1-2"]
    assert "Figure A1.2, CIFAR-10</a>" in made and made.count(PICTURE) == 3


@pytest.mark.parametrize(
    "alt, said, turned", [("A", "lines", True), ("A", "<em>Black:</em> chance", False), ("darker", "", False)]
)
def test_a_picture_whose_words_name_black_or_white_is_not_turned_over_in_the_dark(alt, said, turned):
    picture = f'<a class="enlarge" href="a.webp" data-curves><img alt="{alt}" src="a.webp" /></a>'
    page = f"{picture}<p><strong>Curves.</strong> {said}</p>"
    assert ("data-curves" in numbered.numbered(page, "01_introduction")) == turned


@pytest.mark.skipif(not (HTML / "index.html").exists(), reason="needs the built pages")
def test_a_reader_touches_a_figure_and_takes_its_numbers_along(chromium):
    found = json.loads((ROOT / "results" / "book" / "03_individual_similarity.json").read_text())
    context = chromium.new_context(viewport={"width": 390, "height": 800})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(Path(request.url).name))
    page.goto((HTML / "chapters" / "03_individual_similarity.html").as_uri() + "#figure-3-3")
    figure = page.locator("#figure-3-3")
    assert "plotly-cartesian.min.js" not in asked
    figure.get_by_role("button", name="Explore").click()
    figure.locator(".heatmaplayer image").first.wait_for(state="attached")
    assert "plotly-cartesian.min.js" in asked and page.evaluate("document.documentElement.scrollWidth") == 390
    figure.locator(".nsewdrag").first.hover()
    said = figure.locator(".hoverlayer .hovertext").first
    assert all(f"{name}: " in said.text_content() for name in ("estimate", "low", "high"))
    figure.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(page.evaluate("navigator.clipboard.readText()"))))
    wide = [row for row in rows if row["family"] == "cnn-small"][-1]
    assert float(wide["low"]) == pytest.approx(found["numbers"]["expected"]["cnn-small"]["low"][-1][-1], abs=1e-4)
    figure.get_by_role("button", name="command").click()
    assert "papermill notebooks/03_individual_similarity.ipynb" in page.evaluate("navigator.clipboard.readText()")
    figure.get_by_role("button", name="Explore").click()
    assert figure.locator(".chart").count() == 0
