"""The claims of chapter 13: what linear probes and deleted blocks say of the block structure, and findings in words."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lib.cka.block_effects import BlockMeasures, inside_and_outside, plateaus, rank_correlations
from lib.cka.blocks import LEAST_NETWORKS, mean_where
from lib.cka.network_statistics import known_interval, slope_within
from lib.statistics.intervals import in_brackets, mean_interval
from lib.training.wide_and_deep import Architecture
from lib.verdicts import UNDECIDED, Claim, all_above, judge_above

Found = Mapping[Architecture, BlockMeasures]

# attribute of BlockMeasures -> what it is called
QUANTITIES = {"gain": "probe accuracy gained by a block", "lead": "probe accuracy after − before the addition",
              "cost": "accuracy lost by deleting a block"}


def probe_claims(found: Found) -> list[Claim]:
    """Three claims on probes and two on deletions, each on the architectures with networks that can decide it."""
    gaps = {name: {key: np.subtract(*inside_and_outside(measures, getattr(measures, name))[::-1])
                   for key, measures in found.items()} for name in ("gain", "cost")}
    lead = {key: mean_where(measures.lead, measures.inside) for key, measures in found.items()}
    ranks = {key: rank_correlations(measures) for key, measures in found.items()}
    images = next(iter(found.values())).images
    return [
        _everywhere("13-probe-rises-without-block",
                    "Without a block structure the accuracy of linear probes rises with depth.",
                    "rank correlation of depth and probe accuracy", ranks, images),
        _everywhere("13-probe-gain-smaller-in-block",
                    "Residual blocks inside the block structure add less to the accuracy of linear probes than those "
                    "outside.", f"{QUANTITIES['gain']}, outside − inside (share of images)", gaps["gain"], images),
        _everywhere("13-after-exceeds-before-in-block",
                    "Inside the block structure probes are better after the residual addition than before it.",
                    f"{QUANTITIES['lead']}, inside (share of images)", lead, images),
        _everywhere("13-deletion-cheaper-in-block",
                    "Deleting a residual block inside the block structure costs less accuracy than deleting one "
                    "outside.",
                    f"{QUANTITIES['cost']}, outside − inside (share of images)", gaps["cost"], images),
        _larger_is_cheaper(found, images)]


def _everywhere(name: str, statement: str, statistic: str, values: Mapping[Architecture, np.ndarray], images: int
                ) -> Claim:
    """The claim that the mean over networks is above 0 in every architecture that has LEAST networks with a value."""
    known = {key: of_key[np.isfinite(of_key)] for key, of_key in values.items()}
    enough = {key: of_key for key, of_key in known.items() if len(of_key) >= LEAST_NETWORKS}
    if not enough:
        return Claim(name, statement, f"{statistic}: no architecture has {LEAST_NETWORKS} networks for it", *(np.nan,) * 3,
                     sum(map(len, known.values())), images, "all 95 % intervals above 0, one for every architecture",
                     UNDECIDED)
    return all_above(name, statement, statistic,
                     lambda level: tuple(zip(*(mean_interval(of_key, level) for of_key in enough.values()))), 0,
                     sum(map(len, enough.values())), images, list(map(str, enough)))


def _larger_is_cheaper(found: Found, images: int) -> Claim:
    shares = {key: np.array([structure.share() for structure in measures.structures])
              for key, measures in found.items()}
    slope, low, high = slope_within(shares, {key: measures.loss for key, measures in found.items()})
    return Claim("13-deletion-cheaper-with-larger-block",
                 "Among networks of one architecture, deletions cost those with a larger block structure less "
                 "accuracy.",
                 "slope of the mean loss of accuracy over all deletions on the share of the layers in the block "
                 "structure, an intercept for every architecture", slope, low, high, sum(map(len, shares.values())),
                 images, "95 % interval below 0; contradicted if it lies above", judge_above(-high, -low))


def effects_table(found: Found) -> pd.DataFrame:
    """A row an architecture and quantity: means over the blocks inside and over those outside, each over the networks
    with a block structure that have such blocks, the difference over those that have both, and the mean over all
    blocks of the networks without a block structure; with intervals over networks."""
    rows = []
    for key, measures in found.items():
        having = measures.inside.any(1)
        for name, words in QUANTITIES.items():
            values = getattr(measures, name)
            outside = np.where(having, mean_where(values, ~measures.inside), np.nan)
            columns = {"inside": mean_where(values, measures.inside), "outside": outside,
                       "outside − inside": np.subtract(*inside_and_outside(measures, values)[::-1]),
                       "networks without": np.where(having, np.nan, mean_where(values, np.ones_like(measures.inside)))}
            rows.append({"architecture": str(key), "quantity": words} | {
                column: f"{in_brackets(known_interval(of_column), '+.3f')} ({np.isfinite(of_column).sum()})"
                for column, of_column in columns.items()})
    return pd.DataFrame(rows)


def findings(found: Found) -> str:
    """What was found, in words: Markdown lines, one an architecture."""
    return "\n".join(_finding(key, measures) for key, measures in found.items())


def _finding(key: Architecture, measures: BlockMeasures) -> str:
    inside, first, last = measures.inside.sum(1), measures.after[:, 0].mean(), measures.after[:, -1].mean()
    having = inside[inside > 0]
    where = f", with {_span(having)} of {measures.inside.shape[1]} residual blocks inside" if len(having) else ""
    return (f"- **{key}**: {len(having)} of {len(inside)} networks have a block structure{where}. Mean probe accuracy "
            f"is {first:.3f} at the stem and {last:.3f} after the last addition; {(measures.gain > 0).mean():.0%} of "
            f"the steps between layers go up and {(measures.gain < 0).mean():.0%} down. The networks themselves "
            f"classify {measures.whole.mean():.3f} of the images rightly; blocks in their longest plateau: "
            f"{_span(plateaus(measures))}.")


def _span(counts: np.ndarray) -> str:
    """'2' or '2 to 5'."""
    return f"{counts.min()} to {counts.max()}" if np.ptp(counts) else str(counts.min())
