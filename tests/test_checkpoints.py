"""Files that torch wrote: what would unpack to more than they hold, or is no regular file, is refused by every reader."""

import os
import zipfile

import pytest
import torch

from lib import own, released


@pytest.fixture(params=[released.load, own.load_model], ids=["weights", "module"])
def read(request, monkeypatch):
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it is unpacked"))
    return request.param


def test_compressed_records_are_refused_and_none_is_unpacked(tmp_path, read):
    """Of zeros one byte in a thousand would be left."""
    torch.save({"a": torch.zeros(10_000)}, tmp_path / "plain")
    with (
        zipfile.ZipFile(tmp_path / "plain") as old,
        zipfile.ZipFile(tmp_path / "a.pt", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(ValueError, match=r"^a.pt .*\(BadZipFile\)"):
        read(tmp_path / "a.pt")


def test_a_pipe_is_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "a.pt")
    with pytest.raises(ValueError, match="a.pt"):
        read(tmp_path / "a.pt")
