"""Heatmaps drawn with known numbers give them back, and the released ones what was read off them by hand."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from lib.released import heatmap_reading, released_pictures

TICKS = np.arange(6) * 0.2


def draw(path, values, *, top=None, colours="jet", dpi=200, ticks=TICKS, size=(4.5, 3.9)):
    """As the released pictures are drawn: values in cells, black frames, the colour bar to the right."""
    with plt.rc_context({"figure.constrained_layout.use": False, "axes.grid": False, "axes.spines.top": True,
                         "axes.spines.right": True, "figure.dpi": dpi}):
        figure, axis = plt.subplots(figsize=size)
        image = axis.imshow(values, cmap=colours, vmin=0, vmax=top)
        axis.set_xticks(range(len(values)), [f"{10 * place}" for place in range(len(values))], rotation=60)
        axis.set_ylabel("Model Size")
        figure.colorbar(image, ticks=ticks)
        figure.savefig(path, bbox_inches="tight")
        plt.close(figure)
    return path


def numbers(cells, seed=0):
    values = np.random.default_rng(seed).uniform(0, 1, (cells, cells))
    values[0, :2] = 0, 1
    return values


@pytest.mark.parametrize("cells, options", [(17, {}), (6, {}), (17, {"colours": "viridis"}), (17, {"dpi": 130}),
                                            (12, {"size": (6.4, 4.8), "dpi": 150})])
def test_what_was_drawn_is_read_within_the_resolution(tmp_path, cells, options):
    values = numbers(cells)
    reading = heatmap_reading.read(draw(tmp_path / "picture.png", values, **options), cells, TICKS)
    assert (np.abs(reading.values - values) <= reading.resolution).all()
    assert np.median(reading.resolution) < 0.008 and reading.resolution.max() < 0.02
    assert reading.top == pytest.approx(1, abs=0.004)


def test_empty_cells_have_no_value_and_those_beyond_the_scale_that_of_its_end(tmp_path):
    values = numbers(17)
    np.fill_diagonal(values, np.nan)
    values[3, 4], values[5, 2] = 7, -3
    reading = heatmap_reading.read(draw(tmp_path / "picture.png", values, top=1), 17, TICKS)
    np.testing.assert_array_equal(np.isnan(reading.values), np.eye(17, dtype=bool))
    shown = np.clip(values, 0, 1)
    assert (np.abs(reading.values - shown) <= reading.resolution)[~np.eye(17, dtype=bool)].all()
    assert reading.values[3, 4] == reading.top


def test_a_scale_that_ends_between_ticks_is_read_from_its_ticks(tmp_path):
    values = 0.427 * numbers(17)
    ticks = np.arange(9) * 0.05
    reading = heatmap_reading.read(draw(tmp_path / "picture.png", values, ticks=ticks), 17, ticks)
    assert (np.abs(reading.values - values) <= reading.resolution).all() and np.median(reading.resolution) < 0.003
    assert reading.top == pytest.approx(0.427, abs=0.001)


def test_pictures_that_are_something_else_are_refused(tmp_path):
    with pytest.raises(ValueError, match="^picture.png has 6 ticks at its colour bar, not 5"):
        heatmap_reading.read(draw(tmp_path / "picture.png", numbers(6)), 6, TICKS[:5])
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ValueError, match="^text.png cannot be read as a picture"):
        heatmap_reading.read(tmp_path / "text.png", 6, TICKS)
    Image.new("RGB", (90, 80), "white").save(tmp_path / "white.png")
    with pytest.raises(ValueError, match="^white.png shows no heatmap .* 0 long upright lines"):
        heatmap_reading.read(tmp_path / "white.png", 6, TICKS)
    pixels = np.full((80, 90, 3), 255, dtype=np.uint8)
    pixels[5:75, [10, 50, 60, 70]] = 0
    Image.fromarray(pixels).save(tmp_path / "bars.png")
    with pytest.raises(ValueError, match="^bars.png shows no heatmap .* 0 level lines, not 2"):
        heatmap_reading.read(tmp_path / "bars.png", 6, TICKS)


def test_a_folder_without_pictures_has_no_reading(tmp_path):
    assert released_pictures.similarities(tmp_path) is None and released_pictures.attack_ratios(tmp_path) is None


def test_both_pictures_are_read_in_their_order(tmp_path):
    """Similarities lie in the upper triangle alone; attacks have the source in the row and an empty diagonal."""
    values = numbers(17)
    draw(tmp_path / released_pictures.SIMILARITY, np.triu(0.427 * values, 1), top=0.427,
         ticks=released_pictures.TICKS[released_pictures.SIMILARITY])
    similarity = released_pictures.similarities(tmp_path)
    np.testing.assert_allclose(similarity.values, similarity.values.T)
    np.testing.assert_allclose(similarity.values[0, 1:], 0.427 * values[0, 1:], atol=0.005)
    np.fill_diagonal(values, np.nan)
    draw(tmp_path / released_pictures.ATTACK, values, top=1)
    np.testing.assert_allclose(released_pictures.attack_ratios(tmp_path).values, values, atol=0.012)
    chosen = released_pictures.select(similarity, [128, 8, 9])
    assert chosen.values[0, 1] == chosen.values[1, 0] == similarity.values[0, -1]
    assert chosen.resolution[0, 1] == similarity.resolution[0, -1] and np.isnan(chosen.values[2]).all()


@pytest.mark.parametrize("name, fitting, other, sentence", [
    (released_pictures.SIMILARITY, {"family": "cnn-small", "output": "logit", "grid": 8},
     {"output": "probability", "grid": 4}, "made with output = logit, grid = 8, and this run has output = probability, "
     "grid = 4."),
    (released_pictures.SIMILARITY, {"family": "cnn-small", "output": "logit", "grid": 8}, {"grid": None},
     "made with grid = 8, and this run has grid = None."),
    (released_pictures.ATTACK, {"family": "cnn-small", "eps": 0.05}, {"family": "cnn-large"},
     "made with family = cnn-small, and this run has family = cnn-large."),
    (released_pictures.ATTACK, {"family": "cnn-small", "eps": 0.05}, {"eps": 0.25},
     "made with eps = 0.05, and this run has eps = 0.25."),
])
def test_a_picture_made_with_other_settings_is_not_compared(name, fitting, other, sentence):
    reading = heatmap_reading.Reading(numbers(17), np.full((17, 17), 0.004), 1.0)
    found, words = released_pictures.comparable(reading, name, [8, 12], **fitting)
    assert found is reading and words == f"{name} is compared; each of its numbers is read to ±0.004 or better."
    found, words = released_pictures.comparable(reading, name, [8, 12], **fitting | other)
    assert found is None and words.endswith(sentence)


def test_a_picture_that_is_missing_or_shows_none_of_the_widths_is_not_compared():
    settings = {"family": "cnn-small", "eps": 0.05}
    values = np.where(np.eye(17, dtype=bool), np.nan, numbers(17))
    reading = heatmap_reading.Reading(values, np.full((17, 17), 0.004), 1.0)
    for shown, widths, sentence in ((None, [8, 12], "does not lie beside the networks"),
                                    (reading, [8, 9, 11], "shows no two of the widths 8, 9, 11")):
        found, words = released_pictures.comparable(shown, released_pictures.ATTACK, widths, **settings)
        assert found is None and sentence in words


# Read off the released pictures by hand through the colour map (fact sheet 5): neighbouring widths, rho(k, 128), rho(8,
# 10 and 128), and the row means of alpha.
NEIGHBOURS = [0.04, 0.06, 0.06, 0.08, 0.10, 0.11, 0.13, 0.15, 0.18, 0.22, 0.25, 0.26, 0.30, 0.34, 0.37, 0.43]
WIDEST = [0.13, 0.13, 0.15, 0.18, 0.17, 0.22, 0.24, 0.25, 0.28, 0.31, 0.33, 0.35, 0.35, 0.41, 0.39, 0.43]
SOURCES = [0.96, 0.95, 0.92, 0.90, 0.88, 0.85, 0.82, 0.79, 0.76, 0.74, 0.71, 0.69, 0.69, 0.64, 0.64, 0.61, 0.56]


def test_the_released_pictures_say_what_was_read_off_them_by_hand(released):
    folder = next(iter(released.values())).parent
    similarity = released_pictures.similarities(folder)
    np.testing.assert_allclose(np.diagonal(similarity.values, 1), NEIGHBOURS, atol=0.015)
    np.testing.assert_allclose(similarity.values[:-1, -1], WIDEST, atol=0.015)
    np.testing.assert_allclose(similarity.values[0, [1, -1]], [0.04, 0.13], atol=0.015)
    assert np.nanmedian(similarity.resolution) < 0.003 and np.nanmax(similarity.resolution) < 0.006
    attack = released_pictures.attack_ratios(folder)
    np.testing.assert_array_equal(np.isnan(attack.values), np.eye(17, dtype=bool))
    np.testing.assert_allclose(np.nanmean(attack.values, axis=1), SOURCES, atol=0.015)
    targets = np.nanmean(attack.values, axis=0)
    assert targets[1] == pytest.approx(0.94, abs=0.015) and 0.705 < np.delete(targets, 1).min() < targets[0] < 0.855
    assert attack.top == pytest.approx(1, abs=0.003)
