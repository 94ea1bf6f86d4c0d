"""Chapter 11: does the block structure come with depth, width and fewer training images, and in every seed?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from lib.cka.block_growth import BlockMaps, ends, growth, halving, late_excess, mean_share
from lib.cka.blocks import Block, ends_apart, largest_block, shares, stage_starts
from lib.cka.grams import BatchSizes
from lib.models.architectures import count_parameters
from lib.results import short
from lib.rules import CONTRADICTED, SUPPORTED, UNDECIDED, AtLeast, Judged, every, within
from lib.statistics.intervals import in_brackets, mean_interval
from lib.statistics.sample import Estimated, at_95
from lib.training.populations import Population
from lib.training.wide_and_deep import Architecture
from lib.verdicts import DETAIL, HEADLINE, MACHINERY, Claim, Row, judged

TOLERANCE = 0.02  # of CKA: less than can be seen in a map
ROUNDING = 1e-9  # layers: means of whole numbers that are equal but for their last digits
FITTED = 0.05  # nats: the right class has a probability of 0.95


@dataclass(frozen=True)
class Blocks:
    """The blocks at one threshold of maps that are made from so many images; `rng` draws changes of places."""

    found: BlockMaps
    threshold: float
    images: int
    rng: np.random.Generator

    def growth(self, line: str, quantity: str) -> Estimated:
        """Slope of the block measure per doubling along 'depths', 'widths' or 'plain'."""
        line, maps = getattr(self.found, line), self.found.maps
        return at_95(growth(maps, line, quantity, self.threshold), sum(len(maps[one]) for one in line), self.images)

    def halving(self, line: str) -> Estimated:
        """Slope per halving of the training images, mean over the smallest and the largest of the line."""
        line, maps, counts = ends(getattr(self.found, line)), self.found.by_count, self.found.counts
        networks = sum(len(maps[one]) for one in line) * len(counts)
        return at_95(halving(maps, counts, line, self.threshold), networks, self.images)

    def late(self) -> Estimated:
        """`late_excess` of all networks with residual connections."""
        residual = dict.fromkeys((*self.found.depths, *self.found.widths))
        excess, networks = late_excess({one: self.found.maps[one] for one in residual}, self.threshold)
        return at_95(excess, networks, self.images)

    def present(self, architecture: Architecture) -> Estimated:
        """Share of the networks with a block, with Clopper and Pearson's interval for other seeds."""
        has = shares(self.found.maps[architecture], self.threshold) > 0
        share = binomtest(int(has.sum()), len(has)).proportion_ci(method="exact")
        return at_95((has.mean(), share.low, share.high), len(has), self.images)

    def apart(self, architecture: Architecture) -> Estimated:
        """Distance of the ends of the blocks of two networks, less that of two measurements of one, in layers."""
        return at_95(*ends_apart(self.found.parts[architecture], self.threshold, self.rng), self.images)


class Differs:
    """A difference that no exchange can lower lies above zero; contradicted only where no exchange changes anything."""

    def judge(self, found: Estimated, places: Sequence[str] = (), level: float = 0.95) -> Judged:
        """The verdict on a single difference; NaN is undecided."""
        estimate, low, high = found.interval(level)
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


def _grows(name: str, says: str, source: str, line: str, quantity: str) -> Row:
    return Row(
        f"11-block-grows-{name}",
        says,
        f"Wide and Deep, {source}",
        f"change of the block's share of the depth per doubling of the {quantity}",
        lambda one: one.growth(line, quantity),
        level=HEADLINE,
    )


def _less_data(name: str, says: str, source: str, line: str, level: str = DETAIL) -> Row:
    return Row(
        f"11-less-data-{name}",
        f"{says} network have a larger block structure the fewer images they are trained with.",
        f"Wide and Deep, {source}",
        "change of the block's share of the depth per halving of the training images, mean over both",
        lambda one: one.halving(line),
        level=level,
    )


SIZE = (
    _grows("depth", "The deeper a network, the larger its block structure.", "Fig. 1", "depths", "depth"),
    _grows("width", "The wider a network, the larger its block structure.", "Fig. 1", "widths", "width"),
    _grows(
        "width-plain",
        "The wider a network without residual connections, the larger its block structure.",
        "Fig. C.1",
        "plain",
        "width",
    ),
    _less_data("width", "The narrowest and the widest", "Fig. 2", "widths", HEADLINE),
    _less_data("depth", "The shallowest and the deepest", "Fig. D.2", "depths"),
)
SEEDS = (
    Row(
        "11-every-seed-{name}",
        "All of the {name} networks at hand have a block structure.",
        "Wide and Deep, Fig. D.1",
        "share of the networks {architecture} with a block, with Clopper and Pearson's interval for other seeds",
        lambda at: at[0].present(at[1]),
        rule=AtLeast(1),
        told="all networks at hand have one; contradicted if one has none",
        level=MACHINERY,
    ),
    Row(
        "11-ends-differ-{name}",
        "The blocks of the {name} networks do not begin and end at the same layers in all seeds.",
        "Wide and Deep, Fig. D.1",
        "distance of the ends of the blocks of two networks {architecture}, less that of two measurements of one "
        "(layers)",
        lambda at: at[0].apart(at[1]),
        rule=Differs(),
        level=HEADLINE,
    ),
)
LATE = Row(
    "11-block-late",
    "The block structure lies mostly in the last two stages of a network.",
    "Wide and Deep, Fig. 1",
    "share of the block's layers in the last two stages, less these stages' share of all layers, mean over the "
    "networks with a block",
    Blocks.late,
)
BATCH_SIZE = Row(
    "11-batch-size-cka",
    "Minibatch CKA does not depend on the size of the batches.",
    "Wide and Deep, appendix A",
    "CKA in batches less that of all images at once, mean over pairs of layers",
    lambda found: Estimated(found.interval, 1, found.images),
    rule=every(within(-TOLERANCE, TOLERANCE)),
    places=lambda found: [f"batches of {size}" for size in found.sizes],
)


