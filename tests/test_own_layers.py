"""CKA, stitches and attacks of a reader's networks: labelled, and the numbers of the functions of the book."""

import pytest
import torch
import torchvision
from small_networks import network, random_images
from torch import nn

from lib import attacks, cka, models, own, salience, stitching
from lib.runtime import room

IMAGES, LABELS = random_images(40)
PAIR = {"a": network(0, "resnet-small"), "b": network(1, "cnn-small")}


def test_the_map_of_layers_is_named_and_that_of_linear_cka():
    points = {"a": ["layer1", "layer3.0"], "b": ["backbone.3"]}
    found = own.layer_cka(PAIR, IMAGES, points)
    layers = {
        (name, point): models.representation(PAIR[name], IMAGES, [point])[point]
        for name in points
        for point in points[name]
    }
    assert list(found.index) == list(found.columns) == list(layers)
    for one, x in layers.items():
        for other, y in layers.items():
            assert found.loc[one, other] == pytest.approx(cka.linear_cka(x, y), abs=1e-5)
    with pytest.raises(ValueError, match="points has no layers of 'b'"):
        own.layer_cka(PAIR, IMAGES, {"a": ["layer1"]})


def test_without_points_the_layers_of_a_residual_network_are_its_blocks():
    model = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=4)
    found = own.layer_cka({"a": model}, random_images(8, 3, (32, 32))[0])
    assert list(found.index.get_level_values("layer")) == ["relu", *(f"layer{stage}.0" for stage in (1, 2, 3, 4)), "fc"]


@pytest.mark.parametrize("matching", ["direct", "task loss"])
def test_stitches_are_those_of_the_functions_they_are_made_of_on_other_images(matching):
    points = ["layer1", "layer3.0"], ["backbone.3", "backbone.8"]
    with torch.inference_mode():  # as a reader's own evaluations may be
        found = own.stitch(*PAIR.values(), IMAGES, LABELS, points, matching=matching, fit_images=15, epochs=2, seed=3)
    assert list(found.index) == [(one, other) for one in points[0] for other in points[1]]
    order = torch.randperm(40, generator=torch.Generator().manual_seed(3))
    fit, rest = order[:15], order[15:]
    for one, other in found.index:
        (x,), (y,) = models.activations(PAIR["a"], IMAGES, [one]), models.activations(PAIR["b"], IMAGES, [other])
        x, y = x[one], y[other]
        end = nn.Sequential(*PAIR["b"].backbone[int(other.split(".")[1]) + 1 :], PAIR["b"].fc)
        if matching == "direct":
            stitch = stitching.direct_match(x[fit], y[fit])
        else:
            generator = torch.Generator().manual_seed(3)
            (stitch,) = stitching.match_task_loss([x[fit]], end, y.shape[1:], LABELS[fit], generator, epochs=2)
        row = found.loc[one, other]
        assert row["accuracy"] == stitching.accuracy(stitch, x[rest], end, LABELS[rest])
        assert row["residual"] == pytest.approx(stitching.residual(stitch(x[rest]).detach(), y[rest]), rel=1e-3)
        right = (PAIR["b"](IMAGES[rest]).argmax(1) == LABELS[rest]).double().mean()
        assert row["accuracy of the end"] == pytest.approx(float(right))


@pytest.mark.parametrize("point", ["conv_proj", "encoder.layers.encoder_layer_0", "encoder.ln", "heads"])
def test_maps_tokens_and_features_of_a_transformer_stitched_to_itself_are_itself(point):
    torch.manual_seed(0)
    model = torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=4)
    torch.nn.init.normal_(model.heads.head.weight)
    images, labels = random_images(40, 3, (32, 32))
    found = own.stitch(model, model, images, labels, ([point], [point]), fit_images=20).loc[point, point]
    assert found["residual"] < 1e-6 and found["accuracy"] == found["accuracy of the end"]


def test_attacks_are_named_by_source_and_target_and_their_decay_is_the_book_s():
    networks = PAIR | {"c": network(2, "vit")}
    found = own.attack_transfer(networks, IMAGES, LABELS, eps=0.1, draws=50)
    assert list(found.index) == [(one, other) for one in networks for other in networks if one != other]
    for one, other in found.index:
        gradients = salience.input_gradients(networks[one], IMAGES, LABELS, output="probability")
        attacked = attacks.fgsm(IMAGES, gradients, eps=0.1)
        expected = attacks.decay_ratio(networks[other], IMAGES, attacked, LABELS)
        row = found.loc[one, other]["decay ratio"]
        assert row["estimate"] == pytest.approx(expected, rel=1e-4) and row["low"] < row["estimate"] < row["high"]


def stitched(**changes):
    points = ["layer1"], ["backbone.3"]
    given = {"images": IMAGES, "labels": LABELS, "points": points, "fit_images": 15} | changes
    return own.stitch(*PAIR.values(), **given)


def attacked(models=PAIR, **changes):
    return own.attack_transfer(models, **({"images": IMAGES, "labels": LABELS, "eps": 0.1} | changes))


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: stitched(matching="best"), "unknown matching 'best'; the matchings are direct, task loss"),
        (lambda: stitched(fit_images=39), "images must hold 41 images or more"),
        (lambda: stitched(points=(["layer7"], ["backbone.3"])), "ResNet has no layer 'layer7'; did you mean"),
        (lambda: stitched(points=(["layer1"], ["fc", "fc"])), "points must be one or more different layers"),
        (lambda: attacked({"a": PAIR["a"]}), "attacks need two networks or more"),
        (lambda: attacked({"a": [PAIR["a"]], "b": PAIR["b"]}), "a name and one torch.nn.Module each"),
        (lambda: attacked(eps=-1), "eps must be a finite number of at least 0"),
        (lambda: attacked(images={"a": IMAGES}), "images must be a dense tensor or array of numbers, not a dict"),
    ],
)
def test_what_does_not_fit_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize(
    "call, each, what",
    [
        (
            stitched,
            2 * 4 * (2 * 16 + 4 * 64),
            "images in these layers",
        ),  # two copies of [2, 4, 4] and [4, 8, 8] in float32
        (attacked, 3 * 2 * 4 * 64, "images with gradients of these networks"),
        (lambda: own.compare(PAIR, IMAGES, LABELS), 3 * 2 * 4 * 64, "images with the directions of these networks"),
    ],
)
def test_how_many_images_would_fit_is_told_before_any_work(monkeypatch, call, each, what):
    monkeypatch.setattr(room, "available_memory", lambda: 7 * each + 1)
    with pytest.raises(ValueError, match=f"^40 {what} take .* of memory, and .* available; take fewer of them, 7 at"):
        call()
