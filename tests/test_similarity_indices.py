"""The indices have the fact sheet's values, obey their laws, and break those that they must not obey."""

import numpy as np
import pytest
import torch
from scipy.stats import ortho_group

from lib.cka import linear_cka
from lib.stitching import direct_matching, residual
from lib.stitching.similarity_indices import canonical_correlations, mean_cca, normalised, procrustes, pwcca, samples


@pytest.fixture
def pair():
    """The fact sheet's X and Y, section 4."""
    rng = np.random.RandomState(1337)
    x = rng.randn(100, 10)
    return x, rng.randn(100, 10) + x


def cka(x, y):
    return linear_cka(torch.as_tensor(x), torch.as_tensor(y), "biased")


def test_the_values_of_the_fact_sheet(pair):
    correlations, _ = canonical_correlations(*pair)
    found = {"OPD": procrustes(*pair), "PWCCA": pwcca(*pair), "mean CCA": mean_cca(*pair),
             "mean squared CCA": (correlations**2).mean(), "largest": correlations[0], "CKA": cka(*pair)}
    assert found == pytest.approx({"OPD": 0.527489, "PWCCA": 0.265332, "mean CCA": 0.731014,
                                   "mean squared CCA": 0.545396, "largest": 0.885111, "CKA": 0.557613}, abs=6e-7)


def test_the_least_squares_residual_of_the_fact_sheet(pair):
    x, y = (torch.from_numpy(part)[:, :, None, None] for part in pair)
    assert residual(direct_matching(x, y)(x), y) == pytest.approx(0.425715, abs=6e-7)


def test_canonical_correlations_are_those_of_the_whitened_covariance(pair):
    """The other way: eigenvalues of the product of the projections on both spaces."""
    x, y = (part - part.mean(0) for part in pair)
    first, second = (part @ np.linalg.solve(part.T @ part, part.T) for part in (x, y))
    expected = np.sqrt(np.sort(np.linalg.eigvals(first @ second).real)[::-1][:10])
    correlations, variates = canonical_correlations(*pair)
    np.testing.assert_allclose(correlations, expected, atol=1e-7)
    np.testing.assert_allclose(variates.T @ variates, np.eye(10), atol=1e-10)
    np.testing.assert_allclose(np.linalg.norm(second @ variates, axis=0), correlations, atol=1e-10)


def rotation(seed, dims=10):
    return ortho_group.rvs(dims, random_state=seed)


def test_procrustes_and_cka_do_not_feel_rotation_shift_or_scale(pair):
    x, y = pair
    turned = 3 * x @ rotation(0) + 5, 0.1 * y @ rotation(1) - 2
    assert procrustes(*turned) == pytest.approx(procrustes(x, y), abs=1e-10)
    assert cka(*turned) == pytest.approx(cka(x, y), abs=1e-10)
    assert mean_cca(*turned) == pytest.approx(mean_cca(x, y), abs=1e-10)


def test_canonical_correlations_do_not_feel_any_invertible_map_and_procrustes_and_cka_do(pair):
    x, y = pair
    rng = np.random.default_rng(0)
    stretched = x @ (np.diag(np.geomspace(1, 30, 10)) @ rotation(0)), y @ rng.standard_normal((10, 10))
    np.testing.assert_allclose(canonical_correlations(*stretched)[0], canonical_correlations(x, y)[0], atol=1e-9)
    assert abs(procrustes(*stretched) - procrustes(x, y)) > 0.05
    assert abs(cka(*stretched) - cka(x, y)) > 0.05


def test_pwcca_does_not_feel_maps_of_the_second_but_of_the_first(pair):
    x, y = pair
    rng = np.random.default_rng(0)
    mixed = rng.standard_normal((10, 10))
    assert pwcca(x, y @ mixed) == pytest.approx(pwcca(x, y), abs=1e-10)
    assert abs(pwcca(x @ mixed, y) - pwcca(x, y)) > 1e-3
    assert abs(pwcca(x, y) - pwcca(y, x)) > 1e-4  # not symmetric
    assert procrustes(x, y) == pytest.approx(procrustes(y, x), abs=1e-12)
    assert mean_cca(x, y) == pytest.approx(mean_cca(y, x), abs=1e-12)


