"""Attacks between the networks of populations: who is attacked with whose gradient, and samples of the outcome.

Networks stand in groups: the first A networks of every population are attacked and attack, one a group, and further
ones join the groups in turn (position modulo A).  A target is attacked only with gradients of *other* groups, so that
no network meets itself and no mean direction holds its target.  Leaving one group out of everything, as source, as
target and as a part of means, then is one step of a jackknife over networks.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import nn

from lib.attacks.one_step import SUMMARIES, Scores, fgsm, random_signs, ratios, resampled_summaries, true_class_scores
from lib.runtime import array_store
from lib.runtime.checks import check_count
from lib.salience.extraction import directions, input_gradients
from lib.statistics.sample import Sample
from lib.training.populations import Population

DRAWS = 500  # of images, for intervals, each repeated without every group: with fewer a seed can decide a verdict
# Share of the sum of planted ratios that their largest 1 % have in the heaviest tail on which the tests try intervals.
TRIED_TAIL = 0.055
LEAST = 3  # groups: leaving one out has to leave a pair


@dataclass(frozen=True, eq=False)
class Networks:
    """One population, ready to attack and to be attacked; A groups.

    Attributes:
        models: the A that are attacked; clean: their scores of the clean images, [A, n].
        gradients: of their true-class probability, [A, n, C, H, W].
        unit_sums: [A, n, C, H, W], sums of the unit gradients of all networks of a group.
        digest: of the population.
    """

    models: list[nn.Module]
    clean: Scores
    gradients: torch.Tensor
    unit_sums: torch.Tensor
    digest: str


@dataclass(frozen=True, eq=False)
class Source:
    """gradients[i, j], [A, A, n, C, H, W], attack target j: network i's own or, `mean`, the mean without groups i, j.

    Of a mean, [j, j] leaves nothing out but the target's group; of single networks it is not used.
    """

    gradients: torch.Tensor
    mean: bool = False

    @cached_property
    def digest(self) -> str:
        """Of all gradients."""
        same = self.gradients.stride(1) == 0  # for all targets
        return array_store.digest_of((self.gradients[:, 0] if same else self.gradients).numpy())


@dataclass(frozen=True, eq=False)
class Transfer:
    """Scores before and under attack.

    Attributes:
        before: [targets, 1, A, n], the same for every source.
        after: [sources, targets, A, A, n]; NaN for a network and itself.
        means: which sources are mean directions.
    """

    before: Scores
    after: Scores
    means: tuple[bool, ...]

    @property
    def ratios(self) -> np.ndarray:
        """p_y(attacked) / p_y(clean) of single images, [sources, targets, A, A, n]."""
        return ratios(self.before, self.after)

    def resampled(
        self, rng: np.random.Generator, draws: int = DRAWS, summaries: Collection[str] = SUMMARIES
    ) -> dict[str, Sample]:
        """Each summary as a matrix [sources, targets]; its intervals count groups of networks and images as samples."""
        *_, groups, images = self.before.right.shape
        matrices = {}
        for name, pairs in resampled_summaries(self.before, self.after, rng, draws, summaries).items():
            values = _averages(pairs, self.means)  # [1 + draws, 1 + A, sources, targets]
            parts = values[0, 0], values[0, 1:], values[1:, 0], values[1:, 1:]
            matrices[name] = Sample(*parts, (groups,), images)
        return matrices


def prepare(population: Population, images: torch.Tensor, labels: torch.Tensor, groups: int) -> Networks:
    """The gradients and clean scores of a population on images [n, C, H, W].

    Raises:
        ValueError: fewer than 3 groups, or a population of fewer networks than groups.
    """
    check_count("groups", groups, LEAST)
    if len(population) < groups:
        raise ValueError(
            f"{population.specification.name} has {len(population)} networks, and {groups} are to be attacked; "
            "ask for more seeds or attack fewer"
        )
    models, own, sums, clean = [], [], torch.zeros(groups, *images.shape), []
    for place, model in enumerate(population.models()):
        found = input_gradients(model, images, labels, output="probability")
        sums[place % groups] += directions(found, grid=None).reshape(images.shape)
        if place < groups:
            models.append(model.to(memory_format=torch.channels_last))  # a CPU convolves faster in this order
            own.append(found)
            clean.append(true_class_scores(model, images, labels))
    return Networks(models, Scores.stacked(clean), torch.stack(own), sums, population.digest)


def single(networks: Networks) -> Source:
    """Every network attacks with its own gradient."""
    return _same_for_all(networks.gradients)


def mean_direction(populations: Sequence[Networks]) -> Source:
    """The direction of the summed unit gradients of several populations, without the target's group."""
    sums = torch.stack([networks.unit_sums for networks in populations]).sum(0)
    # Summed group by group: subtracting from a total would leave rounding where a gradient is zero.
    groups = range(len(sums))
    rows = [torch.stack([sums[[g for g in groups if g not in (i, j)]].sum(0) for j in groups]) for i in groups]
    return Source(torch.stack(rows), mean=True)


