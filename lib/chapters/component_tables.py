"""The tables of chapter 12: means over the networks of every architecture, with their intervals."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pandas as pd

from lib.cka.block_components import Found, NetworkComponents, shared_intervals
from lib.cka.blocks import LEAST_NETWORKS
from lib.cka.components import TOP, carried, norm_rank, one_percent, shared
from lib.statistics.intervals import in_brackets, mean_interval

Columns = Mapping[str, Callable[[NetworkComponents], float]]

PAIRS: Columns = {
    "correlation": NetworkComponents.agreement,
    "share, inside − outside": NetworkComponents.share_contrast,
    "fall inside": partial(NetworkComponents.fall, inside=True),
    "fall elsewhere": partial(NetworkComponents.fall, inside=False)}
IMAGES: Columns = {
    "on 1 % of the images": lambda network: carried(network.coefficients)[one_percent(len(network.coefficients)) - 1],
    f"on {TOP} images": lambda network: carried(network.coefficients)[:TOP][-1],
    "rank by length": lambda network: norm_rank(network.coefficients, network.norms),
    "also longest": lambda network: shared(network.coefficients, network.norms)}
DROPPED: Columns = {
    "all images": lambda network: network.dropped.none,
    "without random ones": lambda network: network.dropped.random,
    "without the dominant ones": lambda network: network.dropped.dominant}


def table(found: Found, columns: Columns) -> pd.DataFrame:
    """One row an architecture: the number of its networks, and the mean of each column over those where it is known,
    with its interval; a dash where they are too few."""
    return pd.DataFrame([{"network": str(architecture), "n": len(networks)}
                         | {name: _written(np.array([value(network) for network in networks], dtype=float))
                            for name, value in columns.items()} for architecture, networks in found.items()])


def image_table(found: Found) -> pd.DataFrame:
    """`table` of IMAGES, and the share of their dominant images that two networks have in common."""
    between = shared_intervals(found)
    return table(found, IMAGES).assign(**{"shared by seeds": [
        in_brackets(between[architecture]) if architecture in between else "–" for architecture in found]})


def block_counts(found: Found) -> str:
    """How many networks of each architecture have a block, in words."""
    return "; ".join(f"{architecture}: {sum(network.has_block for network in networks)} of {len(networks)}"
                     for architecture, networks in found.items())


def _written(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    return in_brackets(mean_interval(known)) if len(known) >= LEAST_NETWORKS else "–"
