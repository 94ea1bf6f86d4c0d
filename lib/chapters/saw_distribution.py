"""Chapter 5: where T_k lies, that log psi rises, and directions at a single image (Fig. 7)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from scipy.stats import beta

from lib.rules import Rule, above
from lib.rules_of_several import Share, every
from lib.similarity.cosines import expected
from lib.similarity.shapes import DECILES, increments
from lib.similarity.stochastic_order import Cosines, bulk, rise, rise_over_uniform
from lib.statistics.intervals import Interval
from lib.statistics.sample import Estimated, jackknifed, side_by_side
from lib.verdicts import DETAIL, HEADLINE, Row

MOST = Share(above(0), 0.9)  # of many thresholds


Part = tuple[list[str], Callable[[float], Interval]]  # what each number is about, and level -> the numbers


@dataclass(frozen=True)
class Populations:
    """t of one family, a population a width."""

    cosines: Sequence[Cosines]
    widths: Sequence[int]


def shape_rises(family: Populations) -> Iterator[Part]:
    """Change of log psi from each decile of T_k to the next, at every width."""
    for width, one in zip(family.widths, family.cosines):
        deciles = pairwise(np.nanquantile(one.t, DECILES))
        yield [f"k = {width} from t = {a:.2f} to {b:.2f}" for a, b in deciles], partial(increments, one)


def order_rises(family: Populations) -> Iterator[Part]:
    """P(T > q) gained at each step of the width, at 19 thresholds in the bulk of both populations."""
    for (a, narrow), (b, wide) in pairwise(zip(family.widths, family.cosines)):
        thresholds = bulk(narrow.t, wide.t)
        yield [f"{a} to {b} at t = {q:.2f}" for q in thresholds], partial(rise, narrow, wide, thresholds)


def mean_order_rises(family: Populations) -> Iterator[Part]:
    """The mean of `order_rises` over the thresholds, at each step of the width."""
    for (a, narrow), (b, wide) in pairwise(zip(family.widths, family.cosines)):
        yield [f"k = {a} to {b}"], partial(rise, narrow, wide, bulk(narrow.t, wide.t), mean=True)


def mean_over_uniform(family: Populations) -> Iterator[Part]:
    """The mean of `over_uniform` over the thresholds, at every width."""
    for width, one in zip(family.widths, family.cosines):
        yield [f"k = {width}"], partial(rise_over_uniform, one, uniform_and_own(one), mean=True)


def over_uniform(family: Populations) -> Iterator[Part]:
    """P(T > q) - P_origin(T > q) at every width, at thresholds in the bulk of either."""
    for width, one in zip(family.widths, family.cosines):
        thresholds = uniform_and_own(one)
        yield [f"k = {width} at t = {q:.2f}" for q in thresholds], partial(rise_over_uniform, one, thresholds)


def uniform_and_own(population: Cosines) -> np.ndarray:
    """The 5 % to 95 % points of T_k and those of P_origin, sorted."""
    share = np.arange(1, 20) / 20
    # (1 + t) / 2 of a uniform direction has a Beta distribution with (d - 1) / 2 at both ends.
    uniform = 2 * beta.ppf(share, (population.dim - 1) / 2, (population.dim - 1) / 2) - 1
    return np.sort(np.concatenate([uniform, bulk(population.t)]))


def _all_rise(
    name: str,
    says: str,
    source: str,
    statistic: str,
    parts: Callable[[Populations], Iterable[Part]],
    rule: Rule = MOST,
    level: str = DETAIL,
    formula: str = "",
) -> Row:
    """A row about the numbers of several parts: most of many, or every one of a few."""

    def estimated(family: Populations) -> Estimated:
        networks, images = sum(len(one.t) for one in family.cosines), family.cosines[0].t.shape[1]
        return side_by_side([Estimated(interval, networks, images) for _, interval in parts(family)], networks)

    def places(family: Populations) -> list[str]:
        return [place for named, _ in parts(family) for place in named]

    return Row(name, says, source, statistic, estimated, rule, places=places, level=level, formula=formula)


SHAPE = _all_rise(
    "05-shape-{family}",
    "In {family} log psi increases with t on the central 80 % of the mass.",
    "Great Minds, Fig. 8",
    "change of log psi (nats) from a decile of T_k to the next",
    shape_rises,
    level=HEADLINE,
    formula=r"\psi_k \text{ increases with } t",
)
ORDER = _all_rise(
    "05-order-{family}",
    "In {family} t is stochastically larger the wider the networks are.",
    "Great Minds, Fig. 8",
    "P(T > q) gained at a step of the width, at a threshold from the 5 % to the 95 % point",
    order_rises,
    level=HEADLINE,
    formula=r"P(T_{k'} > q) > P(T_k > q) \quad \text{for } k' > k \text{ and every } q",
)
RIGHT_OF_UNIFORM = _all_rise(
    "05-right-of-uniform-{family}",
    "In {family} t is stochastically larger than by chance.",
    "Great Minds, Figs 7, 8",
    "P(T > q) - P_origin(T > q), at a threshold from the 5 % to the 95 % point of either",
    over_uniform,
    level=HEADLINE,
    formula=r"P(T_k > q) > P_\text{origin}(T > q) \quad \text{for every } q",
)
TRENDS = (
    _all_rise(
        "05-order-mean-{family}",
        "On average over the thresholds t of {family} moves to the right at every step of the width.",
        "Great Minds, Fig. 8",
        "P(T > q) gained at a step of the width, mean over thresholds",
        mean_order_rises,
        every(above(0)),
    ),
    _all_rise(
        "05-right-of-uniform-mean-{family}",
        "On average over the thresholds t of {family} lies to the right of chance at every width.",
        "Great Minds, Figs 7, 8",
        "P(T > q) - P_origin(T > q), mean over thresholds",
        mean_over_uniform,
        every(above(0)),
    ),
)


@dataclass(frozen=True)
class FirstImage:
    """Directions at one image, [networks, dims] of each width."""

    directions: Sequence[np.ndarray]
    widths: Sequence[int]

    def estimated(self) -> Estimated:
        """R^2 there: the mean cosine of two networks, with a jackknife's interval over the networks of each width."""

        def interval(one: np.ndarray, level: float) -> Interval:
            without = np.array([expected(np.delete(one, place, 0)[:, None]) for place in range(len(one))])
            return jackknifed(expected(one[:, None]), [without]).interval(level=level)

        return side_by_side([Estimated(partial(interval, one), len(one), 1) for one in self.directions])


FIRST = Row(
    "05-first-image-{family}",
    "At the first test image the networks of {family} keep to one direction, at every width.",
    "Great Minds, Fig. 7",
    "mean cosine of two networks at that image",
    of=FirstImage.estimated,
    rule=every(above(0)),
    places=lambda one: [f"k = {width}" for width in one.widths],
    level=HEADLINE,
    bounds=(-1, 1),
    formula=r"\mathbb E[t_k(x)]^2 = \mathbb E[u_i(x) \cdot u_j(x)] > 0 \quad \text{at one image } x",
)
