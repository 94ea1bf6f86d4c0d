"""`make release` and `make fetch`: what is finished is packed, everything else is told in a sentence."""

import dataclasses
import os
import re
import subprocess
import sys

import pytest

import chapters
import fetch
import release
import studies
from lib import data
from lib.runtime.files import ROOT
from lib.training import packing, populations, releases, store, train
from lib.training.populations import train_or_load
from lib.training.specification import specify

TABLE = """
[few]
title = "Few digits"
dataset = "digits"
committed = [2]
[few.parameters]
[few.chapters]
[[few.training]]
line = "a"
families = ["cnn-small", "resnet-small"]
widths = [2, 3]
seeds = 2
epochs = 2
batch_size = 25
n_train = 60
[[few.training]]
line = "b"
families = ["cnn-small"]
widths = [2]
seeds = 3
epochs = 5
batch_size = 25
n_train = 60
[idle]
title = "Nothing to train"
dataset = "digits"
[idle.parameters]
[idle.chapters]
"""


@pytest.fixture
def house(artifacts, monkeypatch):
    """Two studies of a project whose networks/ and store are empty."""
    table = artifacts / "studies.toml"
    table.write_text(TABLE)
    monkeypatch.setattr(studies, "TABLE", table)
    monkeypatch.setattr(releases, "FOLDER", artifacts / "repository" / "networks")
    return artifacts


@pytest.fixture(scope="module")
def images():
    return data.load("digits", n_train=60)


@pytest.fixture(scope="module")
def trained(images):
    """(family, width) -> the networks of seeds 0 to 2 after 1 and 2 epochs."""
    found = {}
    for family, width in (("cnn-small", 2), ("cnn-small", 3), ("resnet-small", 2)):
        networks = found[family, width] = []
        specification = specify(images, family, width, epochs=2, batch_size=25)
        train(specification, range(3), images, keep=networks.extend)
    return found


def fill(images, trained, families, epochs, seeds):
    for (family, width), networks in trained.items():
        if family in families:
            for network in networks:
                if network.epochs in epochs and network.seed < seeds:
                    store.write_network(specify(images, family, width, epochs=2, batch_size=25), network)


def run(monkeypatch, module, *arguments):
    monkeypatch.setattr(sys, "argv", [f"{module.__name__}.py", *arguments])
    module.main()


def packs():
    """file name without its digest -> where it lies"""
    files = [(path, "committed") for path in releases.FOLDER.rglob("*.safetensors")]
    files += [(path, "uploads") for path in releases.uploads("few").rglob("*.safetensors")]
    return {re.sub(r"-[0-9a-f]{16}|digits-", "", path.stem): place for path, place in files}


def test_finished_populations_are_packed_and_computed_from(house, images, trained, monkeypatch, capsys):
    fill(images, trained, ["cnn-small"], [1, 2], seeds=2)
    run(monkeypatch, release, "few")
    assert packs() == {"cnn-small-k2.epoch-00002": "committed", "cnn-small-k3.epoch-00002": "uploads"}
    printed = capsys.readouterr().out
    packed = (
        r"^digits-cnn-small-k\d-\w+\.epoch-00002\.safetensors: 2 networks, test accuracy 0\.\d{4} to 0\.\d{4}, "
        r"\d pass: lowest test accuracy 0\.5 or more; 0\.\d\d MB, written$"
    )
    left_out = r"^resnet-small k=\d on digits \(.*\): not all 2 networks are there; left out$"
    assert len(re.findall(packed, printed, re.M)) == len(re.findall(left_out, printed, re.M)) == 2
    assert "networks/ holds 0.0 of 30 MB; commit it" in printed
    assert f"for uploading: 1 files, 0.0 MB, in {releases.uploads('few')}" in printed

    monkeypatch.setattr(populations, "train_all", lambda *_: pytest.fail("something is trained"))
    asked = specify(images, "cnn-small", 3, epochs=2, batch_size=25)
    for network, original in zip(train_or_load({asked: range(2)})[asked].networks, trained["cnn-small", 3][3:]):
        assert network.train_loss == original.train_loss
        assert network.state["fc.weight"].equal(original.state["fc.weight"].half().float())


