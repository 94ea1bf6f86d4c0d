"""The attack against a closed form and another implementation, and summaries of it against numbers made by hand."""

import math

import numpy as np
import pytest
import torch
from captum.robust import FGSM
from small_networks import network, random_images
from torch import nn
from torch.nn import functional as F

from lib import models
from lib.attacks.one_step import (
    SUMMARIES,
    Scores,
    decay_ratio,
    fgsm,
    random_signs,
    tail,
    true_class_scores,
    weighted_summaries,
)
from lib.salience import input_gradients


@pytest.fixture(scope="module")
def linear():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    models.initialise(model, torch.Generator().manual_seed(3))
    return model


def test_no_step_changes_nothing():
    images, labels = random_images()
    model = network()
    attacked = fgsm(images, input_gradients(model, images, labels, output="probability"), eps=0)
    assert torch.equal(attacked, images)
    assert decay_ratio(model, images, attacked, labels) == 1


def test_the_attacked_logits_of_a_linear_model_have_a_closed_form(linear):
    images, labels = random_images()
    images[-1, 0, 0, :2] = torch.tensor([-9.0, 9.0])  # far bounds: the other images meet none
    weight, bias = (part.detach().double() for part in linear[1].parameters())
    clean = images.double().flatten(1) @ weight.T + bias
    p = clean.softmax(1)
    step = torch.sign(p.gather(1, labels[:, None]) * (weight[labels] - p @ weight))
    expected = clean - 0.3 * step @ weight.T
    attacked = fgsm(images, input_gradients(linear, images, labels, output="probability"), eps=0.3)
    torch.testing.assert_close(linear(attacked).double()[:-1], expected[:-1], rtol=1e-5, atol=1e-5)
    ratio = expected.softmax(1).gather(1, labels[:, None]) / p.gather(1, labels[:, None])
    found = decay_ratio(linear, images[:-1], attacked[:-1], labels[:-1])
    assert found == pytest.approx(float(ratio[:-1].mean()), rel=1e-5)


@pytest.mark.parametrize("family", models.FAMILIES)
def test_one_step_is_that_of_captum_against_the_cross_entropy(family):
    """Lowering p_y is raising -log p_y: the signs are opposite, and so the step is the same."""
    images, labels = random_images()
    model = network(family=family)
    captum = FGSM(model, nn.CrossEntropyLoss(reduction="none"), images.min().item(), images.max().item())
    captum.zero_thresh = 0  # it would leave pixels with gradients below 1e-6 alone
    theirs = captum.perturb(images.clone().requires_grad_(), epsilon=0.25, target=labels)
    ours = fgsm(images, input_gradients(model, images, labels, output="probability"), eps=0.25)
    torch.testing.assert_close(ours, theirs.detach(), rtol=0, atol=1e-6)
    assert (ours != images).float().mean() > 0.5


def test_a_step_in_normalised_units_is_that_of_captum_on_pixels_with_the_normalisation_as_first_layer():
    """eps / std here is eps there; signs and pixels agree, except at the bounds, which are not the same."""

    class Normalisation(nn.Module):
        def forward(self, pixels):
            return (pixels - 0.3) / 0.25

    pixels = torch.rand(12, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    labels, model, eps = torch.arange(12) % 4, network(), 8 / 255
    captum = FGSM(nn.Sequential(Normalisation(), model), nn.CrossEntropyLoss(reduction="none"), 0, 1)
    captum.zero_thresh = 0
    theirs = captum.perturb(pixels.clone().requires_grad_(), epsilon=eps, target=labels).detach()
    images = Normalisation()(pixels)
    ours = fgsm(images, input_gradients(model, images, labels, output="probability"), eps=eps / 0.25)
    free = (pixels > pixels.min() + eps) & (pixels < pixels.max() - eps)
    assert free.float().mean() > 0.9 and torch.equal((ours - images)[free].sign(), (theirs - pixels)[free].sign())
    torch.testing.assert_close((ours * 0.25 + 0.3)[free], theirs[free], rtol=0, atol=1e-6)


def test_images_stay_within_the_clean_range_and_move_by_eps_at_most():
    images, labels = random_images()
    gradients = input_gradients(network(), images, labels, output="probability")
    attacked = fgsm(images, gradients, eps=1.5)
    assert attacked.min() == images.min() and attacked.max() == images.max()
    assert (attacked - images).abs().max() == pytest.approx(1.5, abs=1e-6)
    gradients[3] = 0
    assert torch.equal(fgsm(images, gradients, eps=1.5)[3], images[3])


def test_a_networks_own_gradient_lowers_its_probability_more_than_random_signs():
    images, labels = random_images(40)
    rng = np.random.default_rng(0)
    for seed in range(3):
        model = network(seed)
        own, random = (
            decay_ratio(model, images, fgsm(images, gradients, eps=0.05), labels)
            for gradients in (
                input_gradients(model, images, labels, output="probability"),
                random_signs(tuple(images.shape), rng),
            )
        )
        assert own < 1 and own < random


def test_random_signs_are_steps_of_the_same_size():
    signs = random_signs((50, 1, 8, 8), np.random.default_rng(0))
    assert signs.dtype == torch.float32 and set(signs.unique().tolist()) == {-1.0, 1.0}
    assert abs(signs.mean()) < 4 / math.sqrt(signs.numel())
    assert torch.equal(signs, random_signs((50, 1, 8, 8), np.random.default_rng(0)))
    moved = fgsm(torch.linspace(-1, 1, 3200).reshape(50, 1, 8, 8), signs, eps=0.1)
    assert (moved - torch.linspace(-1, 1, 3200).reshape(50, 1, 8, 8)).abs().median() == pytest.approx(0.1, abs=1e-6)


def test_summaries_of_numbers_made_by_hand():
    """A tail: one image of a tiny clean probability rules the mean of ratios, and nothing else."""
    before, after = np.array([0.5, 0.8, 0.4, 1e-4]), np.array([0.25, 0.4, 0.3, 0.1])
    right = np.array([True, False, True, False])
    still = np.array([True, False, False, False])
    times = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 3]])
    found = weighted_summaries(Scores(np.log(before), right), Scores(np.log(after), still), times)
    expected = {
        "mean of ratios": [(1.75 + 1000) / 4, 1.75 / 3, (1.75 + 3000) / 6],
        "ratio of means": [1.05 / 1.7001, 0.95 / 1.7, 1.25 / 1.7003],
        "median ratio": [0.625, 0.5, (0.75 + 1000) / 2],
        "accuracy change": [-1 / 4, -1 / 3, -1 / 6],
    }
    assert tuple(found) == SUMMARIES
    for name, numbers in expected.items():
        np.testing.assert_allclose(found[name], numbers, err_msg=name)
    (only,) = weighted_summaries(Scores(np.log(before), right), Scores(np.log(after), still), times, ["median ratio"])
    assert only == "median ratio"


