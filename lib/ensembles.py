"""Deep ensembles of the networks of one population: their salience, loss, accuracy and calibration (Figs. 9, 24).

The salience of an ensemble is the mean of its members' unit gradients.  Its cosine t with the mean direction mu is
measured against the networks that are *not* members: their mean is R mu in expectation, whatever their number, so that

    t = unit(ensemble) . mean(others) / R,    R = sqrt(rho(k, k))

is free of the noise that an estimate of mu would have (fact sheet 3.6 and 3.7).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from scipy.special import softmax
from scipy.stats import t as student

from lib.calibration import expected_calibration_error
from lib.intervals import Interval, sum_freedom
from lib.models import check_count
from lib.similarity import has_direction

CHUNK = 64  # images whose ensembles are in memory at once
LEAST = 4  # networks: two members, and without any network one that is no member
MEASURES = "t", "law", *(f"{name} {of}" for of in ("logits", "probabilities")
                         for name in ("loss", "accuracy", "confidence", "ece"))


@dataclass(frozen=True, eq=False)
class Ensembles:
    """What ensembles of m networks of one population have on average.

    Attributes:
        sizes: the numbers m of members, 1 first.
        values: measure -> [1 + networks, sizes]; row 0 is from all networks, row 1 + i from all but network i, which is
            then neither a member, nor among those that members are compared with, nor in R.  The measures: 't', the
            cosine with the mean direction; 'law', R / sqrt(R^2 + (1 - R^2) / m); and for the mean of the members'
            logits and for that of their probabilities 'loss logits' (cross entropy, nats), 'accuracy logits', 'ece
            logits' (expected calibration error) and 'confidence logits' (mean top probability), 'loss probabilities'
            and so on.
        networks, images: how many there are.
    """

    sizes: tuple[int, ...]
    values: Mapping[str, np.ndarray]
    networks: int
    images: int


def ensemble_sizes(networks: int) -> tuple[int, ...]:
    """1, 2, 4, ... members, as many as leave two other networks: one to compare with when any network is left out."""
    if networks < LEAST:
        raise ValueError(f"ensembles need a population of at least {LEAST} networks, not {networks}")
    return tuple(2**power for power in range(networks.bit_length()) if 2**power <= networks - 2)


def measure(directions: np.ndarray, scores: np.ndarray, labels: np.ndarray, rng: np.random.Generator, splits: int = 4
            ) -> Ensembles:
    """All measures of the ensembles of one population, and the same without each network.

    Args:
        directions: [networks, n, d] unit gradients; a zero row has no direction and does not count.
        scores: [networks, n, classes], the logits of the same networks on the same images.
        labels: [n].
        splits: how often the networks are put on a circle at random.  An ensemble is every m neighbours on it, so that
            each network is a member equally often; where there are not more sets of m networks than that, each is one.

    Raises:
        ValueError: fewer than 4 networks, or arrays that do not belong together or are not finite.
    """
    check_count("splits", splits)
    directions, scores, labels = (np.asarray(array) for array in (directions, scores, labels))
    sizes = ensemble_sizes(len(directions))
    if directions.shape[:2] != scores.shape[:2] or labels.shape != scores.shape[1:2]:
        raise ValueError("directions [networks, images, dims], scores [networks, images, classes] and labels [images] "
                         f"must be of the same networks and images, not of shapes {directions.shape}, {scores.shape} "
                         f"and {labels.shape}")
    if not (np.isfinite(directions).all() and np.isfinite(scores).all()):
        raise ValueError("directions and scores must be finite numbers")
    circles = [rng.permutation(len(directions)) for _ in range(splits)]
    tables = [_of_one_size(directions, scores, labels, size, circles) for size in sizes]
    values = {name: np.stack([table[name] for table in tables], axis=1) for name in tables[0]}
    values["law"] = law(values["t"][:, :1], np.array(sizes))
    return Ensembles(sizes, {name: values[name] for name in MEASURES}, *directions.shape[:2])


def law(resultant: np.ndarray, members: np.ndarray) -> np.ndarray:
    """t of an ensemble of so many members, if each has the mean resultant length R (fact sheet 3.6)."""
    return resultant / np.sqrt(resultant**2 + (1 - resultant**2) / members)


def interval(populations: Sequence[Ensembles], statistic: Callable[[Sequence[Mapping[str, np.ndarray]]], np.ndarray],
             level: float = 0.95) -> Interval:
    """A function of several populations with its jackknife interval over networks: -> estimate, low, high.

    `statistic` takes the measures of each population, each [sizes].  The test images are fixed.  Ensembles share
    members: a network is left out of everything at once, so that it counts as one sample however often it is a member.
    """
    whole = [_row(population, 0) for population in populations]
    variances = []
    for place, population in enumerate(populations):
        without = np.array([statistic([*whole[:place], _row(population, 1 + i), *whole[place + 1:]])
                            for i in range(population.networks)])
        variances.append((population.networks - 1) * without.var(axis=0))
    freedom = sum_freedom(variances, [population.networks - 1 for population in populations])
    margin = student.ppf(0.5 + level / 2, freedom) * np.sqrt(np.sum(variances, axis=0))
    estimate = np.asarray(statistic(whole))
    return estimate, estimate - margin, estimate + margin


def _row(population: Ensembles, row: int) -> dict[str, np.ndarray]:
    return {name: values[row] for name, values in population.values.items()}


def _of_one_size(directions: np.ndarray, scores: np.ndarray, labels: np.ndarray, size: int,
                 circles: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Averages over the ensembles of `size` networks, from all networks and without each: measure -> [1 + networks]."""
    networks = len(directions)
    left_out = [None, *range(networks)]
    every = comb(networks, size) <= len(circles) * networks
    groups = [np.array(sorted(_member_sets([circle[circle != absent] for circle in circles], size, every)))
              for absent in left_out]
    # Most ensembles stay as they are without a network that is not theirs: each is evaluated once.
    ensembles, where = np.unique(np.concatenate(groups), axis=0, return_inverse=True)
    members = np.zeros((len(ensembles), networks))
    np.put_along_axis(members, ensembles, 1, axis=1)
    places = np.split(where.ravel(), np.cumsum([len(group) for group in groups])[:-1])
    found = evaluate(members, scores, labels)
    table = {name: np.array([values[place].mean() for place in places]) for name, values in found.items()}
    cosines, pairs = member_cosines(members, directions), member_cosines(np.eye(networks), directions)
    table["t"] = np.array([_cosine_with_mean(cosines[place], members[place], pairs, absent)
                           for place, absent in zip(places, left_out)])
    return table


