"""Whatever form a reader's images, labels and networks come in, every public door gives the same numbers or refuses.

What a door is given is left as it was.
"""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_networks import random_images, returning
from torch import nn

from lib import attacks, cka, models, own, salience, stitching
from lib.salience import predictions

pytestmark = pytest.mark.filterwarnings("ignore:no better than", "ignore:.*torch.jit.*deprecated")
IMAGES, LABELS = random_images(12, 2)


def network(first=None):
    torch.manual_seed(0)
    layers = (nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(216, 4))
    model = nn.Sequential(*layers)
    model(IMAGES)  # running statistics
    return (nn.Sequential(first, *model) if first else model).eval()


OTHER = returning(lambda scores: scores)
OTHER.net[1] = nn.Linear(128, 4)


def compared(model, images, labels):
    return own.compare({"a": model, "b": OTHER}, images, labels, draws=20, device="cpu").rho[0][0, 1]


def attacked(model, images, labels):
    gradients = salience.input_gradients(model, images, labels, output="probability")
    return attacks.decay_ratio(model, images, attacks.fgsm(images, gradients, eps=0.1), labels)


def stitched(model, maps, labels):
    stitch = stitching.direct_match(maps, maps)
    (trained,) = stitching.match_task_loss([maps], model, (2, 8, 8), labels, epochs=2)
    return stitching.accuracy(stitch, maps, model, labels), trained.weight


LABELLED = {"gradients": salience.input_gradients, "compare": compared, "attack": attacked, "stitch": stitched}
SCORED = {**LABELLED, "logits": lambda model, images, labels: predictions.logits(model, images)}
DOORS = {
    **SCORED,
    "CKA": lambda model, images, labels: cka.network_cka([model], images, [["0", "3"]], batch_size=6, passes=2),
}


