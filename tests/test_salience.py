"""Input gradients against other ways to take them, and directions against other ways to average."""

import copy

import numpy as np
import pytest
import torch
from captum.attr import Saliency
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lib import models
from lib.models import ClassScores
from lib.models.folding import quick
from lib.salience import directions, extraction, input_gradients

OUTPUTS = ("logit", "probability", "log-probability")


def random_images(count, channels=1, size=8, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, channels, size, size, dtype=dtype, generator=generator)
    return images, torch.randint(4, (count,), generator=generator)


def trained_a_little(family, width=2, channels=1, size=8):
    """A network in train mode whose running statistics are not the defaults."""
    network = models.build(family, width, in_channels=channels, image_size=size, num_classes=4)
    models.initialise(network, torch.Generator().manual_seed(0))
    network.train()(random_images(20, channels, size, seed=7)[0])
    return network


@pytest.fixture(params=(*models.FAMILIES, "resnet-8", "plain-8"))
def model(request):
    return trained_a_little(request.param)


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


def plain(model, images, labels, output="logit", batch_size=256):
    """The slow twin, of a copy in eval mode."""
    return extraction.plain_gradients(copy.deepcopy(model).eval(), images, labels, output, batch_size, "cpu")


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("channels, size", [(1, 8), (3, 32), (1, 7), (2, 1)])
@pytest.mark.parametrize(
    "family, width",
    [
        *(
            (family, width)
            for family in ("cnn-small", "cnn-large", "resnet-small", "resnet-large")
            for width in (1, 2, 8)
        ),
        ("resnet-8", 1),
        ("plain-8", 1),
        ("resnet-14", 1),
        ("vit", 2),
    ],
)
def test_gradients_are_those_of_the_slow_twin(family, width, channels, size, output):
    model = trained_a_little(family, width, channels, size)
    images, labels = random_images(9, channels, size)
    fast, slow = input_gradients(model, images, labels, output=output), plain(model, images, labels, output)
    apart, lengths = (part.flatten(1).norm(dim=1) for part in (fast - slow, slow))
    assert apart.max() <= 3e-6 * lengths.max()  # of all images: where it nearly cancels, rounding is a larger part


