"""Networks trained in one stack against one after another: which size of stack is fastest on one core?

    .venv/bin/python benchmarks/training.py

Prints, for every family, width and image size, model-images a second for one network at a time and the ratio for stacks
of 2, 4 and 8, all measured in this run; the size that `networks_together` chooses is marked.
"""

import time

import torch

from lib import models
from lib.data import ImageData
from lib.training import networks_together, train
from lib.training.specification import specify

SECONDS = 1.0  # least time of a measurement


def images(size: int) -> ImageData:
    """256 images of noise: speed does not depend on what they show."""
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randn(256, 1, size, size, generator=generator)
    labels = torch.randint(10, (256,), generator=generator)
    return ImageData("noise", 0, pictures, labels, pictures[:1], labels[:1], tuple("0123456789"), (0.0,), (1.0,))


def rate(data: ImageData, family: str, width: int, together: int) -> float:
    """Model-images a second, the best of three measurements."""
    best, epochs = 0.0, 1
    for _ in range(3):
        while True:
            start = time.perf_counter()
            train(specify(data, family, width, epochs=epochs), range(together), data)
            passed = time.perf_counter() - start
            if passed > SECONDS / 3:
                break
            epochs *= 2
        best = max(best, epochs * together * len(data.train_labels) / passed)
    return best


def main() -> None:
    torch.set_num_threads(1)
    print(f"{'family':13} {'size':>4} {'k':>3} {'one by one':>12}   2x     4x     8x")
    for size, widths in ((8, (2, 4, 8, 16, 32)), (16, (4, 16)), (32, (4, 16))):
        data = images(size)
        for family in models.FAMILIES:
            for width in widths:
                alone = rate(data, family, width, 1)
                chosen = networks_together(specify(data, family, width))
                ratios = {n: rate(data, family, width, n) / alone for n in (2, 4, 8)}
                print(
                    f"{family:13} {size:4} {width:3} {alone:10.0f}/s  "
                    + "  ".join(f"{ratio:4.2f}{'*' if n == chosen else ' '}" for n, ratio in ratios.items())
                    + ("  * one by one" if chosen == 1 else ""),
                    flush=True,
                )


if __name__ == "__main__":
    main()
