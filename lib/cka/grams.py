"""Gram matrices of all layers of a network on all images: what components and CKA need, without the activations."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lib.cka.estimators import MinibatchCKA, batches, centred, check_batches, gram, of_images
from lib.models.representations import activations, block_points
from lib.statistics.intervals import Interval, mean_interval

MEMORY = 2**30  # bytes held at once: activations, or those of a single layer where they are more; Gram matrices


@dataclass(frozen=True, eq=False)
class LayerGrams:
    """Linear kernels of the layers of one network.

    Attributes:
        points: the layers.
        grams: [layers, n, n] float64, of features centred over all n images.
        squares: [layers, n] float64, squared lengths of the images' activations as they are, not centred.
    """

    points: tuple[str, ...]
    grams: torch.Tensor
    squares: np.ndarray

    def together(self, layers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The features of these layers ([layers] bool) behind one another: their Gram matrix [n, n] and lengths [n]."""
        return self.grams[torch.from_numpy(layers)].sum(0).numpy(), np.sqrt(self.squares[layers].sum(0))


def hidden_points(model: nn.Module) -> tuple[str, ...]:
    """The layers that a block can hold: the stem and the outputs of all residual blocks, without the logits."""
    return block_points(model)[:-1]


def layer_grams(model: nn.Module, images: torch.Tensor, points: Sequence[str]) -> LayerGrams:
    """Gram matrices and squared lengths of the layers `points` on [n, C, H, W], in eval mode.

    Raises:
        ValueError: as `lib.models.representations.activations`.
    """
    grams, squares = zip(*_by_layer(model, images, points))
    return LayerGrams(tuple(points), torch.stack(grams), np.stack(squares))


def gram_cka(
    grams: torch.Tensor,
    places: Iterable[torch.Tensor],
    change: Callable[[np.ndarray], np.ndarray] | None = None,
    *,
    unbiased: bool = True,
) -> np.ndarray:
    """`lib.cka.estimators.MinibatchCKA` from Gram matrices of all images: [layers, n, n] -> [layers, layers].

    Args:
        places: of the images of each batch, as `lib.cka.estimators.batches` gives them.
        change: what is done to the Gram matrix [b, b] of every layer and batch, centred over the images of the batch.

    Raises:
        ValueError: a layer that is constant over the images.
    """

    def part(whole: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        cut = of_images(whole, batch)
        return cut if change is None else torch.from_numpy(change(centred(cut, unbiased=False).numpy()))

    cka = MinibatchCKA(unbiased=unbiased)
    for batch in places:
        cka.update_grams((part(whole, batch) for whole in grams), map(str, range(len(grams))))
    return cka.result()


def over_pairs(values: np.ndarray) -> np.ndarray:
    """Mean over pairs of different layers: [..., layers, layers] -> [...]."""
    rows, columns = np.triu_indices(values.shape[-1], 1)
    return values[..., rows, columns].mean(-1)


@dataclass(frozen=True, eq=False)
class BatchSizes:
    """CKA between the hidden layers of one network, in batches of several sizes and of all images at once.

    Attributes:
        estimator: of HSIC, 'unbiased' or 'biased'.
        values: [batch sizes, passes, layers, layers], each pass by itself.
        full: [layers, layers].
        images: how many.
    """

    estimator: str
    sizes: Sequence[int]
    values: np.ndarray
    full: np.ndarray
    images: int

    def deviations(self) -> np.ndarray:
        """Minibatch less full value, mean over pairs of different layers: [batch sizes, passes]."""
        return over_pairs(self.values - self.full)

    def largest(self) -> np.ndarray:
        """Largest deviation of a single pair of layers from its full value, after all passes: [batch sizes]."""
        return np.abs(self.values.mean(1) - self.full).max((1, 2))

    def interval(self, level: float = 0.95) -> Interval:
        """Deviation of each batch size over orders of the same images, [batch sizes] each; ends NaN for one pass."""
        passes = self.deviations().T
        if len(passes) < 2:
            return passes[0], np.full(len(self.sizes), np.nan), np.full(len(self.sizes), np.nan)
        return mean_interval(passes, level)

    def full_mean(self) -> float:
        """Full value, mean over pairs of different layers."""
        return float(over_pairs(self.full))


def batch_sizes(
    model: nn.Module,
    images: torch.Tensor,
    sizes: Sequence[int],
    passes: int,
    random_seed: int,
    *,
    unbiased: bool = True,
) -> BatchSizes:
    """Minibatch CKA of one network at every batch size, `passes` times each (Wide and Deep, appendix A).

    Raises:
        ValueError: a batch size below 4 or above the number of images.
    """
    count = len(images)
    for size in sizes:
        check_batches(size, passes, count)
    grams = layer_grams(model, images, hidden_points(model)).grams
    values = []
    for size in sizes:
        generator = torch.Generator().manual_seed(random_seed)
        orders = [batches(count, size, 1, generator) for _ in range(passes)]
        values.append([gram_cka(grams, order, unbiased=unbiased) for order in orders])
    full = gram_cka(grams, [torch.arange(count)], unbiased=unbiased)
    return BatchSizes("unbiased" if unbiased else "biased", sizes, np.array(values), full, count)


def within_memory(sizes: Mapping[str, int], memory: int) -> Iterator[list[str]]:
    """Neighbours of one group need no more bytes together than `memory`, or are one alone; sizes: name -> bytes."""
    group: list[str] = []
    held = 0
    for name, size in sizes.items():
        if group and held + size > memory:
            yield group
            group, held = [], 0
        group, held = [*group, name], held + size
    yield group


def _by_layer(
    model: nn.Module, images: torch.Tensor, points: Sequence[str]
) -> Iterator[tuple[torch.Tensor, np.ndarray]]:
    (one,) = activations(model, images[:1], points)
    for group in within_memory({point: one[point].nbytes * len(images) for point in points}, MEMORY):
        held = list(activations(model, images, group))
        for point in group:
            layer = torch.cat([batch.pop(point).flatten(1) for batch in held])
            yield gram(layer).cpu(), layer.square().sum(1, dtype=torch.float64).cpu().numpy()
