"""One chapter again with other parameters: `python -m lib.run 03 --widths 4 8`.

It checks the parameters, says what is to be trained and for how long, and executes the chapter with its progress bars.
What is refused is one sentence and exit code 2; what fails later, one sentence and exit code 1.
"""

import argparse
import ast
import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import jupytext
import nbformat
import yaml

from lib import execution
from lib.runtime.checks import did_you_mean, shown
from lib.runtime.files import ROOT, write_whole
from lib.runtime.room import results_folder, writable

NOTEBOOKS = ROOT / "notebooks"
RECIPE = ("epochs", "precision", "learning_rate")


class Refused(Exception):
    """What the command cannot do, in a sentence."""


def chapter_of(name: str) -> str:
    """The chapter that a name or its beginning means, as 03 means 03_individual_similarity."""
    known = sorted(path.stem for path in NOTEBOOKS.glob("*.py") if path.stem != "conftest")
    found = [one for one in known if one == name or one.startswith(f"{name}_")]
    if len(found) != 1:
        raise Refused(
            f"there is no chapter {shown(name)}; {did_you_mean(name, known)}the chapters are {', '.join(known)}"
        )
    return found[0]


def defaults(source: Path) -> dict[str, object]:
    """The parameters of a chapter with their values."""
    cell = re.search(
        r'^# %% tags=.*"parameters".*\n((?:(?!# %%).*\n)*)', source.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert cell is not None  # every chapter has one (tests/test_project.py)
    lines = [line for line in ast.parse(cell[1]).body if isinstance(line, ast.Assign)]
    return {line.targets[0].id: ast.literal_eval(line.value) for line in lines if isinstance(line.targets[0], ast.Name)}


def given(words: Sequence[str], known: dict[str, object], chapter: str) -> tuple[dict[str, object], str | None]:
    """The parameters that the words of the command line name, and the output's path."""
    found: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            name = name.replace("-", "_")
            if name not in (*known, "output"):
                hint = did_you_mean(name, known)
                raise Refused(
                    f"unknown parameter {shown(name)}; {hint}the parameters of {chapter} are {', '.join(known)}"
                )
            values = found[name] = [value] if equals else []
        elif not found:
            raise Refused(f"{shown(word)} belongs to no parameter; they are given as --NAME VALUE")
        else:
            values.append(word)
    for name in (name for name, values in found.items() if not values):
        raise Refused(f"parameter {shown(name)} is given without a value")
    output = found.pop("output", [None])[0]
    return {name: _value(values, known[name]) for name, values in found.items()}, output


def _value(words: list[str], default: object) -> object:
    """Several words are a list; one word is one too where the chapter has a list."""
    values = [_parsed(word) for word in words]
    alone = len(values) == 1 and (isinstance(values[0], (list, dict)) or not isinstance(default, list))
    return values[0] if alone else values


def _parsed(word: str) -> object:
    try:
        return yaml.safe_load(word)
    except Exception:  # YAML's, or of what it makes: dates, whole numbers of thousands of digits
        return word  # the check of the parameter says what is wrong with it


def place_of(output: str | None, study: str, chapter: str) -> Path:
    """Where the executed chapter goes: beside its numbers, or where the reader wants it, but not over a source."""
    if output is None:
        return results_folder(ROOT) / study / f"{chapter}.ipynb"
    try:
        path = Path(output).expanduser().resolve()
        taken = path.parent == NOTEBOOKS.resolve() or path.is_dir() or path.suffix != ".ipynb"
    except (OSError, RuntimeError, ValueError):  # too long, the home of nobody, a character that no path has
        raise Refused(f"the output {shown(output)} is no path of a file; name another") from None
    if taken:
        raise Refused(f"the output {shown(output)} is no notebook beside the chapters; name another file, NAME.ipynb")
    return path


def plan(p: SimpleNamespace) -> str:
    """The networks of the chapter's populations, how many are stored, and how long the others take on this machine.

    Raises:
        ValueError: the chapter's images cannot be had, or not so many of them.
    """
    from lib import data
    from lib.family_widths import by_family
    from lib.runtime.devices import cores
    from lib.training import plan
    from lib.training.specification import specify

    if getattr(p, "model_folder", None):
        return "its networks are those of the model_folder, and none is trained"
    if {"dataset", "n_train", "n_test"} <= vars(p).keys():
        images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
    if not {"dataset", "families", "widths", "seeds", "epochs"} <= vars(p).keys():
        return "what this chapter trains depends on what it finds"
    recipe = {name: getattr(p, name) for name in RECIPE if hasattr(p, name)}
    widths = by_family(p.widths, p.families).items()
    wanted = {specify(images, family, width, **recipe): p.seeds[family] for family, own in widths for width in own}
    left = {one: epochs for one, seeds in wanted.items() if (epochs := plan.epochs_left(one, seeds))}
    networks = f"{sum(wanted.values())} networks"
    if not left:
        return f"{networks}, all of them stored"
    minutes = 60 * plan.hours(left, plan.seconds_per_image(left), cores())
    return f"{networks}, of which {sum(left.values())} epochs are to be trained: about {minutes:.0f} minutes"


def run(words: Sequence[str]) -> None:
    """Raises Refused, ValueError or lib.execution.Failed, each with a sentence."""
    chapter = chapter_of(words[0])
    source = NOTEBOOKS / f"{chapter}.py"
    known = defaults(source)
    values, output = given(words[1:], known | {"scheduler": None}, chapter)
    from lib import parameters  # with torch, which takes seconds: a misspelt name is told at once

    p = parameters.read(known | values, known)
    path = place_of(output, p.study, chapter)
    if not writable(path.parent):
        raise Refused(f"{path.parent} cannot be written; name another file with --output")
    print(f"{chapter}: {plan(p)}", flush=True)
    notebook = execution.executed(chapter, jupytext.read(source), values, NOTEBOOKS)
    write_whole(path, nbformat.writes(notebook).encode())
    numbers = os.path.relpath(results_folder(ROOT) / p.study, ROOT)
    print(f"{chapter}: the executed chapter is {os.path.relpath(path)}, its numbers are in {numbers}/")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m lib.run", usage="%(prog)s CHAPTER [--NAME VALUE ...] [--output FILE]", description=__doc__
    )
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="CHAPTER", help="for instance 03 --widths 4 8")
    words = parser.parse_args().words
    if not words:
        parser.error("a chapter is needed")
    # A family by import path is found in the current folder here, and so in the chapter's kernel and its workers.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))
    os.environ["PYTHONUTF8"] = "1"  # and read the sources there, whatever the language is
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)
    try:
        run(words)
    except execution.Failed as error:
        print(error, file=sys.stderr)
        sys.exit(2 if error.refused else 1)
    except (Refused, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        execution.kill_kernels()
        sys.exit("\nstopped; what was trained is kept, and the same command goes on from there")


if __name__ == "__main__":
    main()
