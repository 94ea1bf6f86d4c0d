"""The data of the salience explorer: directions of chapter 3 as small numbers, a picture, a table.

`make book` writes those of the digits to book/chapters/, where book/explorer.md includes them.  What it cannot make,
networks of real images, an author exports into book/static/explorer/:

    python book/explorer.py cifar10-50k --epochs 10 --families cnn-small resnet-small

`static/explorer.js` draws them, without a server or a network.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np

import studies
from chapters import PAGES, results
from explorer_numbers import Directions, chance, explorer, read
from lib import parameters, salience, similarity
from lib.chapters.individual_similarity_figures import gradient_gallery
from lib.data.loading import ImageData
from lib.execution import DENSITY
from lib.runtime.files import write_whole
from plain_markdown import pipe_table

CHAPTER = "03_individual_similarity"
A_CLASS = 4  # test images of a class of digits
EXPORTED = Path(__file__).resolve().parent / "static" / "explorer"


def write_explorer() -> None:
    """explorer.html, explorer_table.md and explorer.png in book/chapters/, unless they are newer than what they show."""
    source = results(CHAPTER, {"study": "book"})
    made = [PAGES / name for name in ("explorer.html", "explorer_table.md", "explorer.png")]
    newest = max(path.stat().st_mtime for path in (source, Path(__file__), *EXPORTED.glob("*.js")))
    if all(path.exists() and path.stat().st_mtime > newest for path in made):
        return
    images, trained, untrained = read(json.loads(source.read_text())["parameters"], A_CLASS)
    page, table, picture = made
    sets = {"digits": explorer("Handwritten digits", images, trained, untrained)} | exported()
    write_whole(page, f"<script>window.salience = {json.dumps(sets)}</script>\n".encode())
    write_whole(table, means(trained, untrained).encode())
    draw(images, trained, picture)


def export(study: str, changes: Mapping[str, object], a_class: int) -> Path:
    """Write the explorer's data of a study, with these `changes` of its parameters, for the page to load when asked."""
    table = studies.read_table()
    studies.check_study(study, table, "train")
    given = studies.parameters_of(CHAPTER) | studies.parameters(study, table[study], CHAPTER) | changes
    p = vars(parameters.read(given, list(given)))
    images, trained, untrained = read(p, a_class)
    title = f"{table[study]['title']}, {len(images.train_labels):,} training images, {p['epochs']} epochs"
    path = EXPORTED / f"{study}.js"
    content = json.dumps(explorer(title, images, trained, untrained))
    write_whole(path, f"window.salience[{json.dumps(study)}] = {content}\n".encode())
    return path


def exported() -> dict[str, str]:
    """name -> title of the data that lie in book/static/explorer/."""
    return {path.stem: json.loads(path.read_text().partition(" = ")[2])["title"] for path in EXPORTED.glob("*.js")}


def means(trained: Directions, untrained: Directions) -> str:
    """A table for those without scripts: the mean cosine of two different networks of each population, and chance's band."""
    rows = []
    for (family, width), u in trained.items():
        low, high = chance(untrained[family, width], untrained[family, width])
        rows.append([f"`{family}`", width, f"{similarity.expected(u):.2f}", f"{low:.2f} to {high:.2f}"])
    return pipe_table(["family", "width", "mean cosine", "95 % of untrained pairs, image by image"], rows)


def draw(images: ImageData, trained: Directions, picture: Path) -> None:
    """Four images with the maps of two of the widest networks of the first family, and their products."""
    matplotlib.use("agg")
    shown = np.arange(4) * A_CLASS
    family, _ = next(iter(trained))
    *_, (first, second, *_) = (u[:, shown] for (name, _), u in trained.items() if name == family)
    channels = images.test_images.shape[1]
    maps = {"network A": first, "network B": second, "product": first * second}
    figure = gradient_gallery(
        images.pixel_values(images.test_images[shown]),
        {title: salience.as_pictures(rows, channels) for title, rows in maps.items()},
        [f"cosine {a @ b:.2f}" for a, b in zip(first, second)],
    )
    figure.savefig(picture, dpi=DENSITY, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the data of the salience explorer.")
    parser.add_argument("study", nargs="?", help="a name in book/studies.toml; without one, the digits of the book")
    parser.add_argument("--epochs", type=int, help="of the study's networks; by default the study's")
    parser.add_argument("--families", nargs="+", help="by default the study's")
    parser.add_argument("--images", type=int, default=10, help="of every class")
    arguments = parser.parse_args()
    if arguments.study is None:
        return write_explorer()
    changes = {name: value for name in ("epochs", "families") if (value := getattr(arguments, name))}
    path = export(arguments.study, changes, arguments.images)
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
