"""Benchmarks: peers do the same work, others are refused; fits and forecasts against closed forms; the page tells all."""

import importlib
import json
import time
from functools import partial

import numpy as np
import pytest

import speed
from benchmarks import ROWS, STUDIES, forecast, growth, measuring
from benchmarks.__main__ import measured
from benchmarks.measuring import Case, Differs, differences, largest


def case(**changes):
    given = {"ours": lambda: np.ones(3), "peers": {"peer": lambda: np.ones(3)}, "apart": largest, "within": 1e-6}
    return Case(**{"row": "a row", "work": "work", "limit": None, "repeats": 3} | given | changes)


@pytest.mark.parametrize("part", ROWS)
def test_peers_of_a_row_give_the_same_as_ours(part):
    """`differences` raises otherwise; every row has a peer, and ways that no case names are none."""
    for one in importlib.import_module(f"benchmarks.{part}").cases(True):
        results = {name: way() for name, way in {measuring.OURS: one.ours, **one.peers}.items()}
        assert set(differences(one, results)) >= set(one.peers) and one.peers


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"peers": {"peer": lambda: np.array([1, 1, 1.1])}}, "^a row, work: peer is 0.091 from ours, more than 1e-06$"),
        ({"peers": {"peer": lambda: np.full(3, np.nan)}}, "peer is nan from ours"),
        ({"twin": lambda: 2e-8}, "^a row, work: in float64 both are 2e-08 apart$"),
    ],
)
def test_a_peer_that_does_other_work_is_refused_before_it_is_timed(changes, message):
    with pytest.raises(Differs, match=message):
        measuring.measured(case(**changes))


def test_ways_take_turns_and_scaled_ones_count_as_often(monkeypatch):
    """On a clock that our way moves by 1 s, the peer by 4 and the limit by half a second, one call of ten of the peer's."""
    now, calls = [0.0], []
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def way(name, seconds):
        calls.append(name)
        now[0] += seconds
        return np.ones(1)

    found = measuring.measured(
        case(
            ours=partial(way, "ours", 1.0),
            peers={"peer": partial(way, "peer", 4.0)},
            limit=("bare", partial(way, "limit", 0.5)),
            times={"peer": 10},
        )
    )
    assert calls == ["ours", "peer", "limit"] * 4
    assert found["ratios"]["peer"] == {"median": 40, "low": 40, "high": 40} and found["of_limit"]["median"] == 0.5
    assert found["seconds"]["ours"]["median"] == 1 and found["apart"] == {"peer": 0}


@pytest.mark.parametrize("power", [0, 0.5, 1, 2.25])
def test_exponents_are_those_of_planted_costs(power):
    sizes = [2, 4, 8, 16]
    assert growth.exponent(sizes, [3e-6 * size**power for size in sizes]) == (pytest.approx(power), 0)
    slope, error = growth.exponent(sizes, [size**power * noise for size, noise in zip(sizes, (1, 1.2, 0.9, 1.1))])
    assert abs(slope - power) < 3 * error


def test_memory_is_that_of_a_process_of_its_own_however_much_this_one_has_held():
    np.ones(50_000_000)
    assert measuring.peak(np.ones, 25_000_000)[0] == pytest.approx(2e8, rel=0.05)


def test_the_study_takes_the_time_of_its_multiplications():
    """At a nanosecond each, also beyond the widths that are measured: operations are six a multiply-add."""
    known, extrapolated = (forecast.study((2, 4, 8), widest, forecast.in_proportion) for widest in (8, 4))
    assert known["core_hours"] == extrapolated["core_hours"] and known["networks"] == 4 * 3 * 100 * 3
    hours = sum(known["core_hours"].values())
    assert known["operations"] == pytest.approx(6 * hours * 3600 * 1e9, rel=0.01)
    assert known["core_hours"]["CIFAR-10"] == pytest.approx(hours / 4, rel=0.01)
    assert known["gpu_hours"][1] / known["gpu_hours"][0] == pytest.approx(6, rel=0.01)
    assert sum(known["by_width"].values()) == pytest.approx(1, abs=0.01)


