"""Predictions for pairs that were not met: no network of theirs is seen, plain least squares, planted skill."""

import numpy as np
import pytest
from planted_pairs import WIDTHS, planted, symmetric

from lib.statistics.pairs import PairTable, jackknife
from lib.views.prediction import (
    ALL,
    ALONE,
    MEAN,
    MODELS,
    SOURCES,
    columns,
    gain,
    held_out,
    skill,
    skill_of,
    squared_errors,
)
from lib.views.prediction import WIDTHS as WIDTH_MODEL

NAMES = list(MODELS)


def test_a_prediction_is_plain_least_squares_over_the_pairs_that_share_no_network():
    table = planted(0)
    design = np.hstack(list(columns(table).values())[:3])
    outcomes = table.of_pairs(table.outcomes).T
    found = held_out(design, outcomes, table.first, table.second)
    with_intercept = np.hstack([np.ones((len(design), 1)), design])
    for pair, both in enumerate(zip(table.first, table.second)):
        rest = ~np.isin(table.first, both) & ~np.isin(table.second, both)
        solution = np.linalg.lstsq(with_intercept[rest], outcomes[rest], rcond=None)[0]
        np.testing.assert_allclose(found[pair], with_intercept[pair] @ solution, atol=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_nothing_observed_of_either_network_enters_its_prediction(model):
    """All outcomes of two networks with any other are changed: the prediction for these two must not move."""
    table = planted(1)
    blocks = columns(table)
    design = np.hstack([np.empty((len(table.first), 0)), *(blocks[name] for name in MODELS[model])])
    outcomes = table.of_pairs(table.outcomes).T
    touched = np.isin(table.first, (1, 7)) | np.isin(table.second, (1, 7))
    pair = int(np.flatnonzero((table.first == 1) & (table.second == 7))[0])
    other = int(np.flatnonzero((table.first == 0) & (table.second == 2))[0])
    before, after = (
        held_out(design, y, table.first, table.second)
        for y in (outcomes, np.where(touched[:, None], outcomes + 100, outcomes))
    )
    np.testing.assert_allclose(after[pair], before[pair], atol=1e-6)
    assert (abs(after[other] - before[other]) > 1).all()


def test_noise_has_no_skill():
    """Views and outcomes that vary from network to network, independently: what a prediction that had met the networks
    could use.  On average over tables no view is better than the mean of other pairs."""
    found = np.array([[skill_of(squared_errors(planted(seed)), model) for model in SOURCES] for seed in range(60)])
    middle, error = found.mean(0), found.std(0, ddof=1) / np.sqrt(60)
    assert (middle < 2 * error).all() and middle.max() < 0.02


def test_noise_adds_nothing_to_what_is_known_of_each_alone():
    found = np.array([gain(squared_errors(planted(seed, np.repeat([2, 4, 8], 6)))) for seed in range(60)])
    assert (np.median(found, axis=0) < 0.02).all()


def test_a_view_that_decides_the_outcome_up_to_noise_has_the_skill_that_the_noise_leaves():
    """y = a v + b v^2 + noise of pairs with a fifth of the variance: R^2 of about 0.8; the square is used too."""
    rng = np.random.default_rng(3)
    widths = np.repeat([2, 4, 8, 16], 8)
    found = []
    for _ in range(8):
        view = symmetric(rng, len(widths))
        signal = view + 0.3 * view**2
        spread = signal[np.triu_indices(len(widths), 1)].std()
        outcome = signal + 0.5 * spread * symmetric(rng, len(widths), of_networks=0)
        found.append(squared_errors(planted(3, widths, CKA=view, transfer=outcome)))
    found = np.array(found)
    assert abs(skill_of(found, "CKA")[:, 2].mean() - 0.8) < 0.05
    assert skill_of(found, "rho")[:, 2].max() < 0.5
    assert skill_of(found, ALL)[:, 2].min() > 0.6
    assert gain(found)[:, SOURCES.index("CKA"), 2].min() > 0.5 > gain(found)[:, SOURCES.index("rho"), 2].max()


def test_what_follows_from_widths_or_from_each_network_alone_is_known_without_views():
    level = np.log2(WIDTHS)
    own = np.random.default_rng(4).uniform(0.8, 1, len(WIDTHS))
    table = planted(
        4,
        agreement=level[:, None] * level + np.where(WIDTHS == 4, 1, 0)[:, None] + np.where(WIDTHS == 4, 1, 0),
        errors=own[:, None] * own,
    )
    table = PairTable(table.widths, {"accuracy": own}, table.views, table.outcomes)
    errors = squared_errors(table)
    np.testing.assert_allclose(skill_of(errors, WIDTH_MODEL)[0], 1, atol=1e-6)
    np.testing.assert_allclose(skill_of(errors, ALONE)[:2], 1, atol=1e-6)
    assert skill_of(errors, WIDTH_MODEL)[1] < 0.9


def test_columns_that_tell_the_same_and_outcomes_that_never_differ_stop_nothing():
    rng = np.random.default_rng(5)
    view = symmetric(rng, len(WIDTHS))
    table = planted(5, rho=view, CKA=view, matching=np.ones_like(view), transfer=np.ones_like(view))
    errors = squared_errors(table)
    assert np.isfinite(errors).all()
    np.testing.assert_allclose(errors[NAMES.index("rho"), :2], errors[NAMES.index("CKA"), :2])
    np.testing.assert_allclose(skill_of(errors, "matching")[:2], 0, atol=1e-6)
    assert np.isnan(skill(errors)[:, 2]).all() and np.isnan(gain(errors)[:, 2]).all()
    assert np.isfinite(jackknife(table, squared_errors).interval(skill)[1][:, :2]).all()


def test_skill_and_gain_are_one_less_the_ratio_of_errors():
    errors = np.arange(1.0, 1 + 3 * len(MODELS)).reshape(len(MODELS), 3)
    at = {name: errors[place] for place, name in enumerate(NAMES)}
    np.testing.assert_allclose(skill(errors), [1 - at[name] / at[MEAN] for name in NAMES[1:]])
    np.testing.assert_allclose(gain(errors), [1 - at[f"{ALONE} + {name}"] / at[ALONE] for name in SOURCES])
    np.testing.assert_allclose(skill(np.stack([errors, errors]))[1], skill(errors))
