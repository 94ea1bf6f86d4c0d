"""Chapter 1: does the mathematics hold that the later chapters rest on?  Checked on drawn directions, not on networks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lib.rules import CONTRADICTED, SUPPORTED, UNDECIDED, Judged, below
from lib.statistics.intervals import Interval, mean_interval
from lib.statistics.sample import Estimated
from lib.verdicts import MACHINERY, Claim, Row, judged


@dataclass(frozen=True)
class Checked:
    """Several numbers that should all be `expected`; the rule, too, that judges them.

    Attributes:
        interval: estimates, lows and highs that hold for all together.
        far: how far out each is; the largest is shown.
        telling: whether intervals that hold what is expected say something.
    """

    interval: Interval
    expected: float
    far: np.ndarray
    telling: bool

    def estimated(self) -> Estimated:
        """The intervals as they are: they rest on no networks and no images."""
        return Estimated(lambda level: self.interval, 0, 0)

    def judge(self, found: Estimated, places: Sequence[str] = (), level: float = 0.95) -> Judged:
        """Contradicted if one interval leaves out what is expected."""
        _, low, high = self.interval
        outside = ((low > self.expected) | (high < self.expected)).any()
        verdict = CONTRADICTED if outside else SUPPORTED if self.telling else UNDECIDED
        estimate, low, high = (float(part[self.far.argmax()]) for part in self.interval)
        return Judged(estimate, low, high, verdict)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """What the numbers are held against."""
        return (self.expected,)


def simultaneous(values: np.ndarray) -> Interval:
    """Means of [batches, numbers] with 95 % intervals that hold for all numbers together (Bonferroni)."""
    return mean_interval(values, 1 - 0.05 / values.shape[1])


def differences(interval: Interval, widest: float) -> Checked:
    """Differences that should be none; they say something where all intervals reach less than `widest` from their middle."""
    estimate, low, high = interval
    margin = (high - low) / 2
    return Checked(interval, 0.0, np.abs(estimate) / margin, bool(margin.max() < widest))


def ratios(share: np.ndarray, ends: np.ndarray, exact: np.ndarray, samples: int) -> Checked:
    """Sampled shares [thresholds] over the exact ones; they say something where ten or more are expected beyond each.

    `ends`: [thresholds, 2] of the shares' simultaneous intervals; `samples`: how many shares are of.
    """
    far = np.abs(share - exact) / np.sqrt(exact * (1 - exact))
    return Checked((share / exact, *(ends.T / exact)), 1.0, far, bool(samples * exact.min() >= 10))


PRODUCT = Row(
    "01-product",
    "Independent families have rho(k1, k2) = E[t1] E[t2] mu1.mu2.",
    "ours, of the definitions",
    "sampled minus product, the worst of {count} entries",
    Checked.estimated,
    rule=lambda checked: checked,
    told="contradicted if a simultaneous 95 % interval leaves 0 out, else supported if all are within +-0.05 of their "
    "centres, else undecided",
    level=MACHINERY,
)
RESULTANT = Row(
    "01-resultant",
    "Families that are symmetric about mu have R = E[t].",
    "ours, of the definitions",
    "R^2 - E[t]^2, the worst of {count} families",
    Checked.estimated,
    rule=lambda checked: checked,
    told="contradicted if a simultaneous 95 % interval of the symmetric families leaves 0 out, else supported if all are "
    "within +-0.02 of their centres, else undecided",
    level=MACHINERY,
)
INTEGRAL = Row(
    "01-tail-integral",
    "The tail formula is the integral of the density of Z.",
    "Great Minds, Fig. 22",
    "largest relative difference of {count} probabilities",
    lambda ratios: Estimated(lambda level: (np.abs(ratios - 1).max(),) * 3, 0, 0),
    rule=below(1e-8),
    told="supported if below 1e-8, else contradicted",
    level=MACHINERY,
)
SAMPLES = Row(
    "01-tail-samples",
    "Cosines of sampled Gaussian vectors follow the tail formula.",
    "Great Minds, Fig. 22",
    "sampled share / formula, the worst of {count} thresholds",
    Checked.estimated,
    rule=lambda checked: checked,
    told="contradicted if a simultaneous 95 % interval leaves 1 out, else supported if 10 pairs or more are expected beyond "
    "every threshold, else undecided",
    level=MACHINERY,
)


ROWS = (PRODUCT, RESULTANT, INTEGRAL, SAMPLES)


def all_claims(product: Checked, resultant: Checked, integral: np.ndarray, tail: Checked) -> list[Claim]:
    """The four checks; `integral`: integrated probabilities over those of the formula."""
    found = zip(ROWS, (product, resultant, integral, tail), map(len, (product.far, resultant.far, integral, tail.far)))
    return [claim for row, evidence, count in found for claim in judged([row], evidence, count=count)]
