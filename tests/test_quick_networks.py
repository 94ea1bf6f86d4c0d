"""Only networks of this library as they were built have a quick form, and making it leaves them alone."""

import pytest
import torch
from small_networks import network, random_images
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from lib.models.folding import SpreadConvolution, quick


@pytest.mark.parametrize("size", [(4, 4), (8, 6), (32, 32), (7, 8), (8, 7), (2, 2), (1, 1)])
@pytest.mark.parametrize("stride, padding", [(2, 3), (1, 3), (2, 4)])
def test_a_convolution_of_stride_two_is_the_same_on_blocks_of_pixels(size, stride, padding):
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 2, 7, stride=stride, padding=padding).double()
    images = torch.randn(4, 3, *size, dtype=torch.float64)
    torch.testing.assert_close(SpreadConvolution(layer)(images), layer(images), rtol=1e-9, atol=1e-9)
    assert (SpreadConvolution(layer).weight is None) == ((stride, padding) != (2, 3))


def changed(family, change):
    model = network(family=family)
    change(model)
    return model.eval()


def replaced(name, layer):
    def change(model):
        model.set_submodule(name, layer)
    return change


def overridden(model):
    model.fc.forward = lambda x: 2 * x


def subclassed(model):
    model.__class__ = type("Mine", (type(model),), {})


OTHERS = {
    "a vision transformer": lambda: network(family="vit"),
    "a subclass": lambda: changed("cnn-small", subclassed),
    "wrapped": lambda: nn.Sequential(network()),
    "a hook": lambda: changed("cnn-small", lambda model: model.fc.register_forward_hook(lambda *_: None)),
    "a hook before": lambda: changed("resnet-8", lambda model: model.fc.register_forward_pre_hook(lambda *_: None)),
    "a backward hook": lambda: changed("resnet-8", lambda model: model.register_full_backward_hook(lambda *_: None)),
    "a forward": lambda: changed("cnn-small", overridden),
    "parametrized": lambda: changed("cnn-small", lambda model: weight_norm(model.backbone[0])),
    "another activation": lambda: changed("cnn-small", replaced("backbone.2", nn.GELU())),
    "another padding": lambda: changed("cnn-small", replaced("backbone.0", nn.Conv2d(1, 2, 3, padding=1,
                                                                                    padding_mode="reflect"))),
    "batch statistics": lambda: changed("resnet-small", replaced("bn1", nn.BatchNorm2d(2, track_running_stats=False))),
    "no convolution before": lambda: changed("cnn-small", replaced("backbone.2", nn.BatchNorm2d(2))),
    "half precision": lambda: network().bfloat16(),
    "foreign": lambda: nn.Flatten(),
}


@pytest.mark.parametrize("name", OTHERS)
def test_only_this_library_s_own_convolutional_networks_have_a_quick_form(name):
    assert quick(OTHERS[name]()) is None


@pytest.mark.parametrize("family", ["cnn-small", "cnn-large", "resnet-small", "resnet-8", "plain-8"])
def test_the_quick_form_holds_no_batch_norm_and_leaves_the_network_alone(family):
    model = network(family=family)
    before = {name: (value.clone(), value.stride(), value.data_ptr()) for name, value in model.state_dict().items()}
    modules = dict(model.named_modules())
    images = random_images()[0]
    made = quick(model)
    torch.testing.assert_close(made(images), model(images), rtol=1e-4, atol=1e-5)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in made.modules())
    assert not any(weight.requires_grad for weight in made.parameters())
    assert all(weight.requires_grad for weight in model.parameters())
    assert dict(model.named_modules()) == modules and model.state_dict().keys() == before.keys()
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name][0]) and (value.stride(), value.data_ptr()) == before[name][1:]
