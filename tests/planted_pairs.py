"""Tables of pairs of networks with planted numbers: 3 widths, 4 networks each."""

import numpy as np

from lib.statistics.pairs import PairTable
from lib.views.outcomes import OUTCOMES
from lib.views.three_views import VIEWS

WIDTHS = np.repeat([2, 4, 8], 4)


def symmetric(rng, networks, of_networks=1.0, of_pairs=1.0):
    """[networks, networks] noise: of the networks, felt in all their pairs, and of the pairs."""
    own, each = of_networks * rng.standard_normal(networks), of_pairs * rng.standard_normal((networks, networks))
    return own[:, None] + own + (each + each.T) / np.sqrt(2)


def planted(seed, widths=WIDTHS, **given):
    """Noise everywhere, but for the views and outcomes `given` by name."""
    rng = np.random.default_rng(seed)
    count = len(widths)
    alone = {name: rng.uniform(0.8, 1, count) for name in ("accuracy", "weakness")}
    noise = {name: symmetric(rng, count) for name in (*VIEWS, *OUTCOMES)} | given
    return PairTable(
        np.asarray(widths), alone, {name: noise[name] for name in VIEWS}, {name: noise[name] for name in OUTCOMES}
    )
