"""A small project for tests of the book: one chapter, `trial`, that imports one module."""

import pytest

IMPORTING = "\n\ndef later():\n    from lib.module import ANSWER\n\n\n"
DIVIDING = f"""# %% tags=["parameters"]
divisor = 1

# %%
from pathlib import Path
{IMPORTING}print(1 / divisor)
Path("../results/mine").mkdir(parents=True, exist_ok=True)
Path("../results/mine/trial.json").write_text("{{}}")
"""


def plant(folder, monkeypatch, source):
    """The project in this folder, with this source of the chapter."""
    for name in ("lib", "notebooks", "book"):
        (folder / name).mkdir()
    (folder / "lib" / "module.py").write_text("ANSWER = 42\n")
    (folder / "constraints.txt").write_text("numpy==2.0\nruff==1\n")
    (folder / "pyproject.toml").write_text('[project]\ndependencies = ["numpy>=2"]\n')
    (folder / "_toc.yml").write_text("file: book/chapters/trial\n")
    (folder / "notebooks" / "trial.py").write_text(source)
    monkeypatch.setattr("chapters.ROOT", folder)
    monkeypatch.setattr("chapters.NOTEBOOKS", folder / "notebooks")
    monkeypatch.setattr("chapters.PAGES", folder / "book" / "chapters")
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose chapter prints 1 / `divisor`."""
    return plant(tmp_path, monkeypatch, DIVIDING)
