"""What the whole study of the paper would take, from rates measured here, and what was foretold of the training queue.

Training is all that counts: the input gradients of 10,000 images are less than two thousandths of 100 epochs.  Widths
beyond the measured ones take time in proportion to their multiply-adds.  A GPU is not measured: it is given shares of the
published peak of an H100.
"""

import json
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path

from lib.models import FAMILIES
from lib.training import plan
from lib.training.plan import seconds_per_image
from lib.training.specification import Specification
from lib.training.workers import multiplications

ROOT = Path(__file__).resolve().parents[1]
WIDTHS, MEASURED = (10, 20, 40, 80, 160), 40  # of the paper; the widest that is measured here
SEEDS, EPOCHS = 100, 100
IMAGES = {"CIFAR-10": (50_000, 10), "CIFAR-100": (50_000, 100), "Tiny ImageNet, at 32 x 32": (100_000, 200)}
STEP = 6  # operations a multiply-add: forward, backward to the weights and to what comes in, two each
PEAK = 989e12  # operations a second of an NVIDIA H100 SXM in bfloat16, dense, as its maker publishes them
Measure = Callable[[Iterable[Specification]], dict[Specification, float]]
SHARES = (0.05, 0.3)  # of the peak that small and large networks might reach: an assumption
NARROW = (
    0.005,
    0.05,
)  # the same for the narrow networks of this book's studies, whose steps last as long as their launching


def specification(family: str, width: int, images: int = 50_000, classes: int = 10) -> Specification:
    return Specification(family, width, "noise", images, "", 3, 32, classes, epochs=1, precision="mixed")


def families() -> list[str]:
    return [family for family in FAMILIES if family.split("-")[0] in ("cnn", "resnet") and not family[-1].isdigit()]


def rates(widths: tuple[int, ...], widest: int, measure: Measure) -> dict[tuple[str, int], float]:
    """Seconds of one core an image in training, measured at the ends of each family up to `widest`."""
    measured = measure([specification(family, width) for family in families() for width in widths if width <= widest])
    found = {(one.family, one.width): seconds for one, seconds in measured.items()}
    for family in families():
        last = specification(family, max(width for width in widths if width <= widest))
        for width in (width for width in widths if width > widest):
            share = multiplications(specification(family, width)) / multiplications(last)
            found[family, width] = found[family, last.width] * share
    return found


def study(widths: tuple[int, ...], widest: int, measure: Measure = seconds_per_image) -> dict:
    """Hours of the whole study on what there is."""
    seconds = rates(widths, widest, measure)
    hours, operations = {}, 0.0
    for name, (images, classes) in IMAGES.items():
        looks = images * EPOCHS * SEEDS
        hours[name] = sum(looks * one for one in seconds.values()) / 3600
        works = (multiplications(specification(family, width, images, classes)) for family, width in seconds)
        operations += STEP * looks * sum(works)
    return {
        "core_hours": {name: float(f"{value:.3g}") for name, value in hours.items()},
        "by_width": {
            str(width): float(
                f"{sum(one for (_, own), one in seconds.items() if own == width) / sum(seconds.values()):.3g}"
            )
            for width in widths
        },
        "operations": float(f"{operations:.3g}"),
        "gpu_hours": gpu_hours(operations, SHARES),
        "gpu": "an H100 at 30 % and at 5 % of its published 989 TFLOP/s in bfloat16: an estimate, not measured",
        "cores": os.cpu_count(),
        "networks": len(seconds) * SEEDS * len(IMAGES),
        "widest_measured": widest,
    }


def manifests(folder: Path) -> Iterator[dict]:
    """The last manifest of every network of a store."""
    for population in sorted(folder.glob("*")):
        last: dict[int, dict] = {}
        for path in population.glob("seed-*.json"):
            one = json.loads(path.read_text())
            if one["epochs"] >= last.get(one["seed"], {"epochs": 0})["epochs"]:
                last[one["seed"]] = one
        yield from last.values()


def queue(folder: Path, measure: Measure = seconds_per_image) -> list[dict]:
    """Populations of the training queue: hours that were foretold from this machine's rates, and that it took."""
    known = {field.name for field in fields(Specification)}
    populations: dict[Specification, list[dict]] = {}
    for one in manifests(folder):
        chosen = {name: value for name, value in one["specification"].items() if name in known}
        populations.setdefault(replace(Specification(**chosen), epochs=1), []).append(one)
    if not populations:
        return []
    rates = measure(populations)
    return [
        {
            "population": chosen.name,
            "networks": len(networks),
            "epochs": sum(one["epochs"] for one in networks),
            "foretold": round(rates[chosen] * chosen.n_train * sum(one["epochs"] for one in networks) / 3600, 4),
            "took": round(sum(one["seconds"] for one in networks) / 3600, 4),
        }
        for chosen, networks in populations.items()
    ]


def lines(table: Path, measure: Measure = seconds_per_image) -> list[dict]:
    """What `make train` makes, line by line of book/studies.toml: hours of a core from this machine's rates, and of a GPU.

    Lines share networks, which are counted in each; a study whose images are not at hand is left out.
    """
    found = []
    for name, own in tomllib.loads(table.read_text()).items():
        try:
            found += plan.lines(name, own)
        except ValueError as error:
            print(f"left out: {error}", flush=True)
    rates = measure({one for line in found for one in line.specifications})
    return [_line(line, rates) for line in found]


def _line(line: plan.Line, rates: dict[Specification, float]) -> dict:
    looks = {one: line.seeds * one.epochs * one.n_train for one in line.specifications}
    operations = sum(STEP * multiplications(one) * count for one, count in looks.items())
    return {
        "study": line.study,
        "line": line.name,
        "networks": line.seeds * len(looks),
        "epochs": max(one.epochs for one in looks),
        "core_hours": float(f"{sum(rates[one] * count for one, count in looks.items()) / 3600:.3g}"),
        "gpu_hours": gpu_hours(operations, NARROW),
    }


def gpu_hours(operations: float, shares: tuple[float, float]) -> list[float]:
    """At the larger and the smaller share of the peak."""
    return [float(f"{operations / PEAK / share / 3600:.3g}") for share in reversed(shares)]


def in_proportion(specifications: Iterable[Specification]) -> dict[Specification, float]:
    """In place of a measurement: a nanosecond a multiply-add."""
    return {one: 1e-9 * multiplications(one) for one in specifications}


def found(quick: bool) -> dict:
    """The study of the paper, the lines of the queue, and what it has made beside the checkout (or in BENCH_NETWORKS)."""
    if quick:
        return {"study": study((2, 4), 2, in_proportion), "lines": [], "queue": []}
    folder = Path(os.environ.get("BENCH_NETWORKS", ROOT.parent / "networks")) / "networks"
    return {"study": study(WIDTHS, MEASURED), "lines": lines(ROOT / "book" / "studies.toml"), "queue": queue(folder)}
