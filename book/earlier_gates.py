"""Gates of results that were written before chapters computed them, from the accuracies that lie beside those results."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lib.gates import Gate, enough, learnt, wide_and_deep
from lib.rules import NOT_TESTED
from lib.verdicts import MACHINERY, Claim

CLASSES = {"digits": 10, "cifar10": 10, "cifar100": 100, "tiny-imagenet": 200}
WIDE_AND_DEEP = ("11", "12", "13", "14", "15")


def gated(claims: Sequence[Claim], chapter: str, folder: Path, data: str) -> list[Claim]:
    """Claims with a gate as they are; those without one behind what the study's networks have learnt.

    folder: the results of the study; data: a name in `CLASSES`.
    """
    if all(claim.gate or claim.level == MACHINERY for claim in claims):
        return list(claims)
    gates = earlier_gates(chapter, folder, CLASSES[data])
    return [claim if claim.gate or claim.level == MACHINERY else _judged_again(claim, gates) for claim in claims]


def earlier_gates(chapter: str, folder: Path, classes: int) -> list[Gate]:
    """What the networks of a chapter must have learnt: of the study's populations, or of the paper's own networks."""
    if chapter.split("_")[0] in WIDE_AND_DEEP:
        found = _numbers(folder / "11_block_structure.json")
        return wide_and_deep(_all(found["training_loss"]), _all(found["test_accuracy"]), classes)
    populations = folder / "02_populations.json"
    return [learnt(_all(_numbers(populations)["test_accuracy"]), classes)] if populations.exists() else []


def _judged_again(claim: Claim, gates: Sequence[Gate]) -> Claim:
    gates = [*gates, enough(claim.networks)]
    verdict = claim.verdict if all(gate.passed for gate in gates) else NOT_TESTED
    return replace(claim, verdict=verdict, gate="; ".join(map(str, gates)))


def _numbers(path: Path) -> dict:
    return json.loads(path.read_text())["numbers"]


def _all(by_name: dict) -> np.ndarray:
    """The numbers of every network of a table by family or architecture, whatever its shape."""
    return np.concatenate([np.ravel(np.asarray(row, dtype=float)) for own in by_name.values() for row in own])
