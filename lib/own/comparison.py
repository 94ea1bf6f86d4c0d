"""The book's main numbers for any networks on any images: rho, mean-direction cosines and E[t] between groups.

A group holds networks that differ by chance alone, for instance one architecture trained from several seeds.
Similarity within a group needs two of them, and an interval that counts networks three.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
import pandas as pd
import torch
from torch import nn

from lib.models import doors
from lib.models.class_scores import ClassScores
from lib.own.gradients import check_network, directions
from lib.runtime.checks import check_count
from lib.salience import extraction
from lib.similarity import rank_one
from lib.similarity.cosines import by_image, has_direction
from lib.similarity.crossed import similarity_matrix
from lib.statistics.intervals import Interval
from lib.statistics.sample import resampled_means

Group = nn.Module | Iterable[nn.Module]
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
    models: Mapping[str, Group],
    images: torch.Tensor | Mapping[str, torch.Tensor],
    labels: torch.Tensor,
    *,
    grid: int | None = 8,
    output: str = "logit",
    scores: Callable[[object], torch.Tensor] | None = None,
    batch_size: int = 64,
    device: str = "auto",
    draws: int = 500,
    seed: int = 0,
) -> Comparison:
    """Rho map, mean-direction cosines and E[t] of groups of networks on the same labelled images.

    Networks are used in eval mode, one after another, and left as they were; of their gradients only the directions
    are kept, `batch_size` images at a time.

    Args:
        models: group -> its network or networks, any modules; a generator makes one after another.
        images: [n, C, H, W], as the networks take them; or group -> such images, the same ones in the same order, for
            networks that take other sizes.
        labels: [n] class indices, in the order of the networks' scores.
        grid: as in `lib.salience.extraction.directions`, up to the smaller side of the images.
        output: as in `lib.salience.extraction.input_gradients`.
        scores: takes [images, classes] scores out of what a network returns, where it returns something else; by
            default what it returns, or the attribute `logits` of that.
        draws: of the images, for the intervals; `seed` makes them.

    Raises:
        ValueError: arguments that do not fit together.
        lib.models.ModelError: a ValueError about one network, by name: it cannot take the images, returns no
            class scores or too few, has no gradient anywhere, or stays in train mode.

    Warns: of networks that return probabilities, and of networks that are no better than guessing.
    """
    extraction.check_output(output)
    check_count("batch_size", batch_size)
    check_count("draws", draws, 2)
    models = _named("models", models)
    if not models:
        raise ValueError("there are no models; give a dictionary of a name and a torch.nn.Module, or several, each")
    images = _checked_images(models, images, grid)
    labels = doors.as_labels(labels, len(next(iter(images.values()))))
    ready = {name: group for name, group in models.items() if not isinstance(group, Iterator)}
    for name, title, model in _each(ready):  # a mistake is told before anything is computed
        check_network(ClassScores(title, model, scores), images[name], labels, device)
    settings = {"grid": grid, "output": output, "batch_size": int(batch_size), "device": device}
    rows, right, guessing = ({name: [] for name in models} for _ in range(3))
    for name, title, model in _each(models):
        found, accuracy = directions(ClassScores(title, model, scores), images[name], labels, **settings)
        rows[name].append(found)
        right[name].append(accuracy)
        guessing[name] += [title] * (accuracy <= labels.bincount().max() / len(labels))
    if named := "; ".join(chain(*guessing.values())):
        warnings.warn(
            f"no better than always naming the most frequent class: {named}; are the labels in the order of the "
            "scores, and the images normalised as in training?",
            stacklevel=2,
        )
    stacked = {name: np.stack(found) for name, found in rows.items()}
    accuracy = np.array([np.mean(found) for found in right.values()])
    return _compared(stacked, accuracy, np.random.default_rng(seed), draws)


def _each(models: Mapping[str, Group]) -> Iterator[tuple[str, str, nn.Module]]:
    """Group, what messages call the network, and the network itself."""
    for name, group in models.items():
        if not isinstance(group, nn.Module | Iterable):
            raise ValueError(f"the group {name!r} must be a torch.nn.Module or several, not a {type(group).__name__}")
        if isinstance(group, nn.Module) and not isinstance(group, nn.ModuleList):
            yield name, name, group
            continue
        place = 0
        for place, model in enumerate(group, 1):
            yield name, f"{name}, network {place}", model
        if not place:
            raise ValueError(f"the group {name!r} has no networks")


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


def _named(what: str, given: object) -> dict:
    """A mapping, or nn.ModuleDict, as a dictionary of names."""
    if not isinstance(given, Mapping | nn.ModuleDict):
        raise ValueError(
            f"{what} must be a dictionary of a name and a torch.nn.Module, or several, each, not a "
            f"{type(given).__name__}"
        )
    if unnamed := [name for name in given if not isinstance(name, str)]:
        raise ValueError(f"the names of groups must be strings, not {unnamed[0]!r}")
    return dict(given.items())


def _checked_images(
    groups: Iterable[str], images: torch.Tensor | Mapping[str, torch.Tensor], grid: int | None
) -> dict[str, torch.Tensor]:
    """Group -> its images."""
    if not isinstance(images, Mapping):
        images = dict.fromkeys(groups, doors.as_images(images, least=2))
    if missing := [name for name in groups if name not in images]:
        raise ValueError(f"the group {missing[0]!r} has no images; those that have are {', '.join(map(repr, images))}")
    found = {name: doors.as_images(images[name], least=2) for name in groups}
    for part in found.values():
        extraction.check_grid(grid, min(part.shape[2:]))
    if len({len(part) for part in found.values()}) > 1:
        raise ValueError("all groups need the same images, in the same order")
    if len({part.shape[1:] if grid is None else part.shape[1] for part in found.values()}) > 1:
        raise ValueError("the images of all groups need the same number of channels, and without a grid the same size")
    return found
