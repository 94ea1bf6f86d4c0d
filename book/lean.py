"""When the book is built, all that no page uses is removed, and pages ask for no more than they need (`finished`).

The theme brings the icons of Font Awesome twice, as a script of 1.5 MB and as fonts; MathJax comes in fourteen builds.
"""

import json
import re
from pathlib import Path

import nbformat
from fontTools.subset import Options, Subsetter  # with matplotlib; a pin of its own would renew every chapter
from fontTools.ttLib import TTFont
from PIL import Image, ImageChops
from PIL.ExifTags import Base

from address import cited

# The build that pages load, and its letters.
MATHJAX = ("tex-chtml.js", "output/chtml/fonts/woff-v2/")
NEVER_LOADED = ("**/*.map", "locales/**/*", "scripts/fontawesome.js*", "*webpack-macros.html", "vendor/**/*.woff2")
FONT = re.compile(r'url\((\S+?)\.woff2\) format\("woff2"\),url\(\S+?\.ttf\) format\("truetype"\)')
ICON = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"[^"]+"\}')
PRIVATE = re.compile(r"\\([ef][0-9a-f]{3})|([\ue000-\uf8ff])")
# Names, punctuation, spaces and words of inline code have the text's look, numbers for machines need no colours.
PLAIN = re.compile(r'<span class="(?:n|p|w|pre)">([^<]*)</span>')
MACHINES = re.compile(r'<div class="highlight-json.*?</pre>', re.S)
SPACES = re.compile(r"<(pre|script|style|textarea)\b.*?</\1>|\s*\n\s*", re.S)  # or where every space counts
NEAR = 16  # of 255: so far may a channel of a point move when a picture gets by with 256 colours
TOLD = "how-to-run-this"  # the cell of a downloaded chapter that tells it
OF_THE_BOOK = re.compile(r'^study = "(?!mine")[^"]*"\n?', re.M)  # where the book keeps its own numbers
SCRIPT = r'\s*<script[^>]* src="[^"]*(?:{})\.js[^>]*></script>'
ICONS = re.compile(SCRIPT.format("scripts/fontawesome"))  # their font draws them too
# Nothing is run in a page, and there are no tabs.
IDLE = re.compile(r"\s*<link[^>]*sphinx-thebe[^>]*>|" + SCRIPT.format("sphinx-thebe|design-tabs"))
DESIGN = re.compile(r"\s*<link[^>]*sphinx-design[^>]*>")  # the look of what is folded in cards
SEARCH = re.compile(SCRIPT.format("searchtools|language_data|searchindex"))  # search_as_you_type is off


def shrink(out: Path, pages: list[Path]) -> None:
    """The icons, notebooks and pictures of a built book; every step looks at what is there, so that it may come twice."""
    subset_icons(out / "_static", used_icons([*pages, *out.glob("_static/scripts/*.js")]))
    for source in out.glob("_sources/**/*.ipynb"):
        strip_outputs(source)
    to_webp(out / "_images")


def lean(html: str, searches: bool = False) -> str:
    """A page that asks for the smaller pictures and for no script that does nothing there, without marks that nobody sees."""
    html = re.sub(r'(_images/[^"]+)\.png"', r'\1.webp"', html)
    html = MACHINES.sub(lambda listing: re.sub(r"</?span[^>]*>", "", listing[0]), html)
    html = PLAIN.sub(r"\1", PLAIN.sub(r"\1", ICONS.sub("", html))).replace("</em><em>", "")
    html = html if searches else SEARCH.sub("", html)
    html = IDLE.sub("", html if 'class="sd-' in html else DESIGN.sub("", html))
    return SPACES.sub(lambda found: found[0] if found[1] else "\n", html)


def remove_unused(static: Path) -> None:
    """Builds of MathJax but for one, source maps, translations of the theme, what only its own build reads."""
    mathjax = static / "mathjax"
    unused = [path for pattern in NEVER_LOADED for path in static.glob(pattern)]
    unused += [path for path in mathjax.rglob("*") if not path.relative_to(mathjax).as_posix().startswith(MATHJAX)]
    for path in unused:
        if path.is_file():
            path.unlink()
    for folder in sorted((path for path in static.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def used_icons(files: list[Path]) -> set[str]:
    """Names of Font Awesome's icons in pages and scripts: {'fa-moon', ...}."""
    return {name for path in files for name in re.findall(r"\bfa-[\w-]+", path.read_text())}


def subset_icons(static: Path, names: set[str]) -> None:
    """Style sheets without the other icons, and fonts that hold the glyphs which are left."""
    glyphs = set()
    for sheet in static.rglob("*.css"):
        text = FONT.sub(r'url(\1.woff) format("woff")', ICON.sub(lambda rule: only(rule, names), sheet.read_text()))
        sheet.write_text(text)
        glyphs |= {int(code, 16) if code else ord(letter) for code, letter in PRIVATE.findall(text)}
    for path in static.glob("vendor/fontawesome/**/*.ttf"):
        font = TTFont(path)
        subsetter = Subsetter(Options(layout_features=[], notdef_outline=False))
        subsetter.populate(unicodes=glyphs)
        subsetter.subset(font)
        font.flavor = "woff"  # woff2 would need one more package
        font.save(path.with_suffix(".woff"))
        path.unlink()


def only(rule: re.Match, names: set[str]) -> str:
    """A rule of a style sheet if it gives an icon that is used, else nothing."""
    return rule[0] if names & set(re.findall(r"fa-[\w-]+", rule[1])) else ""


def strip_outputs(path: Path) -> None:
    """Make a notebook to download small: whoever runs it gets the outputs again, as results of their own, and is told how."""
    notebook = nbformat.read(path, 4)
    if notebook.cells[0].get("id") != TOLD:
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell(to_run(cited().get("repository-code")), id=TOLD))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = OF_THE_BOOK.sub("", cell.source)
            cell.outputs, cell.execution_count = [], None
    path.write_text(json.dumps(notebook, ensure_ascii=False, separators=(",", ":")))


def to_run(repository: str | None) -> str:
    """What a downloaded chapter says above its title."""
    clone = f"a clone of <{repository}>" if repository else "a clone of the project that this book was made from"
    return (
        f"To run this chapter you need the project's library, `lib`. In {clone}, `make environment` installs it into "
        "`.venv`; then open this file with the Python of `.venv` as its kernel, or execute it with "
        "`.venv/bin/papermill FILE.ipynb out.ipynb`, wherever it lies. Numbers and verdicts go to `results/mine/` of the clone."
    )


def to_webp(images: Path) -> None:
    """Pictures as WebP, 40 % of the bytes of matplotlib's PNG and with fewer colours half of that; it keeps the points an inch."""
    for path in images.glob("*.png"):
        image, density = Image.open(path), Image.Exif()
        density[Base.XResolution] = image.info.get("dpi", (0, 0))[0]
        few = few_colours(image)
        few.save(path.with_suffix(".webp"), lossless=True, method=4, quality=100, exact=True, exif=density)
        path.unlink()


def few_colours(image: Image.Image) -> Image.Image:
    """The picture in 256 colours, if it covers its ground and no channel of any point moves by more than `NEAR`; else itself."""
    if image.convert("RGBA").getextrema()[3] != (255, 255):
        return image
    whole = image.convert("RGB")
    few = whole.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).convert("RGB")
    moved = max(most for _, most in ImageChops.difference(whole, few).getextrema())
    return few if moved <= NEAR else image
