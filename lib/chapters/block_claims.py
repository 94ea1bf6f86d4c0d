"""The claims of chapter 11: the block structure grows with depth and width and with fewer training images, it needs no
residual connections, every seed has one, at layers of its own, and minibatch CKA is what it is measured with."""

import numpy as np
from scipy.stats import binomtest

from lib.cka.block_growth import BlockMaps, ends, growth, halving, late_excess
from lib.cka.blocks import ends_apart, shares
from lib.cka.grams import BatchSizes
from lib.statistics.intervals import Interval
from lib.training.wide_and_deep import Architecture
from lib.verdicts import CONTRADICTED, SUPPORTED, UNDECIDED, Claim, judge_above, judge_within

ABOVE = "95 % interval above zero; contradicted if it lies below"
NOTHING: Interval = (np.nan, np.nan, np.nan)
TOLERANCE = 0.02  # of CKA: less than can be seen in a map
ROUNDING = 1e-9  # layers: means of whole numbers that are equal but for their last digits


def block_claims(found: BlockMaps, threshold: float, images: int, rng: np.random.Generator) -> list[Claim]:
    """All claims about blocks at one threshold; `images`: how many each map is made from."""
    return [*growth_claims(found, threshold, images), *less_data_claims(found, threshold, images),
            *(claim for name, line in (("deepest", found.depths), ("widest", found.widths))
              for claim in seed_claims(name, line[-1], found, threshold, images, rng)),
            late_claim(found, threshold, images)]


def growth_claims(found: BlockMaps, threshold: float, images: int) -> list[Claim]:
    """Figs 1 and C.1: the block takes a larger share of a deeper and of a wider network, also without shortcuts."""
    return [_slope_claim(f"11-block-grows-{name}", statement, f"per doubling of the {quantity}",
                         growth(found.maps, line, quantity, threshold),
                         sum(len(found.maps[architecture]) for architecture in line), images)
            for name, quantity, line, statement in (
                ("depth", "depth", found.depths, "The deeper a network, the larger its block structure."),
                ("width", "width", found.widths, "The wider a network, the larger its block structure."),
                ("width-plain", "width", found.plain,
                 "The wider a network without residual connections, the larger its block structure."))]


def less_data_claims(found: BlockMaps, threshold: float, images: int) -> list[Claim]:
    """Figs 2 and D.2: the block takes a larger share where there are fewer training images."""
    claims = []
    for name, line, which in (("width", ends(found.widths), "The narrowest and the widest network have"),
                              ("depth", ends(found.depths), "The shallowest and the deepest network have")):
        networks = sum(len(found.by_count[architecture]) for architecture in line) * len(found.counts)
        claims.append(_slope_claim(
            f"11-less-data-{name}", f"{which} a larger block structure the fewer images they are trained with.",
            "per halving of the training images, mean over both",
            halving(found.by_count, found.counts, line, threshold), networks, images))
    return claims


def seed_claims(name: str, architecture: Architecture, found: BlockMaps, threshold: float, images: int,
                rng: np.random.Generator) -> list[Claim]:
    """Fig. D.1: every network of an architecture has a block, and they do not begin and end at the same layers."""
    present = shares(found.maps[architecture], threshold) > 0
    share = binomtest(int(present.sum()), len(present)).proportion_ci(method="exact")
    apart, networks = ends_apart(found.parts[architecture], threshold, rng)
    return [
        Claim(f"11-every-seed-{name}", f"All of the {name} networks at hand have a block structure.",
              f"share of the networks {architecture} with a block, with Clopper and Pearson's interval for other seeds",
              float(present.mean()), float(share.low), float(share.high), len(present), images,
              "all networks at hand have one; contradicted if one has none",
              SUPPORTED if present.all() else CONTRADICTED),
        Claim(f"11-ends-differ-{name}",
              f"The blocks of the {name} networks do not begin and end at the same layers in all seeds.",
              f"distance of the ends of the blocks of two networks {architecture}, less that of two measurements of "
              "one (layers)",
              *(apart or NOTHING), networks, images,
              "95 % interval above zero; contradicted if on every part of the images all networks have the same block",
              judge_apart(*(apart or NOTHING)[1:]))]


def judge_apart(low: float, high: float) -> str:
    """Supported above zero; contradicted where no change of places changes anything; else undecided."""
    if low > ROUNDING:
        return SUPPORTED
    return CONTRADICTED if max(abs(low), abs(high)) <= ROUNDING else UNDECIDED


def late_claim(found: BlockMaps, threshold: float, images: int) -> Claim:
    """Fig. 1: blocks lie mostly in the last two stages, more so than these stages' own share of the layers."""
    residual = dict.fromkeys((*found.depths, *found.widths))
    excess, networks = late_excess({architecture: found.maps[architecture] for architecture in residual}, threshold)
    estimate, low, high = excess or NOTHING
    return Claim("11-block-late", "The block structure lies mostly in the last two stages of a network.",
                 "share of the block's layers in the last two stages, less these stages' share of all layers, mean "
                 "over the networks with a block", estimate, low, high, networks, images, ABOVE, judge_above(low, high))


def batch_size_claim(found: BatchSizes) -> Claim:
    """Appendix A: minibatch CKA has the value of all images at once, whatever the size of the batches.

    Many sizes are looked at: one contradicts only at a level corrected for their number.
    """
    count = len(found.sizes)
    estimate, low, high = found.interval()
    strict_low, strict_high = found.interval(1 - 0.05 / count)[1:]
    inside = [judge_within(*pair, -TOLERANCE, TOLERANCE) for pair in zip(low, high)]
    outside = CONTRADICTED in [judge_within(*pair, -TOLERANCE, TOLERANCE) for pair in zip(strict_low, strict_high)]
    # Contradicted shows the one that lies furthest outside, else the one that reaches furthest out, or is not known.
    shown = np.argmax(np.maximum(strict_low, -strict_high) if outside else np.maximum(high, -low))
    verdict = CONTRADICTED if outside else SUPPORTED if set(inside) == {SUPPORTED} else UNDECIDED
    return Claim("11-batch-size-cka", "Minibatch CKA does not depend on the size of the batches.",
                 f"CKA in batches of {found.sizes[shown]} less that of all images at once, mean over pairs of layers, "
                 f"the one of {count} batch sizes that decides", float(estimate[shown]), float(low[shown]),
                 float(high[shown]), 1, found.images, f"all 95 % intervals within ±{TOLERANCE:g}; contradicted if one "
                 f"lies outside, at the level 1 - 0.05 / {count}", verdict)


def _slope_claim(name: str, statement: str, change: str, slope: Interval, networks: int, images: int) -> Claim:
    return Claim(name, statement, f"change of the block's share of the depth {change}", *slope, networks, images, ABOVE,
                 judge_above(*slope[1:]))
