"""Laws of the built pages for readers on a slow line, a telephone, a keyboard and paper; the steps that make them so."""

import gzip
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import numpy as np
import pytest
from PIL import Image

import lean
import reading

HTML = Path(__file__).resolve().parents[1] / "_build" / "html"
QUICK = (
    "index",
    "what_holds",
    "cards",
    "claims",
    "explorer",
    "rule_bench",
    "chapters/01_introduction",
    "chapters/03_individual_similarity",
    "chapters/own_models",
    "studies/cifar10-50k/03_individual_similarity",
    "api/training",
)
EVERY = re.findall(r"(?:file|root): book/(\S+)", (HTML.parents[1] / "_toc.yml").read_text())
PAGES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in EVERY]
TEXT = {".html", ".css", ".js", ".svg"}  # what servers compress

built = pytest.mark.skipif(not (HTML / "index.html").exists(), reason="needs the built pages")


def opened(browser, name, width=390):
    """(page with its mathematics set, the files that it asked for)."""
    page, asked = browser.new_page(viewport={"width": width, "height": 800}), set()
    page.on("request", lambda request: asked.add(request.url))
    page.goto((HTML / "book" / f"{name}.html").as_uri())
    page.evaluate("() => window.MathJax?.startup?.promise")
    return page, [Path(unquote(urlsplit(url).path)) for url in asked if url.startswith("file:")]


@pytest.fixture(scope="module", params=PAGES)
def loaded(request, chromium):
    """A page as it is opened on a telephone, and its files."""
    page, files = opened(chromium, request.param)
    yield page, files
    page.close()


def seen(page, width, height=800, **media):
    page.emulate_media(**{"media": "screen", "color_scheme": "light"} | media)  # first: no event tells of it
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")  # resized
    return page.evaluate("document.documentElement.scrollWidth")


@built
def test_a_page_is_light_fits_a_telephone_and_is_walked_by_keyboard(loaded):
    page, files = loaded
    assert [path.name for path in files if not path.exists()] == []
    assert sum(len(gzip.compress(path.read_bytes(), 6 if path.suffix in TEXT else 0)) for path in files) < 700_000
    assert seen(page, 390) == 390
    stops = (
        "[...document.querySelectorAll('mjx-container[tabindex]')].filter(box => box.scrollWidth <= box.clientWidth)"
    )
    assert page.evaluate(f"{stops}.length") == 0
    assert seen(page, 718, 1000, media="print") == 718  # A4 less its margins


