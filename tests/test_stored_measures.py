"""Stitches, views and attacks are computed once, and again when anything that decides them is another."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_networks import Untrained, network, random_images

from lib.attacks import attack_transfer
from lib.data import ImageData
from lib.models.cut_networks import CutNetwork
from lib.runtime import array_store
from lib.stitching import pair_measures, stitched_pairs
from lib.stitching.layers import TARGET_SCORES, Matching
from lib.views import three_views

IMAGES = ImageData("noise", 0, *random_images(40), *random_images(24, seed=5), tuple("abcd"), (0.0,), (1.0,))
MATCHING = Matching(fit_images=20, epochs=1)
PAIR, POINTS = ((2, 0), (2, 1)), ("stage1.0", "stage2.0", "stage3.0")
NUMBERS = {"random_seed": 0, "eps": 0.25, "epochs": 1, "fit_images": 10}


def cuts(seed):
    """Of networks of the seeds 0 and `seed`."""
    return [CutNetwork(network(one, "resnet-8", 1)) for one in (0, seed)]


def stitched(images, seed, numbers, inline):
    matching = replace(MATCHING, epochs=numbers["epochs"], fit_images=numbers["fit_images"])
    networks = dict(zip(PAIR, cuts(seed)))
    found = stitched_pairs.score_pairs(networks, [PAIR], images, matching, numbers["random_seed"], inline)[PAIR]
    return [getattr(found, name) for name in TARGET_SCORES] + list(found.indices.values())


def detected(images, seed, numbers, inline):
    generator = torch.Generator().manual_seed(numbers["random_seed"])
    found = pair_measures.measured(
        *cuts(seed), POINTS, images, generator, epochs=numbers["epochs"], detector_epochs=numbers["fit_images"]
    )
    kept = found.detection.accuracy["direct"], found.detection.auroc["energy"]["direct"], found.likeness["CKA"]
    assert list(found.truncated) == list(POINTS)
    return [*kept, found.truncated["stage3.0"].probe, generator.get_state().numpy()]


class Population(Untrained):
    """Networks of the seeds 0, 1, 2 and one that may change."""

    def __init__(self, seed):
        super().__init__([0, 1, 2, seed])

    def models(self):
        return (network(one, "resnet-8", 1) for one in self.seeds)


def viewed(images, seed, numbers, inline, monkeypatch):
    def living(populations, images, seen, output, grid):
        models = list(populations[0].models())
        rows = np.random.default_rng(0).standard_normal((4, 12, 3))
        return models, np.ones(4, int), rows / np.linalg.norm(rows, axis=2, keepdims=True)

    monkeypatch.setattr(three_views, "_living", living)
    options = {"view_images": None, "fit_images": numbers["fit_images"], "eps": numbers["eps"]}
    found = three_views.pair_table([Population(seed)], images, **options)
    return [*found.alone.values(), *found.views.values(), *found.outcomes.values()]


def attacked(images, seed, numbers, inline):
    shown = images.test_images, images.test_labels
    networks = attack_transfer.prepare(Untrained([0, 1, 2, seed]), *shown, 3)
    single, mean = attack_transfer.single(networks), attack_transfer.mean_direction([networks])
    return attack_transfer.attack({"one": single, "mean": mean}, [networks], *shown, numbers["eps"]).after


# what is measured -> how, and the function that does the work
KINDS = {
    "stitches": (stitched, stitched_pairs, "run_tasks"),
    "detection": (detected, pair_measures, "_computed"),
    "views": (viewed, three_views, "_measured"),
    "attacks": (attacked, attack_transfer, "_attacked"),
}
CHANGES = {
    "stitches": ["network", "training image", "training label", "test image", "test label", "random_seed", "epochs", "fit_images"],
    "detection": ["network", "training label", "test image", "random_seed", "epochs"],
    "views": ["network", "training image", "test image", "test label", "eps", "fit_images"],
    "attacks": ["network", "test image", "test label", "eps"],
}  # fmt: skip


def changed(change):
    """Images, the second network's seed, and numbers, of which one thing is another than usual."""
    part = {"training": "train", "test": "test"}.get(change.partition(" ")[0])
    images, numbers = IMAGES, NUMBERS
    if part:
        field = f"{part}_{change.partition(' ')[2]}s"
        value = getattr(images, field).clone()
        value[-1] = value[0]
        images = replace(images, **{field: value})
    elif change in NUMBERS:
        numbers = NUMBERS | {change: 1 + NUMBERS[change]}
    return images, 4 if change == "network" else 3, numbers


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def measure(kind, artifacts, inline, monkeypatch):
    """A change, or a word that is none -> the arrays, and how often the work was done."""
    call, module, work = KINDS[kind]
    done, do = [], getattr(module, work)
    monkeypatch.setattr(module, work, lambda *given: done.append(1) or do(*given))
    further = [monkeypatch] if kind == "views" else []

    def measured(change=""):
        done.clear()
        return call(*changed(change), inline, *further), len(done)

    return measured


def test_what_was_measured_is_read_bit_for_bit_and_computed_once(measure):
    first, again = measure(), measure()
    assert (first[1], again[1]) == (1, 0)
    for one, other in zip(first[0], again[0], strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


@pytest.mark.parametrize("kind, change", [(kind, change) for kind, changes in CHANGES.items() for change in changes])
def test_a_change_of_what_decides_it_is_noticed(measure, change):
    measure()
    assert measure(change)[1] == 1
    assert measure(change)[1] == 0 == measure()[1]


def test_a_change_of_the_code_is_noticed(measure, monkeypatch):
    measure()
    monkeypatch.setattr(array_store, "digest", lambda *_: "another")
    assert measure()[1] == 1
