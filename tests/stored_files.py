"""Files that were stored: all their bytes, or one of them damaged."""

from pathlib import Path


def contents(folder: Path) -> dict[str, bytes]:
    """File name -> bytes, of the networks below a folder."""
    return {path.name: path.read_bytes() for path in folder.rglob("*.safetensors")}


def flip(path: Path, place: int | None = None, bit: int = 0) -> None:
    """Turns one bit of a file round: of the byte at `place`, or of the one in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if place is None else place] ^= 1 << bit
    path.write_bytes(content)
