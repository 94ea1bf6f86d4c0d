"""Matrices of all sources and targets of two networks, against one pair after another through both networks.

That is how the authors' program goes through pairs: for every one the images pass the front up to its layer, the map, and
the rest of the end.  `lib.stitching` computes every layer once, and trains all maps into one end together, through an end
whose BatchNorm is in its weights.
"""

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.measuring import Case, Cases
from lib import data, models
from lib.models.cut_networks import LOGITS, CutNetwork
from lib.models.folding import folded
from lib.stitching import AffineMap, direct_match, hits, match_task_loss, residual

FIT = 100  # images for direct matching


def network(seed: int, images: data.ImageData, width: int) -> CutNetwork:
    """An untrained network: times do not depend on its weights."""
    sizes = {"in_channels": images.train_images.shape[1], "image_size": images.train_images.shape[2]}
    model = models.build("resnet-large", width, num_classes=len(images.classes), **sizes)
    return CutNetwork(models.initialise(model, torch.Generator().manual_seed(seed)))


def up_to(net: CutNetwork, point: str, images: torch.Tensor) -> torch.Tensor:
    """The images through the network, as far as one layer."""
    with torch.no_grad():
        for name, piece in net.pieces.items():
            images = piece(images)
            if name == point:
                break
    return images


def direct(front: CutNetwork, end: CutNetwork, images: data.ImageData) -> list[torch.Tensor]:
    """[sources * targets] residuals and hits, every layer computed once, through ends as `lib.stitching.layers` has them."""
    ends = {j: folded(end.end(j)) for j in end.points}
    fit = [net.representations(images.train_images[:FIT]) for net in (front, end)]
    test = [net.representations(images.test_images) for net in (front, end)]
    return [
        judged(direct_match(fit[0][i], fit[1][j]), test[0][i], test[1][j], ends[j], images)
        for i in front.points
        for j in end.points
    ]


def direct_by_pair(front: CutNetwork, end: CutNetwork, images: data.ImageData) -> list[torch.Tensor]:
    found = []
    for i in front.points:
        for j in end.points:
            source, target = (up_to(net, at, images.train_images[:FIT]) for net, at in ((front, i), (end, j)))
            one = direct_match(source, target)
            source, target = (up_to(net, at, images.test_images) for net, at in ((front, i), (end, j)))
            found.append(judged(one, source, target, end.end(j), images))
    return found


def judged(one: AffineMap, source, target, end: nn.Module, images: data.ImageData) -> torch.Tensor:
    """The residual on the test images, and which of them the end classifies rightly."""
    right = hits(one, source, end, images.test_labels).double()
    return torch.cat([torch.tensor([residual(one(source), target)]), right])


def solves(front: CutNetwork, end: CutNetwork, images: data.ImageData) -> None:
    """One pass over both networks, and one solve a pair."""
    for net in (front, end):
        net.representations(images.test_images)
    fit = [net.representations(images.train_images[:FIT]) for net in (front, end)]
    for i in front.points:
        for j in end.points:
            direct_match(fit[0][i], fit[1][j])


def outcomes_apart(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> float:
    """The largest difference of two residuals, or the share of hits that differ."""
    a, b = torch.stack(ours), torch.stack(theirs)
    return max(float((a - b)[:, 0].abs().max()), float((a[:, 1:] != b[:, 1:]).double().mean()))


def task_loss(front: CutNetwork, end: CutNetwork, images: data.ImageData, epochs: int) -> list[AffineMap]:
    """Maps of all sources and targets, target by target."""
    found = front.representations(images.train_images)
    sources = [maps for point, maps in found.items() if point != LOGITS]
    shapes = {point: maps.shape[1:] for point, maps in end.representations(images.train_images[:1]).items()}
    return [
        one
        for j in end.points
        for one in match_task_loss(sources, end.end(j), shapes[j], images.train_labels, epochs=epochs)
    ]


def task_loss_by_pair(front: CutNetwork, end: CutNetwork, images: data.ImageData, epochs: int) -> list[AffineMap]:
    """Likewise, one map after another through both networks, from the same weights and with the same batches."""
    weights, order = torch.randint(2**62, (2,), generator=torch.Generator().manual_seed(0)).tolist()
    found = []
    for j in end.points:
        rest, shape = end.end(j), up_to(end, j, images.train_images[:1]).shape[1:]
        for i in front.points:
            channels = up_to(front, i, images.train_images[:1]).shape[1]
            generator, bound = torch.Generator().manual_seed(weights), channels**-0.5
            sizes = (shape[0], channels), (shape[0],)
            one = AffineMap(
                *(torch.empty(size).uniform_(-bound, bound, generator=generator) for size in sizes), shape[1:]
            )
            optimiser = torch.optim.Adam(one.parameters(), lr=1e-3, weight_decay=1e-5)
            batches = torch.Generator().manual_seed(order)
            for _ in range(epochs):
                for batch in torch.randperm(len(images.train_labels), generator=batches).split(256):
                    logits = rest(one(up_to(front, i, images.train_images[batch])))
                    optimiser.zero_grad()
                    F.cross_entropy(logits, images.train_labels[batch]).backward()
                    optimiser.step()
            found.append(one)
    return found


def weights_apart(ours: list[AffineMap], theirs: list[AffineMap]) -> float:
    return max(float((a.weight - b.weight).abs().max().detach()) for a, b in zip(ours, theirs, strict=True))


def cases(quick: bool) -> Cases:
    images = data.load("digits", **({"n_train": 120, "n_test": 50} if quick else {}))
    front, end = (network(seed, images, 1 if quick else 8) for seed in (0, 1))
    size = f"ResNet-18, {len(front.points)} x {len(end.points)} layers"
    yield Case(
        "direct matching of all pairs",
        f"{size}, {FIT} images to fit, {len(images.test_labels)} to test",
        lambda: direct(front, end, images),
        {"pair by pair through both networks": lambda: direct_by_pair(front, end, images)},
        ("one pass over the networks, one solve a pair", lambda: solves(front, end, images)),
        outcomes_apart,
        1e-3,
        goal=10,
        repeats=2,
    )
    count, epochs = len(images.train_labels), 1 if quick else 2
    yield Case(
        "task loss matching of all pairs",
        f"{size}, {count} images, {epochs} epochs",
        lambda: task_loss(front, end, images, epochs),
        {"map by map through both networks": lambda: task_loss_by_pair(front, end, images, epochs)},
        None,
        weights_apart,
        1e-3,
        goal=5,
        repeats=2,
    )
