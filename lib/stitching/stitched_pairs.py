"""Pairs of networks scored in all their layers, shared out over the cores."""

import pickle
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
import torch

from lib.data.loading import ImageData
from lib.models.cut_networks import LOGITS, CutNetwork
from lib.runtime.devices import one_thread
from lib.runtime.tasks import run_tasks
from lib.stitching.layers import Layer, LayerScores, Matching, index_scores, target_scores
from lib.training.populations import Population

Network = tuple[int, int]  # width, seed
Pair = tuple[Network, Network]  # front, end
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
    fronts = {end: list(dict.fromkeys(front for front, other in pairs if other == end)) for _, end in pairs}
    tasks: dict[tuple, tuple] = {}
    for end, those in fronts.items():  # a task a target: it is matched with all its sources, of whatever front, at once
        for place, point in enumerate(networks[end].points):
            sources = [list(layers[front].values()) for front in those]
            seed = int(np.random.default_rng([random_seed, *end, place]).integers(2**62))
            rest = pickle.dumps(networks[end].end(point))
            tasks[end, point] = _target_job, sources, layers[end][point], rest, labels, matching, seed
    tasks |= {pair: (_index_job, *(layers[key] for key in pair)) for pair in pairs}
    results: dict[tuple, Any] = {}
    run_tasks(tasks, lambda key, done: results.update({key: done.result()}), f"stitching, {len(tasks)} tasks", executor)

    def scores(front: Network, end: Network) -> LayerScores:
        targets = [results[end, point][fronts[end].index(front)] for point in networks[end].points]
        columns = {name: np.stack([target[name] for target in targets], axis=1) for name in targets[0]}
        return LayerScores(**columns, indices=results[front, end], own_hits=own_hits[end])

    return {pair: scores(*pair) for pair in pairs}


def _check_varies(network: Network, layers: Mapping[str, Arrays]) -> None:
    for point, (_, test) in layers.items():
        if (test[:INDEX_IMAGES] == test[:1]).all():
            named = f"{point} of the network k = {network[0]}, seed {network[1]}"
            raise ValueError(f"{named} is the same for all test images: nothing can be said of what it is like")


def _target_job(
    fronts: Sequence[Sequence[Arrays]], target: Arrays, end: bytes, labels: Arrays, matching: Matching, seed: int
) -> list[dict[str, np.ndarray]]:
    """`target_scores` of each front.  Arrays and bytes travel between processes; tensors would each take a file."""
    sources = [_tensors(layer) for front in fronts for layer in front]
    arguments = sources, _tensors(target), pickle.loads(end), _tensors(labels), matching, seed
    with one_thread():
        scores = target_scores(*arguments)
    ends = np.cumsum([len(front) for front in fronts])[:-1]
    split = {name: np.split(values, ends) for name, values in scores.items()}
    return [{name: parts[place] for name, parts in split.items()} for place in range(len(fronts))]


def _index_job(*networks: Mapping[str, Arrays]) -> dict[str, np.ndarray]:
    shown = ([_tensors(layer).test[:INDEX_IMAGES] for layer in network.values()] for network in networks)
    with one_thread():
        return index_scores(*shown)


def _tensors(layer: Arrays) -> Layer:
    return Layer(*map(torch.from_numpy, layer))
