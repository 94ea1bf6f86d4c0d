"""What a figure's numbers say, in a sentence for those who do not see it: where values are lowest and highest, how lines run."""

from collections.abc import Mapping, Sequence

MOST = 8  # panels or lines that are told one by one


def words(table: Mapping) -> str:
    """'cnn-small: from 0.11 (k2 2, k1 2) to 0.62 (k2 32, k1 32); ...', of a table of `touched`; '' where it has no numbers."""
    rows = [dict(zip(table["columns"], row)) for row in rows_of(table)]
    rows = [row for row in rows if row[value_of(table)] is not None]
    groups = grouped(rows, [table[role] for role in ("panel", "by") if role in table])
    told = _range if table["kind"] == "map" else _course
    if not groups or len(groups) > MOST:
        return (f"{len(groups)} {'panels' if told is _range else 'lines'}: " + _range(rows, table)) if rows else ""
    return "; ".join(f"{name}: {told(own, table)}" for name, own in groups.items())


def rows_of(table: Mapping) -> list[Sequence]:
    """A row a point, as `static/figures.js` makes them of maps of layers."""
    return table.get("rows") or [
        [name, y, x, value]
        for name, cells in table["maps"].items()
        for y, row in enumerate(cells)
        for x, value in enumerate(row)
    ]


def value_of(table: Mapping) -> str:
    """The column of the values that are shown."""
    return table["value"] if table["kind"] == "map" else table["y"]


def grouped(rows: Sequence[Mapping], columns: Sequence[str]) -> dict[str, list[Mapping]]:
    """The rows by what stands in these columns, in their order: 'test loss, cnn-small' -> its rows."""
    found: dict[str, list[Mapping]] = {}
    for row in rows:
        found.setdefault(", ".join(str(row[column]) for column in columns), []).append(row)
    return found


def _range(rows: Sequence[Mapping], table: Mapping) -> str:
    ends = (end(rows, key=lambda row: row[value_of(table)]) for end in (min, max))
    return "from " + " to ".join(_place(row, table, (table["y"], table["x"])) for row in ends)


def _course(rows: Sequence[Mapping], table: Mapping) -> str:
    rows = sorted(rows, key=lambda row: row[table["x"]])
    return "from " + " to ".join(_place(row, table, (table["x"],)) for row in (rows[0], rows[-1]))


def _place(row: Mapping, table: Mapping, columns: Sequence[str]) -> str:
    place = ", ".join(f"{column} {row[column]}" for column in dict.fromkeys(columns) if column != value_of(table))
    return f"{row[value_of(table)]:.3g} ({place})"
