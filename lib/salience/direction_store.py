"""Scores of whole populations, and directions of their input gradients, kept on disk: chapters ask for the same ones.

A file's name holds a digest of all that decides its content: the network's weights, the images, the score that is
differentiated, the grid, and RECIPE.  The content holds its own checksum and is checked at every read.
"""

import hashlib
import json
import math
import warnings
from collections.abc import Hashable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float32
from safetensors.torch import load as load_weights
from safetensors.torch import save as save_weights
from torch import nn

from lib.data.loading import ImageData
from lib.runtime import array_store, machines
from lib.runtime.devices import one_thread
from lib.runtime.files import artifacts
from lib.runtime.room import check_memory, keeps
from lib.runtime.tasks import progress, run_tasks
from lib.salience import extraction
from lib.training.populations import Population
from lib.training.specification import Specification, images_of
from lib.training.trainer import TrainedNetwork
from lib.training.workers import networks_together

Key = TypeVar("Key", bound=Hashable)

# Raise it when a change of lib/ makes other directions of the same networks: stored ones are then computed again.
RECIPE = 1
NAMES = ["directions"]  # of the arrays in a file
PART = 1024  # images whose gradients are held at full resolution


def population_directions(
    populations: Mapping[Key, Population],
    images: ImageData,
    *,
    output: str = "logit",
    grid: int | None = 8,
    untrained: bool = False,
    keep_dead: bool = False,
) -> dict[Key, Float32[np.ndarray, "_ n d"]]:
    """Directions of every network of every population on all test images, each [networks, n, d] float32.

    Those that are not stored are computed here, or by the workers of GREATMINDS_SCHEDULER where they can load the images.

    Args:
        output, grid: as in `lib.salience.input_gradients` and `lib.salience.directions`.
        untrained: of the networks as they were before their training.
        keep_dead: networks that have no gradient at any image stay, as rows of zeros, in the order of the population.

    Warns: of networks that have no gradient at any image, which are left out.

    Raises:
        ValueError: an unknown output or grid, more than memory holds, or a population of which that leaves fewer than 3 networks.
    """
    extraction.check_output(output)
    count, channels, *size = images.test_images.shape
    extraction.check_grid(grid, min(size))
    numbers = count * channels * (math.prod(size) if grid is None else grid**2)
    check_memory(sum(map(len, populations.values())), 4 * numbers, "networks with the directions of their gradients")
    if machines.address() and keeps():
        _store_from_workers(populations.values(), images, output, grid, untrained)
    found = {}
    with progress(sum(map(len, populations.values())), "input gradients") as bar:
        for key, population in populations.items():
            if not population:
                raise ValueError(f"population {key!r} has no networks left to take gradients of")
            rows = np.empty(0)
            for place, (network, model) in enumerate(_networks(population, untrained)):
                path = _path(population.specification, network.seed, model, images, output, grid)
                row = _stored(path, model, images, output, grid)
                rows = rows if place else np.empty((len(population), *row.shape), row.dtype)
                rows[place] = row  # into its place at once: a list of rows would be held twice while it is stacked
                bar.update()
            found[key] = rows if keep_dead else _with_gradients(rows, key)
    return found


def population_logits(
    populations: Mapping[Key, Population], images: ImageData
) -> dict[Key, Float32[np.ndarray, "_ n _"]]:
    """Scores of every network of every population on all test images, each [networks, n, classes] float32."""
    return {
        key: np.stack([extraction.logits(model, images.test_images).numpy() for model in population.models()])
        for key, population in populations.items()
    }


def right_only(directions: np.ndarray, population: Population, images: ImageData) -> np.ndarray:
    """The directions with a zero row for every network at every test image that it gets wrong.

    Two networks are then compared on the images that both get right.

    Raises:
        ValueError: directions of fewer networks than the population has, of which it is not known whose they are.
    """
    if len(directions) != len(population):
        lost = f"{len(population) - len(directions)} networks without a gradient were left out"
        name = population.specification.name
        raise ValueError(f"{name}: {lost}, so that it is not known whose directions these are")
    labels = images.test_labels.numpy()
    right = population_logits({0: population}, images)[0].argmax(-1) == labels
    return np.where(right[:, :, None], directions, 0)


