"""What is measured of a network agrees with its parts; numbers inside and outside the block are told apart."""

import numpy as np
import pytest
import torch
from made_components import made
from planted_blocks import at
from small_networks import network, random_images

from lib.cka import network_cka
from lib.cka.block_components import components_of, late_shares, population_components, settings_for
from lib.cka.components import components
from lib.cka.grams import hidden_points
from lib.models.representations import representation

IMAGES = random_images(40)[0]
MODEL = network(family="resnet-14", width=1)
POINTS = hidden_points(MODEL)


LATE = POINTS[3:]


def settings(dropped_share=0.05):
    return settings_for(len(IMAGES), 16, 2, dropped_share, 3, 7)


class Twice:
    """A population of one network and itself."""

    def __len__(self):
        return 2

    def models(self):
        return iter([MODEL, MODEL])


@pytest.fixture(scope="module")
def found():
    """A threshold that one CKA value of the network gives: some layers lie above it, others below."""
    values = cka()
    return components_of(MODEL, IMAGES, settings(), at(float(np.sort(values[np.triu_indices(len(POINTS), 1)])[8])))


def cka():
    return network_cka([MODEL], IMAGES, [POINTS], batch_size=16, passes=2, generator=torch.Generator().manual_seed(7))


def layer(*points):
    features = representation(MODEL, IMAGES, points)
    return np.concatenate([features[point] for point in points], axis=1).astype(float)


def test_shares_and_cosines_are_those_of_the_activations(found):
    assert found.points == POINTS
    np.testing.assert_allclose(found.cka, cka(), atol=1e-5)
    parts = [components(layer(point)) for point in POINTS]
    np.testing.assert_allclose(found.shares, [part.variances[0] / part.variances.sum() for part in parts], rtol=1e-4)
    expected = (parts[1].vectors[:, 0] @ parts[4].vectors[:, 0]) ** 2
    assert found.cosines[1, 4] == pytest.approx(expected, abs=1e-3)
    np.testing.assert_allclose(np.diagonal(found.without), 1)
    assert np.abs(found.without - found.cka)[np.triu_indices(len(POINTS), 1)].max() > 0.01


def test_the_late_share_is_that_of_the_last_two_stages_laid_behind_one_another(found):
    variances = components(layer(*LATE)).variances
    assert found.late_share == pytest.approx(variances[0] / variances.sum(), rel=1e-4)


def test_the_images_are_those_of_the_block_or_without_one_of_the_last_two_stages(found):
    assert found.has_block and len(found.block) < len(POINTS)
    none = components_of(MODEL, IMAGES, settings(), at(0.9999))
    assert not none.has_block and none.dropped is None and none.block.share() == 0
    for network_found, points in ((found, POINTS[found.block.start : found.block.stop]), (none, LATE)):
        x = layer(*points)
        assert abs(components(x).vectors[:, 0] @ network_found.coefficients) == pytest.approx(1, abs=1e-4)
        np.testing.assert_allclose(network_found.norms, np.linalg.norm(x, axis=1), rtol=1e-4)


def test_cka_without_images_is_that_of_the_block_alone(found):
    assert found.dropped.none == pytest.approx(
        found.cka[np.ix_(*[found.block.inside()] * 2)][np.triu_indices(len(found.block), 1)].mean(), abs=0.1
    )
    assert len({round(value, 6) for value in found.dropped}) == 3


def test_the_same_for_every_network_whatever_stands_beside_it(found):
    population = Twice()
    both = population_components({"a": population, "b": population}, IMAGES, settings(), at(0.5))
    assert {name: len(networks) for name, networks in both.items()} == {"a": 2, "b": 2}
    np.testing.assert_array_equal(both["a"][0].without, both["b"][1].without)
    assert both["a"][0].dropped == both["b"][1].dropped


def test_inside_and_outside_by_hand():
    shares = np.array([0.1, 0.2, 0.6, 0.7, 0.8, 0.3])
    before, after = np.full((6, 6), 0.5), np.full((6, 6), 0.4)
    before[2:5, 2:5], after[2:5, 2:5] = 0.95, 0.25
    network_found = made(start=2, stop=5, shares=shares, cka=before, without=after)
    assert network_found.share_contrast() == pytest.approx(0.7 - 0.2)
    assert network_found.fall(True) == pytest.approx(0.7) and network_found.fall(False) == pytest.approx(0.1)
    assert network_found.fall_contrast() == pytest.approx(0.6)


def test_what_is_not_there_is_not_known():
    short, whole = made(start=4, stop=6), made(start=0, stop=6)
    assert not short.has_block and whole.has_block
    for value in (
        short.share_contrast(),
        short.fall(True),
        short.fall(False),
        short.fall_contrast(),
        whole.share_contrast(),
        whole.fall(False),
        whole.fall_contrast(),
    ):
        assert np.isnan(value)
    assert np.isfinite(whole.fall(True)) and np.isfinite(short.agreement())


def test_agreement_is_a_correlation_over_pairs_of_different_layers():
    one = made()
    assert made(cosines=one.cka).agreement() == pytest.approx(1)
    assert made(cosines=2 - one.cka).agreement() == pytest.approx(-1)
    pairs = np.triu_indices(6, 1)
    assert one.agreement() == pytest.approx(np.corrcoef(one.cka[pairs], one.cosines[pairs])[0, 1])
    assert np.isnan(made(cosines=np.ones((6, 6))).agreement())
    np.testing.assert_allclose(late_shares([one]), [[one.late_share, 4 / 6]])


def test_one_image_is_dropped_at_least_and_batches_fit_what_is_left():
    assert settings_for(597, 256, 4, 0.02, 10, 0).dropped == 12
    assert settings_for(20, 19, 4, 0.02, 10, 0).dropped == 1
    with pytest.raises(ValueError, match="batches of 590 need .* images, and 585 are left when 12 of 597 are dropped"):
        settings_for(597, 590, 4, 0.02, 10, 0)
    with pytest.raises(ValueError, match="batch_size must be a whole number of at least 4, not 3"):
        settings_for(597, 3, 4, 0.02, 10, 0)
