"""The shapes that the public functions of salience, similarity, CKA and stitching promise, held to in every test.

What a function refuses in its own words does not come to this: what goes in is looked at together with what comes out.
"""

from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray


def after(function):
    """jaxtyping asks for a check of the arguments alone, and for one of arguments and result: only the second is made.

    And only of shapes: mypy looks after all other types.
    """
    annotations = function.__annotations__
    if annotations.get("return") is Any:
        return function
    function.__annotations__ = {name: kind for name, kind in annotations.items() if _has_shape(kind)}
    return beartype(function) if function.__annotations__ else function


def _has_shape(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, AbstractArray) or any(map(_has_shape, get_args(kind)))
