"""One-step attacks on the true class's probability, what is left of it (the paper's Fig. 25), and networks that attack each other."""

from collections.abc import Collection, Iterable, Sequence
from numbers import Real
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from lib.models import doors
from lib.runtime.checks import real_numbers, shown
from lib.runtime.tasks import progress
from lib.salience.extraction import input_gradients, logits
from lib.statistics.sample import Sample, image_counts

MAIN_SUMMARY = "mean of ratios"  # the paper's alpha
SUMMARIES = (MAIN_SUMMARY, "ratio of means", "median ratio", "accuracy change")  # all: lower is stronger
PAPER_EPS = 0.05  # of the paper's program, in normalised units
BATCH = 64  # images of 32 x 32 pixels whose feature maps fit into a processor's cache


class Scores(NamedTuple):
    """What a network makes of the true class: its log-probability and whether it wins, each [..., n]."""

    log_probability: np.ndarray
    right: np.ndarray

    @classmethod
    def stacked(cls, scores: Iterable["Scores"]) -> "Scores":
        """Scores of one shape along a new first axis."""
        return cls(*map(np.stack, zip(*scores)))

    @classmethod
    def unknown(cls, *shape: int) -> "Scores":
        """NaN, for what is to be filled in."""
        return cls(np.full(shape, np.nan), np.full(shape, np.nan))


def fgsm(images: torch.Tensor, gradients: torch.Tensor, *, eps: float) -> torch.Tensor:
    """One step against the gradient's signs: clip(x - eps sign(gradient), min(x), max(x)), shape of `images`.

    A pixel whose gradient is zero stays.  Smallest and largest value are those of the whole tensor.

    Args:
        images: [n, C, H, W], normalised.
        gradients: of the true class's *probability*, not of a loss, at full resolution: the step lowers it.
        eps: in the units of `images`; times `ImageData.std` it is in pixel values from 0 to 1.

    Raises:
        ValueError: a negative or infinite eps, no images, shapes that differ, or values that are whole numbers or not
            finite.
    """
    if isinstance(eps, bool) or not isinstance(eps, Real) or not 0 <= eps < float("inf"):
        raise ValueError(f"eps must be a finite number of at least 0, not {shown(eps)}")
    images, gradients = doors.as_images(images), doors.as_images(gradients, "gradients")
    if images.shape != gradients.shape:
        shapes = f"{list(images.shape)} and {list(gradients.shape)}"
        raise ValueError(f"images and gradients need one shape, not {shapes}")
    step = min(float(eps), torch.finfo(images.dtype).max)  # infinity times a gradient of zero would be no number
    return (images - step * gradients.sign().to(images)).clamp(images.min(), images.max())


def random_signs(shape: tuple[int, ...], rng: np.random.Generator) -> torch.Tensor:
    """-1 and 1 with equal chance, float32: a step of the same largest size that knows nothing."""
    return torch.from_numpy(rng.choice(np.array([-1, 1], dtype=np.float32), size=shape))


