"""Chapter 20: what is missing is said and not trained, and rules about planted trainings err as seldom as they promise."""

from dataclasses import replace

import error_rates
import numpy as np
import pytest

from lib import data
from lib.chapters.while_they_learn import CONTROLS, LAW, LEARNING, Controlled, Law
from lib.chapters.while_they_learn_shown import beside_picture
from lib.effects import learning, scale
from lib.effects.learning import Learning
from lib.effects.scale import Setting
from lib.released import heatmaps
from lib.runtime import tasks
from lib.similarity.paired_similarity import over_time
from lib.training.populations import at_hand, train_or_load
from lib.verdicts import judged

WIDTHS, EPOCHS = (2, 4, 8), (2, 5, 10, 20)
SETTINGS = [Setting(1200, epochs) for epochs in EPOCHS]
ROWS = {row.name.removesuffix("-{family}"): row for row in (*LEARNING, *LAW, *CONTROLS.values())}


def test_smaller_training_sets_are_used_where_they_are_and_never_trained(artifacts, inline, monkeypatch):
    monkeypatch.setattr(tasks, "local_executor", lambda *_: inline)
    images = data.load("digits", n_train=60, n_test=30)
    settings = learning.moments(60, [20, 60], [2, 1])
    assert settings == [Setting(60, 1), Setting(60, 2), Setting(20, 1), Setting(20, 2)]
    requests = scale.specifications(images, "cnn-small", [2, 3], settings)
    assert at_hand(requests, range(3)) == {}
    found, missing = learning.populations(requests, 3, 60)
    assert {key[2].n_train for key in found} == {60} and {key[2].n_train for key in missing} == {20}
    smaller = requests["cnn-small", 2, Setting(20, 2)]
    train_or_load({smaller: range(3)})
    found, missing = learning.populations(requests, 3, 60)  # after 2 epochs a network was stored after 1 as well
    assert [key[1:] for key in found if key[2].n_train == 20] == [(2, Setting(20, 1)), (2, Setting(20, 2))]
    assert {key[1] for key in missing} == {3} and at_hand(requests, range(100)) == {}
    one = learning.learning(found, images, 0.0, [0], 30)["cnn-small"]
    assert one.widths == [2, 3] and one.epochs == [1, 2] and [len(own) for own in one.settings] == [4, 2]
    assert [table.shape for table in one.accuracy] == [(3, 4), (3, 2)]
    numbers = one.points()[1]
    assert numbers == [(2, 60, 1), (2, 60, 2), (2, 20, 1), (2, 20, 2), (3, 60, 1), (3, 60, 2)]
    for _, own in zip(one.widths, one.groups):
        assert own.values[1].diagonal() == pytest.approx(1) and own.values[0, 0, 0] < 0.2  # before training


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def planted(rng, rho, turned=1.0, kept=0.3, networks=6, images=60, dims=48, learnt=(False, True, True, True)):
    """A training: rho(k, k) [widths, epochs], the cosine of the first shared direction with the others, and the share of a
    network's own part that it keeps from its initial weights."""
    axes, groups = np.eye(dims), []
    for row in rho:
        rest = rng.standard_normal((2, networks, images, dims))
        rest[..., :2] = 0
        start = unit(rest[0])
        new = unit(rest[1] - np.sum(rest[1] * start, axis=-1, keepdims=True) * start)
        own = kept * start + np.sqrt(1 - kept**2) * new
        first = turned * axes[0] + np.sqrt(1 - turned**2) * axes[1]
        directions = []
        for place, value in enumerate(row):
            passing = rng.standard_normal(own.shape)  # of this moment alone
            passing[..., :2] = 0
            part = unit(own + 0.5 * unit(passing))
            directions.append(np.sqrt(value) * (axes[0] if place else first) + np.sqrt(1 - value) * part)
        groups.append(over_time([start, *directions], np.random.default_rng(1), 25))
    table = np.zeros((networks, len(EPOCHS)))
    many = len(rho)
    return Learning(WIDTHS[:many], [SETTINGS] * many, groups, [table] * many, [table] * many, [np.array(learnt)] * many)


