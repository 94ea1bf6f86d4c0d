"""The ledger of rules: when each rule was written or changed, whether a result was known by then, and why.

book/rules.toml holds it, kept by hand; `python book/ledger.py` prints what it lacks as TOML, to be completed there.  A rule is a
`Row` of lib/chapters/: its name, words, statistic and what decides.  Its hash is one of the code, so that the layout does not
matter; where it stands in the paper, its level, its bounds and its formula do not count.
"""

import ast
import copy
import datetime
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from chapters import ROOT
from lib.code.closure import form, sha_of

LEDGER = ROOT / "book" / "rules.toml"
FIELDS = ("name", "says", "source", "statistic", "of", "rule", "told", "places", "level", "bounds", "formula")
ASIDE = {"source", "places", "level", "bounds", "formula"}


def rules(root: Path = ROOT) -> dict[str, str]:
    """Name of a rule -> its hash; what a run fills in stays in braces, what only the program knows is a `*`."""
    found: dict[str, list[str]] = {}
    for path in sorted((root / "lib" / "chapters").glob("*.py")):
        for name, code in _of_module(ast.parse(path.read_text())):
            found.setdefault(name, []).append(sha_of(code))
    return {name: sha_of(sorted(codes))[:12] for name, codes in found.items()}


def _of_module(tree: ast.Module) -> Iterator[tuple[str, list]]:
    """Names and code of the rows of a module; a row that a function builds counts with the function at every call of it."""
    builders = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and _rows(node)]
    inside = {id(node) for builder in builders for node in ast.walk(builder)}
    for row in _rows(tree):
        if id(row) not in inside:
            yield _name(row, {}), form(_counted(row))
    for builder in builders:
        parameters = [argument.arg for argument in builder.args.args]
        calls = [call for call in _calls(tree, builder.name) if id(call) not in inside]
        for given in [_arguments(call, parameters) for call in calls] or [{}]:
            counted = [(name, form(value)) for name, value in sorted(given.items()) if name not in ASIDE]
            for row in _rows(builder):
                yield _name(row, given), [form(_Counted().visit(copy.deepcopy(builder))), counted]


def _calls(tree: ast.AST, name: str) -> list[ast.Call]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    return [call for call in calls if call.func.id == name]


def _rows(tree: ast.AST) -> list[ast.Call]:
    """Calls that make a row, or one from another under a new name."""
    renamed = [call for call in _calls(tree, "replace") if "name" in _arguments(call, ())]
    return _calls(tree, "Row") + renamed


def _arguments(call: ast.Call, parameters: Sequence[str]) -> dict[str, ast.expr]:
    return dict(zip(parameters, call.args)) | {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def _counted(row: ast.Call) -> ast.Call:
    """A row without what does not count, whichever way its fields were given."""
    given = _arguments(row, FIELDS) if row.func.id == "Row" else _arguments(row, ())
    kept = [ast.keyword(name, value) for name, value in sorted(given.items()) if name not in ASIDE]
    return ast.Call(row.func, [] if row.func.id == "Row" else row.args, kept)


class _Counted(ast.NodeTransformer):
    """Every row in a function without what does not count."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        return _counted(node) if isinstance(node.func, ast.Name) and node.func.id == "Row" else node


def _name(row: ast.Call, given: Mapping[str, ast.expr]) -> str:
    return re.sub(r"\*+", "*", _text(_arguments(row, FIELDS if row.func.id == "Row" else ())["name"], given))


def _text(node: ast.expr, given: Mapping[str, ast.expr]) -> str:
    """A string as far as it stands in the code."""
    if isinstance(node, ast.Name) and node.id in given:
        return _text(given[node.id], {})
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, given)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, given) for part in node.values)
    return _text(node.left, given) + _text(node.right, given) if isinstance(node, ast.BinOp) else "*"


def entries(path: Path = LEDGER) -> dict[str, list[dict]]:
    """Name of a rule -> what the ledger has of it, the oldest first."""
    found = tomllib.loads(path.read_text()) if path.exists() else {}
    return {name: sorted(own, key=lambda entry: entry["date"]) for name, own in found.items()}


def missing(root: Path = ROOT, path: Path = LEDGER) -> dict[str, str]:
    """Rules whose hash is not that of the ledger's last entry, and rules that it has though they are gone: an empty hash."""
    last, now = {name: own[-1] for name, own in entries(path).items()}, rules(root)
    lacking = {name: digest for name, digest in now.items() if digest != last.get(name, {}).get("hash")}
    return lacking | {name: "" for name, entry in last.items() if name not in now and not entry.get("withdrawn")}


def history(row: str, known: Mapping[str, list[dict]]) -> str:
    """The entries of the rule that a claim's row has, in a sentence each."""
    names = [name for name in known if fnmatchcase(row, name.replace("[", "[[]"))]
    if not names:
        return "The ledger does not know it."
    own = known[max(names, key=lambda name: len(name.replace("*", "")))]
    return " ".join(
        f"{entry['date']}, {'results known' if entry['result'] else 'before any committed result'}: {entry['reason'].rstrip('.')}."
        for entry in own
    )


def main() -> None:
    """Print what is missing, to be completed by hand."""
    for name, digest in missing().items():
        print(f'[["{name}"]]\ndate = {datetime.date.today()}')
        print(f'hash = "{digest}"' if digest else "withdrawn = true")
        print('result = true  # was a result known?\nreason = ""\n')


if __name__ == "__main__":
    main()
