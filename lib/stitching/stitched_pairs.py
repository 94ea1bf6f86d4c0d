"""Pairs of networks scored in all their layers, shared out over the cores."""

import pickle
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from lib.data.loading import ImageData
from lib.models.cut_networks import LOGITS, CutNetwork
from lib.runtime import array_store
from lib.runtime.devices import one_thread
from lib.runtime.tasks import run_tasks
from lib.stitching.layers import TARGET_SCORES, Layer, LayerScores, Matching, index_scores, target_scores
from lib.stitching.similarity_indices import SIMILARITY_INDICES
from lib.training.populations import Population

Network = tuple[int, int]  # width, seed
Pair = tuple[Network, Network]  # front, end
Layers = Mapping[Network, Mapping[str, "Arrays"]]  # point -> layer
Arrays = tuple[np.ndarray, np.ndarray]  # a layer, or the labels, as they travel between processes: training, test
INDEX_IMAGES = 1000  # at most, for the similarity indices
WITHIN, SEEDS, NARROWED, WIDENED = "within", "across seeds", "wide into narrow", "narrow into wide"


def planned_pairs(width: int, seeds: Mapping[int, Sequence[int]]) -> dict[str, list[Pair]]:
    """Which networks are stitched: kind -> pairs.

    WITHIN: networks of one `width`, each with itself.  SEEDS: each of them into the next one, the last into the first.
    With another width also NARROWED and WIDENED: one of either width, of the same place among their seeds.

    seeds: width -> the seeds there are.
    """
    ring = [(width, seed) for seed in seeds[width]]
    found = {WITHIN: [(one, one) for one in ring], SEEDS: list(zip(ring, [*ring[1:], ring[0]]))}
    if len(seeds) > 1:
        narrow, wide = ([(end, seed) for seed in seeds[end]] for end in (min(seeds), max(seeds)))
        found |= {NARROWED: list(zip(wide, narrow)), WIDENED: list(zip(narrow, wide))}
    return found


def cut(populations: Mapping[int, Population], pairs: Sequence[Pair]) -> dict[Network, CutNetwork]:
    """The networks of some pairs, cut into pieces; `populations`: width -> its networks."""
    wanted = {network for pair in pairs for network in pair}
    return {
        (width, network.seed): CutNetwork(model)
        for width, population in populations.items()
        for network, model in zip(population.networks, population.models())
        if (width, network.seed) in wanted
    }


def score_pairs(
    networks: Mapping[Network, CutNetwork],
    pairs: Sequence[Pair],
    images: ImageData,
    matching: Matching,
    random_seed: int = 0,
    executor: Executor | None = None,
) -> dict[Pair, LayerScores]:
    """Every layer of the front against every layer of the end, for all pairs, with a progress bar.

    Maps are fitted on training images and scored on test images.  The images of direct matching are the same for all
    pairs, and those of a smaller number are among those of a larger.

    Args:
        executor: any concurrent.futures executor; by default as `lib.runtime.tasks.run_tasks` has it.

    Raises:
        ValueError: more images to fit than there are, networks with different numbers of layers, or a layer that is
            the same for all test images.
    """
    available, most = len(images.train_labels), max(matching.fit_images, *matching.fit_counts, 1)
    if most > available:
        raise ValueError(f"direct matching with {most} images needs as many training images, and there are {available}")
    if len({len(network.points) for network in networks.values()}) > 1:
        raise ValueError("all networks need equally many layers to stitch at")
    order = torch.from_numpy(np.random.default_rng([random_seed, 16]).permutation(available))
    labels = images.train_labels[order].numpy(), images.test_labels.numpy()
    layers: dict[Network, dict[str, Arrays]] = {}
    own_hits: dict[Network, np.ndarray] = {}
    for key, network in networks.items():
        train, test = (network.representations(part) for part in (images.train_images[order], images.test_images))
        own_hits[key] = test[LOGITS].argmax(1).numpy() == labels[1]
        layers[key] = {point: (train[point].numpy(), test[point].numpy()) for point in network.points}
        _check_varies(key, layers[key])
    # A task a target: it is matched with all its sources, of whatever front, at once.
    fronts = {end: list(dict.fromkeys(front for front, other in pairs if other == end)) for _, end in pairs}
    shown = images.train_digest, images.test_digest
    tasks = {
        (end, point): _target_task(networks, end, point, those, layers, labels, matching, shown, random_seed)
        for end, those in fronts.items()
        for point in networks[end].points
    } | {pair: _index_task(networks, pair, layers, images.test_digest) for pair in pairs}
    results = _stored_or_run(tasks, executor)

    def scores(front: Network, end: Network) -> LayerScores:
        points = networks[end].points
        before = fronts[end].index(front) * len(points)
        rows = slice(before, before + len(points))
        columns = {
            name: np.stack([results[end, point][name][rows] for point in points], axis=1) for name in TARGET_SCORES
        }
        return LayerScores(**columns, indices=results[front, end], own_hits=own_hits[end])

    return {pair: scores(*pair) for pair in pairs}


