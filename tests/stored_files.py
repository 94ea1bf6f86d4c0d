"""Files that were stored: all their bytes, one of them damaged, or one that would be a program."""

from pathlib import Path


class Touches:
    """Unpickled by a reader that executes what it reads, it makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def contents(folder: Path) -> dict[str, bytes]:
    """File name -> bytes, of the networks below a folder."""
    return {path.name: path.read_bytes() for path in folder.rglob("*.safetensors")}


def flip(path: Path, place: int | None = None, bit: int = 0) -> None:
    """Turns one bit of a file round: of the byte at `place`, or of the one in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if place is None else place] ^= 1 << bit
    path.write_bytes(content)
