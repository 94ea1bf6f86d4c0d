"""Six tests of measures of similarity whose answer is known beforehand, after ReSi (Klabunde et al., ICLR 2025).

Networks whose accuracies, or whose outputs, differ more should be less alike; networks of one group that was trained to
differ from others by design should be more alike than networks of two groups; nearer layers of one network should be
more alike.  Scores are larger for better measures: rank correlations, 0 where a measure knows nothing, and conformity, one
half there.  Networks are the sample, each left out of all its pairs; images are held fixed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from lib.data.loading import ImageData, mixed_order
from lib.effects.errors import agreement
from lib.runtime.tasks import progress
from lib.salience.extraction import logits
from lib.statistics.pairs import PairTable, jackknife
from lib.statistics.sample import Estimated, Sample, beside, jackknifed
from lib.training.controls import Control, shortcut_colours, with_patches
from lib.training.populations import Population
from lib.views.measures import rank_correlations
from lib.views.seen import Seen, look
from lib.views.similarity_measures import Measure, layer_matrix, matrix

ACCURACY, OUTPUTS, DISAGREEMENT = DIFFERENCES = ("accuracies", "outputs", "predictions")
LABELS, SHORTCUT, AUGMENTATION = DESIGNS = ("labels", "shortcut", "augmentation")
LAYERS = "layers"
TESTS = (*DIFFERENCES, *DESIGNS, LAYERS)
# test -> the controls (lib.training.controls) of its groups, from the mildest to the strongest
GROUPS = {
    LABELS: ("none", "labels-25", "labels-50", "labels-75", "random-labels"),
    SHORTCUT: tuple(f"shortcut-{percent}" for percent in (0, 25, 50, 75, 100)),
    AUGMENTATION: ("none", "colours", "shifts", "shifts-colours"),
}
CONTROLS = tuple(dict.fromkeys(control for groups in GROUPS.values() for control in groups))


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of measures in all tests.

    Attributes:
        measures: their names.
        samples: test -> [measures], rank correlations or conformity; NaN of a measure that sees nothing of layers.
        networks: how many different ones there are.
    """

    measures: tuple[str, ...]
    samples: Mapping[str, Sample]
    networks: int

    def score(self, test: str, measure: str) -> Estimated:
        """The score of one measure."""
        place = self.measures.index(measure)
        return self.samples[test].estimated(lambda scores: scores[..., place])

    def lead(self, test: str, measure: str, other: str) -> Estimated:
        """By how much the score of a measure exceeds that of another."""
        a, b = map(self.measures.index, (measure, other))
        return self.samples[test].estimated(lambda scores: scores[..., a] - scores[..., b])


@dataclass(frozen=True, eq=False)
class Answers:
    """Groups of networks as measures see them.

    Attributes:
        tables: design -> pairs of its networks: `widths` are the places of their controls in CONTROLS, `views` the
            measures, `outcomes` how alike networks are in DIFFERENCES on images that no measure sees.
        layers: control of LABELS -> [networks, measures], conformity of the layers of each.
        images: how many measures see.
    """

    tables: Mapping[str, PairTable]
    layers: Mapping[str, np.ndarray]
    images: int

    def scores(self) -> Scores:
        """All scores with their samples."""
        correlations = with_differences(list(self.tables.values()))
        columns = (partial(np.take, indices=place, axis=-1) for place in range(len(DIFFERENCES)))
        samples = {name: correlations.mapped(column) for name, column in zip(DIFFERENCES, columns)}
        samples |= {design: jackknife(table, conformity) for design, table in self.tables.items()}
        samples[LAYERS] = of_groups(list(self.layers.values()))
        samples = {test: replace(sample, images=self.images) for test, sample in samples.items()}
        return Scores(tuple(self.tables[LABELS].views), samples, sum(correlations.networks))

    def precision(self) -> dict[str, Sample]:
        """Design -> [measures], the area under the precision-recall curve."""
        return {design: jackknife(table, mean_precision) for design, table in self.tables.items()}


