"""A small forest plot as places in a drawing: each data set's interval beside the thresholds of the rule."""

from dataclasses import dataclass

from what_holds import Line, Place

LEFT, WIDTH, STEP = 100, 180, 16  # of labels, of the plot, of a row, in pixels


@dataclass(frozen=True)
class Bar:
    """One interval: its data set, its claim, and where it lies."""

    column: str
    place: Place
    y: int
    low: float
    high: float
    estimate: float


@dataclass(frozen=True)
class LightForest:
    """What a detail check's drawing shows; `thresholds`: place -> number."""

    bars: list[Bar]
    thresholds: dict[float, float]

    @property
    def width(self) -> int:
        """Of the drawing, with its margins."""
        return LEFT + WIDTH + 20

    @property
    def bottom(self) -> int:
        """Below the last row."""
        return STEP * len(self.bars)


def light_forest(line: Line) -> LightForest:
    """The claims of a line that can be drawn, on one axis that holds their intervals and thresholds."""
    drawn = [(column, place) for column, cell in line.cells.items() for place in cell.places if place.drawable]
    limits = sorted({limit for _, place in drawn for limit in place.claim.thresholds})
    ends = [*limits, *(end for _, place in drawn for end in (place.claim.low, place.claim.high))]
    least, span = min(ends, default=0), max(ends, default=0) - min(ends, default=0) or 1

    def across(value: float) -> float:
        return round(LEFT + 10 + WIDTH * (value - least) / span, 1)

    bars = [
        Bar(
            column,
            place,
            STEP * row + STEP // 2,
            *(across(getattr(place.claim, end)) for end in ("low", "high", "estimate")),
        )
        for row, (column, place) in enumerate(drawn)
    ]
    return LightForest(bars, {across(limit): limit for limit in limits})