def test_only_what_changed_is_written(house, images, trained, monkeypatch, capsys):
    fill(images, trained, ["cnn-small"], [1, 2], seeds=2)
    run(monkeypatch, release, "few")
    before = {path: path.stat().st_mtime_ns for path in house.rglob("*.*") if path.is_file()}
    with monkeypatch.context() as patch:
        patch.setattr(packing, "pack", lambda *_: pytest.fail("packed again"))
        run(patch, release, "few")
    assert before == {path: path.stat().st_mtime_ns for path in house.rglob("*.*") if path.is_file()}
    assert capsys.readouterr().out.count("MB, unchanged\n") == 2

    damaged = next(releases.FOLDER.rglob("*.safetensors"))
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-1])
    run(monkeypatch, release, "few")
    assert damaged.read_bytes() == content
    studies.TABLE.write_text(TABLE.replace("committed = [2]", "committed = [2, 3]"))
    run(monkeypatch, release, "few")
    assert set(packs().values()) == {"committed"}


def test_the_most_epochs_and_then_the_most_networks_are_taken(house, images, trained, monkeypatch):
    """Width 2 stands in two lines, of 2 and of 3 seeds."""
    fill(images, trained, ["cnn-small"], [1], seeds=3)
    run(monkeypatch, release, "few")
    assert set(packs()) == {"cnn-small-k2.epoch-00001", "cnn-small-k3.epoch-00001"}
    wanted = specify(images, "cnn-small", 2, epochs=1, batch_size=25)
    assert len(train_or_load({wanted: range(3)})[wanted]) == 3
    fill(images, trained, ["cnn-small"], [2], seeds=2)
    run(monkeypatch, release, "few")
    assert set(packs()) == {"cnn-small-k2.epoch-00002", "cnn-small-k3.epoch-00002"}  # and the others are gone
    assert len(releases.listed("few")) == 2


def test_epochs_and_families_choose(house, images, trained, monkeypatch):
    fill(images, trained, ["cnn-small", "resnet-small"], [1, 2], seeds=2)
    run(monkeypatch, release, "few", "--epochs", "1", "--families", "resnet-small")
    assert set(packs()) == {"resnet-small-k2.epoch-00001"}
    run(monkeypatch, release, "few", "--families", "cnn-small")
    assert set(packs()) == {"resnet-small-k2.epoch-00001", "cnn-small-k2.epoch-00002", "cnn-small-k3.epoch-00002"}


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["feww"], "there is no study feww; the studies are few, idle: make release STUDY=NAME"),
        ([""], "there is no study (STUDY is empty); the studies are few, idle: make release STUDY=NAME"),
        (["idle"], "study idle has no training lines in studies.toml"),
        (["few"], "study few has no population whose networks are all trained: make train STUDY=few comes first"),
        (["few", "--epochs", "7"], "study few has no population whose networks are all trained for 7 epochs: make"),
        (["few", "--epochs", "0"], "study few has no population whose networks are all trained for 0 epochs: make"),
        (["few", "--families", "cnn-smal", "cnn-small"], "study few trains no cnn-smal"),
    ],
)
def test_what_cannot_be_released_is_refused_in_a_sentence(house, monkeypatch, arguments, sentence):
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, release, *arguments)
    assert str(ended.value).startswith(sentence) and "\n" not in str(ended.value)
    assert not releases.FOLDER.exists() and not releases.uploads("few").exists()


def test_too_much_for_the_repository_ends_with_a_sentence(house, images, trained, monkeypatch):
    fill(images, trained, ["cnn-small"], [2], seeds=2)
    monkeypatch.setattr(releases, "LIMIT", 0.001)
    with pytest.raises(SystemExit, match="would hold 0.0 MB, and the repository takes 0.001: release fewer FAM"):
        run(monkeypatch, release, "few")
    assert packs() == {} and not releases.list_path("few").exists()


