"""What a study needs trained: lines of populations, the rounds they are trained in, what is there and what is left."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from lib.data import loading
from lib.training import store, wide_and_deep
from lib.training.specification import Specification, specify

RECIPES = {"great-minds": {}, "wide-and-deep": wide_and_deep.RECIPE}
LINE_FIELDS = {"line", "families", "widths", "seeds", "epochs", "n_train", "controls", "recipe"}
RECIPE_FIELDS = {"batch_size", "learning_rate", "schedule", "optimiser", "momentum", "weight_decay"}


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
        return {replace(specification, epochs=epochs) if specification.anytime else specification: range(self.seeds)
                for specification in self.specifications if epochs in specification.snapshots}

    def left(self) -> dict[Specification, int]:
        """Epochs that each population still needs, summed over its networks."""
        return {specification: sum(specification.epochs - max(store.stored_epochs(specification, seed), default=0)
                                   for seed in range(self.seeds)) for specification in self.specifications}


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
        for family, control, values in product(row["families"], _listed(row.get("controls", "none")),
                                               product(*varied.values())):
            widths = row["widths"][family] if isinstance(row["widths"], Mapping) else row["widths"]
            for width in widths:
                yield specify(images, family, width, control=control, **common | dict(zip(varied, values)))


def _check_fields(row: Mapping) -> None:
    known = LINE_FIELDS | RECIPE_FIELDS
    for word in row:
        if word not in known:
            near = difflib.get_close_matches(word, known, 1)
            raise ValueError(f"there is no {word}; {f'did you mean {near[0]}? ' if near else ''}"
                             f"known are {', '.join(sorted(known))}")
    if missing := sorted({"line", "families", "widths", "seeds", "epochs"} - row.keys()):
        raise ValueError(f"{missing[0]} is missing")
    if row.get("recipe", "great-minds") not in RECIPES:
        raise ValueError(f"unknown recipe {row['recipe']!r}; the recipes are {', '.join(RECIPES)}")
    if isinstance(row["widths"], Mapping) and set(row["widths"]) != set(row["families"]):
        raise ValueError(f"widths must name each of the families {', '.join(row['families'])}, and no other")


def _listed(value: object) -> Iterable:
    return value if isinstance(value, list) else [value]
