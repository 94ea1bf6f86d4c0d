"""The two heatmaps that the authors released with their networks, read back into numbers.

17 cnn-small networks for CIFAR-10, one a width; 256 test images; gradients on an 8 x 8 grid for similarities, at full
resolution for attacks (fact sheet 4.3, 4.4 and 5).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lib.attacks.one_step import PAPER_EPS
from lib.released import heatmap_reading
from lib.released.heatmap_reading import Reading

FAMILY = "cnn-small"
# As the axes of both pictures name them, from left to right and from top to bottom.
WIDTHS = (8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
IMAGES = 256  # how many test images the pictures average over (fact sheet 4.3)
SIMILARITY, ATTACK = "saliency_similarity.png", "black-box_attack.png"
TOP = 1.0  # where the colours of attack ratios end
TICKS = {SIMILARITY: np.arange(9) * 0.05, ATTACK: np.arange(6) * 0.2}  # as written at the colour bars
# What a run needs to have too, if its numbers are to stand beside a picture's (fact sheet 4.3 and 4.4).
MADE_WITH = {SIMILARITY: {"family": FAMILY, "output": "logit", "grid": 8}, ATTACK: {"family": FAMILY, "eps": PAPER_EPS}}


def comparable(reading: Reading | None, name: str, widths: Sequence[int], **settings: object
               ) -> tuple[Reading | None, str]:
    """The reading of the picture `name` if numbers of these widths, made with these settings, can stand beside it.

    -> the reading or None, and one sentence that says whether it is compared, and if not, why.

    Args:
        settings: those that `MADE_WITH` names for this picture.
    """
    if reading is None:
        return None, f"{name} is not compared: it does not lie beside the networks."
    made = MADE_WITH[name]
    if other := [what for what in made if made[what] != settings[what]]:
        return None, (f"{name} is not compared: it was made with "
                      + ", ".join(f"{what} = {made[what]}" for what in other) + ", and this run has "
                      + ", ".join(f"{what} = {settings[what]}" for what in other) + ".")
    chosen = select(reading, widths)
    if not np.isfinite(chosen.values).any():
        return None, f"{name} is not compared: it shows no two of the widths {', '.join(map(str, widths))}."
    return reading, f"{name} is compared; each of its numbers is read to ±{np.nanmax(chosen.resolution):.3f} or better."


def similarities(folder: str | Path) -> Reading | None:
    """rho_ind of all pairs of widths, symmetric [17, 17], NaN on the diagonal; None if the picture is not there.

    The picture shows the upper triangle; below and on the diagonal are zeros that nobody computed.
    """
    if (reading := _read(folder, SIMILARITY)) is None:
        return None
    return Reading(_mirrored(reading.values), _mirrored(reading.resolution), reading.top)


def attack_ratios(folder: str | Path) -> Reading | None:
    """alpha of sources (rows) against targets (columns), [17, 17], NaN on the diagonal; None if it is not there.

    Its axes call the row k2 and the column k1.  Ratios above TOP have its colour.
    """
    return _read(folder, ATTACK)


def select(reading: Reading, widths: Sequence[int]) -> Reading:
    """The rows and columns of these widths, [widths, widths]; NaN for a width that the picture does not show."""
    places = [WIDTHS.index(width) if width in WIDTHS else len(WIDTHS) for width in widths]
    values, resolution = (np.pad(part, (0, 1), constant_values=np.nan)[np.ix_(places, places)]
                          for part in (reading.values, reading.resolution))
    return Reading(values, resolution, reading.top)


def _mirrored(square: np.ndarray) -> np.ndarray:
    """The upper triangle on both sides of an empty diagonal."""
    upper = np.triu(square, 1)
    return np.where(np.eye(len(square), dtype=bool), np.nan, upper + upper.T)


def _read(folder: str | Path, name: str) -> Reading | None:
    path = Path(folder) / name
    return heatmap_reading.read(path, len(WIDTHS), TICKS[name]) if path.exists() else None
