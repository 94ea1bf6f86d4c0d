"""Measures of paired networks with planted values, the same under every recipe but for what a test asks for."""

import numpy as np

from lib.effects.paired import Measures
from lib.statistics.sample import Sample


def measures(recipes, *similarity, loss=1.0, accuracy=0.5, seeds=4, images=25, noise=1e-4):
    """A width for each `similarity`, rho(k, k) of every recipe; `loss` and `accuracy` are those of all widths."""
    rng = np.random.default_rng(0)

    def table(mean):
        return mean + noise * rng.standard_normal((seeds, images, len(recipes)))

    groups = []
    for rho in map(np.array, similarity):
        without = rho + noise * rng.standard_normal((seeds, len(rho)))
        by_images = rho + noise * rng.standard_normal((60, len(rho)))
        groups.append(Sample(rho, without, by_images, np.tile(without, (5, 1, 1)), (len(without),), images))
    losses, hits = [table(loss) for _ in groups], [table(accuracy) for _ in groups]
    return Measures(tuple(recipes), groups, losses, hits, [table(loss)[:, 0] for _ in groups])
