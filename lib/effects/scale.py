"""Populations that differ in their number of training images or of epochs, and what twice as many of either does."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lib.data import loading
from lib.data.loading import ImageData
from lib.effects.batch_size import BATCH_SIZE
from lib.effects.paired import Key, Measures, doubling_effects, trained_in_pairs
from lib.similarity.paired_similarity import interval
from lib.statistics.contrasts import slope_weights
from lib.statistics.intervals import Interval
from lib.training.populations import Population
from lib.training.specification import Specification, specify

IMAGES, EPOCHS = "training images", "epochs"  # what is doubled


@dataclass(frozen=True)
class Setting:
    """How many images a network was trained with, and how many times it saw each of them."""

    n_train: int
    epochs: int

    def steps(self) -> int:
        """How many steps of the optimiser that makes, the last one of an epoch with what is left."""
        return self.epochs * math.ceil(self.n_train / BATCH_SIZE)


Lines = Mapping[str, tuple[Setting, ...]]  # IMAGES and EPOCHS -> the settings along which it grows


def lines(
    train_counts: Sequence[int], epoch_counts: Sequence[int], n_train: int, epochs: int
) -> dict[str, tuple[Setting, ...]]:
    """More images at `epochs` epochs, and more epochs with all `n_train` images, each from few to many."""
    return {
        IMAGES: tuple(Setting(count, epochs) for count in sorted(train_counts)),
        EPOCHS: tuple(Setting(n_train, count) for count in sorted(epoch_counts)),
    }


def sizes(line: str, settings: Sequence[Setting]) -> list[int]:
    """What grows along this line, at each of its settings."""
    return [setting.n_train if line == IMAGES else setting.epochs for setting in settings]


def with_fewer(images: ImageData, count: int) -> ImageData:
    """The same test images, and `count` of the training images, the classes as equal in number as they can be.

    Of two such subsets the smaller is part of the larger.
    """
    if count == len(images.train_labels):
        return images
    return loading.load(images.name, root=images.root, n_train=count, n_test=len(images.test_labels), seed=images.seed)


def specifications(
    images: ImageData, family: str, widths: Sequence[int], settings: Sequence[Setting], **recipe
) -> dict[Key, Specification]:
    """(family, width, setting) -> specification."""
    parts = {count: with_fewer(images, count) for count in {setting.n_train for setting in settings}}
    return {
        (family, width, one): specify(parts[one.n_train], family, width, epochs=one.epochs, **recipe)
        for width in widths
        for one in settings
    }


def scaled_populations(
    images: ImageData, family: str, widths: Sequence[int], seeds: int, found: Lines, precision: str = "float32"
) -> dict[Key, Population]:
    """Seeds 0 to seeds - 1 at every width and setting, (family, width, setting); what is missing is trained now.

    A seed whose loss was not finite under some setting is left out of all settings of that width.

    Raises:
        ValueError: more training images than there are, before any training, or fewer than 3 seeds left.
    """
    settings = list(dict.fromkeys(setting for line in found.values() for setting in line))
    return trained_in_pairs(specifications(images, family, widths, settings, precision=precision), {family: seeds})


def effects(measures: Measures, found: Lines) -> dict[str, dict[str, Interval]]:
    """`lib.effects.paired.doubling_effects` along every line; the last row is what passes do beyond new images."""
    return doubling_effects(measures, found, {name: sizes(name, settings) for name, settings in found.items()})


def similarity_slopes(measures: Measures, found: Lines, line: str) -> Interval:
    """Change of rho(k, k) per doubling along a line, of each width: three arrays [widths]."""
    weights = slope_weights(measures.recipes, found[line], sizes(line, found[line]))
    return interval(measures.similarity, lambda rho, _: rho @ weights)


def similarity_factors(measures: Measures, found: Lines, line: str) -> Interval:
    """The factor by which rho(k, k) changes per doubling along a line: each width, then their geometric mean.

    exp of the least-squares slope of log rho: three arrays [widths + 1], NaN where a rho, or one of the draws that make
    the interval, is not positive.
    """
    weights = slope_weights(measures.recipes, found[line], sizes(line, found[line]))

    def slopes(rho: np.ndarray, _: np.ndarray) -> np.ndarray:
        by_width = np.log(np.where(rho > 0, rho, np.nan)) @ weights
        return np.concatenate([by_width, by_width.mean(-1, keepdims=True)], axis=-1)

    return tuple(np.exp(part) for part in interval(measures.similarity, slopes))


def doublings_to(target: float, start: float, factor: Interval) -> Interval | None:
    """How many doublings lead from one similarity to another if each goes on to change it by `factor`.

    The ends are those of the factor's interval; start and target are taken as they are.  Negative where the line leads
    away from the target; None where the interval holds 1 or is not known: then the number has no bounds.
    """
    estimate, low, high = (math.log(part) if part > 0 else math.nan for part in map(float, factor))
    if not low * high > 0:
        return None
    found = [math.log(target / start) / part for part in (estimate, low, high)]
    return found[0], min(found[1:]), max(found[1:])
