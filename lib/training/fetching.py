"""Released files that are not in the repository, fetched by their checksums."""

import hashlib
from collections.abc import Iterator
from http.client import HTTPException
from urllib.request import urlopen

from lib.runtime.files import write_whole
from lib.training.releases import Release, listed, uploads

# The folder from which STUDY/FILE, as in networks/STUDY.sha256, is fetched: "https://HOST/FOLDER"; None: there is none
ADDRESS: str | None = None
TIMEOUT = 60  # seconds without an answer


def fetch(study: str) -> Iterator[Release]:
    """Fetch the files of a study that are missing or damaged here; -> each once it is in its place.

    What was fetched before an error stays.

    Raises:
        RuntimeError: a study without released networks, no address, no connection, or other bytes than those released.
    """
    if not (files := listed(study)):
        raise RuntimeError(f"no networks of study {study} are released: there is no networks/{study}.sha256")
    missing = [release for release in files if not _whole(release)]
    if missing and ADDRESS is None:
        raise RuntimeError(f"{len(missing)} of {len(files)} files of study {study} are not here, and no address to "
                           "fetch them from is configured (ADDRESS in lib/training/fetching.py): put those that "
                           f"networks/{study}.sha256 names into {uploads(study)}, or train the networks: make "
                           f"train STUDY={study}")
    for release in missing:
        content = _download(f"{ADDRESS.rstrip('/')}/{study}/{release.name}")
        if hashlib.sha256(content).hexdigest() != release.sha256:
            raise RuntimeError(f"{ADDRESS} gave other bytes for {study}/{release.name} than were released, the sha256 "
                               f"is not that in networks/{study}.sha256; they are not kept")
        write_whole(release.path or release.places[1], content)  # a damaged file is replaced where it lies
        yield release


def _whole(release: Release) -> bool:
    try:
        return bool(release.path and release.content())
    except RuntimeError:
        return False


def _download(url: str) -> bytes:
    try:
        with urlopen(url, timeout=TIMEOUT) as answer:
            return answer.read()
    except (OSError, HTTPException) as error:
        raise RuntimeError(f"{url} cannot be fetched ({error}); try again later, what was fetched so far is kept"
                           ) from error