def test_a_representation_is_at_no_distance_from_itself(pair):
    for x in (pair[0], pair[0] @ np.diag([1] * 6 + [0] * 4), np.repeat(pair[1], 2, axis=1)):
        assert procrustes(x, x) == pytest.approx(0, abs=1e-12) and pwcca(x, x) == pytest.approx(0, abs=1e-12)
        assert mean_cca(x, x) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("features", [(3, 7), (7, 3), (30, 5), (40, 40)])
def test_all_stay_in_their_ranges_for_any_numbers_of_features(features):
    rng = np.random.default_rng(1)
    x, y = (rng.standard_normal((30, count)) for count in features)
    assert 0 <= procrustes(x, y) <= 2 and 0 <= pwcca(x, y) <= 1 and 0 <= mean_cca(x, y) <= 1
    correlations, variates = canonical_correlations(x, y)
    ranks = [min(count, 29) for count in features]
    assert len(correlations) == min(ranks) and variates.shape == (30, ranks[0])
    assert (np.diff(correlations) <= 1e-12).all()


def orthonormal(count):
    """Centred columns [50, count] at right angles."""
    noise = np.random.default_rng(2).standard_normal((50, count))
    return np.linalg.qr(noise - noise.mean(0))[0]


def test_representations_that_share_nothing_are_as_far_apart_as_can_be():
    q = orthonormal(6)
    assert procrustes(q[:, :3], q[:, 3:]) == pytest.approx(2, abs=1e-10)
    assert pwcca(q[:, :3], q[:, 3:]) == pytest.approx(1, abs=1e-10)
    assert mean_cca(q[:, :3], q[:, 3:]) == pytest.approx(0, abs=1e-10)


def test_directions_of_the_first_without_a_partner_count_as_a_correlation_of_zero():
    q = orthonormal(5)
    x = q[:, :3]
    y = np.column_stack([0.8 * q[:, 0] + 0.6 * q[:, 3], 0.6 * q[:, 1] + 0.8 * q[:, 4]])
    assert mean_cca(x, y) == pytest.approx(0.7) and pwcca(x, y) == pytest.approx(1 - (0.8 + 0.6 + 0) / 3)
    assert pwcca(y, x) == pytest.approx(0.3)  # every direction of y has a partner


def test_weights_are_shares_of_the_absolute_products_with_the_features():
    """Features of length 3 and 1 along the variates, correlations 0.8 and 0.6."""
    q = orthonormal(4)
    y = np.column_stack([0.8 * q[:, 0] + 0.6 * q[:, 2], 0.6 * q[:, 1] + 0.8 * q[:, 3]])
    assert pwcca(q[:, :2] * [3, 1], y) == pytest.approx(1 - (3 * 0.8 + 0.6) / 4)


def test_maps_of_one_shape_have_a_sample_a_position_and_others_one_an_image():
    x = torch.arange(24.0).reshape(2, 3, 2, 2)
    same, _ = samples(x, x + 1)
    assert same.shape == (8, 3) and same[1].tolist() == [1, 5, 9] and same[4].tolist() == [12, 16, 20]
    mean, other = samples(x, torch.zeros(2, 5, 2, 2))
    assert mean.tolist() == [[1.5, 5.5, 9.5], [13.5, 17.5, 21.5]] and other.shape == (2, 5)
    flat, _ = samples(x[:, :, 0, 0], torch.zeros(2, 5))
    assert flat.tolist() == x[:, :, 0, 0].tolist()


def test_what_has_no_similarity_is_refused_in_a_sentence(pair):
    with pytest.raises(ValueError, match="same for all samples"):
        procrustes(pair[0], np.full((100, 3), 0.1))  # the mean of a hundred tenths is not a tenth to the last bit
    for index in (procrustes, pwcca, mean_cca):
        with pytest.raises(ValueError, match="both need the same samples, not 100 and 99"):
            index(pair[0], pair[1][:99])
    with pytest.raises(ValueError, match="both need the same images, at least one, not 2 and 3"):
        samples(torch.zeros(2, 1, 1, 1), torch.zeros(3, 1, 1, 1))


def test_normalised_is_centred_and_of_unit_norm(pair):
    x = normalised(pair[0] + 7)
    np.testing.assert_allclose(x.mean(0), 0, atol=1e-15)
    assert np.linalg.norm(x) == pytest.approx(1)