@pytest.mark.parametrize("family", ["cnn-small", "cnn-large", "resnet-small", "resnet-large", "resnet-8", "plain-8"])
@pytest.mark.parametrize("channels, size", [(1, 8), (3, 32)])
def test_the_quick_form_has_the_same_gradient_to_the_last_digits_of_double_precision(family, channels, size):
    model = trained_a_little(family, 1, channels, size).eval().double()
    images, labels = random_images(9, channels, size, torch.float64)
    fast, slow = (extraction._batch_gradients(net, images, labels, "logit") for net in (quick(model), model))
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12 * float(slow.abs().max()))
    torch.testing.assert_close(input_gradients(model, images, labels), slow.float(), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("family, norm", [("cnn-small", "backbone.4"), ("resnet-small", "bn1"), ("plain-8", "stem.1")])
@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_where_all_relus_are_dead_the_gradient_is_exactly_zero(family, norm, scale):
    model = trained_a_little(family)
    with torch.no_grad():
        model.get_submodule(norm).weight.mul_(scale)
        model.get_submodule(norm).bias.copy_(torch.tensor(-100.0 if scale else 0.0))
    assert not input_gradients(model, *random_images(9)).any()


def test_pixels_that_no_living_channel_sees_have_a_gradient_of_exactly_zero():
    """The first convolution sees only the right column of each kernel, so the first column of pixels is not read."""
    model = trained_a_little("cnn-small")
    with torch.no_grad():
        model.backbone[0].weight[..., :2] = 0
    gradients = input_gradients(model, *random_images(9))
    assert not gradients[..., 0].any() and gradients[..., 1:].any()


@pytest.mark.parametrize(
    "wrap",
    [
        nn.Sequential,
        copy.deepcopy,
        lambda model: ClassScores("a", model),
        lambda model: (model.register_forward_hook(lambda *_: None), model)[1],
    ],
)
def test_what_is_not_a_network_of_ours_as_it_was_built_goes_the_plain_way_bit_for_bit(wrap):
    model, (images, labels) = wrap(trained_a_little("vit")), random_images(9)
    assert torch.equal(input_gradients(model, images, labels, batch_size=4), plain(model, images, labels, batch_size=4))


def test_a_hook_of_the_reader_runs(model):
    seen = []
    model.fc.register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
    images, labels = random_images(9)
    assert torch.equal(input_gradients(model, images, labels, batch_size=4), plain(model, images, labels, batch_size=4))
    assert seen == 2 * [4, 4, 1]


class Storages(TorchDispatchMode):
    """The memory of every tensor that an operation returned and that is of `least` bytes or more."""

    def __init__(self, least):
        super().__init__()
        self.least, self.found = least, {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for one in tree_leaves(result):
            if isinstance(one, torch.Tensor) and one.untyped_storage().nbytes() >= self.least:
                self.found[one.untyped_storage().data_ptr()] = one.untyped_storage()  # kept: no address comes twice
        return result


@pytest.mark.parametrize("family", ["cnn-small", "resnet-small", "vit"])
def test_only_the_images_and_the_gradients_themselves_are_held_of_all_images(family):
    model, (images, labels) = trained_a_little(family, 2, 1, 8), random_images(3000)
    with Storages(images.nbytes // 4) as storages:
        gradients = input_gradients(model, images, labels, batch_size=10)
    allowed = {images.untyped_storage().data_ptr(), gradients.untyped_storage().data_ptr()}
    assert set(storages.found) == allowed


@pytest.mark.parametrize("output", OUTPUTS)
def test_gradients_are_finite_differences(smooth, output):
    images, labels = random_images(3, channels=2, size=5, dtype=torch.float64)
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
    images, labels = random_images(6, channels=2, size=2)
    weights = linear[1].weight.detach()
    expected = {"logit": weights[labels]}
    p = linear(images).softmax(1).detach()
    expected["log-probability"] = weights[labels] - p @ weights
    expected["probability"] = p.gather(1, labels[:, None]) * expected["log-probability"]
    for output, rows in expected.items():
        gradients = input_gradients(linear, images, labels, output=output)
        torch.testing.assert_close(gradients, rows.view(6, 2, 2, 2), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("batch_size", [1, 4, 9, 100])
def test_the_batch_size_does_not_matter(model, batch_size):
    images, labels = random_images(9)
    whole = input_gradients(model, images, labels)
    gradients = input_gradients(model, images, labels, batch_size=batch_size)
    torch.testing.assert_close(gradients, whole, rtol=1e-5, atol=1e-6 * float(whole.abs().max()))


def test_other_images_do_not_change_an_image_s_gradient(model):
    """Given in train mode, where BatchNorm would couple them."""
    images, labels = random_images(6)
    before = input_gradients(model, images, labels)
    images[1:] *= 30
    assert torch.equal(input_gradients(model, images, labels)[0], before[0])
    assert not torch.equal(input_gradients(model, images, labels)[1], before[1])


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_as_it_was(model, fails):
    model.fc.eval()  # a mixture of modes
    model.fc.weight.requires_grad_(False)
    modes = {name: module.training for name, module in model.named_modules()}
    state = {name: value.clone() for name, value in model.state_dict().items()}
    model.fc.bias.grad = kept = torch.ones_like(model.fc.bias)
    images, labels = random_images(6)
    if fails:
        with pytest.raises(ValueError):
            input_gradients(model, images, labels + 4)
    else:
        input_gradients(model, images, labels)
    assert {name: module.training for name, module in model.named_modules()} == modes
    assert all(parameter.grad is None for parameter in model.parameters() if parameter is not model.fc.bias)
    assert model.fc.bias.grad is kept and (kept == 1).all()
    assert not model.fc.weight.requires_grad and model.fc.bias.requires_grad
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert not images.requires_grad and images.grad is None


def test_gradients_are_taken_also_where_they_are_switched_off(model):
    images, labels = random_images(3)
    with torch.no_grad():
        off = input_gradients(model, images, labels)
    assert torch.equal(off, input_gradients(model, images, labels)) and not off.requires_grad


def broken(images):
    return images.flatten(1) * float("nan")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"output": "logits"}, "unknown output 'logits'; the outputs are logit, probability, log-probability"),
        ({"labels": torch.zeros(2, dtype=int)}, "3 images need as many labels, not 2"),
        ({"labels": torch.tensor([0, 64, 1])}, "labels must be from 0 to 63, the model's classes, not 0 to 64"),
        ({"labels": torch.tensor([0, -1, 1])}, "labels must be from 0 on, not -1"),
        (
            {"model": nn.Identity()},
            r"the model Identity returns \[3, 1, 8, 8\] for 3 images, a map and not \[images, classes\]",
        ),
        ({"model": nn.Flatten(0, 1)}, r"the model Flatten returns \[3, 8, 8\] for 3 images"),
        ({"model": type("Broken", (nn.Module,), {"forward": lambda _, images: broken(images)})()}, "not finite"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, not 0"),
        ({"batch_size": -1}, "batch_size must be a whole number of at least 1, not -1"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    usual = {"model": nn.Flatten(), "images": random_images(3)[0], "labels": torch.zeros(3, dtype=int)}
    with pytest.raises(ValueError, match=message):
        input_gradients(**(usual | arguments))


@pytest.mark.parametrize("grid, dims", [(None, 3 * 8 * 8), (8, 3 * 64), (4, 48), (3, 27), (1, 3)])
def test_directions_are_unit_rows_of_the_grid(grid, dims):
    rows = directions(random_images(5, channels=3)[0], grid=grid)
    assert rows.shape == (5, dims) and rows.dtype == torch.float32
    torch.testing.assert_close(rows.double().norm(dim=1), torch.ones(5, dtype=torch.float64), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size, grid", [(8, 1), (8, 2), (8, 4), (8, 8), (32, 8), (6, 3)])
def test_a_grid_that_divides_the_image_is_average_pooling(size, grid):
    images, _ = random_images(5, channels=3, size=size)
    pooled = F.avg_pool2d(images, size // grid).flatten(1)
    torch.testing.assert_close(directions(images, grid=grid), F.normalize(pooled), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size, grid", [(8, 3), (8, 5), (8, 7), (28, 8), (5, 4), (64, 9)])
def test_a_grid_that_cuts_through_pixels_averages_the_picture_drawn_finer(size, grid):
    """Each pixel repeated `grid` times, the grid divides the picture, and the mean is kept."""
    images, _ = random_images(3, channels=2, size=size)
    finer = images.repeat_interleave(grid, 2).repeat_interleave(grid, 3)
    pooled = F.avg_pool2d(finer, size)
    torch.testing.assert_close(pooled.mean((2, 3)), images.mean((2, 3)), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(directions(images, grid=grid), F.normalize(pooled.flatten(1)), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(extraction._area_average(size, grid).sum(1), torch.ones(grid, dtype=torch.float64))


@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1e-3, 1.0, 1e30, -1.0])
def test_the_scale_of_a_gradient_does_not_change_its_direction(scale):
    images, _ = random_images(5)
    scaled = directions(images * scale, grid=4)
    # Numbers of the order 1e-40 have some 17 bits left.
    torch.testing.assert_close(scaled, directions(images, grid=4) * np.sign(scale), rtol=0, atol=1e-4)
    torch.testing.assert_close(scaled.norm(dim=1), torch.ones(5))


def test_a_zero_gradient_has_a_zero_row_beside_the_others():
    images, _ = random_images(3)
    images[1] = 0
    rows = directions(images)
    assert not rows[1].any() and torch.equal(rows[[0, 2]], directions(images[[0, 2]]))


@pytest.mark.parametrize("grid", [0, -1, 9, 2.5])
def test_a_grid_that_does_not_fit_is_refused(grid):
    message = f"grid must be a whole number from 1 to 8, the size of the gradients, or None, not {grid}"
    with pytest.raises(ValueError, match=message):
        directions(random_images(2)[0], grid=grid)


def test_directions_at_full_size_are_pictures_again():
    images, _ = random_images(5, channels=3)
    pictures = extraction.as_pictures(images.flatten(1).numpy(), 3)
    np.testing.assert_allclose(pictures, images.mean(1).numpy(), rtol=1e-6, atol=1e-7)
