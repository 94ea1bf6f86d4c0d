"""A page is stale when the code that it reaches changed, and only then."""

import ast
import os
import subprocess
from pathlib import Path

import pytest
from skips import other_pythons

import closure as chapters_closure
from lib.code import closure

ROOT = Path(__file__).resolve().parents[1]
FILES = {
    "lib/__init__.py": '"""All."""\n',
    "lib/ground.py": 'def three():\n    """Three."""\n    return 3  # not 4\n',
    "lib/room/__init__.py": '"""A room."""\n\nfrom lib.room.first import one\nfrom lib.room.second import two\n\n__all__ = ["one", "two"]\n',
    "lib/room/first.py": "from lib.ground import three\n\n\ndef one():\n    return three() - 2\n",
    "lib/room/second.py": "def two():\n    return 2\n",
    "lib/room/third.py": "def later():\n    from lib.room.second import two\n\n    return two()\n",
    "notebooks/trial.py": "# %% [markdown]\n# # Trial\n\n# %%\nfrom lib.room import one\n\nprint(one())\n",
}


@pytest.fixture
def root(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def reached(root, code):
    """By lines that are a cell each."""
    return set(closure.closure([ast.parse(line) for line in code.splitlines()], root))


@pytest.mark.parametrize(
    "code, expected",
    [
        ("from lib.room import one", {"lib.room.first", "lib.ground"}),
        ("from lib.room import two as zwei", {"lib.room.second"}),
        ("from lib import room\nroom.two()", {"lib.room.second"}),
        ("from lib import room\nprint(room)", {"lib.room.first", "lib.room.second", "lib.ground"}),
        ("import lib.room", {"lib.room.first", "lib.room.second", "lib.ground"}),
        ("from lib.room import third\nthird.later()", {"lib.room.third", "lib.room.second"}),
        ("import lib.ground", {"lib.ground"}),
        ("import os", set()),
    ],
)
def test_imports_are_followed_by_the_names_they_take(root, code, expected):
    assert reached(root, code) == expected


def test_a_package_that_computes_is_code_itself(root):
    (root / "lib" / "room" / "__init__.py").write_text("from lib.room.second import two\n\nFOUR = two() + 2\n")
    assert reached(root, "from lib.room import FOUR") == {"lib.room", "lib.room.second"}


@pytest.mark.parametrize(
    "name, old, new, changes",
    [
        ("lib/ground.py", "return 3", "return 4", True),
        ("lib/ground.py", "# not 4", "# not 5", False),
        ("lib/ground.py", '"""Three."""', '"""The number three."""', False),
        ("lib/ground.py", "return 3", "return (\n        3\n    )", False),
        ("lib/room/second.py", "return 2", "return 3", False),
        ("lib/room/__init__.py", '"""A room."""', '"""Two numbers."""', False),
        ("lib/room/__init__.py", "lib.room.first import one", "lib.room.second import two as one", True),
        ("notebooks/trial.py", "# # Trial", "# # A trial", False),
        ("notebooks/trial.py", "print(one())", "print(-one())", True),
    ],
)
def test_a_digest_changes_with_the_code_that_is_reached(root, name, old, new, changes):
    source = root / "notebooks" / "trial.py"
    before = chapters_closure.digest(source, root)
    path = root / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    os.utime(path, ns=(1, 1))
    assert (chapters_closure.digest(source, root) != before) == changes


def test_every_chapter_reaches_only_what_it_needs():
    chapters = {
        name: closure.closure([ast.parse(cell) for cell in chapters_closure.code_cells(path)], ROOT)
        for path in (ROOT / "notebooks").glob("[0-9A]*.py")
        for name in [path.stem]
    }
    stitching = {name for name, modules in chapters.items() if any("lib.stitching." in module for module in modules)}
    assert {"16_stitching", "17_out_of_distribution", "18_three_views", "19_which_measure"} == stitching


def test_other_versions_of_python_give_the_same_form():
    if not other_pythons():
        pytest.skip("needs another Python of 3.11 to 3.13")
    script = (
        "import ast, sys; from pathlib import Path; from lib.code import form; "
        "print(form.sha_of([form.form(ast.parse(Path(name).read_text())) for name in sys.argv[1:]]))"
    )
    files = [str(path) for path in sorted((ROOT / "lib").rglob("*.py"))]
    here = closure.sha_of([closure.form(ast.parse(Path(name).read_text())) for name in files])
    for path in other_pythons():
        found = subprocess.run([path, "-c", script, *files], cwd=ROOT, capture_output=True, text=True, check=True)
        assert found.stdout.strip() == here
