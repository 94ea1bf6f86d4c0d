"""Detectors on planted Gaussians, whose areas under the curve are known; images that networks were not trained on."""

import numpy as np
import pytest
import torch
from scipy.stats import chi2, ncx2, norm

from lib.stitching import detectors
from lib.stitching.detectors import EnergyDetector, MahalanobisDetector, auroc, energy, energy_loss, false_positives

MEAN, STD = (0.25, 0.5, 0.75), (0.5, 0.25, 1.0)


def maps(count, channels=4, seed=0, shift=0.0):
    """[count, channels, 2, 2], every position a standard normal vector plus `shift`."""
    return torch.randn(count, channels, 2, 2, generator=torch.Generator().manual_seed(seed)) + shift


def classes(count, seed, shift=0.0):
    """Three classes a long way apart in the first channels: maps and labels."""
    labels = torch.arange(count) % 3
    found = maps(count, seed=seed, shift=shift)
    found[torch.arange(count), labels] += 6
    return found, labels


def test_mahalanobis_distances_are_those_of_the_planted_covariance():
    generator = torch.Generator().manual_seed(1)
    mix = torch.tensor([[2.0, 0.0], [1.0, 0.5]])
    own = torch.randn(20_000, 2, generator=generator) @ mix.T
    detector = MahalanobisDetector(own[:, :, None, None], torch.zeros(20_000, dtype=torch.long))
    covariance = (mix @ mix.T).numpy()
    for point in ([1.0, 0.0], [0.0, 2.0], [-1.0, 3.0]):
        expected = np.array(point) @ np.linalg.solve(covariance, point)
        found = detector.score(torch.tensor(point)[None, :, None, None])
        assert found == pytest.approx([expected], rel=0.05)


def test_mahalanobis_area_is_that_of_two_chi_squared_laws():
    """With one class, own scores are chi-squared, those of a shifted law noncentral chi-squared."""
    labels = torch.zeros(4000, dtype=torch.long)
    detector = MahalanobisDetector(maps(4000), labels)
    own, others = detector.score(maps(4000, seed=1)), detector.score(maps(4000, seed=2, shift=0.5))
    grid = np.linspace(0, 80, 40_001)  # of means over 4 positions: 4 channels, shift 0.5 / 0.5 standard deviations
    expected = np.trapezoid(ncx2.sf(grid, 4, 4) * chi2.pdf(grid, 4), grid)
    assert auroc(own, others) == pytest.approx(expected, abs=0.02)


def test_the_nearest_class_counts():
    own, labels = classes(300, 0)
    detector = MahalanobisDetector(own, labels)
    between = torch.zeros(100, 4, 2, 2) + torch.tensor([2.0, 2, 2, 0])[:, None, None]  # the mean of all classes
    assert auroc(detector.score(classes(300, 1)[0]), detector.score(between)) > 0.99


def test_a_channel_that_is_never_active_does_no_harm():
    own, labels = classes(90, 0)
    own[:, 3] = 0
    assert np.isfinite(MahalanobisDetector(own, labels).score(own)).all()
    detector = EnergyDetector(own, labels, maps(90, seed=5), torch.Generator().manual_seed(0), epochs=1)
    assert np.isfinite(detector.score(own)).all()


@pytest.fixture(scope="module")
def energy_detector():
    own, labels = classes(600, 0)
    foreign = maps(600, seed=2)
    return EnergyDetector(own, labels, foreign, torch.Generator().manual_seed(0), epochs=40)


def test_energy_passes_held_out_activations_and_refuses_others(energy_detector):
    own, held_out = energy_detector.score(classes(600, 0)[0]), energy_detector.score(classes(600, 1)[0])
    assert auroc(own, held_out) == pytest.approx(0.5, abs=0.06)
    assert auroc(held_out, energy_detector.score(maps(600, seed=3))) > 0.95
    assert own.mean() < -15 and energy_detector.score(maps(600, seed=2)).mean() > -15


def test_the_classifier_knows_the_labels_and_is_frozen(energy_detector):
    held_out, labels = classes(300, 4)
    assert (energy_detector.classifier(held_out).argmax(1) == labels).float().mean() > 0.95
    assert not energy_detector.classifier.training
    assert not any(parameter.requires_grad for parameter in energy_detector.classifier.parameters())


