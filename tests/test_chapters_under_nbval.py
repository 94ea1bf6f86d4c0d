"""What pytest --nbval makes of a chapter beside notebooks/conftest.py."""

import shutil
from pathlib import Path

import nbformat

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parents[1]


def test_a_progress_bar_is_no_difference_and_a_warning_is_one(pytester):
    pytester.makeini(f"[pytest]\npythonpath = {ROOT / 'book'}")
    shutil.copy(ROOT / "notebooks" / "conftest.py", pytester.path)
    for name, line in (
        ("bar", "list(tqdm.tqdm(range(3)))"),
        ("warning", "import warnings; warnings.warn('few images'); [0, 1, 2]"),
    ):
        cell = nbformat.v4.new_code_cell(f"import tqdm\n{line}", execution_count=1)
        cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "[0, 1, 2]"}, execution_count=1)]
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), pytester.path / f"{name}.ipynb")
    outcome = pytester.runpytest_subprocess("--nbval", "--nbval-kernel-name=python3")
    outcome.assert_outcomes(passed=1, failed=1)
    outcome.stdout.fnmatch_lines(["FAILED warning.ipynb*"])
