"""Directions of gradients against other ways to average."""

import numpy as np
import pytest
import torch
from small_networks import random_images
from torch.nn import functional as F

from lib.salience import directions, extraction


@pytest.mark.parametrize("grid, dims", [(None, 3 * 8 * 8), (8, 3 * 64), (4, 48), (3, 27), (1, 3)])
def test_directions_are_unit_rows_of_the_grid(grid, dims):
    rows = directions(random_images(5, channels=3)[0], grid=grid)
    assert rows.shape == (5, dims) and rows.dtype == torch.float32
    torch.testing.assert_close(rows.double().norm(dim=1), torch.ones(5, dtype=torch.float64), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size, grid", [(8, 1), (8, 2), (8, 4), (8, 8), (32, 8), (6, 3)])
def test_a_grid_that_divides_the_image_is_average_pooling(size, grid):
    images, _ = random_images(5, channels=3, size=(size, size))
    pooled = F.avg_pool2d(images, size // grid).flatten(1)
    torch.testing.assert_close(directions(images, grid=grid), F.normalize(pooled), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size, grid", [(8, 3), (8, 5), (8, 7), (28, 8), (5, 4), (64, 9)])
def test_a_grid_that_cuts_through_pixels_averages_the_picture_drawn_finer(size, grid):
    """Each pixel repeated `grid` times, the grid divides the picture, and the mean is kept."""
    images, _ = random_images(3, channels=2, size=(size, size))
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
    with pytest.raises(ValueError, match="are no square pictures of 2 channels"):
        extraction.as_pictures(images.flatten(1).numpy(), 2)
    np.testing.assert_allclose(pictures, images.mean(1).numpy(), rtol=1e-6, atol=1e-7)
