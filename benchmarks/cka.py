"""Minibatch CKA of every two layers of a 38-layer network, against the package torch_cka.

    .venv/bin/python benchmarks/cka.py [IMAGES]

ResNet-38 (1x) and 2,000 images of 32 x 32 pixels, smooth random colours, in batches of 250 on one core; the layers are
the 38 that have weights but for the shortcuts.  Ratios of processor times measured side by side in this run, which
what else runs on the machine changes little; the results are compared as well.

torch_cka (0.21) makes the Gram matrix of every layer anew for every other layer, and takes the trace of the product of
every two.  Like `lib.cka` it sums HSIC_1 over the batches and divides once.  It is right, and compared here, where all
batches are equally large, the loader does not shuffle (it walks through the loader once for each network: shuffled,
they would see different images), the layers are listed in the order of their computation (its rows are in that order,
its names in that of the modules) and the images look different to the network: it does not centre the features, and
its float32 difference of large sums has few digits left, or ends in NaN where the images are pure noise.  It leaves
its hooks in the network.
"""

import copy
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from lib import models
from lib.cka import network_cka
from lib.cka.estimators import batches

BATCH = 250
DOUBLE = 50  # images a batch where both compute in float64


def seconds(function):
    """The result of `function` and the time that the processor worked on it."""
    start = time.process_time()
    result = function()
    return result, time.process_time() - start


def weighted_layers(model: nn.Module) -> list[str]:
    """The 3x3 convolutions and the linear layer: as many as the network is deep."""
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) or isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3)
    ]


def ours(model: nn.Module, images: torch.Tensor, batch_size: int) -> np.ndarray:
    """[layers, layers] by lib, from one pass."""
    return network_cka(
        [model],
        images,
        [weighted_layers(model)],
        batch_size=batch_size,
        passes=1,
        generator=torch.Generator().manual_seed(1),
        device="cpu",
    )


def theirs(package, model: nn.Module, images: torch.Tensor, batch_size: int) -> np.ndarray:
    """[layers, layers] by torch_cka, on the same batches as `ours`."""
    order = torch.cat(list(batches(len(images), batch_size, 1, torch.Generator().manual_seed(1))))
    layers, loader = weighted_layers(model), DataLoader(TensorDataset(images[order]), batch_size)
    found = package(copy.deepcopy(model), copy.deepcopy(model), "first", "second", layers, layers, device="cpu")
    found.compare(loader, loader)
    return found.export()["CKA"].numpy()


def main(package, count: int) -> None:
    rng = torch.Generator().manual_seed(0)
    model = models.initialise(models.build("resnet-38", 1), rng).eval()
    images = F.interpolate(torch.randn(count, 3, 4, 4, generator=rng), size=32, mode="bilinear")
    fast_result, first = seconds(lambda: ours(model, images, BATCH))
    slow_result, slow = seconds(lambda: theirs(package, model, images, BATCH))
    fast = min(first, *(seconds(lambda: ours(model, images, BATCH))[1] for _ in range(2)))
    print(
        f"CKA of {len(fast_result)} layers, {count} images: torch_cka / lib = {slow / fast:.1f} in time, "
        f"largest difference {np.abs(fast_result - slow_result).max():.1e}",
        flush=True,
    )
    model, images = model.double(), images.double()
    truth = ours(model, images, BATCH)
    print(
        f"largest difference from float64: lib {np.abs(fast_result - truth).max():.1e}, "
        f"torch_cka {np.abs(slow_result - truth).max():.1e}"
    )
    torch.set_default_dtype(torch.float64)
    some = images[: 4 * DOUBLE]
    print(
        f"both in float64, {len(some)} images in batches of {DOUBLE}: largest difference "
        f"{np.abs(ours(model, some, DOUBLE) - theirs(package, model, some, DOUBLE)).max():.1e}"
    )


if __name__ == "__main__":
    try:
        from torch_cka import CKA
    except ImportError:
        sys.exit("this benchmark compares with the package torch-cka, which is not installed: pip install torch-cka")
    torch.set_num_threads(1)
    main(CKA, *map(int, sys.argv[1:] or ["2000"]))
