"""The verdicts of chapter 8 follow from the changes per doubling, and the words from the numbers."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lib.chapters import batch_size_figures
from lib.chapters.batch_size_claims import agreement, batch_size_claims, direction, effects_table, findings
from lib.effects.batch_size import distinct_recipes, protocols
from lib.effects.paired import Measures
from lib.similarity.paired_similarity import PairedSimilarity

FOUND = protocols([64, 128, 256, 512], 20, 1200)
RECIPES = distinct_recipes(FOUND)
ROWS = [*FOUND, "equal steps − equal epochs", "scaled rate − equal epochs"]
RISES, FALLS, OPEN = (0.02, 0.01, 0.03), (-0.02, -0.03, -0.01), (0.01, -0.01, 0.03)


def measures(widths=3, seeds=4):
    rng = np.random.default_rng(0)
    groups = []
    for _ in range(widths):
        rho = rng.uniform(0.1, 0.4, len(RECIPES))
        without = rho + 0.01 * rng.standard_normal((seeds, len(rho)))
        groups.append(PairedSimilarity(rho, without, rho + 0.01 * rng.standard_normal((60, len(rho))),
                                       np.tile(without, (5, 1, 1)), 25))
    return Measures(RECIPES, groups, [rng.gamma(2, size=(seeds, 25, len(RECIPES))) for _ in range(widths)],
                    [rng.integers(0, 2, (seeds, 25, len(RECIPES))).astype(float) for _ in range(widths)],
                    [rng.gamma(2, size=(seeds, len(RECIPES))) for _ in range(widths)])


def effects(similarity, loss, accuracy):
    return {row: {"similarity": similarity, "test loss": loss, "test accuracy": accuracy} for row in ROWS}


def verdicts(*found):
    claims = batch_size_claims("vit", measures(), FOUND, effects(*found))
    assert len({claim.name for claim in claims}) == 9
    assert all(claim.networks == 48 and claim.images == 25 for claim in claims)
    return {claim.name.split("-equal")[0].split("-scaled")[0].removeprefix("08-"): claim.verdict for claim in claims}


@pytest.mark.parametrize("found, verdict", [
    ((RISES, FALLS, RISES), "supported"), ((FALLS, RISES, FALLS), "contradicted"), ((OPEN, OPEN, OPEN), "undecided")])
def test_the_sign_of_the_interval_decides(found, verdict):
    assert verdicts(*found) == dict.fromkeys(("similarity-rises", "loss-falls", "accuracy-rises"), verdict)


def test_what_is_not_known_decides_nothing():
    nothing = (np.nan,) * 3
    assert set(verdicts(nothing, nothing, nothing).values()) == {"undecided"}
    assert direction(nothing) == "undecided"


def test_each_protocol_is_judged_by_its_own_numbers():
    mixed = effects(RISES, FALLS, RISES)
    mixed["equal steps"] = effects(FALLS, FALLS, RISES)["equal steps"]
    found = {claim.name: claim.verdict for claim in batch_size_claims("vit", measures(), FOUND, mixed)}
    assert found.pop("08-similarity-rises-equal-steps-vit") == "contradicted" and set(found.values()) == {"supported"}
    assert "08-loss-falls-scaled-rate-vit" in found


@pytest.mark.parametrize("told, words", [
    (["rises", "falls", "undecided"], "disagree"), (["falls"] * 3, "protocols agree"),
    (["rises", "undecided", "rises"], "not all decide"), (["undecided"] * 3, "not all decide")])
def test_whether_protocols_agree(told, words):
    assert words in agreement(told)


def test_words_and_table_have_the_numbers():
    found = {"vit": effects(RISES, FALLS, OPEN)}
    found["vit"]["equal steps"] = effects(FALLS, FALLS, OPEN)["equal steps"]
    first, *lines = findings(found, FOUND, {"vit": OPEN}).split("\n")
    assert "equal epochs: similarity rises with the batch size in 1 and falls in 0 of 1" in first
    assert "equal steps: similarity rises with the batch size in 0 and falls in 1 of 1" in first
    assert "equal epochs: rises, +0.020 [+0.010, +0.030]; equal steps: falls, -0.020" in lines[0]
    assert lines[0].endswith("The protocols disagree on the direction.") and lines[1].endswith("The protocols agree.")
    assert "scaled rate − equal epochs +0.020" in lines[3] and "it may be that similarity follows the training loss alone" in lines[4]
    assert "if it follows its logarithm in a straight line" in findings(found, FOUND, {"vit": FALLS})
    table = effects_table(found)
    assert list(table["protocol"]) == ROWS and table["test loss (nats)"][0] == "-0.020 [-0.030, -0.010]"


@pytest.mark.parametrize("name, label", [("similarity", "similarity ρ(k, k) (cosine)"),
                                         ("test loss", "test loss (nats)"), ("test accuracy", "test accuracy (share)")])
def test_lines_over_the_batch_size_are_the_means_of_their_protocol(name, label):
    found = measures()
    figure = batch_size_figures.over_batch_size({"vit": found}, FOUND, [2, 4, 8], name)
    tables = {"similarity": None, "test loss": found.test_loss, "test accuracy": found.test_hits}[name]
    for axis, recipes in zip(figure.axes, FOUND.values()):
        for width, container in enumerate(axis.containers):
            means = found.similarity[width].values if tables is None else tables[width].mean((0, 1))
            np.testing.assert_allclose(container[0].get_ydata(), means[[RECIPES.index(recipe) for recipe in recipes]])
    assert figure.axes[0].get_ylabel() == label and figure.axes[0].get_xlabel() == "batch size (images)"
    plt.close(figure)


def test_similarity_over_loss_has_a_line_a_protocol_and_a_panel_a_width():
    found = measures()
    figure = batch_size_figures.similarity_over_loss({"vit": found, "cnn-small": found}, FOUND, [2, 4, 8])
    assert len(figure.axes) == 6 and all(len(axis.lines) == 3 for axis in figure.axes)
    line = figure.axes[1].lines[0]
    np.testing.assert_allclose(line.get_xdata(), found.training_loss[1].mean(0)[:4])
    np.testing.assert_allclose(line.get_ydata(), found.similarity[1].values[:4])
    plt.close(figure)
