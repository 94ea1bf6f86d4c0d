"""Deep ensembles of the networks of one population: their salience, loss, accuracy and calibration (Figs. 9, 24).

The salience of an ensemble is the mean of its members' unit gradients; `lib.ensembles.cosines` says what its E[t] is.
An ensemble is never compared with its own members, and every measure comes once more without each network.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from scipy.special import softmax

from lib.ensembles.cosines import CHUNK, cosine_with_mean, ensemble_sizes, law, member_cosines, squared_spread
from lib.models import doors
from lib.runtime.checks import check_count, real_numbers
from lib.similarity.cosines import checked, has_direction

BINS = 15  # of the calibration error
_OF_AVERAGES = [
    f"{name} {of}" for of in ("logits", "probabilities") for name in ("loss", "accuracy", "confidence", "ece")
]
MEASURES = "t", "law", "spread", *_OF_AVERAGES


@dataclass(frozen=True, eq=False)
class Ensembles:
    """What ensembles of m networks of one population have on average.

    Attributes:
        sizes: the numbers m of members, 1 first.
        values: measure -> [1 + networks, sizes]; row 0 is from all networks, row 1 + i from all but network i, which is
            then neither a member, nor among those that members are compared with, nor in R.  The measures: 't', E[t]
            with the mean direction, 'law', what m independent networks would have, and 'spread', that of R^2 over the
            images, the same for all sizes (all three: `lib.ensembles.cosines`); and for the mean of the members' logits
            and for that of their probabilities 'loss logits' (cross entropy, nats), 'accuracy logits', 'ece logits'
            (expected calibration error) and 'confidence logits' (mean top probability), 'loss probabilities' and so on.
        networks, images: how many there are.
    """

    sizes: tuple[int, ...]
    values: Mapping[str, np.ndarray]
    networks: int
    images: int


def measure(
    directions: np.ndarray, scores: np.ndarray, labels: np.ndarray, rng: np.random.Generator, splits: int = 4
) -> Ensembles:
    """All measures of the ensembles of one population, and the same without each network.

    Args:
        directions: [networks, n, d] unit gradients; a zero row has no direction and does not count.  A network without
            any direction is left out, of the scores as well.
        scores: [networks, n, classes], the logits of the same networks on the same images.
        labels: [n].
        splits: how often the networks are put on a circle at random.  An ensemble is every m neighbours on it, so that
            each network is a member equally often; where there are not more sets of m networks than that, each is one.

    Warns: of networks that are left out.

    Raises:
        ValueError: fewer than 5 networks, or arrays that do not belong together or are not finite.
    """
    check_count("splits", splits)
    directions, scores = checked(directions), real_numbers("scores", scores)
    if scores.ndim != 3 or directions.shape[:2] != scores.shape[:2]:
        raise ValueError(
            "directions [networks, images, dims] and scores [networks, images, classes] must be of the same networks "
            f"and images, not of shapes {directions.shape} and {scores.shape}"
        )
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite numbers")
    labels = doors.as_labels(labels, *scores.shape[1:]).numpy()
    directions, scores = _with_gradients(directions, scores)
    sizes = ensemble_sizes(len(directions))
    circles = [rng.permutation(len(directions)) for _ in range(splits)]
    pairs = member_cosines(np.eye(len(directions)), directions)
    tables = [_of_one_size(directions, scores, labels, size, circles, pairs) for size in sizes]
    values = {name: np.stack([table[name] for table in tables], axis=1) for name in tables[0]}
    values["spread"] = np.tile(squared_spread(directions)[:, None], len(sizes))
    values["law"] = law(values["t"][:, :1], np.array(sizes), values["spread"])
    return Ensembles(sizes, {name: values[name] for name in MEASURES}, *directions.shape[:2])


def _with_gradients(directions: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    alive = np.any(has_direction(directions), axis=1)
    if not alive.all():
        count = f"{(~alive).sum()} of {len(alive)} networks"
        warnings.warn(f"{count} have no gradient at any image and are in no ensemble", stacklevel=3)
    return directions[alive], scores[alive]


def _of_one_size(
    directions: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    size: int,
    circles: Sequence[np.ndarray],
    pairs: np.ndarray,
) -> dict[str, np.ndarray]:
    """Averages over the ensembles of `size` networks, from all networks and without each: measure -> [1 + networks].

    `pairs`: cosine of each network with each.
    """
    networks = len(directions)
    left_out = [None, *range(networks)]
    every = comb(networks, size) <= len(circles) * networks
    kept = ([circle[circle != absent] for circle in circles] for absent in left_out)
    groups = [np.array(sorted(_member_sets(circles, size, every))) for circles in kept]
    # Most ensembles stay as they are without a network that is not theirs: each is evaluated once.
    ensembles, where = np.unique(np.concatenate(groups), axis=0, return_inverse=True)
    members = np.zeros((len(ensembles), networks))
    np.put_along_axis(members, ensembles, 1, axis=1)
    places = np.split(where.ravel(), np.cumsum([len(group) for group in groups])[:-1])
    found = evaluate(members, scores, labels)
    table = {name: np.array([values[place].mean() for place in places]) for name, values in found.items()}
    cosines = member_cosines(members, directions)
    table["t"] = np.array(
        [cosine_with_mean(cosines[place], members[place], pairs, absent) for place, absent in zip(places, left_out)]
    )
    return table


def _member_sets(circles: Sequence[np.ndarray], size: int, every: bool) -> Iterator[tuple[int, ...]]:
    """The networks of every ensemble, sorted: all sets of `size`, or all neighbours on the circles."""
    if every:
        yield from combinations(sorted(circles[0].tolist()), size)
    else:
        for circle in circles:
            around = np.concatenate([circle, circle[: size - 1]])
            for start in range(len(circle)):
                yield tuple(sorted(around[start : start + size].tolist()))


def evaluate(members: np.ndarray, scores: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Loss in nats, accuracy, confidence and calibration error of each ensemble under both ways of averaging.

    members [ensembles, networks] of 0 and 1, scores [networks, n, classes], labels [n] -> measure -> [ensembles].
    """
    members, scores = real_numbers("members", members), real_numbers("scores", scores)
    labels = doors.as_labels(labels, *scores.shape[1:]).numpy()
    weights = members / members.sum(1, keepdims=True)
    averages = {
        "logits": lambda part: softmax(np.tensordot(weights, part, 1), axis=2),
        "probabilities": lambda part: np.tensordot(weights, softmax(part, axis=2), 1),
    }
    found: dict[str, np.ndarray] = {}
    for of, average in averages.items():
        confidence, right, loss = (np.empty((len(members), len(labels))) for _ in range(3))
        for start in range(0, len(labels), CHUNK):
            part = slice(start, start + CHUNK)
            probabilities = average(scores[:, part].astype(float))  # [ensembles, images, classes]
            true = np.take_along_axis(probabilities, labels[part][None, :, None], axis=2)[..., 0]
            loss[:, part] = -np.log(np.maximum(true, np.finfo(float).tiny))  # exp underflows beyond 700 nats
            confidence[:, part] = probabilities.max(2)
            right[:, part] = probabilities.argmax(2) == labels[part]
        found |= {f"loss {of}": loss.mean(1), f"accuracy {of}": right.mean(1), f"confidence {of}": confidence.mean(1)}
        found[f"ece {of}"] = expected_calibration_error(confidence, right)
    return found


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Mean gap between confidence and accuracy, in units of probability: [..., n] and [..., n] -> [...].

    The estimator of Guo et al. (2017): images fall into `bins` equal parts (low, high] of [0, 1] by their top
    probability; the gap of accuracy and mean confidence in each bin is weighted by its share of the images.  Chance
    alone makes it positive where there are few images.

    Args:
        confidence: the largest of each image's class probabilities.
        correct: whether that class was the true one.
    """
    confidence, correct = np.asarray(confidence, dtype=float), np.asarray(correct, dtype=float)
    gaps = (correct - confidence).reshape(-1, confidence.shape[-1])
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1).reshape(gaps.shape)
    cells = bin_of + bins * np.arange(len(gaps))[:, None]
    totals = np.bincount(cells.ravel(), gaps.ravel(), minlength=bins * len(gaps)).reshape(len(gaps), bins)
    return (np.abs(totals).sum(1) / gaps.shape[1]).reshape(confidence.shape[:-1])
