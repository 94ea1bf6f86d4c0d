"""Chapter 2: have the networks the parameters that the formulas give, and do wider ones classify better?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib import figures
from lib.family_widths import Widths, by_family
from lib.gates import Gate
from lib.models.architectures import count_parameters
from lib.rules import within
from lib.statistics.intervals import difference_interval
from lib.statistics.sample import Estimated
from lib.verdicts import MACHINERY, Claim, Row, judged

# a, b of a k^2 + (b + 8 C) k + C, for C classes and three colour channels.
FORMULAS = {"cnn-small": (378, 72), "cnn-large": (1143, 117), "resnet-small": (1212, 241), "resnet-large": (2724, 297)}
PAPER_WIDTHS = (10, 20, 40, 80, 160)
CLASSES = 10


def counted_parameters(widths: Sequence[int] = PAPER_WIDTHS) -> pd.DataFrame:
    """Trainable parameters of the networks that this book builds, a row a width, a column a family."""
    index = pd.Index(widths, name="k")
    return pd.DataFrame({family: [count_parameters(family, k) for k in widths] for family in FORMULAS}, index=index)


def expected_parameters(widths: Sequence[int] = PAPER_WIDTHS) -> pd.DataFrame:
    """The same by the formulas."""
    k = pd.Series(widths, index=pd.Index(widths, name="k"))
    return pd.DataFrame({family: a * k**2 + (b + 8 * CLASSES) * k + CLASSES for family, (a, b) in FORMULAS.items()})


@dataclass(frozen=True)
class Accuracies:
    """Test accuracies of the networks of one family's narrowest and widest population, of so many images."""

    narrowest: Sequence[float]
    widest: Sequence[float]
    images: int

    def rise(self) -> Estimated:
        """How much better the widest are on average."""
        networks = len(self.widest) + len(self.narrowest)
        return Estimated(lambda level: difference_interval(self.widest, self.narrowest, level), networks, self.images)


PARAMETERS = Row(
    "02-parameters",
    "The number of parameters is the quadratic polynomial of the width.",
    "Great Minds, Fig. 16; released program",
    "largest difference from the formulas",
    lambda off: Estimated(lambda level: (np.max(np.abs(off)),) * 3, np.size(off), 0),
    rule=within(0, 0),
    told="equal for all four families at five widths",
    level=MACHINERY,
)
ACCURACY = Row(
    "02-accuracy-{family}",
    "Wider networks of {family} classify better.",
    "ours",
    "test accuracy at k = {widest} minus k = {narrowest}",
    Accuracies.rise,
)


def all_claims(
    off: pd.DataFrame,
    accuracy: Mapping[str, Sequence[Sequence[float]]],
    widths: Widths,
    images: int,
    gates: Mapping[str, Sequence[Gate]],
) -> list[Claim]:
    """The parameters, then each family: `off`, counted less expected; `accuracy`: family -> [widths][networks]."""
    claims = judged([PARAMETERS], off.to_numpy())
    for family, own in by_family(widths, accuracy).items():
        words = {"family": family, "narrowest": own[0], "widest": own[-1]}
        claims += judged(
            [ACCURACY], Accuracies(accuracy[family][0], accuracy[family][-1], images), gates[family], **words
        )
    return claims


def parameters_by_width(counted: pd.DataFrame) -> Figure:
    """Fig. 16: a line a family of `counted_parameters`, on doubly logarithmic axes."""
    figure, axis = figures.subplots()
    for family, numbers in counted.items():
        look = {"color": figures.COLOURS[family], "marker": figures.MARKERS[family]}
        axis.plot(numbers.index, numbers, label=family, **look)
    figures.width_axis(axis, [k for k in counted.index if np.log2(k).is_integer()])
    axis.set(ylabel="trainable parameters", yscale="log")
    axis.legend()
    return figure