def put(
    populations: Mapping[str, Population],
    images: ImageData,
    measures: Mapping[str, Measure],
    halves: tuple[np.ndarray, np.ndarray],
    *,
    fit_images: int = 400,
    output: str = "logit",
    grid: int | None = 8,
) -> Answers:
    """Put measures to the tests.

    Args:
        populations: control -> its networks, for all CONTROLS.
        measures: name -> measure, `lib.views.similarity_measures.MEASURES` or others.
        halves: places of the test images that measures see, and those on which networks differ in DIFFERENCES.
        fit_images: training images that maps between networks are fitted to.

    Raises:
        ValueError: fewer than 4 networks of a group, or a measure without a finite number for some pair.
    """
    fitted = mixed_order(images.train_labels)[:fit_images]
    fitting = images.train_images[fitted], images.train_labels[fitted]
    seen, done = {}, {}
    for control, population in populations.items():
        shown = shown_to(control, images)
        first, second = (shown[half] for half in halves)
        models = list(population.models())
        seen[control] = look(models, first, images.test_labels[halves[0]], fitting, output=output, grid=grid)
        done[control] = np.stack([logits(model, second).numpy() for model in models])
    labels = images.test_labels[halves[1]].numpy()
    sizes = [sum(len(seen[control]) for control in groups) for groups in GROUPS.values()]
    with progress(sum(size * (size - 1) // 2 for size in sizes) * len(measures), "pairs of networks") as bar:
        tables = {
            design: _pair_table({one: seen[one] for one in groups}, done, labels, measures, bar.update)
            for design, groups in GROUPS.items()
        }
    layers = {
        control: np.array([[_layers(measure, network) for measure in measures.values()] for network in seen[control]])
        for control in GROUPS[LABELS]
    }
    return Answers(tables, layers, len(labels))


def shown_to(control: str, images: ImageData) -> torch.Tensor:
    """The test images for networks of a group; those of SHORTCUT see patches that tell a class drawn at random."""
    if control not in GROUPS[SHORTCUT]:
        return images.test_images
    sizes = len(images.classes), images.test_images.shape[1]
    colours = shortcut_colours(Control(shortcut=0.0), images.test_labels, *sizes, images.seed)
    assert colours is not None  # of a control with patches
    return with_patches(images.test_images, colours)


def outcomes(scores: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """How alike networks are in DIFFERENCES: logits [networks, n, classes], labels [n] -> name -> [networks, networks].

    Less the difference of accuracies; less the Jensen-Shannon divergence of outputs, mean over images in bits; the share of
    equal predictions.
    """
    predicted, shares = scores.argmax(-1), softmax(scores.astype(float), axis=-1)
    accuracies = (predicted == labels).mean(1)
    distances = np.stack([jensenshannon(shares, one[None], base=2, axis=-1) for one in shares])
    return {
        ACCURACY: -np.abs(accuracies[:, None] - accuracies),
        OUTPUTS: -np.nan_to_num(distances**2).mean(-1),  # of equal outputs rounding makes the root of a negative
        DISAGREEMENT: agreement(predicted),
    }


def _pair_table(
    groups: Mapping[str, Sequence[Seen]],
    done: Mapping[str, np.ndarray],
    labels: np.ndarray,
    measures: Mapping[str, Measure],
    tick,
) -> PairTable:
    networks = [network for group in groups.values() for network in group]
    places = np.repeat([CONTROLS.index(control) for control in groups], [len(group) for group in groups.values()])
    views = {name: matrix(measure, networks, tick) for name, measure in measures.items()}
    return PairTable(places, {}, views, outcomes(np.concatenate([done[control] for control in groups]), labels))


def conformity(table: PairTable) -> np.ndarray:
    """[measures] chance that two networks of a group are more alike than one of them and one of another, mean over groups.

    A tie counts half, so that it is an area under a ROC curve; ReSi calls 1 less this, with ties, the violation rate.
    """
    return _over_groups(table, _area)


def mean_precision(table: PairTable) -> np.ndarray:
    """[measures] average precision of pairs within a group among those that hold one of it or two, mean over groups."""
    return _over_groups(table, _precisions)


def _over_groups(table: PairTable, score) -> np.ndarray:
    views, found = table.of_pairs(table.views), []
    for group in np.unique(table.widths):
        members = (table.widths[table.first] == group).astype(int) + (table.widths[table.second] == group)
        found.append(score(members[members > 0] == 2, views[:, members > 0]))
    return np.mean(found, axis=0)


def _area(within: np.ndarray, views: np.ndarray) -> np.ndarray:
    """Mann and Whitney's statistic, from 0 to 1, of the pairs [pairs] within a group: [measures, pairs] -> [measures]."""
    count = within.sum()
    sums = rankdata(views, axis=1)[:, within].sum(1)
    return (sums - count * (count + 1) / 2) / (count * (len(within) - count))


def _precisions(within: np.ndarray, views: np.ndarray) -> list[float]:
    return [average_precision_score(within, view) for view in views]


def with_differences(tables: Sequence[PairTable]) -> Sample:
    """[measures, differences] rank correlations within a group, mean over groups; a group in two tables counts once.

    Where nothing differs in a group, its correlation is 0.
    """
    groups: dict[int, PairTable] = {}
    for table in tables:
        for group in np.unique(table.widths):
            groups.setdefault(int(group), _part(table, np.flatnonzero(table.widths == group)))
    samples = [jackknife(group, _correlations) for group in groups.values()]
    return _mean_of(samples).mapped(lambda numbers: numbers.reshape(*numbers.shape[:-1], -1, len(DIFFERENCES)))


def _correlations(table: PairTable) -> np.ndarray:
    """[measures * differences]."""
    views = len(table.views)
    return np.nan_to_num(rank_correlations(table)[:views, views:]).ravel()


def _part(table: PairTable, kept: np.ndarray) -> PairTable:
    views, outcomes = (
        {name: values[np.ix_(kept, kept)] for name, values in matrices.items()}
        for matrices in (table.views, table.outcomes)
    )
    return replace(table, widths=table.widths[kept], views=views, outcomes=outcomes)


def _layers(measure: Measure, network: Seen) -> float:
    return layer_conformity(layer_matrix(measure, network)) if measure.layered else np.nan


def layer_conformity(alike: np.ndarray) -> float:
    """Share of the triples of layers, the second and third on one side of the first, in which the nearer is more alike.

    [layers, layers]; a tie counts half.
    """
    found = []
    for first in range(len(alike)):
        for side in (range(first + 1, len(alike)), range(first - 1, -1, -1)):
            row = alike[first, list(side)]
            near, far = row[np.triu_indices(len(row), 1)[0]], row[np.triu_indices(len(row), 1)[1]]
            found.append((near > far) + (near == far) / 2)
    return float(np.concatenate(found).mean())


def of_groups(values: Sequence[np.ndarray]) -> Sample:
    """Means over networks, then over groups: [networks, numbers] of each group -> a sample of [numbers]."""
    return _mean_of([jackknifed(group.mean(0), [(group.sum(0) - group) / (len(group) - 1)]) for group in values])


def _mean_of(groups: Sequence[Sample]) -> Sample:
    """The mean over groups of equally many numbers."""
    return beside(groups).mapped(lambda numbers: numbers.reshape(*numbers.shape[:-1], len(groups), -1).mean(-2))
