"""Chapter 21: what do similarities within a width, or within the two narrowest, foretell of the whole matrix, of the widest
mean direction and of attacks?"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations

import numpy as np

from lib.attacks.attack_transfer import Transfer
from lib.attacks.one_step import MAIN_SUMMARY
from lib.chapters.hypotheses import FORETOLD, OFF
from lib.rules import below, within
from lib.rules_of_several import every
from lib.similarity.foretold import (
    direction_of_widest,
    from_diagonal,
    from_narrow,
    log_ratio,
    losses_from_diagonals,
    losses_from_narrow,
)
from lib.similarity.paired_similarity import paired_similarities
from lib.similarity.rank_one import pairs, ratio
from lib.statistics.intervals import Interval, in_brackets
from lib.statistics.sample import Sample
from lib.verdicts import HEADLINE, Row

OWN = "this book"  # the source of the claims that no paper makes
NEAR = within(0.8, 1.25)  # predicted over measured, where a step of an attack or two octaves of width lie between


@dataclass(frozen=True, eq=False)
class Foretold:
    """One family: its similarities and its attacks.

    Attributes:
        matrix: rho(k1, k2), with all networks and images at hand.
        attacks: rho(k, k) as the first row, then 1 - alpha of sources (rows) against targets; of the attacking networks.
        widths: of both; narrow: the places of those that foretell all others.
    """

    matrix: Sample
    attacks: Sample
    widths: Sequence[int]
    narrow: Sequence[int]

    @property
    def words(self) -> dict[str, object]:
        """What fills the rows' texts beside the family's name."""
        return {"narrow": " and ".join(str(self.widths[place]) for place in self.narrow), "widest": self.widths[-1]}

    @property
    def wider(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and column, row <= column, of similarities that are not of the narrow widths alone."""
        rows, columns = np.triu_indices(len(self.widths))
        kept = ~(np.isin(rows, self.narrow) & np.isin(columns, self.narrow))
        return rows[kept], columns[kept]

    @property
    def wider_attacks(self) -> tuple[np.ndarray, np.ndarray]:
        """Source and target of attacks that are not of the narrow widths alone."""
        known = np.isin(np.arange(len(self.widths)), self.narrow)
        rows, columns = np.nonzero(~(known[:, None] & known))
        return rows, columns