def _member_sets(circles: Sequence[np.ndarray], size: int, every: bool) -> Iterator[tuple[int, ...]]:
    """The networks of every ensemble, sorted: all sets of `size`, or all neighbours on the circles."""
    if every:
        yield from combinations(sorted(circles[0].tolist()), size)
    else:
        for circle in circles:
            around = np.concatenate([circle, circle[:size - 1]])
            for start in range(len(circle)):
                yield tuple(sorted(around[start:start + size].tolist()))


def _cosine_with_mean(cosines: np.ndarray, members: np.ndarray, pairs: np.ndarray, absent: int | None) -> float:
    """t averaged over ensembles; `cosines` [ensembles, networks] as `member_cosines` gives them, `pairs` of networks.

    NaN where R is not positive: such a population has no mean direction.
    """
    others = members == 0
    different = ~np.eye(len(pairs), dtype=bool)
    if absent is not None:
        others[:, absent] = False
        different[absent] = different[:, absent] = False
    rho = np.nanmean(pairs[different])
    if not rho > 0:
        return float("nan")
    # Where not every set of networks is an ensemble, some pairs of a member and another network occur more often than
    # others.  Their mean cosine, rho in expectation, stands for rho: that cancels most of this chance.
    member_with_other = (members / members.sum(1, keepdims=True)) @ np.nan_to_num(pairs, nan=rho)
    return float(np.nanmean(cosines[others]) / member_with_other[others].mean() * np.sqrt(rho))


def member_cosines(members: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Cosine of the mean unit gradient of each ensemble with that of each network: -> [ensembles, networks].

    `members`: [ensembles, networks] of 0 and 1; directions [networks, n, d].  Averages over the images on which both
    have a direction; NaN without any.
    """
    cosines, counts = np.zeros_like(members), np.zeros_like(members)
    for start in range(0, directions.shape[1], CHUNK):
        part = directions[:, start:start + CHUNK].transpose(1, 0, 2).astype(float)  # [images, networks, d]
        products = members @ (part @ part.transpose(0, 2, 1))  # ensemble sums with each network
        squared = np.einsum("xen,en->xe", products, members)
        known = squared > 1e-12  # members may have no gradient, or cancel
        scale = np.divide(1, np.sqrt(squared, where=known, out=np.ones_like(squared)), where=known,
                          out=np.zeros_like(squared))
        cosines += np.einsum("xen,xe->en", products, scale)
        counts += known.T.astype(float) @ has_direction(part).astype(float)
    return np.divide(cosines, counts, where=counts > 0, out=np.full_like(cosines, np.nan))


def evaluate(members: np.ndarray, scores: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Loss in nats, accuracy, confidence and calibration error of each ensemble under both ways of averaging.

    members [ensembles, networks] of 0 and 1, scores [networks, n, classes], labels [n] -> measure -> [ensembles].
    """
    weights = members / members.sum(1, keepdims=True)
    parts = [slice(start, start + CHUNK) for start in range(0, len(labels), CHUNK)]
    found = {}
    for of, average in (("logits", lambda part: softmax(np.tensordot(weights, part, 1), axis=2)),
                        ("probabilities", lambda part: np.tensordot(weights, softmax(part, axis=2), 1))):
        confidence, right, loss = (np.empty((len(members), len(labels))) for _ in range(3))
        for part in parts:
            probabilities = average(scores[:, part].astype(float))  # [ensembles, images, classes]
            true = np.take_along_axis(probabilities, labels[part][None, :, None], axis=2)[..., 0]
            loss[:, part] = -np.log(np.maximum(true, np.finfo(float).tiny))  # exp underflows beyond 700 nats
            confidence[:, part] = probabilities.max(2)
            right[:, part] = probabilities.argmax(2) == labels[part]
        found |= {f"loss {of}": loss.mean(1), f"accuracy {of}": right.mean(1), f"confidence {of}": confidence.mean(1),
                  f"ece {of}": expected_calibration_error(confidence, right)}
    return found
