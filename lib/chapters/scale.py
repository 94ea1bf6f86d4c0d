"""Appendix 2: do more images or epochs make networks more alike, and does similarity grow as in the released picture?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.chapters.batch_size import CHANGE, measure_label
from lib.data.loading import ImageData
from lib.effects.paired import UNITS, Doubled, Measures, by_population
from lib.effects.scale import EPOCHS, IMAGES, Lines, doublings_to, similarity_factors, similarity_slopes, sizes
from lib.family_widths import union
from lib.figures import by_size, by_width, shared_legend, subplots, width_axis
from lib.gates import Gate
from lib.released.heatmaps import DATASET, FAMILY, TRAINING_IMAGES, WIDTHS, Growth, at_width, neighbours, own_similarity
from lib.released.heatmaps import EPOCHS as THEIR_EPOCHS
from lib.released.heatmaps import IMAGES as THEIR_TEST_IMAGES
from lib.rules import within
from lib.statistics.intervals import Interval, in_brackets
from lib.statistics.sample import Estimated, Sample
from lib.training.populations import Population
from lib.verdicts import Claim, Row, judged

Effects = Mapping[str, Mapping[str, Interval]]  # line -> measure -> change per doubling
SHORT = {IMAGES: "more-images", EPOCHS: "more-epochs"}
THEIRS = {IMAGES: TRAINING_IMAGES, EPOCHS: THEIR_EPOCHS}

MORE = Row(
    "A2-{short}-{family}",
    "Networks of {family} at one width are more alike with more {line}.",
    "ours",
    "change of rho(k, k) per doubling of the {line}, mean over widths",
    lambda line: line.change("similarity"),
)
GROWTH = Row(
    "A2-growth-as-picture-{family}",
    "The similarity of {family} grows with the width about as fast as in the authors' released picture.",
    "Great Minds, the released picture",
    "exponent b of E[t] ~ k^b over that of the picture, widths {first} to {last}",
    lambda growth: Estimated(lambda level: growth.ratio, growth.networks, growth.images),  # that of 95 %
    within(0.5, 2.0),
)


def scale_claims(family: str, measures: Measures, found: Lines, gates: Sequence[Gate]) -> list[Claim]:
    """One claim a line: networks of one width get more alike along it."""
    return [
        claim
        for line, settings in found.items()
        for claim in judged(
            [MORE],
            Doubled(measures, settings, sizes(line, settings)),
            gates,
            family=family,
            line=line,
            short=SHORT[line],
        )
    ]


def growth_claims(family: str, growth: Growth | None, gates: Sequence[Gate]) -> list[Claim]:
    """Similarity grows with the width about as fast as in the released picture; none where there is no exponent."""
    if growth is None:
        return []
    return judged([GROWTH], growth, gates, family=family, first=growth.widths[0], last=growth.widths[-1])


def conditions_table(images: ImageData, populations: Mapping[tuple[str, int], Population]) -> pd.DataFrame:
    """A row a family, and one for the released picture: what the networks were trained with and what they reach."""
    rows = []
    for family in dict.fromkeys(family for family, _ in populations):
        of_family = [population for (name, _), population in populations.items() if name == family]
        accuracy = [sum(network.test_accuracy[-1] for network in one.networks) / len(one) for one in of_family]
        rows.append(
            {
                "networks": family,
                "data": images.name,
                "training images": len(images.train_labels),
                "epochs": of_family[0].specification.epochs,
                "test images": len(images.test_labels),
                "networks a width": " to ".join(map(str, sorted({len(one) for one in of_family}))),
                "test accuracy": f"{min(accuracy):.3f} to {max(accuracy):.3f}",
            }
        )
    return pd.DataFrame(
        [
            *rows,
            {
                "networks": "released picture, cnn-small",
                "data": "cifar10",
                "training images": TRAINING_IMAGES,
                "epochs": f"{THEIR_EPOCHS} or 200",
                "test images": THEIR_TEST_IMAGES,
                "networks a width": "1",
                "test accuracy": "not released",
            },
        ]
    )


def settings_table(found: Lines) -> pd.DataFrame:
    """A row a setting of every line, with the steps that it makes."""
    return pd.DataFrame(
        [
            {"line": line, "training images": setting.n_train, "epochs": setting.epochs, "steps": setting.steps()}
            for line, settings in found.items()
            for setting in settings
        ]
    )


def doublings_table(measures: Measures, found: Lines, effects: Effects, widths: Sequence[int]) -> pd.DataFrame:
    """What doubling does to each width and on average: change and factor of rho(k, k), loss and accuracy."""
    rows = []
    for line in found:
        slopes, factors = similarity_slopes(measures, found, line), similarity_factors(measures, found, line)
        for place, width in enumerate(widths):
            rows.append(
                {
                    "line": line,
                    "width": str(width),
                    "similarity (cosine)": in_brackets([part[place] for part in slopes], CHANGE),
                    "factor of similarity": in_brackets([part[place] for part in factors]),
                }
            )
        rows.append(
            {"line": line, "width": "mean", "factor of similarity": in_brackets([part[-1] for part in factors])}
            | _all_measures(effects[line])
        )
    rows += [{"line": row, "width": "mean"} | _all_measures(effects[row]) for row in effects if row not in found]
    return pd.DataFrame(rows).fillna("")


def _all_measures(changes: Mapping[str, Interval]) -> dict[str, str]:
    return {f"{name} ({unit})": in_brackets(changes[name], CHANGE) for name, unit in UNITS.items() if name in changes}


def growth_table(families: Mapping[str, Sample], growth: Mapping[str, Growth | None]) -> pd.DataFrame:
    """A row a family: both exponents, and how far exp(2 a_k), the picture's reading, is from rho(k, k) where both exist."""
    rows = []
    for family, matrix in families.items():
        reading = own_similarity(matrix.values) / np.diagonal(matrix.values)
        found, known = growth.get(family), reading[np.isfinite(reading)]
        rows.append(
            {
                "family": family,
                "widths": f"{found.widths[0]} to {found.widths[-1]}" if found else "too few in the picture's span",
                "exponent of E[t]": in_brackets(found.here) if found else "",
                "in the picture": f"{found.picture:.2f}" if found else "",
                "here over picture": in_brackets(found.ratio) if found else "",
                "exp(2a) over ρ(k, k), here": f"{known.min():.2f} to {known.max():.2f}" if len(known) else "–",
            }
        )
    return pd.DataFrame(rows)


