"""Chapters 3 and 4 on the rule bench: after fewer epochs, with fewer networks, and with other thresholds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace

import numpy as np

from bench_outcomes import Outcomes, judgements
from lib import data, gates, salience, similarity
from lib.chapters import hypotheses
from lib.chapters.hypotheses import H1, H1_EVERY_STEP, H2, PROMISE, RANK_ONE, Family
from lib.chapters.individual_similarity import ABOVE_CHANCE, EVERY_STEP, GROWS, RANGE, Growth
from lib.data.loading import ImageData
from lib.effects.learning import viewed
from lib.family_widths import by_family
from lib.gates import Gate
from lib.rules import above, below, within
from lib.rules_of_several import Share, every
from lib.similarity import crossed, rank_one
from lib.statistics.intervals import bounded
from lib.statistics.sample import Sample
from lib.training.populations import population_grid, test_accuracies
from lib.training.specification import SNAPSHOTS

COUNTS = (4, 6, 10, 20)  # networks of each population, of which those that a data set has
SHARES = (0.5, 0.75, 0.9, 1)
ALIKE = (0.8, 0.85, 0.9, 0.95)
OFF = (0.05, 0.1, 0.2)
EPOCHS, NETWORKS = "epochs", "networks of each population, at most"
SHARE, COSINE, NEAR = (
    "share of steps that have to rise",
    "cosine that counts as one direction",
    "error that counts as none",
)


@dataclass(frozen=True)
class Seen:
    """Networks of one family after some epochs: directions [networks, n, d] of every width, trained and not, and accuracies."""

    family: str
    widths: list[int]
    trained: list[np.ndarray]
    untrained: list[np.ndarray]
    accuracies: Mapping[int, list[float]]

    def first(self, count: int) -> "Seen":
        """So many networks of every width, or all."""
        few = ([u[:count] for u in kind] for kind in (self.trained, self.untrained))
        return Seen(self.family, self.widths, *few, {k: found[:count] for k, found in self.accuracies.items()})


@dataclass(frozen=True)
class Setting:
    """Some networks after some epochs: what was chosen, their similarities, and what they must have learnt."""

    chosen: Mapping[str, int]
    seen: Seen
    matrix: Sample
    learnt: list[Gate]


def growth_bench(p: SimpleNamespace, view: int | None) -> Outcomes:
    """Chapter 3's rows; view: as for `settings`."""
    values, own = usual(p)
    to = Outcomes({**values, SHARE: SHARES}, {**own, SHARE: EVERY_STEP.rule.least}, ("width k", "ρ(k, k)"))
    for one in settings(p, view, p.random_seed):
        growth = Growth(one.matrix, one.seen.widths, similarity.chance_band(one.seen.untrained))
        family = one.seen.family
        judge = partial(judgements, evidence=growth, gates=one.learnt, family=family, **growth.words)
        to.add(one.chosen, judge([GROWS, RANGE, ABOVE_CHANCE]))
        for least in SHARES:
            to.add({**one.chosen, SHARE: least}, judge([replace(EVERY_STEP, rule=Share(above(0), least))]))
        diagonal = one.matrix.interval(lambda rho: np.diagonal(rho, axis1=-2, axis2=-1))
        to.draw(one.chosen, family, growth.widths, bounded(diagonal, -1, 1))
    return to


def hypothesis_bench(p: SimpleNamespace, view: int | None) -> Outcomes:
    """Chapter 4's rows; view: as for `settings`."""
    (values, own), (*foretold, direction) = usual(p), PROMISE
    own |= {COSINE: hypotheses.ALIKE, NEAR: hypotheses.OFF}
    to = Outcomes({**values, COSINE: ALIKE, NEAR: OFF}, own, ("width k", "1 − E[t]"))
    for one in settings(p, view, [p.random_seed, 1]):
        evidence = Family(one.matrix, one.seen.widths)
        family = one.seen.family
        judge = partial(judgements, evidence=evidence, gates=one.learnt, family=family, **evidence.words)
        to.add(one.chosen, judge([H1, H1_EVERY_STEP, direction]))
        for alike in ALIKE:
            to.add({**one.chosen, COSINE: alike}, judge([replace(H2, rule=every(above(alike)))]))
        for off in OFF:
            near = within(1 - off, 1 + off)
            rules = zip([RANK_ONE, *foretold], [below(off), near, every(near)])
            to.add({**one.chosen, NEAR: off}, judge([replace(row, rule=rule) for row, rule in rules]))
        variance = one.matrix.interval(lambda rho: 1 - rank_one.resultants(rho))
        to.draw(one.chosen, family, evidence.widths, bounded(variance, 0, 1))
    return to


def usual(p: SimpleNamespace) -> tuple[dict[str, list[int]], dict[str, int]]:
    """What can be chosen in both chapters, and what they chose."""
    most = max(p.seeds.values())
    epochs = [epochs for epochs in SNAPSHOTS if epochs <= p.epochs]
    return {EPOCHS: epochs, NETWORKS: [count for count in COUNTS if count <= most]}, {EPOCHS: p.epochs, NETWORKS: most}


def settings(p: SimpleNamespace, view: int | None, seed: int | list[int]) -> Iterator[Setting]:
    """All epochs and numbers of networks, family by family; draws of images as in the chapter with this seed.

    view: test images that networks are looked at with before the last epoch (`lib.effects.learning.viewed`).
    """
    images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
    values, _ = usual(p)
    for epochs in values[EPOCHS]:
        draws = {count: np.random.default_rng(seed) for count in values[NETWORKS]}
        for seen in families(p, images, epochs, None if epochs == p.epochs else view):
            for count, rng in draws.items():
                few = seen.first(count)
                matrix = crossed.similarity_matrix(few.trained, rng, p.bootstrap_draws)
                learnt = gates.of_families({seen.family: few.accuracies}, p.dataset, len(images.classes))[seen.family]
                yield Setting({EPOCHS: epochs, NETWORKS: count}, few, matrix, learnt)


def families(p: SimpleNamespace, images: ImageData, epochs: int, view: int | None) -> Iterator[Seen]:
    """One family after another: the directions of all would not fit into memory."""
    widths, look = by_family(p.widths, p.families), {"output": p.output, "grid": p.grid}
    for family in p.families:
        grid = population_grid(images, [family], widths, p.seeds, epochs=epochs, precision=p.precision)
        shown = viewed(images, view)
        trained, untrained = (
            list(salience.population_directions(grid, shown, untrained=before, **look).values())
            for before in (False, True)
        )
        yield Seen(family, widths[family], trained, untrained, test_accuracies(grid)[family])
