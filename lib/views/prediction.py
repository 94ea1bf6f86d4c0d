"""How well views foretell what two networks do, for pairs of networks that the prediction has not met.

The outcome of a pair is predicted by least squares over all pairs that share neither of its networks, so nothing that
was observed of either with any other network enters.
"""

import numpy as np

from lib.statistics.intervals import quotient
from lib.statistics.pairs import PairTable
from lib.views.three_views import VIEWS

MEAN, WIDTHS, ALONE, ALL = "mean", "widths", "each alone", "all three"
SOURCES = (*VIEWS, ALL)  # of knowledge about a pair
# What is known -> the blocks of columns that stand for it.
MODELS = {
    MEAN: (),
    **{view: (view,) for view in VIEWS},
    ALL: VIEWS,
    WIDTHS: (WIDTHS,),
    ALONE: (WIDTHS, ALONE),
    **{f"{ALONE} + {view}": (WIDTHS, ALONE, view) for view in VIEWS},
    f"{ALONE} + {ALL}": (WIDTHS, ALONE, *VIEWS),
}
RIDGE = 1e-9  # of the number of pairs: columns that tell the same must not stop the solution


def squared_errors(table: PairTable) -> np.ndarray:
    """Mean squared held-out errors, [models, outcomes] in the order of MODELS; an outcome's variance over pairs is 1."""
    blocks = columns(table)
    outcomes = _standard(table.of_pairs(table.outcomes).T)
    nothing = np.empty((len(outcomes), 0))
    return np.stack(
        [
            np.mean(
                (
                    outcomes
                    - held_out(
                        np.hstack([nothing, *(blocks[name] for name in names)]), outcomes, table.first, table.second
                    )
                )
                ** 2,
                axis=0,
            )
            for names in MODELS.values()
        ]
    )


def columns(table: PairTable) -> dict[str, np.ndarray]:
    """What predictions know of each pair: block -> [pairs, columns], each of mean 0 and variance 1.

    Widths: how often each of them occurs in the pair, and the product of their logarithms.  Each alone: sum and product
    of what else is known of the two networks.  A view: itself and its square, so that its scale matters little.
    """
    pair = np.stack([table.first, table.second])
    widths = table.widths[pair]
    occurs = [(widths == width).sum(0) for width in np.unique(table.widths)]
    alone = [_standard(numbers)[pair] for numbers in table.alone.values()]
    blocks = {
        WIDTHS: [*occurs, np.log2(widths).prod(0)],
        ALONE: [column for two in alone for column in (two.sum(0), two.prod(0))],
    }
    for name, view in zip(table.views, table.of_pairs(table.views)):
        blocks[name] = [view, _standard(view) ** 2]
    return {name: np.column_stack([_standard(column) for column in block]) for name, block in blocks.items()}


def held_out(design: np.ndarray, outcomes: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Predictions [pairs, outcomes], each with an intercept, by the pairs that share no network with the one predicted.

    Args:
        design: [pairs, columns]; outcomes: [pairs, outcomes].
        first, second: [pairs], the places of the two networks.
    """
    design = np.hstack([np.ones((len(design), 1)), design])
    gram, moments = (_without_both(design[:, :, None] * part[:, None, :], first, second) for part in (design, outcomes))
    gram += RIDGE * len(design) * np.eye(design.shape[1])
    return np.einsum("pc,pco->po", design, np.linalg.solve(gram, moments))


def skill(errors: np.ndarray) -> np.ndarray:
    """Held-out R^2 of every model but the mean: errors [..., models, outcomes] -> [..., models - 1, outcomes].

    1 less the error over that of the mean of the pairs that share no network; below 0 is worse than that mean.  NaN where
    the outcome is the same for all pairs and there is nothing to foretell.
    """
    return 1 - quotient(errors[..., 1:, :], errors[..., :1, :])


def skill_of(errors: np.ndarray, model: str) -> np.ndarray:
    """The held-out R^2 of one model, [..., outcomes]."""
    return skill(errors)[..., list(MODELS).index(model) - 1, :]


def gain(errors: np.ndarray) -> np.ndarray:
    """Share of the error of what is known of each alone that each of SOURCES takes away: -> [..., sources, outcomes]."""
    names = list(MODELS)
    with_view = errors[..., [names.index(f"{ALONE} + {source}") for source in SOURCES], :]
    return 1 - quotient(with_view, errors[..., [names.index(ALONE)], :])


def _without_both(terms: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Sums of terms [pairs, ...] over the pairs that share no network with each pair: -> [pairs, ...]."""
    networks = np.eye(second.max() + 1)
    flat = terms.reshape(len(terms), -1)
    of_network = (networks[first] + networks[second]).T @ flat
    # The pair itself was counted with both of its networks.
    return (flat.sum(0) - of_network[first] - of_network[second] + flat).reshape(terms.shape)


def _standard(numbers: np.ndarray) -> np.ndarray:
    """Mean 0 and variance 1 along the first axis; what is constant becomes 0."""
    centred = numbers - numbers.mean(0)
    scale = centred.std(0)
    return np.divide(centred, scale, where=scale > 1e-12, out=np.zeros_like(centred, dtype=float))