@built
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_moderate_or_worse(loaded, scheme):
    """In the dark nothing differs but colours."""
    page, _ = loaded
    seen(page, 1440, color_scheme=scheme)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    # Colours that change slowly would be caught half way.
    page.evaluate("() => Promise.all(document.getAnimations().map((one) => one.finished))")
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=Path(__file__).with_name("axe.min.js"))
    options = {"resultTypes": ["violations"]} | ({"runOnly": ["color-contrast"]} if scheme == "dark" else {})
    found = page.evaluate("(options) => axe.run(document, options)", options)["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] != "minor"] == []


@built
def test_a_picture_is_enlarged_and_put_away_by_keyboard(chromium):
    page, _ = opened(chromium, "chapters/03_individual_similarity")
    page.locator("a.enlarge").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("dialog.enlarged img").evaluate("image => image.width") >= 900
    page.keyboard.press("Escape")
    page.locator("dialog.enlarged").wait_for(state="hidden", timeout=5000)
    page.close()


@built
@pytest.mark.parametrize("name", ["explorer", "chapters/03_individual_similarity"])
def test_the_keyboard_reaches_every_control_and_shows_where_it_is(chromium, name):
    page, _ = opened(chromium, name, width=1440)
    page.locator("article.bd-article").wait_for()
    page.evaluate("""() => {
      const shown = (one) => one.checkVisibility({visibilityProperty: true}) && one.tabIndex >= 0 && !one.disabled;
      window.left = new Set([...document.querySelectorAll(".bd-article :is(a[href], button, select, summary, input)")].filter(shown));
      window.unseen = [];
      document.querySelector(".bd-article").tabIndex = -1;
      document.querySelector(".bd-article").focus();
    }""")
    for _ in range(page.evaluate("left.size + 20")):
        page.keyboard.press("Tab")
        page.evaluate("""() => {
          const at = document.activeElement, look = getComputedStyle(at);
          if (left.delete(at) && (look.outlineStyle == "none" || parseFloat(look.outlineWidth) < 2)) unseen.push(at.outerHTML.slice(0, 100));
        }""")
    assert page.evaluate("[unseen, [...left].map((one) => one.outerHTML.slice(0, 100))]") == [[], []]
    page.close()


@built
def test_what_is_unfolded_and_scrolls_is_scrolled_with_the_keyboard(chromium):
    page, _ = opened(chromium, "chapters/03_individual_similarity")
    page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
    wide = "[...document.querySelectorAll('.bd-article pre')].filter((one) => one.scrollWidth > one.clientWidth + 1)"
    page.wait_for_function(f"{wide}.length > 3 && {wide}.every((one) => one.tabIndex == 0)", timeout=10_000)
    page.close()


@built
def test_every_icon_has_a_glyph_in_the_fonts_that_are_left(chromium):
    from fontTools.ttLib import TTFont

    page, _ = opened(chromium, "chapters/03_individual_similarity", width=1440)
    drawn = page.evaluate(
        "[...document.querySelectorAll('i[class*=fa-]')].map(icon => getComputedStyle(icon, '::before').content)"
    )
    page.close()
    held = {code for path in HTML.rglob("fa-*.woff") for code in TTFont(path).getBestCmap()}
    assert len(drawn) > 5 and {ord(content.strip('"')) for content in drawn} <= held


@built
def test_the_book_is_small():
    assert sum(path.stat().st_size for path in HTML.rglob("*") if path.is_file()) < 30e6


@built
def test_every_control_of_a_page_is_named_by_the_words_in_it():
    page = (HTML / "book" / "chapters" / "03_individual_similarity.html").read_text()
    assert page.count("<summary") > 5 and not re.search(r"<summary[^>]*aria-label", page)


@pytest.mark.parametrize(
    "kind, moved", [("opaque, of 64 colours", 0), ("a ramp", lean.NEAR), ("noise", 0), ("transparent", 0)]
)
def test_a_picture_gets_by_with_few_colours_only_where_no_point_changes_much(tmp_path, kind, moved):
    points = np.random.default_rng(0).integers(0, 256, (40, 30, 4), dtype=np.uint8)
    if kind != "transparent":
        points[..., 3] = 255
    if kind == "a ramp":
        points[..., :3] = np.linspace(0, 255, 1200, dtype=np.uint8).reshape(40, 30, 1) // np.uint8([1, 2, 4])
    if kind == "opaque, of 64 colours":
        points = points.reshape(-1, 4)[:64][np.arange(1200) % 64].reshape(40, 30, 4)
    Image.fromarray(points).save(tmp_path / "a.png")
    lean.to_webp(tmp_path)
    stored = np.asarray(Image.open(tmp_path / "a.webp").convert("RGBA"))
    assert np.abs(stored.astype(int) - points).max() <= moved
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    "html, leaner",
    [
        ("<p>\n   \n  <b>a</b>\n </p>", "<p>\n<b>a</b>\n</p>"),
        ("<pre>a\n\n    b</pre>\n  <p>", "<pre>a\n\n    b</pre>\n<p>"),
        ('<link href="_static/sphinx-design.css"/><p>', "<p>"),
        (
            '<link href="_static/sphinx-design.css"/><p class="sd-a">',
            '<link href="_static/sphinx-design.css"/><p class="sd-a">',
        ),
        ("<em>list</em><em>[</em><em>int</em>", "<em>list[int</em>"),
        ('<code><span class="n"><span class="pre">x</span></span></code>', "<code>x</code>"),
        (
            '<div class="highlight-json"><pre><span class="nt">1</span></pre>',
            '<div class="highlight-json"><pre>1</pre>',
        ),
        ('<pre><span class="nt">1</span></pre>', '<pre><span class="nt">1</span></pre>'),
    ],
)
def test_marks_that_nobody_sees_go_and_listings_keep_their_lines(html, leaner):
    assert lean.lean(html) == leaner == lean.lean(leaner)


