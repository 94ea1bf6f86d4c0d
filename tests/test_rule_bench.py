"""The rule bench: the chapter's own choices give the chapter's verdicts, and a browser shows what was computed."""

import json
from dataclasses import replace

import numpy as np
import pytest

import bench_export
import rule_bench
from bench_outcomes import VERDICTS, Outcomes, judgements
from chapters import ROOT
from lib.gates import Gate
from lib.rules import CONTRADICTED, NOT_TESTED, SUPPORTED, UNDECIDED, above
from lib.statistics.sample import Estimated
from lib.verdicts import MACHINERY, Row

HTML = ROOT / "_build" / "html" / "book"
KEPT = rule_bench.read()
BENCHES = [(name, bench) for name, one in KEPT.items() for bench in one["benches"]]
# (bench, choice) whose larger values ask for more
STRICTER = [("hypotheses", "cosine that counts as one direction"), ("growth", "share of steps that have to rise")]
ORDER = [CONTRADICTED, UNDECIDED, SUPPORTED]


def found_by(name, bench):
    """(row, case, outcomes by key) of everything that is kept."""
    for row in KEPT[name]["benches"][bench]["rows"]:
        for case, outcomes in row["cases"].items():
            yield row, case, outcomes


@pytest.mark.parametrize("name, bench", BENCHES)
def test_the_chapter_s_own_choices_give_its_own_numbers_and_verdicts(name, bench):
    own = KEPT[name]["benches"][bench]["own"]
    path = ROOT / "results" / name / f"{rule_bench.CHAPTERS[bench]}.json"
    claims = {claim["name"]: claim for claim in json.loads(path.read_text())["claims"]}
    seen = 0
    for row, case, outcomes in found_by(name, bench):
        claim = next(one for one in claims.values() if one["row"] == row["row"] and one["name"].endswith(case))
        verdict, _, *numbers = outcomes[rule_bench.key(row, own)]
        assert VERDICTS[verdict] == claim["verdict"], claim["name"]
        for number, end in zip(numbers, ("estimate", "low", "high")):
            assert number == (claim[end] if claim[end] is None else pytest.approx(claim[end], rel=5e-3, abs=1e-9))
        seen += 1
    assert seen > 5


@pytest.mark.parametrize("name, bench", BENCHES)
def test_nothing_is_judged_behind_a_gate_that_fails_and_the_rule_alone_is_told(name, bench):
    words = KEPT[name]["benches"][bench]["words"]
    for _, _, outcomes in found_by(name, bench):
        for verdict, alone, *_, missed, _ in outcomes.values():
            assert verdict == (VERDICTS.index(NOT_TESTED) if words[missed] else alone)


@pytest.mark.parametrize("bench, choice", STRICTER)
@pytest.mark.parametrize("name", KEPT)
def test_a_stricter_threshold_never_makes_a_claim_hold_more(name, bench, choice):
    content, seen = KEPT[name]["benches"][bench], 0
    for row, _, outcomes in found_by(name, bench):
        for epochs in content["values"]["epochs"] if choice in row["by"] else ():
            chosen = content["own"] | {"epochs": epochs}
            alone = [outcomes[rule_bench.key(row, chosen | {choice: value})][1] for value in content["values"][choice]]
            places = [ORDER.index(VERDICTS[verdict]) for verdict in alone]
            assert places == sorted(places, reverse=True)
            seen += 1
    assert seen >= len(content["values"]["epochs"])


@pytest.mark.parametrize("name", KEPT)
def test_every_bench_that_is_kept_can_be_computed_again(name):
    assert {*KEPT[name]["benches"]} <= {*bench_export.given(name)} <= {*bench_export.BENCHES}


def test_what_is_kept_is_small():
    assert sum(path.stat().st_size for path in rule_bench.KEPT.glob("*.json")) < 300_000


def estimated(number, networks=6):
    return Estimated(lambda level: np.array([number, number - 1, number + 1]), networks, 3)


ROWS = [
    Row("0-a-{family}", "{family} grows.", "ours", "slope", of=estimated),
    Row("0-b-{family}", "{family} is at hand.", "ours", "slope", of=estimated, level=MACHINERY),
]


@pytest.mark.parametrize("number, alone", [(2, SUPPORTED), (-2, CONTRADICTED), (0.5, UNDECIDED)])
@pytest.mark.parametrize("found", [1, 6])
def test_a_gate_hides_the_verdict_of_the_rule_but_not_of_a_check_of_the_machinery(number, alone, found):
    claim, check = judgements(ROWS, number, [Gate("networks", found, 6)], family="cnn")
    assert (claim[0].verdict, claim[1]) == (NOT_TESTED if found < 6 else alone, alone)
    assert check[0].verdict == check[1] == alone


def test_an_outcome_stands_where_its_choices_say_and_words_stand_once():
    kept = Outcomes({"epochs": [1, 2], "limit": [0, 3]}, {"epochs": 2, "limit": 0}, ("k", "rho"))
    for epochs in (1, 2):
        for limit in (0, 3):
            rows = [replace(ROWS[0], rule=above(limit))]
            kept.add({"epochs": epochs, "limit": limit}, judgements(rows, 2 * epochs, family="cnn-small"))
        kept.draw({"epochs": epochs}, "cnn-small", [2, 4], np.full((3, 2), epochs))
    content = json.loads(json.dumps(kept.content()))
    (row,) = content["rows"]
    assert row["says"] == "cnn-small grows." and row["by"] == ["epochs", "limit"]
    verdicts = {key: VERDICTS[outcome[0]] for key, outcome in row["cases"]["cnn-small"].items()}
    assert verdicts == {"1 | 0": SUPPORTED, "1 | 3": UNDECIDED, "2 | 0": SUPPORTED, "2 | 3": UNDECIDED}
    assert content["curve"]["by"] == ["epochs"] and content["curve"]["found"]["1"]["cnn-small"] == [
        [2, 1, 1, 1],
        [4, 1, 1, 1],
    ]
    assert len(content["words"]) == len(set(content["words"]))


@pytest.mark.skipif(not (HTML / "rule_bench.html").exists(), reason="needs the built pages")
def test_a_reader_chooses_by_touch_and_keyboard_and_sends_the_address(chromium):
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    page.goto((HTML / "rule_bench.html").as_uri())
    for name, one in KEPT.items():
        for bench, content in one["benches"].items():
            form = page.locator(f"form[data-bench={bench}]")
            form.locator(f"input[name=data][value='{name}']").check(force=True)
            chosen = dict(content["own"])
            for choice, values in content["values"].items():
                chosen[choice] = values[0]
                form.locator(f"input[name='{choice}'][value='{values[0]}']").check(force=True)
                assert form.locator(".cases .sr").all_inner_texts() == shown(content, chosen)
    form = page.locator("form[data-bench=blocks]")
    threshold = form.locator("input[name^=CKA]")
    threshold.first.focus()
    page.keyboard.press("ArrowRight")
    assert threshold.nth(1).is_checked() and threshold.nth(1).evaluate("input => input == document.activeElement")
    sent, marks = page.url, form.locator(".cases").all_inner_texts()
    page.goto("about:blank")
    page.goto(sent)
    assert page.locator("form[data-bench=blocks] .cases").all_inner_texts() == marks
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.close()


def shown(content, chosen):
    """The verdicts that a page shows, row by row."""
    return [
        VERDICTS[outcomes[rule_bench.key(row, chosen)][0]]
        for row in content["rows"]
        for outcomes in row["cases"].values()
    ]
