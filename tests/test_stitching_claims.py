"""The verdicts of chapter 16 follow from scores that are planted, and its tables, words and pictures show them."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lib import stitching_figures
from lib.layer_identification import chance, layer_distances
from lib.layer_scores import MEASURES, RESIDUAL, TASK_LOSS, LayerScores, Matching
from lib.stitched_pairs import NARROWED, SEEDS, WIDENED, WITHIN, planned_pairs
from lib.stitching_claims import (distant_claims, identification, identification_claims, of_pairs, violated_targets,
                                  within_claims)
from lib.stitching_findings import (distance_table, distant_table, findings, identification_table, tied_targets,
                                    violations_table)

LAYERS, IMAGES = 4, 200
PLAN = planned_pairs([2, 8], {2: range(6), 8: range(6)}, 5, 3)
NEAR = 0.9 - 0.1 * layer_distances(LAYERS)  # best where layers correspond
FAR = NEAR[::-1]  # best where they lie furthest apart, which at the ends is three layers


def right(accuracy, shift=0):
    """Hits [sources, targets, images] of these accuracies; a better source is right wherever a worse one is."""
    return np.roll(np.arange(IMAGES) < np.round(IMAGES * accuracy)[..., None], shift, axis=-1)


def planted(task_loss, direct, seed=0, large=2.0):
    """Scores of one pair; a little noise, so that networks differ."""
    rng = np.random.default_rng(seed)

    def noisy(values):
        return values + 0.01 * rng.random((LAYERS, LAYERS))

    away = noisy(1 - direct)
    return LayerScores(right(task_loss), noisy(np.full((LAYERS, LAYERS), large)), right(direct), away,
                       np.stack([2 * away, away], axis=-1), noisy(direct), noisy(1 - direct), noisy(1 - direct),
                       noisy(direct), right(np.array(0.9)), Matching(100, (25, 100)))


def scores(task_loss, direct, **options):
    pairs = dict.fromkeys(pair for pairs in PLAN.values() for pair in pairs)
    return {pair: planted(task_loss, direct, seed, **options) for seed, pair in enumerate(pairs)}


def verdicts(claims):
    names = [claim.name for claim in claims]
    assert len(set(names)) == len(names) and all(name.startswith("16-") for name in names)
    return {claim.name: claim.verdict for claim in claims}


def test_a_source_that_is_better_beyond_chance_violates_a_target():
    one = planted(FAR, NEAR)
    expected = FAR > np.diagonal(FAR)
    np.testing.assert_array_equal(violated_targets(one, TASK_LOSS), expected)
    barely = planted(NEAR + 0.11 * np.eye(LAYERS)[::-1], NEAR)  # one layer away 0.8 becomes 0.91: two images more
    assert violated_targets(barely, TASK_LOSS, False).sum() == 2 and not violated_targets(barely, TASK_LOSS).any()
    assert not violated_targets(one, RESIDUAL).any()


def test_within_a_network_the_number_of_violated_targets_decides():
    found = within_claims(scores(FAR, NEAR), PLAN)
    assert verdicts(found) == {"16-task-loss-prefers-others": "supported", "16-direct-never-prefers-others": "supported",
                               "16-violations-later": "undecided"}
    assert (found[0].estimate, found[1].estimate) == (4, 0)
    assert found[2].estimate == pytest.approx(0) and found[0].networks == 5 and found[0].images == IMAGES
    other = verdicts(within_claims(scores(NEAR, FAR), PLAN))
    assert other == {"16-task-loss-prefers-others": "contradicted", "16-direct-never-prefers-others": "contradicted",
                     "16-violations-later": "undecided"}


@pytest.mark.parametrize("later, verdict", [(True, "supported"), (False, "contradicted")])
def test_violations_of_middle_targets_tell_whether_they_come_from_behind(later, verdict):
    accuracy = np.full((LAYERS, LAYERS), 0.6)
    accuracy[3 if later else 0, 1:3] = 0.9
    found = within_claims(scores(accuracy, NEAR), PLAN)
    assert verdicts(found)["16-violations-later"] == verdict
    assert found[2].estimate == pytest.approx(0.5 if later else -0.5)


def test_the_share_of_identified_targets_decides():
    for kind in (SEEDS, NARROWED, WIDENED):
        suffix = kind.replace(" ", "-")
        for task_loss, direct, verdict in ((FAR, NEAR, "supported"), (NEAR, FAR, "contradicted"),
                                           (NEAR, NEAR, "undecided")):
            found = identification_claims(scores(task_loss, direct), kind, PLAN[kind])
            assert verdicts(found) == {f"16-direct-scores-identify-better-{suffix}": verdict,
                                       f"16-indices-identify-better-{suffix}": verdict}
    assert [claim.networks for claim in found] == [6, 6]


def test_distant_layers_decide_the_rest():
    names = ("task-loss-prefers-distant", "direct-prefers-corresponding", "task-loss-far-from-target",
             "direct-follows-distance")
    found = distant_claims(scores(FAR, NEAR), PLAN)
    assert verdicts(found) == {f"16-{name}": "supported" for name in names}
    assert found[0].estimate == pytest.approx(0.3) and found[1].estimate == pytest.approx(0.3)
    other = verdicts(distant_claims(scores(NEAR, FAR, large=0.5), PLAN))
    assert other == {f"16-{name}": "contradicted" for name in names}
    same = verdicts(distant_claims(scores(np.full((4, 4), 0.5), np.full((4, 4), 0.5)), PLAN))
    assert same["16-task-loss-prefers-distant"] == same["16-direct-follows-distance"] == "undecided"


def test_identification_has_shares_and_distances():
    found = identification(scores(FAR, NEAR), PLAN[SEEDS])
    assert list(found) == list(MEASURES)
    for name, of in found.items():
        share, apart = (0, 2) if name == TASK_LOSS else (1, 0)
        assert float(of["identified"][0]) == pytest.approx(share) and float(of["distance"][0]) == pytest.approx(apart)


def test_tables_and_words_have_the_numbers():
    found = scores(FAR, NEAR)
    table = violations_table(found, PLAN[WITHIN])
    assert len(table) == 5 and table["width, seed"][1] == "8, 1" and table[TASK_LOSS][0] == "4 (4)"
    assert table["behind their target (at random)"][0] == "0.50 (0.50)" and table["own accuracy"][0] == "0.900"
    assert violations_table(scores(NEAR, NEAR), PLAN[WITHIN])["behind their target (at random)"][0] == "–"
    assert len(identification_table(found, PLAN)) == len(distance_table(found, PLAN)) == len(MEASURES)
    assert distant_table(found, PLAN)["task loss matching, last into first block"][0].startswith("0.900")
    assert tied_targets(found, PLAN[SEEDS]) == {TASK_LOSS: (0, 20, 20), "direct matching, accuracy": (0, 0, 0)}
    flat = scores(np.full((4, 4), 0.5), NEAR)
    assert tied_targets(flat, PLAN[SEEDS])[TASK_LOSS] == (20, 0, 0)
    words = findings(found, PLAN)
    assert "for 20 of 20 targets under task loss matching, and for 0 under direct" in words
    assert "task loss matching, accuracy 0.00 [0.00, 0.00]; direct matching, accuracy 1.00" in words
    assert "classifies 0.900 [0.900, 0.900] of the test images rightly" in words and len(words.split("\n")) == 5


POINTS = tuple(f"layer{place}.0" for place in range(1, 5))


def test_matrices_frame_the_best_source_of_each_target():
    figure = stitching_figures.matrices({TASK_LOSS: FAR, RESIDUAL: 1 - NEAR}, POINTS, "both", columns=2)
    for axis, best in zip(figure.axes, ([3, 2, 1, 0], [0, 1, 2, 3])):
        assert [(patch.get_x() + 0.5, patch.get_y() + 0.5) for patch in axis.patches] == list(enumerate(best))
        assert [label.get_text() for label in axis.get_xticklabels()] == ["1.0", "2.0", "3.0", "4.0"]
    assert figure.axes[0].texts[0].get_text() == ".60" and figure.axes[1].texts[0].get_text() == ".10"
    plt.close("all")


def test_a_diverging_matrix_has_its_zero_in_the_middle():
    figure = stitching_figures.matrices({TASK_LOSS: FAR - 0.7}, POINTS, "less", columns=1, diverging=True)
    image = figure.axes[0].images[0]
    assert image.norm.vmin == -image.norm.vmax and figure.axes[0].texts[0].get_text() == "-.10"
    plt.close("all")


def test_the_other_pictures_draw_what_they_are_given():
    found = scores(FAR, NEAR)
    kinds = {kind: identification(found, PLAN[kind]) for kind in (SEEDS, NARROWED)}
    figure = stitching_figures.identification(kinds, chance(LAYERS))
    lines = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    np.testing.assert_allclose(lines[0].get_xdata(), [0, 1, 1, 1, 1, 1, 1])
    assert [line.get_xdata()[0] for axis in figure.axes for line in axis.lines if line.get_linestyle() == "--"] == [
        pytest.approx(level) for level in chance(LAYERS)]
    figure = stitching_figures.by_target({TASK_LOSS: np.array([0, 0.5, 1, 1])}, POINTS, ["4 x 4"] * 4)
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.00", "0.50", "1.00", "1.00"]
    direct, trained = (of_pairs(found, PLAN[SEEDS], score) for score in (
        lambda one: one.direct_residual, lambda one: one.task_loss_residual))
    figure = stitching_figures.residuals(direct, trained, layer_distances(LAYERS))
    assert figure.axes[0].collections[0].get_offsets().shape == (5 * LAYERS**2, 2)
    figure = stitching_figures.over_distance({"accuracy": {TASK_LOSS: of_pairs(
        found, PLAN[SEEDS], lambda one: one.measures[TASK_LOSS])}})
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == list(range(-3, 4))
    # Distance +3 is the last source into the first target.
    np.testing.assert_allclose(line.get_ydata()[[0, 3, 6]], [0.9, np.diagonal(FAR).mean(), 0.9])
    interval = np.array([0.5, 0.2]), np.array([0.4, 0.1]), np.array([0.6, 0.3])
    figure = stitching_figures.over_counts([25, 100], interval, interval, interval, 0.25)
    assert figure.axes[0].get_yscale() == "log" and figure.axes[1].lines[0].get_ydata().tolist() == [0.5, 0.2]
    plt.close("all")
