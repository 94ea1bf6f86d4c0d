"""Chapter 11: does the block structure come with depth, width and fewer training images, and in every seed?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.stats import binomtest

from lib.cka.block_growth import BlockMaps, ends, growth, halving, late_excess, late_parts
from lib.cka.blocks import LEAST_NETWORKS, Find, block_ends, ends_apart, shares
from lib.gates import LEAST_NETWORKS as NEEDED
from lib.gates import Gate
from lib.rules import CONTRADICTED, SUPPORTED, UNDECIDED, Judged, within
from lib.rules_of_several import every
from lib.statistics.intervals import Interval
from lib.statistics.sample import Estimated
from lib.training.wide_and_deep import Architecture
from lib.verdicts import DETAIL, HEADLINE, MACHINERY, Claim, Row, judged

TOLERANCE = 0.02  # of CKA: less than can be seen in a map
ROUNDING = 1e-9  # layers: means of whole numbers that are equal but for their last digits
MOST = 0.5  # of other seeds


@dataclass(frozen=True)
class Blocks:
    """The block structures that `find` sees in maps from so many images; `random_seed` draws changes of places."""

    found: BlockMaps
    find: Find
    images: int
    random_seed: int

    def with_block(self, maps: Iterable[np.ndarray]) -> Gate:
        """Whether enough networks [..., layers, layers] have a block structure for a claim about its size."""
        return Gate("networks with a block structure", sum((shares(one, self.find) > 0).sum() for one in maps), NEEDED)

    def line(self, name: str) -> list[np.ndarray]:
        """The maps of 'depths', 'widths' or 'plain', an architecture each."""
        return [self.found.maps[one] for one in getattr(self.found, name)]

    def growth(self, name: str, quantity: str) -> Estimated:
        """Slope of the block measure per doubling along a line."""
        line, maps = getattr(self.found, name), self.found.maps
        slope = partial(growth, maps, line, quantity, self.find)
        return Estimated(slope, sum(map(len, self.line(name))), self.images)

    def halving(self, name: str) -> Estimated:
        """Slope per halving of the training images, mean over the smallest and the largest of the line."""
        line, maps = ends(getattr(self.found, name)), self.found.by_count
        slope = partial(halving, maps, self.found.counts, line, self.find)
        return Estimated(slope, sum(len(maps[one]) for one in line), self.images)

    def late(self) -> Estimated:
        """`late_excess` of all networks with residual connections."""
        residual = dict.fromkeys((*self.found.depths, *self.found.widths))
        maps = {one: self.found.maps[one] for one in residual}
        counts = [len(late_parts(of_one, self.find)) for of_one in maps.values()]
        networks = sum(count for count in counts if count >= LEAST_NETWORKS)
        return Estimated(partial(late_excess, maps, self.find), networks, self.images)

    def present(self, architecture: Architecture) -> Estimated:
        """Share of the networks with a block, with Clopper and Pearson's interval for other seeds."""
        has = shares(self.found.maps[architecture], self.find) > 0

        def interval(level: float) -> Interval:
            share = binomtest(int(has.sum()), len(has)).proportion_ci(level, method="exact")
            return has.mean(), share.low, share.high

        return Estimated(interval, len(has), self.images)

    def apart(self, architecture: Architecture) -> Estimated:
        """Distance of the ends of the blocks of two networks, less that of two measurements of one, in layers."""
        parts = self.found.parts[architecture]

        def interval(level: float) -> Interval:
            return ends_apart(parts, self.find, np.random.default_rng([self.random_seed, 11]), level)

        return Estimated(interval, len(block_ends(parts, self.find)), self.images)


class Differs:
    """A difference that no exchange can lower lies above zero; contradicted only where no exchange changes anything."""

    def judge(self, found: Estimated, places: Sequence[str] = (), level: float = 0.95) -> Judged:
        """The verdict on a single difference; NaN is undecided."""
        estimate, low, high = map(float, found.interval(level))
        same = max(abs(low), abs(high)) <= ROUNDING
        return Judged(estimate, low, high, SUPPORTED if low > ROUNDING else CONTRADICTED if same else UNDECIDED)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """What the numbers are held against."""
        return (0.0,)

    def __str__(self) -> str:
        return (
            "95 % interval above zero; contradicted if on every part of the images all networks have the same block, "
            "undecided for fewer than three with a block on all parts"
        )


class Always:
    """All at hand, and so many that it can hardly be chance if most others had it not; one without it contradicts."""

    def judge(self, found: Estimated, places: Sequence[str] = (), level: float = 0.95) -> Judged:
        """The verdict on a share with its interval for other networks."""
        estimate, low, high = map(float, found.interval(level))
        return Judged(estimate, low, high, CONTRADICTED if estimate < 1 else SUPPORTED if low > MOST else UNDECIDED)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """What the share's interval is held against."""
        return (MOST,)

    def __str__(self) -> str:
        return (
            f"all networks at hand, with a 95 % interval above {MOST:g} for other seeds; contradicted if one has none"
        )


