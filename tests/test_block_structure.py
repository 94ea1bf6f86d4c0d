"""The verdicts of chapter 11 follow from planted blocks, and its words, tables and pictures from the same numbers."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import Rectangle
from planted_blocks import at, planted, with_shares
from test_grams import planted as planted_sizes

from lib.chapters import block_structure_figures
from lib.chapters.block_structure import BATCH_SIZE, Always, Blocks, Differs, block_claims
from lib.chapters.block_structure_tables import (
    batch_sizes_table,
    blocks_of,
    blocks_table,
    less_data_table,
    place,
    robustness_table,
)
from lib.cka.block_growth import BlockMaps
from lib.gates import Gate
from lib.statistics.sample import Estimated
from lib.training.wide_and_deep import Architecture
from lib.verdicts import judged as judged_rows

DEPTHS = [Architecture(depth) for depth in (14, 26, 38)]
WIDTHS = [Architecture(14, width) for width in (1, 2, 4)]
PLAIN = [Architecture(14, width, False) for width in (1, 2, 4)]
COUNTS = [100, 200, 400]
RULES = {
    "11-block-grows-depth",
    "11-block-grows-width",
    "11-block-grows-width-plain",
    "11-less-data-width",
    "11-less-data-depth",
    "11-every-seed-deepest",
    "11-ends-differ-deepest",
    "11-every-seed-widest",
    "11-ends-differ-widest",
    "11-block-late",
}


def maps_of(growing=True, fewer=True, elsewhere=True, late=True, side=3):
    """Blocks of 13 layers' depth that follow the paper in each respect, or do not."""

    def network(length, place):
        start = 13 - length - place if late else place
        return planted(13, start, start + length)

    def line(architectures):
        return {
            one: np.stack([network(side + 2 * step * growing, 0) for _ in range(6)])
            for step, one in enumerate(architectures)
        }

    maps = line(DEPTHS) | line(WIDTHS) | line(PLAIN)
    by_count = {
        one: np.stack([[network(side + 2 * (2 - step) * fewer, 0) for step in range(3)] for _ in range(6)])
        for one in (DEPTHS[0], DEPTHS[-1], WIDTHS[-1])
    }
    parts = {
        one: np.stack([[network(3, 2 * seed * elsewhere) for _ in range(4)] for seed in range(6)])
        for one in (DEPTHS[-1], WIDTHS[-1])
    }
    return BlockMaps(DEPTHS, WIDTHS, PLAIN, maps, COUNTS, by_count, parts)


def judged(found, threshold=0.9):
    fit = dict.fromkeys(("depths", "widths", "plain", "less data"), ())
    return block_claims(Blocks(found, at(threshold), 500, 0), fit)


def verdicts(found, threshold=0.9):
    return {claim.name: claim.verdict for claim in judged(found, threshold)}


def test_blocks_as_the_paper_has_them_are_supported():
    assert verdicts(maps_of()) == dict.fromkeys(RULES, "supported")


def test_the_reverse_is_contradicted():
    found = maps_of(elsewhere=False, late=False)
    turned = BlockMaps(
        DEPTHS,
        WIDTHS,
        PLAIN,
        {one: found.maps[other] for line in (DEPTHS, WIDTHS, PLAIN) for one, other in zip(line, reversed(line))},
        COUNTS,
        {one: maps[:, ::-1] for one, maps in found.by_count.items()},
        found.parts,
    )
    every = {"11-every-seed-deepest", "11-every-seed-widest"}
    assert verdicts(turned) == dict.fromkeys(RULES - every, "contradicted") | dict.fromkeys(every, "supported")


def test_blocks_of_one_size_leave_growth_undecided():
    told = verdicts(maps_of(growing=False, fewer=False))
    assert {told[name] for name in RULES if "grows" in name or "less-data" in name} == {"undecided"}
    assert told["11-block-late"] == "supported"


def test_without_any_block_nothing_is_tested():
    assert verdicts(maps_of(), threshold=0.99) == dict.fromkeys(RULES, "not tested")


def test_a_gate_of_a_line_stops_its_claims_alone():
    fit = dict.fromkeys(("depths", "plain", "less data"), ()) | {
        "widths": [Gate("largest training loss", 0.1, most=0.05)]
    }
    told = {claim.name: claim.verdict for claim in block_claims(Blocks(maps_of(), at(), 500, 0), fit)}
    stopped = {"11-block-grows-width", "11-every-seed-widest", "11-ends-differ-widest", "11-block-late"}
    assert {name for name, verdict in told.items() if verdict == "not tested"} == stopped