def joined(
    directions: Sequence[np.ndarray],
    transfer: Transfer,
    rng: np.random.Generator,
    draws: int,
    summary: str = MAIN_SUMMARY,
) -> Sample:
    """rho(k, k) above 1 - alpha, [1 + widths, widths], of the same networks on the same images: `Foretold.attacks`.

    A unit is a group, one network of every width; both see the same draws of images.

    Args:
        directions: [groups, images, dims] of each width, of the networks and images of the transfer, which has single
            networks as its sources and the same widths as its targets.
        summary: what alpha is, one of `lib.attacks.SUMMARIES` that is 1 without an attack.
    """
    same = np.random.default_rng(int(copy.deepcopy(rng).integers(2**63)))  # as paired similarities draw their images
    (diagonal,) = paired_similarities([directions], rng, draws)
    outcome = transfer.resampled(same, draws, [summary])[summary].mapped(lambda alpha: 1 - alpha)

    def together(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray:
        assert one is not None and other is not None  # both are samples of networks and images
        return np.concatenate([one[..., None, :], other], axis=-2)

    assert diagonal.without_by_images is not None and outcome.without_by_images is not None
    joint = diagonal.without_by_images, outcome.without_by_images[: len(diagonal.without_by_images)]
    return Sample(
        together(diagonal.values, outcome.values),
        together(diagonal.without, outcome.without),
        together(diagonal.by_images, outcome.by_images),
        together(*joint),
        outcome.networks,
        outcome.images,
    )


def size(errors: np.ndarray) -> np.ndarray:
    """Root mean square over the last axis."""
    return np.sqrt((errors**2).mean(-1))


def diagonal_errors(rho: np.ndarray) -> np.ndarray:
    """log of foretold over measured similarity of two widths, from the diagonal: -> [..., pairs]."""
    return pairs(log_ratio(from_diagonal(rho), rho))


def drift(rho: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """How much that grows with each doubling between the widths, by least squares through 0: -> [...]."""
    octaves = pairs(np.abs(np.subtract.outer(np.log2(widths), np.log2(widths))))
    return diagonal_errors(rho) @ octaves / (octaves @ octaves)


def narrow_ratios(rho: np.ndarray, one: Foretold) -> np.ndarray:
    """Foretold over measured similarity of `Foretold.wider`, from the narrow widths."""
    return ratio(from_narrow(rho, one.widths, one.narrow), rho)[..., *one.wider]


def direction_ratio(rho: np.ndarray, one: Foretold) -> np.ndarray:
    """Measured over foretold cosine of the narrow networks' mean with the widest mean direction: -> [...]."""
    foretold, measured = direction_of_widest(rho, one.matrix.networks, one.narrow)
    return measured / foretold


def parts(both: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """R_k and the losses, 1 - alpha, of `Foretold.attacks`; R is NaN where chance made rho(k, k) negative."""
    diagonal = both[..., 0, :]
    return np.sqrt(np.where(diagonal > 0, diagonal, np.nan)), both[..., 1:, :]


def attack_ratios(both: np.ndarray) -> np.ndarray:
    """Foretold over measured loss between different widths, from both diagonals: -> [..., sources and targets]."""
    r, losses = parts(both)
    return ratio(losses_from_diagonals(r, losses), losses)[..., ~np.eye(losses.shape[-1], dtype=bool)]


def narrow_attack_ratios(both: np.ndarray, one: Foretold) -> np.ndarray:
    """Foretold over measured loss of `Foretold.wider_attacks`, from the narrow widths."""
    r, losses = parts(both)
    return ratio(losses_from_narrow(r, losses, one.widths, one.narrow), losses)[..., *one.wider_attacks]


def missed(found: Interval) -> dict[str, object]:
    """How far foretold over measured is from 1, of some numbers with their intervals: shares, and the farthest."""
    estimate, low, high = map(np.ravel, found)
    off = np.abs(log_ratio(estimate, np.ones(1)))  # NaN, where a loss is not positive, is not within anything
    ends = np.where(np.isnan(off), -np.inf, off)
    return {
        "farthest off": in_brackets([part[np.argmax(ends)] for part in (estimate, low, high)]),
        "within a tenth": float(np.mean(off < np.log(1.1))),
        "within a quarter": float(np.mean(off < np.log(1.25))),
        "intervals that hold 1": float(np.mean((low <= 1) & (1 <= high))),
        "not to be told": float(np.mean(np.isnan(off) | np.isnan(low))),
    }


ROWS = (
    Row(
        "21-matrix-{family}",
        "Similarities within each width of {family} foretell those between widths.",
        OWN,
        "root mean square over pairs of widths of the logarithm of foretold over measured",
        of=lambda one: one.matrix.estimated(lambda rho: size(diagonal_errors(rho))).cut(0, np.inf),
        rule=below(OFF),
        level=HEADLINE,
        formula=r"\rho(k_1, k_2) \approx \sqrt{\rho(k_1, k_1)\, \rho(k_2, k_2)}",
    ),
    Row(
        "21-drift-{family}",
        "The wider two widths of {family} lie apart, the more of their similarity is foretold in excess.",
        OWN,
        "logarithm of foretold over measured, a doubling between the widths",
        of=lambda one: one.matrix.estimated(partial(drift, widths=one.widths)),
    ),
    Row(
        "21-two-widths-{family}",
        "Two narrow widths of {family} foretell the similarities of all others.",
        OWN,
        "foretold over measured similarity, from k = {narrow}",
        of=lambda one: one.matrix.estimated(partial(narrow_ratios, one=one)),
        rule=every(NEAR),
        places=lambda one: [f"rho({one.widths[i]}, {one.widths[j]})" for i, j in zip(*one.wider)],
        level=HEADLINE,
        formula=r"\rho(k_1, k_2) \approx \hat R_{k_1} \hat R_{k_2}, \quad \hat R_k \sim k^b \text{ through two widths}",
    ),
    Row(
        "21-direction-{family}",
        "Two narrow widths of {family} foretell how well their mean knows the widest mean direction.",
        OWN,
        "measured over foretold cosine of the mean of all networks of k = {narrow} with the mean direction of k = {widest}",
        of=lambda one: one.matrix.estimated(partial(direction_ratio, one=one)),
        rule=FORETOLD,
        level=HEADLINE,
        formula=r"\frac{\bar u}{\lVert \bar u \rVert} \cdot \mu_K \approx \frac{\mathbb E R_k}{\mathbb E \lVert \bar u \rVert}, "
        r"\quad \bar u \text{ the mean over the networks of two widths}",
    ),
    Row(
        "21-attack-{family}",
        "Similarities and attacks within each width of {family} foretell attacks between widths.",
        OWN,
        "foretold over measured 1 - α",
        of=lambda one: one.attacks.estimated(attack_ratios),
        rule=every(NEAR),
        places=lambda one: [f"k = {i} attacks {j}" for i, j in permutations(one.widths, 2)],
        level=HEADLINE,
        formula=r"1 - \alpha(k_1, k_2) \approx \frac{R_{k_1}}{R_{k_2}}\, \bigl( 1 - \alpha(k_2, k_2) \bigr)",
    ),
    Row(
        "21-two-widths-attack-{family}",
        "Two narrow widths of {family} foretell the attacks of and on all others.",
        OWN,
        "foretold over measured 1 - α, from k = {narrow}",
        of=lambda one: one.attacks.estimated(partial(narrow_attack_ratios, one=one)),
        rule=every(NEAR),
        places=lambda one: [f"k = {one.widths[i]} attacks {one.widths[j]}" for i, j in zip(*one.wider_attacks)],
    ),
)