def _grows(name: str, says: str, source: str, line: str, quantity: str) -> Row:
    return Row(
        f"11-block-grows-{name}",
        says,
        f"Wide and Deep, {source}",
        f"change of the block's share of the depth per doubling of the {quantity}",
        lambda one: one.growth(line, quantity),
        level=HEADLINE,
        formula=rf"\frac{{\mathrm{{d}} B}}{{\mathrm{{d}} \log_2 \mathrm{{{quantity}}}}} > 0",
    )


def _less_data(name: str, says: str, source: str, line: str, level: str = DETAIL) -> Row:
    return Row(
        f"11-less-data-{name}",
        f"{says} network have a larger block structure the fewer images they are trained with.",
        f"Wide and Deep, {source}",
        "change of the block's share of the depth per halving of the training images, mean over both",
        lambda one: one.halving(line),
        level=level,
        formula=r"-\frac{\mathrm{d} B}{\mathrm{d} \log_2 n_\mathrm{train}} > 0",
    )


SIZE = {
    "depths": _grows("depth", "The deeper a network, the larger its block structure.", "Fig. 1", "depths", "depth"),
    "widths": _grows("width", "The wider a network, the larger its block structure.", "Fig. 1", "widths", "width"),
    "plain": _grows(
        "width-plain",
        "The wider a network without residual connections, the larger its block structure.",
        "Fig. C.1",
        "plain",
        "width",
    ),
}  # by line
LESS_DATA = {
    "widths": _less_data("width", "The narrowest and the widest", "Fig. 2", "widths", HEADLINE),
    "depths": _less_data("depth", "The shallowest and the deepest", "Fig. D.2", "depths"),
}
EVERY_SEED = Row(
    "11-every-seed-{name}",
    "Every network of {architecture}, the {name}, has a block structure.",
    "Wide and Deep, Fig. D.1",
    "share of the networks with one, with Clopper and Pearson's interval for other seeds",
    lambda at: at[0].present(at[1]),
    rule=Always(),
    level=HEADLINE,
    formula=r"P(B > 0) = 1",
)
ENDS_DIFFER = Row(
    "11-ends-differ-{name}",
    "The block structures of {architecture}, the {name}, do not begin and end at the same layers in all seeds.",
    "Wide and Deep, Fig. D.1",
    "distance of the ends of the block structures of two networks, less that of two measurements of one (layers)",
    lambda at: at[0].apart(at[1]),
    rule=Differs(),
)
LATE = Row(
    "11-block-late",
    "The block structure lies mostly in the last two stages of a network.",
    "Wide and Deep, Fig. 1",
    "share of the block's layers in the last two stages, less these stages' share of all layers, mean over the "
    "networks with a block structure",
    Blocks.late,
    bounds=(-1, 1),
)
BATCH_SIZE = Row(
    "11-batch-size-cka",
    "Minibatch CKA does not depend on the size of the batches.",
    "Wide and Deep, appendix A",
    "CKA in batches less that of all images at once, mean over pairs of layers",
    lambda found: Estimated(found.interval, 1, found.images),
    rule=every(within(-TOLERANCE, TOLERANCE)),
    places=lambda found: [f"batches of {size}" for size in found.sizes],
    level=MACHINERY,
)
CLAIMS = (*SIZE.values(), *LESS_DATA.values(), EVERY_SEED, ENDS_DIFFER, LATE, BATCH_SIZE)


def block_claims(blocks: Blocks, fit: Mapping[str, Sequence[Gate]]) -> list[Claim]:
    """All claims about block structures.

    fit: what the networks of 'depths', 'widths' and 'plain' must have learnt, and those with 'less data'.
    """
    claims = []
    for line, row in SIZE.items():
        claims += judged([row], blocks, [*fit[line], blocks.with_block(blocks.line(line))])
    for line, row in LESS_DATA.items():
        maps = [blocks.found.by_count[one] for one in ends(getattr(blocks.found, line))]
        claims += judged([row], blocks, [*fit["less data"], blocks.with_block(maps)])
    for name, line in (("deepest", "depths"), ("widest", "widths")):
        one = getattr(blocks.found, line)[-1]
        words = {"name": name, "architecture": one}
        any_block = Gate("networks with a block structure", blocks.with_block([blocks.found.maps[one]]).found, 1)
        claims += judged([EVERY_SEED], (blocks, one), [*fit[line], any_block], **words)
        claims += judged([ENDS_DIFFER], (blocks, one), fit[line], **words)
    return claims + judged([LATE], blocks, [*fit["depths"], *fit["widths"]])
