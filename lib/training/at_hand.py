"""Which populations are there without training anything: stored ones, and those that come with the project."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from lib.training import releases, store
from lib.training.specification import Specification

Key = TypeVar("Key")


def at_hand(requests: Mapping[Key, Specification], seeds: Iterable[int]) -> dict[Key, Specification]:
    """Those of the specifications of which the networks of all these seeds are stored or released, files unread."""
    wanted = list(seeds)
    return {
        key: one for key, one in requests.items() if _is_released(one) or all(_is_stored(one, seed) for seed in wanted)
    }


def _is_released(specification: Specification) -> bool:
    release = releases.find(specification)
    return release is not None and release.path is not None


def _is_stored(specification: Specification, seed: int) -> bool:
    return specification.epochs in store.stored_epochs(specification, seed, (store.KEPT,))
