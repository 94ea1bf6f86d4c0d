"""Centred kernel alignment (CKA) of representations with linear kernels, from all images at once or from minibatches.

It rests on the Hilbert-Schmidt independence criterion: the unbiased HSIC_1 of Song et al. (2012) or, with
`unbiased=False`, the biased HSIC_0 of Gretton et al. (2005).  Both are inner products of Gram matrices [n, n], one row
an image, that are centred in two ways.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, Float64, Integer, Shaped

from lib.models import doors
from lib.models.doors import Array
from lib.runtime.checks import check_count

WHOLE = 2048  # images whose Gram matrices are held whole
BLOCK = 2**23  # numbers of the rows of larger ones that are held at once
EPS = torch.finfo(torch.float64).eps
Layers = Sequence[Array] | Mapping[str, Array]


def hsic(K: Shaped[Array, "n n"], L: Shaped[Array, "n n"], *, unbiased: bool = True) -> float:
    """HSIC of two Gram matrices [n, n] of the same images, centred or not, in float64.

    Raises:
        ValueError: matrices that are not square and of one size, not finite, or of fewer than 4 images.
    """
    grams = [doors.finite("Gram matrices", doors.as_layer("Gram matrices", matrix)).double() for matrix in (K, L)]
    if any(matrix.shape != (len(grams[0]),) * 2 for matrix in grams):
        raise ValueError(f"HSIC needs two Gram matrices [n, n], not {' and '.join(str(list(k.shape)) for k in grams)}")
    first, second = (centred(matrix, unbiased=unbiased) for matrix in grams)
    return (first * second).sum().item() / _divisor(len(first), unbiased)


def linear_cka(X: Shaped[Array, "n ..."], Y: Shaped[Array, "n ..."], *, unbiased: bool = True) -> float:
    """CKA of two representations [n, ...] of the same n images, all at once: 1 for the same, 0 for unrelated ones.

    It does not change with rotations, shifts and common factors of the features (Kornblith et al. 2019).

    Raises:
        ValueError: fewer than 4 images, different numbers of them, or a representation that is constant or not finite.
    """
    cka = MinibatchCKA(unbiased=unbiased)
    cka.update({"x": X}, {"y": Y})
    return float(cka.result()[0, 0])


class MinibatchCKA:
    """CKA of every two layers from minibatches: HSIC is averaged over the batches, and only then divided.

    Source: Wide and Deep (Nguyen et al. 2021), section 2, eq. 3.  With the unbiased HSIC the value does not depend on
    the batch size, on average; with the biased one it does.  Every batch counts alike, whatever its size.
    """

    def __init__(self, *, unbiased: bool = True) -> None:
        self.unbiased = unbiased
        self._sums: np.ndarray | None = None
        self._names: tuple[list[str], list[str]] = [], []

    def update(self, layers_a: Layers, layers_b: Layers | None = None) -> None:
        """Add one minibatch: the activations [n, ...] of every layer on the same n images.

        Args:
            layers_a, layers_b: lists, or mappings from names, of the layers of one network and of another one; the same
                layers in every minibatch.  Without `layers_b` the layers of `layers_a` are compared with each other.

        Raises:
            ValueError: no layer or other ones than before, fewer than 4 images, or layers of different numbers of them.
        """
        both = [_checked(layers) for layers in (layers_a, {} if layers_b is None else layers_b)]
        counts = dict.fromkeys(len(layer) for layers in both for layer in layers.values())
        if len(counts) > 1:
            raise ValueError(f"all layers need the same images, not {' and '.join(map(str, counts))}")
        every = [layer for layers in both for layer in layers.values()]
        if counts and max(counts) > WHOLE:
            self.update_products(_products(every, self.unbiased), *both)
        else:
            self.update_grams(map(gram, every), *both)

    def update_grams(self, grams: Iterable[torch.Tensor], names_a: Iterable[str], names_b: Iterable[str] = ()) -> None:
        """`update` from the Gram matrices [n, n] float64 of all layers, those of `names_a` before `names_b`."""
        centred_grams = [centred(k, unbiased=self.unbiased) for k in grams]
        if not centred_grams:
            raise ValueError("every minibatch needs the same layers, one at least")
        # One product for all pairs.
        vectors = torch.stack([k.flatten().to(centred_grams[0].device) for k in centred_grams])
        products = (vectors @ vectors.T).cpu().numpy() / _divisor(len(centred_grams[0]), self.unbiased)
        self.update_products(products, names_a, names_b)

    def update_products(self, products: np.ndarray, names_a: Iterable[str], names_b: Iterable[str] = ()) -> None:
        """`update` from the HSIC of every two layers, those of `names_a` before `names_b`."""
        names = list(map(str, names_a)), list(map(str, names_b))
        if not names[0] or self._sums is not None and names != self._names:
            raise ValueError(f"every minibatch needs the same layers, one at least: {names} after {self._names}")
        self._sums, self._names = products if self._sums is None else self._sums + products, names

    def result(self) -> Float64[np.ndarray, "layers_a layers_b"]:
        """CKA of the minibatches so far, float64: [layers_a, layers_b], or [layers_a, layers_a] without `layers_b`.

        Raises:
            ValueError: no minibatch yet, or a layer that is constant over the images or not finite.
        """
        if self._sums is None:
            raise ValueError("CKA needs a minibatch: call update first")
        norms = np.diagonal(self._sums)
        for name, norm in zip([*self._names[0], *self._names[1]], norms, strict=True):
            if not np.isfinite(norm):
                raise ValueError(f"layer {name} has values that are not finite, or too large to multiply")
            if norm <= 0:
                raise ValueError(f"layer {name} is the same for all images, or for all but one: it has no CKA")
        rows = len(self._names[0])
        return (self._sums / np.sqrt(norms[:, None] * norms))[:rows, rows if self._names[1] else 0 :]


def gram(x: Shaped[Array, "n ..."]) -> Float64[torch.Tensor, "n n"]:
    """Linear Gram matrix of centred [n, ...] -> [n, n] float64, all but the first axis flattened.

    HSIC is the same with features that are not centred; centred, their products keep the digits that matter.
    """
    x = _features(torch.as_tensor(x).detach())
    return (x @ x.T).double()


def _features(x: torch.Tensor) -> torch.Tensor:
    """[n, ...] -> [n, features], centred."""
    x = x.reshape(len(x), -1)
    x = x if x.dtype in (torch.float32, torch.float64) else x.double()
    x = x - x[0]  # leaves zeros of a constant, and not what rounding makes of its mean
    x -= x.mean(0)
    return x


def _products(layers: Sequence[torch.Tensor], unbiased: bool) -> np.ndarray:
    """HSIC of every two layers [n, ...] of the same images, [layers, layers], of which no Gram matrix [n, n] is held.

    Of centred features the rows of a Gram matrix sum to zero, and Song et al.'s sums over the matrices without their
    diagonals are sums over the diagonals.
    """
    features, n = [_features(layer).to(layers[0].device).double() for layer in layers], len(layers[0])
    few = sum(part.shape[1] for part in features) <= n
    whole = _products_of_features(features) if few else _products_of_rows(features)
    if unbiased:
        squares = torch.stack([part.square().sum(1) for part in features])  # the diagonals, [layers, n]
        sums = squares.sum(1)
        biased = whole.diagonal()
        whole = whole - squares @ squares.T * n / (n - 2) + torch.outer(sums, sums) / ((n - 1) * (n - 2))
        known = whole.diagonal() > n * EPS * biased  # else noise would pass for what images share
        whole *= torch.outer(known, known)
    return whole.cpu().numpy() / _divisor(n, unbiased)


def _products_of_features(features: Sequence[torch.Tensor]) -> torch.Tensor:
    """Inner products of the Gram matrices of every two layers: squared norms of the products of their features."""
    joined, sizes = torch.cat(list(features), dim=1), [part.shape[1] for part in features]
    squares = (joined.T @ joined).square()
    return torch.stack([torch.stack([block.sum() for block in rows.split(sizes, 1)]) for rows in squares.split(sizes)])


def _products_of_rows(features: Sequence[torch.Tensor]) -> torch.Tensor:
    """The same from some rows of the Gram matrices at a time."""
    n, layers = len(features[0]), len(features)
    found = features[0].new_zeros(layers, layers)
    for rows in zip(*(part.split(max(1, BLOCK // (n * layers))) for part in features)):
        part = torch.stack([(some @ whole.T).flatten() for some, whole in zip(rows, features)])
        found += part @ part.T
    return found


def of_images(k: Float[torch.Tensor, "n n"], places: Integer[torch.Tensor, " b"]) -> Float[torch.Tensor, "b b"]:
    """The rows and columns [b] of a Gram matrix [n, n] -> [b, b]."""
    return k.index_select(0, places).index_select(1, places)  # both at once takes three times as long


def centred(k: Float[torch.Tensor, "*any n n"], *, unbiased: bool = True) -> Float[torch.Tensor, "*any n n"]:
    """Gram matrices [..., n, n] centred so that the inner product of two is HSIC up to a factor of n alone.

    U-centring (Szekely and Rizzo 2014) with a zero diagonal for the unbiased HSIC, else H K H.  The first is zero of a
    matrix that tells one image from all others and nothing more.

    Raises:
        ValueError: fewer than 4 images.
    """
    n = k.shape[-1]
    if n < 4:
        raise ValueError(f"HSIC needs at least 4 samples, not {n}")
    if not unbiased:
        return k - k.mean(-1, keepdim=True) - k.mean(-2, keepdim=True) + k.mean((-2, -1), keepdim=True)
    rounding = n * EPS * k.abs().amax((-2, -1), keepdim=True)
    k = k.clone()
    k.diagonal(dim1=-2, dim2=-1).zero_()
    means = k.sum(-1, keepdim=True) / (n - 2)
    means -= means.sum(-2, keepdim=True) / (2 * (n - 1))
    k -= means
    k -= means.transpose(-2, -1)
    k.diagonal(dim1=-2, dim2=-1).zero_()
    return k.mul_(k.abs().amax((-2, -1), keepdim=True) > rounding)  # else noise would pass for what images share


def batches(images: int, batch_size: int, passes: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """The places of the images of every batch of every pass, each [batch_size], in orders from `generator`.

    What does not fill the last batch is left out of that pass: a smaller batch is as unbiased, but less certain.
    """
    for _ in range(passes):
        order = torch.randperm(images, generator=generator)
        yield from order[: images - images % batch_size].split(batch_size)


def check_batches(batch_size: int, passes: int, images: int) -> None:
    """Raises ValueError for batches below 4 images or above all of them, and for no pass."""
    check_count("batch_size", batch_size, 4)
    check_count("passes", passes)
    if batch_size > images:
        raise ValueError(f"batches of {batch_size} need as many images, and there are {images}")


def _checked(layers: Layers) -> dict[str, torch.Tensor]:
    if isinstance(layers, torch.Tensor | np.ndarray | str):
        raise ValueError("layers are a list or a mapping of activations: [x] for a single one")
    named = layers if isinstance(layers, Mapping) else {str(place): layer for place, layer in enumerate(layers)}
    return {name: doors.as_layer(f"layer {name}", layer) for name, layer in named.items()}


def _divisor(n: int, unbiased: bool) -> int:
    return n * (n - 3) if unbiased else (n - 1) ** 2
