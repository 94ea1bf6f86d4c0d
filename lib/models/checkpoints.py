"""Files that torch wrote, read so that nothing in them runs and no more is unpacked than they hold."""

import zipfile
from pathlib import Path
from typing import Any

import torch


def check_records(path: Path) -> None:
    """Raises zipfile.BadZipFile for an archive whose records are larger than it: `torch.save` compresses none.

    OSError for what is no regular file, as a pipe, which would be waited for.
    """
    if not path.is_file():
        raise OSError("no regular file")
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if sum(record.file_size for record in archive.infolist()) > path.stat().st_size:
                raise zipfile.BadZipFile("its records are compressed")


def tensors(path: Path) -> Any:
    """What `torch.save` wrote, where that is tensors in lists and dictionaries.

    Raises:
        Exception: anything else in the file, or a file of another kind, of as many kinds as torch has them.
    """
    check_records(path)
    return torch.load(path, map_location="cpu", weights_only=True)