def test_one_network_without_a_block_contradicts_that_every_one_has_one():
    found = maps_of()
    found.maps[WIDTHS[-1]][2] = with_shares(13, [2])
    claims = {claim.name: claim for claim in judged(found)}
    wide, deep = claims["11-every-seed-widest"], claims["11-every-seed-deepest"]
    assert wide.verdict == "contradicted" and wide.estimate == pytest.approx(5 / 6) and wide.high < 1
    # Clopper and Pearson for six of six: the lower end is 0.025 ** (1 / 6).
    assert deep.verdict == "supported" and deep.low == pytest.approx(0.025 ** (1 / 6)) and deep.high == 1


@pytest.mark.parametrize("share, most", [(0.5, 0.025), (1, 1)])
def test_every_seed_is_seldom_said_where_half_of_them_have_none(share, most):
    rng, networks = np.random.default_rng(6), 6
    told = []
    for _ in range(300):
        has = np.where(rng.random(networks) < share, 7, 2)
        found = maps_of()
        found.maps[DEPTHS[-1]] = with_shares(13, has)
        present = Blocks(found, at(), 500, 0).present(DEPTHS[-1])
        told.append(Always().judge(present).verdict == "supported")
    assert np.mean(told) <= most + 3 * np.sqrt(most / 300) and (share < 1 or all(told))


def test_all_of_few_networks_are_not_always():
    few = Estimated(lambda level: (1.0, ((1 - level) / 2) ** (1 / 4), 1.0), 4, 500)
    assert Always().judge(few).verdict == "undecided"


def test_claims_count_their_networks():
    claims = {claim.name: claim for claim in judged(maps_of())}
    assert all(claim.images == 500 for claim in claims.values())
    assert claims["11-block-grows-depth"].networks == 18 and claims["11-less-data-width"].networks == 12
    assert claims["11-block-late"].networks == 30  # depth 14 at width 1 stands in both lines
    assert claims["11-block-grows-depth"].estimate == pytest.approx(
        np.polyfit(np.log2([14, 26, 38]), np.array([3, 5, 7]) / 13, 1)[0]
    )
    assert claims["11-less-data-depth"].estimate == pytest.approx(2 / 13)


@pytest.mark.parametrize(
    "low, high, verdict",
    [
        (0.1, 5, "supported"),
        (0, 0, "contradicted"),
        (-1e-16, 1e-16, "contradicted"),
        (0, 0.5, "undecided"),
        (-1, 1, "undecided"),
        (-2, -1, "undecided"),
        (np.nan, np.nan, "undecided"),
    ],
)
def test_ends_are_the_same_only_where_all_networks_have_one_block(low, high, verdict):
    assert Differs().judge(Estimated(lambda level: (low, low, high), 4, 500)).verdict == verdict


@pytest.mark.parametrize(
    "deviations, verdict, size",
    [
        ([0.001, -0.002, 0.003], "supported", 64),
        ([0.001, -0.05, 0.003], "contradicted", 32),
        ([0.001, 0.019, 0.003], "undecided", 32),
        ([0.05, -0.09, 0.003], "contradicted", 32),
    ],
)
def test_batch_sizes_are_judged_by_the_one_that_deviates_most(deviations, verdict, size):
    (claim,) = judged_rows([BATCH_SIZE], planted_sizes(deviations))
    assert claim.verdict == verdict and f": batches of {size}, the one of 3 " in claim.statistic and claim.images == 500


def test_a_single_pass_decides_nothing_about_batch_sizes():
    (claim,) = judged_rows([BATCH_SIZE], planted_sizes([0.5, 0.5], passes=1))
    assert claim.verdict == "undecided"


@pytest.mark.parametrize(
    "layer, words",
    [(0, "stem"), (1, "stage 1, block 1"), (4, "stage 1, block 4"), (5, "stage 2, block 1"), (12, "stage 3, block 4")],
)
def test_layers_have_the_names_of_their_stage(layer, words):
    assert place(layer, 13) == words