def test_one_that_float16_cannot_hold_is_told_and_others_are_packed(house, images, trained, monkeypatch, capsys):
    fill(images, trained, ["cnn-small"], [2], seeds=2)
    specification = specify(images, "resnet-small", 2, epochs=2, batch_size=25)
    for network in trained["resnet-small", 2][3:]:
        huge = network.state | {"fc.bias": network.state["fc.bias"] + 1e5}
        store.write_network(specification, dataclasses.replace(network, state=huge))
    run(monkeypatch, release, "few")
    assert set(packs()) == {"cnn-small-k2.epoch-00002", "cnn-small-k3.epoch-00002"}
    assert "resnet-small k=2 on digits, seed 0: fc.bias reaches 1e+05, and float16 ends" in capsys.readouterr().out


def test_a_damaged_stored_network_is_told_and_the_others_are_packed(house, images, trained, monkeypatch, capsys):
    fill(images, trained, ["cnn-small"], [2], seeds=2)
    store.paths(specify(images, "cnn-small", 2, epochs=2, batch_size=25), 1)[0].write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="seed 1: .*set aside"):
        run(monkeypatch, release, "few")
    assert set(packs()) == {"cnn-small-k3.epoch-00002"}
    sentence = "cnn-small k=2 on digits: a stored network is damaged; make train STUDY=few trains it again"
    assert sentence in capsys.readouterr().out


def test_fetching_says_what_there_is_and_what_is_to_be_done(house, images, trained, monkeypatch, capsys):
    with pytest.raises(SystemExit, match="no networks of study few are released"):
        run(monkeypatch, fetch, "few")
    with pytest.raises(SystemExit, match="there is no study feww; the studies are few, idle: make fetch STUDY=NAME"):
        run(monkeypatch, fetch, "feww")
    fill(images, trained, ["cnn-small"], [2], seeds=2)
    run(monkeypatch, release, "few")
    run(monkeypatch, fetch, "few")
    assert capsys.readouterr().out.endswith("all 2 files of study few are here\n")
    next(releases.uploads("few").iterdir()).unlink()
    with pytest.raises(SystemExit, match="^1 of 2 files of study few are not here, and no address to fetch them from"):
        run(monkeypatch, fetch, "few")


def test_pages_of_a_study_are_made_again_after_another_release_of_it(tmp_path, monkeypatch):
    for file in ("constraints.txt", "notebooks/trial.py", "networks/few.sha256"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("first")
    (tmp_path / "pyproject.toml").write_text("[project]\ndependencies = []\n")
    monkeypatch.setattr(chapters, "ROOT", tmp_path)
    monkeypatch.setattr(chapters, "NOTEBOOKS", tmp_path / "notebooks")
    given = [{"study": "few"}, {"study": "fewer"}, {}]
    before = [chapters.digest("trial", parameters) for parameters in given]
    (tmp_path / "networks" / "few.sha256").write_text("second")
    after = [chapters.digest("trial", parameters) for parameters in given]
    assert [one == other for one, other in zip(before, after)] == [False, True, True]


def test_a_script_refuses_an_unknown_study_without_a_traceback():
    ended = subprocess.run([sys.executable, "book/release.py", "cifar1"], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert ended.stderr.startswith("there is no study cifar1; the studies are cifar10-full, ")


def test_make_hands_its_variables_over(tmp_path):
    command = ["make", "--dry-run", "--old-file=.venv/installed", "release", "STUDY=few", "EPOCHS=10", "FAMILIES=a b"]
    # Under `make test` this make would be a sub-make, which prints the folders that it enters and leaves.
    outside = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    printed = subprocess.run(command, cwd=ROOT, env=outside, capture_output=True, text=True, check=True).stdout
    assert printed.split() == [".venv/bin/python", "book/release.py", '"few"', "--epochs", "10", "--families", "a", "b"]


def test_the_networks_of_the_repository_are_listed_and_whole_and_not_too_many():
    """Packs that are committed; others may be absent."""
    committed = set(releases.FOLDER.rglob("*.safetensors"))
    there = [one for path in releases.FOLDER.glob("*.sha256") for one in releases.listed(path.stem) if one.path]
    assert committed <= {one.path for one in there} and all(one.content() for one in there)
    assert releases.committed_size() <= releases.LIMIT
