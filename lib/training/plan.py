"""What a study needs trained: its lines of populations and their rounds, and how long they take here."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

import torch

from lib.data import loading
from lib.data.loading import ImageData
from lib.runtime.checks import check_choice, did_you_mean
from lib.runtime.devices import one_thread
from lib.training import store, wide_and_deep
from lib.training.specification import Specification, specify
from lib.training.trainer import train
from lib.training.workers import multiplications, networks_together

RECIPES = {"great-minds": {}, "wide-and-deep": wide_and_deep.RECIPE}
LINE_FIELDS = {"line", "families", "widths", "seeds", "epochs", "n_train", "controls", "recipe"}
RECIPE_FIELDS = ("batch_size", "learning_rate", "schedule", "optimiser", "momentum", "weight_decay")
SECONDS = 10.0  # of measurement, for all that are asked together
BATCHES = 2  # of images: a pass over them is the least that is measured


@dataclass(frozen=True)
class Line:
    """Populations that are trained together, so that a finished round of them is a balanced study.

    Attributes:
        name: lines are worked through in the order of their names.
        specifications: one a population, after the epochs that the line is to reach; seeds: networks of each.
    """

    name: str
    study: str
    specifications: tuple[Specification, ...]
    seeds: int

    def rounds(self) -> list[int]:
        """The numbers of epochs that the networks reach together, in order."""
        return sorted({count for specification in self.specifications for count in specification.snapshots})

    def requests(self, epochs: int) -> dict[Specification, range]:
        """What the round of so many epochs asks for: the populations that are kept then."""
        return {
            replace(specification, epochs=epochs) if specification.anytime else specification: range(self.seeds)
            for specification in self.specifications
            if epochs in specification.snapshots
        }

    def left(self) -> dict[Specification, int]:
        """Epochs that each population still needs, summed over its networks."""
        return {one: epochs_left(one, self.seeds) for one in self.specifications}


def epochs_left(specification: Specification, seeds: int) -> int:
    """Epochs that the networks of seeds 0 to seeds - 1 still need together."""
    reached = [max(store.stored_epochs(specification, seed), default=0) for seed in range(seeds)]
    return seeds * specification.epochs - sum(reached)


def lines(name: str, study: Mapping) -> Iterator[Line]:
    """The training lines of a study of book/studies.toml; its images are loaded.

    Raises:
        ValueError: an unknown field, family, width or value, or images that are not there, with line and study.
    """
    for row in study.get("training", []):
        where = f"study {name}, line {row.get('line', '(without a name)')}"
        try:
            _check_fields(row)
            yield Line(row["line"], name, tuple(_specifications(row, study)), row["seeds"])
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None


def _specifications(row: Mapping, study: Mapping) -> Iterator[Specification]:
    precision = study["parameters"].get("precision", "float32")
    common = RECIPES[row.get("recipe", "great-minds")] | {"precision": precision, "epochs": row["epochs"]}
    varied = {field: _listed(row[field]) for field in RECIPE_FIELDS if field in row}
    for n_train in _listed(row.get("n_train")):
        images = loading.load(study["dataset"], n_train=n_train)
        for family, control, values in product(
            row["families"], _listed(row.get("controls", "none")), product(*varied.values())
        ):
            widths = row["widths"][family] if isinstance(row["widths"], Mapping) else row["widths"]
            for width in widths:
                yield specify(images, family, width, control=control, **common | dict(zip(varied, values)))


def _check_fields(row: Mapping) -> None:
    known = LINE_FIELDS.union(RECIPE_FIELDS)
    for word in (word for word in row if word not in known):
        raise ValueError(f"there is no {word}; {did_you_mean(word, known)}known are {', '.join(sorted(known))}")
    if missing := sorted({"line", "families", "widths", "seeds", "epochs"} - row.keys()):
        raise ValueError(f"{missing[0]} is missing")
    check_choice("recipe", row.get("recipe", "great-minds"), RECIPES)
    if isinstance(row["widths"], Mapping) and set(row["widths"]) != set(row["families"]):
        raise ValueError(f"widths must name each of the families {', '.join(row['families'])}, and no other")


def _listed(value: object) -> Iterable:
    return value if isinstance(value, list) else [value]


def seconds_per_image(specifications: Iterable[Specification]) -> dict[Specification, float]:
    """Seconds of one core for one image in training: measured at a family's ends, between by the multiplications."""
    kinds: dict[tuple, list[Specification]] = {}  # what decides the speed beside the width
    for one in specifications:
        kinds.setdefault((one.family, one.image_size, one.precision), []).append(one)
    ends = [
        {one.width: one for one in (min(row, key=multiplications), max(row, key=multiplications))}
        for row in kinds.values()
    ]
    share = SECONDS / max(sum(map(len, ends)), 1)
    found: dict[Specification, float] = {}
    for row, measured in zip(kinds.values(), ends):
        rates = {multiplications(one): _measure(one, share) for one in measured.values()}
        found |= {one: _between(rates, multiplications(one)) for one in row}
    return found


def hours(left: Mapping[Specification, float], rates: Mapping[Specification, float], cores: int) -> float:
    """Of `cores` cores, for so many epochs of networks of each specification."""
    return sum(epochs * one.n_train * rates[one] for one, epochs in left.items()) / cores / 3600


def _measure(specification: Specification, seconds: float) -> float:
    """Seconds a network and image, the fastest of the passes that fit into the time; one pass goes before."""
    count, together = BATCHES * specification.batch_size, networks_together(specification)
    shape = (count, specification.in_channels, specification.image_size, specification.image_size)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(count) % specification.num_classes
    classes = ("",) * specification.num_classes
    images = ImageData("noise", 0, noise, labels, noise[:1], labels[:1], classes, (0.0,), (1.0,))
    short = replace(specification, n_train=count, epochs=1)
    with one_thread():
        end = time.perf_counter() + seconds
        train(short, range(together), images)  # chooses its kernels, and is not measured
        passes: list[float] = []
        while not passes or time.perf_counter() < end:
            start = time.thread_time()
            train(short, range(together), images)
            passes.append(time.thread_time() - start)
    return min(passes) / count / together


def _between(rates: Mapping[int, float], work: int) -> float:
    """On the line through the two measured points, or in proportion to the one."""
    (low, at_low), (high, at_high) = min(rates.items()), max(rates.items())
    if low == high:
        return at_low * work / low
    return at_low + (at_high - at_low) * (work - low) / (high - low)
