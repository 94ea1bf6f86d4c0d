"""Unbiased minibatch CKA has the value of all images at once; the biased one has not: the check sees the difference."""

import numpy as np
import pytest
import torch
from planted_blocks import Untrained
from small_networks import random_images

from lib.cka import minibatch_cka
from lib.cka.batch_independence import BatchSizes, batch_sizes
from lib.cka.block_structure import hidden_points
from lib.statistics.intervals import mean_interval


@pytest.fixture(scope="module")
def model():
    return next(Untrained("resnet-8", (0,)).models())


@pytest.fixture(scope="module")
def found(model):
    images, _ = random_images(96)
    return {estimator: batch_sizes(model, images, [8, 32, 96], 6, 0, estimator) for estimator in ("unbiased", "biased")}


def test_all_images_in_one_batch_are_the_full_value(found):
    for one in found.values():
        assert one.values.shape == (3, 6, 4, 4) and one.full.shape == (4, 4) and one.images == 96
        np.testing.assert_allclose(one.values[2], np.broadcast_to(one.full, (6, 4, 4)), atol=1e-6)
        np.testing.assert_allclose(one.deviations()[2], 0, atol=1e-6)
        assert one.largest()[2] < 1e-6


def test_small_batches_bias_the_biased_estimator_alone(found):
    """On noise of 96 images the biased CKA of 8 images at a time is far from that of all of them."""
    unbiased, biased = (abs(found[name].deviations()[0].mean()) for name in ("unbiased", "biased"))
    assert biased > 0.05 and unbiased < biased / 5
    by_size = np.abs(found["biased"].deviations().mean(1))
    assert by_size[0] > by_size[1] > by_size[2]


def test_every_pass_is_one_of_minibatch_cka(model, found):
    images, _ = random_images(96)
    generator = torch.Generator().manual_seed(0)
    for place in range(2):
        expected = minibatch_cka([model], images, [hidden_points(model)], batch_size=8, passes=1, generator=generator)
        np.testing.assert_allclose(found["unbiased"].values[0, place], expected.values, atol=1e-5)
    assert not np.allclose(found["unbiased"].values[0, 0], found["unbiased"].values[0, 1])


def planted(deviations, passes=3):
    """A deviation of every batch size, the same for all pairs of layers, with little scatter over passes."""
    full = np.array([[1, 0.5, 0.3], [0.5, 1, 0.7], [0.3, 0.7, 1]])
    scatter = 0.001 * np.arange(passes)[:, None, None]
    values = np.stack([full + deviation + scatter for deviation in deviations])
    return BatchSizes("unbiased", [16, 32, 64, 128][:len(deviations)], values, full, 500)


def test_deviations_are_means_over_pairs_with_their_interval_over_passes():
    found = planted([0.1, -0.2])
    np.testing.assert_allclose(found.deviations(), [[0.1, 0.101, 0.102], [-0.2, -0.199, -0.198]])
    np.testing.assert_allclose(found.interval(0.9), mean_interval(found.deviations().T, 0.9))
    np.testing.assert_allclose(found.largest(), [0.101, 0.199])
    assert found.full_mean() == pytest.approx(0.5)


def test_a_single_pass_has_no_interval():
    estimate, low, high = planted([0.1, -0.2], passes=1).interval()
    np.testing.assert_allclose(estimate, [0.1, -0.2])
    assert np.isnan(low).all() and np.isnan(high).all()


@pytest.mark.parametrize("size, sentence", [(3, "batch_size must be a whole number of at least 4, not 3"),
                                            (97, "batches of 97 need as many images, and there are 96")])
def test_batches_that_cannot_be_are_refused(model, size, sentence):
    with pytest.raises(ValueError, match=sentence):
        batch_sizes(model, random_images(96)[0], [8, size], 1, 0, "unbiased")
