"""No test is skipped unnoticed."""

import ast
import shutil
from pathlib import Path

import pytest
import skips

pytest_plugins = ["pytester"]
TESTS = Path(__file__).parent


@pytest.fixture
def suite(pytester):
    """A project with the ledger's hooks, two tests that are skipped since they need a thing, and a ledger to be written."""
    (pytester.path / "tests").mkdir()
    shutil.copy(TESTS / "skips.py", pytester.path / "tests")
    (pytester.path / "tests" / "conftest.py").write_text(
        "from skips import pytest_sessionfinish, pytest_terminal_summary\n"
    )
    (pytester.path / "tests" / "test_it.py").write_text(
        "import pytest\n\n\ndef test_passes():\n    pass\n\n\n"
        "@pytest.mark.skip('needs a thing')\ndef test_marked():\n    pass\n\n\n"
        "def test_inside():\n    pytest.skip('needs a thing')\n"
    )
    return pytester


@pytest.mark.parametrize(
    "processes, known, lacking, code, line",
    [
        (0, "needs a thing", "no/such/path", 0, "2 skipped: needs a thing; goes away *tomorrow*"),
        (0, "needs a *", "no/such/path", 0, "2 skipped: needs a thing; goes away *tomorrow*"),
        (0, "needs a thing", "tests/test_it.py", 1, "2 skipped: 'needs a thing', though tests/test_it.py is here"),
        (2, "needs more", "no/such/path", 1, "2 skipped: 'needs a thing' is not in tests/skips.toml"),
    ],
)
def test_a_skip_is_counted_and_fails_the_run_unless_the_ledger_allows_it(suite, processes, known, lacking, code, line):
    entry = f'["{known}"]\ngoes_away = "tomorrow"\nallowed_without = "{lacking}"\n'
    (suite.path / "tests" / "skips.toml").write_text(entry)
    result = suite.runpytest_subprocess("--numprocesses", str(processes), "tests")
    assert result.ret == code
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines([line])


def written_reasons():
    """The reasons that stand in the tests, of `pytest.skip` and of the marks."""
    for path in TESTS.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") in ("skip", "skipif", "importorskip"):
                reasons = [word.value for word in call.keywords if word.arg == "reason"] or call.args[:1]
                yield from (reason.value for reason in reasons if isinstance(reason, ast.Constant))


def test_every_reason_of_a_test_is_in_the_ledger_and_every_entry_is_used():
    reasons = set(written_reasons())
    assert reasons == {reason for reason in skips.ledger() if "*" not in reason} and len(reasons) > 5


def test_what_the_ledger_looks_for_is_a_path_or_has_a_finder():
    looked_for = [entry["allowed_without"] for entry in skips.ledger().values()]
    assert {what for what in looked_for if "/" not in what} == skips.FINDERS.keys()
