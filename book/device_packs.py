"""Trained networks in a few packs of limited size, each good by itself, for their way to another store."""

import io
import zipfile
from pathlib import Path

from lib.runtime.files import artifacts, write_whole

PACK = 15 * 2**20  # bytes of one pack: files of 16 MiB come back
TOGETHER = 4  # packs that come back at once: 64 MiB
QUEUE = "queue.json"


def write_packs(queue: Path, out: Path, first: int = 1) -> str:
    """Write packs `first` and the next ones, as many as come back together; -> a sentence about them.

    Packs fill in the order of worth: the latest of every network, then the ones before.  What is in none of these packs
    comes with a later `first`.
    """
    packs = _filled(_by_worth(artifacts() / "networks"))
    chosen = packs[first - 1 : first - 1 + TOGETHER]
    for number, pairs in enumerate(chosen, first):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.write(queue, QUEUE)
            for path in (path for pair in pairs for path in pair):
                archive.write(path, f"{path.parent.name}/{path.name}")
        write_whole(out / f"networks-{number}.zip", buffer.getvalue(), durable=False)
    if not chosen:
        return "no snapshots to pack"
    later = sum(map(len, packs[first - 1 + TOGETHER :]))
    return (
        f"{sum(map(len, chosen))} snapshots in packs {first} to {first - 1 + len(chosen)}"
        + f"; {later} more come with --first {first + TOGETHER}" * (later > 0)
    )


def _by_worth(networks: Path) -> list[tuple[Path, Path]]:
    """Weights and manifest of every snapshot."""
    rows = []
    for folder in filter(Path.is_dir, networks.glob("*")):
        seeds: dict[str, list[Path]] = {}
        for manifest in folder.glob("seed-*.json"):
            seeds.setdefault(manifest.name[:10], []).append(manifest)
        for seed, manifests in seeds.items():
            latest_first = sorted(manifests, key=lambda path: path.stem[-5:], reverse=True)
            rows += [(rank, folder.name, seed, manifest) for rank, manifest in enumerate(latest_first)]
    return [(manifest.with_suffix(".safetensors"), manifest) for *_, manifest in sorted(rows)]


def _filled(pairs: list[tuple[Path, Path]]) -> list[list[tuple[Path, Path]]]:
    """Every pair in the first pack with room for it."""
    packs, rooms = [], []
    for pair in pairs:
        size = sum(path.stat().st_size for path in pair)
        place = next((place for place, room in enumerate(rooms) if size <= room), len(packs))
        if place == len(packs):
            packs.append([])
            rooms.append(PACK)
        packs[place].append(pair)
        rooms[place] -= size
    return packs
