"""Families by import path: trained in workers, told apart by their source, and a bad path is one sentence."""

import importlib
import sys

import pytest
import torch

from lib import models
from lib.models import imported_families
from lib.training.populations import train_or_load
from lib.training.specification import specify

SOURCE = """
from torch import nn

class Mixer(nn.Sequential):  # of layers that do not stack
    def __init__(self, width, in_channels, image_size, num_classes):
        layers = nn.Conv2d(in_channels, 4 * width, 3, dilation=2, bias=False), nn.GroupNorm(2, 4 * width), nn.Flatten()
        super().__init__(*layers, nn.Linear(4 * width * (image_size - 4) ** 2, num_classes, bias=False))

def few(width, in_channels, image_size, num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size**2, 3))

def count(width, *sizes):
    return width
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes the module own_family as a new process would find it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(source):
        (tmp_path / "own_family.py").write_text(source)
        sys.modules.pop("own_family", None)
        importlib.invalidate_caches()
        for kept in (imported_families._found, imported_families._check_scores):
            kept.cache_clear()

    write(SOURCE)
    return write


def test_it_is_trained_by_workers_from_weights_of_its_own_that_the_seed_decides(write, digits, artifacts):
    specification = specify(digits, "own_family:Mixer", 1, epochs=1)
    torch.manual_seed(1)
    first, again, second = (specification.initial(seed) for seed in (0, 0, 1))
    assert torch.equal(first[0].weight, again[0].weight) and not torch.equal(first[0].weight, second[0].weight)
    population = train_or_load({specification: range(2)})[specification]
    begun, trained = next(iter(population.untrained_models())), next(iter(population.models()))
    assert torch.equal(begun[0].weight, first[0].weight) and not torch.equal(trained[0].weight, first[0].weight)
    assert trained[0].dilation == (2, 2)


@pytest.mark.parametrize(
    "old, new, same",
    [
        ("4 * width,", "8 * width,", False),
        ("# of layers", "# made of layers", True),
        ("4 * width)", "(4 * width))", True),
    ],
)
def test_its_networks_are_others_when_what_its_source_does_changes(write, digits, old, new, same):
    before = specify(digits, "own_family:Mixer", 1)
    assert "-own_family.Mixer-k1-" in before.key
    write(SOURCE.replace(old, new))
    assert (specify(digits, "own_family:Mixer", 1).key == before.key) is same
    if not same:
        with pytest.raises(RuntimeError, match="the source of the family own_family:Mixer was edited meanwhile"):
            before.build()


@pytest.mark.parametrize(
    "path, sentence",
    [
        ("own_family.Mixer:", "^'own_family.Mixer:' is no family: the path of a function has the form package.module"),
        ("own:Mixer", r"^the family 'own:Mixer' cannot be imported \(ModuleNotFoundError: No module named 'own'\); it"),
        ("own_family:Mixr", "^the family 'own_family:Mixr': .* no function Mixr; did you mean 'Mixer'\\?$"),
        ("math:sqrt", "^the family 'math:sqrt' has no source in Python"),
        ("own_family:few", "^the model that own_family:few makes scores 3 classes, and not the 10 here$"),
        ("own_family:count", "^the model that own_family:count makes must be a torch.nn.Module, not a int$"),
        ("json:dumps", r"^the family 'json:dumps' fails, called with width, .* = \(2, 3, 32, 10\): TypeError: "),
    ],
)
def test_what_makes_no_networks_is_told_in_one_sentence(write, path, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        models.build(path, 2)
    assert "\n" not in str(caught.value)
