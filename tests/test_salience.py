"""Input gradients against other ways to take them, and directions against other ways to average."""

import copy

import numpy as np
import pytest
import torch
from captum.attr import Saliency
from small_networks import network, random_images, slow_gradients
from torch import nn
from torch.nn import functional as F

from lib import models
from lib.models.folding import quick
from lib.salience import extraction, input_gradients

OUTPUTS = ("logit", "probability", "log-probability")


@pytest.fixture(params=(*models.FAMILIES, "resnet-8", "plain-8"))
def model(request):
    return network(family=request.param).train()


@pytest.fixture
def smooth():
    """A float64 network without kinks, so that finite differences have no jumps to cross."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.Softplus(), nn.Flatten(), nn.Linear(27, 4)).double()


def test_gradients_are_those_of_captum(model):
    images, labels = random_images(9)
    theirs = Saliency(copy.deepcopy(model).eval()).attribute(images.clone().requires_grad_(), labels, abs=False)
    atol = 1e-6 * float(theirs.abs().max())
    torch.testing.assert_close(input_gradients(model, images, labels), theirs, rtol=1e-5, atol=atol)


@pytest.mark.parametrize("channels, size", [(1, 8), (3, 32), (1, 7), (2, 1)])
@pytest.mark.parametrize(
    "family, width, output",
    [
        *(
            (family, width, "logit")
            for family in ("cnn-small", "cnn-large", "resnet-small", "resnet-large")
            for width in (1, 2, 8)
        ),
        *((family, 1, "logit") for family in ("resnet-8", "resnet-14")),
        *((*of, output) for of in (("plain-8", 1), ("vit", 2)) for output in OUTPUTS),
        *((*of, output) for of in (("cnn-small", 1), ("resnet-large", 2)) for output in OUTPUTS[1:]),
    ],
)
def test_gradients_are_those_of_the_slow_twin(family, width, channels, size, output):
    model = network(0, family, width, channels, size).train()
    images, labels = random_images(9, channels, (size, size))
    fast, slow = input_gradients(model, images, labels, output=output), slow_gradients(model, images, labels, output)
    apart, lengths = (part.flatten(1).norm(dim=1) for part in (fast - slow, slow))
    assert apart.max() <= 3e-6 * lengths.max()  # of all images: where it nearly cancels, rounding is a larger part


@pytest.mark.parametrize("family", ["cnn-small", "cnn-large", "resnet-small", "resnet-large", "resnet-8", "plain-8"])
@pytest.mark.parametrize("channels, size", [(1, 8), (3, 32)])
def test_the_quick_form_has_the_same_gradient_to_the_last_digits_of_double_precision(family, channels, size):
    model = network(0, family, 1, channels, size).double()
    images, labels = random_images(9, channels, (size, size))
    images = images.double()
    fast, slow = (extraction._batch_gradients(net, images, labels, "logit") for net in (quick(model), model))
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12 * float(slow.abs().max()))
    torch.testing.assert_close(input_gradients(model, images, labels), slow.float(), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("family, norm", [("cnn-small", "backbone.4"), ("resnet-small", "bn1"), ("plain-8", "stem.1")])
@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_where_all_relus_are_dead_the_gradient_is_exactly_zero(family, norm, scale):
    model = network(family=family).train()
    with torch.no_grad():
        model.get_submodule(norm).weight.mul_(scale)
        model.get_submodule(norm).bias.copy_(torch.tensor(-100.0 if scale else 0.0))
    assert not input_gradients(model, *random_images(9)).any()


def test_pixels_that_no_living_channel_sees_have_a_gradient_of_exactly_zero():
    """The first convolution sees only the right column of each kernel, so the first column of pixels is not read."""
    model = network(family="cnn-small").train()
    with torch.no_grad():
        model.backbone[0].weight[..., :2] = 0
    gradients = input_gradients(model, *random_images(9))
    assert not gradients[..., 0].any() and gradients[..., 1:].any()


@pytest.mark.parametrize("output", OUTPUTS)
def test_gradients_are_finite_differences(smooth, output):
    images, labels = random_images(3, channels=2, size=(5, 5))
    images = images.double()
    score = {
        "logit": lambda z: z,
        "probability": lambda z: F.softmax(z, 1),
        "log-probability": lambda z: F.log_softmax(z, 1),
    }[output]
    gradients, step = input_gradients(smooth, images, labels, output=output), 1e-5
    for place in np.ndindex(2, 5, 5):
        nudge = torch.zeros(1, 2, 5, 5, dtype=torch.float64)
        nudge[0, *place] = step
        with torch.no_grad():
            slope = (score(smooth(images + nudge)) - score(smooth(images - nudge))) / (2 * step)
        expected = slope[torch.arange(3), labels].float()
        torch.testing.assert_close(gradients[:, *place], expected, rtol=1e-5, atol=1e-7)


def test_a_linear_model_has_the_weights_of_the_true_class_as_gradient():
    linear = nn.Sequential(nn.Flatten(), nn.Linear(8, 4))
    images, labels = random_images(6, channels=2, size=(2, 2))
    weights = linear[1].weight.detach()
    expected = {"logit": weights[labels]}
    p = linear(images).softmax(1).detach()
    expected["log-probability"] = weights[labels] - p @ weights
    expected["probability"] = p.gather(1, labels[:, None]) * expected["log-probability"]
    for output, rows in expected.items():
        gradients = input_gradients(linear, images, labels, output=output)
        torch.testing.assert_close(gradients, rows.view(6, 2, 2, 2), rtol=1e-5, atol=1e-7)
