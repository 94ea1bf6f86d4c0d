"""The tables of chapter 11: networks, where their blocks lie, less data, batch sizes, and verdicts at other thresholds."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from lib.cka.block_growth import halving, mean_share
from lib.cka.blocks import Block, Find, stage_starts
from lib.cka.grams import BatchSizes
from lib.models.architectures import count_parameters
from lib.results import short
from lib.statistics.intervals import bounded, in_brackets, mean_interval
from lib.training.populations import Population
from lib.training.wide_and_deep import Architecture
from lib.verdicts import Claim


def networks_table(populations: Mapping[Architecture, Population]) -> pd.DataFrame:
    """A row an architecture: size, how far training came, and test accuracy with its interval over seeds."""
    rows = []
    for architecture, population in populations.items():
        made, networks = population.specification, population.networks
        sizes = {"in_channels": made.in_channels, "image_size": made.image_size, "num_classes": made.num_classes}
        losses = [network.train_loss[-1] for network in networks]
        accuracies = [network.train_accuracy[-1] for network in networks]
        tested = bounded(mean_interval([network.test_accuracy[-1] for network in networks]), 0, 1)
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


def place(layer: int, layers: int) -> str:
    """Where one of the hidden layers is: 'stem' or 'stage 2, block 3'."""
    starts = stage_starts(layers)
    stage = sum(layer >= start for start in starts)
    return f"stage {stage}, block {layer - starts[stage - 1] + 1}" if stage else "stem"


def blocks_of(maps: np.ndarray, find: Find) -> list[Block]:
    """The blocks of the networks that have one: [networks, layers, layers] -> list."""
    return [block for block in map(find, maps) if block.exists]


def blocks_table(maps: Mapping[Architecture, np.ndarray], find: Find) -> pd.DataFrame:
    """A row an architecture: networks with a block, its share and side, and where it lies."""
    rows = []
    for architecture, found in maps.items():
        layers, blocks = found.shape[-1], blocks_of(found, find)
        where, late = partial(place, layers=layers), [block.late_share() for block in blocks]
        rows.append(
            {
                "network": str(architecture),
                "layers": layers,
                "with a block": f"{len(blocks)} of {len(found)}",
                "block's share of the depth": in_brackets(mean_share(found, find)),
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


def less_data_table(by_count: Mapping[Architecture, np.ndarray], counts: Sequence[int], find: Find) -> pd.DataFrame:
    """A row an architecture: its block measure at every number of training images, and the slope per halving.

    by_count: [networks, counts, layers, layers] of each.
    """
    rows = []
    for one, maps in by_count.items():
        at = {f"{count} images": in_brackets(mean_share(maps[:, i], find)) for i, count in enumerate(counts)}
        slope = in_brackets(halving(by_count, counts, [one], find), "+.3f")
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