@pytest.mark.parametrize("repository, place", [(None, "the project"), ("https://a.org/b", "<https://a.org/b>")])
def test_a_downloaded_chapter_says_how_to_get_lib_and_writes_no_results_of_the_book(
    tmp_path, monkeypatch, repository, place
):
    cells = [
        nbformat.v4.new_code_cell('study = "mine"\nseeds = 3', outputs=[nbformat.v4.new_output("stream", text="1")]),
        nbformat.v4.new_code_cell('# Parameters\nstudy = "cifar10-50k"\nseeds = 5\n'),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
    monkeypatch.setattr(lean, "cited", lambda: {"repository-code": repository})
    for _ in range(2):
        lean.strip_outputs(tmp_path / "a.ipynb")
    told, *own = nbformat.read(tmp_path / "a.ipynb", 4).cells
    assert f"clone of {place}" in told.source and "make environment" in told.source
    assert [cell.source for cell in own] == ['study = "mine"\nseeds = 3', "# Parameters\nseeds = 5\n"]
    assert own[0].outputs == []


@built
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("link", [".bibtex-citation a", "a.term"])
def test_a_citation_and_a_word_are_told_in_the_margin_to_pointer_and_keyboard(chromium, link, width):
    page, _ = opened(chromium, "chapters/11_block_structure", width=width)
    note, first = page.locator("#note"), page.locator(f"article {link}").first
    for show in (first.hover, first.focus):
        show()
        note.wait_for(state="visible")
        assert len(note.inner_text()) > 10 and first.get_attribute("aria-describedby") == "note"
        box, column = note.bounding_box(), page.locator("article.bd-article").bounding_box()
        assert note.evaluate("note => !!note.closest('main')")  # what stands in no landmark is a finding of axe
        assert abs(box["y"] - first.bounding_box()["y"]) < 60
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert width == 390 or box["x"] >= column["x"] + column["width"]
        page.keyboard.press("Escape")
        note.wait_for(state="hidden")
    page.close()


def test_only_the_rules_of_used_icons_stay():
    rules = '.fa-moon:before{content:"\\f186"}.fa-a:before,.fa-b:before{content:"\\f187"}.fa-lg{font-size:1em}'
    assert lean.ICON.sub(lambda rule: lean.only(rule, {"fa-b"}), rules) == rules[rules.index(".fa-a") :]


def test_a_picture_keeps_its_place_and_leads_to_itself(tmp_path):
    (tmp_path / "_images").mkdir()
    (tmp_path / "_images" / "a.svg").write_text('<svg width="72pt" height="36pt" xmlns="http://www.w3.org/2000/svg"/>')
    page = reading.mended('<body><img alt="A" src="_images/a.svg" /></body>', tmp_path)
    assert (
        '<a class="enlarge" href="_images/a.svg" data-curves><img alt="A" src="_images/a.svg" width="96" height="48"'
        in page
    )


@pytest.mark.parametrize("dpi, shown", [(None, (400, 200)), (84, (400, 200)), (168, (200, 100))])
def test_a_picture_of_twice_the_points_is_shown_as_large(tmp_path, dpi, shown):
    Image.new("RGB", (400, 200)).save(tmp_path / "a.png", **({"dpi": (dpi, dpi)} if dpi else {}))
    lean.to_webp(tmp_path)
    assert reading.size(tmp_path / "a.webp") == shown


@pytest.mark.parametrize("kind, curves", [("lines on white", True), ("a map", False), ("photographs on white", False)])
def test_the_dark_turns_curves_over_and_leaves_maps_and_photographs(tmp_path, kind, curves):
    points, rng = np.full((200, 300, 3), 255, np.uint8), np.random.default_rng(0)
    points[:, ::40] = [0, 114, 178]
    points[100, :] = 0
    if kind == "a map":
        points[20:180, 20:280] = np.kron(rng.integers(0, 200, (8, 13, 3)), np.ones((20, 20, 1)))
    if kind == "photographs on white":
        points[20:120, 20:120] = np.kron(rng.integers(0, 255, (10, 10, 1)), np.ones((10, 10, 3)))
    Image.fromarray(points).save(tmp_path / "a.webp", lossless=True)
    assert reading.is_curves(tmp_path / "a.webp") == curves
