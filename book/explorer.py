"""The data of the salience explorer, `make book` writes it: directions of chapter 3 as small numbers, a picture, a table.

book/explorer.md includes what is written to book/chapters/; `static/explorer.js` draws it, without a server or a network.
"""

import base64
import json
from collections.abc import Mapping

import matplotlib
import numpy as np

from chapters import PAGES, results
from lib import data, salience, similarity
from lib.chapters.individual_similarity_figures import gradient_gallery
from lib.data.loading import ImageData
from lib.runtime.files import write_whole
from lib.training.populations import population_grid
from plain_markdown import pipe_table

SEEDS, A_CLASS = 5, 4  # networks of a population, test images of a class
LARGEST = 127
Directions = Mapping[tuple[str, int], np.ndarray]


def write_explorer() -> None:
    """explorer.html, explorer_table.md and explorer.png in book/chapters/, unless they are newer than chapter 3's results."""
    source = results("03_individual_similarity", {"study": "book"})
    made = [PAGES / name for name in ("explorer.html", "explorer_table.md", "explorer.png")]
    if all(path.exists() and path.stat().st_mtime > source.stat().st_mtime for path in made):
        return
    images, trained, untrained = read(json.loads(source.read_text())["parameters"])
    shown = chosen(images, trained)
    page, table, picture = made
    content = json.dumps(explorer(images, shown, trained, untrained))
    write_whole(page, f'<script type="application/json" id="salience">{content}</script>\n'.encode())
    write_whole(table, means(trained, untrained, shown).encode())
    draw(images, shown[::A_CLASS][:4], trained, picture)


def read(p: Mapping) -> tuple[ImageData, Directions, Directions]:
    """The images of chapter 3's parameters, and the directions of its first networks, trained and untrained."""
    images = data.load(p["dataset"], n_train=p["n_train"], n_test=p["n_test"])
    seeds = {family: min(SEEDS, count) for family, count in p["seeds"].items()}
    grid = population_grid(images, p["families"], p["widths"], seeds, epochs=p["epochs"], precision=p["precision"])
    kinds = [
        salience.population_directions(
            grid, images, output=p["output"], grid=p["grid"], untrained=untrained, keep_dead=True
        )
        for untrained in (False, True)
    ]
    return images, *kinds


def chosen(images: ImageData, trained: Directions) -> np.ndarray:
    """The first test images of every class at which every network has a gradient."""
    alive = np.all([np.any(u, axis=-1).all(0) for u in trained.values()], axis=0)
    labels = images.test_labels.numpy()
    return np.concatenate([np.flatnonzero(alive & (labels == label))[:A_CLASS] for label in range(len(images.classes))])


def explorer(images: ImageData, shown: np.ndarray, trained: Directions, untrained: Directions) -> dict:
    """What the script reads: numbers of one byte as base64, [populations, networks, images, d] in the order of `populations`."""
    directions = np.stack([u[:, shown] for u in trained.values()])
    pixels = images.pixel_values(images.test_images[shown])
    return {
        "populations": [list(key) for key in trained],
        "networks": directions.shape[1],
        "images": [{"label": images.classes[images.test_labels[at]], "place": int(at)} for at in shown],
        "dims": directions.shape[-1],
        "pixels": packed(np.round(255 * np.asarray(pixels)).astype(np.uint8)),
        "directions": packed(rounded(directions)),
        "chance": [[chance(a, b, shown) for b in untrained.values()] for a in untrained.values()],
    }


def rounded(directions: np.ndarray) -> np.ndarray:
    """Each direction [..., d] on whole numbers from -127 to 127; no cosine moves by more than 0.006."""
    return np.round(LARGEST * directions / np.abs(directions).max(-1, keepdims=True)).astype(np.int8)


def packed(numbers: np.ndarray) -> str:
    return base64.b64encode(numbers.tobytes()).decode()


def chance(a: np.ndarray, b: np.ndarray, shown: np.ndarray) -> list[float]:
    """What 95 % of the cosines at single images lie between, of two different untrained networks of two populations."""
    cosines = np.einsum("ind,jnd->ijn", a[:, shown], b[:, shown])
    if a is b:
        cosines = cosines[np.triu_indices(len(a), 1)]
    return [round(float(end), 3) for end in np.quantile(cosines, [0.025, 0.975])]


def means(trained: Directions, untrained: Directions, shown: np.ndarray) -> str:
    """A table for those without scripts: the mean cosine of two different networks of each population, and chance's band."""
    rows = []
    for (family, width), u in trained.items():
        low, high = chance(untrained[family, width], untrained[family, width], shown)
        rows.append([f"`{family}`", width, f"{similarity.expected(u[:, shown]):.2f}", f"{low:.2f} to {high:.2f}"])
    return pipe_table(["family", "width", "mean cosine", "95 % of untrained pairs, image by image"], rows)


def draw(images: ImageData, shown: np.ndarray, trained: Directions, picture) -> None:
    """Four images with the maps of two of the widest networks of the first family, and their products."""
    matplotlib.use("agg")
    family, _ = next(iter(trained))
    *_, (first, second, *_) = (u for (name, _), u in trained.items() if name == family)
    maps = {"network A": first[shown], "network B": second[shown], "product": first[shown] * second[shown]}
    channels = images.test_images.shape[1]
    figure = gradient_gallery(
        images.pixel_values(images.test_images[shown]),
        {title: salience.as_pictures(rows, channels) for title, rows in maps.items()},
        [f"cosine {a @ b:.2f}" for a, b in zip(first[shown], second[shown])],
    )
    figure.savefig(picture, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    write_explorer()