def test_the_same_generator_trains_the_same_detector():
    own, labels = classes(60, 0)
    foreign = maps(60, seed=2)
    first, second = (
        EnergyDetector(own, labels, foreign, torch.Generator().manual_seed(9), epochs=2).score(own) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_energies_and_their_loss_by_hand():
    torch.testing.assert_close(
        energy(torch.tensor([[0.0, 0.0], [3.0, 3.0]])), torch.tensor([-np.log(2), -3 - np.log(2)], dtype=torch.float32)
    )
    # Own at -27 and -23: 0 and 2^2; others at -9, -6, -8: 2^2, 0 and 1^2.
    loss = energy_loss(torch.tensor([-27.0, -23.0]), torch.tensor([-9.0, -6.0, -8.0]))
    assert loss.item() == pytest.approx(4 / 2 + 5 / 3)


def test_area_and_false_positives_of_two_normal_laws():
    rng = np.random.default_rng(0)
    own, others = rng.normal(size=20_000), rng.normal(1.5, size=20_000)
    assert auroc(own, others) == pytest.approx(norm.cdf(1.5 / np.sqrt(2)), abs=0.01)
    assert false_positives(own, others) == pytest.approx(norm.cdf(norm.ppf(0.95) - 1.5), abs=0.02)
    assert auroc(own, own) == pytest.approx(0.5) and false_positives(own, own) == pytest.approx(0.95, abs=1e-3)
    assert auroc(own, own + 100) == 1 and false_positives(own, own + 100) == 0


def test_what_cannot_be_learnt_from_is_refused():
    own, labels = classes(9, 0)
    with pytest.raises(ValueError, match="^9 images need as many labels, not 8$"):
        MahalanobisDetector(own, labels[:8])
    with pytest.raises(ValueError, match="^both need the same images, at least one, not 9 and 5$"):
        EnergyDetector(own, labels, own[:5], torch.Generator())
    with pytest.raises(ValueError, match="^epochs must be a whole number of at least 1, not 0$"):
        EnergyDetector(own, labels, own, torch.Generator(), epochs=0)
    with pytest.raises(ValueError, match=r"^labels must be class indices, whole numbers \[images\], not \[9, 1\] of"):
        MahalanobisDetector(own, labels[:, None])


def pixels_of(images):
    """From 0 to 1."""
    return images * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]


@pytest.fixture
def noisy():
    """Normalised images of pixels from 0 to 1."""
    pixels = torch.rand(8, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    return (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def test_negatives_are_one_minus_the_pixels(noisy):
    found = detectors.negatives(noisy, MEAN, STD)
    torch.testing.assert_close(pixels_of(found), 1 - pixels_of(noisy))
    torch.testing.assert_close(detectors.negatives(found, MEAN, STD), noisy)


def test_noise_is_uniform_over_the_pixels_values():
    pixels = pixels_of(detectors.noise(torch.zeros(200, 3, 8, 8), MEAN, STD, torch.Generator().manual_seed(1)))
    assert -1e-6 <= pixels.min() and pixels.max() <= 1 + 1e-6
    torch.testing.assert_close(pixels.mean((0, 2, 3)), torch.full((3,), 0.5), atol=0.01, rtol=0)
    torch.testing.assert_close(pixels.var((0, 2, 3)), torch.full((3,), 1 / 12), atol=0.005, rtol=0)


def test_auxiliary_images_are_shuffled_or_half_noise_in_turn(noisy):
    """Whole pixels move, in every image in an order of its own; the others lie half-way to unit noise."""
    same = torch.cat([noisy[:1], torch.ones(1, 3, 5, 4)]).repeat(200, 1, 1, 1)
    found = detectors.auxiliary(same, torch.Generator().manual_seed(1))
    before, *after = (part.flatten(1).T.tolist() for part in (noisy[0], found[0], found[2]))  # [pixels][channels]
    assert sorted(before) == sorted(after[0]) == sorted(after[1]) and before != after[0] != after[1]
    assert abs(found[1::2].mean() - 0.5) < 0.02 and abs(found[1::2].std() - 0.5) < 0.02
