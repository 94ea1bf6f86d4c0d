"""Chapter 12: is a block one dominant direction, and which images does that direction tell apart?"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter

import numpy as np
import pandas as pd

from lib.cka.block_components import Found, NetworkComponents, late_shares, shared_intervals, with_block
from lib.cka.components import TOP, carried, excess_carried, norm_rank, one_percent, shared
from lib.gates import LEAST_NETWORKS, Gate
from lib.rules import above
from lib.rules_of_several import every
from lib.statistics.contrasts import estimated_means, known_interval, known_values, slope_within, varying
from lib.statistics.intervals import Interval, bounded, in_brackets
from lib.statistics.sample import Estimated
from lib.verdicts import DETAIL, HEADLINE, MACHINERY, Claim, Row, judged

Value = Callable[[NetworkComponents], float]  # of a network; NaN where it cannot be asked
Columns = Mapping[str, Value]
FIG_3, ORIGINS = "Wide and Deep, Fig. 3", "Origins of the Block Structure, abstract"


def excess(network: NetworkComponents) -> float:
    """What 1 % of the images carry of the block's first component beyond a normal law; NaN without a block."""
    return excess_carried(network.coefficients) if network.has_block else np.nan


def large(network: NetworkComponents) -> float:
    """Mean rank by length of the dominant images, less one half; NaN without a block."""
    return norm_rank(network.coefficients, network.norms) - 0.5 if network.has_block else np.nan


def without_dominant(network: NetworkComponents) -> float:
    """CKA inside the block without random images less that without the dominant ones; NaN without a block."""
    return network.dropped.random - network.dropped.dominant if network.dropped else np.nan


def images_of(found: Found) -> int:
    """How many images the components are of."""
    return len(next(iter(found.values()))[0].coefficients)


def share_and_block(found: Found, level: float = 0.95) -> Interval:
    """Slope of the share of the last two stages' first component on the share of the depth that the block takes.

    Within architectures, as the seeds of the paper's Fig. D.5 are: an intercept for each of them.
    """
    share, block = ({one: late_shares(networks)[:, column] for one, networks in found.items()} for column in (0, 1))
    return slope_within(block, share, level)


def with_varying_block(found: Found) -> int:
    """How many networks are of architectures whose seeds have blocks of different size, or a block and none."""
    return varying({one: late_shares(networks)[:, 1] for one, networks in found.items()})


def judgeable(found: Found) -> Found:
    """The networks that have a block, of the architectures with enough of them for a verdict."""
    return {one: networks for one, networks in with_block(found).items() if len(networks) >= LEAST_NETWORKS}


def unshared(found: Found) -> Estimated:
    """Share of the dominant images of one network that another of its architecture does not have, with a block each."""
    blocks = judgeable(found)

    def interval(level: float) -> Interval:
        estimate, low, high = np.reshape([*shared_intervals(blocks, level).values()], (-1, 3)).T
        return 1 - estimate, 1 - high, 1 - low

    networks = sum(map(len, blocks.values())) or max(map(len, with_block(found).values()))
    return Estimated(interval, networks, images_of(found))


def _everywhere(
    name: str,
    says: str,
    source: str,
    statistic: str,
    value: Value,
    bounds: tuple[float, float],
    level: str = DETAIL,
    formula: str = "",
) -> Row:
    """The claim that the mean over networks is above 0 in every architecture that has enough networks with a value."""
    return Row(
        f"12-{name}",
        says,
        source,
        f"{statistic}, mean over seeds",
        lambda found: estimated_means(found, value, LEAST_NETWORKS, images_of(found)),
        rule=every(above(0)),
        places=lambda found: list(map(str, known_values(found, value, LEAST_NETWORKS))),
        level=level,
        bounds=bounds,
        formula=formula,
    )


