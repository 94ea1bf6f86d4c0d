"""Chapter 11 on the rule bench: with other thresholds of what counts as alike, and with fewer networks."""

from collections.abc import Iterable, Mapping
from types import SimpleNamespace

import numpy as np

from bench_outcomes import Judgement, Outcomes
from lib import data
from lib.chapters import block_structure
from lib.chapters.block_structure import Blocks
from lib.cka import block_growth
from lib.cka.block_growth import BlockMaps, mean_share
from lib.cka.blocks import BlockStructure
from lib.cka.maps import all_maps, part_maps
from lib.effects.scale import with_fewer
from lib.gates import Gate, of_wide_and_deep
from lib.statistics.sample import Estimated
from lib.training.populations import Population
from lib.training.wide_and_deep import Architecture, architecture_populations, grid
from lib.verdicts import Claim

THRESHOLDS = (0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)
COUNTS = (4, 5, 6)
THRESHOLD, NETWORKS = "CKA above which two layers are alike", "networks of each size"
LINES = {"depths": "growing depth", "widths": "growing width", "plain": "without residual connections"}
ROWS = {row.name: row for row in block_structure.CLAIMS}


def block_bench(p: SimpleNamespace) -> Outcomes:
    """Every threshold with every number of networks; networks, images and draws are the chapter's."""
    images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
    sampling = {"batch_size": p.cka_batch, "passes": p.cka_passes}
    recipe = {"epochs": p.epochs, "learning_rate": p.learning_rate, "precision": p.precision}
    plain = grid([], p.wide_depth, p.plain_widths, residual=False)
    lines = [Architecture(depth) for depth in p.depths], [Architecture(p.wide_depth, k) for k in p.widths], plain
    trained = architecture_populations(images, [*grid(p.depths, p.wide_depth, p.widths), *plain], p.seeds, **recipe)
    parts = {count: with_fewer(images, count) for count in p.train_counts}
    fewer = block_growth.reduced_populations(parts, block_growth.ends(*lines[:2]), p.data_seeds, **recipe)
    maps, of_fewer = (all_maps(one, images.test_images, p.random_seed, **sampling) for one in (trained, fewer))
    ends = {line[-1]: part_maps(trained[line[-1]], images.test_images, p.random_seed, **sampling) for line in lines[:2]}
    whole = BlockMaps(*lines, maps, p.train_counts, block_growth.stacked_counts(of_fewer), ends)
    without = block_growth.reference_population(images, p.depths[0], p.reference_images, p.seeds, **recipe)
    find = block_growth.block_structure(without, images.test_images, p.block_threshold, p.random_seed, **sampling)
    found = Outcomes(
        {THRESHOLD: THRESHOLDS, NETWORKS: [count for count in COUNTS if count <= p.seeds]},
        {THRESHOLD: p.block_threshold, NETWORKS: p.seeds},
        ("size over that of the smallest", "block's share of the depth"),
    )
    for threshold in THRESHOLDS:
        for count in found.values[NETWORKS]:
            chosen, few = {THRESHOLD: threshold, NETWORKS: count}, first(whole, count)
            blocks = Blocks(few, BlockStructure(threshold, find.reference), len(images.test_labels), p.random_seed)
            fit = {name: gates(trained, getattr(few, name), count) for name in LINES}
            fit["less data"] = gates(fewer, fewer, count)
            found.add(chosen, map(whatever_the_gates, block_structure.block_claims(blocks, fit)))
            for name, words in LINES.items():
                line = getattr(few, name)
                sizes = [one.depth * one.width for one in line]
                shares = zip(*(mean_share(few.maps[one], blocks.find) for one in line))
                found.draw(chosen, words, [size / sizes[0] for size in sizes], list(shares))
    return found


def first(maps: BlockMaps, count: int) -> BlockMaps:
    """The maps of the first so many networks of every architecture."""
    few = ({one: of_one[:count] for one, of_one in by.items()} for by in (maps.maps, maps.by_count, maps.parts))
    own, by_count, parts = few
    return BlockMaps(maps.depths, maps.widths, maps.plain, own, maps.counts, by_count, parts)


def gates(populations: Mapping, keys: Iterable, count: int) -> list[Gate]:
    """What the first so many networks of some populations must have learnt."""
    few = [Population(populations[key].specification, populations[key].networks[:count]) for key in keys]
    return of_wide_and_deep(few)


def whatever_the_gates(claim: Claim) -> Judgement:
    """A claim, and its rule on the interval that it shows: all rules of this chapter judge one number."""
    shown = Estimated(lambda level: np.array([claim.estimate, claim.low, claim.high]), claim.networks, claim.images)
    return claim, ROWS[claim.row].rule.judge(shown).verdict
