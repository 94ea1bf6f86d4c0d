"""Tables of figures, a row a point: the panel that it stands in, its place, its value and interval (`touched`)."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from lib.family_widths import by_family

ENDS = ["estimate", "low", "high"]
DOWN = {"down": True}  # the first row above
Rows = list[list]


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
    top: float | None = None,
) -> dict:
    """Maps beside each other; sides: names of the rows and the columns; shared: one scale of colours for all.

    top: colours go from 0 to it, as those of the picture do; else from the least to the largest value.
    """
    table, (y, x) = cells(panels, rows, columns), sides
    names = [panel, y, x, *ENDS][: len(table[0])]
    return {"kind": "map", "columns": names, "rows": table, "panel": panel, "x": x, "y": y, "value": "estimate"} | {
        "shared": shared,
        "top": top,
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


def layers(found: Mapping[str, Mapping]) -> dict:
    """Maps over the layers of networks as `lib.cka.kept_maps` keeps them: matrices, of which the script makes rows."""
    maps, blocks = ({title: one[part] for title, one in found.items()} for part in ("cka", "block"))
    roles = {"panel": "map", "x": "layer x", "y": "layer y", "value": "value", "shared": True}
    return {"kind": "map", "columns": ["map", "layer y", "layer x", "value"], "maps": maps, "blocks": blocks} | roles


def architectures(numbers: Mapping, p: Mapping) -> dict:
    """Network 0 of two architectures, and between them the map across: a row of panels a pair."""
    of, found = numbers["architectures"], {}
    for pair, across in numbers["maps_across"].items():
        first, second = pair.split("-")
        inside = {of[role]: numbers["maps"][role]["network 0"] for role in (first, second)}
        found |= inside | {f"{of[second]}, across {of[first]}": across}
    return layers(found)


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
    return maps(panels, of.get, own, sides=("source", "target"), top=1)


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
    return maps(panels, same(numbers["points"]), sides=("source", "target"), panel="detector", top=1) | DOWN


def ranked(numbers: Mapping, p: Mapping) -> dict:
    """Measures by tests; as ends of an interval the best and the worst rank that a measure may have."""
    found = numbers["ranks"].values()
    ends = {end: np.transpose([of[part] for of in found]) for end, part in zip(ENDS, ("rank", "best", "worst"))}
    sides = {"sides": ("measure", "test"), "panel": "number"}
    table = maps({"rank": ends}, same(numbers["measures"]), same(numbers["tests"].values()), **sides) | DOWN
    return table | {"rows": [row for row in table["rows"] if row[-1] is not None]}  # others do not take part


def late_shares(numbers: Mapping, p: Mapping) -> dict:
    """The first component's share of the last two stages, and the block's of the depth: networks by architectures."""
    found, names = numbers["measures"], range(max(len(one["late_share"]) for one in numbers["measures"].values()))
    panels = {
        title: [[one[part][row] if row < len(one[part]) else np.nan for one in found.values()] for row in names]
        for title, part in (("share of the component", "late_share"), ("block's share of the depth", "block_share"))
    }
    return maps(panels, same(names), same(found), sides=("network", "architecture"), panel="number", top=1) | DOWN


def transformers(numbers: Mapping, p: Mapping) -> dict:
    names = [f"{family} {width}" for family in ("vit", p["control_family"]) for width in p["widths"]]
    return maps({"corrected cosines": numbers["cosine_corrected"]}, same(names), sides=("one", "other"), panel="map")


def through_training(numbers: Mapping, p: Mapping) -> dict:
    rows = [
        [family, width, epoch, *(plain(found[end][row][column]) for end in ENDS)]
        for family, found in numbers["similarity"].items()
        for row, width in enumerate(widths_of(p)(family))
        for column, epoch in enumerate(numbers["epochs"])
    ]
    columns = ["family", "width", "epochs", "similarity within a width", "low", "high"]
    return lines(columns, rows, panel="family", x="epochs", y=columns[3], by="width", log=True)


def means(**named: str) -> Callable:
    """Means over the networks of every width, {measure: its name in the numbers}: a panel a measure, a line a family."""

    def table(numbers: Mapping, p: Mapping) -> dict:
        rows = [
            [measure, family, width, plain(np.mean(values))]
            for measure, name in named.items()
            for family, found in numbers[name].items()
            for width, values in zip(widths_of(p)(family), found)
        ]
        return lines(["measure", "family", "k", "mean"], rows, panel="measure", x="k", y="mean", by="family", log=True)

    return table


def protocols(measure: str) -> Callable:
    """A measure over the batch size: a panel a family, a line a protocol and width."""

    def table(numbers: Mapping, p: Mapping) -> dict:
        rows = [
            [family, f"{protocol}, k = {width}", batch, *(plain(found[measure][end][row][place]) for end in ENDS)]
            for family, found in numbers["measures"].items()
            for protocol, recipes in numbers["recipes"].items()
            for row, width in enumerate(widths_of(p)(family))
            for batch, *recipe, _ in recipes
            for place in [numbers["recipe_order"].index([batch, *recipe])]
        ]
        columns = ["family", "networks", "batch size", measure, "low", "high"]
        return lines(columns, rows, panel="family", x="batch size", y=measure, by="networks", log=True)

    return table


def same(names: Iterable) -> Callable:
    return lambda _: list(names)
