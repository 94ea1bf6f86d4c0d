"""Everything that decides what a trained network is, except its seed."""

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass, field
from pathlib import PurePath

import torch
from torch import nn

from lib import models
from lib.data import ImageData

# Raise it when a change of lib/ makes other networks from the same fields: stored ones are then trained again.
RECIPE = 1
OPTIMISERS = ("sgd", "adam")
# schedule -> share of the first learning rate in epoch e of n
SCHEDULES = {
    "inverse-sqrt": lambda e, n: 1 / math.sqrt(e + 1),
    "cosine": lambda e, n: (1 + math.cos(math.pi * e / n)) / 2,
}
PRECISIONS = ("float32", "bfloat16", "float64")
LATER = {"schedule": "inverse-sqrt", "momentum": 0.0, "weight_decay": 0.0}  # field -> what it was before it had a name
# What the networks of a population share or miss -> the random stream that all of them take.
CONTROLS = {"none": None, "random-labels": None, "same-weights": "weights", "same-order": "order"}


@dataclass(frozen=True)
class Specification:
    """A family at one width, with the data and the recipe that train it (fact sheet 4.2).

    Attributes:
        dataset, n_train, n_test, data_seed: the arguments of `lib.data.load`.
        data_digest: sha256 of the images and labels, so that changed data never passes for the old.
        epochs: passes over the training images.
        learning_rate: of epoch 0.
        schedule: 'inverse-sqrt': epoch e takes learning_rate / sqrt(e + 1); 'cosine': learning_rate *
            (1 + cos(pi e / epochs)) / 2.
        optimiser: 'sgd' with `momentum`, or 'adam' with PyTorch's defaults.
        weight_decay: PyTorch's (twice the coefficient of a penalty on the sum of squares), on the kernels of
            convolutions and linear layers alone.
        batch_size: images a step; the last step of an epoch takes what is left.
        precision: 'float32', 'float64', or 'bfloat16' (mixed: weights and BatchNorm stay float32).
        control: 'none'; 'random-labels': the training labels are shuffled, once for all networks; 'same-weights' or
            'same-order': all networks start from the same initial weights, or see the same order of images.
        data_root: the folder of data sets that `lib.data.load` was given; it decides nothing, and worker processes
            need it to find the images.
    """

    family: str
    width: int
    dataset: str
    n_train: int
    n_test: int
    data_seed: int
    data_digest: str
    in_channels: int
    image_size: int
    num_classes: int
    epochs: int = 20
    learning_rate: float = 0.1
    schedule: str = "inverse-sqrt"
    optimiser: str = "sgd"
    momentum: float = 0.0
    weight_decay: float = 0.0
    batch_size: int = 128
    precision: str = "float32"
    control: str = "none"
    recipe: int = RECIPE

    data_root: str | None = field(default=None, compare=False)

    def __post_init__(self):
        models.check_width(self.family, self.width)
        for name in ("epochs", "batch_size"):
            models.check_count(name, getattr(self, name))
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be finite and above 0, not {self.learning_rate!r}")
        if (self.n_train - 1) % self.batch_size == 0:
            raise ValueError(f"n_train {self.n_train} with batch_size {self.batch_size} leaves a batch of one image, "
                             "which BatchNorm cannot normalise; change either by one")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be from 0 to below 1, not {self.momentum!r}")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay must be finite and at least 0, not {self.weight_decay!r}")
        if self.optimiser not in OPTIMISERS:  # a tuple: also for what cannot be hashed
            raise ValueError(f"unknown optimiser {self.optimiser!r}; the optimisers are {', '.join(OPTIMISERS)}")
        if self.momentum and self.optimiser == "adam":
            raise ValueError(f"momentum belongs to sgd, and adam takes none; leave out momentum {self.momentum!r}")
        if self.schedule not in list(SCHEDULES):
            raise ValueError(f"unknown schedule {self.schedule!r}; the schedules are {', '.join(SCHEDULES)}")
        check_precision(self.precision)
        if self.control not in list(CONTROLS):
            raise ValueError(f"unknown control {self.control!r}; the controls are {', '.join(CONTROLS)}")

    @property
    def name(self) -> str:
        return f"{self.family} k={self.width} on {self.dataset}" + f", {self.control}" * (self.control != "none")

    def fields(self) -> dict[str, object]:
        """All that decides what a network is, except its seed.

        Fields that came later appear where they change anything, so that networks stored before stay what they are.
        """
        unchanged = {name for name, usual in LATER.items() if getattr(self, name) == usual}
        return {name: value for name, value in asdict(self).items() if name not in {"data_root", *unchanged}}

    @property
    def key(self) -> str:
        """The folder in the store, readable, and different whenever any field is."""
        fields = json.dumps(self.fields(), sort_keys=True)
        kind, _, path = self.dataset.partition(":")
        place = "-" + re.sub(r"[^a-z0-9]+", "-", PurePath(path).name.lower())[:40] if path else ""
        return f"{kind}{place}-{self.family}-k{self.width}-{hashlib.sha256(fields.encode()).hexdigest()[:16]}"

    def build(self) -> nn.Module:
        """One untrained network of this family and width, for these images."""
        return models.build(self.family, self.width, in_channels=self.in_channels,
                            image_size=self.image_size, num_classes=self.num_classes)

    def learning_rate_of(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        return self.learning_rate * SCHEDULES[self.schedule](epoch, self.epochs)

    def generator(self, seed: int, purpose: str) -> torch.Generator:
        """The random stream of one network for one purpose: 'weights' or 'order'.

        Family, width and control enter, so that networks of one seed number in two populations share nothing.
        """
        number = 0 if purpose == CONTROLS[self.control] else seed
        text = f"{self.family} {self.width} {number} {purpose}" + f" {self.control}" * (self.control != "none")
        return torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1)

    def training_labels(self, labels: torch.Tensor) -> torch.Tensor:
        """The labels [n] to train on: as they are, or for 'random-labels' dealt out anew, each as often as before."""
        if self.control != "random-labels":
            return labels
        return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(self.data_seed))]


def specify(data: ImageData, family: str, width: int, **recipe) -> Specification:
    """The specification of `family` at `width` on `data`; `recipe` overrides the defaults of training."""
    return Specification(family, width, data.name, len(data.train_labels), len(data.test_labels), data.seed,
                         data.digest, data.train_images.shape[1], data.train_images.shape[2], len(data.classes),
                         data_root=data.root, **recipe)


def check_precision(precision: str) -> None:
    """Raises ValueError, naming the precisions there are, for any other."""
    if precision not in PRECISIONS:  # a tuple: also for what cannot be hashed
        raise ValueError(f"unknown precision {precision!r}; the precisions are {', '.join(PRECISIONS)}")
