"""Files of the project's own trained networks that come with it: lists with checksums, and where the files lie.

networks/STUDY.sha256 lists the files of a study as sha256sum does, so that `cd networks; sha256sum -c STUDY.sha256`
checks them.  STUDY/KEY.epoch-00020.safetensors, one population, lies in networks/, or where it was made or fetched, in
the folder release/ of what was computed; a file that is in no list is no release.  `lib.training.packing` makes the files,
`lib.training.unpacking` reads them.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from lib.runtime.files import ROOT, artifacts
from lib.training.specification import Specification

FOLDER = ROOT / "networks"
LINE = re.compile(r"([0-9a-f]{64}) [ *]([\w.-]+)/([\w.-]+)")  # as sha256sum writes it


@dataclass(frozen=True)
class Release:
    """One line of a list: the file of a population, wherever it lies."""

    study: str
    name: str
    sha256: str

    @property
    def places(self) -> tuple[Path, Path]:
        """The file in the repository and the one that was made or fetched on this machine; either may exist."""
        return FOLDER / self.study / self.name, uploads(self.study) / self.name

    @property
    def path(self) -> Path | None:
        return next(filter(Path.exists, self.places), None)

    def content(self) -> bytes:
        """The bytes of the file, which must be there.

        Raises:
            RuntimeError: they are not those that were released, with what to do.
        """
        content = self.path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            committed = self.path.is_relative_to(FOLDER)
            restore = "with git checkout" if committed else f"by deleting it and make fetch STUDY={self.study}"
            raise RuntimeError(f"the released file {self.study}/{self.name} is damaged, its sha256 is not that in "
                               f"networks/{self.study}.sha256: restore it {restore}, or take its line out of "
                               "that list, and its networks are trained")
        return content


def uploads(study: str) -> Path:
    """The folder of a study's files that are not in the repository: where they are made, and fetched to."""
    return artifacts() / "release" / study


def file_name(specification: Specification) -> str:
    return f"{specification.key}.epoch-{specification.epochs:05d}.safetensors"


def list_path(study: str) -> Path:
    return FOLDER / f"{study}.sha256"


def listed(study: str) -> list[Release]:
    """The files of a study's list, in its order; none where there is no list.

    Raises:
        RuntimeError: a line that is none of sha256sum's, or one of another study.
    """
    path, found = list_path(study), []
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
        match = LINE.fullmatch(line)
        if not match or match[2] != study:
            raise RuntimeError(f"networks/{path.name}, line {number}, is not SHA256  {study}/FILE; restore the list "
                               "with git checkout")
        found.append(Release(study, match[3], match[1]))
    return found


def find(specification: Specification) -> Release | None:
    """The release of a population after its epochs; one whose file is there before one whose is not."""
    found = [release for path in sorted(FOLDER.glob("*.sha256")) for release in listed(path.stem)
             if release.name == file_name(specification)]
    return next((release for release in found if release.path), found[0] if found else None)
