"""The first principal components of networks with a block structure (Wide and Deep, Figs. 3 and D.5), over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from lib.cka.blocks import LEAST_NETWORKS, Block, Find, mean_where
from lib.cka.components import dominant, first_component, shared_interval, squared_cosines, without_first
from lib.cka.estimators import batches
from lib.cka.grams import gram_cka, hidden_points, layer_grams, over_pairs
from lib.runtime.checks import check_count
from lib.runtime.tasks import progress
from lib.statistics.intervals import Interval
from lib.training.populations import Population
from lib.training.wide_and_deep import Architecture

LATE = "stage2.", "stage3."  # the last two stages of lib.models.cifar_resnets


class Dropped(NamedTuple):
    """Mean CKA of pairs of layers, on all images, without the dominant ones, and without as many random ones."""

    none: float
    dominant: float
    random: float


@dataclass(frozen=True)
class Settings:
    """How networks are looked at.

    Attributes:
        batch_size, passes: of minibatch CKA.
        dropped: how many images are dropped; draws: how often as many random ones are.
        seed: of the batches and the random images, which are the same for every network.
    """

    batch_size: int
    passes: int
    dropped: int
    draws: int
    seed: int


def settings_for(images: int, batch_size: int, passes: int, dropped_share: float, draws: int, seed: int) -> Settings:
    """Settings with so many images dropped as the share says, one at least.

    Raises:
        ValueError: batches larger than what is left of the images.
    """
    check_count("batch_size", batch_size, 4)
    dropped = max(1, round(dropped_share * images))
    if batch_size > images - dropped:
        left = f"{images - dropped} are left when {dropped} of {images} are dropped"
        raise ValueError(f"batches of {batch_size} need as many test images, and {left}")
    return Settings(batch_size, passes, dropped, draws, seed)


@dataclass(frozen=True, eq=False)
class NetworkComponents:
    """What the first components of the hidden layers of one network are like; layer pairs are [layers, layers].

    Attributes:
        points: the layers; cka: unbiased minibatch CKA of every two; without: the same after the first component of
            every layer was removed in every batch.
        cosines: squared cosines of the layers' first components on all images; shares: [layers] of the variance.
        late_share: share of the first component of all layers of the last two stages together.
        block: the block structure; of no layers without one.
        coefficients, norms: [n] the first component of the block's layers together, and the lengths of these
            activations; of the last two stages where there is no block.
        dropped: CKA inside the block without some images; None where there is no block.
    """

    points: tuple[str, ...]
    cka: np.ndarray
    without: np.ndarray
    cosines: np.ndarray
    shares: np.ndarray
    late_share: float
    block: Block
    coefficients: np.ndarray
    norms: np.ndarray
    dropped: Dropped | None

    @property
    def has_block(self) -> bool:
        return self.block.exists

    def agreement(self) -> float:
        """Correlation of CKA and squared cosines over all pairs of different layers; NaN where one does not vary."""
        pairs = np.triu_indices(len(self.points), 1)
        cka, cosines = self.cka[pairs], self.cosines[pairs]
        varies = len(cka) > 2 and np.ptp(cka) > 0 and np.ptp(cosines) > 0
        return float(np.corrcoef(cka, cosines)[0, 1]) if varies else np.nan

    def share_contrast(self) -> float:
        """Mean share of the layers inside the block less that of the others; NaN where there are none of either."""
        inside = self.block.inside()
        return float(mean_where(self.shares, inside) - mean_where(self.shares, ~inside))

    def fall(self, inside: bool) -> float:
        """Mean over layer pairs of CKA less CKA after removal: of pairs inside the block, or of all others.

        NaN without a block.
        """
        both = np.outer(self.block.inside(), self.block.inside())
        chosen = np.triu(both if inside else ~both, 1) & self.has_block
        return float(mean_where((self.cka - self.without).ravel(), chosen.ravel()))

    def fall_contrast(self) -> float:
        """How much further CKA falls inside the block than elsewhere; NaN without a block or an elsewhere."""
        return self.fall(True) - self.fall(False)


Found = Mapping[Architecture, Sequence[NetworkComponents]]


def components_of(model: nn.Module, images: torch.Tensor, settings: Settings, find: Find) -> NetworkComponents:
    """One network of `lib.models.cifar_resnets` on [n, C, H, W]; `find` sees the block structure of a map.

    Raises:
        ValueError: a layer that is constant over the images.
    """
    points = hidden_points(model)
    found = layer_grams(model, images, points)
    generator = torch.Generator().manual_seed(settings.seed)
    chosen = list(batches(len(images), settings.batch_size, settings.passes, generator))
    cka = gram_cka(found.grams, chosen)
    block = find(cka)
    firsts = [first_component(gram) for gram in found.grams.numpy()]
    late = np.array([point.startswith(LATE) for point in points])
    gram, norms = found.together(block.inside() if block.exists else late)
    coefficients = first_component(gram).coefficients
    inside = found.grams[block.start : block.stop]
    dropped = dropped_cka(inside, coefficients, settings, generator) if block.exists else None
    return NetworkComponents(
        points,
        cka,
        without=gram_cka(found.grams, chosen, without_first),
        cosines=squared_cosines(np.stack([first.coefficients for first in firsts])),
        shares=np.array([first.share for first in firsts]),
        late_share=first_component(found.together(late)[0]).share,
        block=block,
        coefficients=coefficients,
        norms=norms,
        dropped=dropped,
    )


def population_components(
    populations: Mapping[Architecture, Population], images: torch.Tensor, settings: Settings, find: Find
) -> dict[Architecture, list[NetworkComponents]]:
    """`components_of` every network of every population, on the same images and batches."""
    found: dict[Architecture, list[NetworkComponents]] = {architecture: [] for architecture in populations}
    with progress(sum(map(len, populations.values())), "components") as bar:
        for architecture, population in populations.items():
            for model in population.models():
                found[architecture].append(components_of(model, images, settings, find))
                bar.update()
    return found


def dropped_cka(
    grams: torch.Tensor, coefficients: np.ndarray, settings: Settings, generator: torch.Generator
) -> Dropped:
    """Mean CKA between different layers [layers, n, n] without `settings.dropped` images: dominant or random ones.

    The value for random ones is a mean over `settings.draws` choices.  Every choice leaves as many images, and they are
    put in the same order of places for minibatch CKA.

    Raises:
        ValueError: fewer than 2 layers, or batches larger than what is left.
    """
    images, count, batch_size = len(coefficients), settings.dropped, settings.batch_size
    if len(grams) < 2 or not 4 <= batch_size <= images - count:
        needed = f"2 layers and batches of 4 to {images - count} images, what is left of {images}"
        raise ValueError(f"needs {needed}; not {len(grams)} and {batch_size}")
    places = list(batches(images - count, batch_size, settings.passes, generator))

    def without(left_out: np.ndarray) -> float:
        left = torch.from_numpy(np.setdiff1d(np.arange(images), left_out))
        return float(over_pairs(gram_cka(grams, [left[batch] for batch in places])))

    random = [without(torch.randperm(images, generator=generator)[:count].numpy()) for _ in range(settings.draws)]
    whole = float(over_pairs(gram_cka(grams, batches(images, batch_size, settings.passes, generator))))
    return Dropped(whole, without(dominant(coefficients, count)), float(np.mean(random)))


def late_shares(networks: Sequence[NetworkComponents]) -> np.ndarray:
    """[networks, 2]: share of the last two stages' first component, and share of the depth that the block takes."""
    return np.array([[network.late_share, network.block.share()] for network in networks])


def with_block(found: Found) -> dict[Architecture, list[NetworkComponents]]:
    """The networks that have a block."""
    return {one: [network for network in networks if network.has_block] for one, networks in found.items()}


def shared_intervals(found: Found, level: float = 0.95) -> dict[Architecture, Interval]:
    """`lib.cka.components.shared_interval` of the architectures with at least `LEAST_NETWORKS` networks."""
    rows = {one: [network.coefficients for network in networks] for one, networks in found.items()}
    return {one: shared_interval(of_one, level) for one, of_one in rows.items() if len(of_one) >= LEAST_NETWORKS}
