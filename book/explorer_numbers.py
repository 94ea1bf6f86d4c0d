"""The explorer's numbers: a few networks of each population at a few images, small enough for a page to hold."""

import base64
import io
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from PIL import Image

from lib import data, salience
from lib.data.loading import ImageData
from lib.training.populations import Population, population_grid

SEEDS = 5  # networks of a population
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
