"""Memory of the gradient pass over many networks, against the size of what it returns and of what it must not hold.

    .venv/bin/python benchmarks/memory.py [NETWORKS] [IMAGES]

By default 100 networks (cnn-small, k = 4, untrained) and 10,000 colour images of 32 x 32 pixels, noise.  Peaks are of
the whole process, less what it held before the pass began.
"""

import os
import resource
import sys
import tempfile

import torch

from lib.data import ImageData
from lib.models import initialise
from lib.salience import population_directions
from lib.training import TrainedNetwork
from lib.training.populations import Population
from lib.training.specification import specify


def peak() -> float:
    """The most memory that this process has held so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def noise(images: int) -> ImageData:
    rng = torch.Generator().manual_seed(0)
    pixels, labels = torch.randn(images, 3, 32, 32, generator=rng), torch.randint(10, (images,), generator=rng)
    return ImageData("noise", 0, pixels[:10], labels[:10], pixels, labels, tuple("0123456789"), (0,) * 3, (1,) * 3)


def untrained(data: ImageData, networks: int) -> Population:
    specification = specify(data, "cnn-small", 4)
    states = [
        initialise(specification.build(), specification.generator(seed, "weights")).state_dict()
        for seed in range(networks)
    ]
    return Population(
        specification,
        tuple(TrainedNetwork(seed, state, [], [], [], [], [], "cpu", 0.0) for seed, state in enumerate(states)),
    )


if __name__ == "__main__":
    networks, images = (int(word) for word in (sys.argv[1:] + ["100", "10000"][len(sys.argv) - 1 :]))
    data = noise(images)
    population = untrained(data, networks)
    before = peak()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GREATMINDS_ARTIFACTS"] = folder
        found = population_directions({"noise": population}, data)["noise"]
    full = networks * data.test_images.nbytes / 2**20
    print(f"{networks} networks x {images} images: the process holds {peak():.0f} MiB at most, {before:.0f} before")
    print(f"added / directions returned: {(peak() - before) / (found.nbytes / 2**20):.2f}")
    print(f"added / all gradients at full resolution, which are never held together: {(peak() - before) / full:.3f}")
