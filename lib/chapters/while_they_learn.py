"""Chapter 20: how does similarity change while networks learn, by which law, and where does a network's direction come from?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from lib.chapters.foretold import NEAR, OWN, size
from lib.chapters.hypotheses import ALIKE, OFF
from lib.effects.learning import INITIAL, Learning
from lib.rules import above, below
from lib.rules_of_several import every, some
from lib.similarity.foretold import design, errors, extremes
from lib.similarity.paired_similarity import own, shared
from lib.statistics.contrasts import slope_weights
from lib.statistics.sample import Estimated, beside, side_by_side
from lib.verdicts import HEADLINE, Row

LARGEST = {
    "width": "the widest networks",
    "training images": "the largest training set",
    "epochs": "the longest training",
}
TENTH = 0.1  # of the epochs: what is decided by then is decided early


def early(one: Learning) -> int:
    """The place of the first setting with all images and a tenth of the epochs or more."""
    return next(place for place, epochs in enumerate(one.epochs) if epochs >= TENTH * one.epochs[-1])


def at_widths(one: Learning, statistic: Callable[[np.ndarray], np.ndarray]) -> Estimated:
    """A number of every width from its moments, [..., 2, moments, moments] -> [...]."""
    return side_by_side([group.estimated(lambda both: statistic(both)[..., None]) for group in one.groups])


def shared_early(one: Learning) -> Estimated:
    """Cosine of the mean direction early in training with the last one, of every width."""
    first, last = 1 + early(one), len(one.epochs)
    return at_widths(one, lambda both: shared(both)[..., first, last]).cut(-1, 1)


def own_early(one: Learning) -> Estimated:
    """By how much more of what all share is decided early than of what is a network's own, of every width."""
    first, last = 1 + early(one), len(one.epochs)
    return at_widths(one, lambda both: shared(both)[..., first, last] - own(both)[..., first, last])


def own_from_start(one: Learning) -> Estimated:
    """Correlation of what is a network's own before training and at the end, of every width."""
    return at_widths(one, lambda both: own(both)[..., INITIAL, len(one.epochs)])


def change_per_doubling(one: Learning) -> Estimated:
    """Change of log rho(k, k) per doubling of the epochs, where networks have learnt, mean over widths that do so twice."""
    samples, weights = [], []
    for width in range(len(one.widths)):
        if len(places := one.judged(width)) > 1:
            samples.append(one.similarities(width, places))
            weights.append(slope_weights(places, places, [one.epochs[place] for place in places]))
    if not samples:
        return Estimated(lambda level: (np.full(1, np.nan),) * 3, 0, one.groups[0].images)
    slope = np.concatenate(weights) / len(samples)
    return beside(samples).estimated(lambda rho: np.log(np.where(rho > 0, rho, np.nan)) @ slope)


def rises(one: Learning) -> tuple[list[str], Estimated]:
    """rho of the widest less that of the narrowest at every number of epochs at which both have learnt; its places."""
    places = [place for place in one.judged(0) if place in one.judged(len(one.widths) - 1)]
    if not places:
        return [], NOWHERE
    both = beside([one.similarities(width, places) for width in (len(one.widths) - 1, 0)])
    found = both.estimated(partial(first_less_others, count=len(places)))
    return [f"after {one.epochs[place]} epochs" for place in places], found


NOWHERE = Estimated(lambda level: (np.empty(0),) * 3, 0, 0)  # no population has learnt enough


