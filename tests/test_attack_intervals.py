"""Intervals of attacks hold what they say, for planted sources, targets, means and images."""

from dataclasses import replace

import numpy as np
import pytest

from lib.attacks import attack_transfer
from lib.attacks.one_step import MAIN_SUMMARY, Scores
from lib.attacks.one_step import tail as tail_of
from lib.similarity.crossed import JOINT


def planted(rng, groups, images, source=0.03, target=0.03, member=0.03, noise=0.05, tail=0.0):
    """Ratios of two source widths (0.8, 0.7) and a mean direction (0.6) against two target widths.

    Sources, targets, members of the mean and images each add something of their own, and a source (or member) against a
    target at an image does too; a mean has the average of its members.  With a `tail` the last two and the images are
    log-normal instead of normal, less their mean.
    """

    def drawn(*shape):
        normal = rng.standard_normal(shape)
        return np.exp(tail * normal) - np.exp(tail**2 / 2) if tail else normal

    at_image, defence = 0.05 * drawn(images), target * rng.standard_normal((2, groups))
    weapon, part = source * rng.standard_normal((2, groups)), member * rng.standard_normal(groups)
    cell = noise * drawn(3, 2, groups, groups, images)
    ratio = np.full((3, 2, groups, groups, images), np.nan)
    for column, i, j in np.ndindex(2, groups, groups):
        effect = defence[column, j] + at_image
        if i != j:
            ratio[:2, column, i, j] = [[0.8], [0.7]] + weapon[:, i, None] + effect + cell[:2, column, i, j]
        kept = [group for group in range(groups) if group not in (i, j)]
        ratio[2, column, i, j] = 0.6 + effect + (part[kept, None] + cell[2, column, kept, j]).mean(0)
    zeros, right = np.zeros((2, 1, groups, images)), np.ones((2, 1, groups, images))
    return attack_transfer.Transfer(
        Scores(zeros, right), Scores(np.log(ratio), np.ones_like(ratio)), (False, False, True)
    )


STATISTICS = {  # name -> measure, truth
    "one entry": (lambda alpha: alpha[..., 0, 1], 0.8),
    "wide less narrow": (lambda alpha: (alpha[..., 0, :] - alpha[..., 1, :]).mean(-1), 0.1),
    "single less mean direction": (lambda alpha: alpha[..., 1, 0] - alpha[..., 2, 0], 0.1),
}


# tail -> images, what is missing at most to 95 % and, for the largest 1 % of the ratios, their share of the sum: as in
# normal noise, and as in the book's convolutional and its residual networks.
TAILS = {0.0: (30, 0.04, 0.013), 1.0: (256, 0.05, 0.02), 1.5: (256, 0.08, attack_transfer.TRIED_TAIL)}


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("groups", [4, 6])
@pytest.mark.parametrize("draws", [100, pytest.param(300, marks=pytest.mark.slow)])
def test_intervals_hold_the_truth_for_sources_targets_and_means(draws, groups, tail):
    """Few groups make 95 % approximate and a tail more so: slack, and two standard errors of this simulation."""
    rng = np.random.default_rng(groups)
    images, missing, _ = TAILS[tail]
    held = dict.fromkeys(STATISTICS, 0)
    for _ in range(draws):
        outcome = planted(rng, groups, images, tail=tail).resampled(rng, 30, [MAIN_SUMMARY])[MAIN_SUMMARY]
        for name, (measure, truth) in STATISTICS.items():
            _, low, high = outcome.interval(measure)
            held[name] += low <= truth <= high
    error = 2 * np.sqrt(0.95 * 0.05 / draws)
    assert all(0.95 - missing - error < count / draws <= 0.99 for count in held.values()), held


@pytest.mark.parametrize("tail", TAILS)
def test_planted_tails_are_like_those_of_the_book(tail):
    share = tail_of(planted(np.random.default_rng(0), 6, 2000, tail=tail).ratios[:2])
    assert share["share of the sum from the largest 1 %"] == pytest.approx(TAILS[tail][2], rel=0.15)


def test_no_seed_of_the_drawn_images_moves_an_interval():
    """One target gives one image almost no chance.  With a few draws repeated without each group, as for similarities,
    the seed moves the ends by a seventh of half the interval, and so decides verdicts near a bound.
    """
    transfer = planted(np.random.default_rng(5), 4, 60)
    transfer.after.log_probability[:2, :, [0, 2, 3], 1, 0] = np.log(10)
    ends, few = [], []
    for seed in range(12):
        outcome = transfer.resampled(np.random.default_rng(seed), summaries=[MAIN_SUMMARY])[MAIN_SUMMARY]
        less = replace(outcome, by_images=outcome.by_images[:100], without_by_images=outcome.without_by_images[:JOINT])
        for found, matrix in ((ends, outcome), (few, less)):
            found.append(matrix.interval(lambda alpha: alpha[..., :2, :].mean((-2, -1)))[1:])
    half = np.mean([high - low for low, high in ends]) / 2
    assert (np.std(ends, axis=0) < 0.06 * half).all() and (np.std(few, axis=0) > 0.1 * half).all()


def test_the_draws_are_as_many_as_asked_for_and_all_are_repeated_without_each_group():
    transfer = planted(np.random.default_rng(0), 4, 30)
    outcome = transfer.resampled(np.random.default_rng(0), summaries=[MAIN_SUMMARY])[MAIN_SUMMARY]
    assert attack_transfer.DRAWS >= 400 and outcome.by_images.shape == (attack_transfer.DRAWS, 3, 2)
    assert outcome.without_by_images.shape == (attack_transfer.DRAWS, 4, 3, 2)
    ratio = np.exp(transfer.after.log_probability)[0, 1]  # [A, A, n]
    single = np.nanmean(ratio, axis=(0, 1))
    assert outcome.by_images[:, 0, 1].std() == pytest.approx(single.std() / np.sqrt(30), rel=0.12)
