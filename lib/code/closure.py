"""What decides a result: the code of every module of lib/ that some code reaches through imports.

Comments, docstrings, the layout of a line and what a package's `__init__` only lists decide nothing.  Fields that only
some versions of Python have are empty in code that all of them read, so that Python 3.11 to 3.13 give the same form.
"""

import ast
import hashlib
import json
from functools import cache
from pathlib import Path

IGNORED = ("ctx", "kind", "type_comment")


def form(node: object) -> object:
    """A syntax tree as nested lists, without what does not change what the code does."""
    if isinstance(node, ast.JoinedStr):
        return ["JoinedStr", [form(part) for part in node.values if not _is_empty(part)]]
    if isinstance(node, list):
        return [form(part) for part in node if not is_text(part)]
    if isinstance(node, ast.Constant):
        return [type(node.value).__name__, repr(node.value)]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, value) for name, value in ast.iter_fields(node) if name not in IGNORED and value not in (None, [])]
    return [type(node).__name__, *([name, form(value)] for name, value in fields)]


def sha_of(content: object) -> str:
    """sha256 of lists, numbers and texts."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def is_text(node: object) -> bool:
    """Whether a statement is only a string, as a docstring is."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def digest(codes: list[ast.Module], root: Path) -> str:
    """sha256 over pieces of code and the modules under root/lib that they reach, in the order of their names."""
    modules = {name: _module_sha(path, path.stat().st_mtime_ns) for name, path in sorted(closure(codes, root).items())}
    return sha_of([[form(code) for code in codes], modules])


def closure(codes: list[ast.Module], root: Path) -> dict[str, Path]:
    """module of lib -> its file, for every module that the code reaches through imports at any depth.

    What one piece of code imports the others may use, as the cells of a notebook do.
    """
    reached: dict[str, Path] = {}
    waiting = imported(ast.Module([line for code in codes for line in code.body], []), root)
    while waiting:
        name = waiting.pop()
        reached[name] = path = _file(name, root)
        waiting |= imported_by(path, root) - reached.keys()
    return reached


def imported(code: ast.Module, root: Path) -> set[str]:
    """The modules of lib that hold the names which one piece of code imports, wherever in it that stands."""
    found = set()
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found |= _holders(alias.name, None, root) if alias.name.split(".")[0] == "lib" else set()
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "lib":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if _file(inner, root).exists():
                    found |= _holders(inner, _attributes(code, alias.asname or alias.name), root)
                else:
                    found |= _holders(node.module, {alias.name}, root)
    return found


def imported_by(path: Path, root: Path) -> set[str]:
    """`imported` for a file; it is looked through once."""
    return _imported_by(path, path.stat().st_mtime_ns, root)


def tree(path: Path) -> ast.Module:
    """The syntax tree of a file; it is parsed once."""
    return _tree(path, path.stat().st_mtime_ns)


def _holders(module: str, names: set[str] | None, root: Path) -> set[str]:
    """Where names of a module (None: all) come from: itself, or the modules that a package's `__init__` takes them from."""
    path = _file(module, root)
    if path.name != "__init__.py":
        return {module}
    body = [node for node in tree(path).body if not is_text(node)]
    lists = [node for node in body if isinstance(node, ast.ImportFrom)]
    listed = {alias.asname or alias.name: node.module or "" for node in lists for alias in node.names}
    holders = {home for name, home in listed.items() if names is None or name in names}
    computes = any(node not in lists and _target(node) != "__all__" for node in body)
    return holders | ({module} if computes else set())


def _attributes(code: ast.Module, name: str) -> set[str] | None:
    """The attributes of a name that code reads; None where it uses the name itself."""
    nodes = list(ast.walk(code))
    read = [
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    ]
    uses = sum(isinstance(node, ast.Name) and node.id == name for node in nodes)
    return set(read) if len(read) == uses else None


def _file(module: str, root: Path) -> Path:
    path = root.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _tree(path: Path, changed: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _imported_by(path: Path, changed: int, root: Path) -> set[str]:
    return imported(_tree(path, changed), root)


@cache
def _module_sha(path: Path, changed: int) -> str:
    return sha_of(form(_tree(path, changed)))


def _target(node: ast.AST) -> str | None:
    return getattr(node.targets[0], "id", None) if isinstance(node, ast.Assign) else None


def _is_empty(node: object) -> bool:
    """Whether a part of a formatted string is an empty text, which Python 3.12 puts there and others do not."""
    return isinstance(node, ast.Constant) and node.value == ""
