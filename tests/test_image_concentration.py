"""What images of different concentration explain: a gain where they differ, none where they are alike."""

import numpy as np
import pytest

from lib.similarity.mean_directions import leave_one_out_cosines
from lib.similarity.shapes import own_concentration_gain, shrunk_squares
from lib.sphere import vmf_mean_resultant
from lib.sphere.saw import vmf_sample, von_mises_fisher

DIM = 16
MU = np.eye(DIM)[0]


def population(rng, networks, kappas):
    """[networks, images, dims]: von Mises-Fisher directions, image i with the concentration kappas[i]."""
    return np.stack([vmf_sample(rng, MU, kappa, networks) for kappa in kappas], axis=1)


@pytest.mark.parametrize("networks", [5, 20])
def test_images_that_differ_are_told_apart_and_images_that_do_not_are_not(networks):
    rng = np.random.default_rng(0)
    mixed = own_concentration_gain(population(rng, networks, rng.choice([2.0, 60.0], 200)))
    alike = own_concentration_gain(population(rng, networks, np.full(200, 12.0)))
    assert mixed.shape == (networks, 200) and mixed.mean() > 0.3
    assert abs(alike.mean()) < 0.01


def test_the_gain_with_many_networks_is_that_of_the_known_concentrations():
    rng = np.random.default_rng(1)
    kappas = rng.choice([3.0, 40.0], 120)
    directions = population(rng, 40, kappas)
    t = leave_one_out_cosines(directions)
    mean = vmf_mean_resultant(kappas, DIM).mean()
    common = von_mises_fisher(next(k for k in np.linspace(1, 60, 5901) if vmf_mean_resultant(k, DIM) >= mean), DIM)
    exact = np.stack([von_mises_fisher(kappa, DIM).logpdf(t[:, i]) for i, kappa in enumerate(kappas)], 1)
    assert own_concentration_gain(directions).mean() == pytest.approx((exact - common.logpdf(t)).mean(), abs=0.06)


def test_squares_are_drawn_to_their_mean_as_far_as_they_are_chance():
    rng = np.random.default_rng(2)
    alike = shrunk_squares(population(rng, 6, np.full(300, 8.0)))
    exact = float(vmf_mean_resultant(8.0, DIM)) ** 2
    assert alike.std() < 0.3 * 0.08 and alike.mean() == pytest.approx(exact, abs=0.02)
    kappas = rng.choice([2.0, 50.0], 300)
    differing = shrunk_squares(population(rng, 6, kappas))
    assert np.sqrt(np.mean((differing - vmf_mean_resultant(kappas, DIM) ** 2) ** 2)) < 0.08


def test_a_gradient_that_vanished_has_no_gain_and_shifts_no_other_image():
    rng = np.random.default_rng(3)
    directions = population(rng, 6, np.linspace(2, 40, 50))
    directions[2, 7] = 0
    gain = own_concentration_gain(directions)
    assert np.argwhere(np.isnan(gain)).tolist() == [[2, 7]]
    directions[1:, 7] = 0
    assert np.isnan(own_concentration_gain(directions)[:, 7]).all()


def test_too_few_networks_are_refused():
    with pytest.raises(ValueError, match="at least 5 networks, not 4"):
        own_concentration_gain(population(np.random.default_rng(4), 4, [3.0, 4.0]))
