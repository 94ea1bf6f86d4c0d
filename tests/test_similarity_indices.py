"""The indices have the fact sheet's values, obey the laws that they declare, and break those that they do not."""

import numpy as np
import pytest
import torch
from scipy.stats import ortho_group

from lib.stitching import SIMILARITY_INDICES, cca, direct_match, mean_cca, procrustes_distance, pwcca_distance, residual
from lib.stitching.similarity_indices import CKA, GROUPS, canonical_variates, samples


@pytest.fixture
def pair():
    """The fact sheet's X and Y, section 4."""
    rng = np.random.RandomState(1337)
    x = rng.randn(100, 10)
    return x, rng.randn(100, 10) + x


@pytest.fixture(params=SIMILARITY_INDICES)
def index(request):
    return SIMILARITY_INDICES[request.param]


def test_the_values_of_the_fact_sheet(pair):
    correlations = cca(*pair)
    found = {
        "OPD": procrustes_distance(*pair),
        "PWCCA": pwcca_distance(*pair),
        "mean CCA": mean_cca(*pair),
        "mean squared CCA": (correlations**2).mean(),
        "largest": correlations[0],
        "CKA": SIMILARITY_INDICES[CKA].of(*pair),
    }
    expected = {"OPD": 0.527489, "PWCCA": 0.265332, "mean CCA": 0.731014, "CKA": 0.557613}
    assert found == pytest.approx(expected | {"mean squared CCA": 0.545396, "largest": 0.885111}, abs=6e-7)


def test_the_least_squares_residual_of_the_fact_sheet(pair):
    x, y = (torch.from_numpy(part)[:, :, None, None] for part in pair)
    assert residual(direct_match(x, y)(x), y) == pytest.approx(0.425715, abs=6e-7)


def test_canonical_correlations_are_those_of_the_whitened_covariance(pair):
    """The other way: eigenvalues of the product of the projections on both spaces."""
    x, y = (part - part.mean(0) for part in pair)
    first, second = (part @ np.linalg.solve(part.T @ part, part.T) for part in (x, y))
    expected = np.sqrt(np.sort(np.linalg.eigvals(first @ second).real)[::-1][:10])
    correlations, variates = canonical_variates(*pair)
    np.testing.assert_allclose(correlations, expected, atol=1e-7)
    np.testing.assert_allclose(variates.T @ variates, np.eye(10), atol=1e-10)
    np.testing.assert_allclose(np.linalg.norm(second @ variates, axis=0), correlations, atol=1e-10)


@pytest.mark.parametrize("place, side", [(0, "first"), (1, "second")])
def test_an_index_feels_no_maps_of_the_features_but_those_beyond_what_it_declares(pair, index, place, side):
    maps = [np.eye(10)[::-1], ortho_group.rvs(10, random_state=0), np.random.default_rng(0).standard_normal((10, 10))]
    for group, linear in zip(GROUPS, maps):
        changed = list(pair)
        changed[place] = 3 * pair[place] @ linear + 5  # no index feels a shift, or one scale for all
        change = abs(index.of(*changed) - index.of(*pair))
        declared = GROUPS.index(group) <= GROUPS.index(getattr(index, side))
        assert change < 1e-10 if declared else change > 1e-3


def test_an_index_that_treats_both_alike_is_symmetric(pair, index):
    difference = abs(index.of(*pair) - index.of(*pair[::-1]))
    assert difference < 1e-12 if index.first == index.second else difference > 1e-4


def test_a_representation_is_as_much_like_itself_as_can_be(pair, index):
    for x in (pair[0], pair[0] @ np.diag([1] * 6 + [0] * 4), np.repeat(pair[1], 2, axis=1)):
        assert index.likeness(*map(torch.from_numpy, (x, x))) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("features", [(3, 7), (7, 3), (30, 5), (40, 40)])
