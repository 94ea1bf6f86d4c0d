"""Networks of many kinds, torchvision's with their layers, are compared by their gradients, and left as they were."""

import copy
import hashlib

import numpy as np
import pytest
import torch
import torchvision
from small_networks import linear, random_images, returning
from torch import nn
from torchvision.transforms import v2

from lib import cka, models, salience, stitching
from lib.own.comparison import compare
from lib.salience import extraction

pytestmark = pytest.mark.filterwarnings("ignore:no better than")  # untrained networks guess


@pytest.mark.parametrize("family", ["cnn-small", "resnet-small", "vit"])
def test_directions_are_those_of_the_book(family):
    images, labels = random_images(20)
    group = [
        models.initialise(
            models.build(family, 2, in_channels=1, image_size=8, num_classes=4), torch.Generator().manual_seed(seed)
        )
        for seed in range(2)
    ]
    found = compare({"a": group}, images, labels, batch_size=7)
    for model, rows in zip(group, found.directions["a"]):
        book = salience.directions(salience.input_gradients(model, images, labels))
        np.testing.assert_allclose(rows, book, atol=1e-5)


def resnet():
    return torchvision.models.get_model("resnet18", weights=None, num_classes=10)


def vision_transformer():
    """torchvision begins with a head of zeros, which has no gradient."""
    model = torchvision.models.VisionTransformer(64, 16, 2, 2, 24, 48, num_classes=10)
    nn.init.normal_(model.heads.head.weight)
    return model


def mobilenet():
    return torchvision.models.get_model("mobilenet_v3_small", weights=None, num_classes=10)


def digest(model, images):
    sha = hashlib.sha256()
    for name, value in model.state_dict().items():
        sha.update(
            name.encode() + value.contiguous().view(torch.uint8).numpy().tobytes()
            if value.ndim
            else f"{name} {value}".encode()
        )
    sha.update(images.numpy().tobytes())
    flags = [(name, module.training) for name, module in model.named_modules()]
    return sha.hexdigest(), flags, [(part.requires_grad, part.grad is None) for part in model.parameters()]


def test_networks_of_torchvision_are_compared_and_left_as_they_were():
    torch.manual_seed(0)
    images, labels = random_images(4, 3, (64, 64), 10)
    groups = {
        "resnet18": [resnet() for _ in range(2)],
        "vit": [vision_transformer() for _ in range(2)],
        "mobilenet": [mobilenet() for _ in range(2)],
    }
    groups["resnet18"][0].bn1.eval()  # a mixture of modes, and of parameters that are trained
    groups["vit"][0].encoder.requires_grad_(False)
    everyone = [model for group in groups.values() for model in group]
    before = [digest(model, images) for model in everyone]
    found = compare(groups, images, labels, draws=100)
    assert before == [digest(model, images) for model in everyone]
    assert found.rho[0].shape == (3, 3) and np.isfinite(found.rho[0]).all()
    assert {rows.shape for rows in found.directions.values()} == {(2, 4, 3 * 64)}


def test_an_in_place_layer_at_the_beginning_leaves_the_images_alone():
    images, labels = random_images(channels=5, size=(12, 9))
    kept = images.clone()
    torch.manual_seed(0)

    def network():
        return nn.Sequential(
            nn.ReLU(inplace=True),
            nn.Conv2d(5, 3, 3),
            nn.BatchNorm2d(3),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(3, 4),
        )

    found = compare({"a": [network(), network()]}, images, labels, grid=4)
    assert torch.equal(images, kept) and found.directions["a"].shape == (2, 12, 5 * 16)
    # ReLU stops the gradient where a pixel is negative: at the full grid those entries are zero.
    full = compare({"a": [network(), network()]}, images, labels, grid=None).directions["a"]
    assert not full[:, images.flatten(1) < 0].any()


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-5), (torch.bfloat16, 0.1), (torch.float16, 0.02)])
def test_networks_of_other_precisions_get_images_of_theirs(dtype, tolerance):
    torch.manual_seed(0)
    images, labels = random_images(6, 2)
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Softplus(), nn.Flatten(), nn.Linear(108, 4))
    exact = salience.directions(salience.input_gradients(model, images, labels), grid=4).numpy()
    model.to(dtype)
    found = compare({"a": [model, model]}, images, labels, grid=4).directions["a"][0]
    np.testing.assert_allclose((found * exact).sum(1), 1, atol=tolerance)
    assert next(model.parameters()).dtype == dtype


def test_normalisation_may_be_a_part_of_the_network():
    torch.manual_seed(0)
    images, labels = random_images(6, 3)
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    inside = nn.Sequential(v2.Normalize([0.5] * 3, [0.2] * 3), model)
    found = compare({"inside": inside, "outside": model}, images, labels, grid=4)
    np.testing.assert_allclose(found.rho[0][0, 1], 1, atol=1e-5)


def test_networks_that_guess_are_named():
    images, labels = random_images(40)
    rows = torch.eye(4, 64).unflatten(1, (1, 8, 8))
    images = images * 0.01 + rows[labels]
    good, shifted = linear(rows), linear(rows.roll(1, 0))
    with pytest.warns(UserWarning, match="most frequent class: shifted, network 1; are the labels in the order of the"):
        found = compare({"good": [good, good], "shifted": [shifted, good]}, images, labels)
    np.testing.assert_allclose(found.accuracy, [1, 0.5])


def test_gradients_that_vanish_at_some_images_are_counted():
    images, labels = random_images()
    group = [returning(lambda s: s * (torch.arange(4) > 0)) for _ in range(2)]
    assert compare({"a": group}, images, labels).table()["zero gradients"].tolist() == [0.25]


def test_a_network_of_torchvision_is_looked_at_cut_and_stitched():
    from torchvision.models import resnet18

    torch.manual_seed(0)
    model, (images, labels) = resnet18(num_classes=4).eval(), random_images(6, 3, (32, 32))
    points = models.block_points(model)
    assert points[:2] == ("relu", "layer1.0") and points[-2:] == ("layer4.1", "fc") and len(points) == 10
    net = models.CutNetwork(model)
    found, whole = net.representations(images), models.representation(model, images, points)
    assert torch.equal(found["logits"], extraction.logits(model, images)) and net.points == points[1:-1]
    np.testing.assert_array_equal(found["layer2.1"].flatten(1), whole["layer2.1"])
    stitch = stitching.direct_match(found["layer3.0"], found["layer3.0"])
    expected = (found["logits"].argmax(1) == labels).double().mean()
    assert stitching.accuracy(stitch, found["layer3.0"], net.end("layer3.0"), labels) == float(expected)
    assert cka.network_cka([copy.deepcopy(model)], images, [points], batch_size=6, passes=1).shape == (10, 10)
