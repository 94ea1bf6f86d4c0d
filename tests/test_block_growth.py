"""Slopes of the block measure are those that were planted, of networks that are trained on what they should be."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made_pictures import digests
from planted_blocks import at, planted, with_shares
from scipy.stats import linregress

from lib import data
from lib.cka.block_growth import (
    RESOLUTION,
    ends,
    growth,
    halving,
    late_excess,
    late_parts,
    mean_share,
    reduced_populations,
    stacked_counts,
)
from lib.cka.blocks import shares
from lib.effects import paired
from lib.effects.scale import with_fewer
from lib.statistics.contrasts import sum_interval
from lib.statistics.intervals import bounded, mean_interval
from lib.training.populations import Population
from lib.training.wide_and_deep import RECIPE, Architecture


def test_networks_that_agree_leave_half_a_layer_open():
    estimate, low, high = mean_share(with_shares(20, [10] * 4), at(0.9))
    margin = 3.182446 * (0.5 / 20) / 2 / 0.25  # on the logit's scale
    assert estimate == pytest.approx(0.5)
    assert [low, high] == pytest.approx([1 / (1 + np.exp(margin)), 1 / (1 + np.exp(-margin))], rel=1e-5)
    spread = with_shares(20, [4, 8, 12, 16])
    np.testing.assert_allclose(mean_share(spread, at(0.9)), bounded(mean_interval([0.2, 0.4, 0.6, 0.8]), 0, 1))


@pytest.mark.parametrize("sizes, quantity", [((1, 2, 4, 8), "width"), ((14, 26, 38, 56), "depth"), ((1, 10), "width")])
def test_the_slope_is_that_of_a_regression_over_doublings(sizes, quantity):
    rng = np.random.default_rng(1)
    line = [Architecture(**{"depth": 14, quantity: size}) for size in sizes]
    maps = {architecture: with_shares(25, rng.integers(3, 20, 4)) for architecture in line}
    values = np.array([shares(maps[architecture], at(0.9)) for architecture in line])
    slope = linregress(np.repeat(np.log2(sizes), 4), values.ravel()).slope
    found = growth(maps, line, quantity, at(0.9))
    assert found[0] == pytest.approx(slope) and found[1] < slope < found[2]


def test_a_block_that_grows_by_the_same_part_a_doubling_gives_that_part():
    line = [Architecture(14, width) for width in (1, 2, 4)]
    maps = {architecture: with_shares(20, [side] * 3) for architecture, side in zip(line, (4, 7, 10))}
    estimate, low, high = growth(maps, line, "width", at(0.9))
    assert estimate == pytest.approx(0.15) and low < 0.15 < high
    assert growth(maps, line, "width", at(0.98))[0] == 0  # above what the planted blocks have
    backwards = {architecture: maps[other] for architecture, other in zip(line, reversed(line))}
    assert growth(backwards, line, "width", at(0.9))[0] == pytest.approx(-0.15)


def test_halving_is_taken_within_seeds():
    """Seeds that differ much, each with three more layers a halving."""
    counts, line = [100, 200, 400], [Architecture(14), Architecture(14, 4)]
    by_count = {
        line[0]: np.stack([with_shares(30, [base + 6, base + 3, base]) for base in (3, 10, 20)]),
        line[1]: np.stack([with_shares(30, [base + 6, base + 3, base]) for base in (20, 5, 11)]),
    }
    estimate, low, high = halving(by_count, counts, line, at(0.9))
    assert estimate == pytest.approx(0.1) and 0.05 < low < high < 0.15
    np.testing.assert_allclose(halving(by_count, counts, line[:1], at(0.9))[0], 0.1)
    opposite = {one: maps[:, ::-1] for one, maps in by_count.items()}
    np.testing.assert_allclose(halving(opposite, counts, line, at(0.9)), [-estimate, -high, -low])


def test_intervals_of_counts_hold_the_truth_as_often_as_they_say():
    """Four networks an architecture whose blocks have one of two neighbouring numbers of layers, or spread widely."""
    rng = np.random.default_rng(2)
    held = {}
    for name, draw, mean in (
        ("two values", lambda: 8 + (rng.random(4) < 0.2), 8.2),
        ("even odds", lambda: 8 + (rng.random(4) < 0.5), 8.5),
        ("wide", lambda: rng.integers(3, 14, 4), 8.0),
    ):
        found = [sum_interval([draw() / 20, draw() / 20], [1, -1], [RESOLUTION / 20] * 2) for _ in range(800)]
        held[name] = np.mean([low <= 0 <= high for _, low, high in found])
        means = [sum_interval([draw() / 20], [1], [RESOLUTION / 20]) for _ in range(800)]
        held[f"{name}, mean"] = np.mean([low <= mean / 20 <= high for _, low, high in means])
    assert min(held.values()) > 0.925, held


LATE = Architecture(26)  # 13 layers, of which 8 lie in the last two stages


@pytest.mark.parametrize("start, stop, excess", [(7, 12, 1 - 8 / 13), (0, 5, -8 / 13), (0, 13, 0)])
def test_a_block_late_in_the_network_is_told_from_one_anywhere(start, stop, excess):
    estimate, low, high = late_excess({LATE: np.stack([planted(13, start, stop)] * 4)}, at())
    assert estimate == pytest.approx(excess) and low < estimate < high
    assert (low > 0) == (excess > 0) and (high < 0) == (excess < 0)


def test_networks_without_a_block_do_not_say_where_it_lies():
    maps = {
        LATE: np.stack([planted(13, 7, 12), planted(13, 0, 2), planted(13, 5, 7)]),
        Architecture(14): np.stack([planted(7, 3, 7), planted(7, 4, 6)]),
    }
    assert len(late_parts(maps[LATE], at())) == 1
    for threshold in (0.9, 0.99):
        assert np.isnan(late_excess(maps, at(threshold))).all()


@pytest.mark.parametrize("runs", [60, pytest.param(4000, marks=pytest.mark.slow)])
def test_where_architectures_differ_the_mean_over_blocks_holds_what_it_promises(runs):
    """Blocks of 4 layers that begin around another layer in each architecture: networks vary within theirs alone."""
    rng, held, pooled = np.random.default_rng(5), [], []
    middles = (2, 6, 6)

    def network(middle):
        start = int(np.clip(middle + rng.integers(-2, 3), 0, 9))
        return planted(13, start, start + 4)

    law = [np.stack([network(middle) for _ in range(1000)]) for middle in middles]
    truth = np.mean([late_parts(maps, at()).mean() for maps in law])
    for _ in range(runs):
        maps = {
            Architecture(26, 2**i): np.stack([network(middle) for _ in range(6)]) for i, middle in enumerate(middles)
        }
        _, low, high = late_excess(maps, at())
        held.append(low <= truth <= high)
        pooled.append(mean_interval(np.concatenate([late_parts(one, at()) for one in maps.values()]))[2] >= high)
    assert np.mean(held) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / runs) and np.mean(pooled) > 0.9  # pooled ones are too wide


def test_ends_of_lines_are_taken_once():
    depths = [Architecture(depth) for depth in (14, 26, 56)]
    widths = [Architecture(14, width) for width in (1, 2, 4)]
    assert ends(depths, widths) == [Architecture(14), Architecture(56), Architecture(14, 4)]
    assert ends(widths) == [Architecture(14), Architecture(14, 4)]


@pytest.fixture
def trained(monkeypatch):
    """What would be trained; seed 1 of depth 8 fails with 40 images."""
    asked = {}

    def train_or_load(requests):
        asked.update({specification: list(seeds) for specification, seeds in requests.items()})
        failed = {
            specification: specification.family == "resnet-8" and specification.n_train == 40
            for specification in requests
        }
        return {
            specification: Population(
                specification,
                tuple(SimpleNamespace(seed=seed) for seed in seeds if not (seed == 1 and failed[specification])),
            )
            for specification, seeds in requests.items()
        }

    monkeypatch.setattr(paired, "train_or_load", train_or_load)
    return asked


def test_every_architecture_is_trained_on_every_number_of_images_by_one_recipe(digits, trained):
    parts = {count: with_fewer(digits, count) for count in (40, 60)}
    found = reduced_populations(parts, [Architecture(8), Architecture(14, 2, False)], 4, epochs=3)
    assert set(found) == {(one, count) for one in (Architecture(8), Architecture(14, 2, False)) for count in (40, 60)}
    for (architecture, count), population in found.items():
        specification = population.specification
        assert (specification.family, specification.width) == (architecture.family, architecture.width)
        assert specification.n_train == count and specification.train_digest == parts[count].train_digest
        assert specification.epochs == 3
        assert {name: getattr(specification, name) for name in RECIPE} == RECIPE
    assert all(seeds == [0, 1, 2, 3] for seeds in trained.values()) and len(trained) == 4


def test_a_seed_that_failed_with_some_images_is_left_out_of_all(digits, trained):
    parts = {count: with_fewer(digits, count) for count in (40, 60)}
    found = reduced_populations(parts, [Architecture(8), Architecture(14)], 4)
    seeds = {key: [network.seed for network in population.networks] for key, population in found.items()}
    assert seeds[Architecture(8), 40] == seeds[Architecture(8), 60] == [0, 2, 3]
    assert seeds[Architecture(14), 40] == seeds[Architecture(14), 60] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="resnet-8 k=1: 2 of its seeds kept a finite loss"):
        reduced_populations(parts, [Architecture(8)], 3)


def test_more_images_than_the_run_has_are_taken_from_the_data_set_and_hold_the_fewer(digits):
    more = with_fewer(digits, 90)
    assert len(more.train_labels) == 90 and torch.equal(more.test_images, digits.test_images)
    rows = {image.numpy().tobytes() for image in more.train_images}
    assert all(image.numpy().tobytes() in rows for image in digits.train_images)
    assert digests(with_fewer(more, 60)) == digests(digits) == digests(data.load("digits", n_train=60, n_test=20))


def test_counts_are_stacked_in_their_order():
    maps = {(Architecture(depth), count): np.full((3, 4, 4), depth + count) for depth in (8, 14) for count in (40, 60)}
    found = stacked_counts(maps)
    assert list(found) == [Architecture(8), Architecture(14)] and found[Architecture(8)].shape == (3, 2, 4, 4)
    np.testing.assert_array_equal(found[Architecture(14)][:, :, 0, 0], [[54, 74]] * 3)
