"""The first principal components of the layers of a network with a block structure (the paper's Figs. 3 and D.5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import nn

from lib.cka.block_structure import Block, hidden_points, largest_block
from lib.cka.dominant_images import Dropped, dropped_cka
from lib.cka.estimators import batches
from lib.cka.layer_grams import gram_cka, layer_grams
from lib.cka.principal_components import first_component, squared_cosines, without_first
from lib.runtime.checks import check_count
from lib.runtime.progress import progress
from lib.training.populations import Population
from lib.training.wide_and_deep import Architecture

LATE = "stage2.", "stage3."  # the last two stages of lib.models.cifar_resnets


@dataclass(frozen=True)
class Settings:
    """How networks are looked at.

    Attributes:
        threshold: a block's layers have a CKA above it, every two of them.
        batch_size, passes: of minibatch CKA.
        dropped: how many images are dropped; draws: how often as many random ones are.
        seed: of the batches and the random images, which are the same for every network.
    """

    threshold: float
    batch_size: int
    passes: int
    dropped: int
    draws: int
    seed: int


@dataclass(frozen=True, eq=False)
class NetworkComponents:
    """What the first components of the hidden layers of one network are like; layer pairs are [layers, layers].

    Attributes:
        points: the layers; cka: unbiased minibatch CKA of every two; without: the same after the first component of
            every layer was removed in every batch.
        cosines: squared cosines of the layers' first components on all images; shares: [layers] of the variance.
        late_share: share of the first component of all layers of the last two stages together.
        block: the largest block.
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

    @cached_property
    def has_block(self) -> bool:
        return bool(self.block.inside().any())

    def agreement(self) -> float:
        """Correlation of CKA and squared cosines over all pairs of different layers; NaN where one does not vary."""
        pairs = np.triu_indices(len(self.points), 1)
        cka, cosines = self.cka[pairs], self.cosines[pairs]
        varies = len(cka) > 2 and np.ptp(cka) > 0 and np.ptp(cosines) > 0
        return float(np.corrcoef(cka, cosines)[0, 1]) if varies else np.nan

    def share_contrast(self) -> float:
        """Mean share of the layers inside the block less that of the others; NaN where there are none of either."""
        inside = self.block.inside()
        return _mean(self.shares[inside]) - _mean(self.shares[~inside])

    def fall(self, inside: bool) -> float:
        """Mean over layer pairs of CKA less CKA after removal: of pairs inside the block, or of all others."""
        layers = self.block.inside()
        both = np.outer(layers, layers)
        chosen = np.triu(both if inside else ~both, 1)
        return _mean((self.cka - self.without)[chosen]) if self.has_block else np.nan

    def fall_contrast(self) -> float:
        """How much further CKA falls inside the block than elsewhere; NaN without a block or an elsewhere."""
        return self.fall(True) - self.fall(False)


def components_of(model: nn.Module, images: torch.Tensor, settings: Settings) -> NetworkComponents:
    """One network of `lib.models.cifar_resnets` on [n, C, H, W].

    Raises:
        ValueError: a layer that is constant over the images.
    """
    points = hidden_points(model)
    found = layer_grams(model, images, points)
    generator = torch.Generator().manual_seed(settings.seed)
    chosen = list(batches(len(images), settings.batch_size, settings.passes, generator))
    cka = gram_cka(found.grams, chosen)
    block = largest_block(cka, settings.threshold)
    firsts = [first_component(gram) for gram in found.grams.numpy()]
    late = np.array([point.startswith(LATE) for point in points])
    inside = block.inside()
    gram, norms = found.together(inside if inside.any() else late)
    coefficients = first_component(gram).coefficients
    dropped = dropped_cka(found.grams[torch.from_numpy(inside)], coefficients, settings.dropped, settings.draws,
                          settings.batch_size, settings.passes, generator) if inside.any() else None
    cosines = squared_cosines(np.stack([first.coefficients for first in firsts]))
    return NetworkComponents(
        points, cka, gram_cka(found.grams, chosen, without_first), cosines, np.array([first.share for first in firsts]),
        first_component(found.together(late)[0]).share, block, coefficients, norms, dropped)


def population_components(populations: Mapping[Architecture, Population], images: torch.Tensor, settings: Settings
                          ) -> dict[Architecture, list[NetworkComponents]]:
    """`components_of` every network of every population, on the same images and batches."""
    with progress(sum(map(len, populations.values())), "components") as bar:
        found = {architecture: [] for architecture in populations}
        for architecture, population in populations.items():
            for model in population.models():
                found[architecture].append(components_of(model, images, settings))
                bar.update()
    return found


def settings_for(images: int, threshold: float, batch_size: int, passes: int, dropped_share: float, draws: int,
                 seed: int) -> Settings:
    """Settings with so many images dropped as the share says, one at least.

    Raises:
        ValueError: batches larger than what is left of the images.
    """
    check_count("batch_size", batch_size, 4)
    dropped = max(1, round(dropped_share * images))
    if batch_size > images - dropped:
        raise ValueError(f"batches of {batch_size} need as many test images, and {images - dropped} are left when "
                         f"{dropped} of {images} are dropped")
    return Settings(threshold, batch_size, passes, dropped, draws, seed)


def late_shares(networks: Sequence[NetworkComponents]) -> np.ndarray:
    """[networks, 2]: the share of the last two stages' first component, and the share of the depth that the block
    takes."""
    return np.array([[network.late_share, network.block.share()] for network in networks])


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan
