"""The faster training step is the plain one: same numbers, same statistics, same names."""

import copy
import sys

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck
from torch.nn import functional as F

from lib import models
from lib.models.stacking import stack, stack_images
from lib.training import fused as fused_module
from lib.training.fused import fused, kept_memory, norm_pool_relu, norm_relu

FAMILIES = (*models.CNN_LAYOUTS, *models.RESNET_BLOCKS)
IMAGES, CLASSES = 12, 4
EXACT = {"rtol": 1e-10, "atol": 1e-10}


def networks(family, count=1, size=8, weights="usual", width=4):
    """Float64 networks with their own weights; the BatchNorms' are 1, or also below 0 and 0."""
    made = []
    for seed in range(count):
        generator = torch.Generator().manual_seed(seed)
        network = models.initialise(models.build(family, width, image_size=size, num_classes=CLASSES), generator)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.bias, std=0.2, generator=generator)
                if weights == "signs":  # not close to 0, where rounding is amplified in the plain step as well
                    module.weight.data.copy_(torch.linspace(0.6, 1.4, module.num_features))
                    module.weight.data[1::2] *= -1
                    module.weight.data[0] = 0
        made.append(network.double().to(memory_format=torch.channels_last))
    return made


def batch(count=1, size=8, seed=5):
    """Images [IMAGES, count * 3, size, size] and labels [IMAGES, count]."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, IMAGES, 3, size, size, dtype=torch.float64, generator=generator)
    labels = torch.randint(CLASSES, (IMAGES, count), generator=generator)
    return stack_images(images).contiguous(memory_format=torch.channels_last), labels


def steps(module, forward, count=1, size=8, number=4, precision=None):
    """Some steps of SGD with momentum; the loss and the gradients of the last."""
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.5)
    module.train()
    for step in range(number):
        images, labels = batch(count, size, seed=step)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            logits = forward(images.to(next(module.parameters()).dtype))
        logits = logits.view(IMAGES, count, -1).transpose(1, 2)
        loss = F.cross_entropy(logits.float() if precision == torch.bfloat16 else logits, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return loss.item(), {name: parameter.grad for name, parameter in module.named_parameters()}


def assert_same_states(one, other, **tolerance):
    assert list(one) == list(other)
    for name in one:
        torch.testing.assert_close(one[name], other[name], **tolerance, msg=name)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("weights", ["usual", "signs"])
@pytest.mark.parametrize("size", [5, 8])
def test_training_is_the_plain_one(family, count, weights, size):
    plain = stack(networks(family, count, size, weights))
    quick = copy.deepcopy(plain)
    expected, gradients = steps(plain, plain, count, size)
    loss, own = steps(quick, fused(quick), count, size)
    assert loss == pytest.approx(expected, abs=1e-10)
    assert_same_states(own, gradients, **EXACT)
    assert_same_states(quick.state_dict(), plain.state_dict(), **EXACT)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_twin_shares_everything_under_the_same_names(family):
    [network] = networks(family)
    twin = fused(network)
    assert twin is not network and isinstance(twin, type(network))
    for name, value in network.state_dict().items():
        assert twin.state_dict()[name].data_ptr() == value.data_ptr(), name
    assert list(twin.state_dict()) == list(network.state_dict())
    assert all(a is b for a, b in zip(twin.parameters(), network.parameters(), strict=True))
    assert type(network) in (models.CNN, models.ResNet), "the network itself was changed"


@pytest.mark.parametrize("family", FAMILIES)
def test_in_eval_mode_it_is_the_module_whoever_set_it(family):
    [network] = networks(family)
    twin = fused(network)
    steps(network, twin, number=1)
    images, _ = batch()
    before = copy.deepcopy(network.state_dict())
    for changed in (network, twin):
        network.train()
        changed.eval()
        assert torch.equal(twin(images), network.eval()(images))
    assert_same_states(network.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize("family", ["vit", "resnet-8", "plain-8"])
def test_other_families_stay_as_they_are(family):
    network = models.build(family, 2, image_size=8)
    assert fused(network) is network


@pytest.mark.parametrize("channels", [1, 3, 8, 40])
@pytest.mark.parametrize("shape", [(6, 4, 4), (3, 2, 6), (5, 1, 1), (3, 5, 5)])
def test_running_statistics_are_those_of_batchnorm(channels, shape):
    count, *sides = shape
    x = torch.randn(count, channels, *sides, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 3 + 7
    for apply in (norm_relu, lambda norm, x: norm_pool_relu(norm, x, nn.MaxPool2d(1))):
        plain, quick = (nn.BatchNorm2d(channels, eps=0.1, momentum=0.3).double() for _ in range(2))
        for _ in range(3):
            plain(x)
            apply(quick, x)
        assert_same_states(quick.state_dict(), plain.state_dict(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("side", [2, 4])
@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize("format", [torch.channels_last, torch.contiguous_format])
def test_ties_in_a_pool_go_where_the_plain_pool_sends_them(side, signs, format):
    generator = torch.Generator().manual_seed(1)
    values = torch.randint(-2, 3, (4, 6, 8, 8), generator=generator).double().contiguous(memory_format=format)
    results = []
    for quick in (False, True):
        norm, pool, x = nn.BatchNorm2d(6).double(), nn.MaxPool2d(side), values.clone().requires_grad_()
        with torch.no_grad():
            norm.bias.fill_(0.3)
            if signs:
                norm.weight.copy_(torch.tensor([1, -1, 0, 0.5, -0.5, 2]))
        y = norm_pool_relu(norm, x, pool) if quick else pool(torch.relu(norm(x)))
        weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(2), dtype=y.dtype)
        results.append([y, *torch.autograd.grad((y * weights).sum(), [x, norm.weight, norm.bias])])
    for own, expected in zip(results[1], results[0]):
        torch.testing.assert_close(own, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shortcut", [False, True])
def test_gradients_of_norm_and_relu(shortcut):
    x, added, weight, bias = _inputs()

    def function(x, added, weight, bias):
        return fused_module.NormRelu.apply(x, weight, bias, nn.BatchNorm2d(3).double(), added if shortcut else None)

    assert gradcheck(lambda *inputs: function(*inputs) + (0 if shortcut else 0 * added.sum()), (x, added, weight, bias))


def test_gradients_of_norm_pool_and_relu():
    x, _, weight, bias = _inputs()
    assert gradcheck(
        lambda *inputs: fused_module.NormPoolRelu.apply(*inputs, nn.BatchNorm2d(3).double(), [2, 2]), (x, weight, bias)
    )


def _inputs():
    generator = torch.Generator().manual_seed(3)
    made = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in [(4, 3, 4, 4)] * 2 + [(3,)] * 2]
    made[2] = made[2].abs() + 0.5
    return [value.requires_grad_() for value in made]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("width", [4, 16])
def test_in_bfloat16_it_is_as_close_to_float32_as_the_plain_step(family, width):
    def gradients(precision, quick):
        [network] = networks(family, width=width)
        network = network.float()
        loss, found = steps(network, fused(network) if quick else network, number=1, precision=precision)
        return loss, torch.cat([value.flatten() for value in found.values()])

    expected_loss, expected = gradients(torch.float32, False)
    plain_loss, plain = gradients(torch.bfloat16, False)
    loss, own = gradients(torch.bfloat16, True)
    assert own.dtype == torch.float32
    assert abs(loss - expected_loss) < 0.01 and abs(plain_loss - expected_loss) < 0.01
    assert (own - expected).norm() < 1.5 * (plain - expected).norm()
    loss, own = gradients(torch.float32, True)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    # A single ReLU that rounding tips over moves the gradients by per cents, in the plain step as well.
    assert (own - expected).norm() < 0.05 * expected.norm()


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_bytes_in_two_runs(family, precision):
    states = []
    for _ in range(2):
        [network] = networks(family)
        network = network.float()
        steps(network, fused(network), precision=precision)
        states.append(network.state_dict())
    assert_same_states(*states, rtol=0, atol=0)


def test_nan_stays_visible():
    x = torch.ones(4, 3, 4, 4).index_fill(1, torch.tensor([1]), float("nan"))
    for result in (norm_relu(nn.BatchNorm2d(3), x), norm_pool_relu(nn.BatchNorm2d(3), x, nn.MaxPool2d(2))):
        assert result[:, 1].isnan().all() and result[:, [0, 2]].isfinite().all()


@pytest.mark.parametrize("platform", [sys.platform, "darwin"])
def test_memory_is_kept_and_given_back_without_a_trace_in_the_numbers(platform, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    results = []
    with pytest.raises(ZeroDivisionError), kept_memory():
        results.append(torch.ones(3 * 2**20).cumsum(0)[-1].item())
        raise ZeroDivisionError
    with kept_memory(), kept_memory():
        results.append(torch.ones(3 * 2**20).cumsum(0)[-1].item())
    assert results == [3 * 2**20] * 2
