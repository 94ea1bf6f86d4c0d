"""Families of a reader's own, named by where a function lies that makes their networks: 'package.module:function'.

The function takes width, in_channels, image_size and num_classes, as those of `lib.models.architectures.FAMILIES` do,
and its networks begin with the weights that it gives them.
"""

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Callable
from functools import cache, partial
from types import ModuleType

import torch
from torch import nn

from lib.code.closure import form, sha_of
from lib.models.class_scores import ClassScores, own_words
from lib.models.doors import check_network
from lib.runtime.checks import did_you_mean, shown

FORM = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def is_imported(family: object) -> bool:
    """Whether a name is meant as the path of a function."""
    return isinstance(family, str) and ":" in family


def check_path(path: str) -> None:
    """Raises ValueError, with what Python says, for a path that leads to no function."""
    _found(path)


def source_digest(family: str) -> str:
    """sha256 of the code of the modules that a path names and its function is written in; '' of other families.

    Comments, docstrings and layout do not count, nor does what that module imports.  It is the code that this process
    runs: a module that is edited afterwards keeps its digest until the process ends.
    """
    return _found(family)[1] if is_imported(family) else ""


def build(path: str, width: int, in_channels: int, image_size: int, num_classes: int) -> nn.Module:
    """One network of the family, on the CPU.

    Raises:
        ValueError: the function fails, or makes something that is no network of such images and classes.
    """
    sizes = width, in_channels, image_size, num_classes
    model = _made(path, *sizes)
    _check_scores(path, *sizes)
    return model


def _made(path: str, *sizes: int) -> nn.Module:
    try:
        with torch.device("cpu"):  # also where another network would be made without its weights, to be counted
            model = _found(path)[0](*sizes)
    except Exception as error:
        called = f"called with width, in_channels, image_size, num_classes = {sizes}"
        raise ValueError(f"the family {path!r} fails, {called}: {own_words(error)}") from error
    check_network(model, f"that {path} makes")
    return model


@cache
def _check_scores(path: str, width: int, in_channels: int, image_size: int, num_classes: int) -> None:
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        model = _made(path, width, in_channels, image_size, num_classes).eval()
        scores = ClassScores(f"that {path} makes", model)(torch.zeros(2, in_channels, image_size, image_size))
    if scores.shape[1] != num_classes:
        raise ValueError(
            f"the model that {path} makes scores {scores.shape[1]} classes, and not the {num_classes} here"
        )


@cache
def _found(path: str) -> tuple[Callable[..., nn.Module], str]:
    """The function, and the digest of its source as it was when it was imported."""
    if not FORM.fullmatch(path):
        raise ValueError(f"{shown(path)} is no family: the path of a function has the form package.module:function")
    place, _, name = path.partition(":")
    try:
        module = importlib.import_module(place)
    except Exception as error:
        where = "it must lie where Python looks for modules, for instance in a folder of PYTHONPATH"
        raise ValueError(f"the family {path!r} cannot be imported ({own_words(error)}); {where}") from None
    function = getattr(module, name, None)
    if not callable(function):
        hint = did_you_mean(name, [one for one, value in vars(module).items() if callable(value)])
        raise ValueError(f"the family {path!r}: the module {place} has no function {name}; {hint}".rstrip("; "))
    return function, _digest(path, {module, _home(function, module)})


def _home(function: Callable, module: ModuleType) -> ModuleType:
    """The module that a function is written in, which may be another one than the module that has it."""
    while isinstance(function, partial):
        function = function.func
    return sys.modules.get(getattr(inspect.unwrap(function), "__module__", ""), module)


def _digest(path: str, modules: set[ModuleType]) -> str:
    try:
        sources = [inspect.getsource(module) for module in sorted(modules, key=lambda module: module.__name__)]
    except (OSError, TypeError):
        raise ValueError(f"the family {path!r} has no source in Python by which it could be told apart") from None
    return sha_of([form(ast.parse(source)) for source in sources])
