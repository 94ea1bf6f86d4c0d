"""Released networks are fetched by their checksums, once, and as they were released."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from released_files import loaded
from stored_files import flip

from lib.training import releases


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path_factory, monkeypatch):
    """A folder that is served on loopback, as the configured address."""
    served = tmp_path_factory.mktemp("served")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr(releases, "ADDRESS", f"http://127.0.0.1:{server.server_port}/")
        yield served
        server.shutdown()
        thread.join()


@pytest.fixture
def uploaded(two_released, server):
    """Both populations, on the server and no longer here."""
    (server / "few").mkdir()
    for path in two_released[2:]:
        path.rename(server / "few" / path.name)
    return server / "few"


def test_files_are_fetched_by_their_checksums_and_once(two_released, uploaded, untrainable):
    fetched = list(releases.fetch("few"))
    assert {release.name for release in fetched} == {path.name for path in two_released[2:]}
    assert {release.path for release in fetched} == set(releases.uploads("few").iterdir())  # and nothing else
    assert len(loaded(two_released[0])) == 4 and list(releases.fetch("few")) == []


@pytest.mark.parametrize("committed", [True, False])
def test_a_damaged_file_is_replaced_where_it_lies(two_released, uploaded, committed):
    release = releases.listed("few")[0]
    place = release.places[0 if committed else 1]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"damaged")
    assert len(list(releases.fetch("few"))) == 2
    assert release.path == place and place.read_bytes() == (uploaded / release.name).read_bytes()


def test_other_bytes_than_those_released_are_not_kept(two_released, uploaded):
    first, second = releases.listed("few")
    flip(uploaded / second.name, 3)
    with pytest.raises(RuntimeError, match=f"gave other bytes for few/{second.name} than were released"):
        list(releases.fetch("few"))
    assert [path.name for path in releases.uploads("few").iterdir()] == [first.name]  # what came before it stays


def test_a_file_that_the_address_lacks_and_a_server_that_is_gone_are_told(two_released, uploaded, monkeypatch):
    (uploaded / releases.listed("few")[0].name).unlink()
    with pytest.raises(RuntimeError, match=r"safetensors cannot be fetched \(HTTP Error 404"):
        list(releases.fetch("few"))
    monkeypatch.setattr(releases, "ADDRESS", "http://127.0.0.1:9/nothing")
    with pytest.raises(RuntimeError, match=r"safetensors cannot be fetched \(.*refused"):
        list(releases.fetch("few"))


def test_without_an_address_one_sentence_says_what_to_do(two_released, monkeypatch):
    monkeypatch.setattr(releases, "ADDRESS", None)
    assert list(releases.fetch("few")) == []  # all are here
    two_released[2].unlink()
    with pytest.raises(RuntimeError) as caught:
        list(releases.fetch("few"))
    assert str(caught.value) == (
        "1 of 2 files of study few are not here, and no address to fetch them from is configured (ADDRESS in "
        f"lib/training/releases.py): put those that networks/few.sha256 names into {releases.uploads('few')}, or train the "
        "networks: make train STUDY=few"
    )


def test_a_study_without_released_networks_has_nothing_to_fetch(release_folder):
    with pytest.raises(RuntimeError, match="no networks of study few are released: there is no networks/few.sha256"):
        list(releases.fetch("few"))
