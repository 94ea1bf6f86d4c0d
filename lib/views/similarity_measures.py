"""Measures of how alike two networks are, and what each of them promises; a further measure is a row of MEASURES.

What they see of a network is `lib.views.seen.Seen`.  Two networks of one family are compared at the same block: the last
one, before the mean over positions, as ReSi does (Klabunde et al., ICLR 2025); matchings at the last but one, because
behind the last there is only a linear map and every stitch would be a linear probe.
"""

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from torch.nn import functional as F

from lib.cka.estimators import linear_cka
from lib.similarity.cosines import has_direction, individual
from lib.stitching import similarity_indices as indices
from lib.stitching.matchings import accuracy, direct_match, residual
from lib.stitching.similarity_indices import INVERTIBLE, ROTATIONS, SIMILARITY_INDICES
from lib.stitching.task_loss import match_task_loss
from lib.views.seen import Seen

GRADIENTS, REPRESENTATIONS, STITCHES, PREDICTIONS, OWN = KINDS = (
    "input gradients",
    "representations",
    "stitching",
    "predictions",
    "your own",
)
RHO, ANGLE, AGREEMENT = "ρ", "1 − angle", "equal predictions"
CKA_BIASED, CKA_UNBIASED, RSA = "CKA, biased", "CKA, unbiased", "RSA"
PROCRUSTES, PWCCA, MEAN_CCA = indices.PROCRUSTES, indices.PWCCA, indices.MEAN_CCA
DIRECT, TASK_LOSS = "direct matching", "task loss matching"


@dataclass(frozen=True)
class Measure:
    """A measure of similarity, or of distance, of two networks.

    Attributes:
        of: the two networks -> number.
        sees: one of KINDS.
        least, most: its range.
        larger: whether more is more alike.
        symmetric: whether the two may be exchanged; of others both directions are averaged, or, where they cost too much
            (`once`), one of them is taken.
        first, second: which maps (`lib.stitching.similarity_indices.GROUPS`) change nothing as maps of the channels of the first, and of the second; '' where
            it has no such invariance, or sees no channels.
        shifts: whether a shift of the second's channels changes nothing.
        place: the block that it compares where networks are compared.
    """

    of: Callable[[Seen, Seen], float]
    sees: str
    least: float = 0.0
    most: float = 1.0
    larger: bool = True
    symmetric: bool = True
    first: str = ""
    second: str = ""
    shifts: bool = True
    place: int = -1
    once: bool = False

    @property
    def layered(self) -> bool:
        """Whether it compares layers, so that it can compare those of one network."""
        return self.sees in (REPRESENTATIONS, STITCHES)

    def alike(self, first: Seen, second: Seen) -> float:
        """How alike two networks are, at the places at which they are seen; more is more alike."""
        pairs = [(first, second)] if self.symmetric or self.once else [(first, second), (second, first)]
        value = float(np.mean([self.of(*pair) for pair in pairs]))
        return value if self.larger else -value


def own(function: Callable | str) -> Measure:
    """A reader's measure, a function of two networks and images [n, C, H, W] -> number, more for what is more alike.

    `function`: itself, or where it lies, 'package.module:function'.

    Raises:
        ValueError: there is no such function.
    """
    if isinstance(function, str):
        try:
            function = pkgutil.resolve_name(function)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"there is no function {function!r}: {error}") from None
    return Measure(lambda a, b: float(function(a.model, b.model, a.images)), OWN, -np.inf, np.inf)


def matrix(measure: Measure, networks: Sequence[Seen], tick: Callable[[], object] = lambda: None) -> np.ndarray:
    """How alike every two of some networks are: [networks, networks], the diagonal NaN; `tick` is called for every pair."""
    return _matrix(measure, [network.at(measure.place) for network in networks], tick)


def layer_matrix(measure: Measure, network: Seen) -> np.ndarray:
    """How alike every two blocks of one network are: [blocks, blocks], the diagonal NaN."""
    return _matrix(measure, [network.at(place) for place in range(len(network.layers))])


