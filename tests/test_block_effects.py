"""Inside and outside of block structures: planted networks give what was planted, real ones what they do."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from planted_block_effects import DELETABLE, planted
from planted_blocks import at

from lib.cka.block_effects import BlockMeasures, inside_and_outside, measure, plateaus, rank_correlations
from lib.cka.blocks import mean_where
from lib.cka.grams import hidden_points
from lib.cka.probes import deletion_accuracies, probe_accuracies
from lib.models import initialise
from lib.training.populations import Population
from lib.training.specification import specify

pytestmark = pytest.mark.usefixtures("artifacts")


def test_a_block_lies_inside_with_its_input_and_its_output():
    inside = planted([(2, 6), (0, 0), (0, 3), (3, 5), (0, 7)]).inside
    assert inside.astype(int).tolist() == [[0, 0, 1, 1, 1, 0], [0] * 6, [1, 1, 0, 0, 0, 0], [0] * 6, [1] * 6]


def test_gain_lead_and_cost_are_those_planted():
    rng = np.random.default_rng(0)
    after, cost = rng.random((3, 7)), rng.random((3, 6)) / 10
    found = planted([(2, 6)] * 3, after, after[:, 1:] - 0.25, cost, whole=[0.9, 0.8, 0.7])
    np.testing.assert_allclose(found.gain, after[:, 1:] - after[:, :-1])
    np.testing.assert_allclose(found.lead, 0.25)
    np.testing.assert_allclose(found.cost, np.where(DELETABLE, cost, np.nan))
    for row, whole, loss in zip(found.deleted, found.whole, found.loss):
        assert loss == pytest.approx(np.mean([whole - left for left in row if left == left]))


def test_means_inside_and_outside_are_over_the_blocks_whose_value_is_known():
    found = planted([(2, 6), (0, 7), (0, 0)], cost=np.tile([1, 2, 3, 4, 5, 6], (3, 1)) / 100)
    inside, outside = inside_and_outside(found, found.cost)
    np.testing.assert_allclose(inside, [0.04, np.nan, np.nan])  # of blocks 3 to 5, only 4 can go
    np.testing.assert_allclose(outside, [0.03, np.nan, np.nan])
    np.testing.assert_allclose(mean_where(found.cost, np.ones((3, 6), bool)), 0.0325)
    assert np.isnan(mean_where(found.cost, ~DELETABLE & np.ones((3, 6), bool))).all()


def test_rank_correlations_are_of_networks_without_a_block_structure():
    rising, zigzag = np.linspace(0.2, 0.8, 7) ** 2, np.array([1, 3, 2, 4, 5, 7, 6]) / 10
    found = planted([(0, 0), (3, 5), (2, 6), (0, 0), (0, 0)], after=[rising, -rising, rising, zigzag, rising * 0])
    np.testing.assert_allclose(rank_correlations(found), [1, -1, np.nan, 1 - 6 * 4 / (7 * 48), np.nan])


def test_a_plateau_ends_where_more_than_a_hundredth_is_lost():
    costs = [
        [0.2, 0.009, 0, 0.2, 0, 0.2],  # one block of stage 1
        [0.004, 0.005, 0, 0.2, 0, 0],  # both of stage 1
        [0.2, 0.02, 0, 0.02, 0, 0.02],  # none
        [0, 0.02, 0, 0.2, 0, -0.1],
    ]  # one of stage 3, which gets better; stage 1 is lost at its last
    assert plateaus(planted([(2, 6)] * 4, cost=costs)).tolist() == [1, 2, 0, 1]


def population(digits, family):
    """Three untrained networks as if they were trained."""
    specification = specify(digits, family, 1, epochs=1)
    states = [initialise(specification.build(), torch.Generator().manual_seed(seed)).state_dict() for seed in range(3)]
    return Population(specification, tuple(SimpleNamespace(state=state) for state in states))


def test_measures_are_those_of_the_networks(digits):
    networks = population(digits, "resnet-8")
    found = measure(networks, digits, torch.Generator().manual_seed(0), find=at(0.6), batch_size=10, passes=2)
    assert isinstance(found, BlockMeasures) and found.images == 20
    assert found.stages.tolist() == [0, 1, 2] and found.maps.shape == (3, 4, 4)
    assert found.structures == list(map(at(0.6), found.maps))
    for place, model in enumerate(networks.models()):
        names = hidden_points(model)
        assert len(names) == found.after.shape[1] == found.before.shape[1] + 1
        assert found.whole[place] == pytest.approx(
            (model(digits.test_images).argmax(1) == digits.test_labels).float().mean().item()
        )
        np.testing.assert_array_equal(
            found.deleted[place], deletion_accuracies(model, digits.test_images, digits.test_labels)
        )
        np.testing.assert_array_equal(
            found.after[place, [0, 3]], probe_accuracies(model, digits, ["stem", f"{names[3]}.add"])
        )
        np.testing.assert_array_equal(found.before[place, [2]], probe_accuracies(model, digits, [f"{names[3]}.bn2"]))


def test_networks_without_residual_connections_are_refused_in_a_sentence(digits):
    with pytest.raises(ValueError, match="^CifarResNet has no residual connections: no addition to probe"):
        measure(population(digits, "plain-14"), digits, torch.Generator(), find=at(), batch_size=10, passes=1)