def test_all_stay_in_their_ranges_for_any_numbers_of_features(features, index):
    rng = np.random.default_rng(1)
    x, y = (rng.standard_normal((30, count)) for count in features)
    assert 0 <= index.of(x, y) <= (index.furthest or 1)
    assert 0 <= index.likeness(torch.from_numpy(x), torch.from_numpy(y)) <= 1
    correlations, variates = canonical_variates(x, y)
    ranks = [min(count, 29) for count in features]
    assert len(correlations) == min(ranks) and variates.shape == (30, ranks[0])
    assert (np.diff(correlations) <= 1e-12).all()


def orthonormal(count):
    """Centred columns [50, count] at right angles."""
    noise = np.random.default_rng(2).standard_normal((50, count))
    return np.linalg.qr(noise - noise.mean(0))[0]


def test_representations_that_share_nothing_are_as_far_apart_as_can_be(index):
    q = torch.from_numpy(orthonormal(6))
    assert index.likeness(q[:, :3], q[:, 3:]) == pytest.approx(0, abs=1e-10)


def test_directions_of_the_first_without_a_partner_count_as_a_correlation_of_zero():
    q = orthonormal(5)
    x = q[:, :3]
    y = np.column_stack([0.8 * q[:, 0] + 0.6 * q[:, 3], 0.6 * q[:, 1] + 0.8 * q[:, 4]])
    assert mean_cca(x, y) == pytest.approx(0.7) and pwcca_distance(x, y) == pytest.approx(1 - (0.8 + 0.6 + 0) / 3)
    assert pwcca_distance(y, x) == pytest.approx(0.3)  # every direction of y has a partner


def test_weights_are_shares_of_the_absolute_products_with_the_features():
    """Features of length 3 and 1 along the variates, correlations 0.8 and 0.6."""
    q = orthonormal(4)
    y = np.column_stack([0.8 * q[:, 0] + 0.6 * q[:, 2], 0.6 * q[:, 1] + 0.8 * q[:, 3]])
    assert pwcca_distance(q[:, :2] * [3, 1], y) == pytest.approx(1 - (3 * 0.8 + 0.6) / 4)


def test_maps_of_one_shape_have_a_sample_a_position_and_others_one_an_image():
    x = torch.arange(24.0).reshape(2, 3, 2, 2)
    same, _ = samples(x, x + 1)
    assert same.shape == (8, 3) and same[1].tolist() == [1, 5, 9] and same[4].tolist() == [12, 16, 20]
    mean, other = samples(x, torch.zeros(2, 5, 2, 2))
    assert mean.tolist() == [[1.5, 5.5, 9.5], [13.5, 17.5, 21.5]] and other.shape == (2, 5)
    flat, _ = samples(x[:, :, 0, 0], torch.zeros(2, 5))
    assert flat.tolist() == x[:, :, 0, 0].tolist()


@pytest.mark.parametrize("distance", [procrustes_distance, pwcca_distance, mean_cca])
def test_what_has_no_similarity_is_refused_in_a_sentence(pair, distance):
    spoilt = pair[1].copy()
    spoilt[3, 2] = np.nan
    for second, sentence in (
        (np.full((100, 3), 0.1), "same for all samples"),  # the mean of a hundred tenths is no tenth to the last bit
        (pair[1][:99], "both need the same samples, not 100 and 99"),
        (pair[1].reshape(100, 5, 2), r"must be a matrix \[samples, features\], not \[100, 5, 2\]"),
        (spoilt, "numbers that are not finite"),
    ):
        with pytest.raises(ValueError, match=sentence):
            distance(pair[0], second)


def test_representations_of_other_images_or_forms_have_no_samples():
    with pytest.raises(ValueError, match="both need the same images, at least one, not 2 and 3"):
        samples(torch.zeros(2, 1, 1, 1), torch.zeros(3, 1, 1, 1))
    with pytest.raises(ValueError, match=r"must be \[images, channels, rows, .* not \[2, 17, 8\]$"):
        samples(torch.zeros(2, 17, 8), torch.zeros(2, 17, 8))  # tokens, whose channels would count as positions
