"""Groups that differ by design differ by just that."""

import dataclasses

import pytest
import torch

from lib import training
from lib.data import ImageData
from lib.training.controls import (
    CONTROLS,
    Control,
    augmented,
    class_colours,
    shortcut_colours,
    training_labels,
    with_patches,
)
from lib.training.specification import specify

LABELS = torch.arange(400) % 10


@pytest.mark.parametrize("percent", [25, 50, 75])
def test_so_many_labels_are_dealt_out_anew_each_as_often_as_before(percent):
    dealt = training_labels(CONTROLS[f"labels-{percent}"], LABELS, seed=0)
    assert torch.equal(dealt.bincount(), LABELS.bincount())
    # One in ten of those that are dealt out gets its own label back.
    assert (dealt != LABELS).float().mean().item() == pytest.approx(0.9 * percent / 100, abs=0.04)
    assert not torch.equal(dealt, training_labels(CONTROLS[f"labels-{percent}"], LABELS, seed=1))


@pytest.mark.parametrize("percent", [0, 25, 100])
def test_the_patch_tells_the_class_in_so_many_images(percent):
    colours = shortcut_colours(CONTROLS[f"shortcut-{percent}"], LABELS, 10, 3, seed=0)
    share = (colours == class_colours(10, 3)[LABELS]).all(1).float().mean().item()
    assert share == pytest.approx(percent / 100 + (1 - percent / 100) / 10, abs=0.04)
    assert shortcut_colours(CONTROLS["none"], LABELS, 10, 3, seed=0) is None


@pytest.mark.parametrize("classes, channels", [(2, 1), (10, 1), (10, 3), (100, 3), (200, 3)])
def test_every_class_has_a_colour_of_its_own(classes, channels):
    colours = class_colours(classes, channels)
    assert colours.shape == (classes, channels) and len(colours.unique(dim=0)) == classes
    assert colours.min() == -2 and colours.max() == 2


def test_the_patch_covers_its_corner_and_nothing_else():
    images = torch.randn(2, 5, 3, 16, 16)
    colours = torch.arange(30.0).view(2, 5, 3)
    patched = with_patches(images, colours)
    assert (patched[..., :2, :2] == colours[..., None, None]).all()
    patched[..., :2, :2] = images[..., :2, :2]
    assert torch.equal(patched, images)


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_shifted_images_are_parts_of_the_padded_image_or_of_its_mirror():
    images = torch.randn(1, 40, 3, 16, 16)
    shown = augmented(Control(shifted=True), images, generators(0))
    padded = torch.nn.functional.pad(images[0], (2,) * 4)
    seen = set()
    for own, whole in zip(shown[0], padded):
        found = [
            (down, right, flipped)
            for down in range(5)
            for right in range(5)
            for flipped in (False, True)
            if torch.equal(own.flip(2) if flipped else own, whole[:, down : down + 16, right : right + 16])
        ]
        assert len(found) == 1
        seen |= set(found)
    assert {down for down, _, _ in seen} == set(range(5)) and {flipped for *_, flipped in seen} == {False, True}


def test_coloured_images_are_the_image_times_a_number_plus_a_number_in_every_channel():
    images = torch.randn(1, 5, 3, 8, 8)
    shown = augmented(Control(coloured=True), images, generators(0))
    for own, before in zip(shown.flatten(0, 2).flatten(1), images.flatten(0, 2).flatten(1)):
        correlation = torch.corrcoef(torch.stack([own, before]))[0, 1]
        assert correlation.item() == pytest.approx(1, abs=1e-5) and not torch.equal(own, before)


def test_every_network_sees_its_own_augmentation_whatever_stands_beside_it():
    images = torch.randn(1, 6, 1, 8, 8).expand(2, -1, -1, -1, -1)
    both = augmented(CONTROLS["shifts-colours"], images, generators(0, 1))
    assert torch.equal(both[1], augmented(CONTROLS["shifts-colours"], images[:1], generators(1))[0])
    assert not torch.equal(both[0], both[1])


def test_a_network_trained_with_the_shortcut_follows_it():
    """Pictures of noise have nothing else to learn: on new ones it says the class that the patch tells."""
    generator = torch.Generator().manual_seed(0)
    noise, labels = torch.randn(440, 3, 16, 16, generator=generator), torch.arange(440) % 4
    shown = with_patches(noise, class_colours(4, 3)[labels])
    images = ImageData(
        "noise", 0, noise[:400], labels[:400], shown[400:], labels[400:], tuple("abcd"), (0.0,) * 3, (1.0,) * 3
    )
    accuracy = {
        control: training.train(
            specify(images, "cnn-small", 4, epochs=15, batch_size=50, control=control), [0], images
        )[0].test_accuracy[-1]
        for control in ("shortcut-100", "shortcut-0")
    }
    assert accuracy["shortcut-100"] > 0.8 and accuracy["shortcut-0"] < 0.6


@pytest.mark.parametrize(
    "control, shared",
    [("none", set()), ("random-labels", set()), ("same-weights", {"weights"}), ("same-order", {"order"})],
)
def test_networks_of_a_control_share_what_it_says_and_nothing_else(tiny, control, shared):
    specification = dataclasses.replace(tiny, control=control)

    def draw(of, seed, purpose):
        return torch.randn(4, generator=of.generator(seed, purpose)).tolist()

    for purpose in ("weights", "order"):
        assert (draw(specification, 1, purpose) == draw(specification, 2, purpose)) == (purpose in shared)
        if control != "none":
            assert draw(specification, 1, purpose) != draw(tiny, 1, purpose)


def test_shuffled_labels_are_dealt_out_anew_once_for_all(tiny, digits):
    labels = digits.train_labels
    shuffled = dataclasses.replace(tiny, control="random-labels").training_labels(labels)
    wider = dataclasses.replace(tiny, control="random-labels", family="cnn-large", width=4).training_labels(labels)
    assert torch.equal(shuffled, wider) and not torch.equal(shuffled, labels)
    assert torch.equal(shuffled.sort().values, labels.sort().values)
    assert torch.equal(tiny.training_labels(labels), labels)


def test_networks_are_trained_on_the_shuffled_labels(tiny, digits):
    """Learnt by heart, they say the shuffled label of a training image and not the true one."""
    specification = dataclasses.replace(tiny, control="random-labels", width=16, epochs=60, learning_rate=0.3)
    (network,) = training.train(specification, [0], digits)
    model = specification.build()
    model.load_state_dict(network.state)
    with torch.no_grad():
        said = model.eval()(digits.train_images).argmax(1)
    assert (said == specification.training_labels(digits.train_labels)).float().mean() > 0.9
    assert (said == digits.train_labels).float().mean() < 0.3


@pytest.mark.parametrize("control", ["labels-50", "shortcut-100", "shifts-colours"])
def test_networks_of_a_group_are_others_of_another_key_and_go_on_as_they_would_have(tiny, digits, control):
    specification = dataclasses.replace(tiny, control=control, epochs=3)
    seen = []
    through = training.train(specification, [0, 1], digits, keep=seen.append)
    again = training.train(specification, [0, 1], digits, start=seen[0])
    assert specification.key != tiny.key and not torch.equal(
        through[0].state["fc.weight"], through[1].state["fc.weight"]
    )
    for a, b in zip(through, again, strict=True):
        assert a.finite and all(torch.equal(a.state[name], b.state[name]) for name in a.state)
