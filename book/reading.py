"""Pages for a keyboard, a screen reader, a telephone and paper, beside `static/reading.css` and `.js` (`finished`).

The theme's markup is mended after the build, because its own templates and scripts come from four packages.
"""

import re
from functools import cache, partial, reduce
from pathlib import Path

from PIL import Image, ImageChops
from PIL.ExifTags import Base

from lib.execution import DENSITY

# What is wrong in a page -> what stands there instead.
MENDS = (
    (r' aria-label="Toggle hidden content"', ""),  # the words inside say more, and have to be in a control's name
    (r'(search-button-field[^>]*) title="Search" aria-label="Search"', r"\1"),
    (r'<div id="pst-primary-sidebar"', '<div id="pst-primary-sidebar" role="complementary" aria-label="The book"'),
    (r'role="doc-biblioentry"', 'role="listitem"'),  # what a list may hold
    (r"<th\b([^>]*)></th>", r"<td\1></td>"),  # above the index of a pandas table: no header
)
# The theme's script hides the column of contents beside wide tables, and fails on a page that has none.
NO_CONTENTS = '<div class="bd-sidebar-secondary" hidden></div></body>'
PICTURE = re.compile(r'<img ([^>]*?)src="([^"]*_images/[^"]+)"([^>]*?)\s*/?>')


def mended(html: str, folder: Path) -> str:
    """A page whose controls say what they do and whose pictures come when they are scrolled to and enlarge."""
    for wrong, right in MENDS:
        html = re.sub(wrong, right, html)
    if 'class="bd-sidebar-secondary' not in html:
        html = html.replace("</body>", NO_CONTENTS)
    return PICTURE.sub(partial(enlargeable, folder=folder), html)


def enlargeable(picture: re.Match, folder: Path) -> str:
    """A picture that keeps its place free until it is loaded, in a link to itself that works without scripts too."""
    before, source, after = picture.groups()
    width, height = size(folder / source)
    image = f'<img {before}src="{source}"{after} width="{width}" height="{height}" loading="lazy" decoding="async" />'
    curves = " data-curves" if is_curves(folder / source) else ""
    return f'<a class="enlarge" href="{source}"{curves}>{image}</a>'


@cache
def is_curves(path: Path) -> bool:
    """Whether a picture is lines and words on white paper, which the dark turns over; maps and photographs keep their colours."""
    if path.suffix == ".svg":
        return True
    with Image.open(path) as image:
        image = image.convert("RGB")
    points, darkest = image.width * image.height, reduce(ImageChops.darker, image.split())
    patches = [count for count, _ in image.getcolors(points) if count > points / 2000]
    return sum(darkest.histogram()[:235]) < points / 4 and len(patches) <= 64


def size(path: Path) -> tuple[int, int]:
    """Width and height in CSS pixels, two points of a chapter's picture each; matplotlib writes its SVG in points."""
    if path.suffix == ".svg":
        width, height = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', path.read_text()).groups()
        return round(float(width) * 4 / 3), round(float(height) * 4 / 3)
    with Image.open(path) as image:
        share = DENSITY / 2 / (image.getexif().get(Base.XResolution) or DENSITY / 2)
        return round(image.width * share), round(image.height * share)
