"""What is no class score is told in a sentence with what would make one, and a copy of the images changes nothing."""

import types
import warnings

import numpy as np
import pytest
import torch
from small_networks import linear, random_images, returning
from torch import nn

from lib import salience
from lib.models.class_scores import ClassScores, ModelError
from lib.own.comparison import compare
from lib.own.gradients import kind_of_probability

pytestmark = pytest.mark.filterwarnings("ignore:no better than")  # untrained networks guess


def own_mistake(scores):
    raise KeyError("no such layer\nand more lines")


@pytest.mark.parametrize(
    "function, sentence",
    [
        (
            lambda s: {"out": s, "aux": s},
            "the model a returns a dictionary with 'out', 'aux', and class scores must be one "
            r"tensor; say which, for instance scores=lambda output: output\['out'\]",
        ),
        (lambda s: (s, s), r"returns 2 things \(a tuple\), and class scores .* scores=lambda output: output\[0\]"),
        (
            lambda s: types.SimpleNamespace(loss=0, scores=s),
            r"returns a SimpleNamespace, .* scores=lambda output: output\.scores",
        ),
        (lambda s: None, "returns a NoneType, and class scores must be one tensor"),
        (lambda s: s[:, :1], r"returns one number an image, of the shape \[\d+, 1\]: a binary classifier; make it two"),
        (lambda s: s[:, 0], r"returns one number an image, of the shape \[\d+\]: a binary"),
        (lambda s: s[:, :, None, None].expand(-1, -1, 8, 8), r"returns \[\d+, 4, 8, 8\] for \d+ images, a map and not"),
        (lambda s: s.argmax(1), "returns numbers of the type torch.int64: class indices have no gradient"),
        (lambda s: s[:1], r"returns \[1, 4\] for 2 images, and not \[images, classes\] class scores"),
        (lambda s: s * torch.nan, "the model a gives scores that are not finite"),
        (lambda s: s[:, :3], "the model a scores 3 classes, 0 to 2, and the labels go up to 3"),
        (lambda s: s.detach(), "the scores of the model a do not depend on the images in a way that has a gradient"),
        (lambda s: torch.arange(4.0).expand(len(s), 4), "do not depend on the images"),
        (lambda s: s * 0, "the model a has a zero gradient at every image"),
        (
            lambda s: s - s.mean(0),
            "change with the other images or from call to call, .* BatchNorm or dropout works as in",
        ),
        (lambda s: nn.functional.dropout(s, 0.5), "call model.eval\\(\\) before a model is traced or exported"),
        (
            own_mistake,
            r"^the model a fails on images of the shape \[2, 1, 8, 8\] \[images, channels, height, width\]: KeyError: "
            r"'no such layer\\nand more lines'$",
        ),
    ],
)
def test_what_is_no_class_score_is_told_with_what_would_make_one(function, sentence):
    images, labels = random_images()
    with pytest.raises(ModelError, match=sentence) as caught:
        compare({"a": returning(function), "b": returning(lambda s: s)}, images, labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "function, pick",
    [
        (lambda s: {"out": s, "aux": -s}, lambda output: output["out"]),
        (lambda s: (s, 0), lambda output: output[0]),
        (lambda s: types.SimpleNamespace(logits=s), None),
        (lambda s: s[:, :, None, None].expand(-1, -1, 3, 5), lambda output: output.flatten(2).mean(2)),
    ],
)
def test_scores_are_taken_out_of_what_a_network_returns(function, pick):
    images, labels = random_images()
    plain = compare({"a": returning(lambda s: s), "b": returning(lambda s: s.exp())}, images, labels)
    found = compare(
        {"a": returning(function), "b": returning(lambda s: function(s.exp()))}, images, labels, scores=pick
    )
    np.testing.assert_allclose(found.directions["a"], plain.directions["a"], atol=1e-6)
    np.testing.assert_allclose(found.rho[0], plain.rho[0], atol=1e-6)


def test_a_binary_classifier_has_the_gradient_of_its_number_with_the_sign_of_the_class():
    images, labels = random_images(classes=2)
    binary = returning(lambda s: s[:, 0])
    found = compare(
        {"a": [binary, binary]}, images, labels, scores=lambda s: torch.stack([-s.flatten(), s.flatten()], 1)
    ).directions["a"][0]
    weight = nn.functional.normalize(binary.net[1].weight[0], dim=0).detach()
    np.testing.assert_allclose(found, torch.where(labels[:, None] == 1, weight, -weight), atol=1e-6)


def test_probabilities_are_no_logits_and_are_named():
    images, labels = random_images()
    groups = {"sure": returning(lambda s: s.softmax(1)), "plain": returning(lambda s: s)}
    with pytest.warns(
        UserWarning, match="the model sure returns probabilities, which are no logits: .* leave its softmax"
    ):
        compare(groups, images, labels)
    logarithms = {"sure": returning(lambda s: s.log_softmax(1)), "plain": returning(lambda s: s)}
    with pytest.warns(UserWarning, match="returns log-probabilities, .* output='log-probability' for all"):
        compare(logarithms, images, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="no better than")
        found = compare(logarithms, images, labels, output="log-probability")
        picked = compare(
            {"sure": groups["sure"], "also": groups["sure"]}, images, labels, scores=torch.log, output="log-probability"
        )
    np.testing.assert_allclose(found.rho[0][0, 1], 1, atol=1e-5)
    np.testing.assert_allclose(picked.directions["sure"], found.directions["sure"], atol=1e-5)


@pytest.mark.parametrize(
    "scores, kind",
    [
        ([[0.2, 0.8], [1.0, 0.0]], "probabilities"),
        ([[0.2, 0.8], [0.2, 0.7]], None),
        ([[-0.2, 1.2], [0.5, 0.5]], None),
        ([[1.0], [1.0]], None),
        ([[-0.6931, -0.6931], [-20.0, 0.0]], "log-probabilities"),
        ([[3.0, 1.0], [0.2, 0.8]], None),
    ],
)
def test_probabilities_are_told_from_scores(scores, kind):
    assert kind_of_probability(torch.tensor(scores)) == kind


def test_the_models_own_complaint_about_the_images_is_one_sentence():
    images, labels = random_images(4, 1, (16, 16))
    with pytest.raises(
        ModelError,
        match=r"^the model net, network 2 fails on images of the shape \[2, 1, 16, 16\] \[images, "
        r"channels, height, width\]: RuntimeError: .*expected input\[2, 1, 16, 16\] to have 3 channels",
    ):
        compare(
            {"net": [linear(torch.randn(4, 1, 16, 16)), nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten())]},
            images,
            labels,
        )


def test_a_layer_whose_gradient_fails_is_told():
    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            return x.clone()

        @staticmethod
        def backward(context, gradient):
            raise NotImplementedError("no gradient\nof this layer")

    images, labels = random_images()
    with pytest.raises(
        ModelError, match="^the gradients of the model a cannot be taken: NotImplementedError: no gradient$"
    ):
        compare({"a": returning(Broken.apply), "b": returning(lambda s: s)}, images, labels)


def test_the_copy_of_class_scores_does_not_change_their_gradient():
    images, labels = random_images()
    model = returning(lambda s: s.tanh())
    assert torch.equal(
        salience.input_gradients(ClassScores("a", model), images, labels),
        salience.input_gradients(model, images, labels),
    )