def block_claims(blocks: Blocks) -> list[Claim]:
    """All claims about blocks at one threshold."""
    claims = judged(SIZE, blocks)
    for name, line in (("deepest", blocks.found.depths), ("widest", blocks.found.widths)):
        claims += judged(SEEDS, (blocks, line[-1]), name=name, architecture=line[-1])
    return claims + judged([LATE], blocks)


def networks_table(populations: Mapping[Architecture, Population]) -> pd.DataFrame:
    """A row an architecture: size, how far training came, and test accuracy with its interval over seeds."""
    rows = []
    for architecture, population in populations.items():
        made, networks = population.specification, population.networks
        sizes = {"in_channels": made.in_channels, "image_size": made.image_size, "num_classes": made.num_classes}
        losses = [network.train_loss[-1] for network in networks]
        accuracies = [network.train_accuracy[-1] for network in networks]
        tested = mean_interval([network.test_accuracy[-1] for network in networks])
        rows.append(
            {
                "network": str(architecture),
                "parameters": count_parameters(made.family, made.width, **sizes),
                "seeds": len(networks),
                "training loss (nats)": f"{min(losses):.3f} to {max(losses):.3f}",
                "training accuracy": f"{min(accuracies):.3f} to {max(accuracies):.3f}",
                "test accuracy": in_brackets(tested, ".3f"),
            }
        )
    return pd.DataFrame(rows)


def fit_words(populations: Mapping[Architecture, Population]) -> str:
    """One sentence: how many networks came near a training loss of zero, and which did not."""
    losses = {one: [network.train_loss[-1] for network in found.networks] for one, found in populations.items()}
    near = sum(loss < FITTED for found in losses.values() for loss in found)
    rest = ", ".join(str(architecture) for architecture, found in losses.items() if max(found) >= FITTED)
    words = f"{near} of {sum(map(len, losses.values()))} networks end with a training loss below {FITTED:g} nats"
    return f"{words}; with others: {rest}." if rest else f"{words}."


def place(layer: int, layers: int) -> str:
    """Where one of the hidden layers is: 'stem' or 'stage 2, block 3'."""
    starts = stage_starts(layers)
    stage = sum(layer >= start for start in starts)
    return f"stage {stage}, block {layer - starts[stage - 1] + 1}" if stage else "stem"


def blocks_of(maps: np.ndarray, threshold: float) -> list[Block]:
    """The blocks of the networks that have one: [networks, layers, layers] -> list."""
    return [block for block in (largest_block(cka, threshold) for cka in maps) if block.exists]


def blocks_table(maps: Mapping[Architecture, np.ndarray], threshold: float) -> pd.DataFrame:
    """A row an architecture: networks with a block, its share and side, and where it lies."""
    rows = []
    for architecture, found in maps.items():
        layers, blocks = found.shape[-1], blocks_of(found, threshold)
        where, late = partial(place, layers=layers), [block.late_share() for block in blocks]
        rows.append(
            {
                "network": str(architecture),
                "layers": layers,
                "with a block": f"{len(blocks)} of {len(found)}",
                "block's share of the depth": in_brackets(mean_share(found, threshold)),
                "side (layers)": _span([len(block) for block in blocks]),
                "begins": _span([block.start for block in blocks], where),
                "ends": _span([block.stop - 1 for block in blocks], where),
                "of it in the last two stages": f"{np.mean(late):.2f}" if late else "–",
            }
        )
    return pd.DataFrame(rows)


def _span(numbers: Sequence[int], words=str) -> str:
    """From the smallest to the largest in words, one of them if they are the same; a dash for none."""
    return " to ".join(dict.fromkeys((words(min(numbers)), words(max(numbers))))) if numbers else "–"


def less_data_table(
    by_count: Mapping[Architecture, np.ndarray], counts: Sequence[int], threshold: float
) -> pd.DataFrame:
    """A row an architecture: its block measure at every number of training images, and the slope per halving.

    by_count: [networks, counts, layers, layers] of each.
    """
    rows = []
    for one, maps in by_count.items():
        at = {f"{count} images": in_brackets(mean_share(maps[:, i], threshold)) for i, count in enumerate(counts)}
        slope = in_brackets(halving(by_count, counts, [one], threshold), "+.3f")
        rows.append({"network": str(one), **at, "per halving": slope})
    return pd.DataFrame(rows)


def batch_sizes_table(estimators: Sequence[BatchSizes]) -> pd.DataFrame:
    """A row an estimator and batch size: its deviation from the full value, and the largest one of a pair of layers."""
    rows = [
        (found.estimator, size, in_brackets(interval, "+.4f"), f"{largest:.3f}")
        for found in estimators
        for size, interval, largest in zip(found.sizes, zip(*found.interval()), found.largest())
    ]
    return pd.DataFrame(rows, columns=["HSIC", "batch (images)", "deviation, mean over pairs", "largest of a pair"])


def robustness_table(by_threshold: Mapping[float, Sequence[Claim]]) -> pd.DataFrame:
    """A row a claim, a column a threshold: the verdict and the estimate."""
    told = {
        f"threshold {threshold:g}": [f"{claim.verdict}, {short(claim.estimate)}" for claim in claims]
        for threshold, claims in by_threshold.items()
    }
    return pd.DataFrame({"claim": [claim.name for claim in next(iter(by_threshold.values()))]} | told)
