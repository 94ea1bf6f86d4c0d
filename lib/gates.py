"""What networks must have learnt before a claim about them is judged; set before anything was looked at.

Similarity is biased upwards in networks that have hardly learnt: they share what all of them see first.  So accuracies gate,
how long was trained does not; nor does the test loss, which networks raise that fit their training set.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from lib.models.cifar_resnets import is_cifar_resnet
from lib.training.controls import CONTROLS
from lib.training.populations import Population
from lib.training.specification import Specification
from lib.training.trainer import TrainedNetwork

Accuracies = Sequence[float] | np.ndarray  # of the networks of one population
LEAST_NETWORKS = 6
TIMES_CHANCE = 5.0
FITTED_TIMES_CHANCE = 3.0  # few images: such networks learn less than others, and are large beside them
FITTED_LOSS = 0.05  # nats
DRAWN_LOSS = 0.9  # of the loss of chance: some of the labels or patches that were drawn are learnt
SHARE_OF_AUTHORS = 0.9
# (data set, family) -> width -> test accuracy of the networks that the salience paper's authors released (chapter 10)
AUTHORS = {("cifar10", "cnn-small"): {8: 0.70, 16: 0.79, 32: 0.83}}


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
    def band(self) -> str:
        """The least or the most, in words."""
        return f"{self.least:.3g} or more" if np.isfinite(self.least) else f"{self.most:.3g} or less"

    @property
    def passed(self) -> bool:
        """Whether claims about these networks are judged."""
        return bool(self.least <= self.found <= self.most)

    def __str__(self) -> str:
        return f"{self.says} {self.found:.3g}, {self.band} needed"


def enough(networks: int) -> Gate:
    """Fewer independent networks are described, not judged."""
    return Gate("independent networks", networks, LEAST_NETWORKS)


def learnt(accuracies: ArrayLike, classes: int, times: float = TIMES_CHANCE) -> Gate:
    """Every network's test accuracy [networks] is so many times chance, 1 / classes, or more.

    Raises:
        ValueError: so few classes that no network could be so good.
    """
    if times >= classes:
        raise ValueError(f"no accuracy can be {times:g} times chance with {classes} classes")
    return Gate("lowest test accuracy", float(np.min(accuracies, initial=np.inf)), times / classes)


def as_authors(accuracies: Mapping[int, Accuracies], dataset: str, family: str) -> list[Gate]:
    """Of each width with networks of the authors: the mean accuracy [networks] is 0.9 of theirs or more."""
    theirs = AUTHORS.get((dataset, family), {})
    return [
        Gate(f"mean test accuracy of {family} k = {width}", float(np.mean(found)), SHARE_OF_AUTHORS * theirs[width])
        for width, found in accuracies.items()
        if width in theirs
    ]


def of_families(
    accuracies: Mapping[str, Mapping[int, Accuracies]], dataset: str, classes: int
) -> dict[str, list[Gate]]:
    """What the networks of each family must have learnt: family -> width -> test accuracies [networks] to its gates.

    Where there are so few classes that nothing could be five times chance, half of the way from there to all right is asked.
    """
    times = min(TIMES_CHANCE, (classes + 1) / 2)
    return {
        family: [
            learnt(np.concatenate([*found.values()]), classes, times),
            *as_authors(found, dataset, family),
            replace(enough(min(map(len, found.values()))), says="networks of the smallest population"),
        ]
        for family, found in accuracies.items()
    }


def fitted(losses: ArrayLike, most: float = FITTED_LOSS) -> Gate:
    """Every network's training loss [networks] in nats is so small or smaller."""
    return Gate("largest training loss", float(np.max(losses, initial=-np.inf)), most=most)


def drawn(losses: ArrayLike, classes: int) -> Gate:
    """Trained on labels that were drawn, every network has learnt some: its training loss [networks] is below that of chance."""
    return fitted(losses, DRAWN_LOSS * np.log(classes))


def wide_and_deep(losses: ArrayLike, accuracies: ArrayLike, classes: int) -> list[Gate]:
    """The residual networks of the second paper have fitted their training images, and learnt some of the others."""
    return [fitted(losses), learnt(accuracies, classes, FITTED_TIMES_CHANCE)]


def of_wide_and_deep(populations: Iterable[Population]) -> list[Gate]:
    """What all networks of some populations of the second paper must have learnt."""
    networks = [network for population in populations for network in population.networks]
    classes = max(population.specification.num_classes for population in populations)
    losses, accuracies = ([getattr(one, name)[-1] for one in networks] for name in ("train_loss", "test_accuracy"))
    return wide_and_deep(losses, accuracies, classes)


def of_population(specification: Specification, networks: Iterable[TrainedNetwork] = ()) -> list[Gate]:
    """What every network of a population must have learnt, whatever its number of epochs; of no networks the bands alone.

    Trained on shuffled labels or on a shortcut, which the test images do not have, they are gated by what they learn,
    the training loss; where the authors' networks of this width are known, by 0.9 of their accuracy too.
    """
    losses, accuracies = [], []
    for network in networks:
        losses.append(network.train_loss[-1])
        accuracies.append(network.test_accuracy[-1])
    classes = specification.num_classes
    if CONTROLS[specification.control].drawn:
        return [drawn(losses, classes)]
    if is_cifar_resnet(specification.family):
        return wide_and_deep(losses, accuracies, classes)
    gate = learnt(accuracies, classes, min(TIMES_CHANCE, (classes + 1) / 2))
    theirs = AUTHORS.get((specification.dataset, specification.family), {}).get(specification.width, 0)
    return [replace(gate, least=max(gate.least, SHARE_OF_AUTHORS * theirs))]


def asked_of(specification: Specification) -> str:
    """`of_population` in words, before there are networks."""
    return " and ".join(f"{gate.says} {gate.band}" for gate in of_population(specification))


def passing(specification: Specification, networks: Iterable[TrainedNetwork]) -> int:
    """How many evaluated networks of a population pass by themselves."""
    return sum(all(gate.passed for gate in of_population(specification, [network])) for network in networks)
