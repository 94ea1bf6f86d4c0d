"""Networks that were stored before trainings could be gone on with: files of revision 5547264 and before.

Their folder was named by everything that `EARLIER` lists, the epochs and the test images among it.  One that fits a
specification is taken over as the network after these epochs, once its images are seen to be the same.
"""

from dataclasses import replace

import torch
from safetensors.torch import load

from lib.data.loading import canonical, sha256_of
from lib.runtime.files import artifacts
from lib.training import store
from lib.training.specification import Specification, loaded

# What the manifests hold beside the images; those of LATER only where they differ from what they were before.
EARLIER = [
    "family",
    "width",
    "in_channels",
    "image_size",
    "num_classes",
    "n_train",
    "epochs",
    "learning_rate",
    "optimiser",
    "batch_size",
]
EARLIER += ["precision", "control", "recipe"]
LATER = {"schedule": "inverse-sqrt", "momentum": 0.0, "weight_decay": 0.0}
IMAGES = ("dataset", "n_test", "data_seed", "data_digest")


def take_over(specification: Specification, seed: int) -> bool:
    """Store the earlier network of this specification as one of its own; whether there was one."""
    pattern = f"*-{specification.family}-k{specification.width}-*/seed-{seed:05d}.json"
    for manifest_path in sorted((artifacts() / "networks").glob(pattern)):
        try:
            manifest, weights = store.read_pair(manifest_path.with_suffix(".safetensors"), manifest_path)
        except store.DamagedFile:
            continue  # it is trained anew
        if not _same_training(manifest["specification"], specification):
            continue
        train_digest, test_digest = _digests(manifest["specification"], specification.data_root)
        if train_digest == specification.train_digest:
            # Evaluated on other images it is of these images a network that has not been evaluated.
            there = replace(specification, test_digest=test_digest)
            known = manifest | {"tests": {test_digest: manifest}, "arithmetic": [there.precision] * there.epochs}
            resume = _resume(specification, manifest["seed"])
            store.write_network(there, store.network_of(known, test_digest, load(weights), resume))
            return True
    return False


def _same_training(fields: dict, specification: Specification) -> bool:
    wanted = {name: getattr(specification, name) for name in EARLIER}
    wanted |= {name: getattr(specification, name) for name in LATER if getattr(specification, name) != LATER[name]}
    return (
        canonical(fields["dataset"]) == specification.dataset
        and {name: value for name, value in fields.items() if name not in IMAGES} == wanted
    )


def _digests(fields: dict, root: str | None) -> tuple[str, str]:
    """Of the training and the test images of an earlier network; empty where they are not what they were."""
    sizes = {"n_train": fields["n_train"], "n_test": fields["n_test"], "seed": fields["data_seed"]}
    try:
        images = loaded(fields["dataset"], root=root, **sizes)
    except ValueError:  # their place is empty now
        return "", ""
    whole = sha256_of(images.train_images, images.train_labels, images.test_images, images.test_labels)
    return (images.train_digest, images.test_digest) if whole == fields["data_digest"] else ("", "")


def _resume(specification: Specification, seed: int) -> dict[str, torch.Tensor]:
    """The stream of orders as it was; nothing where the optimiser had buffers, which were not kept."""
    if specification.optimiser != "sgd" or specification.momentum:
        return {}
    order = specification.generator(seed, "order")
    for _ in range(specification.epochs):
        torch.randperm(specification.n_train, generator=order)
    return {"order": order.get_state()}
