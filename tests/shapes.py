"""The shapes that the public functions of salience, similarity, CKA and stitching promise, held to in every test.

What a function refuses in its own words does not come to this: what goes in is looked at together with what comes out.
"""

from collections.abc import Iterator
from typing import Annotated, Any, get_args

from beartype import beartype
from beartype.vale import Is
from jaxtyping import AbstractArray


def after(function):
    """jaxtyping asks for a check of the arguments alone, and for one of arguments and result: only the second is made.

    And only of shapes: mypy looks after all other types, and lists of numbers have none.
    """
    annotations = function.__annotations__
    if annotations.get("return") is Any:
        return function
    shaped = {name: kind for name, kind in annotations.items() if _has_shape(kind)}
    function.__annotations__ = {
        name: kind if name == "return" else kind | _not_of(kind) for name, kind in shaped.items()
    }
    return beartype(function) if function.__annotations__ else function


def _has_shape(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, AbstractArray) or any(map(_has_shape, get_args(kind)))


def _not_of(kind: object) -> object:
    """What is no array of the classes that an annotation names."""
    classes = tuple(_classes(kind))
    return Annotated[object, Is[lambda value: not isinstance(value, classes)]]


def _classes(kind: object) -> Iterator[type]:
    if isinstance(kind, type) and issubclass(kind, AbstractArray):
        yield kind.array_type
    for part in get_args(kind):
        yield from _classes(part)
