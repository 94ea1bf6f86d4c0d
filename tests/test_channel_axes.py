"""Where channels stand is told by the layers around, and stitches and probes go by it."""

import pytest
import torch
import torchvision
from small_networks import network, random_images
from torch import nn

from lib import own
from lib.cka.probes import probe_accuracies
from lib.data.loading import ImageData
from lib.models.channel_axes import FIRST, LAST, channel_places

IMAGES, LABELS = random_images(40, 3, (32, 32))


def swin():
    torch.manual_seed(0)
    model = torchvision.models.SwinTransformer([4, 4], 12, [1, 1], [2, 2], [4, 4], num_classes=4)
    nn.init.normal_(model.head.weight)
    return model.eval()


def convnext():
    setting = torchvision.models.convnext.CNBlockConfig
    torch.manual_seed(1)
    return torchvision.models.ConvNeXt([setting(6, 12, 1), setting(12, None, 1)], num_classes=4).eval()


class Turned(nn.Module):
    def forward(self, x):
        return x.movedim(1, -1)


def turning(channels, size=8, back=LAST):
    """A convolution, maps turned round, and a layer that is no module's: images [n, 3, size, size]."""
    rest = [nn.Linear(channels, channels)] if back == LAST else []
    return nn.Sequential(
        nn.Conv2d(3, channels, 1), nn.Tanh(), Turned(), nn.Tanh(), *rest, nn.Flatten(), nn.LazyLinear(4)
    )


PLACES = [
    (swin, {"features.0.0": FIRST, "features.0.1": LAST, "features.1": LAST, "features.2": LAST, "norm": LAST}),
    (swin, {"permute": FIRST, "avgpool": FIRST, "head": None}),
    (convnext, {"features.0": FIRST, "features.1": FIRST, "features.1.0.block.3": LAST, "features.2.0": FIRST}),
    (lambda: torchvision.models.densenet.DenseNet(4, (2, 2), 8, num_classes=4).eval(), {"features.denseblock1": FIRST}),
    (lambda: torchvision.models.VisionTransformer(32, 8, 1, 2, 16, 32).eval(), {"conv_proj": FIRST, "encoder": LAST}),
    (lambda: network(family="vit", channels=3, size=32), {"blocks.0": FIRST}),
    (
        lambda: network(family="resnet-8", channels=3, size=32),
        {"stem": FIRST, "stage1.0": FIRST, "stage2.0.add": FIRST},
    ),
]


@pytest.mark.parametrize("make, expected", PLACES)
def test_the_layers_around_tell_where_channels_stand(make, expected):
    found = channel_places(make(), IMAGES, list(expected), device="cpu")
    assert {point: found.get(point) for point in expected} == expected


@pytest.mark.parametrize("size, channels, told", [(32, 6, {"1": FIRST, "3": LAST}), (6, 6, {"1": None, "3": None})])
def test_of_axes_that_are_all_as_long_nothing_is_told_where_both_kinds_meet(size, channels, told):
    images = IMAGES[:, :, :size, :size]
    model = turning(channels)
    model(images)
    assert channel_places(model, images, ["1", "3"], device="cpu") == told


POINTS = ["features.0.0", "features.0", "features.1", "features.2", "norm", "permute"]


@pytest.mark.parametrize("matching", ["direct", "task loss"])
def test_swin_is_stitched_by_its_channels(matching):
    """To itself a layer is stitched by the identity: fitting axes that are no channels would need other sizes."""
    model = swin()
    found = own.stitch(
        model, model, IMAGES, LABELS, (POINTS, POINTS), fit_images=20, epochs=1, matching=matching, device="cpu"
    )
    assert len(found) == 36
    if matching == "direct":
        for point in POINTS:
            row = found.loc[point, point]
            assert row["residual"] < 1e-6 and row["accuracy"] == row["accuracy of the end"], point


def test_a_stitch_does_not_depend_on_where_its_layers_have_the_channels():
    model = swin()
    found = own.stitch(model, model, IMAGES, LABELS, (["norm", "permute"],) * 2, fit_images=20)
    for column in found:
        assert found[column].to_numpy() == pytest.approx(found[column].iloc[0], abs=1e-6)


def test_where_the_channels_are_not_told_it_is_asked_for_and_what_is_given_counts():
    images, model = IMAGES[..., :6, :6], turning(6)
    model(images)
    with pytest.raises(ValueError, match="Sequential does not tell where the channels of '2' stand; give channels="):
        own.stitch(model, model, images, LABELS, (["2"], ["1"]), fit_images=20)
    found = own.stitch(model, model, images, LABELS, (["2"], ["1"]), fit_images=20, channels=("last", "first"))
    assert found.loc["2", "1"]["residual"] < 1e-6  # the same numbers, turned round
    for wrong in ("last", ("last",), ("last", "end")):
        with pytest.raises(ValueError, match="channels must be two of 'first', 'last' and None"):
            own.stitch(model, model, images, LABELS, (["2"], ["1"]), fit_images=20, channels=wrong)


@pytest.mark.parametrize("point", ["features.1", "head"])
def test_probes_pool_maps_alone(point):
    images = ImageData("noise", 0, IMAGES, LABELS, IMAGES, LABELS, tuple("abcd"), (0.0,) * 3, (1.0,) * 3)
    assert len(probe_accuracies(swin(), images, ["features.0.0"], pool=2)) == 1
    with pytest.raises(ValueError, match=f"pool needs maps .* layer '{point}' puts out"):
        probe_accuracies(swin(), images, [point], pool=2)