def _matrix(measure: Measure, seen: Sequence[Seen], tick: Callable[[], object] = lambda: None) -> np.ndarray:
    found = np.full((len(seen),) * 2, np.nan)
    for i, j in combinations(range(len(seen)), 2):
        pair = (seen[i], seen[j]) if (i + j) % 2 else (seen[j], seen[i])  # each is as often the first as the second
        found[i, j] = found[j, i] = measure.alike(*pair)
        tick()
    return found


def _angle(a: Seen, b: Seen) -> float:
    """1 less the mean angle in units of 180 degrees, over images at which both have a direction."""
    u, v = a.directions.astype(float), b.directions.astype(float)
    both = has_direction(u[None])[0] & has_direction(v[None])[0]
    return float(1 - np.arccos(np.clip((u * v).sum(1)[both], -1, 1)).mean() / np.pi)


def _index(name: str, a: Seen, b: Seen) -> float:
    """An index of `lib.stitching.similarity_indices`; where positions are samples, a larger map is averaged to the size of the
    smaller, as ReSi does."""
    x, y = a.layer.test, b.layer.test
    if SIMILARITY_INDICES[name].by_position and x.shape[2:] != y.shape[2:]:
        rows, columns = (min(sides) for sides in zip(x.shape[2:], y.shape[2:]))
        x, y = (F.adaptive_avg_pool2d(part, (rows, columns)) for part in (x, y))
        x, y = (part.movedim(1, -1).flatten(0, -2) for part in (x, y))
    return SIMILARITY_INDICES[name].between(x, y)


def _second_moments(a: Seen, b: Seen) -> float:
    """Rank correlation over pairs of different images of the inner products of their centred representations."""
    return float(np.corrcoef(a.moment_ranks, b.moment_ranks)[0, 1])


def _direct(a: Seen, b: Seen) -> float:
    """Residual on the images of the best map of the fitting images."""
    return residual(direct_match(a.layer.train, b.layer.train)(a.layer.test), b.layer.test)


def _task_loss(a: Seen, b: Seen, epochs: int, learning_rate: float) -> float:
    """Accuracy of the front of the first, a map that was trained on the labels, and the end of the second."""
    found = match_task_loss(
        [a.layer.train], b.end, b.layer.train.shape[1:], a.labels.train, epochs=epochs, learning_rate=learning_rate
    )
    return accuracy(found[0], a.layer.test, b.end, a.labels.test)


def task_loss(epochs: int, learning_rate: float) -> Measure:
    """Task loss matching, whose maps are trained so long."""
    of = partial(_task_loss, epochs=epochs, learning_rate=learning_rate)
    return Measure(of, STITCHES, symmetric=False, shifts=False, place=-2, once=True)


def _of_index(name: str) -> Measure:
    index = SIMILARITY_INDICES[name]
    alike = {"symmetric": index.first == index.second, "larger": index.furthest is None}
    return Measure(
        partial(_index, name), REPRESENTATIONS, 0, index.furthest or 1, first=index.first, second=index.second, **alike
    )


MEASURES = {
    RHO: Measure(lambda a, b: individual(a.directions, b.directions), GRADIENTS, least=-1),
    ANGLE: Measure(_angle, GRADIENTS),
    CKA_BIASED: _of_index(indices.CKA),
    CKA_UNBIASED: Measure(
        lambda a, b: linear_cka(a.layer.test, b.layer.test), REPRESENTATIONS, -1, first=ROTATIONS, second=ROTATIONS
    ),
    RSA: Measure(_second_moments, REPRESENTATIONS, -1, first=ROTATIONS, second=ROTATIONS),
    PROCRUSTES: _of_index(PROCRUSTES),
    PWCCA: _of_index(PWCCA),
    MEAN_CCA: _of_index(MEAN_CCA),
    DIRECT: Measure(
        _direct,
        STITCHES,
        most=np.inf,
        larger=False,
        symmetric=False,
        first=INVERTIBLE,
        second=ROTATIONS,
        shifts=False,
        place=-2,
    ),
    TASK_LOSS: task_loss(4, 0.05),
    AGREEMENT: Measure(lambda a, b: float(np.mean(a.predicted == b.predicted)), PREDICTIONS),
}
