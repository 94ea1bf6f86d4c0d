"""What doubling the batch size does to similarity, test loss and accuracy, with intervals over seeds and images."""

from collections.abc import Mapping, Sequence

import numpy as np

from lib.effects.batch_size import LEARNING_RATE, Measures, Protocols
from lib.effects.contrasts import slope_weights
from lib.similarity.paired_similarity import interval
from lib.statistics.intervals import Interval, combined_interval, crossed_interval

UNITS = {"similarity": "cosine", "test loss": "nats", "test accuracy": "share"}  # of each measure


def effects(measures: Measures, found: Protocols, level: float = 0.95, sizes: Mapping[str, Sequence[int]] | None = None
            ) -> dict[str, dict[str, Interval]]:
    """Row -> measure -> change per doubling of the batch size, averaged over widths.

    The rows are the protocols, and then the differences of the other protocols from the first, which are about what
    doubling the epochs, or the learning rate, adds.

    sizes: protocol -> what is doubled in place of the batch size, one number a recipe.
    """
    sizes = sizes or {name: [recipe.batch_size for recipe in recipes] for name, recipes in found.items()}
    weights = {name: slope_weights(measures.recipes, recipes, sizes[name]) for name, recipes in found.items()}
    first, *others = weights
    weights |= {f"{name} − {first}": weights[name] - weights[first] for name in others}
    return {row: {name: mean_over_widths(measures, weight, name, level) for name in UNITS}
            for row, weight in weights.items()}


def mean_over_widths(measures: Measures, weights: np.ndarray, name: str, level: float = 0.95) -> Interval:
    """The sum of `weights` [recipes] times a measure, averaged over widths: three numbers."""
    if name == "similarity":
        return interval(measures.similarity, lambda rho, _: (rho @ weights).mean(-1), level=level)
    # A seed's networks are weighed against each other first: what is left varies from seed to seed independently.
    tables = [table @ weights for table in _tables(measures, name)]
    return combined_interval(tables, [1 / len(tables)] * len(tables), level)


def by_population(measures: Measures, name: str) -> Interval:
    """A measure of every population: three arrays [widths, recipes]."""
    if name == "similarity":
        return interval(measures.similarity, lambda rho, _: rho)
    return tuple(np.stack(part) for part in zip(*map(crossed_interval, _tables(measures, name))))


def _tables(measures: Measures, name: str) -> list[np.ndarray]:
    return {"test loss": measures.test_loss, "test accuracy": measures.test_hits}[name]


def slope_at_equal_loss(measures: Measures, level: float = 0.95) -> Interval:
    """Change of rho(k, k) per doubling of the batch size between networks of equal training loss (in its logarithm),
    over all recipes with the usual learning rate."""
    chosen = [place for place, recipe in enumerate(measures.recipes) if recipe.learning_rate == LEARNING_RATE]
    doublings = np.log2([measures.recipes[place].batch_size for place in chosen])

    def statistic(rho, loss):
        return partial_slope(rho[..., chosen], np.log(np.maximum(loss[..., chosen], np.finfo(float).tiny)), doublings)

    return interval(measures.similarity, statistic, measures.training_loss, level)


def partial_slope(y: np.ndarray, held: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Slope of y over x in the least-squares plane over x and `held`, with an intercept a row and common slopes.

    y and held broadcast to [..., rows, n], x is [n] -> [...].  NaN where x and `held` cannot be told apart.
    """
    y, held, x = (part - part.mean(-1, keepdims=True) for part in np.broadcast_arrays(y, held, x))
    length = (held**2).sum((-2, -1))
    share = np.divide((x * held).sum((-2, -1)), length, where=length > 0, out=np.zeros_like(length))
    rest = x - share[..., None, None] * held  # what `held` does not foretell of x
    left = (rest**2).sum((-2, -1))
    return np.divide((rest * y).sum((-2, -1)), left, where=left > 1e-9, out=np.full_like(left, np.nan))
