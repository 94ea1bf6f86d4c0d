"""Compute what the rule bench shows from stored networks, by the chapters' own rows and rules, and keep it in book/bench/.

    python book/bench_export.py digits
    python book/bench_export.py cifar10-50k attacks

The second command computes one bench again and keeps the others.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import studies
from bench_attacks import attack_bench
from bench_blocks import block_bench
from bench_outcomes import Outcomes
from bench_similarity import growth_bench, hypothesis_bench
from changed import write_changed
from lib import parameters
from rule_bench import CHAPTERS, DIGITS, KEPT, read

OVER_EPOCHS = (
    "20_while_they_learn"  # its study says at how many test images networks are looked at before their last epoch
)
BENCHES: Mapping[str, Callable[[SimpleNamespace, str], Outcomes]] = {
    "growth": lambda p, study: growth_bench(p, view(study)),
    "hypotheses": lambda p, study: hypothesis_bench(p, view(study)),
    "attacks": lambda p, study: attack_bench(p, p.eps if study == DIGITS else p.judged_eps),
    "blocks": lambda p, study: block_bench(p),
}


def export(study: str, names: list[str]) -> Path:
    """Compute these benches of the digits or of a study, all that it has if there are none; the others stay as they are."""
    pages = "chapters" if study == DIGITS else f"studies/{study}"
    found = {
        name: BENCHES[name](p, study).content() | {"page": f"{pages}/{CHAPTERS[name]}.html"}
        for name, p in given(study).items()
        if not names or name in names
    }
    title = "Digits" if study == DIGITS else studies.read_table()[study]["title"]
    kept = {"title": title, "benches": read().get(study, {"benches": {}})["benches"] | found}
    path = KEPT / f"{study}.json"
    write_changed(path, json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return path


def given(study: str) -> dict[str, SimpleNamespace]:
    """The parameters of those chapters on the bench that a study has; of the digits, of all."""
    table, found = studies.read_table(), {}
    for name, chapter in CHAPTERS.items():
        own = studies.parameters_of(chapter)
        if study != DIGITS:
            if chapter not in table[study]["chapters"]:
                continue
            own |= studies.parameters(study, table[study], chapter)
        found[name] = parameters.read(own, list(own))
    return found


def view(study: str) -> int | None:
    """How many test images networks of a study are looked at with before their last epoch; of the digits, all."""
    return studies.read_table().get(study, {"chapters": {}})["chapters"].get(OVER_EPOCHS, {}).get("view_images")


def main() -> None:
    parser = argparse.ArgumentParser(description="Compute the data of the rule bench.")
    parser.add_argument("study", help="digits, or a name in book/studies.toml")
    parser.add_argument("benches", nargs="*", help=f"of {', '.join(BENCHES)}; by default all")
    arguments = parser.parse_args()
    if arguments.study != DIGITS:
        studies.check_study(arguments.study, studies.read_table(), "study")
    if unknown := [name for name in arguments.benches if name not in BENCHES]:
        parser.error(f"there is no bench {unknown[0]}; the benches are {', '.join(BENCHES)}")
    path = export(arguments.study, arguments.benches)
    print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
