"""CKA of every two layers, against the package torch_cka, and of many images against their Gram matrices written out.

torch_cka (0.21) makes the Gram matrix of every layer anew for every other layer, and takes the trace of the product of
every two.  Like `lib.cka` it sums HSIC_1 over the batches and divides once.  It is right, and compared here, where all
batches are equally large, the loader does not shuffle (it walks through the loader once for each network: shuffled,
they would see different images), the layers are listed in the order of their computation (its rows are in that order,
its names in that of the modules) and the images look different to the network: it does not centre the features, and
its float32 difference of large sums has few digits left, or ends in NaN where the images are pure noise.  It leaves
its hooks in the network.

Two networks of a user, all images at once, go against the biased CKA as its definition has it, one pair of layers
after another (Kornblith et al. 2019; re-created from the description, as collections of measures have it).
"""

import contextlib
import copy
import io
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torch_cka import CKA

from benchmarks.measuring import Case, Cases, largest
from lib import models
from lib.cka import linear_cka, network_cka
from lib.cka.estimators import batches, centred, gram
from lib.models.representations import activations, representation

DOUBLE = 16  # images a batch where both compute in float64


def smooth(count: int) -> torch.Tensor:
    """Images of smooth random colours, 32 x 32."""
    rng = torch.Generator().manual_seed(0)
    return F.interpolate(torch.randn(count, 3, 4, 4, generator=rng), size=32, mode="bilinear")


def weighted_layers(model: nn.Module) -> list[str]:
    """The 3x3 convolutions and the linear layer: as many as the network is deep."""
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) or isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3)
    ]


def ours(model: nn.Module, images: torch.Tensor, batch_size: int) -> np.ndarray:
    """[layers, layers] by lib, from one pass."""
    layers, generator = [weighted_layers(model)], torch.Generator().manual_seed(1)
    return network_cka([model], images, layers, batch_size=batch_size, passes=1, generator=generator, device="cpu")


def theirs(model: nn.Module, images: torch.Tensor, batch_size: int) -> np.ndarray:
    """[layers, layers] by torch_cka, on the same batches as `ours`."""
    order = torch.cat(list(batches(len(images), batch_size, 1, torch.Generator().manual_seed(1))))
    layers, loader = weighted_layers(model), DataLoader(TensorDataset(images[order]), batch_size)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        found = CKA(copy.deepcopy(model), copy.deepcopy(model), "first", "second", layers, layers, device="cpu")
        found.compare(loader, loader)
        return found.export()["CKA"].numpy()


def in_double(model: nn.Module, images: torch.Tensor) -> float:
    """How far both are apart in float64, which torch_cka takes from the default."""
    model, images = copy.deepcopy(model).double(), images.double()
    torch.set_default_dtype(torch.float64)
    try:
        return largest(ours(model, images, DOUBLE), theirs(model, images, DOUBLE))
    finally:
        torch.set_default_dtype(torch.float32)


def products(layers: Sequence[torch.Tensor]) -> None:
    """The Gram matrix of every layer [n, ...] and the inner products of every two, of activations that lie ready."""
    flat = [layer.flatten(1) for layer in layers]
    grams = torch.stack([(one @ one.T).flatten() for one in flat]).double()
    grams @ grams.T


def of_layers(depth: int, count: int, batch_size: int) -> Case:
    rng = torch.Generator().manual_seed(0)
    model = models.initialise(models.build(f"resnet-{depth}", 1), rng).eval()
    images = smooth(count)
    ready = [list(part.values()) for part in activations(model, images, weighted_layers(model), batch_size=batch_size)]

    def bare() -> None:
        with torch.no_grad():
            for batch, layers in zip(images.split(batch_size), ready):
                model(batch)
                products(layers)

    return Case(
        "CKA of all pairs of layers",
        f"ResNet-{depth}, {count} images in batches of {batch_size}",
        lambda: ours(model, images, batch_size),
        {"torch_cka": lambda: theirs(model, images, batch_size)},
        ("one pass through the network, Gram matrices and their products of activations that lie ready", bare),
        largest,
        0.02,
        twin=lambda: in_double(model, images[: 2 * DOUBLE]),
        goal=15,
        repeats=1,
    )


def definition(x: np.ndarray, y: np.ndarray) -> float:
    """Biased CKA of [n, features] each, by centred Gram matrices [n, n]."""
    n = len(x)
    middle = np.eye(n) - 1 / n
    k, l = (middle @ (one @ one.T) @ middle for one in (x.astype(float), y.astype(float)))
    return float((k * l).sum() / np.sqrt((k * k).sum() * (l * l).sum()))


def of_transformers(width: int, count: int) -> Case:
    networks = [
        models.initialise(models.build("vit", width), torch.Generator().manual_seed(seed)).eval() for seed in (0, 1)
    ]
    parts = ("norm1", "attention", "norm2", "mlp")
    points = [name for name, _ in networks[0].named_modules() if name.count(".") == 2 and name.endswith(parts)]
    images = smooth(count)
    options = {"unbiased": False, "batch_size": count, "passes": 1, "device": "cpu"}

    def pair_by_pair() -> np.ndarray:
        layers = [representation(network, images, points) for network in networks]
        return np.array([[definition(a, b) for b in layers[1].values()] for a in layers[0].values()])

    ready = [
        layer for network in networks for layer in next(activations(network, images, points, batch_size=count)).values()
    ]
    return Case(
        "CKA of two transformers",
        f"k = {width}, {len(points)} x {len(points)} layers, {count} images at once",
        lambda: network_cka(networks, images, [points, points], **options)[: len(points), len(points) :],
        {"the definition, pair by pair": pair_by_pair},
        ("Gram matrices and their products, of activations that lie ready", lambda: products(ready)),
        largest,
        1e-4,
        goal=15,
        repeats=3,
    )


def of_many_images(count: int, features: int) -> Case:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((count, features))
    y = x @ rng.standard_normal((features, features)) + rng.standard_normal((count, features))

    def held() -> float:
        k, l = (centred(gram(one), unbiased=False) for one in (x, y))
        return float((k * l).sum() / ((k * k).sum() * (l * l).sum()).sqrt())

    both = np.hstack([x, y])
    return Case(
        "biased CKA of many images",
        f"{count} images, {features} features each",
        lambda: linear_cka(x, y, unbiased=False),
        {"Gram matrices held": held},
        ("the product of the features", lambda: both.T @ both),
        largest,
        1e-10,
        repeats=3,
    )


def cases(quick: bool) -> Cases:
    yield of_layers(8, 32, 16) if quick else of_layers(38, 200, 100)
    yield of_transformers(2, 20) if quick else of_transformers(10, 500)
    yield of_many_images(2100 if quick else 4000, 8 if quick else 64)
