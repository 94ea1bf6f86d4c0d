"""The book's main numbers for any networks on any images: rho, mean-direction cosines and E[t] between groups.

A group holds networks that differ by chance alone, for instance one architecture trained from several seeds.
Similarity within a group needs two of them, and an interval that counts networks three.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import torch

from lib.models import doors
from lib.own.gradients import check_network, directions
from lib.own.groups import Group, Networks, Scores, grouped, pair_table
from lib.runtime.checks import check_count
from lib.runtime.room import check_memory
from lib.runtime.tasks import progress
from lib.salience import extraction
from lib.similarity import rank_one
from lib.similarity.cosines import by_image, has_direction
from lib.similarity.crossed import similarity_matrix
from lib.statistics.intervals import Interval
from lib.statistics.sample import resampled_means

COPIES = 3  # of all directions that are held at once
IMAGES_ALONE = "The intervals count images alone as samples, and say nothing about other networks of the same kind."
NO_GROUP = "A single network has no similarity within its group, no mean direction and no E[t] of its own"
FITTED = (
    "Its E[t] is that of the rank-one fit log rho_ij = a_i + a_j, which holds if all groups share one mean direction."
)
FITTED_OF_THREE = "With three groups or more a rank-one fit would estimate it."
NOT_ALL_DRAWS = "a similarity that it rests on is not positive on all draws of images"


@dataclass(frozen=True, eq=False)
class Comparison:
    """What groups of networks have in common; see `compare`.

    Attributes:
        directions: group -> [networks, images, dims] unit rows, for all else that `lib` can do with them.
        accuracy: of each group, the mean over its networks: [groups].
        samples: what the intervals count as samples, 'networks and images' or, where a group has a single network,
            'images' alone.
        rho: expected similarity over pairs of different networks, NaN within a group of one: [groups, groups].
        mean_direction_cosines: rho12 / sqrt(rho11 rho22), NaN for a group of one: [groups, groups].
        expected_t: E[t], the mean cosine with the group's mean direction: [groups].  Of several networks the root of
            rho(k, k); of a single one exp(a_k) of the rank-one fit to the pairs of all groups, if there are three.

    The last three are (estimate, low, high) with 95 % intervals, NaN where there is none.
    """

    directions: dict[str, np.ndarray]
    accuracy: np.ndarray
    samples: str
    rho: Interval
    mean_direction_cosines: Interval
    expected_t: Interval

    @property
    def groups(self) -> list[str]:
        """The names, in the order of all arrays."""
        return list(self.directions)

    @property
    def networks(self) -> list[int]:
        """How many networks each group has."""
        return [len(rows) for rows in self.directions.values()]

    def table(self) -> pd.DataFrame:
        """A row a group: its networks, accuracy, E[t] with its interval, and the share of gradients that are zero."""
        zero = [1 - has_direction(rows).mean() for rows in self.directions.values()]
        estimate, low, high = self.expected_t
        columns = {"networks": self.networks, "accuracy": self.accuracy, "E[t]": estimate, "low": low, "high": high}
        return pd.DataFrame(columns | {"zero gradients": zero}, index=pd.Index(self.groups, name="group"))

    def to_frame(self) -> pd.DataFrame:
        """A row for every two groups, a group and itself too: rho and the mean-direction cosine with their intervals."""
        pairs = [(i, j) for i in range(len(self.groups)) for j in range(i, len(self.groups))]
        measures = {"rho": self.rho, "mean-direction cosine": self.mean_direction_cosines}
        return pair_table(self.groups, pairs, measures, ["group", "other group"])

    def notes(self) -> list[str]:
        """What must be known to read the numbers, in sentences."""
        counts = dict(zip(self.groups, self.networks))
        single, pairs = ([name for name, there in counts.items() if there == count] for count in (1, 2))
        found = [IMAGES_ALONE if single else "The intervals count networks and images as samples."]
        if single:
            fitted = len(self.groups) > 2
            found.append(f"{NO_GROUP}: {', '.join(single)}. {FITTED if fitted else FITTED_OF_THREE}")
        elif pairs:
            found.append(f"Two networks give no interval within their group: {', '.join(pairs)}.")
        if np.isnan(self.expected_t[0]).any() and (len(self.groups) > 2 or not single):
            found.append("There is no E[t] where a similarity that it rests on is not positive.")
        if unsettled := self._unsettled():
            found.append(f"The mean-direction cosine is not established, because {NOT_ALL_DRAWS}: {unsettled}.")
        if single and np.isnan(self.expected_t[1][np.isfinite(self.expected_t[0])]).any():
            found.append(f"E[t] has no interval where {NOT_ALL_DRAWS}.")
        return found

    def _unsettled(self) -> str:
        """The pairs of groups of two networks or more whose mean-direction cosine has no interval."""
        _, low, high = self.mean_direction_cosines
        lacks = np.isnan(low) | np.isnan(high)
        lacks |= (np.diag(self.rho[1]) <= 0)[:, None] | (np.diag(self.rho[1]) <= 0)
        several = [place for place, count in enumerate(self.networks) if count > 1]
        pairs = [(i, j) for i, j in combinations(several, 2) if lacks[i, j]]
        return "; ".join(f"{self.groups[i]} and {self.groups[j]}" for i, j in pairs)


def compare(
    models: Mapping[str, Networks],
    images: torch.Tensor | Mapping[str, torch.Tensor],
    labels: torch.Tensor,
    *,
    grid: int | None = 8,
    output: str = "logit",
    scores: Scores | Mapping[str, Scores] | None = None,
    batch_size: int = 64,
    device: str = "auto",
    draws: int = 500,
    seed: int = 0,
) -> Comparison:
    """Rho map, mean-direction cosines and E[t] of groups of networks on the same labelled images.

    Networks are used in eval mode, one after another, and left as they were; of their gradients only the directions
    are kept, `batch_size` images at a time.

    Args:
        models: group -> its network or networks, any modules; a generator makes one after another, the first before
            anything is computed.
        images: [n, C, H, W], as the networks take them; or group -> such images, the same ones in the same order, for
            networks that take other sizes.
        labels: [n] class indices, in the order of the networks' scores.
        grid: as in `lib.salience.extraction.directions`, up to the smaller side of the images.
        output: as in `lib.salience.extraction.input_gradients`.
        scores: takes [images, classes] scores out of what a network returns, where it returns something else; or group
            -> such a function.  By default what the network returns, or the attribute `logits` of that.
        draws: of the images, for the intervals; `seed` makes them.

    Raises:
        ValueError: arguments that do not fit together, or more directions than there is memory for.
        lib.models.ModelError: a ValueError about one network, by name: it cannot take the images, returns no
            class scores or too few, has no gradient anywhere, or stays in train mode.

    Warns: of networks that return probabilities, and of networks that are no better than guessing.
    """
    extraction.check_output(output)
    check_count("batch_size", batch_size)
    check_count("draws", draws, 2)
    check_count("seed", seed, 0)
    groups = grouped(models, images, scores, grid)
    labels = doors.as_labels(labels, len(groups[0].images))
    check_memory(len(labels), _bytes_an_image(groups, grid), "images with the directions of these networks")
    for group in groups:  # a mistake is told before anything is computed
        for model in group.first():
            check_network(model, group.images, labels, device)
    settings = {"grid": grid, "output": output, "batch_size": int(batch_size), "device": device}
    rows, accuracies = _measured(groups, labels, settings)
    chance = float(labels.bincount().max() / len(labels))
    if guessing := "; ".join(title for found in accuracies for title, right in found.items() if right <= chance):
        warnings.warn(
            f"no better than always naming the most frequent class: {guessing}; are the labels in the order of the "
            "scores, and the images normalised as in training?",
            stacklevel=2,
        )
    accuracy = np.array([np.mean(list(found.values())) for found in accuracies])
    return _compared(rows, accuracy, np.random.default_rng(seed), draws)


def _measured(
    groups: list[Group], labels: torch.Tensor, settings: dict
) -> tuple[dict[str, np.ndarray], list[dict[str, float]]]:
    """Directions, group -> [networks, images, dims], and the accuracies of each group, network -> accuracy."""
    rows: dict[str, list[np.ndarray]] = {group.name: [] for group in groups}
    accuracies: list[dict[str, float]] = [{} for _ in groups]
    with progress(len(labels) * sum(len(group.here) for group in groups), "input gradients", delay=2) as bar:
        for group, found in zip(groups, accuracies):
            for model in group.all():
                bar.total = max(bar.total, bar.n + len(labels))  # nobody knows how many a generator makes
                bar.set_description_str(f"input gradients of {model.name}")
                one, found[model.name] = directions(model, group.images, labels, **settings, advance=bar.update)
                rows[group.name].append(one)
    return {name: np.stack(found) for name, found in rows.items()}, accuracies


def _bytes_an_image(groups: list[Group], grid: int | None) -> int:
    """What the directions of all networks that are there take."""
    dims = [group.images.shape[1] * (grid**2 if grid else group.images[0, 0].numel()) for group in groups]
    return COPIES * 4 * sum(len(group.here) * own for group, own in zip(groups, dims))


def _compared(
    directions: dict[str, np.ndarray], accuracy: np.ndarray, rng: np.random.Generator, draws: int
) -> Comparison:
    populations = list(directions.values())
    single = np.array([len(rows) for rows in populations]) == 1
    if len(populations) == 1 and single.all():
        raise ValueError("one network alone has nothing to be compared with; give two or more")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*gradients are zero")  # the table counts them
        if single.any():
            matrix = resampled_means(by_image(populations), rng, draws)
        else:
            matrix = similarity_matrix(populations, rng, draws)

    def expected_t(rho: np.ndarray) -> np.ndarray:
        if not single.any() or len(populations) < 3:
            return rank_one.resultants(rho)
        return np.where(single, np.exp(rank_one.coefficients(rho, diagonal=False)), rank_one.resultants(rho))

    samples = "images" if single.any() else "networks and images"
    intervals = matrix.interval(), matrix.interval(rank_one.cosines), matrix.interval(expected_t)
    return Comparison(directions, accuracy, samples, *intervals)
