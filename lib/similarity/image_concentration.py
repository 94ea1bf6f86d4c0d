"""How much of the shape of T_k comes from images of different concentration.

T_k mixes the t of all images.  If every image had a von Mises-Fisher law, each with its own kappa(x), their mixture
would still not have the exponential shape: it is wider than any one of them.  Scoring every network by the kappa of
the image, learnt from the other networks, shows how far that alone goes.

Directions are [networks, images, dims] with unit rows; a zero row stands for a gradient that vanished.
"""

import numpy as np

from lib.similarity.cosines import has_direction
from lib.similarity.mean_directions import checked, leave_one_out_cosines
from lib.sphere.distributions import vmf_concentration, vmf_log_normaliser


def own_concentration_gain(directions: np.ndarray) -> np.ndarray:
    """log density of t [nats] under vMF laws with a kappa for each image, less that with one kappa for all images.

    Both learn from the networks other than the one that is scored: [networks, n, d] -> [networks, n]; t is the cosine
    with the mean direction of those others, and the gain is NaN where it is.

    Raises:
        ValueError: fewer than 5 networks, since four others must tell how reliable their concentration is.
    """
    directions = checked(directions)
    networks, _, dim = directions.shape
    if networks < 5:
        raise ValueError(f"the concentration of single images needs at least 5 networks, not {networks}")
    squares = np.stack([shrunk_squares(np.delete(directions, i, axis=0)) for i in range(networks)])
    # A mean of N - 1 networks lets t keep a share R / sqrt(R^2 + (1 - R^2) / (N - 1)) of R.
    expected = squares / np.sqrt(np.maximum(squares + (1 - squares) / (networks - 1), 1e-12))
    own, common = vmf_concentration(expected, dim), vmf_concentration(expected.mean(1, keepdims=True), dim)
    return ((own - common) * leave_one_out_cosines(directions)
            + vmf_log_normaliser(own, dim) - vmf_log_normaliser(common, dim))


def shrunk_squares(directions: np.ndarray) -> np.ndarray:
    """R(x)^2 of every image, drawn to their mean as far as they differ by chance: [networks, n, d] -> [n] in [0, 1).

    R^2 is estimated by the mean cosine of two networks.  Products of the cosines of two pairs without a common network
    have the mean R^4, free of chance; what their mean over images exceeds the square of the mean R^2 by is the real
    variance over images, and its share of the whole the factor (empirical Bayes).
    """
    by_image = directions.transpose(1, 0, 2)
    gram = np.where(np.eye(len(directions), dtype=bool), 0.0, by_image @ by_image.transpose(0, 2, 1))
    count = has_direction(directions).sum(0).astype(float)
    total, of_network, squares = gram.sum((1, 2)), gram.sum(2), (gram**2).sum((1, 2))
    enough = count > 3
    fourfold = np.prod([count[enough] - lost for lost in range(4)], axis=0)  # ordered choices of four networks
    disjoint = (total**2 - 4 * (of_network**2).sum(1) + 2 * squares)[enough] / fourfold
    found = np.divide(total, count * (count - 1), where=count > 1, out=np.full_like(total, np.nan))
    mean, spread = np.nanmean(found), np.var(found[enough])
    share = np.clip((disjoint.mean() - found[enough].mean() ** 2) / spread, 0, 1) if spread > 0 else 0.0
    return np.clip(mean + share * np.nan_to_num(found - mean), 0, 0.999)