def true_class_scores(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> Scores:
    """Scores of [..., n, C, H, W], whatever stands in front of the n images that the labels [n] belong to.

    Raises:
        ValueError: images and labels that do not fit together or to the model's classes, or images that are not finite.
    """
    images = doors.as_tensor("images", images)
    if images.ndim < 4:
        raise ValueError(f"images must be [..., n, C, H, W], not {list(images.shape)}")
    labels = doors.as_labels(labels, images.shape[-4])
    values = logits(model, images.flatten(0, -4)).double()
    doors.check_classes(labels, values.shape[1])
    labels = labels.repeat(len(values) // len(labels))
    # Logarithms: a probability that float32 would call zero still has a ratio.
    found = values.log_softmax(1).gather(1, labels[:, None])[:, 0].numpy(), (values.argmax(1) == labels).numpy()
    return Scores(*(part.reshape(images.shape[:-3]) for part in found))


def decay_ratio(model: nn.Module, clean: torch.Tensor, attacked: torch.Tensor, labels: torch.Tensor) -> float:
    """alpha: mean over images of p_y(attacked) / p_y(clean), all images, also those that are misclassified.

    A few images whose clean probability is tiny can rule it, and it can exceed 1; lower means a stronger attack.

    Args:
        clean, attacked: [n, C, H, W], the same images before and after; labels: [n] class indices.

    Raises:
        ValueError: clean and attacked images of different shapes, and all that `true_class_scores` refuses.
    """
    clean, attacked = doors.as_images(clean, "clean images"), doors.as_images(attacked, "attacked images")
    if clean.shape != attacked.shape:
        raise ValueError(
            f"clean and attacked images need one shape, not {list(clean.shape)} and {list(attacked.shape)}"
        )
    return float(ratios(*(true_class_scores(model, images, labels) for images in (clean, attacked))).mean())


def weighted_summaries(
    before: Scores, after: Scores, times: np.ndarray, names: Collection[str] = SUMMARIES
) -> dict[str, np.ndarray]:
    """Summaries over the images, the last axis, with every image taken so many times.

    Scores [..., n] and times [draws, n], whole numbers -> name -> [..., draws].  The first is the paper's alpha; the
    others are not ruled by a heavy tail.  Without an attack they are 1, 1, 1 and 0.
    """
    ratio, weights = ratios(before, after), (times / times.sum(1, keepdims=True)).T
    clean, attacked = np.exp(before.log_probability), np.exp(after.log_probability)
    measures = {
        MAIN_SUMMARY: lambda: ratio @ weights,
        "ratio of means": lambda: (attacked @ weights) / (clean @ weights),
        "median ratio": lambda: np.stack([np.median(np.repeat(ratio, row, axis=-1), axis=-1) for row in times], -1),
        "accuracy change": lambda: np.subtract(after.right, before.right, dtype=float) @ weights,
    }
    return {name: measures[name]() for name in names}


def resampled_summaries(
    before: Scores, after: Scores, rng: np.random.Generator, draws: int, names: Collection[str] = SUMMARIES
) -> dict[str, np.ndarray]:
    """`weighted_summaries` over all images, and over images drawn again: name -> [1 + draws, ...]."""
    images = before.right.shape[-1]
    times = np.vstack([np.ones(images, dtype=int), image_counts(images, rng, draws)])
    return {name: np.moveaxis(one, -1, 0) for name, one in weighted_summaries(before, after, times, names).items()}


def ratios(before: Scores, after: Scores) -> np.ndarray:
    """p_y(attacked) / p_y(clean) of single images, [..., n].

    Raises:
        ValueError: a ratio too large for a number.
    """
    with np.errstate(over="ignore"):
        ratio = np.exp(after.log_probability - before.log_probability)
    if np.isinf(ratio).any():
        count = f"{np.isinf(ratio).sum()} images"
        raise ValueError(
            f"{count} have so small a true-class probability that the ratio under attack is no finite number"
        )
    return ratio


def tail(ratios: np.ndarray) -> dict[str, float]:
    """How far few images rule the mean of `ratios`; NaN marks what was no attack."""
    ratios = real_numbers("ratios", ratios)
    if not (found := np.sort(ratios[np.isfinite(ratios)])[::-1]).size:
        raise ValueError("there are no ratios that are finite")
    most = found[: -(-len(found) // 100)]
    return {
        "median ratio": float(np.median(found)),
        "mean ratio": float(found.mean()),
        "largest ratio": float(found[0]),
        "share of ratios above 1": float((found > 1).mean()),
        "share of the sum from the largest 1 %": float(most.sum() / found.sum()),
    }


def gradients(
    models: Sequence[nn.Module], images: torch.Tensor, labels: torch.Tensor, output: str
) -> list[torch.Tensor]:
    """`lib.salience.input_gradients` of every network, [n, C, H, W] each, with progress."""
    found = []
    with progress(len(models) * len(images), f"input gradients ({output})") as bar:
        for model in models:
            parts = []
            for shown, true in zip(images.split(BATCH), torch.as_tensor(labels).split(BATCH)):
                parts.append(input_gradients(model, shown, true, output=output, batch_size=BATCH))
                bar.update(len(shown))
            found.append(torch.cat(parts))
    return found


def attack_all(
    models: Sequence[nn.Module],
    gradients: Sequence[torch.Tensor],
    images: torch.Tensor,
    labels: torch.Tensor,
    eps: float,
) -> tuple[Scores, Scores]:
    """Every network attacks every other one: scores before, [targets, n], and after, [sources, targets, n].

    NaN for a network and itself.

    Args:
        gradients: of each network's true-class probability, at full resolution, shaped as the images.
        eps: the normalised step; attacked images stay in the range of all the images.
    """
    attacked = torch.stack([fgsm(images, part, eps=eps) for part in gradients])
    before, after = [], Scores.unknown(len(models), len(models), len(labels))
    for column, model in enumerate(progress(len(models), "attacked networks", over=models)):
        before.append(true_class_scores(model, images, labels))
        rows = [row for row in range(len(models)) if row != column]
        for part, found in zip(after, true_class_scores(model, attacked[rows], labels)):
            part[rows, column] = found
    return Scores.stacked(before), after


def resampled(before: Scores, after: Scores, rng: np.random.Generator, draws: int) -> dict[str, Sample]:
    """Each of `lib.attacks.SUMMARIES` for all pairs, [sources, targets], NaN on the diagonal; images are the sample."""
    images = before.right.shape[-1]
    found = resampled_summaries(before, after, rng, draws)
    return {name: Sample(values[0], None, values[1:], None, (), images) for name, values in found.items()}