def by_family(directions: Mapping[tuple[str, int], np.ndarray]) -> dict[str, list[np.ndarray]]:
    """(family, width) -> [networks, n, d], regrouped as family -> the same at each width, the narrowest first."""
    families = dict.fromkeys(family for family, _ in directions)
    return {family: [directions[key] for key in sorted(directions) if key[0] == family] for family in families}


def _networks(population: Population, untrained: bool) -> Iterable[tuple[TrainedNetwork, nn.Module]]:
    models = population.untrained_models() if untrained else population.models()
    return zip(population.networks, models, strict=True)


def _stored(path: Path, model: nn.Module, images: ImageData, output: str, grid: int | None) -> np.ndarray:
    """The directions [n, d] of one network, from the store or else into it, whole or not at all."""
    kept = array_store.read(path, NAMES)
    if kept is None:
        array_store.write(path, kept := {"directions": _computed(model, images, output, grid)})
    return kept["directions"]


def _computed(model: nn.Module, images: ImageData, output: str, grid: int | None) -> np.ndarray:
    """[n, d]; of the gradients at full resolution no more than a part is held at a time."""
    parts = zip(images.test_images.split(PART), images.test_labels.split(PART))
    gradients = (extraction.input_gradients(model, *part, output=output) for part in parts)
    return np.concatenate([extraction.directions(part, grid=grid) for part in gradients])


def _store_from_workers(
    populations: Iterable[Population], images: ImageData, output: str, grid: int | None, untrained: bool
) -> None:
    """What is missing of the networks that were specified with these images, a task as many as are trained together."""
    tasks = {}
    for population in populations:
        specification = population.specification
        if specification.test_digest != images.test_digest:
            continue
        missing = {}
        for network, model in _networks(population, untrained):
            path = _path(specification, network.seed, model, images, output, grid)
            if array_store.read(path, NAMES) is None:
                missing[path] = save_weights(model.state_dict())
        together, paths = networks_together(specification), list(missing)
        for stack in (tuple(paths[start : start + together]) for start in range(0, len(paths), together)):
            weights = tuple(missing[path] for path in stack)
            tasks[stack] = _stack_directions, specification, weights, output, grid

    def finish(stack: tuple[Path, ...], done: Future) -> None:
        for path, rows in zip(stack, done.result(), strict=True):
            array_store.write(path, {"directions": rows})

    run_tasks(tasks, finish, f"input gradients of {sum(map(len, tasks))} networks")


def _stack_directions(
    specification: Specification, weights: Sequence[bytes], output: str, grid: int | None
) -> list[np.ndarray]:
    """The directions [n, d] of networks with these weights, on the test images that they were specified with."""
    images, found = images_of(specification), []
    for state in weights:
        model = specification.build()
        model.load_state_dict(load_weights(state))
        with one_thread():
            found.append(_computed(model.eval(), images, output, grid))
    return found


def _with_gradients(rows: np.ndarray, key: Hashable) -> np.ndarray:
    """The networks [networks, n, d] of a population that have a direction at some image."""
    alive = rows.any(axis=(1, 2))
    if alive.all():
        return rows  # not a copy, which would double the memory
    if alive.sum() < 3:
        raise ValueError(
            f"population {key!r}: {alive.sum()} of its {len(rows)} networks have a gradient that is not zero, and a "
            "population needs 3; ask for more seeds or leave this width out"
        )
    count = f"{(~alive).sum()} of its {len(rows)} networks"
    warnings.warn(f"population {key!r}: {count} have no gradient at any image and are left out", stacklevel=3)
    return rows[alive]


def _path(
    specification: Specification, seed: int, model: nn.Module, images: ImageData, output: str, grid: int | None
) -> Path:
    """Where the directions of one network on the test images lie."""
    sha = hashlib.sha256(json.dumps([RECIPE, specification.key, images.test_digest, output, grid]).encode())
    sha.update(save_weights(model.state_dict()))
    name = f"seed-{seed:05d}-{output}-{grid or 'full'}-{sha.hexdigest()[:32]}.safetensors"
    return artifacts() / "directions" / specification.key / name