CLAIMS = (
    _everywhere(
        "cka-follows-component",
        "CKA of two layers follows the squared cosine of their first principal components.",
        FIG_3,
        "correlation over the layer pairs of a network",
        NetworkComponents.agreement,
        (-1, 1),
    ),
    _everywhere(
        "component-dominates-block",
        "The first principal component has a larger share of the variance inside the block than outside.",
        FIG_3,
        "mean share inside minus outside",
        NetworkComponents.share_contrast,
        (-1, 1),
        HEADLINE,
        r"\overline{\lambda_1 / \textstyle\sum_i \lambda_i}^{\,\mathrm{inside}} > "
        r"\overline{\lambda_1 / \textstyle\sum_i \lambda_i}^{\,\mathrm{outside}}",
    ),
    _everywhere(
        "removal-lowers-block",
        "CKA inside the block falls when the first component of every layer is removed.",
        FIG_3,
        "mean CKA inside the block before minus after",
        partial(NetworkComponents.fall, inside=True),
        (-2, 2),
        MACHINERY,
    ),
    _everywhere(
        "removal-spares-others",
        "Removing the first components lowers CKA inside the block more than CKA of the other layer pairs.",
        FIG_3,
        "fall inside the block minus fall elsewhere",
        NetworkComponents.fall_contrast,
        (-4, 4),
        HEADLINE,
        r"\Delta\mathrm{CKA}_{\mathrm{inside}} > \Delta\mathrm{CKA}_{\mathrm{elsewhere}}",
    ),
    _everywhere(
        "few-images-carry-component",
        "Few images carry the first component of the block.",
        ORIGINS,
        "share of the squared coefficients on 1 % of the images minus that of a normal law",
        excess,
        (-1, 1),
    ),
    _everywhere(
        "dominant-images-are-large",
        "The images with the largest coefficients have longer activations than others.",
        ORIGINS,
        f"mean rank by length of the {TOP} images (from 0 to 1) minus 0.5",
        large,
        (-0.5, 0.5),
    ),
    _everywhere(
        "block-needs-dominant-images",
        "CKA inside the block falls further without the dominant images than without as many random ones.",
        ORIGINS,
        "CKA without random images minus CKA without the dominant ones",
        without_dominant,
        (-2, 2),
    ),
    Row(
        "12-share-grows-with-block",
        "Of the networks of one architecture those with a larger block have a larger first component in their last two "
        "stages.",
        "Wide and Deep, Fig. D.5",
        "slope of the component's share of the variance on the block's share of the depth, an intercept for every "
        "architecture",
        lambda found: Estimated(partial(share_and_block, found), with_varying_block(found), images_of(found)),
    ),
    Row(
        "12-seeds-have-their-own-images",
        "Most of the dominant images of one seed are not those of another.",
        ORIGINS,
        f"share of the {TOP} dominant images that another seed does not have, mean over pairs",
        unshared,
        rule=every(above(0.5)),
        places=lambda found: list(map(str, judgeable(found))),
        bounds=(0, 1),
    ),
)


def component_claims(found: Found, fit: Sequence[Gate]) -> list[Claim]:
    """What the paper says of first components, and its follow-up of the images behind them; `fit`: what was learnt."""
    return judged(CLAIMS, found, fit)


PAIRS: Columns = {
    "correlation": NetworkComponents.agreement,
    "share, inside − outside": NetworkComponents.share_contrast,
    "fall inside": partial(NetworkComponents.fall, inside=True),
    "fall elsewhere": partial(NetworkComponents.fall, inside=False),
}
IMAGES: Columns = {
    "on 1 % of the images": lambda network: carried(network.coefficients)[one_percent(len(network.coefficients)) - 1],
    f"on {TOP} images": lambda network: carried(network.coefficients)[:TOP][-1],
    "rank by length": lambda network: norm_rank(network.coefficients, network.norms),
    "also longest": lambda network: shared(network.coefficients, network.norms),
}
DROPPED: Columns = {
    "all images": attrgetter("dropped.none"),
    "without random ones": attrgetter("dropped.random"),
    "without the dominant ones": attrgetter("dropped.dominant"),
}


BOUNDS = dict.fromkeys((*PAIRS, *DROPPED), (-1, 1)) | dict.fromkeys(IMAGES, (0, 1))


def table(found: Found, columns: Columns) -> pd.DataFrame:
    """One row an architecture: the number of its networks, and the mean of each column over those where it is known,
    with its interval; a dash where they are too few."""
    rows = []
    for architecture, networks in found.items():
        means = {
            name: bounded(known_interval(np.array([value(one) for one in networks], float)), *BOUNDS[name])
            for name, value in columns.items()
        }
        written = {name: in_brackets(mean) if np.isfinite(mean).all() else "–" for name, mean in means.items()}
        rows.append({"network": str(architecture), "n": len(networks), **written})
    return pd.DataFrame(rows)


def image_table(found: Found) -> pd.DataFrame:
    """`table` of IMAGES, and the share of their dominant images that two networks have in common."""
    between = shared_intervals(found)
    written = [
        in_brackets(bounded(between[architecture], 0, 1)) if architecture in between else "–" for architecture in found
    ]
    return table(found, IMAGES).assign(**{"shared by seeds": written})


def block_counts(found: Found) -> str:
    """How many networks of each architecture have a block, in words."""
    counts = {architecture: sum(network.has_block for network in networks) for architecture, networks in found.items()}
    return "; ".join(f"{architecture}: {count} of {len(found[architecture])}" for architecture, count in counts.items())
