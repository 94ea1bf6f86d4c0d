"""Whatever form a reader's networks come in, every public door gives the same numbers or refuses, and leaves them alone."""

from functools import cache
from types import SimpleNamespace

import pytest
import torch
from public_doors import DOORS, IMAGES, LABELS, SCORED, close, inference, network, plainly
from torch import nn

from lib import models

pytestmark = pytest.mark.filterwarnings("ignore:no better than", "ignore:.*torch.jit.*deprecated")


class Wrapped(nn.Module):
    def __init__(self, model, function):
        super().__init__()
        self.model, self.function = model, function

    def forward(self, x):
        return self.function(self.model(x))


def rescaling(x):
    return x.sub_(0.5).div_(0.5)


class InPlace(nn.Module):
    """Normalises the images in their own memory, as many published networks do."""

    def forward(self, x):
        return rescaling(x)


class OutOfPlace(nn.Module):
    def forward(self, x):
        return rescaling(x.clone())


# name -> the network in this form; those below are compared with other networks than the plain one
FORMS = {
    "train mode": lambda: network().train(),
    "inference mode": lambda: inference(network),
    "an object with logits": lambda: Wrapped(network(), lambda s: SimpleNamespace(loss=None, logits=s)),
    "scripted": lambda: torch.jit.script(network()),
    "frozen script": lambda: torch.jit.freeze(torch.jit.script(network())),
    "traced": lambda: torch.jit.trace(network(), IMAGES),
    "exported": lambda: torch.export.export(
        network(), (IMAGES[:3],), dynamic_shapes=({0: torch.export.Dim.AUTO},)
    ).module(),
    "float64": lambda: network().double(),
    "in place": lambda: network(nn.ReLU(inplace=True)),
    "normalising in place": lambda: network(InPlace()),
    "float16": lambda: network().half(),
    "bfloat16": lambda: network().bfloat16(),
}
SAME = {
    "in place": lambda: network(nn.ReLU()),
    "normalising in place": lambda: network(OutOfPlace()),
    "float16": lambda: network().half().float(),
    "bfloat16": lambda: network().bfloat16().float(),
}


@cache
def made(form):
    """One for all doors, each of which leaves it alone."""
    return FORMS[form]()


@pytest.mark.parametrize("door", SCORED.values(), ids=SCORED)
@pytest.mark.parametrize("form", FORMS)
def test_networks_of_every_form_give_the_numbers_of_a_plain_one_and_are_left_alone(door, form):
    model, images = made(form), IMAGES.clone()
    modes = [getattr(module, "training", None) for module in model.modules()]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    expected = door(SAME[form](), IMAGES, LABELS) if form in SAME else plainly(door)
    close(door(model, images, LABELS), expected, 1e-4)
    assert torch.equal(images, IMAGES) and modes == [getattr(part, "training", None) for part in model.modules()]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


AROUND = {
    "no gradients": torch.no_grad,
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
def test_what_a_reader_computes_in_changes_nothing(door, around):
    model = network()
    with around():
        close(door(model, IMAGES, LABELS), plainly(door))


WRONG_NETWORKS = {
    "a tuple": (lambda: Wrapped(network(), lambda s: (s, s)), "returns 2 things .* scores=lambda output: output"),
    "a dictionary": (lambda: Wrapped(network(), lambda s: {"out": s}), r"dictionary .* output\['out'\]"),
    "float16 inside": (lambda: Wrapped(network(), torch.Tensor.half), "computes in float16 by itself"),
    "no module": (lambda: network, "must be a torch.nn.Module( or several)?, not a function"),
    "lazy": (lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(4)), "lazy layers"),
    "other channels": (lambda: nn.Sequential(nn.Conv2d(3, 4, 8), nn.Flatten()), "to have 3 channels"),
}


@pytest.mark.parametrize("door", SCORED.values(), ids=SCORED)
@pytest.mark.parametrize("form, sentence", WRONG_NETWORKS.values(), ids=WRONG_NETWORKS)
def test_what_is_no_network_of_class_scores_is_refused_in_one_sentence(door, form, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        door(form(), IMAGES, LABELS)
    assert "\n" not in str(caught.value)


def test_scores_are_chosen_for_every_door_alike():
    model = models.ClassScores("a", Wrapped(network(), lambda s: (0, s)), lambda output: output[1])
    for door in SCORED.values():
        close(door(model, IMAGES, LABELS), plainly(door))