def test_the_tail_of_ratios_by_hand():
    ratios = np.full((3, 3, 100), 0.5)
    ratios[range(3), range(3)] = np.nan
    ratios[0, 1, 0] = 300.5
    expected = [0.5, 1.0, 300.5, 1 / 600, (300.5 + 5 * 0.5) / 600]
    np.testing.assert_allclose(list(tail(ratios).values()), expected)


def test_a_probability_too_small_for_float32_still_has_a_ratio():
    """Logits 400 apart: float32 would call the probability zero."""
    model = nn.Flatten()
    clean = torch.tensor([[0.0, 400.0]]).reshape(1, 1, 1, 2)
    attacked = torch.tensor([[0.0, 401.0]]).reshape(1, 1, 1, 2)
    assert decay_ratio(model, clean, attacked, torch.tensor([0])) == pytest.approx(math.exp(-1))
    with pytest.raises(ValueError, match="1 images have so small a true-class probability"):
        decay_ratio(model, 10 * clean, clean, torch.tensor([0]))


def test_scores_take_further_axes_in_front():
    images, labels = random_images()
    model = network()
    many = torch.stack([images, images + 1, images - 1]).reshape(3, 1, *images.shape)
    scores = true_class_scores(model, many, labels)
    assert scores.right.shape == scores.log_probability.shape == (3, 1, 12)
    with torch.no_grad():
        expected = -F.cross_entropy(model(images + 1), labels, reduction="none")
    np.testing.assert_allclose(scores.log_probability[1, 0], expected, rtol=1e-5, atol=1e-6)


IMAGES, LABELS = random_images()
NAN = IMAGES.clone()
NAN[2, 0, 1, 1] = torch.nan


@pytest.mark.parametrize(
    "images, gradients, eps, sentence",
    [
        (IMAGES, IMAGES, -0.1, "eps must be a finite number of at least 0, not -0.1"),
        (IMAGES, IMAGES, math.nan, "eps must be a finite number of at least 0, not nan"),
        (IMAGES, IMAGES, math.inf, "eps must be a finite number of at least 0, not inf"),
        (IMAGES, IMAGES, "0.1", "eps must be a finite number of at least 0, not '0.1'"),
        (IMAGES, IMAGES[:5], 0.1, r"one shape, not \[12, 1, 8, 8\] and \[5, 1, 8, 8\]"),
        (IMAGES[:0], IMAGES[:0], 0.1, "images must hold 1 image or more"),
        (IMAGES.byte(), IMAGES, 0.1, "images must be .* of floating-point numbers, .* of torch.uint8"),
        (NAN, IMAGES, 0.1, "images must be finite numbers"),
        (IMAGES, NAN, 0.1, "gradients must be finite numbers"),
    ],
)
def test_attacks_that_do_not_fit_are_refused(images, gradients, eps, sentence):
    with pytest.raises(ValueError, match=sentence):
        fgsm(images, gradients, eps=eps)


@pytest.mark.parametrize(
    "clean, attacked, labels, sentence",
    [
        (IMAGES, IMAGES[:5], LABELS, r"clean and attacked images need one shape, not \[12, 1, 8, 8\] and \[5, 1, 8"),
        (IMAGES, IMAGES, LABELS[:5], "12 images need as many labels, not 5"),
        (IMAGES, IMAGES, LABELS + 1, "labels must be from 0 to 3, the model's classes, not 1 to 4"),
        (IMAGES, IMAGES, LABELS - 1, "labels must be from 0 on, not -1"),
        (IMAGES, NAN, LABELS, "images must be finite numbers"),
    ],
)
def test_images_and_labels_that_do_not_fit_are_refused(clean, attacked, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        decay_ratio(network(), clean, attacked, labels)
