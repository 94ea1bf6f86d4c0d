"""Quicker forms of frozen networks are the same functions, and leave the networks they were made from alone."""

import copy

import pytest
import torch
from small_networks import network, random_images
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from lib.models.cut_networks import CutNetwork
from lib.models.folding import FoldedConvolution, SpreadConvolution, folded, quick

DOUBLE = torch.float64


@pytest.mark.parametrize(
    "family, size",
    [
        *((family, size) for family in ("resnet-small", "resnet-large", "resnet-8", "plain-8") for size in (4, 8, 16)),
        ("cnn-small", 8),
        ("vit", 8),
    ],
)
def test_it_is_the_same_function(family, size):
    model = network(family=family).to(DOUBLE)
    images = torch.randn(5, 1, size, size, dtype=DOUBLE, generator=torch.Generator().manual_seed(1))
    expected, state = model(images), copy.deepcopy(model.state_dict())
    torch.testing.assert_close(folded(model)(images), expected, rtol=1e-9, atol=1e-9)
    assert all(map(torch.equal, model.state_dict().values(), state.values()))
    assert not any(isinstance(module, FoldedConvolution) for module in model.modules())


def test_so_are_its_gradients():
    model = network(family="resnet-large").to(DOUBLE)
    net = CutNetwork(model)
    end, x = net.end("layer1.0"), net.representations(random_images()[0].to(DOUBLE))["layer1.0"]
    slow, fast = (
        torch.autograd.grad(one(leaf).square().sum(), leaf)[0]
        for one, leaf in ((end, x.clone().requires_grad_()), (folded(end), x.clone().requires_grad_()))
    )
    torch.testing.assert_close(fast, slow, rtol=1e-9, atol=1e-9)


def test_no_batch_norm_is_left_in_a_residual_network_and_nothing_takes_a_gradient():
    frozen = folded(network(family="resnet-large").train())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in frozen.modules())
    assert not any(module.training for module in frozen.modules())
    assert not any(parameter.requires_grad for parameter in frozen.parameters())


class Twice(nn.Sequential):
    """Uses the output of its convolution twice."""

    def forward(self, x):
        y = self[0](x)
        return y + self[1](y)


class Inside(nn.Module):
    """The same with a plain Sequential, whose children it calls itself."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return Twice.forward(self.layers, x)


def hooked():
    layer = nn.Conv2d(8, 6, 3)
    layer.register_forward_hook(lambda module, inputs, output: 2 * output)
    return layer


def normed(**options):
    """BatchNorm whose statistics are not the defaults."""
    norm = nn.BatchNorm2d(6, **options)
    if norm.running_mean is not None:
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    return norm


UNUSUAL = {
    "reflect": lambda: nn.Sequential(nn.Conv2d(8, 6, 3, padding=1, padding_mode="reflect"), normed()),
    "groups": lambda: nn.Sequential(nn.Conv2d(8, 6, 3, padding=1, groups=2), normed()),
    "weight norm": lambda: nn.Sequential(weight_norm(nn.Conv2d(8, 6, 3)), normed()),
    "hook": lambda: nn.Sequential(hooked(), normed()),
    "a forward of its own": lambda: Twice(nn.Conv2d(8, 6, 3), normed()),
    "children called by another": lambda: Inside(nn.Conv2d(8, 6, 3), normed()),
    "no running statistics": lambda: nn.Sequential(nn.Conv2d(8, 6, 3), normed(track_running_stats=False)),
    "no weights": lambda: nn.Sequential(nn.Conv2d(8, 6, 3), normed(affine=False)),
    "one convolution twice": lambda: nn.Sequential(*(same := [nn.Conv2d(6, 6, 3), normed()]), same[0], normed()),
    "pools": lambda: nn.Sequential(nn.Conv2d(8, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.MaxPool2d(2), nn.ReLU()),
}


@pytest.mark.parametrize("name", UNUSUAL)
@torch.no_grad()
def test_it_is_the_same_function_of_what_this_library_does_not_build(name):
    torch.manual_seed(0)
    model = UNUSUAL[name]().double().eval()
    images = torch.randn(5, 6 if name == "one convolution twice" else 8, 7, 7, dtype=DOUBLE)
    torch.testing.assert_close(folded(model)(images), model(images), rtol=1e-9, atol=1e-9)


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
    "another padding": lambda: changed(
        "cnn-small", replaced("backbone.0", nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"))
    ),
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


def test_only_small_maps_go_through_a_matrix():
    layer = FoldedConvolution(nn.Conv2d(2, 3, 3, padding=1)).requires_grad_(False)
    for size in (2, 4, 5):
        layer(torch.zeros(1, 2, size, size))
    assert {shape[1]: found is None for shape, found in layer.matrices.items()} == {2: False, 4: False, 5: True}
    wide = FoldedConvolution(nn.Conv2d(512, 512, 3, padding=1)).requires_grad_(False)
    assert wide(torch.zeros(1, 512, 4, 4)).shape == (1, 512, 4, 4) and set(wide.matrices.values()) == {None}
