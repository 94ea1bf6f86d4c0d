"""Image classifiers of timm and of Hugging Face, with random weights, go through the doors as they are."""

import numpy as np
import pytest
import torch
from small_networks import random_images

from lib import own

timm = pytest.importorskip("timm", reason="needs timm and transformers")
transformers = pytest.importorskip("transformers", reason="needs timm and transformers")
pytestmark = pytest.mark.filterwarnings("ignore:no better than")
IMAGES, LABELS = random_images(16, 3, (32, 32))


def residual():
    sizes = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    return transformers.ResNetForImageClassification(transformers.ResNetConfig(**sizes, num_labels=4))


def transformer():
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.ViTConfig(**sizes, image_size=32, patch_size=8, num_labels=4)
    return transformers.ViTForImageClassification(config)


# what makes a network, and a layer of it
KINDS = {
    "timm resnet": (lambda: timm.create_model("resnet10t.c3_in1k", pretrained=False, num_classes=4), "layer1"),
    "timm vit": (
        lambda: timm.models.VisionTransformer(32, 8, embed_dim=16, depth=2, num_heads=2, num_classes=4),
        "blocks.0",
    ),
    "residual": (residual, "resnet.encoder.stages.0"),
    "transformer": (transformer, "vit.layers.0"),
}


@pytest.fixture(scope="module", params=KINDS)
def made(request):
    torch.manual_seed(0)
    make, point = KINDS[request.param]
    return make(), make(), point


def test_gradients_and_attacks_are_those_of_the_logits_that_autograd_finds(made):
    first, second, _ = made
    found = own.compare({"a": first, "b": second}, IMAGES, LABELS, grid=None, draws=20).directions["a"][0]
    images = IMAGES.clone().requires_grad_()
    scores = first.eval()(images)
    getattr(scores, "logits", scores).gather(1, LABELS[:, None]).sum().backward()
    expected = torch.nn.functional.normalize(images.grad.flatten(1), dim=1)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    transfer = own.attack_transfer({"a": first, "b": second}, IMAGES, LABELS, eps=0.1, draws=20)
    assert np.isfinite(transfer).all(axis=None)


def test_a_network_stitched_to_itself_is_itself_and_its_cka_one(made):
    first, _, point = made
    stitched = own.stitch(first, first, IMAGES, LABELS, ([point], [point]), fit_images=8).loc[point, point]
    assert stitched["residual"] < 1e-6 and stitched["accuracy"] == stitched["accuracy of the end"]
    cka = own.layer_cka({"a": first, "b": first}, IMAGES, {"a": [point], "b": [point]})
    np.testing.assert_allclose(cka, 1, atol=1e-6)