class _Task(NamedTuple):
    """A function with its arguments, and the place and names of the arrays that it gives."""

    job: tuple
    place: Path
    names: Sequence[str]


def _target_task(
    networks: Mapping[Network, CutNetwork],
    end: Network,
    point: str,
    fronts: Sequence[Network],
    layers: Layers,
    labels: Arrays,
    matching: Matching,
    shown: Sequence[str],
    random_seed: int,
) -> _Task:
    """`shown`: digests of the training and test images."""
    network, sources = networks[end], [layer for front in fronts for layer in layers[front].values()]
    seed = int(np.random.default_rng([random_seed, *end, network.points.index(point)]).integers(2**62))
    job = _target_job, sources, layers[end][point], pickle.dumps(network.end(point)), labels, matching, seed
    digests = [network.digest, *(networks[front].digest for front in fronts)]
    decides = [digests, point, asdict(matching), shown, random_seed, seed]
    return _Task(job, array_store.place("stitches", __name__, decides), TARGET_SCORES)


def _index_task(networks: Mapping[Network, CutNetwork], pair: Pair, layers: Layers, shown: str) -> _Task:
    decides = [*(networks[one].digest for one in pair), shown]
    place = array_store.place("indices", __name__, decides)
    return _Task((_index_job, *(layers[one] for one in pair)), place, list(SIMILARITY_INDICES))


def _stored_or_run(tasks: Mapping[tuple, _Task], executor: Executor | None) -> dict[tuple, dict[str, np.ndarray]]:
    """The arrays of every task, from their place or else into it as soon as they are there."""
    stored = {key: array_store.read(task.place, task.names) for key, task in tasks.items()}
    found = {key: arrays for key, arrays in stored.items() if arrays is not None}

    def finish(key: tuple, done: Future) -> None:
        found[key] = done.result()
        array_store.write(tasks[key].place, found[key])

    if left := {key: task.job for key, task in tasks.items() if key not in found}:
        run_tasks(left, finish, f"stitching, {len(left)} tasks", executor)
    return found


def _check_varies(network: Network, layers: Mapping[str, Arrays]) -> None:
    for point, (_, test) in layers.items():
        if (test[:INDEX_IMAGES] == test[:1]).all():
            named = f"{point} of the network k = {network[0]}, seed {network[1]}"
            raise ValueError(f"{named} is the same for all test images: nothing can be said of what it is like")


def _target_job(
    sources: Sequence[Arrays], target: Arrays, end: bytes, labels: Arrays, matching: Matching, seed: int
) -> dict[str, np.ndarray]:
    """`target_scores`.  Arrays and bytes travel between processes; tensors would each take a file."""
    layers, rest = list(map(_tensors, sources)), pickle.loads(end)
    with one_thread():
        return target_scores(layers, _tensors(target), rest, _tensors(labels), matching, seed)


def _index_job(*networks: Mapping[str, Arrays]) -> dict[str, np.ndarray]:
    shown = ([_tensors(layer).test[:INDEX_IMAGES] for layer in network.values()] for network in networks)
    with one_thread():
        return index_scores(*shown)


def _tensors(layer: Arrays) -> Layer:
    return Layer(*map(torch.from_numpy, layer))
