"""Files of the book that keep their time while they stay the same: a newer one would have all pages built again."""

from pathlib import Path


def write_changed(path: Path, content: bytes) -> None:
    """Write a file whole, unless it holds this content already.

    Raises:
        OSError: with the sentence of lib.runtime.files.write_whole.
    """
    from lib.runtime.files import write_whole  # not above: tables.py is often done before it needs PyTorch

    if not path.is_file() or path.read_bytes() != content:
        write_whole(path, content)
