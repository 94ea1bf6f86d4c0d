"""The numbers behind the figures that people explore, as tables for `static/figures.js`: made of results/, not of chapters.

A table has a row a point: the panel that it stands in, its place, its value and interval.  The reader touches it in the
page, copies it as CSV, and copies the command that computes it.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

import studies
from lib.family_widths import by_family

DOWN = {"down": True}  # the first row above
ENDS = ["estimate", "low", "high"]
Rows = list[list]


def behind(chapter: str, caption: str, found: Mapping) -> dict | None:
    """What a figure shows, by how its caption begins, from the chapter's results; None where it is not known.

    -> kind: 'map' or 'lines'; columns, rows: the table; panel, x, y, value, by: names of columns; n: how many of what;
    how it is drawn: shared (one scale of colours), down (the first row above), log (x), steep (panels of a logarithmic y).
    """
    for (own, begin), table in FIGURES.items():
        if own == chapter and caption.startswith(begin):
            try:
                return table(found["numbers"], found["parameters"]) | {"n": counts(caption, found["parameters"])}
            except (KeyError, ValueError, TypeError):  # results of an earlier revision, which kept other numbers
                return None
    return None


def counts(caption: str, p: Mapping) -> str:
    """'n = 597 test images; networks a population: cnn-small 20, cnn-large 6', as far as a caption and parameters say it."""
    seeds, images = p.get("seeds"), re.search(r"n = [\d,]+ test images?", caption)
    each = ", ".join(f"{family} {count}" for family, count in seeds.items()) if isinstance(seeds, dict) else seeds
    return "; ".join(([images[0]] if images else []) + ([f"networks a population: {each}"] if each else []))


def command(chapter: str, found: Mapping) -> str:
    """The papermill command that computes a page again."""
    given, table = {}, studies.read_table()
    if (study := found["study"]) in table:
        given = studies.parameters(study, table[study], chapter)
    words = [
        word
        for name, value in given.items()
        for word in ("-p", name, value if isinstance(value, str) else json.dumps(value))
    ]
    return shlex.join([".venv/bin/papermill", f"notebooks/{chapter}.ipynb", "out.ipynb", *words])


def cells(panels: Mapping[str, object], rows: Callable, columns: Callable | None = None) -> Rows:
    """[panel, row, column, estimate, low, high] of every cell of maps {panel: [r, c] or their three ends}.

    rows, columns: panel -> the names along its sides; columns as rows where they are not given.
    """
    found = []
    for panel, values in panels.items():
        ends = [np.array(part, float) for part in (values.values() if isinstance(values, Mapping) else [values])]
        for row, r in enumerate(rows(panel)):
            for column, c in enumerate((columns or rows)(panel)):
                found.append([panel, r, c, *(plain(part[row, column]) for part in ends)])
    return found


def plain(value: float) -> float | None:
    return None if np.isnan(value) else float(f"{value:.4g}")


def maps(
    panels: Mapping[str, object],
    rows: Callable,
    columns: Callable | None = None,
    *,
    sides: Sequence[str] = ("k2", "k1"),
    panel: str = "family",
    shared: bool = True,
) -> dict:
    """Maps beside each other; sides: names of the rows and the columns; shared: one scale of colours for all."""
    table, (y, x) = cells(panels, rows, columns), sides
    names = [panel, y, x, *ENDS][: len(table[0])]
    return {"kind": "map", "columns": names, "rows": table, "panel": panel, "x": x, "y": y, "value": "estimate"} | {
        "shared": shared
    }


def over_width(families: Mapping[str, Mapping], widths: Callable, label: str) -> dict:
    """A line a family over the width, {family: {estimate, low, high}}, [widths] each."""
    rows = [
        [family, width, *map(plain, map(float, ends))]
        for family, found in families.items()
        for width, *ends in zip(widths(family), *(np.array(found[end], float) for end in ENDS))
    ]
    return lines(["family", "k", label, "low", "high"], rows, x="k", y=label, by="family", log=True)


def lines(columns: Sequence[str], rows: Rows, **roles: object) -> dict:
    return {"kind": "lines", "columns": list(columns), "rows": rows} | roles


def widths_of(p: Mapping) -> Callable:
    """family -> its widths; of a panel that is no family, those of all."""
    families = p.get("families") or ["all"]
    of = by_family(p["widths"], families)
    return lambda family: of.get(family, next(iter(of.values())))


def diagonals(expected: Mapping[str, Mapping]) -> dict[str, dict]:
    return {family: {end: np.diagonal(found[end]) for end in ENDS} for family, found in expected.items()}


def populations(numbers: Mapping, p: Mapping) -> dict:
    names = [f"{family} {width}" for family in p["families"] for width in widths_of(p)(family)]
    return maps({"all populations": numbers["cosine_across"]}, same(names), sides=("one", "other"), panel="map")


def ensembles(numbers: Mapping, p: Mapping) -> dict:
    """E[t] against test loss and accuracy, averaged probabilities: a line a family and number of members over the width."""
    rows = [
        [f"test {measure}", f"{family}, m = {members}", width, members, plain(t), plain(value)]
        for measure in ("loss", "accuracy")
        for family, found in numbers["measures"].items()
        for column, members in enumerate(numbers["members"][family])
        for width, t, value in zip(
            widths_of(p)(family),
            *(np.array(found[name], float)[:, column] for name in ("t", f"{measure} probabilities")),
        )
    ]
    columns = ["measure", "networks", "k", "members", "E[t]", "value"]
    return lines(columns, rows, panel="measure", x="E[t]", y="value", by="networks", steep=["test loss"])


def members(numbers: Mapping, p: Mapping) -> dict:
    rows = [
        [*population.split(", "), count, *(plain(found[end][place]) for end in ENDS)]
        for population, found in numbers["t_intervals"].items()
        for place, count in enumerate(numbers["members"][population.split(", ")[0]])
    ]
    columns = ["family", "width", "members", "E[t]", "low", "high"]
    return lines(columns, rows, panel="family", x="members", y="E[t]", by="width", log=True)


def attack(numbers: Mapping, p: Mapping) -> dict:
    sources, own = numbers["sources"], widths_of(p)
    of = sources if isinstance(sources, Mapping) else dict.fromkeys(p["families"], sources)
    panels = {family: found["mean of ratios"] for family, found in numbers["outcomes"].items()}
    return maps(panels, of.get, own, sides=("source", "target"))


def stitches(kind: str) -> Callable:
    def table(numbers: Mapping, p: Mapping) -> dict:
        sides = {"sides": ("source", "target"), "panel": "measure", "shared": False}
        return maps(numbers["matrices"][kind], same(numbers["points"]), **sides) | DOWN

    return table


def detected(numbers: Mapping, p: Mapping) -> dict:
    found = numbers["auroc"]
    panels = {
        f"{detector}, {matching}": np.mean([pair[detector][matching] for pair in found], axis=0)
        for detector, by_matching in found[0].items()
        for matching in by_matching
    }
    return maps(panels, same(numbers["points"]), sides=("source", "target"), panel="detector") | DOWN


def ranked(numbers: Mapping, p: Mapping) -> dict:
    """Measures by tests; as ends of an interval the best and the worst rank that a measure may have."""
    found = numbers["ranks"].values()
    ends = {end: np.transpose([of[part] for of in found]) for end, part in zip(ENDS, ("rank", "best", "worst"))}
    sides = {"sides": ("measure", "test"), "panel": "number"}
    table = maps({"rank": ends}, same(numbers["measures"]), same(numbers["tests"].values()), **sides) | DOWN
    return table | {"rows": [row for row in table["rows"] if row[-1] is not None]}  # others do not take part


def same(names: Iterable) -> Callable:
    return lambda _: list(names)


# (chapter, how the caption begins) -> its table, of the results' numbers and parameters
FIGURES: dict[tuple[str, str], Callable[[Mapping, Mapping], dict]] = {
    ("03_individual_similarity", "The paper's Fig. 2"): lambda n, p: maps(n["individual"], widths_of(p)),
    ("03_individual_similarity", "The paper's Fig. 12"): lambda n, p: maps(n["expected"], widths_of(p)),
    ("03_individual_similarity", "The trend"): lambda n, p: over_width(
        diagonals(n["expected"]), widths_of(p), "similarity within a width"
    ),
    ("04_hypotheses", "H1"): lambda n, p: over_width(n["variance"], widths_of(p), "spherical variance"),
    ("04_hypotheses", "H2, raw"): lambda n, p: maps(n["cosine_raw"], widths_of(p)),
    ("04_hypotheses", "H2, corrected"): lambda n, p: maps(n["cosine_corrected"], widths_of(p)),
    ("04_hypotheses", "Mean directions"): populations,
    ("05_saw_distribution", "How many ways"): lambda n, p: over_width(
        n["effective_dimension"], widths_of(p), "effective dimension"
    ),
    ("06_deep_ensembles", "Ensembles approach"): members,
    ("06_deep_ensembles", "The paper's Figs. 9 and 24"): ensembles,
    ("07_black_box_attack", "Fig. 25 on"): attack,
    ("07_black_box_attack", "From family to family"): lambda n, p: maps(
        {"all families": n["across"]["mean of ratios"]},
        same([*p["families"], "random signs"]),
        same(p["families"]),
        sides=("source", "target"),
        panel="map",
    ),
    ("09_vision_transformer", "The paper's Fig. 21"): lambda n, p: maps(
        {"networks: ρ(k1, k2)": n["expected"]["vit"]}, same(p["widths"]), panel="map"
    ),
    ("09_vision_transformer", "Concentration"): lambda n, p: over_width(n["mean_cosine"], same(p["widths"]), "E[t]"),
    ("10_released_models", "Fig. 2 on"): lambda n, p: maps({n["family"]: n["similarity"]}, same(n["widths"])),
    ("10_released_models", "Fig. 25 on"): lambda n, p: maps(
        {n["family"]: n["attacks"]["mean of ratios"]}, same(n["widths"]), sides=("source", "target")
    ),
    ("16_stitching", "Within one network"): stitches("within"),
    ("16_stitching", "Across seeds"): stitches("across seeds"),
    ("17_out_of_distribution", "Stitched against own"): detected,
    ("19_which_measure", "Measures by tests"): ranked,
    ("own_models", "Groups of networks"): lambda n, p: maps(
        {"expected similarity": n["expected"], "mean directions": n["cosine_corrected"]},
        same(n["groups"]),
        sides=("one", "other"),
        panel="map",
    ),
    ("A2_scale", "Similarity within a width"): lambda n, p: over_width(
        n["expected"], widths_of(p), "similarity within a width"
    ),
}
