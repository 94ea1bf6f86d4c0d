"""Networks in groups, with their images and what takes their scores, checked; and tables of every two of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar

import pandas as pd
import torch
from torch import nn

from lib.models import doors
from lib.models.class_scores import ClassScores
from lib.runtime.checks import did_you_mean
from lib.salience import extraction
from lib.statistics.intervals import Interval

Networks = nn.Module | Iterable[nn.Module]
Of = TypeVar("Of")
Scores = Callable[[object], torch.Tensor]


@dataclass(frozen=True, eq=False)
class Group:
    """Networks of one kind under a name.

    Attributes:
        here: those that are there already, of a generator the first one; further: those that it makes after that.
        several: whether they are numbered in messages.
        images: [n, C, H, W], as they take them; scores: as `lib.models.ClassScores` takes it.
    """

    name: str
    here: list[nn.Module]
    further: Iterator[nn.Module]
    several: bool
    images: torch.Tensor
    scores: Scores | None

    def first(self) -> Iterator[ClassScores]:
        """Those that are there already, as class scores with a title for messages."""
        return self._titled(self.here)

    def all(self) -> Iterator[ClassScores]:
        """All of them, one after another; once, where a generator makes them."""
        return self._titled(chain(self.here, self.further))

    def _titled(self, networks: Iterable[nn.Module]) -> Iterator[ClassScores]:
        for place, model in enumerate(networks, 1):
            yield ClassScores(f"{self.name}, network {place}" if self.several else self.name, model, self.scores)


def grouped(
    models: Mapping[str, Networks],
    images: torch.Tensor | Mapping[str, torch.Tensor],
    scores: Scores | Mapping[str, Scores] | None,
    grid: int | None,
) -> list[Group]:
    """The groups that `lib.own.compare` was given.

    Raises:
        ValueError: no networks, names that are no strings, images that are missing or do not fit together or to the
            grid, or scores of a group that is not there.
    """
    models = named(models)
    images = _images_of(models, images, grid)
    if isinstance(scores, Mapping) and (unknown := [name for name in scores if name not in models]):
        hint = did_you_mean(unknown[0], models)
        raise ValueError(f"scores has the group {unknown[0]!r}; {hint}the groups are {', '.join(map(repr, models))}")
    picks = scores if isinstance(scores, Mapping) else dict.fromkeys(models, scores)
    return [Group(name, *_networks(name, found), images[name], picks.get(name)) for name, found in models.items()]


def named(models: Mapping[str, Of]) -> dict[str, Of]:
    """A mapping, or nn.ModuleDict, as a dictionary; ValueError for anything else, or an empty one."""
    if not isinstance(models, Mapping | nn.ModuleDict):
        raise ValueError(
            "models must be a dictionary of a name and a torch.nn.Module, or several, each, not a "
            f"{type(models).__name__}"
        )
    if unnamed := [name for name in models if not isinstance(name, str)]:
        raise ValueError(f"the names of groups must be strings, not {unnamed[0]!r}")
    if not models:
        raise ValueError("there are no models; give a dictionary of a name and a torch.nn.Module, or several, each")
    return dict(models.items())


def pair_table(
    names: Sequence[str], pairs: Sequence[tuple[int, int]], measures: Mapping[str, Interval], index: Sequence[str]
) -> pd.DataFrame:
    """A row for each of the pairs, named as `index` says, and columns (measure, estimate | low | high).

    measures: name -> (estimate, low, high), each [names, names].
    """
    columns = {
        (name, end): [values[pair] for pair in pairs]
        for name, interval in measures.items()
        for end, values in zip(("estimate", "low", "high"), interval)
    }
    rows = pd.MultiIndex.from_tuples([(names[i], names[j]) for i, j in pairs], names=index)
    return pd.DataFrame(columns, rows)


def _networks(name: str, found: object) -> tuple[list[nn.Module], Iterator[nn.Module], bool]:
    """Those that are there, those that follow, and whether they are several."""
    if isinstance(found, nn.Module) and not isinstance(found, nn.ModuleList):
        return [found], iter(()), False
    if not isinstance(found, Iterable):
        raise ValueError(f"the group {name!r} must be a torch.nn.Module or several, not a {type(found).__name__}")
    further: Iterator[nn.Module] = found if isinstance(found, Iterator) else iter(())
    here = list(islice(found, 1) if isinstance(found, Iterator) else found)
    if not here:
        raise ValueError(f"the group {name!r} has no networks")
    return here, further, True


def _images_of(
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