def law(width=0.5, epochs=-0.2, last=1.0, shaken=0.0):
    """rho of a law, [widths, epochs]; the last epoch times a factor; every other number shaken up or down."""
    rho = 0.25 * np.outer((np.array(WIDTHS) / 4) ** width, (np.array(EPOCHS) / 5) ** epochs)
    rho[:, -1] *= last
    rho[0] = np.minimum(rho[0], 0.9)
    signs = np.array([[0, 1, -2, 1], [0, -2, 4, -2], [0, 1, -2, 1]])  # no plane over widths and epochs fits any of it
    return rho * np.exp(shaken * signs / 2)


@pytest.mark.parametrize("trials", [40, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "row, expected, truth, more",
    [
        ("20-epochs", "supported", law(), {}),
        ("20-epochs", "contradicted", law(epochs=0.2), {}),
        ("20-epochs", None, law(epochs=0), {}),
        ("20-width", "supported", law(), {}),
        ("20-width", "contradicted", law(width=-0.5), {}),
        ("20-width", None, law(width=0), {}),
        ("20-shared-early", "supported", law(), {}),
        ("20-shared-early", "contradicted", law(), {"turned": 0.7}),
        ("20-shared-early", None, law(), {"turned": 0.9}),
        ("20-own-from-start", "supported", law(), {}),
        ("20-own-from-start", "contradicted", law(), {"kept": -0.3}),
        ("20-own-from-start", None, law(), {"kept": 0.0}),
        ("20-law", "supported", law(), {}),
        ("20-law", "contradicted", law(shaken=0.3), {}),
        ("20-law", None, law(shaken=0.1), {}),
        ("20-law-foretells", "supported", law(), {}),
        ("20-law-foretells", "contradicted", law(last=0.4), {}),
        ("20-law-foretells", None, law(last=0.8), {}),
    ],
)
def test_rules_about_trainings_err_as_seldom_as_they_promise(row, expected, truth, more, trials):
    rng, found = np.random.default_rng(0), []
    for _ in range(trials):
        one = planted(rng, truth, **more)
        evidence = Law(one) if "law" in row else one
        plain = replace(ROWS[row], level="detail")  # no smallest level is looked for
        found.append(judged([plain], evidence, family="vit")[0].verdict)
    error_rates.check(found, expected, 0.6)


@pytest.mark.parametrize(
    "row, verdict", [("20-epochs", "undecided"), ("20-width", "undecided"), ("20-law-foretells", "undecided")]
)
def test_where_nothing_has_learnt_nothing_is_decided(row, verdict):
    one = planted(np.random.default_rng(0), law(), learnt=(False,) * 4)
    claim = judged([ROWS[row]], Law(one) if "law" in row else one, family="vit")[0]
    assert claim.verdict in (verdict, "not tested") and np.isnan(claim.estimate)


@pytest.mark.parametrize("name, lead, verdict", [("same-weights", 0.2, "supported"), ("same-order", 0.0, "undecided")])
def test_controls_are_compared_with_the_usual_networks_of_their_widths(name, lead, verdict):
    rng = np.random.default_rng(0)
    usual, more = planted(rng, law()), planted(rng, law()[1:2] + lead)
    both = Controlled(usual, Learning([4], more.settings, more.groups, more.accuracy, more.loss, more.learnt))
    assert both.places() == [f"k = 4 after {epochs} epochs" for epochs in EPOCHS]
    assert both.leads().interval(0.95)[0] == pytest.approx(lead, abs=0.04)
    assert judged([CONTROLS[name]], both, family="vit")[0].verdict == verdict


@pytest.mark.parametrize("share, explained", [(1, "yes"), (3, "no"), (1 / 3, "no")])
def test_a_picture_on_the_line_of_the_logarithms_is_explained_by_its_epochs_and_no_other(share, explained):
    rho = 0.6 * np.array(EPOCHS) ** -0.3
    one = planted(np.random.default_rng(0), np.tile(rho, (len(WIDTHS), 1)))
    truth = 0.6 * heatmaps.EPOCHS**-0.3
    found = beside_picture(one, np.full((len(heatmaps.WIDTHS),) * 2, share * truth))
    assert list(found) == [8]  # the picture begins there
    assert found[8].foretold[1] <= truth <= found[8].foretold[2] and found[8].explained == explained
    assert found[8].picture == pytest.approx(share * truth) and found[8].epochs[0] == 5  # the first that has learnt