def test_the_queue_is_compared_by_its_last_manifests(tmp_path):
    one = forecast.specification("cnn-small", 4)
    folder = tmp_path / one.key
    folder.mkdir()
    for seed, epochs, seconds in ((0, 1, 360), (0, 2, 720), (1, 1, 360)):
        manifest = {"specification": one.fields(), "seed": seed, "epochs": epochs, "seconds": seconds}
        (folder / f"seed-{seed:05}.epoch-{epochs:05}.json").write_text(json.dumps(manifest))
    (found,) = forecast.queue(tmp_path, lambda specifications: dict.fromkeys(specifications, 0.0036))
    assert (found["networks"], found["epochs"], found["took"]) == (2, 3, 0.3)
    assert found["foretold"] == pytest.approx(0.0036 * 50_000 * 3 / 3600)
    assert forecast.queue(tmp_path / "none") == []


TABLE = """
[few]
dataset = "digits"
[few.parameters]
[[few.training]]
line = "a"
families = ["cnn-small", "resnet-small"]
widths = [2, 4]
seeds = 3
epochs = 5
[gone]
dataset = "imagefolder:nowhere"
[gone.parameters]
[[gone.training]]
line = "b"
families = ["cnn-small"]
widths = [2]
seeds = 1
epochs = 1
"""


def test_lines_take_the_time_of_their_multiplications_and_those_without_images_are_left_out(tmp_path):
    """At a nanosecond a multiply-add; operations are six of them, in hours of the peak's shares."""
    table = tmp_path / "studies.toml"
    table.write_text(TABLE)
    (found,) = forecast.lines(table, forecast.in_proportion)
    assert (found["study"], found["line"], found["networks"], found["epochs"]) == ("few", "a", 12, 5)
    operations = 6 * found["core_hours"] * 3600 * 1e9
    assert [
        hours * 3600 * forecast.PEAK * share for hours, share in zip(found["gpu_hours"], (0.05, 0.005))
    ] == pytest.approx([operations] * 2, rel=0.01)


@pytest.fixture(scope="module")
def quick():
    return measured(("similarity", *STUDIES), True)


def test_the_page_shows_every_row_and_says_which_fall_short_and_why(quick):
    rows = [
        row | {"goal": goal, "ratios": {"peer": dict.fromkeys(("median", "low", "high"), 20.0)}}
        for row, goal in zip(quick["rows"], (10, 50, None))
    ]
    pages = speed.rendered(quick | {"rows": rows, "refused": ["a row: a peer is far from ours"]})
    assert all(row["work"] in pages["speed_rows.md"] for row in rows)
    missed = [row for row in rows if row["work"] in pages["speed_short.md"]]
    assert rows[1] in missed and rows[2] not in missed
    assert "20 times as fast instead of 50" in pages["speed_short.md"] and "tiny sizes" in pages["speed_machine.md"]
    assert "Refused: a row: a peer is far from ours." in pages["speed_rows.md"]
    assert "an estimate, not measured" in pages["speed_forecast.md"]
    assert all(one["work"] in pages["speed_growth.md"] for one in quick["growth"])


@pytest.mark.parametrize("share, told", [(0.5, " (the limit itself would be 40 times as fast)"), (0.4, ""), (None, "")])
def test_a_row_says_when_even_the_limit_falls_short(share, told):
    row = {"goal": 50, "of_limit": share and {"median": share}}
    assert speed.at_the_limit(row, {"median": 20}) == told


def test_the_plot_has_a_panel_for_whatever_cost_grows_with(quick, tmp_path):
    speed.draw(quick["growth"], tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_whatever_is_hoped_for_has_a_reason_at_hand_and_the_committed_results_are_whole():
    results = json.loads(speed.RESULTS.read_text())
    assert set(speed.REASONS) == {row["row"] for row in results["rows"] if row["goal"] or row["share"]}
    assert all(speed.rendered(results).values()) and all(one["bytes"] > 0 for one in results["streams"])
