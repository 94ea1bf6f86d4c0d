"""Files of released networks: one place and one line of the list for each, within what the repository takes, or refused."""

import dataclasses
import hashlib
import subprocess
import tomllib

import pytest
import torch
from released_files import loaded
from safetensors.torch import save
from stored_files import flip

from lib.runtime.files import ROOT
from lib.training import packing, releases, train
from lib.training.specification import specify


@pytest.mark.parametrize("place", [0, 9, 0.2, 0.5, 0.8, -1])
def test_a_flipped_byte_is_refused_in_one_sentence_and_nothing_is_trained(tiny, released_file, untrainable, place):
    flip(released_file, int(place * released_file.stat().st_size) if isinstance(place, float) else place)
    with pytest.raises(RuntimeError) as caught:
        loaded(tiny)
    assert str(caught.value) == (
        f"the released file few/{released_file.name} is damaged, its sha256 is not that in networks/few.sha256: restore it with "
        "git checkout, or take its line out of that list, and its networks are trained"
    )


@pytest.mark.parametrize("left", [0, 1, 8, 0.5, -1])
def test_a_truncated_file_is_refused(tiny, released_file, untrainable, left):
    content = released_file.read_bytes()
    released_file.write_bytes(content[: int(left * len(content)) if isinstance(left, float) else left])
    with pytest.raises(RuntimeError, match="is damaged"):
        loaded(tiny)


def test_a_folder_in_the_place_of_a_file_is_refused(tiny, released_file, untrainable):
    released_file.unlink()
    (released_file / "inside").mkdir(parents=True)
    with pytest.raises(RuntimeError, match="is damaged, .* restore it with git checkout"):
        loaded(tiny)


@pytest.mark.parametrize("content", [b"", b"x" * 100, save({"a": torch.zeros(1)}), save({}, {"manifest": "[1]"})])
def test_a_listed_file_that_is_no_population_is_refused(tiny, released_file, untrainable, content):
    releases.write("few", tiny, content, committed=True)
    with pytest.raises(RuntimeError, match="holds another population than its name says"):
        loaded(tiny)


def test_a_damaged_file_that_was_fetched_is_to_be_fetched_again(tiny, packed, release_folder, untrainable):
    flip(releases.write("few", tiny, packed, committed=False), 100)
    with pytest.raises(RuntimeError, match="restore it by deleting it and make fetch STUDY=few, or take"):
        loaded(tiny)


def test_swapped_files_are_refused(two_released, untrainable):
    tiny, other, path, second = two_released
    first = path.read_bytes()
    path.write_bytes(second.read_bytes())
    second.write_bytes(first)
    for specification in (tiny, other):
        with pytest.raises(RuntimeError, match=f"{releases.file_name(specification)} is damaged"):
            loaded(specification, [0])


def test_a_file_under_another_name_is_refused_though_its_checksum_is_listed(two_released, untrainable):
    tiny, other, path, second = two_released
    path.write_bytes(second.read_bytes())
    text = releases.list_path("few").read_text()
    sums = {release.name: release.sha256 for release in releases.listed("few")}
    releases.list_path("few").write_text(text.replace(sums[path.name], sums[second.name]))
    with pytest.raises(RuntimeError, match=f"{path.name} holds another population than its name says"):
        loaded(tiny, [0])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "x",
        "0" * 64 + "  few",
        "0" * 63 + "  few/a",
        "0" * 64 + "  many/a",
        "0" * 64 + "  few/../a",
        "0" * 64 + "  few/a/b",
        "0" * 64 + " few/a",
        "\udcff",
    ],
)
def test_a_list_with_another_line_is_refused(tiny, released_file, line):
    releases.list_path("few").write_text(releases.list_path("few").read_text() + line + "\n", errors="surrogateescape")
    with pytest.raises(RuntimeError, match="networks/few.sha256, line 2, is not SHA256  few/FILE"):
        loaded(tiny)


def test_the_list_is_one_that_sha256sum_checks(two_released, release_folder):
    command = ["sha256sum", "--strict", "--check", "few.sha256"]
    checked = subprocess.run(command, cwd=release_folder, capture_output=True, text=True)
    assert checked.returncode == 0 and checked.stdout.count(": OK") == 2
    flip(two_released[2], 50)
    assert subprocess.run(command, cwd=release_folder, capture_output=True).returncode == 1


def test_other_epochs_of_a_population_are_replaced_and_other_populations_stay(two_released, digits):
    tiny, other, path, second = two_released
    longer = dataclasses.replace(tiny, epochs=3)
    new = releases.write("few", longer, packing.pack(longer, train(longer, [0], digits)), committed=False)
    assert not path.exists() and new.exists() and second.exists()
    assert sorted(release.name for release in releases.listed("few")) == sorted([new.name, second.name])
    assert releases.find(tiny) is None and releases.find(longer).path == new


def test_a_population_lies_in_one_place(tiny, packed, released_file):
    uploaded = releases.write("few", tiny, packed, committed=False)
    assert uploaded == releases.uploads("few") / released_file.name and not released_file.exists()
    assert releases.write("few", tiny, packed, committed=True) == released_file and not uploaded.exists()
    assert [release.sha256 for release in releases.listed("few")] == [hashlib.sha256(packed).hexdigest()]


def test_more_than_the_repository_takes_is_refused_before_it_is_written(two_released, digits, packed, monkeypatch):
    tiny, other, path, second = two_released
    third = specify(digits, "cnn-small", 4, epochs=2, batch_size=25)
    monkeypatch.setattr(releases, "LIMIT", releases.committed_size() + (len(packed) - 1) / 1e6)
    before = {name: name.read_bytes() for name in releases.FOLDER.rglob("*.*")}
    sentence = rf"^with few/{third.key}\S+ networks/ would hold .* MB, and the repository takes"
    with pytest.raises(RuntimeError, match=sentence):
        releases.write("few", third, packed, committed=True)
    assert {name: name.read_bytes() for name in releases.FOLDER.rglob("*.*")} == before
    releases.write("few", third, packed, committed=False)  # elsewhere there is room
    releases.write("few", tiny, packed, committed=True)  # and in the place of itself
    monkeypatch.setattr(releases, "LIMIT", releases.committed_size() + len(packed) / 1e6)
    releases.write("few", third, packed, committed=True)


def test_a_release_holds_its_networks_and_no_others(tiny, tiny_networks, released_file):
    [release] = releases.listed("few")
    assert packing.holds(release, tiny, tiny_networks)
    assert not packing.holds(release, tiny, tiny_networks[:3]) and not packing.holds(release, tiny, tiny_networks[::-1])
    assert not packing.holds(
        release, tiny, [dataclasses.replace(tiny_networks[0], state=tiny_networks[1].state), *tiny_networks[1:]]
    )
    assert not packing.holds(release, dataclasses.replace(tiny, test_digest="0"), tiny_networks)
    flip(released_file, 200)
    assert not packing.holds(release, tiny, tiny_networks)
    released_file.unlink()
    assert not packing.holds(release, tiny, tiny_networks)


def test_networks_are_no_part_of_the_package():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"] == {
        "include": ["lib*"]
    }
