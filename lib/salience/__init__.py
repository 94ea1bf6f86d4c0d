"""Input gradients and their directions."""

from lib.salience.extraction import (
    CACHED,
    OUTPUTS,
    as_pictures,
    by_family,
    directions,
    input_gradients,
    plain_gradients,
    population_directions,
)

__all__ = [
    "CACHED",
    "OUTPUTS",
    "as_pictures",
    "by_family",
    "directions",
    "input_gradients",
    "plain_gradients",
    "population_directions",
]
