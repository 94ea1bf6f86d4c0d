"""The public doors that take images, labels and networks, and small ones of each to bring."""

from functools import cache

import numpy as np
import torch
from small_networks import random_images, returning
from torch import nn

from lib import attacks, cka, own, salience, stitching
from lib.salience import extraction

IMAGES, LABELS = random_images(12, 2)  # of two channels


def network(first=None):
    torch.manual_seed(0)
    layers = (nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(216, 4))
    model = nn.Sequential(*layers)
    model(IMAGES)  # running statistics
    return (nn.Sequential(first, *model) if first else model).eval()


OTHER = returning(lambda scores: scores)
OTHER.net[1] = nn.Linear(128, 4)


def compared(model, images, labels):
    return own.compare({"a": model, "b": OTHER}, images, labels, draws=20, device="cpu").rho[0][0, 1]


def attacked(model, images, labels):
    gradients = salience.input_gradients(model, images, labels, output="probability")
    return attacks.decay_ratio(model, images, attacks.fgsm(images, gradients, eps=0.1), labels)


def stitched(model, maps, labels):
    stitch = stitching.direct_match(maps, maps)
    (trained,) = stitching.match_task_loss([maps], model, (2, 8, 8), labels, epochs=2)
    return stitching.accuracy(stitch, maps, model, labels), trained.weight


LABELLED = {"gradients": salience.input_gradients, "compare": compared, "attack": attacked, "stitch": stitched}
SCORED = {**LABELLED, "logits": lambda model, images, labels: extraction.logits(model, images)}
DOORS = {
    **SCORED,
    "CKA": lambda model, images, labels: cka.network_cka([model], images, [["0", "3"]], batch_size=6, passes=2),
}


@cache
def plainly(door):
    """What a door says of a plain network and plain images."""
    return door(network(), IMAGES, LABELS)


def close(found, expected, tolerance=1e-5):
    for one, other in zip(*(part if isinstance(part, tuple) else (part,) for part in (found, expected)), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def inference(make):
    with torch.inference_mode():
        return make()
