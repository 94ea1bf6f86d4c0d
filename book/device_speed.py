"""How fast a device trains and differentiates, in stacks of several sizes and in several arithmetics.

What `lib.training.trainer` does is measured through it; what it does not do, such as TF32 and CUDA graphs, with a loop of the
same steps.  Images are noise: speed does not depend on what they show.  Every row is written as soon as it is known.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import torch

from device_steps import STEPS, VARIANTS, calls_a_second, variant_rate
from lib import salience
from lib.data import ImageData
from lib.models import initialise
from lib.runtime.files import write_whole
from lib.training import arithmetic, train
from lib.training.specification import Specification

SIZES = (1, 2, 3, 6)  # networks of one stack: parts of the six that a line asks for
FAMILIES = 3  # of the queue, the most expensive first


def training_rate(specification: Specification, size: int, device: str) -> float:
    """Images a second, summed over the networks of a stack, in the faster of two epochs after a first one."""
    count = STEPS[device] * specification.batch_size
    shape = (count, specification.in_channels, specification.image_size, specification.image_size)
    noise, labels = torch.randn(shape), torch.arange(count) % specification.num_classes
    classes = ("",) * specification.num_classes
    data = ImageData("noise", 0, noise, labels, noise[:2], labels[:2], classes, (0.0,), (1.0,))
    seconds = []
    train(
        replace(specification, n_train=count, epochs=3),
        range(size),
        data,
        device,
        keep=lambda networks: seconds.append(networks[0].seconds),
    )
    return count / min(seconds[1] - seconds[0], seconds[2] - seconds[1])


def gradient_rate(specification: Specification, device: str, batch_size: int) -> float:
    """Input gradients a second of one network."""
    model = initialise(specification.build(), specification.generator(0, "weights")).to(device).eval()
    images = torch.randn(batch_size, specification.in_channels, specification.image_size, specification.image_size)
    labels = torch.zeros(batch_size, dtype=torch.int64)

    def once() -> None:
        salience.input_gradients(model, images, labels, batch_size=batch_size, device=device)

    once()
    return calls_a_second(once, device) * batch_size


def rows(queue: list[dict], device: str) -> Iterator[tuple[dict, Callable[[], float]]]:
    """What is measured, in the order of its use, with the function that does it."""
    families = {row["specification"]["family"]: Specification(**row["specification"]) for row in reversed(queue)}
    chosen = list(families.values())[::-1][:FAMILIES]
    for one, size in product(chosen, SIZES):
        yield (
            _row("training", one, size, arithmetic.used(one.precision, device)),
            partial(training_rate, one, size, device),
        )
    for one, count in product(chosen, (256, 1024)):
        yield _row("gradients", one, 1, f"batches of {count}"), partial(gradient_rate, one, device, count)
    for variant, one, size in product(VARIANTS, chosen, (1, SIZES[-1])):
        if device != "cpu" or not (variant.graph or variant.tf32):
            yield _row("step", one, size, str(variant)), partial(variant_rate, one, size, device, variant)


def _row(what: str, one: Specification, size: int, how: str) -> dict:
    return {"what": what, "family": one.family, "width": one.width, "stack": size, "how": how}


def best_sizes(measured: list[dict]) -> dict[str, int]:
    """The fastest stack of each family that was trained."""
    training = sorted((row for row in measured if row["what"] == "training" and "rate" in row), key=lambda r: r["rate"])
    return {row["family"]: row["stack"] for row in training}


def measure(queue: list[dict], device: str, end: float, path: Path) -> None:
    """Rows until the time `end` of time.time, into a JSON file and onto the screen."""
    measured, planned = [], list(rows(queue, device))
    for row, function in planned:
        if time.time() > end:
            print(f"speed: {len(planned) - len(measured)} of {len(planned)} measurements left out for want of time")
            break
        try:
            row["rate"] = round(function(), 1)
        except (RuntimeError, ValueError) as error:  # also of CUDA; the next ones may work
            row["failed"] = str(error).partition("\n")[0]
        measured.append(row)
        found = {"best": best_sizes(measured), "rows": measured}
        write_whole(path, json.dumps(found, indent=1).encode(), durable=False)
        print(*row.values())


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the speed of a device; book/device.py run calls it.")
    parser.add_argument("queue", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--device", default="cuda", choices=STEPS)
    parser.add_argument("--until", type=float, required=True, help="seconds since the epoch")
    arguments = parser.parse_args()
    measure(json.loads(arguments.queue.read_bytes()), arguments.device, arguments.until, arguments.out)


if __name__ == "__main__":
    main()