def left_out_ratio(rho: np.ndarray, columns: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Geometric mean of foretold over measured rho of what was left out of the fit: [..., points] -> [..., 1]."""
    return np.exp(errors(rho, columns, ~left)[..., left].mean(-1, keepdims=True))


def first_less_others(rho: np.ndarray, count: int) -> np.ndarray:
    """The first numbers less as many others: [..., 2 count] -> [..., count]."""
    return rho[..., :count] - rho[..., count:]


@dataclass(frozen=True, eq=False)
class Law:
    """The law of one family over the points of `Learning.points`."""

    one: Learning

    @property
    def terms(self) -> list[str]:
        """What differs between the points."""
        return design(self.one.points()[1])[1]

    def size(self) -> Estimated:
        """Root mean square of log foretold over measured, all points fitted."""
        sample, numbers = self.one.points()
        columns = design(numbers)[0]
        return sample.estimated(lambda rho: size(errors(rho, columns))).cut(0, np.inf)

    def left_out(self) -> tuple[list[str], Estimated]:
        """Foretold over measured rho of the widest, of the largest training set, of the longest training; and of which."""
        sample, numbers = self.one.points()
        columns, found = design(numbers)[0], extremes(numbers)
        if not found:
            return [], NOWHERE
        parts = [sample.estimated(partial(left_out_ratio, columns=columns, left=left)) for left in found.values()]
        places = [f"{LARGEST[term]}, {int(np.count_nonzero(left))} populations" for term, left in found.items()]
        return places, side_by_side(parts, sum(sample.networks))


@dataclass(frozen=True, eq=False)
class Controlled:
    """Populations that share more beside the usual ones, at the same widths and epochs."""

    usual: Learning
    more: Learning

    def leads(self) -> Estimated:
        """How much more alike they are, at every width and number of epochs."""
        every_epoch, found = range(len(self.more.epochs)), []
        for place, width in enumerate(self.more.widths):
            usual = [self.usual.epochs.index(epochs) for epochs in self.more.epochs]
            both = beside(
                [
                    self.more.similarities(place, every_epoch),
                    self.usual.similarities(self.usual.widths.index(width), usual),
                ]
            )
            found.append(both.estimated(partial(first_less_others, count=len(usual))))
        return side_by_side(found)

    def places(self) -> list[str]:
        """What each of them is about."""
        return [f"k = {width} after {epochs} epochs" for width in self.more.widths for epochs in self.more.epochs]


def of_widths(one: Learning) -> Sequence[str]:
    """What numbers of every width are about."""
    return [f"k = {width}" for width in one.widths]


LEARNING = (
    Row(
        "20-epochs-{family}",
        "Networks of one width of {family} get less alike while they learn.",
        OWN,
        "change of log rho(k, k) per doubling of the epochs, from where they have learnt, mean over widths",
        of=change_per_doubling,
        rule=below(0),
        level=HEADLINE,
        formula=r"\frac{\Delta \log \rho(k, k; e)}{\Delta \log_2 e} < 0",
    ),
    Row(
        "20-width-{family}",
        "At every stage at which they have learnt, wide networks of {family} are more alike than narrow ones.",
        OWN,
        "rho(K, K) - rho(k, k) of the widest and the narrowest",
        of=lambda one: rises(one)[1],
        rule=every(above(0)),
        places=lambda one: rises(one)[0],
        level=HEADLINE,
        formula=r"\rho(K, K; e) > \rho(k, k; e) \quad \text{for every } e",
    ),
    Row(
        "20-shared-early-{family}",
        "Where all networks of {family} point is decided in the first tenth of the training.",
        OWN,
        "cosine of the mean directions after a tenth of the epochs and at the end",
        of=shared_early,
        rule=every(above(ALIKE)),
        places=of_widths,
        level=HEADLINE,
        formula=rf"\mu_k(e / 10) \cdot \mu_k(e) > {ALIKE} \quad \text{{for every }} k",
    ),
    Row(
        "20-own-from-start-{family}",
        "What sets a network of {family} apart from the others is partly there before it is trained.",
        OWN,
        "correlation of a network's own part of the direction before training and at the end",
        of=own_from_start,
        rule=every(above(0)),
        places=of_widths,
        level=HEADLINE,
        formula=r"\operatorname{corr}\bigl( u - R \mu \text{ at } 0, \; u - R \mu \text{ at } e \bigr) > 0 \quad \text{for every } k",
    ),
    Row(
        "20-shared-before-own-{family}",
        "In {family} what all networks share is decided earlier than what sets each of them apart.",
        OWN,
        "cosine of mean directions less correlation of own parts, after a tenth of the epochs and at the end",
        of=own_early,
        rule=every(above(0)),
        places=of_widths,
    ),
)
LAW = (
    Row(
        "20-law-{family}",
        "Similarity of {family} within a width follows a power law of width, training images and epochs.",
        OWN,
        "root mean square over populations of the logarithm of the law's rho over the measured one",
        of=lambda law: law.size(),
        rule=below(OFF),
        level=HEADLINE,
        formula=r"\rho(k, k; n, e) \approx c\, k^a n^b e^d",
    ),
    Row(
        "20-law-foretells-{family}",
        "That law foretells the widest networks of {family}, the largest training set and the longest training from the others.",
        OWN,
        "foretold over measured rho(k, k), geometric mean over what was left out",
        of=lambda law: law.left_out()[1],
        rule=every(NEAR),
        places=lambda law: law.left_out()[0],
        level=HEADLINE,
        formula=r"\rho(k, k; n, e) \approx \hat c\, k^{\hat a} n^{\hat b} e^{\hat d} \quad \text{fitted without the largest } k,\; n,\; e",
    ),
)
CONTROLS = {
    "same-weights": Row(
        "20-same-weights-{family}",
        "Networks of {family} that start from the same weights stay more alike than others all the way.",
        OWN,
        "rho(k, k) same weights - others",
        of=lambda both: both.leads(),
        rule=every(above(0)),
        places=lambda both: both.places(),
    ),
    "same-order": Row(
        "20-same-order-{family}",
        "At some time networks of {family} that see the images in the same order are more alike than others.",
        OWN,
        "rho(k, k) same order - others",
        of=lambda both: both.leads(),
        rule=some(above(0)),
        places=lambda both: both.places(),
    ),
}
