"""The tables and the plot of book/benchmarks.md from benchmarks/results.json, which `make bench` measures.

`make book` writes them to book/chapters/: what was measured on some machine is shown, and nothing measured again.
"""

import json
import math
from collections.abc import Mapping, Sequence

from changed import write_changed
from chapters import PAGES, ROOT
from plain_markdown import pipe_table

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
    """File name -> Markdown."""
    return {
        "speed_machine.md": on_machine(results),
        "speed_rows.md": rows(results["rows"]) + "".join(f"\nRefused: {one}.\n" for one in results["refused"]),
        "speed_short.md": short(results["rows"]),
        "speed_unchanged.md": unchanged(results["book"]),
        "speed_streams.md": streams(results["streams"]),
        "speed_growth.md": growth(results["growth"]),
        "speed_forecast.md": forecast(results["forecast"]["study"]),
        "speed_lines.md": planned(results["forecast"]["lines"], results["machine"]["cores"]),
        "speed_queue.md": queue(results["forecast"]["queue"]),
    }


def on_machine(results: Mapping) -> str:
    machine = results["machine"]
    rates = pipe_table(["rate of one core", ""], [[name, f"{rate:.3g}"] for name, rate in results["rates"].items()])
    tried = "\n```{warning}\nThese are tiny sizes, measured once: they show that everything runs, and no speed.\n```\n"
    return (
        f"Measured in {results['minutes']:.0f} minutes on one core of {machine['cores']} ({machine['processor']}, Python "
        f"{machine['python']}, PyTorch {machine['torch']}); the load was {machine['load']} when it began.\n\n{rates}"
        + (tried if results["quick"] else "")
    )


def rows(measured: Sequence[Mapping]) -> str:
    """One line a peer: what both did, our seconds, and their times as multiples of ours."""
    lines = []
    for row in measured:
        for name, ratio in row["ratios"].items():
            scaled = f" (one, times {row['scaled'][name]:g})" if name in row["scaled"] else ""
            lines.append(
                [
                    f"**{row['row']}**: {row['work']}",
                    duration(row["seconds"]["ours"]["median"]),
                    name + scaled,
                    between(ratio),
                    percent(row["of_limit"]),
                    f"{max(row['apart'].values()):.0e}",
                ]
            )
    limits = dict.fromkeys(f"{row['row']}: {row['limit']}" for row in measured if row["limit"])
    head = ["work", "ours", "peer", "its time over ours", "share of the limit's speed", "results apart"]
    return pipe_table(head, lines) + f"\nThe limits are: {'; '.join(limits)}.\n"


def short(measured: Sequence[Mapping]) -> str:
    """What was hoped for and not reached, with the reason."""
    lines = []
    for row in measured:
        first = next(iter(row["ratios"].values()), None)
        missed = []
        if row["goal"] and first and first["median"] < row["goal"]:
            missed.append(f"{first['median']:.3g} times as fast instead of {row['goal']:g}{at_the_limit(row, first)}")
        if row["share"] and row["of_limit"] and row["of_limit"]["median"] < row["share"]:
            missed.append(f"{row['of_limit']['median']:.0%} of the limit instead of {row['share']:.0%}")
        if missed:
            lines.append(
                [f"**{row['row']}**: {row['work']}", " and ".join(missed), REASONS.get(row["row"], "not known")]
            )
    return pipe_table(["work", "reached", "because"], lines) if lines else "Every row reaches what was hoped for.\n"


def at_the_limit(row: Mapping, ratio: Mapping) -> str:
    """How many times as fast the limit itself would be, where even that is less than what was hoped for."""
    best = ratio["median"] / row["of_limit"]["median"] if row["of_limit"] else math.inf  # times as fast as the peer
    return f" (the limit itself would be {best:.3g} times as fast)" if best < row["goal"] else ""


def unchanged(book: Mapping) -> str:
    reached = list(book["reached"].values())
    alone = sum(count == 1 for count in reached)
    told = [
        f"{name}: {seconds:.1f} s, hoped for {book['hoped'][name]:g} s" for name, seconds in book["unchanged"].items()
    ]
    times = "; ".join(told) or f"not measured, for {book['current']} of {book['chapters']} chapters were up to date"
    return (
        f"Nothing changed: {times}. Of {len(reached)} modules that belong to chapters, a change of {alone} has one chapter "
        f"executed again, the others up to {max(reached)} of {book['chapters']}, which share their rules.\n"
    )


def streams(measured: Sequence[Mapping]) -> str:
    lines = [[one["work"], size(one["bytes"]), size(one["own"]), duration(one["seconds"])] for one in measured]
    return pipe_table(["work", "memory at most", "of it given or returned", "time"], lines)


def growth(measured: Sequence[Mapping]) -> str:
    def power(fitted: Sequence[float]) -> str:
        return f"{fitted[0]:.2f} ± {fitted[1]:.2f}"

    lines = [
        [
            one["work"],
            one["against"],
            f"{one['sizes'][0]} to {one['sizes'][-1]}",
            power(one["exponent"]),
            power(one["bytes exponent"]) if "bytes" in one else "",
        ]
        for one in measured
    ]
    return pipe_table(["work", "grows with", "from", "exponent of time", "exponent of memory"], lines)


def forecast(study: Mapping) -> str:
    hours = sum(study["core_hours"].values())
    low, high = study["gpu_hours"]
    lines = [
        [f"this machine's {study['cores']} cores, as a laptop", years(hours / study["cores"]), "measured rates"],
        ["a cluster of 16 such machines", years(hours / study["cores"] / 16), "measured rates"],
        ["one GPU", f"{years(low)} to {years(high)}", study["gpu"]],
        ["a cluster of 16 such GPUs", f"{years(low / 16)} to {years(high / 16)}", "the same estimate"],
    ]
    shares = ", ".join(f"k = {width}: {share:.0%}" for width, share in study["by_width"].items())
    return (
        pipe_table(["on", "the whole study takes", "from"], lines)
        + f"\n{study['networks']} networks, {study['operations']:.1e} operations. Shares of the time: {shares}; widths above "
        f"{study['widest_measured']} are not measured, but taken in proportion to their multiply-adds.\n"
    )


def planned(lines: Sequence[Mapping], cores: int) -> str:
    """What the lines of book/studies.toml take."""
    told = [
        [
            one["study"],
            one["line"],
            one["networks"],
            one["epochs"],
            years(one["core_hours"] / cores),
            " to ".join(map(years, one["gpu_hours"])),
        ]
        for one in lines
    ]
    return pipe_table(["study", "line", "networks", "epochs", f"on {cores} idle cores", "on one GPU"], told)


def queue(populations: Sequence[Mapping]) -> str:
    if not populations:
        return "No training queue lay beside the checkout when this was measured.\n"
    lines = [
        [one["population"], one["networks"], one["epochs"], f"{one['foretold']:.2f}", f"{one['took']:.2f}", ratio(one)]
        for one in populations
    ]
    total = {name: sum(one[name] for one in populations) for name in ("networks", "epochs", "foretold", "took")}
    lines.append(
        [
            "**all**",
            total["networks"],
            total["epochs"],
            f"{total['foretold']:.2f}",
            f"{total['took']:.2f}",
            ratio(total),
        ]
    )
    return pipe_table(["population", "networks", "epochs", "core hours foretold", "took", "took / foretold"], lines)


def ratio(one: Mapping) -> str:
    return f"{one['took'] / one['foretold']:.2f}" if one["foretold"] else ""


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
    figure.savefig(picture, dpi=110, metadata={"Software": None})
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
