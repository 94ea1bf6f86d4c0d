"""The claims of chapter 12: what the paper says of first components, and its follow-up of the images behind them."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from lib.cka.block_components import Found, NetworkComponents, late_shares, shared_intervals, with_block
from lib.cka.components import TOP, excess_carried, norm_rank
from lib.cka.network_statistics import known_values, means, rank_interval
from lib.statistics.intervals import Interval
from lib.training.wide_and_deep import Architecture
from lib.verdicts import UNDECIDED, Claim, all_above, judge_above

Value = Callable[[NetworkComponents], float]


def excess(network: NetworkComponents) -> float:
    """What 1 % of the images carry of the block's first component beyond a normal law; NaN without a block."""
    return excess_carried(network.coefficients) if network.has_block else np.nan


def large(network: NetworkComponents) -> float:
    """Mean rank by length of the dominant images, less one half; NaN without a block."""
    return norm_rank(network.coefficients, network.norms) - 0.5 if network.has_block else np.nan


def without_dominant(network: NetworkComponents) -> float:
    """CKA inside the block without random images less that without the dominant ones; NaN without a block."""
    return network.dropped.random - network.dropped.dominant if network.dropped else np.nan


# name of the claim -> what is claimed, what is estimated, its value for a network; each claimed to lie above zero
CLAIMED: dict[str, tuple[str, str, Value]] = {
    "cka-follows-component": (
        "CKA of two layers follows the squared cosine of their first principal components.",
        "correlation over the layer pairs of a network, mean over seeds", NetworkComponents.agreement),
    "component-dominates-block": (
        "The first principal component has a larger share of the variance inside the block than outside.",
        "mean share inside minus outside, mean over seeds", NetworkComponents.share_contrast),
    "removal-lowers-block": (
        "CKA inside the block falls when the first component of every layer is removed.",
        "mean CKA inside the block before minus after, mean over seeds", partial(NetworkComponents.fall, inside=True)),
    "removal-spares-others": (
        "Removing the first components lowers CKA inside the block more than CKA of the other layer pairs.",
        "fall inside the block minus fall elsewhere, mean over seeds", NetworkComponents.fall_contrast),
    "few-images-carry-component": (
        "Few images carry the first component of the block.",
        "share of the squared coefficients on 1 % of the images minus that of a normal law, mean over seeds", excess),
    "dominant-images-are-large": (
        "The images with the largest coefficients have longer activations than others.",
        f"mean rank by length of the {TOP} images (from 0 to 1) minus 0.5, mean over seeds", large),
    "block-needs-dominant-images": (
        "CKA inside the block falls further without the dominant images than without as many random ones.",
        "CKA without random images minus CKA without the dominant ones, mean over seeds", without_dominant)}


def component_claims(found: Found) -> list[Claim]:
    """One claim a row of CLAIMED, then those on the share and the block over all networks, and on seeds."""
    images = len(next(iter(found.values()))[0].coefficients)
    each = [_every_architecture(f"12-{name}", statement, statistic, partial(means, values), 0,
                                {architecture: len(of_one) for architecture, of_one in values.items()}, images)
            for name, (statement, statistic, value) in CLAIMED.items() for values in [known_values(found, value)]]
    return [*each, _share_claim(found, images), _seeds_claim(found, images)]


def share_and_block(found: Found) -> Interval:
    """Rank correlation over all networks of the share of the last two stages' first component with the share of the
    depth that the block takes: three numbers."""
    return rank_interval(np.concatenate([late_shares(networks) for networks in found.values()]))


def _share_claim(found: Found, images: int) -> Claim:
    estimate, low, high = share_and_block(found)
    return Claim("12-share-grows-with-block",
                 "Networks with a larger block have a larger first component in their last two stages.",
                 "Spearman's correlation over networks of all architectures", estimate, low, high,
                 sum(map(len, found.values())), images, "95 % interval above zero; contradicted if it lies below",
                 judge_above(low, high))


def _seeds_claim(found: Found, images: int) -> Claim:
    blocks = with_block(found)
    counts = {architecture: len(blocks[architecture]) for architecture in shared_intervals(blocks)}

    def unshared(level):
        ends = np.array([*shared_intervals(blocks, level).values()]).T
        return 1 - ends[0], 1 - ends[2], 1 - ends[1]

    return _every_architecture("12-seeds-have-their-own-images",
                               "Most of the dominant images of one seed are not those of another.",
                               f"share of the {TOP} dominant images that another seed does not have, mean over pairs",
                               unshared, 0.5, counts, images)


def _every_architecture(name: str, statement: str, statistic: str, interval: Callable[[float], Interval],
                        threshold: float, counts: Mapping[Architecture, int], images: int) -> Claim:
    if counts:
        return all_above(name, statement, statistic, interval, threshold, sum(counts.values()), images,
                         list(map(str, counts)))
    return Claim(name, statement, f"{statistic}: no architecture has three networks of which this can be asked",
                 np.nan, np.nan, np.nan, 0, images, f"all 95 % intervals above {threshold:g}; contradicted if one lies "
                 "below, at the level corrected for their number", UNDECIDED)
