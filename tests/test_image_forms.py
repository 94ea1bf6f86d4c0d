"""Whatever form a reader's images and labels come in, every public door gives the same numbers or refuses."""

import numpy as np
import pytest
import torch
from public_doors import DOORS, IMAGES, LABELLED, LABELS, close, inference, network, plainly
from torch import nn

pytestmark = pytest.mark.filterwarnings("ignore:no better than")


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
    close(door(network(), images, LABELS), plainly(door))
    if not isinstance(images, torch.Tensor):
        images = torch.stack(images) if isinstance(images, list) else torch.as_tensor(np.array(images, float))
    assert torch.equal(images.detach().float(), IMAGES)


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
    "without numbers": lambda x: x.to("meta"),
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
    close(door(network(), IMAGES, labels), plainly(door))


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
