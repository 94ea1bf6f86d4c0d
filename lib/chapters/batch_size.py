"""Chapter 8: do networks get more alike, and better, with larger batches?  Fig. 18 under three protocols."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from lib.effects.batch_size import Protocols
from lib.effects.paired import UNITS, Doubled, Measures, by_population
from lib.figures import PAGE, by_size, look, loss_axis, shared_legend, subplots
from lib.gates import Gate
from lib.rules import Band, above, below
from lib.statistics.intervals import Interval, in_brackets
from lib.verdicts import DETAIL, HEADLINE, Claim, Row, judged

CHANGE = "+.3f"  # how changes per doubling are written
Effects = Mapping[str, Mapping[str, Interval]]  # row -> measure -> change per doubling


def _row(name: str, words: str, source: str, measure: str, rule: Band, level: str = DETAIL, formula: str = "") -> Row:
    return Row(
        f"08-{name}-{{short}}-{{family}}",
        f"Networks of {{family}} {words} as the batch size grows ({{protocol}}).",
        f"Great Minds, {source}, after a summary",
        f"change per doubling of the batch size, mean over widths ({UNITS[measure]})",
        lambda line: line.change(measure),
        rule,
        level=level,
        formula=formula,
    )


ROWS = (
    _row(
        "similarity-rises",
        "get more alike",
        "Fig. 18a and b",
        "similarity",
        above(0),
        HEADLINE,
        r"\frac{\Delta\, \mathbb{E}_k\, \rho(k, k)}{\Delta \log_2 B} > 0",
    ),
    _row("loss-falls", "have a lower test loss", "Fig. 18c", "test loss", below(0)),
    _row("training-loss-falls", "have a lower training loss", "Fig. 18c", "training loss", below(0)),
    _row("accuracy-rises", "classify better", "Fig. 18d", "test accuracy", above(0)),
)


def batch_size_claims(family: str, measures: Measures, found: Protocols, gates: Sequence[Gate]) -> list[Claim]:
    """Four claims a protocol: similarity rises with the batch size, test and training loss fall, accuracy rises."""
    claims = []
    for protocol, recipes in found.items():
        line = Doubled(measures, recipes, [recipe.batch_size for recipe in recipes])
        claims += judged(ROWS, line, gates, family=family, protocol=protocol, short=protocol.replace(" ", "-"))
    return claims


def effects_table(families: Mapping[str, Effects]) -> pd.DataFrame:
    """One row a family and protocol, or difference of protocols: change per doubling with its 95 % interval."""
    rows = [
        {"family": family, "protocol": row}
        | {f"{name} ({unit})": in_brackets(of_row[name], CHANGE) for name, unit in UNITS.items()}
        for family, effects in families.items()
        for row, of_row in effects.items()
    ]
    return pd.DataFrame(rows)


def measure_label(name: str) -> str:
    """How an axis names a measure and its unit."""
    return f"{'similarity ρ(k, k)' if name == 'similarity' else name} ({UNITS[name]})"


def over_batch_size(
    families: Mapping[str, Measures], protocols: Protocols, widths: Sequence[int], name: str, changes: bool = False
) -> Figure:
    """The paper's Fig. 18, one measure: a row a family, a column a protocol, a line with intervals a width.

    changes: by how much it is above what the smallest batch of the protocol makes, seed by seed.
    """
    size = {"width": PAGE / len(protocols), "height": 2.9}
    figure, axes = subplots(len(families), len(protocols), **size, sharex=True, sharey="row", squeeze=False)
    for row, (family, measures) in zip(axes, families.items()):
        for axis, (protocol, recipes) in zip(row, protocols.items()):
            of_all = by_population(measures, name, recipes[0] if changes else None)
            places = [measures.recipes.index(recipe) for recipe in recipes]
            sizes = [recipe.batch_size for recipe in recipes]
            by_size(axis, sizes, [part[:, places] for part in of_all], widths, "batch size (images)")
            axis.label_outer()
            axis.set_title(f"{family}, {protocol}", fontsize=10)
            if changes:
                axis.axhline(0, color="black", linewidth=1)
        label = measure_label(name)
        if name.endswith("loss") and not changes:
            loss_axis(row[0])  # of the row: it is shared
        row[0].set_ylabel(f"change of {label.removeprefix('similarity ')}" if changes else label, fontsize=10)
    shared_legend(figure)
    return figure


def similarity_over_loss(families: Mapping[str, Measures], protocols: Protocols, widths: Sequence[int]) -> Figure:
    """rho(k, k) over the training loss reached: a row a family, a column a width, a line a protocol, larger markers for
    larger batches."""
    size = {"width": PAGE / min(len(widths), 3), "height": 2.9}
    figure, axes = subplots(len(families), len(widths), **size, sharex="col", squeeze=False)
    for row, (family, measures) in zip(axes, families.items()):
        for axis, width, rho, losses in zip(
            row, widths, by_population(measures, "similarity")[0], measures.training_loss
        ):
            for position, (protocol, recipes) in enumerate(protocols.items()):
                places = [measures.recipes.index(recipe) for recipe in recipes]
                colour, marker = look(protocol, position)
                x, y = losses.mean(0)[places], rho[places]
                axis.plot(x, y, color=colour, linewidth=1.2, alpha=0.7)
                points = {"color": colour, "marker": marker, "alpha": 0.6, "linewidths": 0, "label": protocol}
                axis.scatter(x, y, s=14 * 2.0 ** np.arange(len(places)), **points)
            axis.set_title(f"{family}, k = {width}", fontsize=10)
        row[0].set_ylabel(measure_label("similarity"))
    for axis in axes[-1]:
        axis.set(xlabel="training loss (nats)", xscale="log")
        axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
    shared_legend(figure)
    return figure
