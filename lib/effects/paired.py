"""Networks that differ in one setting and share their seeds: training them, measuring them, and slopes over doublings.

The random streams of a seed depend on family and width, not on the setting: networks of one seed and width start alike
under every setting.  Seeds are therefore left out of all settings at once (`lib.similarity.paired_similarity`).
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from scipy.special import log_softmax

from lib.data.loading import ImageData
from lib.salience.direction_store import population_directions, population_logits
from lib.similarity.paired_similarity import LEAST, interval, paired_similarities
from lib.statistics.contrasts import slope_weights, sum_interval
from lib.statistics.intervals import Interval, bounded, combined_interval, crossed_interval, mean_interval
from lib.statistics.sample import Estimated, Sample
from lib.training.populations import Population, train_or_load
from lib.training.specification import Specification

Key = tuple[str, int, Any]  # family, width, and the setting: whatever else tells how its networks were trained
UNITS = {
    "similarity": "cosine",
    "test loss": "nats",
    "training loss": "nats",
    "test accuracy": "share",
}  # of each measure
BOUNDS = {"similarity": (-1, 1), "test loss": (0, np.inf), "training loss": (0, np.inf), "test accuracy": (0, 1)}


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
            raise ValueError(
                f"{family} k={width}: {len(seeds)} of its seeds kept a finite loss under every recipe, and paired "
                f"populations need {LEAST}; ask for more seeds or leave this width out"
            )
    found = {}
    for key, population in populations.items():
        kept = tuple(network for network in population.networks if network.seed in shared[key[:2]])
        found[key] = replace(population, networks=kept)
    return found


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

    recipes: tuple[Any, ...]
    similarity: list[Sample]
    test_loss: list[np.ndarray]
    test_hits: list[np.ndarray]
    training_loss: list[np.ndarray] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The measures at hand, all of UNITS or those without the training loss."""
        return [name for name in UNITS if name != "training loss" or self.training_loss]

    @property
    def seeds(self) -> int:
        """How many there are, all widths together."""
        return sum(map(len, self.test_hits))


def measure(
    populations: Mapping[Key, Population],
    images: ImageData,
    rng: np.random.Generator,
    draws: int = 500,
    *,
    output: str = "logit",
    grid: int | None = 8,
    training_loss: bool = True,
) -> dict[str, Measures]:
    """All measures of each family: family -> `Measures`; `lib.salience.population_directions` has the options.

    Raises:
        ValueError: a network without a gradient at any image, whose seed could not be paired.
    """
    directions = population_directions(populations, images, output=output, grid=grid)
    for key, population in populations.items():
        if len(directions[key]) < len(population):
            raise ValueError(
                f"{population.specification.name}: a network trained by {key[2]} has no gradient at any image and "
                "leaves its seed without a pair; leave this width out"
            )
    none: dict[str, Any] = {"train_images": images.train_images[:0], "train_labels": images.train_labels[:0]}
    losses, hits = losses_and_hits(populations, images if training_loss else replace(images, **none))
    n_test = len(images.test_labels)

    def stacked(rows: list[list[Key]], of: Callable[[Key], np.ndarray]) -> list[np.ndarray]:
        return [np.stack([of(key) for key in row], axis=-1) for row in rows]

    found = {}
    for family in dict.fromkeys(family for family, *_ in populations):
        widths = dict.fromkeys(width for name, width, _ in populations if name == family)
        settings = tuple(dict.fromkeys(setting for name, _, setting in populations if name == family))
        rows = [[(family, width, setting) for setting in settings] for width in widths]
        found[family] = Measures(
            settings,
            paired_similarities([[directions[key] for key in row] for row in rows], rng, draws),
            stacked(rows, lambda key: losses[key][:, :n_test]),
            stacked(rows, lambda key: hits[key][:, :n_test]),
            stacked(rows, lambda key: losses[key][:, n_test:].mean(1)) if training_loss else [],
        )
    return found


