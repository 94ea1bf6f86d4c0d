"""Images and labels: the same for the same arguments, normalised, balanced, and known by their digest."""

import dataclasses

import numpy as np
import pytest
import torch
from made_pictures import digests
from sklearn.datasets import load_digits

from lib import data

IMAGES = 1797  # in scikit-learn's digits


@pytest.fixture(scope="module")
def full():
    return data.load("digits")


def counts(labels):
    return np.bincount(labels, minlength=10)


def rows(images):
    return {image.numpy().tobytes() for image in images}


def test_shapes_and_types(full):
    assert full.train_images.shape == (data.DIGITS_TRAIN, 1, 8, 8)
    assert full.test_images.shape == (IMAGES - data.DIGITS_TRAIN, 1, 8, 8)
    assert full.train_labels.shape == (data.DIGITS_TRAIN,) and full.test_labels.shape == (IMAGES - data.DIGITS_TRAIN,)
    assert full.train_images.dtype == full.test_images.dtype == torch.float32
    assert full.train_labels.dtype == full.test_labels.dtype == torch.int64
    assert full.classes == tuple("0123456789") and (full.name, full.seed) == ("digits", 0)


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


def test_both_parts_hold_the_classes_in_the_same_shares(full):
    shares = [counts(labels) / len(labels) for labels in (full.train_labels, full.test_labels)]
    np.testing.assert_allclose(*shares, atol=0.002)


def test_the_full_training_set_has_mean_0_and_standard_deviation_1(full):
    images = full.train_images.double()
    assert abs(images.mean()) < 1e-6 and images.std(correction=0) == pytest.approx(1, abs=1e-6)
    assert 0 < full.mean[0] < 1 and 0 < full.std[0] < 1
    assert abs(full.test_images.mean()) > 1e-4, "the test images must not have their own constants"


def test_a_subset_keeps_the_constants_of_the_full_set(full, digits):
    assert (digits.mean, digits.std) == (full.mean, full.std)
    assert rows(digits.train_images) <= rows(full.train_images) and rows(digits.test_images) <= rows(full.test_images)


@pytest.mark.parametrize("sizes", [{}, {"n_train": 50, "n_test": 30}])
def test_the_same_arguments_give_the_same_images_and_another_seed_others(sizes):
    a, again, other = (data.load("digits", seed=seed, **sizes) for seed in (3, 3, 4))
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        assert torch.equal(getattr(a, name), getattr(again, name))
    assert digests(a) == digests(again) and not set(digests(a)) & set(digests(other))
    assert rows(a.test_images) != rows(other.test_images)


def test_loading_leaves_the_common_random_streams_alone():
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    data.load("digits", n_train=50)
    assert torch.equal(torch_before, torch.get_rng_state())
    assert (np.random.get_state()[1] == numpy_before).all()


@pytest.mark.parametrize("count", [10, 11, 37, 100, 1000])
def test_a_subset_has_as_many_images_and_the_classes_differ_by_one_at_most(count):
    labels = data.load("digits", n_train=np.int64(count)).train_labels
    assert len(labels) == count and np.ptp(counts(labels)) <= 1


def test_a_subset_is_a_random_one_and_not_the_first_of_each_class(full):
    chosen = rows(data.load("digits", n_train=100).train_images)
    first = torch.cat([full.train_images[full.train_labels == label][:10] for label in range(10)])
    assert len(chosen & rows(first)) < 30  # 8 are to be expected


def test_a_subset_is_balanced_until_a_class_is_used_up(full):
    labels = data.load("digits", n_train=1190).train_labels
    available, taken = counts(full.train_labels), counts(labels)
    assert (taken <= available).all() and (taken[taken < available] >= taken.max() - 1).all()


def test_a_smaller_subset_lies_within_a_larger_one_in_the_same_order():
    sizes = [10, 23, 24, 500, None]
    sets = [[image.tobytes() for image in data.load("digits", n_train=size).train_images.numpy()] for size in sizes]
    for small, large in zip(sets, sets[1:]):
        kept = set(small)
        assert [image for image in large if image in kept] == small


def test_all_images_may_be_asked_for_by_their_number(full):
    numbered = data.load("digits", n_train=data.DIGITS_TRAIN, n_test=IMAGES - data.DIGITS_TRAIN)
    assert digests(numbered) == digests(full)


def test_the_number_of_test_images_does_not_change_the_training_images(digits):
    other = data.load("digits", n_train=60, n_test=400)
    assert torch.equal(other.train_images, digits.train_images) and len(other.test_images) == 400
    assert other.train_digest == digits.train_digest and other.test_digest != digits.test_digest


@pytest.mark.parametrize("name", ["train_images", "train_labels", "test_images", "test_labels"])
def test_the_digest_sees_every_single_value(digits, name):
    changed = getattr(digits, name).clone()
    changed.view(-1)[-1] += 1
    differs = [a != b for a, b in zip(digests(dataclasses.replace(digits, **{name: changed})), digests(digits))]
    assert differs == [name.startswith("train"), name.startswith("test")]
    assert digests(dataclasses.replace(digits, **{name: getattr(digits, name).clone()})) == digests(digits)


def test_the_digest_sees_order_and_shape_and_not_the_layout_in_memory(digits):
    images = digits.train_images
    assert dataclasses.replace(digits, train_images=images.flip(0)).train_digest != digits.train_digest
    assert dataclasses.replace(digits, train_images=images.reshape(-1, 1, 4, 16)).train_digest != digits.train_digest
    strided = images.mT.contiguous().mT
    assert not strided.is_contiguous()
    assert dataclasses.replace(digits, train_images=strided).train_digest == digits.train_digest


@pytest.mark.parametrize("name", ["digit", "Digits", "", None, ["digits"]])
def test_an_unknown_name_is_refused_with_those_there_are(name):
    with pytest.raises(ValueError, match="unknown data set .*; the data sets are .*digits"):
        data.load(name)


@pytest.mark.parametrize("argument, most", [("n_train", data.DIGITS_TRAIN), ("n_test", IMAGES - data.DIGITS_TRAIN)])
@pytest.mark.parametrize("count", [-1, 0, 9, 1201, 10**9])
def test_too_many_or_too_few_images_are_refused(argument, most, count):
    with pytest.raises(ValueError, match=f"{argument} for 'digits' must be .*from 10 .*to {most}, not {count}"):
        data.load("digits", **{argument: count})


@pytest.mark.parametrize("count", [20.5, 20.0, "20"])
def test_a_number_of_images_that_is_not_whole_is_refused(count):
    with pytest.raises(ValueError, match=f"n_train for 'digits' must be a whole number .*, not {count!r}"):
        data.load("digits", n_train=count)


def test_pixel_values_are_those_of_the_pictures_again(digits):
    pixels, labels = load_digits(return_X_y=True)
    shown = digits.pixel_values(digits.test_images)
    assert shown.shape == (20, 8, 8, 1)
    original = {tuple(row) for row in (pixels / 16).round(4)}
    assert all(tuple(picture.astype(float).ravel().round(4)) in original for picture in shown)


def test_a_part_of_a_set_that_is_sorted_by_class_is_a_sample_of_it():
    labels = torch.arange(10).repeat_interleave(100)
    order = data.mixed_order(labels)
    assert sorted(order) == list(range(1000)) and np.bincount(labels[order[:200]]).min() >= 8  # 20 expected, sd 3.8
    assert np.array_equal(order, data.mixed_order(labels))


def test_a_set_that_is_mixed_keeps_its_order(digits):
    assert data.mixed_order(digits.test_labels).tolist() == list(range(len(digits.test_labels)))
