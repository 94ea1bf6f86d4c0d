"""Some minutes of a machine with a GPU: test, measure, train the queue's most expensive networks, and bring them back.

That machine sees a copy of this checkout, of at most 64 MiB, and nothing else; files of at most 16 MiB come back, eight
of them.  A study's pictures therefore travel in loads, of which all but the last are received by short calls while the
machine stays warm, outside the checkout; the last travels with the call that does the work.  CIFAR-10 beside a checkout
of 29 MiB takes three loads of 31.5 MiB.  `$OUT` is the folder whose files come back.

Here, in the environment of `make train`, because networks that are begun in its store are left to it:

    .venv/bin/python book/device.py stage cifar10-50k

There, at once one after another, because a machine that waits is given away:

    PYTHONPATH=. python3 book/device.py receive                                   carries artifacts/device/load-1
    PYTHONPATH=. python3 book/device.py receive                                   carries artifacts/device/load-2
    PYTHONPATH=. python3 book/device.py run --budget 500 --out "$OUT"             carries artifacts/device/load-3
    PYTHONPATH=. python3 book/device.py send --first 5 --out "$OUT"               if `run` says that more is left

The third call may take 540 seconds: 500 for its phases, the rest for its start.  Loads that did not arrive cost the
training alone.  Here, after each of the last two, with the folder of what came back; `make train` must not be at work:

    .venv/bin/python book/device.py bring FOLDER

`run --device cpu --budget 20 --home FOLDER --out FOLDER` rehearses it anywhere.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import device_staging
from device_staging import ROOT

RESERVE = 3  # seconds for the last packs
# phase -> its greatest share of the budget, and the least seconds that are worth its start
PHASES = {"tests": (0.25, 5), "speed": (0.25, 5), "training": (1.0, 5)}


def run(home: Path, out: Path, device: str, budget: float, phases: Sequence[str] = tuple(PHASES)) -> None:
    """The phases in order, each in a process of its own that is ended with its time, and a report of them in `out`."""
    end, queue = time.monotonic() + budget, home / "queue.json"
    commands = {
        "tests": ["-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-o", "addopts=", "tests/test_cuda.py"],
        "speed": ["book/device_speed.py", str(queue), str(out / "speed.json"), "--device", device],
        "training": ["book/device_training.py", str(home), str(out), "--device", device],
    }
    sentences = []
    for name in phases:
        share, least = PHASES[name]
        allowed = min(end - time.monotonic() - RESERVE, share * budget)
        if allowed < least:
            sentences.append(f"{name}: left out, because it needs {least} seconds and {max(allowed, 0):.0f} are left")
        elif name != "tests" and not queue.exists():
            sentences.append(f"{name}: left out, because no load was received")
        else:
            sentences.append(f"{name}: " + _phase(commands[name], name, out, allowed))
        _report(sentences, out)
    sentences.append("packs: " + send(home, out, 1))
    _report(sentences, out)


def send(home: Path, out: Path, first: int) -> str:
    """Pack what was trained at `home`."""
    import device_packs

    os.environ["GREATMINDS_ARTIFACTS"] = str(home / "store")
    return device_packs.write_packs(home / "queue.json", out, first)


def bring(folder: Path) -> list[str]:
    """Put what came back into the store, while nothing else is trained into it."""
    from filelock import FileLock, Timeout

    import device_bringing
    from lib.runtime.files import artifacts

    artifacts().mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(artifacts() / "training.lock", timeout=0):
            return device_bringing.bring(sorted(folder.glob("networks-*.zip"))) or [f"there are no packs in {folder}"]
    except Timeout:
        sys.exit(f"a training is at work in {artifacts()}; stop it, bring the networks, and start it again")


def _phase(command: list[str], name: str, out: Path, seconds: float) -> str:
    """Run one phase with its output in a file; -> what became of it."""
    if name != "tests":
        command = [*command, "--until", str(time.time() + seconds - min(6, 0.2 * seconds))]
    with (out / "log.txt").open("a+") as log:  # one file: few come back
        start = log.seek(0, os.SEEK_END)
        try:
            code = subprocess.run(
                [sys.executable, *command], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, timeout=seconds
            ).returncode
            state = f"failed ({code}): " * (code != 0)
        except subprocess.TimeoutExpired:
            state = f"ended after {seconds:.0f} seconds, and what it wrote stays: "
        log.seek(start)
        lines = log.read().splitlines() or ["it printed nothing"]
    return state + lines[-1]


def _report(sentences: list[str], out: Path) -> None:
    print(sentences[-1], flush=True)
    (out / "report.txt").write_text("\n".join(sentences) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Work for a machine with a GPU.")
    parser.add_argument("what", choices=("stage", "receive", "run", "send", "bring"))
    parser.add_argument("name", nargs="?", help="a study to stage, or the folder of the packs to bring")
    parser.add_argument("--staged", type=Path, default=device_staging.STAGED, help="folder of the loads")
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "greatminds-device")
    parser.add_argument("--out", type=Path, default=ROOT / "artifacts" / "device" / "out")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--budget", type=float, default=500, help="seconds for all phases")
    parser.add_argument("--phases", nargs="+", default=list(PHASES), choices=PHASES)
    parser.add_argument("--first", type=int, default=1, help="number of the first pack to send")
    given = parser.parse_args()
    if given.what in ("stage", "bring") and not given.name:
        parser.error(f"{given.what} needs a name")
    if given.what == "stage":
        device_staging.stage_study(given.name, given.staged)
    elif given.what == "bring":
        print("\n".join(bring(Path(given.name))))
    else:
        os.environ |= {
            "GREATMINDS_ARTIFACTS": str(given.home / "store"),
            "GREATMINDS_DATA": str(given.home / "data"),
            "PYTHONUNBUFFERED": "1",
        }  # what a killed phase printed is known, too
        given.out.mkdir(parents=True, exist_ok=True)
        if given.what in ("receive", "run"):
            print(device_staging.receive(given.home, given.staged))
        if given.what == "run":
            run(given.home, given.out, given.device, given.budget, given.phases)
        if given.what == "send":
            print(send(given.home, given.out, given.first))


if __name__ == "__main__":
    main()
