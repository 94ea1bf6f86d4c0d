"""The ledger of rules knows every rule as it stands, and a rule's hash changes with what it decides and with nothing else."""

import pytest

import ledger

ROW = 'A = Row("03-a-{f}", "It rises.", "Fig. 1", "step", lambda g: g.step, above(0), level=HEADLINE)'
BUILT = """
def _row(name, says, source, rule):
    return Row(f"08-{name}-{{f}}", says, source, "change", lambda line: line.change, rule)

ROWS = (_row("similarity", "rises", "Fig. 18", above(0)), _row("loss", "falls", "Fig. 18", below(0)))
"""


def rules(tmp_path, code):
    folder = tmp_path / "lib" / "chapters"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "chapter.py").write_text(code)
    return ledger.rules(tmp_path)


def test_every_rule_stands_in_the_ledger_as_it_is():
    """What fails here is printed by `python book/ledger.py`, to be completed with its reason in book/rules.toml."""
    assert ledger.missing() == {}


def test_entries_say_when_and_why():
    for name, own in ledger.entries().items():
        for entry in own:
            assert entry["reason"] and isinstance(entry["result"], bool) and entry["date"].year > 2025, name


@pytest.mark.parametrize(
    "old, new, same",
    [
        ("above(0), level=HEADLINE", "rule = above( 0 )", True),
        ('"Fig. 1"', '"Table 1"', True),
        ("level=HEADLINE", 'formula="x > 0", bounds=(0, 1)', True),
        ("above(0)", "above(0.1)", False),
        ("g.step", "g.range", False),
        ("It rises.", "It falls.", False),
    ],
)
def test_the_hash_is_one_of_what_is_claimed_and_what_decides(tmp_path, old, new, same):
    (before,), (after,) = (rules(tmp_path, code).values() for code in (ROW, ROW.replace(old, new)))
    assert (before == after) is same


def test_a_row_that_a_function_builds_counts_with_the_function_and_its_own_call(tmp_path):
    before = rules(tmp_path, BUILT)
    assert list(before) == ["08-similarity-{f}", "08-loss-{f}"]
    other_call = rules(tmp_path, BUILT.replace("below(0)", "below(1)"))
    assert other_call["08-similarity-{f}"] == before["08-similarity-{f}"]
    assert other_call["08-loss-{f}"] != before["08-loss-{f}"]
    assert rules(tmp_path, BUILT.replace("Fig. 18", "Fig. 2")) == before
    assert not set(rules(tmp_path, BUILT.replace('"change"', '"ratio"')).values()) & set(before.values())


def test_what_only_the_program_knows_of_a_name_is_open(tmp_path):
    code = 'A = [Row(f"17-{score.lower()}-{{f}}", "", "", "", None) for score in SCORES]\nB = replace(A, name="09" + A.name[2:])'
    assert list(rules(tmp_path, code)) == ["17-*-{f}", "09*"]


def test_the_ledger_lacks_changed_new_and_withdrawn_rules(tmp_path):
    path = tmp_path / "rules.toml"
    digest = rules(tmp_path, ROW)["03-a-{f}"]
    old = '[["03-a-{{f}}"]]\ndate = 2026-01-02\nhash = "{}"\nresult = false\nreason = "first."\n'
    path.write_text(old.format(digest))
    assert ledger.missing(tmp_path, path) == {}
    path.write_text(old.format("0") + old.format(digest).replace("03-a", "03-b"))
    assert ledger.missing(tmp_path, path) == {"03-a-{f}": digest, "03-b-{f}": ""}


def test_a_claim_shows_the_history_of_the_rule_that_fits_its_row_best():
    def entry(day, result, reason):
        return {"date": f"2026-01-0{day}", "result": result, "reason": reason}

    known = {"09*": [entry(1, False, "general")], "09-h2-{f}": [entry(1, False, "first."), entry(2, True, "mended")]}
    assert ledger.history("09-h2-{f}", known) == (
        "2026-01-01, before any committed result: first. 2026-01-02, results known: mended."
    )
    assert ledger.history("09-other", known).endswith("general.")
    assert ledger.history("10-other", known) == "The ledger does not know it."
