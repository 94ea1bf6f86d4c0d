"""Attacks of a reader's networks on each other."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch
from torch import nn

from lib.attacks import one_step
from lib.attacks.one_step import MAIN_SUMMARY, fgsm
from lib.models import doors
from lib.own.gradients import check_network
from lib.own.groups import grouped, pair_table
from lib.runtime.checks import check_count
from lib.runtime.room import check_memory

COPIES = 3  # of all gradients, in the numbers of the images, that are held at once
NAMES = {MAIN_SUMMARY: "decay ratio"}


def attack_transfer(
    models: Mapping[str, nn.Module],
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    eps: float,
    scores: Callable[[object], torch.Tensor] | Mapping[str, Callable[[object], torch.Tensor]] | None = None,
    draws: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """What is left of the true class when one network is attacked with another's gradients: a row for every two.

    The attack is `lib.attacks.fgsm` of one step.  The columns, each with a 95 % interval over images: decay ratio, the
    mean of p(attacked) / p(clean) of the true class; ratio of means; median ratio; accuracy change.  Without an attack
    they are 1, 1, 1 and 0; lower is stronger.

    Args:
        models: name -> network, two or more.
        eps: in the units of the images.
        scores: as in `lib.own.compare`.
        draws: of the images, for the intervals; `seed` makes them.

    Raises:
        ValueError: fewer than two networks, arguments that do not fit together, or too many images for the memory.
        lib.models.ModelError: a ValueError about one network, by name.
    """
    check_count("draws", draws, 2)
    check_count("seed", seed, 0)
    images = doors.as_images(images, least=2)
    groups = grouped(models, images, scores, None)
    if len(groups) < 2 or any(group.several for group in groups):
        raise ValueError("attacks need two networks or more, a dictionary of a name and one torch.nn.Module each")
    labels = doors.as_labels(labels, len(images))
    fgsm(images[:1], torch.zeros_like(images[:1]), eps=eps)  # a wrong eps is told before any work
    check_memory(len(images), COPIES * len(groups) * images[0].nbytes, "images with gradients of these networks")
    networks = [model for group in groups for model in group.first()]
    for network in networks:
        check_network(network, images, labels, "auto")
    gradients = one_step.gradients(networks, images, labels, "probability")
    before, after = one_step.attack_all(networks, gradients, images, labels, eps)
    samples = one_step.resampled(before, after, np.random.default_rng(seed), draws)
    pairs = [(i, j) for i in range(len(groups)) for j in range(len(groups)) if i != j]
    measures = {NAMES.get(name, name): sample.interval() for name, sample in samples.items()}
    return pair_table([group.name for group in groups], pairs, measures, ["source", "target"])
