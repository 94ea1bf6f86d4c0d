"""Train the networks of studies without executing chapters: `make train`, or `make train STUDY=name`.

It prints its plan first: populations, rounds, what is there, a forecast.  Then it works through the lines of
book/studies.toml in the order of their names (or the named ones, `LINES="b e"`), at the lowest priority of the processor.  It can be stopped at any moment
and started again: every network goes on from its last whole epoch.
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

import studies
from chapters import ROOT


def check_house() -> None:
    """End with a sentence where lib/ comes from another checkout: its changes would get into these networks."""
    import lib.runtime.files

    home = Path(lib.runtime.files.__file__).resolve().parents[2]
    if home != ROOT:
        sys.exit(
            f"lib/ would be taken from {home}, and this is the checkout {ROOT}: make the environment of this "
            "checkout (make environment) and run its make train"
        )


def planned(chosen: str | None, names: Sequence[str] = ()) -> list:
    """The lines of the chosen study, or of all, in the order of their names; or the named ones, in the order given."""
    from lib.runtime.checks import check_choice
    from lib.training.plan import lines

    table = studies.read_table()
    if chosen is not None:
        studies.check_study(chosen, table, "train")
    try:
        found = [line for name, study in table.items() if chosen in (None, name) for line in lines(name, study)]
    except ValueError as error:
        sys.exit(str(error))
    if not found:
        sys.exit(
            f"study {chosen} has no training lines in {studies.TABLE.name}: make study STUDY={chosen} trains what "
            "its chapters need"
        )
    known = sorted({line.name for line in found})
    try:
        for name in names:
            check_choice("line", name, known)
    except ValueError as error:
        sys.exit(str(error))
    return [line for name in names or known for line in found if line.name == name]  # two studies may share a name


def print_plan(lines: list) -> None:
    """Lines with their rounds, networks, what is left and for how long, and the gates of their populations."""
    from lib.gates import asked_of
    from lib.runtime.devices import cores
    from lib.training import plan

    left = {line.name: line.left() for line in lines}
    rates = plan.seconds_per_image(one for line in lines for one in line.specifications)
    print(f"{'line':5}{'study':20}{'networks':>9}  {'rounds (epochs)':22}{'epochs left':>13}{'hours':>8}")
    for line in lines:
        remaining, total = sum(left[line.name].values()), sum(one.epochs for one in line.specifications) * line.seeds
        print(
            f"{line.name:5}{line.study:20}{line.seeds * len(line.specifications):9}  "
            f"{' '.join(map(str, line.rounds())):22}{remaining:6} of {total:4}"
            f"{plan.hours(left[line.name], rates, cores()):8.1f}"
        )
    print(
        f"hours: of {cores()} idle cores, from {plan.SECONDS:.0f} seconds of measurement on this machine; lines "
        "share networks, whose epochs are counted in each"
    )
    for line in lines:
        for specification in line.specifications:
            asked = asked_of(specification)
            print(f"  {line.name:5}{specification.name}: {asked}; {standing(specification, line.seeds)}")


def standing(specification, seeds: int) -> str:
    """How far the networks of a population are, and whether they pass their gate there."""
    from dataclasses import replace

    from lib.gates import passing
    from lib.training import store

    reached = min(max(store.stored_epochs(specification, seed, (store.KEPT,)), default=0) for seed in range(seeds))
    if not reached:
        return "no round finished"
    there = replace(specification, epochs=reached) if specification.anytime else specification
    networks = [network for seed in range(seeds) if (network := store.read_network(there, seed))]
    if len(networks) < seeds:
        return f"{reached} epochs, not evaluated on these test images"
    accuracies = [network.test_accuracy[-1] for network in networks]
    passed = passing(specification, networks)
    return f"{reached} epochs, test accuracy {min(accuracies):.3f} to {max(accuracies):.3f}, {passed} of {seeds} pass"


def work_through(lines: list, most_epochs: float) -> None:
    """Every round of every line up to so many epochs; networks that fail are told and left behind."""
    from lib.runtime.files import FULL
    from lib.training.populations import train_or_load

    for line in lines:
        for epochs in (count for count in line.rounds() if count <= most_epochs):
            print(f"{time.strftime('%H:%M')} line {line.name} ({line.study}) to {epochs} epochs", flush=True)
            try:
                train_or_load(line.requests(epochs))
            except OSError as error:
                sys.exit(error.strerror if error.errno in FULL else str(error))
            except RuntimeError as error:
                print(f"line {line.name}, {epochs} epochs: {error}; going on", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the networks of studies.")
    parser.add_argument("study", nargs="?", help="a name in book/studies.toml; without one, all lines of the table")
    parser.add_argument("--lines", nargs="+", default=(), help="names of lines, in the order in which they are trained")
    parser.add_argument("--epochs", type=int, default=math.inf, help="only rounds of so many epochs or fewer")
    parser.add_argument("--plan", action="store_true", help="print the plan and end")
    arguments = parser.parse_args()
    check_house()
    from lib.runtime import machines
    from lib.runtime.files import artifacts
    from lib.runtime.room import writable

    try:
        machines.check()
    except ValueError as error:
        sys.exit(str(error))
    lines = planned(arguments.study or None, arguments.lines)
    print_plan(lines)
    if arguments.plan:
        return
    os.nice(19)  # everything else comes first; worker processes inherit it
    if not writable(artifacts()):
        sys.exit(f"{artifacts()} cannot be written; name another folder in GREATMINDS_ARTIFACTS")
    try:
        with FileLock(artifacts() / "training.lock", timeout=0):
            work_through(lines, arguments.epochs)
    except Timeout:
        sys.exit(f"another training is at work in {artifacts()}; it goes on, and this one ends")
    except KeyboardInterrupt:
        sys.exit("\nstopped; what was trained is kept, and the same command goes on from there")


if __name__ == "__main__":
    main()
