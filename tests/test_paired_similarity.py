"""Seeds that populations share count once: coverage in planted populations whose truth is known exactly."""

import numpy as np
import pytest
from scipy.stats import norm

from lib.similarity.crossed import similarity_matrix
from lib.similarity.paired_similarity import interval, paired_similarities
from lib.statistics.intervals import mean_interval

# von Mises-Fisher directions in three dimensions, where their law has a closed form; a network follows the mean
# direction by a factor of its own, an image by another.
CONCENTRATIONS = np.array([[1.0, 1.5, 2.5], [2.0, 2.5, 3.0]])  # [groups, populations]
OF_NETWORK, OF_IMAGE = np.array([0.6, 1.0, 1.6]), np.array([0.4, 1.0, 2.0])
SHARED = 0.8  # of the variance that networks of one seed have in common, beside the factor
SIMULATIONS, SEEDS, IMAGES = 300, 4, 40


def resultant(kappa):
    return 1 / np.tanh(kappa) - 1 / kappa


RESULTANTS = resultant(CONCENTRATIONS[..., None, None] * OF_IMAGE[:, None] * OF_NETWORK)  # [..., images, networks]
TRUTH = (RESULTANTS.mean(-1) ** 2).mean(-1)  # two networks are independent at an image


def mixed(rng, shape, populations):
    """Standard normal [populations, *shape], SHARED of the variance the same in all."""
    return SHARED**0.5 * rng.standard_normal(shape) + (1 - SHARED) ** 0.5 * rng.standard_normal((populations, *shape))


def planted(rng, seeds=SEEDS, images=IMAGES):
    """Groups of paired populations [seeds, images, 3] about the last axis, all on the same images."""
    of_image = rng.choice(OF_IMAGE, images)
    groups = []
    for concentrations in CONCENTRATIONS:
        kappa = concentrations[:, None, None] * rng.choice(OF_NETWORK, (seeds, 1)) * of_image
        u = norm.cdf(mixed(rng, (seeds, images), len(concentrations)))
        t = 1 + np.log(u + (1 - u) * np.exp(-2 * kappa)) / kappa
        angle = rng.uniform(0, 2 * np.pi, (seeds, images)) + 0.5 * rng.standard_normal(kappa.shape)
        across = np.sqrt(np.maximum(1 - t**2, 0))
        groups.append(list(np.stack([across * np.cos(angle), across * np.sin(angle), t], axis=-1)))
    return groups


def slope(rho, _=None):
    return ((rho[..., 2] - rho[..., 0]) / 2).mean(-1)


def level(rho, _=None):
    return rho.mean((-2, -1))


@pytest.fixture(scope="module")
def simulations():
    rng = np.random.default_rng(0)
    made = [planted(rng) for _ in range(SIMULATIONS)]
    return made, [paired_similarities(groups, rng, 60) for groups in made]


@pytest.mark.parametrize("statistic", [slope, level, lambda rho, _=None: rho[..., 1, 0]])
def test_intervals_hold_the_truth_as_often_as_they_promise(simulations, statistic):
    """Four standard errors of 300 trials are 5 %, and two points are granted to few seeds, as in test_bootstrap.py."""
    intervals = [interval(found, statistic) for found in simulations[1]]
    covered = [low <= statistic(TRUTH) <= high for _, low, high in intervals]
    assert np.mean(covered) >= 0.88


@pytest.mark.parametrize("statistic", [slope, level])
def test_intervals_are_no_wider_than_few_seeds_make_them(simulations, statistic):
    spread = np.std([statistic(np.stack([group.values for group in found])) for found in simulations[1]])
    half = np.median([(high - low) / 2 for _, low, high in (interval(found, statistic) for found in simulations[1])])
    assert 1.7 * spread < half < 3.2 * spread  # Student's quantile with 3 degrees of freedom is 3.18


def test_as_independent_networks_they_would_seem_too_sure_of_a_level_and_less_sure_of_a_slope(simulations):
    """What pairing is for: networks of one seed move together."""
    rng = np.random.default_rng(1)
    for statistic, wider in ((level, False), (slope, True)):
        ratios = []
        for groups, found in list(zip(*simulations))[:40]:
            matrix = similarity_matrix(groups[0], rng, 60)
            _, low, high = matrix.interval(lambda m: statistic(np.diagonal(m, axis1=-2, axis2=-1)[..., None, :]))
            _, paired_low, paired_high = interval(found[:1], statistic)
            ratios.append((high - low) / (paired_high - paired_low))
        assert np.median(ratios) > 1.05 if wider else np.median(ratios) < 0.95, np.median(ratios)


def test_the_estimate_is_unbiased(simulations):
    values = np.array([[group.values for group in found] for found in simulations[1]])
    error = values.std(0) / np.sqrt(SIMULATIONS)
    assert (abs(values.mean(0) - TRUTH) < 4.5 * error).all()


def test_a_seed_left_out_is_one_that_was_never_there():
    groups = planted(np.random.default_rng(0), seeds=5)
    found = paired_similarities(groups, np.random.default_rng(1), 60)
    fewer = paired_similarities(
        [[np.delete(population, 2, axis=0) for population in group] for group in groups], np.random.default_rng(1), 60
    )
    for whole, less in zip(found, fewer):
        np.testing.assert_allclose(whole.without[2], less.values, rtol=1e-10)
        drawn = whole.without_by_images[:, 2]
        np.testing.assert_allclose(drawn, less.by_images[: len(drawn)], rtol=1e-10)


def test_all_groups_are_looked_at_on_the_same_draws_of_images():
    group = planted(np.random.default_rng(0))[0]
    first, second = paired_similarities([group, group], np.random.default_rng(1), 60)
    np.testing.assert_array_equal(first.by_images, second.by_images)
    estimate, low, high = interval([first, second], lambda rho, _: rho[..., 0, :] + rho[..., 1, :])
    alone, alone_low, alone_high = interval([first], lambda rho, _: 2 * rho[..., 0, :])
    np.testing.assert_allclose(estimate, alone)
    # as groups of seeds of their own, half of the seeds' variance each, but all of the images'
    assert ((high - low) < (alone_high - alone_low)).all() and ((high - low) > 0.6 * (alone_high - alone_low)).all()


def test_a_statistic_of_losses_alone_has_student_s_interval_over_seeds():
    found = paired_similarities(planted(np.random.default_rng(0), seeds=6)[:1], np.random.default_rng(1), 60)
    losses = np.random.default_rng(2).gamma(2, size=(6, 3))
    np.testing.assert_allclose(interval(found, lambda _, loss: loss[..., 0, :], [losses]), mean_interval(losses))


def test_identical_seeds_and_images_leave_nothing_uncertain():
    one = np.repeat(planted(np.random.default_rng(0))[0][0][:1, :1], 4, axis=0).repeat(20, axis=1)
    estimate, low, high = interval(paired_similarities([[one, one]], np.random.default_rng(0), 60), level)
    assert estimate == pytest.approx(1) and low == pytest.approx(high)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda group: [group[0], group[1][:3]], "equally many networks, 3 at least, not 4, 3"),
        (lambda group: [population[:2] for population in group], "equally many networks, 3 at least, not 2, 2, 2"),
        (lambda group: [group[0], group[1][:, 1:]], "all populations need the same images"),
    ],
)
def test_populations_that_cannot_be_paired_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        paired_similarities([change(planted(np.random.default_rng(0))[0])], np.random.default_rng(0), 60)
