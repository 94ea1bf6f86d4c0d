"""The batch size: recipes that hold something else fixed, their paired populations, and what doubling it does."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product

import numpy as np

from lib.data.loading import ImageData
from lib.effects.paired import Key, Measures, doubling_effects, trained_in_pairs
from lib.similarity.paired_similarity import interval
from lib.statistics.contrasts import partial_slope
from lib.statistics.intervals import Interval
from lib.training.populations import Population
from lib.training.specification import Specification, specify

LEARNING_RATE, BATCH_SIZE = Specification.learning_rate, Specification.batch_size  # of the released program


@dataclass(frozen=True)
class Recipe:
    """Images a step, passes over the training images, and the learning rate of epoch 0."""

    batch_size: int
    epochs: int
    learning_rate: float = LEARNING_RATE

    def steps(self, n_train: int) -> int:
        """How many steps of the optimiser that makes; the last one of an epoch takes what is left."""
        return self.epochs * math.ceil(n_train / self.batch_size)


Protocols = Mapping[str, tuple[Recipe, ...]]  # name -> one recipe a batch size


def protocols(batch_sizes: Sequence[int], epochs: int, n_train: int) -> dict[str, tuple[Recipe, ...]]:
    """What else is held fixed while the batch size changes, in three readings.

    'equal epochs': `epochs` for every batch size.  'equal steps': as many steps as the middle batch size then takes
    (the larger of two middle ones), as nearly as whole epochs, one at least, allow.  'scaled rate': equal epochs, and
    a learning rate in proportion to the batch size.
    """
    equal = tuple(Recipe(size, epochs) for size in batch_sizes)
    steps = equal[len(equal) // 2].steps(n_train)
    rounded = [max(1, round(steps / Recipe(size, 1).steps(n_train))) for size in batch_sizes]
    scaled = tuple(Recipe(size, epochs, LEARNING_RATE * size / BATCH_SIZE) for size in batch_sizes)
    return {"equal epochs": equal, "equal steps": tuple(map(Recipe, batch_sizes, rounded)), "scaled rate": scaled}


def distinct_recipes(found: Protocols) -> tuple[Recipe, ...]:
    """Each recipe once: protocols share some."""
    return tuple(dict.fromkeys(recipe for recipes in found.values() for recipe in recipes))


def paired_populations(
    images: ImageData,
    families: Iterable[str],
    widths: Iterable[int],
    seeds: Mapping[str, int],
    recipes: Sequence[Recipe],
    precision: str = "float32",
) -> dict[Key, Population]:
    """Seeds 0 to seeds[family] - 1 of every family, width and recipe; what is missing is trained now, all at once.

    A seed whose loss was not finite under some recipe is left out of all recipes of that width (with the warning of
    `lib.training.populations`).

    Raises:
        ValueError: a batch size that leaves one image over, before any training, or fewer than 3 seeds left.
    """
    keys = product(families, widths, recipes)
    requests = {key: specify(images, *key[:2], **asdict(key[2]), precision=precision) for key in keys}
    return trained_in_pairs(requests, seeds)


def effects(measures: Measures, found: Protocols, level: float = 0.95) -> dict[str, dict[str, Interval]]:
    """`lib.effects.paired.doubling_effects` of the batch size under every protocol."""
    sizes = {name: [recipe.batch_size for recipe in recipes] for name, recipes in found.items()}
    return doubling_effects(measures, found, sizes, level)


def slope_at_equal_loss(measures: Measures, level: float = 0.95) -> Interval:
    """Change of rho(k, k) per doubling of the batch size between networks of equal training loss (in its logarithm),
    over all recipes with the usual learning rate."""
    chosen = [place for place, recipe in enumerate(measures.recipes) if recipe.learning_rate == LEARNING_RATE]
    doublings = np.log2([measures.recipes[place].batch_size for place in chosen])

    def statistic(rho: np.ndarray, loss: np.ndarray) -> np.ndarray:
        return partial_slope(rho[..., chosen], np.log(np.maximum(loss[..., chosen], np.finfo(float).tiny)), doublings)

    return interval(measures.similarity, statistic, measures.training_loss, level)
