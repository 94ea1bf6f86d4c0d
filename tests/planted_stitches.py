"""Scores of pairs of networks in which accuracies are planted: 4 layers, 6 networks of each of 2 widths."""

import numpy as np

from lib.stitching.identification import layer_distances
from lib.stitching.layers import LayerScores
from lib.stitching.similarity_indices import CKA, MEAN_CCA, PROCRUSTES, PWCCA
from lib.stitching.stitched_pairs import planned_pairs

LAYERS, IMAGES = 4, 200
PLAN = planned_pairs(8, {2: range(6), 8: range(6)})
NEAR = 0.9 - 0.1 * layer_distances(LAYERS)  # best where layers correspond
FAR = NEAR[::-1]  # best where they lie furthest apart, which at the ends is three layers


def right(accuracy):
    """Hits [sources, targets, images] of these accuracies; a better source is right wherever a worse one is."""
    return np.arange(IMAGES) < np.round(IMAGES * accuracy)[..., None]


def planted(task_loss, direct, seed=0, large=2.0):
    """Scores of one pair; a little noise, so that networks differ."""
    rng = np.random.default_rng(seed)

    def noisy(values):
        return values + 0.01 * rng.random((LAYERS, LAYERS))

    away = noisy(1 - direct)
    missed, by_count = noisy(np.full((LAYERS, LAYERS), large)), np.stack([2 * away, away], axis=-1)
    by_epochs = right(direct)[..., None]  # early maps are as direct ones
    values = {CKA: direct, PWCCA: 1 - direct, PROCRUSTES: 1 - direct, MEAN_CCA: direct}
    indices = {name: noisy(value) for name, value in values.items()}
    own = right(np.array(0.9))
    return LayerScores(right(task_loss), missed, by_epochs, right(direct), away, by_count, indices, own)


def scores(task_loss, direct, draw=0, **options):
    """Of all pairs of PLAN; another `draw` has other noise."""
    pairs = dict.fromkeys(pair for pairs in PLAN.values() for pair in pairs)
    return {pair: planted(task_loss, direct, 100 * draw + seed, **options) for seed, pair in enumerate(pairs)}
