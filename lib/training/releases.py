"""Files of the project's own trained networks that come with it: lists with checksums, where the files lie, fetching.

networks/STUDY.sha256 lists the files of a study as sha256sum does, so that `cd networks; sha256sum -c STUDY.sha256`
checks them.  STUDY/KEY.epoch-00020.safetensors, one population, lies in networks/, or where it was made or fetched, in
the folder release/ of what was computed; a file that is in no list is no release.  `lib.training.packing` makes the
files and reads them.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from lib.runtime.files import ROOT, artifacts, read_whole, write_whole
from lib.training.specification import Specification

FOLDER = ROOT / "networks"
LINE = re.compile(r"([0-9a-f]{64}) [ *]([\w.-]+)/([\w.-]+)")  # as sha256sum writes it
LIMIT = 30  # MB (1e6 bytes) of networks/, which every clone of the repository holds
# The folder from which STUDY/FILE, as in networks/STUDY.sha256, is fetched: "https://HOST/FOLDER"; None: there is none
ADDRESS: str | None = None
TIMEOUT = 60  # seconds without an answer


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
        path = self.path
        assert path is not None
        content = read_whole(path) if path.is_file() else b""  # a folder is not what was released
        if hashlib.sha256(content).hexdigest() != self.sha256:
            committed = path.is_relative_to(FOLDER)
            restore = "with git checkout" if committed else f"by deleting it and make fetch STUDY={self.study}"
            raise RuntimeError(
                f"the released file {self.study}/{self.name} is damaged, its sha256 is not that in "
                f"networks/{self.study}.sha256: restore it {restore}, or take its line out of "
                "that list, and its networks are trained"
            )
        return content

    @property
    def whole(self) -> bool:
        """Whether the file is here, as it was released."""
        try:
            return bool(self.path and self.content())
        except RuntimeError:
            return False


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
    for number, line in enumerate(path.read_text(errors="replace").splitlines() if path.exists() else [], 1):
        match = LINE.fullmatch(line)
        if not match or match[2] != study:
            raise RuntimeError(
                f"networks/{path.name}, line {number}, is not SHA256  {study}/FILE; restore the list with git checkout"
            )
        found.append(Release(study, match[3], match[1]))
    return found


def find(specification: Specification) -> Release | None:
    """The release of a population after its epochs; one whose file is there before one whose is not."""
    found = [
        release
        for path in sorted(FOLDER.glob("*.sha256"))
        for release in listed(path.stem)
        if release.name == file_name(specification)
    ]
    return next((release for release in found if release.path), found[0] if found else None)


def write(study: str, specification: Specification, content: bytes, committed: bool) -> Path:
    """Put a packed population into its folder and its line into the study's list; -> where it lies.

    The same population after other numbers of epochs is no longer released: its lines and files go.

    Args:
        committed: into networks/ of the repository, else into the folder for uploading.

    Raises:
        RuntimeError: networks/ would become too large.
    """
    release = Release(study, file_name(specification), hashlib.sha256(content).hexdigest())
    others = [one for one in listed(study) if not one.name.startswith(f"{specification.key}.")]
    replaced = [place for one in listed(study) if one not in others for place in one.places]
    target = release.places[0 if committed else 1]
    if committed:
        _check_room(target, len(content), replaced)
    write_whole(target, content)
    lines = [f"{one.sha256}  {study}/{one.name}\n" for one in sorted([*others, release], key=lambda one: one.name)]
    write_whole(list_path(study), "".join(lines).encode())
    for path in {*replaced, *release.places} - {target}:
        path.unlink(missing_ok=True)
    return target


def committed_size() -> float:
    """MB of all that lies in networks/."""
    return sum(path.stat().st_size for path in FOLDER.rglob("*.safetensors")) / 1e6


def _check_room(target: Path, size: int, replaced: Sequence[Path]) -> None:
    going = {path for path in (*replaced, target) if path.exists() and path.is_relative_to(FOLDER)}
    total = committed_size() + (size - sum(path.stat().st_size for path in going)) / 1e6
    if total > LIMIT:
        raise RuntimeError(
            f"with {target.parent.name}/{target.name} networks/ would hold {total:.1f} MB, and the "
            f"repository takes {LIMIT}: release fewer FAMILIES, or commit fewer widths (committed in "
            "book/studies.toml)"
        )


def fetch(study: str) -> Iterator[Release]:
    """Fetch the files of a study that are missing or damaged here; -> each once it is in its place.

    What was fetched before an error stays.

    Raises:
        RuntimeError: a study without released networks, no address, no connection, or other bytes than those released.
    """
    if not (files := listed(study)):
        raise RuntimeError(f"no networks of study {study} are released: there is no networks/{study}.sha256")
    missing = [release for release in files if not release.whole]
    for release in missing:
        if ADDRESS is None:
            raise RuntimeError(
                f"{len(missing)} of {len(files)} files of study {study} are not here, and no address to "
                "fetch them from is configured (ADDRESS in lib/training/releases.py): put those that "
                f"networks/{study}.sha256 names into {uploads(study)}, or train the networks: make "
                f"train STUDY={study}"
            )
        content = _download(f"{ADDRESS.rstrip('/')}/{study}/{release.name}")
        if hashlib.sha256(content).hexdigest() != release.sha256:
            raise RuntimeError(
                f"{ADDRESS} gave other bytes for {study}/{release.name} than were released, the sha256 "
                f"is not that in networks/{study}.sha256; they are not kept"
            )
        write_whole(release.path or release.places[1], content)  # a damaged file is replaced where it lies
        yield release


def _download(url: str) -> bytes:
    try:
        with urlopen(url, timeout=TIMEOUT) as answer:
            return answer.read()
    except (OSError, HTTPException) as error:
        raise RuntimeError(
            f"{url} cannot be fetched ({error}); try again later, what was fetched so far is kept"
        ) from error
