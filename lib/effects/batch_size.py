"""Populations that differ in their batch size, and what their networks do.

The random streams of a seed depend on family and width, not on the recipe: networks of one seed and width start from
the same weights and see the images in the same order, whatever the batch size.  Seeds are therefore left out of all
recipes at once (`lib.similarity.paired_similarity`); networks of different widths share nothing but the images.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from scipy.special import log_softmax

from lib.data.loading import ImageData
from lib.salience.direction_store import population_directions
from lib.salience.predictions import population_logits
from lib.similarity.paired_similarity import LEAST, PairedSimilarity, paired_similarities
from lib.training.populations import Population, train_or_load
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
Key = tuple[str, int, Hashable]  # family, width, and a Recipe or whatever else tells how its networks were trained


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


def paired_populations(images: ImageData, families: Iterable[str], widths: Iterable[int], seeds: Mapping[str, int],
                       recipes: Sequence[Recipe], precision: str = "float32") -> dict[Key, Population]:
    """Seeds 0 to seeds[family] - 1 of every family, width and recipe; what is missing is trained now, all at once.

    A seed whose loss was not finite under some recipe is left out of all recipes of that width (with the warning of
    `lib.training.populations`).

    Raises:
        ValueError: a batch size that leaves one image over, before any training, or fewer than 3 seeds left.
    """
    requests = {(family, width, recipe): specify(images, family, width, epochs=recipe.epochs,
                                                 batch_size=recipe.batch_size, learning_rate=recipe.learning_rate,
                                                 precision=precision)
                for family in families for width in widths for recipe in recipes}
    return trained_in_pairs(requests, seeds)


def trained_in_pairs(requests: Mapping[Key, Specification], seeds: Mapping[str, int]) -> dict[Key, Population]:
    """The populations of all specifications, with the seeds of range(seeds[family]) that `shared_seeds` leaves."""
    found = train_or_load({specification: range(seeds[family]) for (family, *_), specification in requests.items()})
    return shared_seeds({key: found[specification] for key, specification in requests.items()})


def shared_seeds(populations: Mapping[Key, Population]) -> dict[Key, Population]:
    """The same populations with the seeds that all recipes of a family and width have; ValueError for fewer than 3."""
    shared: dict[tuple[str, int], set[int]] = {}
    for (family, width, _), population in populations.items():
        seeds = {network.seed for network in population.networks}
        shared[family, width] = shared.get((family, width), seeds) & seeds
    for (family, width), seeds in shared.items():
        if len(seeds) < LEAST:
            raise ValueError(f"{family} k={width}: {len(seeds)} of its seeds kept a finite loss under every recipe, "
                             f"and paired populations need {LEAST}; ask for more seeds or leave this width out")
    return {key: replace(population, networks=tuple(
                network for network in population.networks if network.seed in shared[key[:2]]))
            for key, population in populations.items()}


@dataclass(frozen=True, eq=False)
class Measures:
    """What the networks of one family do under every recipe; lists have one entry a width.

    Attributes:
        recipes: the order of the last axes.
        similarity: rho(k, k) of every recipe.
        test_loss, test_hits: [seeds, images, recipes], cross entropy in nats of each test image, and 1 where it is
            classified rightly.
        training_loss: [seeds, recipes], mean cross entropy in nats of the training images, in eval mode after training;
            no entries where it was not asked for.
    """

    recipes: tuple[Hashable, ...]
    similarity: list[PairedSimilarity]
    test_loss: list[np.ndarray]
    test_hits: list[np.ndarray]
    training_loss: list[np.ndarray] = field(default_factory=list)

    @property
    def seeds(self) -> int:
        """How many there are, all widths together."""
        return sum(map(len, self.test_hits))


def measure(populations: Mapping[Key, Population], images: ImageData, rng: np.random.Generator, draws: int = 500, *,
            output: str = "logit", grid: int | None = 8, training_loss: bool = True) -> dict[str, Measures]:
    """All measures of each family: family -> `Measures`.  Arguments as of `lib.salience.population_directions`.

    Raises:
        ValueError: a network without a gradient at any image, whose seed could not be paired.
    """
    directions = population_directions(populations, images, output=output, grid=grid)
    for key, population in populations.items():
        if len(directions[key]) < len(population):
            raise ValueError(f"{population.specification.name}: a network trained by {key[2]} has no gradient "
                             "at any image and leaves its seed without a pair; leave this width out")
    looked_at = images if training_loss else replace(images, train_images=images.train_images[:0],
                                                     train_labels=images.train_labels[:0])
    losses, hits = losses_and_hits(populations, looked_at)
    n_test = len(images.test_labels)
    found = {}
    for family in dict.fromkeys(family for family, *_ in populations):
        widths = dict.fromkeys(width for name, width, _ in populations if name == family)
        recipes = tuple(dict.fromkeys(recipe for name, _, recipe in populations if name == family))
        keys = [[(family, width, recipe) for recipe in recipes] for width in widths]
        found[family] = Measures(
            recipes, paired_similarities([[directions[key] for key in row] for row in keys], rng, draws),
            *([np.stack([table[key][:, :n_test] for key in row], axis=2) for row in keys] for table in (losses, hits)),
            [np.stack([losses[key][:, n_test:].mean(1) for key in row], axis=1) for row in keys if training_loss])
    return found


def losses_and_hits(populations: Mapping[Key, Population], images: ImageData) -> tuple[dict, dict]:
    """Cross entropies in nats, and hits (0 or 1), of test and then training images: two times key -> [seeds, n]."""
    both = replace(images, test_images=torch.cat([images.test_images, images.train_images]),
                   test_labels=torch.cat([images.test_labels, images.train_labels]))  # each network is built once
    labels = both.test_labels.numpy()
    scores = population_logits(populations, both)
    losses = {key: -np.take_along_axis(log_softmax(score.astype(float), axis=2), labels[None, :, None], axis=2)[..., 0]
              for key, score in scores.items()}
    return losses, {key: (score.argmax(2) == labels).astype(float) for key, score in scores.items()}
