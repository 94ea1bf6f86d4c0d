"""The residual networks of the paper on wide and deep networks: its sizes, its blocks, its initial weights."""

import math

import pytest
import torch
from small_networks import randomised
from torch import nn
from torch.nn import functional as F

from lib import models
from lib.models.cifar_resnets import Addition

WIDTHS = (1, 2, 4, 8, 10)
# Fact sheet 1.1: depth -> millions of trainable parameters at those widths, and the layers that Keras counts.
TABLE = {
    14: ("0.176 0.697 2.78 11.1 17.3", 51),
    20: ("0.273 1.09 4.33 17.3 27.0", 72),
    26: ("0.371 1.47 5.88 23.5 36.7", 93),
    32: ("0.468 1.86 7.43 29.7 46.4", 114),
    38: ("0.565 2.25 8.98 35.9 56.1", 135),
    44: ("0.663 2.64 10.5 42.1 65.7", 156),
    56: ("0.858 3.42 13.6 54.5 85.1", 198),
    62: ("0.955 3.80 15.2 60.7 94.8", 219),
    110: ("1.73 6.91 27.6 110 172", 387),
    164: ("2.61 10.4 41.6 166 259", 576),
}


FAMILIES = ("resnet-14", "plain-14")


def noise(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def initialised(family, seed=0, width=1, **sizes):
    return models.initialise(models.build(family, width, **sizes), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("depth", TABLE)
def test_parameter_counts_are_those_of_the_table_to_all_its_digits(depth):
    for text, width in zip(TABLE[depth][0].split(), WIDTHS, strict=True):
        count = models.count_parameters(f"resnet-{depth}", width)
        digits = len(text.partition(".")[2])
        assert f"{count / 1e6:.{digits}f}" == text, (depth, width, count)


@pytest.mark.parametrize("depth", TABLE)
@pytest.mark.parametrize("kind", ["resnet", "plain"])
def test_a_network_has_the_layers_of_its_depth_and_those_that_keras_counts(depth, kind):
    with torch.device("meta"):
        modules = list(models.build(f"{kind}-{depth}", 1).modules())
    kernels = [module.kernel_size for module in modules if isinstance(module, nn.Conv2d)]
    assert kernels.count((3, 3)) + sum(isinstance(module, nn.Linear) for module in modules) == depth
    assert kernels.count((1, 1)) == (2 if kind == "resnet" else 0)
    counted = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, Addition, nn.Linear)
    # Keras counts the input, the pool and its flattening too.
    layers = sum(isinstance(module, counted) for module in modules) + 3
    blocks = (depth - 2) // 2
    assert layers == (TABLE[depth][1] if kind == "resnet" else TABLE[depth][1] - blocks - 2)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["resnet", "plain"])
@pytest.mark.parametrize("size", [8, 11])
def test_a_network_computes_what_the_fact_sheet_says(kind, size):
    """conv - BN - ReLU - conv - BN, plus x or its 1x1 stride-2 convolution, ReLU; stages of 16, 32 and 64 channels."""
    model = randomised(models.build(f"{kind}-14", 1, image_size=size, num_classes=7)).double().eval()
    weights = model.state_dict()

    def conv(x, name, **how):
        return F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], **how)

    def norm(x, name):
        scale, shift, mean, variance = (
            weights[f"{name}.{part}"][:, None, None] for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / torch.sqrt(variance + 1e-3) * scale + shift

    images = noise(3, 3, size, size, dtype=torch.float64)
    x = torch.relu(norm(conv(images, "stem.0", padding=1), "stem.1"))
    for stage in (1, 2, 3):
        for block in (0, 1):
            name, stride = f"stage{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            branch = torch.relu(norm(conv(x, f"{name}.conv1", padding=1, stride=stride), f"{name}.bn1"))
            branch = norm(conv(branch, f"{name}.conv2", padding=1), f"{name}.bn2")
            if kind == "resnet":
                branch = branch + (conv(x, f"{name}.shortcut", stride=2) if stride == 2 else x)
            x = torch.relu(branch)
        assert x.shape[1:] == (2 ** (3 + stage), -(-size // 2 ** (stage - 1)), -(-size // 2 ** (stage - 1)))
    scores = x.mean((2, 3)) @ weights["fc.weight"].T + weights["fc.bias"]
    torch.testing.assert_close(model(images), scores, rtol=1e-10, atol=0)


def test_a_plain_network_is_the_residual_one_without_its_shortcuts():
    residual, plain = models.build("resnet-14", 2), models.build("plain-14", 2)
    shapes = {name: value.shape for name, value in residual.state_dict().items() if ".shortcut." not in name}
    assert {name: value.shape for name, value in plain.state_dict().items()} == shapes
    assert len(residual.state_dict()) == len(shapes) + 4  # two convolutions, each with its bias


def test_initial_weights_are_hes_normal_cut_at_two_standard_deviations():
    model = initialised("resnet-8", width=4)
    for name, module in model.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            weights = module.weight.detach().double().flatten()
            fan_in, n = module.weight[0].numel(), len(weights)
            z = weights / math.sqrt(2 / fan_in)
            # The uncut normal distribution has a standard deviation of 1 / 0.8796, and of it 0.6827 / 0.9545 lies
            # within one of that; the fourth moment of z is 2.367, so that the variance of z^2 is below 1.4.
            assert abs(z.mean()) < 5 / math.sqrt(n), name
            assert abs(z.square().mean() - 1) < 5 * math.sqrt(1.4 / n), name
            assert z.abs().max() < 2 / 0.8796, name
            assert abs((z.abs() < 1 / 0.8796).double().mean() - 0.7152) < 5 * math.sqrt(0.25 / n), name
            assert not module.bias.any(), name
            if n > 5000:
                assert z.abs().max() > 1.98 / 0.8796, name
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all() and not module.bias.any(), name
            assert not module.running_mean.any() and (module.running_var == 1).all(), name


@pytest.mark.parametrize("family", FAMILIES)
def test_initial_weights_come_from_the_generator_alone(family):
    before = torch.get_rng_state()
    first = initialised(family, seed=3)
    model = randomised(models.build(family, 1)).double().float()
    torch.manual_seed(1)
    again = models.initialise(model, torch.Generator().manual_seed(3))
    other = initialised(family, seed=4)
    for (name, value), same, different in zip(first.named_parameters(), again.parameters(), other.parameters()):
        assert torch.equal(value, same), name
        if name.endswith("weight") and value.ndim > 1:
            assert not torch.equal(value, different), name
    torch.set_rng_state(before)
    drawn = models.build(family, 1)
    state = torch.get_rng_state()
    models.initialise(drawn, torch.Generator().manual_seed(0))
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("name, depth", [("resnet-15", 15), ("plain-2", 2), ("resnet-7", 7), ("plain-40", 40)])
def test_a_depth_that_no_network_has_is_refused(name, depth):
    kind = name.partition("-")[0]
    with pytest.raises(ValueError, match=rf"^the depth of {kind}-D must be 6n \+ 2, that is 8, 14, .*, not {depth}$"):
        models.build(name, 1)


@pytest.mark.parametrize(
    "name",
    [
        "resnet",
        "resnet-",
        "plain-",
        "ResNet-14",
        "resnet-014",
        "resnet--8",
        "resnet-14.0",
        "resnet-14 ",
        "resnet-١٤",
        "wide-14",
        14,
        None,
        ["resnet-14"],
    ],
)
def test_any_other_name_is_an_unknown_family(name):
    with pytest.raises(ValueError, match=r"^unknown family .*; the families are cnn-small, .*, resnet-D and plain-D"):
        models.check_family(name)