def test_tables_have_the_numbers():
    found = maps_of()
    found.maps[DEPTHS[0]][0] = with_shares(13, [2])
    table = blocks_table(found.maps, at(0.9)).set_index("network")
    assert table.loc["ResNet-14 (1×)", "with a block"] == "5 of 6"
    assert table.loc["ResNet-38 (1×)", "side (layers)"] == "7"
    assert table.loc["ResNet-38 (1×)", "begins"] == "stage 2, block 2"
    assert table.loc["ResNet-38 (1×)", "ends"] == "stage 3, block 4"
    assert set(blocks_table(found.maps, at(0.99))["side (layers)"]) == {"–"}
    less = less_data_table(found.by_count, COUNTS, at(0.9))
    assert list(less.columns) == ["network", "100 images", "200 images", "400 images", "per halving"]
    assert all(cell.startswith("+0.154 [") for cell in less["per halving"])
    sizes = batch_sizes_table([planted_sizes([0.1, -0.2])])
    assert list(sizes["batch (images)"]) == [16, 32] and list(sizes["largest of a pair"]) == ["0.101", "0.199"]


def test_every_threshold_has_its_column():
    by_threshold = {threshold: judged(maps_of(), threshold) for threshold in (0.9, 0.99)}
    table = robustness_table(by_threshold)
    assert list(table.columns) == ["claim", "threshold 0.9", "threshold 0.99"] and len(table) == len(RULES)
    row = table.set_index("claim").loc["11-block-late"]
    assert row["threshold 0.9"].startswith("supported, 0.385") and row["threshold 0.99"] == "not tested, –"


def test_a_map_is_drawn_with_its_block_and_stages():
    rows = [[("a", planted(13, 5, 11)), ("b", planted(7, 0, 2)), ("c", planted(13, 0, 13))], [("d", planted(4, 0, 4))]]
    figure = block_structure_figures.map_rows(rows, at())
    panels = [axis for axis in figure.axes if axis.get_visible() and axis.images and axis.get_title()]
    assert [axis.get_title() for axis in panels] == ["a", "b", "c", "d"]
    boxes = [{patch.get_bbox().bounds for patch in axis.patches if isinstance(patch, Rectangle)} for axis in panels]
    assert boxes == [{(4.5, 4.5, 6, 6)}, set(), {(-0.5, -0.5, 13, 13)}, {(-0.5, -0.5, 4, 4)}]
    assert list(panels[0].get_xticks()) == [1, 5, 9] and panels[0].images[0].get_clim() == (0, 1)
    plt.close(figure)


def test_lines_are_the_means_with_their_intervals():
    found = maps_of()
    figure = block_structure_figures.over_size(
        found.maps, {"deep": ("depth", DEPTHS), "wide": ("width", WIDTHS)}, {0.9: at(0.9), 0.99: at(0.99)}
    )
    for axis, label in zip(figure.axes, ("depth (layers)", "width (multiplier of the channels)")):
        assert axis.get_xlabel() == label and len(axis.containers) == 2
        np.testing.assert_allclose(axis.containers[0][0].get_ydata(), np.array([3, 5, 7]) / 13)
        np.testing.assert_allclose(axis.containers[1][0].get_ydata(), 0)
    plt.close(figure)
    figure = block_structure_figures.over_data(found.by_count, COUNTS, at())
    assert len(figure.axes[0].containers) == 3
    np.testing.assert_allclose(figure.axes[0].containers[0][0].get_ydata(), np.array([7, 5, 3]) / 13)
    plt.close(figure)


def test_bars_stand_where_blocks_lie_and_crosses_where_there_is_none():
    found = maps_of()
    found.maps[DEPTHS[0]][0] = with_shares(13, [2])
    maps = {one: found.maps[one] for one in DEPTHS}
    figure = block_structure_figures.where_blocks_lie(maps, at())
    axis = figure.axes[0]
    upright = [
        segment
        for collection in axis.collections
        for segment in collection.get_segments()
        if segment[0, 0] == segment[1, 0]
    ]
    blocks = [block for of_one in maps.values() for block in blocks_of(of_one, at())]
    np.testing.assert_allclose(
        [segment[:, 1] for segment in upright], [(block.start / 13, block.stop / 13) for block in blocks]
    )
    assert len(axis.lines) == 1 and len(upright) == 17
    plt.close(figure)


def test_the_full_values_are_dashed_beside_those_of_batches():
    figure = block_structure_figures.over_batch_size([planted_sizes([0.1, -0.2])])
    axis = figure.axes[0]
    np.testing.assert_allclose(axis.containers[0][0].get_ydata(), [0.601, 0.301])
    dashed = [line for line in axis.lines if line.get_linestyle() == "--"]
    assert len(dashed) == 1 and dashed[0].get_ydata()[0] == pytest.approx(0.5)
    plt.close(figure)
