"""The queue's most expensive networks, trained on a device for as long as there is time."""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch

import device_packs
import device_pictures
from lib import data
from lib.training import TrainedNetwork, networks_together, plan, store, train
from lib.training.specification import Specification
from lib.training.workers import work


class OutOfTime(Exception):
    """A further epoch would end too late."""


def queue(name: str, study: Mapping) -> list[dict]:
    """The populations of a study of which nothing is trained here, those of the most expensive networks first.

    Each with its specification after the most epochs that any line asks for, and its seeds in whole stacks of the CPU,
    which goes on from them.
    """
    longest: dict[str, tuple[Specification, int]] = {}
    for line in plan.lines(name, study):
        for one in line.specifications:
            known, seeds = longest.get(one.key, (one, 0))
            longest[one.key] = max(known, one, key=lambda either: either.epochs), max(seeds, line.seeds)
    rows = []
    for one, seeds in longest.values():
        company = networks_together(one)
        whole = list(range(-(-seeds // company) * company))
        if not any(store.stored_epochs(one, seed) for seed in whole):
            rows.append((work((one, (0,))), {"specification": asdict(one), "seeds": whole}))
    return [row for _, row in sorted(rows, key=lambda pair: -pair[0])]


def work_through(queue_file: Path, device: str, sizes: Mapping[str, int], end: float, out: Path) -> None:
    """Stack after stack until the time `end` of time.time, and packs in `out` after every snapshot.

    sizes: family -> networks of one stack.
    """
    for row in json.loads(queue_file.read_bytes()):
        one = Specification(**row["specification"])
        images = data.load(one.source, n_train=one.n_train, n_test=one.n_test, seed=one.data_seed)
        if (images.train_digest, images.test_digest) != (one.train_digest, one.test_digest):
            print(f"{one.name}: left out, because the pictures here are not those of the queue")
            continue
        size = sizes.get(one.family, min(networks_together(one, device), len(row["seeds"])))
        for start in range(0, len(row["seeds"]), size):
            seeds = row["seeds"][start : start + size]
            try:
                _train(one, seeds, images, device, end, partial(device_packs.write_packs, queue_file, out))
            except OutOfTime as stopped:
                print(f"training ends here: {stopped}")
                return


def _train(
    one: Specification,
    seeds: Sequence[int],
    images: data.ImageData,
    device: str,
    end: float,
    pack: Callable[[], object],
) -> None:
    """One stack, from where it is, stored after every epoch."""
    stack = f"{one.name}, seeds {seeds[0]} to {seeds[-1]}"
    began = time.time()

    def keep(networks: list[TrainedNetwork]) -> None:
        nonlocal began
        for network in networks:
            store.write_network(one, network)
        epochs = networks[0].epochs
        store.forget_passed(one, seeds, epochs)
        if epochs in one.snapshots:
            pack()
            worst = min(network.test_accuracy[-1] for network in networks)
            print(f"{stack}: {epochs} epochs, test accuracy {worst:.3f}, {time.time() - began:.1f} s for the last")
        now = time.time()
        began, epoch = now, now - began
        if epochs < one.epochs and now + epoch > end:
            raise OutOfTime(
                f"another epoch of {stack} takes {epoch:.1f} seconds, and {max(end - now, 0):.1f} are "
                f"left after epoch {epochs}"
            )

    if time.time() > end:
        raise OutOfTime(f"no time is left for {stack}")
    train(one, seeds, images, device, start=store.read_latest(one, seeds), keep=keep)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a queue on a device; book/device.py run calls it.")
    parser.add_argument("home", type=Path, help="folder with the pictures and the queue that were received")
    parser.add_argument("out", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--until", type=float, required=True, help="seconds since the epoch")
    arguments = parser.parse_args()
    torch.set_num_threads(1 if arguments.device == "cpu" else torch.get_num_threads())
    device_pictures.provide(arguments.home)
    queue_file, speed = arguments.home / device_packs.QUEUE, arguments.out / "speed.json"
    sizes = json.loads(speed.read_bytes())["best"] if speed.exists() else {}
    work_through(queue_file, arguments.device, sizes, arguments.until, arguments.out)


if __name__ == "__main__":
    main()
