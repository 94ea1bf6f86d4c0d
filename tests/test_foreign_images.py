"""Images that networks were not trained on."""

import torch

from lib.stitching import foreign_images

MEAN, STD = (0.25, 0.5, 0.75), (0.5, 0.25, 1.0)
PIXELS = torch.rand(8, 3, 5, 4, generator=torch.Generator().manual_seed(0))
IMAGES = (PIXELS - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def generator():
    return torch.Generator().manual_seed(1)


def test_shuffling_moves_whole_pixels_each_image_in_its_own_order():
    found = foreign_images.shuffled(IMAGES, generator())
    before, after = (part.flatten(2).transpose(1, 2) for part in (IMAGES, found))  # [images, pixels, channels]
    for one, other in zip(before, after):
        assert {tuple(pixel.tolist()) for pixel in one} == {tuple(pixel.tolist()) for pixel in other}
    assert not torch.equal(found, IMAGES)
    same = foreign_images.shuffled(IMAGES[:1].expand(2, -1, -1, -1), generator())
    assert not torch.equal(same[0], same[1])


def test_negatives_are_one_minus_the_pixels():
    found = foreign_images.inverted(IMAGES, MEAN, STD)
    pixels = found * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
    torch.testing.assert_close(pixels, 1 - PIXELS)
    torch.testing.assert_close(foreign_images.inverted(found, MEAN, STD), IMAGES)


def test_noise_is_uniform_over_the_pixels_values():
    found = foreign_images.noise(torch.zeros(200, 3, 8, 8), MEAN, STD, generator())
    pixels = found * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
    assert -1e-6 <= pixels.min() and pixels.max() <= 1 + 1e-6
    torch.testing.assert_close(pixels.mean((0, 2, 3)), torch.full((3,), 0.5), atol=0.01, rtol=0)
    torch.testing.assert_close(pixels.var((0, 2, 3)), torch.full((3,), 1 / 12), atol=0.005, rtol=0)


def test_auxiliary_images_are_shuffled_or_half_noise_in_turn():
    found = foreign_images.auxiliary(IMAGES, generator())
    torch.testing.assert_close(found[::2].flatten(2).sort(-1).values, IMAGES[::2].flatten(2).sort(-1).values)
    blended = foreign_images.blended_with_noise(torch.ones(500, 1, 8, 8), generator())
    assert abs(blended.mean() - 0.5) < 0.02 and abs(blended.std() - 0.5) < 0.02
    assert not torch.isclose(found[1::2], IMAGES[1::2]).all(dim=(1, 2, 3)).any()