def distance_table(
    family: str, measures: Measures, found: Lines, widths: Sequence[int], dataset: str, picture: np.ndarray
) -> pd.DataFrame:
    """A row a line: how many doublings would lead to the picture's similarity, if each did what these do.

    No rows but for the picture's own family and data: no doubling makes up for what else differs.
    """
    inside = [place for place, width in enumerate(widths) if np.isfinite(at_width(picture, width))]
    rows = []
    for line, settings in found.items() if dataset == DATASET and family == FAMILY and inside else ():
        place, last = inside[-1], sizes(line, settings)[-1]
        start = float(measures.similarity[place].values[measures.recipes.index(settings[-1])])
        factor = [part[place] for part in similarity_factors(measures, found, line)]
        target = at_width(picture, widths[place])
        needed = doublings_to(target, start, factor) if start > 0 else None
        told = "undecided" if needed is None else in_brackets(needed, ".1f")
        rows.append(
            {
                "line": line,
                "width": widths[place],
                "similarity here": f"{start:.3f}",
                "in the picture": f"{target:.3f}",
                "doublings between the two": f"{np.log2(THEIRS[line] / last):.1f}",
                "factor of a doubling": in_brackets(factor),
                "doublings it would take": "leads away" if needed and needed[0] < 0 else told,
            }
        )
    return pd.DataFrame(rows)


def beside_picture(
    families: Mapping[str, Interval], widths: Mapping[str, Sequence[int]], picture: np.ndarray | None
) -> Figure:
    """rho(k, k) of every family with intervals, and of the picture, [widths, widths], its two readings in black."""
    axis = subplots(width=8)[1]
    figure = by_width(families, widths, "similarity ρ(k, k) (cosine)", axis=axis, legend=False)
    if picture is not None:
        axis.plot(WIDTHS, own_similarity(picture), color="black", marker=".", label="released picture, exp(2a)")
        crosses = {"color": "black", "marker": "x", "linestyle": "none", "markersize": 6}
        axis.plot(*neighbours(picture, WIDTHS), **crosses, label="released picture,\nneighbouring widths")
        width_axis(axis, sorted({*union(widths), WIDTHS[0], *(width for width in WIDTHS if width.bit_count() == 1)}))
    shared_legend(figure, 1, where="right center")
    return figure


def over_scale(family: str, measures: Measures, found: Lines, widths: Sequence[int]) -> Figure:
    """Similarity above, test accuracy below; a column a line of settings, a line with intervals a width."""
    names = "similarity", "test accuracy"
    figure, axes = subplots(len(names), len(found), width=4.6, height=3.1, sharex="col", sharey="row", squeeze=False)
    for row, name in zip(axes, names):
        of_all = by_population(measures, name)
        for axis, (line, settings) in zip(row, found.items()):
            places = [measures.recipes.index(setting) for setting in settings]
            by_size(axis, sizes(line, settings), [part[:, places] for part in of_all], widths, f"{line} (number)")
            axis.label_outer()
        row[0].set_ylabel(measure_label(name))
    for axis, (line, settings) in zip(axes[0], found.items()):
        alike = len({setting.epochs for setting in settings}) == 1
        held = f"{settings[0].epochs} epochs" if alike else f"{settings[0].n_train} training images"
        axis.set_title(f"{family}, {held}", fontsize=10)
    shared_legend(figure)
    return figure
