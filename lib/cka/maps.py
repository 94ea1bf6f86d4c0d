"""CKA maps: minibatch CKA [layers, layers] of the layers of trained networks, within one network and across two."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import nn

from lib.cka.estimators import MinibatchCKA, batches, check_batches, gram, of_images
from lib.cka.grams import MEMORY, hidden_points
from lib.models import doors
from lib.models.doors import Array
from lib.models.representations import activations, check_points
from lib.runtime import array_store
from lib.runtime.devices import find_device, on_device
from lib.runtime.room import check_memory
from lib.runtime.tasks import progress
from lib.training.populations import Population

PARTS = 4  # of the test images, for measurements that share none


def network_cka(
    models: Sequence[nn.Module],
    images: Float[Array, "n ..."] | list,
    points: Sequence[Sequence[str]],
    *,
    unbiased: bool = True,
    batch_size: int = 256,
    passes: int = 10,
    generator: torch.Generator | None = None,
    device: str = "auto",
    advance: Callable[[], object] = lambda: None,
) -> Float64[np.ndarray, "layers layers"]:
    """`lib.cka.estimators.MinibatchCKA` of every two layers of all networks: [layers, layers], network after network.

    Every pass takes the images in a new order from `generator` (by default one with the seed 0), the same whatever the
    networks are.

    Args:
        points: the layers of each network, as `lib.models.representations.activations` takes them.
        advance: is called after each batch of each pass.

    Raises:
        ValueError: no network, or not as many lists of layers; a batch size below 4 or above the number of images; an
            unknown layer, or one that is constant over the images or not finite; larger batches than memory holds.
    """
    images = doors.as_inputs(images)
    check_batches(batch_size, passes, len(images))
    if isinstance(models, nn.Module) or isinstance(points, str):
        raise ValueError("models and points must be lists: [network] and [its points] for a single one")
    models, points = list(models), list(points)
    if not models or len(models) != len(points):
        raise ValueError(f"every network needs its list of points, not {len(points)} lists for {len(models)} networks")
    for model, chosen in zip(models, points):
        check_points(model, chosen)
    # As they come, and stacked for their products.
    check_memory(sum(map(len, points)), 16 * batch_size**2, f"Gram matrices of batches of {batch_size} images")
    device = find_device(device)
    models = [on_device(model, device) for model in models]
    generator = generator or torch.Generator().manual_seed(0)
    orders = list(batches(len(images), batch_size, passes, generator))
    names = [f"{point} of network {place}" for place, chosen in enumerate(points) for point in chosen]
    cka = MinibatchCKA(unbiased=unbiased)
    for grams in _grams_of(orders, models, images, points, device):
        cka.update_grams(grams, names)
        advance()
    return cka.result()


def cka_maps(
    population: Population, images: torch.Tensor, generator: torch.Generator, *, batch_size: int = 256, passes: int = 4
) -> Float64[np.ndarray, "{len(population)} layers layers"]:
    """Maps of the hidden layers of each network of a population: [networks, layers, layers]."""
    sampling: dict[str, Any] = {"batch_size": batch_size, "passes": passes, "generator": generator}
    models = progress(len(population), f"CKA of {population.specification.name}", over=population.models())
    return np.stack([network_cka([model], images, [hidden_points(model)], **sampling) for model in models])


def all_maps(
    populations: Mapping[Hashable, Population], images: torch.Tensor, random_seed: int, **sampling: Any
) -> dict[Hashable, np.ndarray]:
    """`cka_maps` of every population, from the same orders of the images for all of them.

    sampling: `batch_size` and `passes` of `cka_maps`.
    """
    return {
        key: _kept(population, images, random_seed, lambda *given: cka_maps(*given, **sampling), sampling)
        for key, population in populations.items()
    }


def part_maps(
    population: Population, images: torch.Tensor, random_seed: int, *, batch_size: int, passes: int
) -> np.ndarray:
    """Maps from each of `PARTS` random parts of the images: [networks, PARTS, layers, layers].

    batch_size: at most; a part with fewer images is one batch.
    """
    size = len(images) // PARTS
    sampling = {"batch_size": min(batch_size, size), "passes": passes}

    def measure(population: Population, images: torch.Tensor, generator: torch.Generator) -> np.ndarray:
        parts = torch.randperm(len(images), generator=generator)[: size * PARTS].split(size)
        return np.stack([cka_maps(population, images[chosen], generator, **sampling) for chosen in parts], axis=1)

    return _kept(population, images, random_seed, measure, {"parts": PARTS, **sampling})


def _kept(
    population: Population, images: torch.Tensor, random_seed: int, measure: Callable, decides: Mapping[str, int]
) -> np.ndarray:
    """Maps from the store, or else measured with a generator of the seed and stored."""

    def compute() -> dict[str, np.ndarray]:
        return {"maps": measure(population, images, torch.Generator().manual_seed(random_seed))}

    key = [population.digest, array_store.digest_of(images.numpy()), random_seed, decides]
    return array_store.stored("cka", ["maps"], __name__, key, compute)["maps"]


@dataclass(frozen=True, eq=False)
class NetworkMaps:
    """CKA of every two layers of the networks of several populations, from the same passes over the images.

    Attributes:
        values: [layers, layers], the layers of all networks behind one another.
        networks: population -> where the layers of each of its networks lie.
    """

    values: np.ndarray
    networks: Mapping[Hashable, Sequence[slice]]

    def between(self, first: Hashable, second: Hashable) -> np.ndarray:
        """[networks of `first`, networks of `second`, layers of `first`, layers of `second`]."""
        return np.stack([[self.values[a, b] for b in self.networks[second]] for a in self.networks[first]])


def maps_between(
    populations: Mapping[Hashable, Population],
    images: torch.Tensor,
    generator: torch.Generator,
    *,
    batch_size: int = 256,
    passes: int = 4,
) -> NetworkMaps:
    """Maps of the hidden layers of every two networks of all populations, one call of `network_cka`."""
    models = [model for population in populations.values() for model in population.models()]
    points = [hidden_points(model) for model in models]
    values = network_cka(models, images, points, batch_size=batch_size, passes=passes, generator=generator)
    ends = np.cumsum([0, *map(len, points)])
    places = iter(map(slice, ends, ends[1:]))
    return NetworkMaps(values, {name: [next(places) for _ in range(len(one))] for name, one in populations.items()})


def _grams_of(
    orders: Sequence[torch.Tensor],
    models: Sequence[nn.Module],
    images: torch.Tensor,
    points: Sequence[Sequence[str]],
    device: str,
) -> Iterator[Iterable[torch.Tensor]]:
    """The Gram matrices [n, n] of all layers of all networks for the images of each of `orders`.

    Where the batches together hold more pairs of images than there are, the matrices of all images are less work: a
    batch is then cut out of them.  They are centred over all images, which HSIC does not see.
    """
    count = len(images)
    if sum(len(order) ** 2 for order in orders) < count**2 or 8 * count**2 * sum(map(len, points)) > MEMORY:
        yield from (_grams(models, images[order], points, device) for order in orders)
        return
    whole = list(_grams(models, images, points, device))
    yield from ((of_images(k, order) for k in whole) for order in (order.to(device) for order in orders))


def _grams(
    models: Sequence[nn.Module], images: torch.Tensor, points: Sequence[Sequence[str]], device: str
) -> Iterator[torch.Tensor]:
    """Gram matrices [n, n] of all layers of all networks; no more than one activation is held at a time."""
    for model, chosen in zip(models, points):
        yield from next(activations(model, images, chosen, of=gram, batch_size=len(images), device=device)).values()