def random_source(groups: int, images: torch.Tensor, rng: np.random.Generator) -> Source:
    """Signs that know nothing, drawn once for every group and used against all targets."""
    return _same_for_all(random_signs((groups, *images.shape), rng))


def attack(
    sources: Mapping[str, Source], targets: Sequence[Networks], images: torch.Tensor, labels: torch.Tensor, eps: float
) -> Transfer:
    """All sources against all targets in the normalised step `eps`."""
    groups = {len(networks.models) for networks in targets} | {len(source.gradients) for source in sources.values()}
    if len(groups) != 1:
        raise ValueError(f"sources and targets need equally many groups, not {', '.join(map(str, sorted(groups)))}")
    digests = [array_store.digest_of(part.numpy()) for part in (images, labels)]
    decides = [[[one.digest, one.mean] for one in sources.values()], [one.digest for one in targets], *digests]
    found = array_store.stored(
        "attacks",
        Scores._fields,
        __name__,
        [*decides, float(eps), *groups],
        lambda: _attacked(list(sources.values()), targets, images, labels, eps)._asdict(),
    )
    before = Scores(*(part[:, None] for part in Scores.stacked([networks.clean for networks in targets])))
    return Transfer(before, Scores(**found), tuple(source.mean for source in sources.values()))


def _attacked(
    sources: Sequence[Source], targets: Sequence[Networks], images: torch.Tensor, labels: torch.Tensor, eps: float
) -> Scores:
    """Scores of all targets under attack, [sources, targets, A, A, n]."""
    count = len(targets[0].models)
    after = Scores.unknown(len(sources), len(targets), count, count, len(images))
    for j in range(count):
        used = [(row, i) for row, source in enumerate(sources) for i in range(count) if source.mean or i != j]
        attacked = torch.stack([fgsm(images, sources[row].gradients[i, j], eps=eps) for row, i in used])
        rows, columns = np.transpose(used)
        for column, networks in enumerate(targets):
            scores = true_class_scores(networks.models[j], attacked, labels)
            for part, found in zip(after, scores):
                part[rows, column, columns, j] = found
    return after


def step_length(source: Source, images: torch.Tensor, eps: float) -> float:
    """Mean Euclidean length of a source's steps: clipping, and gradients of zero, make some shorter than others."""
    steps = [fgsm(images, source.gradients[i, i], eps=eps) - images for i in range(len(source.gradients))]
    return float(torch.stack(steps).flatten(2).norm(dim=2).mean())


def zero_gradients(networks: Networks) -> int:
    """How many images of the attacking networks have no gradient at all: such attacks do nothing."""
    return int((~networks.gradients.flatten(2).any(2)).sum())


def _same_for_all(gradients: torch.Tensor) -> Source:
    return Source(gradients[:, None].expand(-1, len(gradients), *gradients.shape[1:]))


def _averages(pairs: np.ndarray, means: Sequence[bool]) -> np.ndarray:
    """[draws, sources, targets, A, A] -> [draws, 1 + A, sources, targets]: with all groups, then without each."""
    groups = pairs.shape[-1]
    weights = np.zeros((1 + groups, len(means), groups, groups))
    for left_out in (None, *range(groups)):
        kept = np.array([group != left_out for group in range(groups)], dtype=float)
        rest = np.outer(kept, kept) * (1 - np.eye(groups))
        mean = np.eye(groups) if left_out is None else np.outer(1 - kept, kept)
        for row, is_mean in enumerate(means):
            chosen = mean if is_mean else rest
            weights[0 if left_out is None else 1 + left_out, row] = chosen / chosen.sum()
    never = np.logical_not(means)[:, None, None, None] & np.eye(groups, dtype=bool)  # a network against itself
    return np.einsum("dstij,rsij->drst", np.where(never, 0, pairs), weights)
