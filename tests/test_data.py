"""Images and labels: the same for the same arguments, normalised, balanced, and known by their digest."""

import dataclasses

import pytest
from made_pictures import digests
from sklearn.datasets import load_digits

from lib import data

IMAGES = 1797  # in scikit-learn's digits


@pytest.mark.parametrize("seed", [0, 1])
def test_images_are_scikit_learn_s_each_in_one_part_under_its_label(seed):
    images = data.load("digits", seed=seed)
    pixels, labels = load_digits(return_X_y=True)
    labelled = {(row.astype(int).tobytes(), label) for row, label in zip(pixels, labels)}
    assert len(labelled) == IMAGES
    found = []
    for part, part_labels in [(images.train_images, images.train_labels), (images.test_images, images.test_labels)]:
        original = (part.double() * images.std[0] + images.mean[0]).mul(16).round().long().flatten(1).numpy()
        found.append({(row.tobytes(), label) for row, label in zip(original, part_labels.tolist())})
    assert not found[0] & found[1] and found[0] | found[1] == labelled


@pytest.mark.parametrize("name", ["train_images", "train_labels", "test_images", "test_labels"])
def test_the_digest_sees_every_single_value(digits, name):
    changed = getattr(digits, name).clone()
    changed.view(-1)[-1] += 1
    differs = [a != b for a, b in zip(digests(dataclasses.replace(digits, **{name: changed})), digests(digits))]
    assert differs == [name.startswith("train"), name.startswith("test")]
    assert digests(dataclasses.replace(digits, **{name: getattr(digits, name).clone()})) == digests(digits)


@pytest.mark.parametrize("name", ["digit", "Digits", "", None, ["digits"]])
def test_an_unknown_name_is_refused_with_those_there_are(name):
    with pytest.raises(ValueError, match="unknown data set .*; the data sets are .*digits"):
        data.load(name)


@pytest.mark.parametrize("argument, most", [("n_train", data.DIGITS_TRAIN), ("n_test", IMAGES - data.DIGITS_TRAIN)])
@pytest.mark.parametrize("count", [-1, 0, 9, 1201, 10**9])
def test_too_many_or_too_few_images_are_refused(argument, most, count):
    with pytest.raises(ValueError, match=f"{argument} for 'digits' must be .*from 10 .*to {most}, not {count}"):
        data.load("digits", **{argument: count})


def test_pixel_values_are_those_of_the_pictures_again(digits):
    pixels, labels = load_digits(return_X_y=True)
    shown = digits.pixel_values(digits.test_images)
    assert shown.shape == (20, 8, 8, 1)
    original = {tuple(row) for row in (pixels / 16).round(4)}
    assert all(tuple(picture.astype(float).ravel().round(4)) in original for picture in shown)
