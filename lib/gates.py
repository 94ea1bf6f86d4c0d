"""What networks must have learnt before a claim about them is judged; set before anything was looked at.

Similarity is biased upwards in networks that have hardly learnt: they share what all of them see first.  So accuracies gate,
how long was trained does not; nor does the test loss, which networks raise that fit their training set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from lib.training import needed

LEAST_NETWORKS = 6


@dataclass(frozen=True)
class Gate:
    """A number about networks, and the least or most that it may be.

    Attributes:
        says: what the number is, in words.
        found: the number; NaN, where nothing could be seen, does not pass.
        least, most: the band in which it passes.
    """

    says: str
    found: float
    least: float = -np.inf
    most: float = np.inf

    @property
    def passed(self) -> bool:
        """Whether claims about these networks are judged."""
        return bool(self.least <= self.found <= self.most)

    def __str__(self) -> str:
        needed = f"{self.least:.3g} or more" if np.isfinite(self.least) else f"{self.most:.3g} or less"
        return f"{self.says} {self.found:.3g}, {needed} needed"


def enough(networks: int) -> Gate:
    """Fewer independent networks are described, not judged."""
    return Gate("independent networks", networks, LEAST_NETWORKS)


def learnt(accuracies: ArrayLike, classes: int, times: float = needed.TIMES_CHANCE) -> Gate:
    """Every network's test accuracy [networks] is so many times chance, 1 / classes, or more.

    Raises:
        ValueError: so few classes that no network could be so good.
    """
    if times >= classes:
        raise ValueError(f"no accuracy can be {times:g} times chance with {classes} classes")
    return Gate("lowest test accuracy", float(np.min(accuracies, initial=np.inf)), times / classes)


def as_authors(accuracies: Mapping[int, ArrayLike], dataset: str, family: str) -> list[Gate]:
    """Of each width with networks of the authors: the mean accuracy [networks] is 0.9 of theirs or more."""
    theirs = needed.AUTHORS.get((dataset, family), {})
    return [
        Gate(
            f"mean test accuracy of {family} k = {width}",
            float(np.mean(found)),
            needed.SHARE_OF_AUTHORS * theirs[width],
        )
        for width, found in accuracies.items()
        if width in theirs
    ]


def of_families(accuracies: Mapping[str, Mapping[int, ArrayLike]], dataset: str, classes: int) -> dict[str, list[Gate]]:
    """What the networks of each family must have learnt: family -> width -> test accuracies [networks] to its gates.

    Where there are so few classes that nothing could be five times chance, half of the way from there to all right is asked.
    """
    times = min(needed.TIMES_CHANCE, (classes + 1) / 2)
    return {
        family: [
            learnt(np.concatenate([*found.values()]), classes, times),
            *as_authors(found, dataset, family),
            replace(enough(min(map(len, found.values()))), says="networks of the smallest population"),
        ]
        for family, found in accuracies.items()
    }


def fitted(losses: ArrayLike, most: float = needed.FITTED_LOSS) -> Gate:
    """Every network's training loss [networks] in nats is so small or smaller."""
    return Gate("largest training loss", float(np.max(losses, initial=-np.inf)), most=most)


def drawn(losses: ArrayLike, classes: int) -> Gate:
    """Trained on labels that were drawn, every network has learnt some: its training loss [networks] is below that of chance."""
    return fitted(losses, needed.DRAWN_LOSS * np.log(classes))
