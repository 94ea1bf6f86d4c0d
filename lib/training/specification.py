"""Everything that decides what a trained network is, except its seed."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from lib.data import loading
from lib.data.loading import ImageData, canonical
from lib.models import architectures, imported_families
from lib.runtime.checks import check_choice, check_count
from lib.training import controls
from lib.training.controls import CONTROLS

# Raise it when a change of lib/ makes other networks from the same fields: stored ones are then trained again.
RECIPE = 1
OPTIMISERS = ("sgd", "adam")
# schedule -> share of the first learning rate in epoch e of n
SCHEDULES = {
    "inverse-sqrt": lambda e, n: 1 / math.sqrt(e + 1),
    "cosine": lambda e, n: (1 + math.cos(math.pi * e / n)) / 2,
}
ANYTIME = ("inverse-sqrt",)  # schedules that do not know when training ends
SNAPSHOTS = (1, 2, 5, 10, 20, 50, 100)  # epochs after which such a training is kept, besides those asked for
PRECISIONS = ("float32", "mixed", "bfloat16", "float64")
# Not decided by: when training ends, where the images lie, which images evaluate it.
OUTSIDE = ("source", "data_root", "data_seed", "n_test", "test_digest")


@dataclass(frozen=True)
class Specification:
    """A family at one width, with the data and the recipe that train it.

    Attributes:
        family_digest: of a family by import path, its source (`lib.models.imported_families.source_digest`), so that an
            edited family never passes for the old.
        dataset: the canonical name of the data set (`lib.data.loading.canonical`).
        n_train, train_digest: number and sha256 of the training images and labels, so that changed data never passes
            for the old.
        n_test, test_digest: those of the images that evaluate the network; they decide nothing that is trained.
        epochs: passes over the training images.  With an anytime schedule the network after e epochs of a longer
            training is the network of e epochs: they share a key.
        learning_rate: of epoch 0.
        schedule: 'inverse-sqrt': epoch e takes learning_rate / sqrt(e + 1); 'cosine': learning_rate *
            (1 + cos(pi e / epochs)) / 2.
        optimiser: 'sgd' with `momentum`, or 'adam' with PyTorch's defaults.
        weight_decay: PyTorch's (twice the coefficient of a penalty on the sum of squares), on the kernels of
            convolutions and linear layers alone.
        batch_size: images a step; the last step of an epoch takes what is left.
        precision: 'float32', 'float64', 'bfloat16' (weights and BatchNorm stay float32), or 'mixed': bfloat16 where
            the processor is faster with it, else float32 (`lib.training.arithmetic`).
        control: 'none', or what the networks share or miss, or was done to their images (`lib.training.controls`).
        source, data_root, data_seed: the arguments `name`, `root` and `seed` of `lib.data.loading.load`, with which worker
            processes load the images.
    """

    family: str
    width: int
    dataset: str
    n_train: int
    train_digest: str
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
    family_digest: str = ""

    n_test: int = 0
    test_digest: str = ""
    data_seed: int = 0
    source: str = field(default="", compare=False)
    data_root: str | None = field(default=None, compare=False)

    def __post_init__(self):
        architectures.check_width(self.family, self.width)
        for name in ("epochs", "batch_size"):
            check_count(name, getattr(self, name))
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be finite and above 0, not {self.learning_rate!r}")
        if (self.n_train - 1) % self.batch_size == 0:
            raise ValueError(
                f"n_train {self.n_train} with batch_size {self.batch_size} leaves a batch of one image, "
                "which BatchNorm cannot normalise; change either by one"
            )
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be from 0 to below 1, not {self.momentum!r}")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay must be finite and at least 0, not {self.weight_decay!r}")
        check_choice("optimiser", self.optimiser, OPTIMISERS)
        if self.momentum and self.optimiser == "adam":
            raise ValueError(f"momentum belongs to sgd, and adam takes none; leave out momentum {self.momentum!r}")
        check_choice("schedule", self.schedule, SCHEDULES)
        check_precision(self.precision)
        check_choice("control", self.control, CONTROLS)

    @property
    def name(self) -> str:
        return f"{self.family} k={self.width} on {self.dataset}" + f", {self.control}" * (self.control != "none")

    @property
    def anytime(self) -> bool:
        """Whether the network after e epochs does not depend on how many follow."""
        return self.schedule in ANYTIME

    @property
    def snapshots(self) -> tuple[int, ...]:
        """The numbers of epochs, up to `epochs`, after which the networks are kept and evaluated."""
        return (*(count for count in SNAPSHOTS if self.anytime and count < self.epochs), self.epochs)

    def fields(self) -> dict[str, object]:
        """All that decides a training, except the seed and, with an anytime schedule, its length."""
        left_out = {*OUTSIDE, *["epochs"] * self.anytime} - ({"data_seed"} if CONTROLS[self.control].drawn else set())
        left_out |= set() if self.family_digest else {"family_digest"}
        return {name: value for name, value in asdict(self).items() if name not in left_out}

    @property
    def key(self) -> str:
        """The folder in the store, readable, and different whenever any of `fields` is."""
        fields = json.dumps(self.fields(), sort_keys=True)
        family = self.family.replace(":", ".")  # which some file systems do not take
        return f"{self.dataset}-{family}-k{self.width}-{hashlib.sha256(fields.encode()).hexdigest()[:16]}"

    def build(self) -> nn.Module:
        """One untrained network of this family and width, for these images.

        Raises:
            RuntimeError: the source of its family is another one than when it was specified.
        """
        if imported_families.source_digest(self.family) != self.family_digest:
            raise RuntimeError(f"the source of the family {self.family} was edited meanwhile; start again")
        sizes = {name: getattr(self, name) for name in ("in_channels", "image_size", "num_classes")}
        return architectures.build(self.family, self.width, **sizes)

    def initial(self, seed: int) -> nn.Module:
        """One network with the initial weights of a seed; those of a family by import path are its own."""
        generator = self.generator(seed, "weights")
        if not self.family_digest:
            return architectures.initialise(self.build(), generator)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator.initial_seed())
            return self.build()

    def learning_rate_of(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        return self.learning_rate * SCHEDULES[self.schedule](epoch, self.epochs)

    def generator(self, seed: int, purpose: str) -> torch.Generator:
        """The random stream of one network for one purpose: 'weights', 'order' or 'augmentation'.

        Family, width and control enter, so that networks of one seed number in two populations share nothing.
        """
        number = 0 if purpose == CONTROLS[self.control].shared else seed
        text = f"{self.family} {self.width} {number} {purpose}" + f" {self.control}" * (self.control != "none")
        return torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1)

    def training_labels(self, labels: torch.Tensor) -> torch.Tensor:
        """The labels [n] to train on (`lib.training.controls`)."""
        return controls.training_labels(CONTROLS[self.control], labels, self.data_seed)

    def shortcut_colours(self, labels: torch.Tensor) -> torch.Tensor | None:
        """The colours of the patches on training images with these labels [n] (`lib.training.controls`)."""
        sizes = self.num_classes, self.in_channels
        return controls.shortcut_colours(CONTROLS[self.control], labels, *sizes, self.data_seed)


def specify(data: ImageData, family: str, width: int, **recipe) -> Specification:
    """The specification of `family` at `width` on `data`; `recipe` overrides the defaults of training."""
    images: dict[str, Any] = {
        "dataset": canonical(data.name),
        "n_train": len(data.train_labels),
        "train_digest": data.train_digest,
    }
    sizes = {"in_channels": data.train_images.shape[1], "image_size": data.train_images.shape[2]}
    tests = {"n_test": len(data.test_labels), "test_digest": data.test_digest}
    origin = {"data_seed": data.seed, "source": data.name, "data_root": data.root}
    own = {"family_digest": imported_families.source_digest(family)}
    fields = images | sizes | {"num_classes": len(data.classes)} | tests | origin | own
    return Specification(family, width, **fields, **recipe)


def images_of(specification: Specification) -> ImageData:
    """The images that a specification was made of.

    Raises:
        RuntimeError: what lies there now are others.
    """
    sizes = {"n_train": specification.n_train, "n_test": specification.n_test}
    images = loaded(specification.source, root=specification.data_root, seed=specification.data_seed, **sizes)
    if (images.train_digest, images.test_digest) != (specification.train_digest, specification.test_digest):
        raise RuntimeError(f"the images of {specification.source!r} are not those that were specified")
    return images


loaded = lru_cache(maxsize=1)(loading.load)  # a stack or a release after another asks for the same


def check_precision(precision: str) -> None:
    """Raises ValueError, naming the precisions there are, for any other."""
    check_choice("precision", precision, PRECISIONS)
