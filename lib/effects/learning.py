"""Populations through training: the same networks after several numbers of epochs, and with fewer training images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lib.data.loading import ImageData, mixed_order
from lib.effects.paired import Key, shared_seeds
from lib.effects.scale import Setting
from lib.salience.direction_store import population_directions
from lib.similarity.crossed import similarity_matrix
from lib.similarity.paired_similarity import over_time
from lib.statistics.intervals import Interval, mean_interval
from lib.statistics.sample import Sample, beside
from lib.training.populations import Population, at_hand, train_or_load
from lib.training.specification import Specification

INITIAL = 0  # the place of the untrained networks among the moments of `Learning`


def moments(n_train: int, train_counts: Sequence[int], epoch_counts: Sequence[int]) -> list[Setting]:
    """All images after each number of epochs, then each smaller training set likewise."""
    counts = [n_train, *(count for count in sorted(train_counts) if count < n_train)]
    return [Setting(count, epochs) for count in counts for epochs in sorted(epoch_counts)]


def populations(
    requests: Mapping[Key, Specification], seeds: int, n_train: int
) -> tuple[dict[Key, Population], list[Key]]:
    """The populations of seeds 0 to seeds - 1, and the keys of those that are missing.

    With all `n_train` images what is missing is trained; with fewer, and with a control, nothing is: such networks belong to
    other chapters, or take days.
    """
    usual = {key: one for key, one in requests.items() if one.n_train == n_train and one.control == "none"}
    there = usual | at_hand(requests, range(seeds))
    found = train_or_load({one: range(seeds) for one in there.values()})
    kept = shared_seeds({key: found[one] for key, one in there.items()})
    return kept, [key for key in requests if key not in there]


@dataclass(frozen=True, eq=False)
class Learning:
    """One family, or one of its controls, through training; lists have one entry a width.

    Attributes:
        widths: of the populations.
        settings: of each width; moment 0 is before training, moment 1 + i is settings[i].
        groups: `lib.similarity.paired_similarity.over_time` of the moments.
        accuracy, loss: [networks, settings], on the test images.
        learnt: [settings] bool, whether every network has learnt what claims about it need.
    """

    widths: Sequence[int]
    settings: Sequence[Sequence[Setting]]
    groups: Sequence[Sample]
    accuracy: Sequence[np.ndarray]
    loss: Sequence[np.ndarray]
    learnt: Sequence[np.ndarray]

    @property
    def n_train(self) -> int:
        """The number of all training images."""
        return max(setting.n_train for setting in self.settings[0])

    @property
    def epochs(self) -> list[int]:
        """The numbers of epochs with all images."""
        return [setting.epochs for setting in self.settings[0] if setting.n_train == self.n_train]

    def similarities(self, width: int, places: Sequence[int]) -> Sample:
        """rho(k, k) at these settings of the width at a place, [places]."""
        at = 1 + np.asarray(places, dtype=int)
        return self.groups[width].mapped(lambda both: both[..., 0, at, at])

    def judged(self, width: int) -> list[int]:
        """The places of the settings of a width with all images at which its networks have learnt enough."""
        count = len(self.epochs)
        return [place for place in range(count) if self.learnt[width][place]]

    def points(self) -> tuple[Sample, list[tuple[int, int, int]]]:
        """rho(k, k) of every population that has learnt enough, and its width, training images and epochs."""
        places = [np.flatnonzero(passed).tolist() for passed in self.learnt]
        numbers = [
            (self.widths[width], self.settings[width][place].n_train, self.settings[width][place].epochs)
            for width, own in enumerate(places)
            for place in own
        ]
        return beside([self.similarities(width, own) for width, own in enumerate(places)]), numbers

    def over_epochs(self, rows: Sequence[np.ndarray]) -> Interval:
        """Means over networks of accuracies or losses with all images: three arrays [widths, epochs]."""
        found = [mean_interval(row[:, : len(self.epochs)]) for row in rows]
        return tuple(np.stack(part) for part in zip(*found))

    def similarity_over_epochs(self) -> Interval:
        """rho(k, k) with all images: three arrays [widths, epochs]."""
        every = range(len(self.epochs))
        found = [self.similarities(width, every).interval() for width in range(len(self.widths))]
        return tuple(np.stack(part) for part in zip(*found))


def viewed(images: ImageData, count: int | None) -> ImageData:
    """The images with so many of their test images; None: all of them, as they are."""
    if count is None:
        return images
    drawn = mixed_order(images.test_labels)[:count]
    return replace(images, test_images=images.test_images[drawn], test_labels=images.test_labels[drawn])


def learning(
    found: Mapping[Key, Population], images: ImageData, least: float, seed: Sequence[int], draws: int, **look
) -> dict[str, Learning]:
    """Family -> its networks through training, by their directions on the test images.

    Args:
        least: test accuracy of networks that have learnt enough.
        seed: decides the draws of images, the same for all widths.
        look: output and grid of `population_directions`.
    """
    trained = population_directions(found, images, keep_dead=True, **look)
    first = {key[:2]: key for key in reversed(list(found))}  # of each width, for its initial weights
    initial = population_directions(
        {key: found[key] for key in first.values()}, images, untrained=True, keep_dead=True, **look
    )
    result = {}
    for family in dict.fromkeys(family for family, *_ in found):
        widths = list(dict.fromkeys(width for name, width, _ in found if name == family))
        keys = [[key for key in found if key[:2] == (family, width)] for width in widths]
        groups = [
            over_time(
                [initial[first[own[0][:2]]], *(trained[key] for key in own)], np.random.default_rng(list(seed)), draws
            )
            for own in keys
        ]
        accuracy, loss = (
            [
                np.array([[getattr(network, name)[-1] for network in found[key].networks] for key in own]).T
                for own in keys
            ]
            for name in ("test_accuracy", "test_loss")
        )
        passed = [table.min(0) >= least for table in accuracy]
        settings = [[key[2] for key in own] for own in keys]
        result[family] = Learning(widths, settings, groups, accuracy, loss, passed)
    return result


def by_epochs(
    specification: Specification,
    seeds: int,
    images: ImageData,
    *,
    output: str,
    grid: int | None,
    rng: np.random.Generator,
    draws: int,
) -> dict[int, Interval]:
    """rho(k, k) of one population after each of its snapshots: epochs -> interval over networks and images."""
    requests = {replace(specification, epochs=count): range(seeds) for count in specification.snapshots}
    populations = {one.epochs: population for one, population in train_or_load(requests).items()}
    directions = population_directions(populations, images, output=output, grid=grid)
    matrices = {count: similarity_matrix([found], rng, draws) for count, found in directions.items()}
    return {count: tuple(float(part.item()) for part in matrix.interval()) for count, matrix in matrices.items()}
