"""The tables and the plot of book/benchmarks.md from benchmarks/results.json, which `make bench` measures.

`make book` writes them to book/chapters/: what was measured on some machine is shown, and nothing measured again.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence

from changed import write_changed
from chapters import PAGES, ROOT
from lib.execution import DENSITY
from plain_markdown import TEMPLATES, filled

RESULTS = ROOT / "benchmarks" / "results.json"
SMALL = 0.05  # seconds: less is told in milliseconds
# Why a row falls short of what was hoped, shown where it does.
REASONS = {
    "train a population, 32 x 32": "the loader and its transforms take a smaller part of a step the wider the networks "
    "are: what is left is the convolutions, which both ways compute with the same kernels",
    "train a population on two cores, 32 x 32": "as on one core; PyTorch's two threads help the other way less than a second "
    "process helps ours",
    "train a population, digits": "building the networks, evaluating them and taking their weights apart is not spread "
    "over many epochs here, and steps of narrow networks are calls into PyTorch more than arithmetic",
    "input gradients": "convolutions take most of the time, in both ways; what is gained is BatchNorm, pooling and copies",
    "pairwise similarity": "the rows are checked to be finite and of length one, and zeros are looked for: two more "
    "passes over the directions beside the product",
    "CKA of all pairs of layers": "the pass through the network and the Gram matrix of every layer stay; what goes are the "
    "matrices that are made again for every pair",
    "CKA of two transformers": "with all images in one batch the Gram matrices themselves are most of the work",
    "direct matching of all pairs": "of every pair the test images have to pass the rest of the end, in both ways, which "
    "takes most of the time; the limit leaves it out",
    "task loss matching of all pairs": "every map's images have to pass the end forwards and backwards in both ways; only "
    "the way through the front is spared",
    "similarity matrix with its intervals": "all of the draws need the directions but once; then their sums are left",
    "scores, probes and deletions of a chapter": "both call the same solver of scikit-learn, and other work is small",
    "Wasserstein-1 distances": "the distances of the sorted values take longer than the sorting",
    "decoding pictures": "both decode with the same library, which takes most of the time",
}


def write_speed() -> None:
    """speed_*.md and speed_growth.png in book/chapters/; a file that stays the same is not touched."""
    results = json.loads(RESULTS.read_text())
    for name, content in rendered(results).items():
        write_changed(PAGES / name, content.encode())
    picture = PAGES / "speed_growth.png"
    if not picture.exists() or picture.stat().st_mtime < RESULTS.stat().st_mtime:
        draw(results["growth"], picture)


def rendered(results: Mapping) -> dict[str, str]:
    """File name -> Markdown, a template of book/templates/speed/ each."""
    formats = (format, duration, size, years, between, percent, limits, short, total)
    words = {**results, "REASONS": REASONS, **{function.__name__: function for function in formats}}
    paths = sorted((TEMPLATES / "speed").glob("*.md"))
    return {f"speed_{path.name}": filled(path.read_text(), words) for path in paths}


def limits(measured: Sequence[Mapping]) -> list[str]:
    """What the limits of the rows are, each once."""
    return list(dict.fromkeys(f"{row['row']}: {row['limit']}" for row in measured if row["limit"]))


def short(measured: Sequence[Mapping]) -> Iterator[tuple[Mapping, list[str]]]:
    """The rows that fall short of what was hoped for, and how far."""
    for row in measured:
        first = next(iter(row["ratios"].values()), None)
        missed = []
        if row["goal"] and first and first["median"] < row["goal"]:
            missed.append(f"{first['median']:.3g} times as fast instead of {row['goal']:g}{at_the_limit(row, first)}")
        if row["share"] and row["of_limit"] and row["of_limit"]["median"] < row["share"]:
            missed.append(f"{row['of_limit']['median']:.0%} of the limit instead of {row['share']:.0%}")
        if missed:
            yield row, missed


def at_the_limit(row: Mapping, ratio: Mapping) -> str:
    """How many times as fast the limit itself would be, where even that is less than what was hoped for."""
    best = ratio["median"] / row["of_limit"]["median"] if row["of_limit"] else math.inf  # times as fast as the peer
    return f" (the limit itself would be {best:.3g} times as fast)" if best < row["goal"] else ""


def total(populations: Sequence[Mapping]) -> dict[str, float]:
    """What all populations of the queue have and take together."""
    return {name: sum(one[name] for one in populations) for name in ("networks", "epochs", "foretold", "took")}


def draw(measured: Sequence[Mapping], picture) -> None:
    """Seconds and bytes over sizes, a column for what they grow with."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    kinds = list(dict.fromkeys(one["against"] for one in measured))
    shape = {"figsize": (3.2 * len(kinds), 6), "layout": "constrained", "squeeze": False}
    figure, axes = plt.subplots(2, len(kinds), **shape)
    for column, kind in zip(axes.T, kinds):
        for axis, cost, fitted in zip(column, ("seconds", "bytes"), ("exponent", "bytes exponent")):
            shown = [one for one in measured if one["against"] == kind and cost in one]
            if not shown:
                axis.set_axis_off()
                continue
            for one in shown:
                axis.plot(one["sizes"], one[cost], "o-", label=f"{one['work']}: {one[fitted][0]:.1f}")
            ticks = sorted({size for one in shown for size in one["sizes"]})
            axis.set(xscale="log", yscale="log", xlabel=kind, ylabel=cost)
            axis.set_xticks(ticks, [f"{size:,}" for size in ticks], rotation=60, minor=False)
            axis.set_xticks([], minor=True)
            axis.legend(fontsize=6)
    figure.savefig(picture, dpi=DENSITY, metadata={"Software": None})
    plt.close(figure)


def between(found: Mapping[str, float]) -> str:
    return f"{found['median']:.3g} ({found['low']:.3g} to {found['high']:.3g})"


def percent(found: Mapping[str, float] | None) -> str:
    return f"{found['median']:.0%} ({found['low']:.0%} to {found['high']:.0%})" if found else ""


def duration(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < SMALL else f"{seconds:.3g} s"


def size(count: float) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def years(hours: float) -> str:
    for name, length in (("years", 8766), ("days", 24)):
        if hours >= 2 * length:
            return f"{hours / length:.3g} {name}"
    return f"{hours:.3g} hours" if hours >= 1 else f"{60 * hours:.2g} minutes"


if __name__ == "__main__":
    write_speed()