def losses_and_hits(populations: Mapping[Key, Population], images: ImageData) -> tuple[dict, dict]:
    """Cross entropies in nats, and hits (0 or 1), of test and then training images: two times key -> [seeds, n]."""
    # One set of images, so that each network is built once.
    every_image = torch.cat([images.test_images, images.train_images])
    every_label = torch.cat([images.test_labels, images.train_labels])
    scores = population_logits(populations, replace(images, test_images=every_image, test_labels=every_label))
    labels = every_label.numpy()
    losses, hits = {}, {}
    for key, score in scores.items():
        log_p = log_softmax(score.astype(float), axis=2)
        losses[key] = -np.take_along_axis(log_p, labels[None, :, None], axis=2)[..., 0]
        hits[key] = (score.argmax(2) == labels).astype(float)
    return losses, hits


def doubling_effects(
    measures: Measures, lines: Mapping[str, Sequence[Hashable]], sizes: Mapping[str, Sequence[int]], level: float = 0.95
) -> dict[str, dict[str, Interval]]:
    """Line -> measure -> change per doubling of what grows along the line, averaged over widths.

    The rows are the lines, and then the differences of the other lines from the first.

    Args:
        lines: name -> some of the recipes of the measures; sizes: name -> what grows, one number a recipe.
    """
    weights = {name: slope_weights(measures.recipes, line, sizes[name]) for name, line in lines.items()}
    first, *others = weights
    weights |= {f"{name} − {first}": weights[name] - weights[first] for name in others}
    rows = weights.items()
    return {
        row: {name: mean_over_widths(measures, weight, name, level) for name in measures.names} for row, weight in rows
    }


def mean_over_widths(measures: Measures, weights: np.ndarray, name: str, level: float = 0.95) -> Interval:
    """The sum of `weights` [recipes] times a measure, averaged over widths: three numbers."""
    if name == "similarity":
        return interval(measures.similarity, lambda rho, _: (rho @ weights).mean(-1), level=level)
    if name == "training loss":  # of images that are no sample
        samples = [losses @ weights for losses in measures.training_loss]
        return sum_interval(samples, [1 / len(samples)] * len(samples), level=level)
    # A seed's networks are weighed against each other first: what is left varies from seed to seed independently.
    tables = [table @ weights for table in _tables(measures, name)]
    return combined_interval(tables, [1 / len(tables)] * len(tables), level)


@dataclass(frozen=True, eq=False)
class Doubled:
    """What one family does along some of its recipes, on which something grows: `sizes`, one number a recipe."""

    measures: Measures
    recipes: Sequence[Hashable]
    sizes: Sequence[int]

    def change(self, name: str) -> Estimated:
        """Change of a measure per doubling, averaged over widths, as in `doubling_effects`."""
        weights = slope_weights(self.measures.recipes, self.recipes, self.sizes)
        return Estimated(
            lambda level: mean_over_widths(self.measures, weights, name, level),
            self.measures.seeds,  # a seed is one unit under all recipes
            self.measures.similarity[0].images,
        )


def by_population(measures: Measures, name: str, less: Hashable | None = None) -> Interval:
    """A measure of every population, or how far it is above that of the recipe `less`: three arrays [widths, recipes]."""
    weights = np.eye(len(measures.recipes))
    if less is not None:
        weights[measures.recipes.index(less)] -= 1
    if name == "similarity":
        found = interval(measures.similarity, lambda rho, _: rho @ weights)
    elif name == "training loss":
        found = _stacked(mean_interval(losses @ weights) for losses in measures.training_loss)
    else:
        found = _stacked(crossed_interval(table @ weights) for table in _tables(measures, name))
    return found if less is not None else bounded(found, *BOUNDS[name])


def _stacked(intervals: Iterable[Interval]) -> Interval:
    return tuple(np.stack(part) for part in zip(*intervals))


def _tables(measures: Measures, name: str) -> list[np.ndarray]:
    return {"test loss": measures.test_loss, "test accuracy": measures.test_hits}[name]
