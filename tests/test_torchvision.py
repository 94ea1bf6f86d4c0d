"""A network of torchvision passes through the public doors with its layers."""

import copy

import numpy as np
import torch
from small_networks import random_images

from lib import cka, models, stitching
from lib.salience import extraction


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
