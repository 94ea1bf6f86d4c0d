"""What the tables and pictures of chapter 17 show: means over pairs of networks with their intervals."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from lib.chapters.out_of_distribution import SHARES, Table, corresponding, over_layers
from lib.statistics.intervals import Interval, bounded, in_brackets, mean_interval
from lib.stitching.detection import DETECTORS, FOREIGN, INDICES, MATCHINGS, Detection


def checks_table(found: Sequence[Detection]) -> pd.DataFrame:
    """Mean AUROC of each detector, over layers, on what it ought to pass and to refuse, with intervals over pairs."""
    rows = {}
    for detector in DETECTORS:
        own = [one.own[detector].mean() for one in found]
        foreign = {kind: np.array([one.foreign[detector][kind].mean() for one in found]) for kind in FOREIGN}
        rows[detector] = {
            "own, test against training images": _share(own),
            **{kind: _share(values) for kind, values in foreign.items()},
        }
    return pd.DataFrame(rows).T


def scores_table(found: Sequence[Detection]) -> pd.DataFrame:
    """AUROC and false positives of each detector and matching, over all and over corresponding layers."""
    rows = {
        (detector, name): {
            **_both("AUROC", [one.auroc[detector][name] for one in found], _share),
            **_both("FPR at 95 % TPR", [one.false_positives[detector][name] for one in found], _share),
        }
        for detector in DETECTORS
        for name in MATCHINGS
    }
    return pd.DataFrame(rows).T


def accuracy_table(found: Sequence[Detection]) -> pd.DataFrame:
    """Test accuracy and residual of the stitched networks of each matching, over all and over corresponding layers."""
    rows = {
        name: _both("accuracy", [one.accuracy[name] for one in found], _share)
        | _both("residual", [one.residual[name] for one in found], _number)
        for name in MATCHINGS
    }
    return pd.DataFrame(rows).T


def _both(title: str, values: Sequence[np.ndarray], written: Callable[[np.ndarray], str]) -> dict[str, str]:
    """Means over all and over corresponding layers, with intervals over pairs."""
    return {
        f"{title}, {where}": written(mean(np.array(values)))
        for where, mean in (("all layers", over_layers), ("corresponding", corresponding))
    }


def _number(values: np.ndarray) -> str:
    return in_brackets(mean_interval(values))


def _share(values: ArrayLike) -> str:
    return in_brackets(bounded(mean_interval(values), *SHARES))


def intervals(found: Table, bounds: tuple[float, float]) -> dict[str, Interval]:
    """index -> mean, of what lies between two bounds, with its interval."""
    return {name: bounded(mean_interval(found[name]), *bounds) for name in INDICES}
