"""What the narrow populations say about the widest one: the salience paper's promise, tested.

All functions take expected similarities [..., widths, widths] of one family, as `lib.similarity.crossed` gives them, so that
every prediction has an interval.  Only `measured` parts look at the last width.
"""

from collections.abc import Sequence

import numpy as np

from lib.similarity.rank_one import resultants


def predicted_resultant(rho: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """R of the last width from the others by a power law, log R linear in log k: [..., widths, widths] -> [...].

    The law is inferred from the released pictures, where R is about proportional to k^0.44 (fact sheet 5).
    NaN where a rho(k, k) is not positive; never above 1.
    """
    return power_law(resultants(rho)[..., :-1], widths[:-1], widths[-1:])[..., 0]


def power_law(resultant: np.ndarray, widths: Sequence[int], at: Sequence[float]) -> np.ndarray:
    """Least squares line of log R over log k, evaluated `at` other widths: [..., widths] -> [..., at]; at most 1.

    Raises:
        ValueError: fewer than two widths to draw a line through.
    """
    if len(widths) < 2:
        raise ValueError(f"a power law needs at least 2 widths, not {len(widths)}")
    log_r = np.log(np.where(resultant > 0, resultant, np.nan))
    line, wanted = (np.vander(np.log(k), 2) for k in (widths, at))
    return np.minimum(np.exp(log_r @ (wanted @ np.linalg.pinv(line)).T), 1)


def predicted_similarity(rho: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """rho(k, last) of every k as R_k R_last, for one shared mean direction: [..., widths, widths] -> [..., widths].

    R_last is the predicted one, also in rho(last, last).
    """
    last = predicted_resultant(rho, widths)[..., None]
    return np.concatenate([resultants(rho)[..., :-1], last], axis=-1) * last


def direction_cosine(rho: np.ndarray, networks: Sequence[int]) -> np.ndarray:
    """Cosine between the mean of all narrow networks and the widest mean direction: [..., W, W] -> [...].

    The plain average of the unit gradients of the networks at hand, `networks` of each width, is the predictor, with
    all the noise that so few of them leave; the widest population's mean direction is the true one, freed of its own
    noise.  A single wide network has the cosine R_last with it.
    """
    share = np.asarray(networks[:-1]) / sum(networks[:-1])
    towards = (rho[..., :-1, -1] * share).sum(-1) / resultants(rho)[..., -1]
    return towards / np.sqrt(_squared_length(rho[..., :-1, :-1], networks[:-1]))


def ratio(predicted: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Predicted over measured, NaN where nothing positive was measured."""
    return predicted / np.where(measured > 0, measured, np.nan)


def _squared_length(rho: np.ndarray, networks: Sequence[int]) -> np.ndarray:
    """|mean of all networks' unit gradients|^2: pairs of different networks have rho, a network with itself 1."""
    share = np.asarray(networks) / sum(networks)
    own = (share * (1 - np.diagonal(rho, axis1=-2, axis2=-1)) / sum(networks)).sum(-1)
    return np.einsum("i,...ij,j->...", share, rho, share) + own