def close(found, expected, tolerance=1e-5):
    for one, other in zip(*(part if isinstance(part, tuple) else (part,) for part in (found, expected)), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def inference(make):
    with torch.inference_mode():
        return make()


def readonly(array):
    array.setflags(write=False)
    return array


SAME_IMAGES = {
    "a graph": lambda x: x.clone().requires_grad_(),
    "hanging on a graph": lambda x: x.clone().requires_grad_() * 1,
    "float64": torch.Tensor.double,
    "channels last": lambda x: x.to(memory_format=torch.channels_last),
    "inference mode": lambda x: inference(x.clone),
    "an array": torch.Tensor.numpy,
    "an array with backward strides": lambda x: x.numpy()[:, :, ::-1].copy()[:, :, ::-1],
    "an array of the other byte order": lambda x: x.numpy().astype(">f4"),
    "an array that must not be written": lambda x: readonly(x.numpy().copy()),
    "a list": lambda x: list(x),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize("form", SAME_IMAGES.values(), ids=SAME_IMAGES)
def test_images_of_every_form_give_the_numbers_of_a_plain_tensor(door, form):
    images = form(IMAGES.clone())
    close(door(network(), images, LABELS), door(network(), IMAGES, LABELS))
    again = (
        torch.stack(images)
        if isinstance(images, list)
        else torch.as_tensor(np.array(images, float))
        if isinstance(images, np.ndarray)
        else images
    )
    assert torch.equal(again.detach().float(), IMAGES)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_images_in_half_precision_give_what_their_numbers_give(door, dtype):
    images = IMAGES.to(dtype)
    close(door(network(), images, LABELS), door(network(), images.float(), LABELS))


WRONG_IMAGES = {
    "bytes": lambda x: (x * 40 + 128).byte(),
    "whole numbers": lambda x: x.long(),
    "complex": lambda x: x.to(torch.complex64),
    "NaN": lambda x: x.where(x != x[3, 0, 1, 1], torch.nan),
    "infinite": lambda x: x.where(x != x[3, 0, 1, 1], torch.inf),
    "none": lambda x: x[:0],
    "words": lambda x: ["picture"] * len(x),
    "nothing": lambda x: None,
    "sparse": lambda x: x.to_sparse(),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize("form", WRONG_IMAGES.values(), ids=WRONG_IMAGES)
def test_what_is_no_image_is_refused_in_one_sentence(door, form):
    with pytest.raises(ValueError, match=r"^(the )?(images|source) must [^\n]*$"):
        door(network(), form(IMAGES), LABELS)


KINDS = ("uint8", "int8", "int16", "int32", "uint16", "uint32")


@pytest.mark.parametrize("door", LABELLED.values(), ids=LABELLED)
@pytest.mark.parametrize(
    "form",
    [*(getattr(torch, kind) for kind in KINDS), *map(np.dtype, KINDS), ">i4", list, lambda y: inference(y.clone)],
    ids=lambda form: getattr(form, "__name__", str(form)),
)
def test_labels_of_every_whole_type_are_taken(door, form):
    if isinstance(form, torch.dtype):
        labels = LABELS.to(form)
    else:
        labels = form(LABELS) if callable(form) else LABELS.numpy().astype(form)
    close(door(network(), IMAGES, labels), door(network(), IMAGES, LABELS))


WRONG_LABELS = {
    "float": lambda y: y.float(),
    "bool": lambda y: y > 1,
    "a column": lambda y: y[:, None],
    "one-hot": lambda y: nn.functional.one_hot(y),
    "too few": lambda y: y[:5],
    "negative": lambda y: y - 1,
    "too large": lambda y: y + 1,
    "words": lambda y: ["ant"] * len(y),
    "nothing": lambda y: None,
}


@pytest.mark.parametrize("door", LABELLED.values(), ids=LABELLED)
@pytest.mark.parametrize("form", WRONG_LABELS.values(), ids=WRONG_LABELS)
def test_what_is_no_label_is_refused_in_one_sentence(door, form):
    with pytest.raises(ValueError, match=r"^[^\n]*labels[^\n]*$"):
        door(network(), IMAGES, form(LABELS))


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


def plain(forms):
    """The network that each form stands for."""
    return {name: (make, network) for name, make in forms.items()}


SAME_NETWORKS = plain(
    {
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
    }
) | {
    "in place": (lambda: network(nn.ReLU(inplace=True)), lambda: network(nn.ReLU())),
    "normalising in place": (lambda: network(InPlace()), lambda: network(OutOfPlace())),
    "float16": (lambda: network().half(), lambda: network().half().float()),
    "bfloat16": (lambda: network().bfloat16(), lambda: network().bfloat16().float()),
}


@pytest.mark.parametrize("door", SCORED.values(), ids=SCORED)
@pytest.mark.parametrize("form, same", SAME_NETWORKS.values(), ids=SAME_NETWORKS)
def test_networks_of_every_form_give_the_numbers_of_a_plain_one_and_are_left_alone(door, form, same):
    model, images = form(), IMAGES.clone()
    modes = [getattr(module, "training", None) for module in model.modules()]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    close(door(model, images, LABELS), door(same(), IMAGES, LABELS), 1e-4)
    assert torch.equal(images, IMAGES) and modes == [getattr(part, "training", None) for part in model.modules()]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


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
        close(door(model, IMAGES, LABELS), door(network(), IMAGES, LABELS))


@pytest.mark.parametrize(
    "layer, sentence",
    [
        (nn.MultiheadAttention(8, 2), "the layer '0' returns a tuple, and a point must be one tensor"),
        (torch.jit.script(nn.Linear(8, 8)), "layers of a TorchScript cannot be read"),
        (nn.Flatten(0, 1), r"the layer '0' returns \[24, 8, 8\] for 12 images, and a point needs the images first"),
    ],
)
def test_layers_that_are_no_representation_of_images_are_refused(layer, sentence):
    class Model(nn.Sequential):
        def forward(self, x):
            return self[0](*[x[:, 0]] * 3) if isinstance(self[0], nn.MultiheadAttention) else self[0](x)

    with pytest.raises(ValueError, match=sentence):
        models.representation(Model(layer), IMAGES, ["0"])


def test_a_network_of_torchvision_is_looked_at_cut_and_stitched():
    from torchvision.models import resnet18

    torch.manual_seed(0)
    model, (images, labels) = resnet18(num_classes=4).eval(), random_images(6, 3, (32, 32))
    points = models.block_points(model)
    assert points[:2] == ("relu", "layer1.0") and points[-2:] == ("layer4.1", "fc") and len(points) == 10
    net = models.CutNetwork(model)
    found, whole = net.representations(images), models.representation(model, images, points)
    assert torch.equal(found["logits"], predictions.logits(model, images)) and net.points == points[1:-1]
    np.testing.assert_array_equal(found["layer2.1"].flatten(1), whole["layer2.1"])
    stitch = stitching.direct_match(found["layer3.0"], found["layer3.0"])
    expected = (found["logits"].argmax(1) == labels).double().mean()
    assert stitching.accuracy(stitch, found["layer3.0"], net.end("layer3.0"), labels) == float(expected)
    assert cka.network_cka([copy.deepcopy(model)], images, [points], batch_size=6, passes=1).shape == (10, 10)
