"""The loads in which a study's pictures and its queue travel to a machine with a GPU, and their arrival there."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import device_pictures

ROOT = Path(__file__).resolve().parents[1]
STAGED = ROOT / "artifacts" / "device"  # git ignores it
TREE = 62 * 2**20  # bytes that travel, with some to spare
QUEUE = "queue.json"


def receive(home: Path, staged: Path) -> str:
    """Take over every load that travelled with this call."""
    loads = sorted(staged.glob("load-*"))
    missing = [device_pictures.receive(load, home) for load in loads]
    return f"{len(loads)} loads received, and {missing[-1]} files of pictures are missing" if loads else "no load came"


def tree_size() -> int:
    """Bytes of the checkout that travel without being named."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = [ROOT / name for name in listed.split("\0") if name] + list((ROOT / "shared").rglob("*"))
    return sum(path.stat().st_size for path in paths if path.is_file())


def write_loads(index: Mapping, files: Mapping[str, bytes], queue: list[dict], to: Path, room: int) -> list[Path]:
    """Spread the files over as few folders of at most `room` bytes as there can be, each with the index and the queue.

    Earlier loads in `to` are removed: pictures of two studies must not meet.

    Raises:
        ValueError: there is hardly room for a single file.
    """
    from lib.runtime.files import write_whole

    fixed = {device_pictures.INDEX: json.dumps(index).encode(), QUEUE: json.dumps(queue).encode()}
    room -= sum(map(len, fixed.values())) + max(map(len, files.values()))
    if room <= 0:
        raise ValueError("the checkout alone is as large as what may travel; stage from one with less in it")
    count = -(-sum(map(len, files.values())) // room)
    loads: list[dict] = [dict(fixed) for _ in range(count)]
    for file, content in files.items():
        min(loads, key=lambda load: sum(map(len, load.values())))[file] = content
    for earlier in to.glob("load-*"):
        shutil.rmtree(earlier)
    folders = [to / f"load-{number}" for number in range(1, count + 1)]
    for folder, load in zip(folders, loads):
        for file, content in load.items():
            write_whole(folder / file, content, durable=False)
    return folders


def stage(name: str, study: Mapping, to: Path, room: int) -> list[Path]:
    """Write the pictures and the queue of a study as loads; -> their folders."""
    import device_training
    from lib.data import cifar
    from lib.runtime.files import data_folder

    dataset = device_pictures.whole(study["dataset"])
    splits = dict(zip(device_pictures.SPLITS, cifar.load(dataset, data_folder())))
    index, files = device_pictures.pack(splits)
    return write_loads(index | {"dataset": dataset}, files, device_training.queue(name, study), to, room)


def stage_study(name: str, to: Path) -> None:
    """Stage a study of the table, and print what each call has to carry."""
    import studies

    table, tree = studies.read_table(), tree_size()
    if name not in table:
        sys.exit(f"there is no study {name}; the studies are {', '.join(table)}")
    try:
        folders = stage(name, table[name], to, TREE - tree)
    except ValueError as error:
        sys.exit(str(error))
    for folder in folders:
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"carry {folder}: {size / 2**20:.1f} MiB beside {tree / 2**20:.1f} of the checkout")
