"""Code without what does not change what it does: the fields of its syntax tree that hold something.

Comments, docstrings and the layout of a line are left out.  Fields that only some versions of Python have are empty in
code that all of them read, so that Python 3.11 to 3.13 give the same form.
"""

import ast
import hashlib
import json

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


def _is_empty(node: object) -> bool:
    """Whether a part of a formatted string is an empty text, which Python 3.12 puts there and others do not."""
    return isinstance(node, ast.Constant) and node.value == ""
