"""Matrices of all sources and targets of two networks: how long do both matchings take, and what is gained?

    .venv/bin/python benchmarks/stitching.py

Seconds on one core for a ResNet-18 of width 8 with its 8 blocks on the digits, and ratios of times measured side by
side in this run: all sources of a target together against one by one, ends as they are against folded ones.
"""

import time

import torch

from lib import data, models
from lib.models.cut_networks import LOGITS, CutNetwork
from lib.stitching import direct_match, hits, match_task_loss, residual
from lib.stitching import task_loss as training

SHORT = 2  # epochs of a comparison


def network(seed: int, images: data.ImageData) -> CutNetwork:
    """An untrained network: times do not depend on its weights."""
    model = models.build(
        "resnet-large",
        8,
        in_channels=images.train_images.shape[1],
        image_size=images.train_images.shape[2],
        num_classes=len(images.classes),
    )
    return CutNetwork(models.initialise(model, torch.Generator().manual_seed(seed)))


def direct(front: CutNetwork, end: CutNetwork, images: data.ImageData, count: int = 100) -> None:
    """All maps, their residuals and accuracies, from the images on."""
    start = time.perf_counter()
    fit = [net.representations(images.train_images[:count]) for net in (front, end)]
    test = [net.representations(images.test_images) for net in (front, end)]
    for i in front.points:
        for j in end.points:
            one = direct_match(fit[0][i], fit[1][j])
            residual(one(test[0][i]), test[1][j])
            hits(one, test[0][i], end.end(j), images.test_labels)
    print(
        f"direct matching, {len(front.points)} x {len(end.points)}, {count} images to fit, {len(images.test_labels)} to "
        f"test: {time.perf_counter() - start:.1f} s",
        flush=True,
    )


def task_loss(front: CutNetwork, end: CutNetwork, images: data.ImageData) -> None:
    """The whole matrix, then both comparisons over a few epochs."""
    sources = list(
        {point: maps for point, maps in front.representations(images.train_images).items() if point != LOGITS}.values()
    )
    shapes = {point: maps.shape[1:] for point, maps in end.representations(images.train_images[:1]).items()}

    def matched(groups: list[list[torch.Tensor]], epochs: int) -> float:
        start = time.perf_counter()
        for j in end.points:
            for group in groups:
                match_task_loss(
                    group,
                    end.end(j),
                    shapes[j],
                    images.train_labels,
                    torch.Generator().manual_seed(0),
                    epochs=epochs,
                    learning_rate=1e-2,
                )
        return time.perf_counter() - start

    whole = matched([sources], 30)
    together, alone = matched([sources], SHORT), matched([[source] for source in sources], SHORT)
    training.folded, quick = lambda end: end, training.folded
    slow = matched([sources], SHORT)
    training.folded = quick
    print(
        f"task loss matching, {len(sources)} x {len(end.points)}, 30 epochs of {len(images.train_labels)} images: "
        f"{whole:.1f} s; one by one / together = {alone / together:.2f}; ends as they are / folded = "
        f"{slow / together:.2f}"
    )


def main() -> None:
    torch.set_num_threads(1)
    images = data.load("digits")
    front, end = (network(seed, images) for seed in (0, 1))
    direct(front, end, images)
    task_loss(front, end, images)


if __name__ == "__main__":
    main()
