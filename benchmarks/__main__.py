"""Measure everything and write results.json: `make bench`, or python -m benchmarks [--quick] [ROW ...]."""

import argparse
import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks import ROWS, STUDIES, measuring
from lib.runtime.files import write_whole

RESULTS = Path(__file__).with_name("results.json")


def machine() -> dict:
    """What the numbers belong to."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": len(names) or os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "load": round(os.getloadavg()[0], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Time the book's computations beside their peers.")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, a repetition each: whether everything runs")
    parser.add_argument("--output", type=Path, help="a file for the results; by default all parts go to results.json")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(ROWS + STUDIES)}; all by default")
    given = parser.parse_args()
    if unknown := [part for part in given.parts if part not in ROWS + STUDIES]:
        sys.exit(f"there is no part {unknown[0]}; the parts are {', '.join(ROWS + STUDIES)}")
    torch.set_num_threads(1)
    found = measured(given.parts or ROWS + STUDIES, given.quick)
    if output := given.output or (None if given.parts or given.quick else RESULTS):
        write_whole(output, (json.dumps(found, indent=1) + "\n").encode())


def measured(parts: Sequence[str], quick: bool) -> dict:
    """What results.json holds."""
    start = time.monotonic()
    found: dict = {
        "quick": quick,
        "machine": machine(),
        "rates": measuring.rates(256 if quick else 2048),
        "rows": [],
        "refused": [],
    }
    for part in parts:
        module = importlib.import_module(f"benchmarks.{part}")
        if part in ROWS:
            for case in module.cases(quick):
                try:
                    found["rows"].append(row := measuring.measured(case, 1 if quick else None))
                    tell(row, time.monotonic() - start)
                except measuring.Differs as error:  # the others are worth their time
                    found["refused"].append(str(error))
                    print(f"refused: {error}", flush=True)
        else:
            found[part] = module.found(quick)
            print(f"{time.monotonic() - start:4.0f} s  {part}", flush=True)
    return found | {"minutes": round((time.monotonic() - start) / 60, 1)}


def tell(row: dict, passed: float) -> None:
    """A line of what was measured."""
    ratios = ", ".join(f"{name} {ratio['median']:.3g}" for name, ratio in row["ratios"].items())
    limit = f"; {row['of_limit']['median']:.0%} of the limit" if row["of_limit"] else ""
    print(f"{passed:4.0f} s  {row['row']}; {row['work']}: {ratios}{limit}", flush=True)


if __name__ == "__main__":
    main()
