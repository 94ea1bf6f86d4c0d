"""The tables of chapter 11, and what it found in words that follow from its numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lib.cka.block_growth import BlockMaps, ends, halving, mean_share
from lib.cka.blocks import Block, largest_block, stage_starts
from lib.cka.grams import BatchSizes
from lib.models.architectures import count_parameters
from lib.results import short
from lib.statistics.intervals import in_brackets, mean_interval
from lib.training.populations import Population
from lib.training.wide_and_deep import Architecture
from lib.verdicts import Claim

FITTED = 0.05  # nats: the right class has a probability of 0.95


def networks_table(populations: Mapping[Architecture, Population]) -> pd.DataFrame:
    """A row an architecture: size, how far training came, and test accuracy with its interval over seeds."""
    rows = []
    for architecture, population in populations.items():
        specification, networks = population.specification, population.networks
        losses = [network.train_loss[-1] for network in networks]
        accuracies = [network.train_accuracy[-1] for network in networks]
        rows.append({"network": str(architecture), "parameters": count_parameters(
            specification.family, specification.width, in_channels=specification.in_channels,
            image_size=specification.image_size, num_classes=specification.num_classes),
            "seeds": len(networks), "training loss (nats)": f"{min(losses):.3f} to {max(losses):.3f}",
            "training accuracy": f"{min(accuracies):.3f} to {max(accuracies):.3f}",
            "test accuracy": in_brackets(mean_interval([network.test_accuracy[-1] for network in networks]), ".3f")})
    return pd.DataFrame(rows)


def fit_words(populations: Mapping[Architecture, Population]) -> str:
    """One sentence: how many networks came near a training loss of zero, and which did not."""
    losses = {architecture: [network.train_loss[-1] for network in population.networks]
              for architecture, population in populations.items()}
    near = sum(loss < FITTED for of_architecture in losses.values() for loss in of_architecture)
    rest = [str(architecture) for architecture, found in losses.items() if max(found) >= FITTED]
    return (f"{near} of {sum(map(len, losses.values()))} networks end with a training loss below {FITTED:g} nats"
            + (f"; with others: {', '.join(rest)}." if rest else "."))


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
    for architecture, of_architecture in maps.items():
        layers = of_architecture.shape[-1]
        blocks = blocks_of(of_architecture, threshold)
        late = [block.late_share() for block in blocks]
        rows.append({
            "network": str(architecture), "layers": layers, "with a block": f"{len(blocks)} of {len(of_architecture)}",
            "block's share of the depth": in_brackets(mean_share(of_architecture, threshold)),
            "side (layers)": _range([len(block) for block in blocks]),
            "begins": _places([block.start for block in blocks], layers),
            "ends": _places([block.stop - 1 for block in blocks], layers),
            "of it in the last two stages": f"{np.mean(late):.2f}" if late else "–"})
    return pd.DataFrame(rows)


def less_data_table(by_count: Mapping[Architecture, np.ndarray], counts: Sequence[int], threshold: float
                    ) -> pd.DataFrame:
    """A row an architecture: its block measure at every number of training images, and the slope per halving.

    by_count: [networks, counts, layers, layers] of each.
    """
    return pd.DataFrame([{"network": str(architecture)} | {
        f"{count} images": in_brackets(mean_share(maps[:, place], threshold))
        for place, count in enumerate(counts)} | {
        "per halving": in_brackets(halving(by_count, counts, [architecture], threshold), "+.3f")}
        for architecture, maps in by_count.items()])


def batch_sizes_table(of_estimators: Sequence[BatchSizes]) -> pd.DataFrame:
    """A row an estimator and batch size: its deviation from the full value, and the largest one of a pair of layers."""
    return pd.DataFrame([{"HSIC": found.estimator, "batch (images)": size,
                          "deviation, mean over pairs": in_brackets(interval, "+.4f"),
                          "largest of a pair": f"{largest:.3f}"}
                         for found in of_estimators
                         for size, interval, largest in zip(found.sizes, zip(*found.interval()), found.largest())])


def robustness_table(by_threshold: Mapping[float, Sequence[Claim]]) -> pd.DataFrame:
    """A row a claim, a column a threshold: the verdict and the estimate."""
    return pd.DataFrame([
        {"claim": row[0].name} | {f"threshold {threshold:g}": f"{claim.verdict}, {short(claim.estimate)}"
                                  for threshold, claim in zip(by_threshold, row)}
        for row in zip(*by_threshold.values())])


def findings(found: BlockMaps, threshold: float, verdicts: Sequence[Claim],
             by_threshold: Mapping[float, Sequence[Claim]]) -> str:
    """The answer in words, Markdown lines."""
    claims = {claim.name: claim for claim in verdicts}
    lines = [f"- **{title}**: {_ends_words(found.maps, line, threshold)}; {_slope(claims[name], change)}."
             for title, line, name, change in (
                 ("Depth", found.depths, "11-block-grows-depth", "doubling"),
                 ("Width", found.widths, "11-block-grows-width", "doubling"),
                 ("Width without residual connections", found.plain, "11-block-grows-width-plain", "doubling"))]
    few, many = found.counts[0], found.counts[-1]
    lines += [f"- **Less data, {title}** (from {many} to {few} images): {_slope(claims[name], 'halving')}."
              for title, name in (("narrowest and widest", "11-less-data-width"),
                                  ("shallowest and deepest", "11-less-data-depth"))]
    for title, architecture in (("deepest", found.depths[-1]), ("widest", found.widths[-1])):
        maps = found.maps[architecture]
        blocks = blocks_of(maps, threshold)
        spans = ", ".join(f"{block.start + 1} to {block.stop}" for block in blocks)
        lines.append(f"- **Seeds of the {title}**, {architecture}: {len(blocks)} of {len(maps)} have a block"
                     + (f", of the layers {spans} of {maps.shape[-1]}." if blocks else "."))
    late, batches = claims["11-block-late"], claims["11-batch-size-cka"]
    lines += [f"- **The last two stages** hold more of the blocks than of the layers by this share ({late.networks} "
              f"networks with a block): {_bracketed(late)}: {late.verdict}.",
              f"- **The batch size** at which minibatch CKA deviates most changes it from the full value by "
              f"{_bracketed(batches)}: {batches.verdict}."]
    changing = [row[0].name for row in zip(*by_threshold.values()) if len({claim.verdict for claim in row}) > 1]
    lines.append(f"- **Thresholds** {', '.join(f'{one:g}' for one in by_threshold)}: "
                 + (f"the verdict changes for {', '.join(changing)}." if changing else "no verdict changes."))
    return "\n".join(lines)


def _ends_words(maps: Mapping[Architecture, np.ndarray], line: Sequence[Architecture], threshold: float) -> str:
    return " and ".join(f"{in_brackets(mean_share(maps[architecture], threshold))} of the layers of {architecture}"
                        for architecture in ends(line))


def _slope(claim: Claim, change: str) -> str:
    return f"per {change} the block's share changes by {_bracketed(claim)}: {claim.verdict}"


def _bracketed(claim: Claim) -> str:
    return in_brackets((claim.estimate, claim.low, claim.high), "+.3f")


def _range(numbers: Sequence[int]) -> str:
    if not numbers:
        return "–"
    return str(min(numbers)) if min(numbers) == max(numbers) else f"{min(numbers)} to {max(numbers)}"


def _places(layers: Sequence[int], depth: int) -> str:
    if not layers:
        return "–"
    return " to ".join(dict.fromkeys((place(min(layers), depth), place(max(layers), depth))))
