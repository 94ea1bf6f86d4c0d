"""The data of the salience explorer: directions of chapter 3 as small numbers, a picture, a table.

`make book` writes those of the digits to book/chapters/, where book/explorer.md includes them.  What it cannot make,
networks of real images, an author exports into book/static/explorer/:

    python book/explorer.py cifar10-50k --epochs 10 --families cnn-small resnet-small

`static/explorer.js` draws them, without a server or a network.
"""

import argparse
import base64
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

import studies
from chapters import PAGES, results
from lib import data, parameters, salience, similarity
from lib.chapters.individual_similarity_figures import gradient_gallery
from lib.data.loading import ImageData
from lib.runtime.files import write_whole
from lib.training.populations import Population, population_grid
from plain_markdown import pipe_table

CHAPTER = "03_individual_similarity"
EXPORTED = Path(__file__).resolve().parent / "static" / "explorer"
SEEDS, A_CLASS = 5, 4  # networks of a population, test images of a class
SPARE = 2  # times as many images are looked at, because at some a network has no gradient
LARGEST = 127
CREDITS = {
    "digits": "Images: scikit-learn's copy of Optical Recognition of Handwritten Digits (E. Alpaydin and C. Kaynak, UCI "
    "Machine Learning Repository), CC BY 4.0.",
    "cifar10": "Images: CIFAR-10 (A. Krizhevsky, Learning multiple layers of features from tiny images, 2009; released "
    "without a licence, the author asks for this citation).",
    "cifar100": "Images: CIFAR-100 (A. Krizhevsky, Learning multiple layers of features from tiny images, 2009; released "
    "without a licence, the author asks for this citation).",
    "tiny-imagenet": "Images: Tiny ImageNet (Stanford CS231n; pictures from ImageNet, whose terms allow non-commercial "
    "research and education).",
}
Directions = Mapping[tuple[str, int], np.ndarray]


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


def read(p: Mapping, a_class: int) -> tuple[ImageData, Directions, Directions]:
    """Of chapter 3's parameters the first networks of each population at so many test images of a class.

    -> (the data set with these test images alone, directions of the trained networks, those of untrained ones), each
    (family, width) -> [networks, images, d].  At every image each network has a gradient.
    """
    images = data.load(p["dataset"], n_train=p["n_train"], n_test=p["n_test"])
    seeds = {family: min(SEEDS, count) for family, count in p["seeds"].items()}
    grid = population_grid(images, p["families"], p["widths"], seeds, epochs=p["epochs"], precision=p["precision"])
    looked_at = part(images, first_of_each(images.test_labels.numpy(), SPARE * a_class))
    trained, untrained = (
        {key: directions(population, looked_at, p, untrained=untrained) for key, population in grid.items()}
        for untrained in (False, True)
    )
    alive = np.all([u.any(-1).all(0) for u in (*trained.values(), *untrained.values())], axis=0)
    labels = looked_at.test_labels.numpy()
    shown = np.flatnonzero(alive)[first_of_each(labels[alive], a_class)]
    return (part(looked_at, shown), *({key: u[:, shown] for key, u in kind.items()} for kind in (trained, untrained)))


def first_of_each(labels: np.ndarray, count: int) -> np.ndarray:
    """Places of the first so many images of every class, class by class."""
    return np.concatenate([np.flatnonzero(labels == label)[:count] for label in np.unique(labels)])


def part(images: ImageData, places: np.ndarray) -> ImageData:
    """The data set with these test images alone."""
    return replace(images, test_images=images.test_images[places], test_labels=images.test_labels[places])


def directions(population: Population, images: ImageData, p: Mapping, *, untrained: bool) -> np.ndarray:
    """[networks, images, d]: so few that they are computed rather than stored."""
    models = population.untrained_models() if untrained else population.models()
    gradients = (
        salience.input_gradients(model, images.test_images, images.test_labels, output=p["output"]) for model in models
    )
    return np.stack([np.asarray(salience.directions(one, grid=p["grid"])) for one in gradients])


def explorer(title: str, images: ImageData, trained: Directions, untrained: Directions) -> dict:
    """What the script reads: numbers of one byte as base64, [populations, networks, images, d] in the order of `populations`."""
    shown = np.stack(list(trained.values()))
    return {
        "title": title,
        "credit": CREDITS[data.canonical(images.name)],
        "populations": [list(key) for key in trained],
        "networks": shown.shape[1],
        "images": [images.classes[label] for label in images.test_labels],
        "channels": images.test_images.shape[1],
        "dims": shown.shape[-1],
        "pictures": beneath_each_other(images),
        "directions": packed(rounded(shown).tobytes()),
        "chance": [[chance(a, b) for b in untrained.values()] for a in untrained.values()],
    }


def beneath_each_other(images: ImageData) -> str:
    """The test images in one column, as the address of a WebP without loss."""
    pixels = np.round(255 * np.asarray(images.pixel_values(images.test_images))).astype(np.uint8)
    column = np.concatenate(list(pixels))
    file = io.BytesIO()
    Image.fromarray(column.squeeze()).save(file, "WEBP", lossless=True, quality=100, method=6)
    return f"data:image/webp;base64,{packed(file.getvalue())}"


def rounded(directions: np.ndarray) -> np.ndarray:
    """Each direction [..., d] on whole numbers from -127 to 127; no cosine moves by more than 0.006."""
    return np.round(LARGEST * directions / np.abs(directions).max(-1, keepdims=True)).astype(np.int8)


def packed(content: bytes) -> str:
    return base64.b64encode(content).decode()


def chance(a: np.ndarray, b: np.ndarray) -> list[float]:
    """What 95 % of the cosines at single images lie between, of two different untrained networks of two populations."""
    cosines = np.einsum("ind,jnd->ijn", a, b)
    if a is b:
        cosines = cosines[np.triu_indices(len(a), 1)]
    return [round(float(end), 3) for end in np.quantile(cosines, [0.025, 0.975])]


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
    figure.savefig(picture, dpi=110, metadata={"Software": None})


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
