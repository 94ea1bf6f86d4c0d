"""A deleted residual block hands its input on, and everything else stays as it was."""

import copy
import hashlib

import numpy as np
import pytest
import torch
from small_networks import network, random_images

from lib import models
from lib.cka.block_deletion import accuracy, deletable, deletion_accuracies, stages
from lib.salience.predictions import logits

IMAGES, LABELS = random_images(40, seed=1)
NAMES = [f"stage{stage}.{block}" for stage in (1, 2, 3) for block in range(3)]


@pytest.fixture
def resnet():
    return network(family="resnet-20")


def digest(model):
    return hashlib.sha256(b"".join(value.numpy().tobytes() for value in model.state_dict().values())).hexdigest()


def bypassed(model, names):
    """The slow twin: hooks in a copy that put a block's input in the place of its output."""
    twin = copy.deepcopy(model)
    for name in names:
        twin.get_submodule(name).register_forward_hook(lambda module, inputs, output: inputs[0])
    return twin


def test_blocks_are_found_stage_by_stage_and_the_first_of_stages_2_and_3_must_stay(resnet):
    assert stages(resnet) == [NAMES[:3], NAMES[3:6], NAMES[6:]]
    assert deletable(resnet) == [name for name in NAMES if name not in ("stage2.0", "stage3.0")]
    pixel = models.build("resnet-20", 2, image_size=1)  # nothing is halved there, but channels still double
    assert deletable(pixel) == deletable(resnet)


@pytest.mark.parametrize("name", ["stage1.2", "stage2.2", "stage3.2"])
def test_a_last_block_whose_branch_is_zero_is_not_missed(resnet, name):
    block = resnet.get_submodule(name)
    torch.nn.init.zeros_(block.bn2.weight)
    torch.nn.init.zeros_(block.bn2.bias)
    assert deletion_accuracies(resnet, IMAGES, LABELS)[NAMES.index(name)] == accuracy(resnet, IMAGES, LABELS)


def test_the_network_itself_stays_as_it_was(resnet):
    before, modules = digest(resnet), list(map(id, resnet.modules()))
    deletion_accuracies(resnet.train(), IMAGES, LABELS)
    assert digest(resnet) == before and list(map(id, resnet.modules())) == modules and resnet.training


@pytest.mark.parametrize("batch_size", [7, 256])
def test_accuracies_are_those_without_a_block_and_all_behind_it_in_its_stage(resnet, batch_size):
    said = logits(bypassed(resnet, NAMES[1:3]), IMAGES).argmax(1)  # so that not all networks are as wrong
    found = deletion_accuracies(resnet, IMAGES, said, batch_size=batch_size)
    assert np.isnan(found).tolist() == [name in ("stage2.0", "stage3.0") for name in NAMES]
    for place in np.flatnonzero(np.isfinite(found)):
        stage = place // 3
        shortened = bypassed(resnet, NAMES[place:3 * stage + 3])
        assert found[place] == pytest.approx(accuracy(shortened, IMAGES, said), abs=1e-6)
    assert found[1] == 1 and np.nanmin(found) < 1


def test_accuracy_is_the_share_that_is_right(resnet):
    said = logits(resnet, IMAGES).argmax(1)
    assert accuracy(resnet, IMAGES, said) == 1 and accuracy(resnet, IMAGES, (said + 1) % 4) == 0
    half = torch.where(torch.arange(40) < 10, said, (said + 1) % 4)
    assert accuracy(resnet, IMAGES, half) == 0.25


def test_what_cannot_be_deleted_is_refused_in_a_sentence(resnet):
    plain = network(family="plain-20")
    with pytest.raises(ValueError, match="^CifarResNet has no residual connections: nothing would carry the images "
                                         "past a deleted block$"):
        deletion_accuracies(plain, IMAGES, LABELS)
    with pytest.raises(ValueError, match="^CNN has no residual connections"):
        deletable(network())
