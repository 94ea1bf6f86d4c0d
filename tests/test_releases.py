"""Released networks: rounded as promised, found before anything is trained, and whole or refused in a sentence."""

import dataclasses
import hashlib
import subprocess
import threading
import tomllib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from safetensors.torch import load
from torch import nn
from torch.nn import functional as F

from lib import data
from lib.runtime.files import ROOT
from lib.training import packing, populations, releases, store, train
from lib.training.populations import train_or_load
from lib.training.specification import images_of, specify


@pytest.fixture(scope="module")
def networks(tiny, digits):
    return train(tiny, range(4), digits)


@pytest.fixture(scope="module")
def content(tiny, networks):
    return packing.pack(tiny, networks)


@pytest.fixture
def folder(artifacts, monkeypatch):
    """An empty networks/ of a repository, beside an empty store."""
    monkeypatch.setattr(releases, "FOLDER", artifacts / "repository" / "networks")
    return releases.FOLDER


@pytest.fixture
def path(tiny, content, folder):
    """The one file of the one study 'few', committed."""
    return releases.write("few", tiny, content, committed=True)


@pytest.fixture
def untrainable(monkeypatch):
    monkeypatch.setattr(populations, "train_all", lambda *_: pytest.fail("something is trained"))


def flip(path, place):
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 1
    path.write_bytes(damaged)


def only(specification, seeds=range(4)):
    return train_or_load({specification: seeds})[specification].networks


def is_statistic(name):
    return name.endswith(("running_mean", "running_var"))


def test_a_released_population_is_loaded_without_training(tiny, networks, path, artifacts, untrainable):
    found = only(tiny, [2, 0])
    assert [network.seed for network in found] == [2, 0]
    for network in found:
        original = networks[network.seed]
        for field in ("train_loss", "train_accuracy", "test_epochs", "arithmetic", "seconds", "device"):
            assert getattr(network, field) == getattr(original, field), field
        assert network.test_loss[:-1] == original.test_loss[:-1] and network.test_loss[-1] != original.test_loss[-1]
    assert list(artifacts.iterdir()) == [artifacts / "repository"]  # nothing was stored


def test_states_are_the_rounded_ones_and_statistics_of_batchnorm_exact(tiny, networks, path):
    for network, original in zip(only(tiny), networks, strict=True):
        assert network.state.keys() == original.state.keys()
        for name, value in original.state.items():
            exact = not value.is_floating_point() or is_statistic(name)
            assert torch.equal(network.state[name], value if exact else value.half().float()), name
            assert network.state[name].dtype == value.dtype
        assert not torch.equal(network.state["fc.weight"], original.state["fc.weight"])
        tiny.build().load_state_dict(network.state, strict=True)


def test_a_file_holds_float16_but_for_the_statistics(tiny, networks, content):
    for name, value in load(content).items():
        original = networks[0].state[name]
        kind = original.dtype if not original.is_floating_point() or is_statistic(name) else torch.float16
        assert value.dtype == kind and value.shape == (4, *original.shape), name


def test_packing_again_gives_the_same_bytes(tiny, networks, content):
    assert packing.pack(tiny, networks) == content
    assert packing.pack(tiny, packing.unpack(tiny, content)) == content  # what is rounded stays as it is


@torch.no_grad()
def plainly_evaluated(specification, network, images):
    """Loss and accuracy of one network on the test images, in double precision."""
    model = specification.build().double().eval()
    model.load_state_dict(network.state)
    scores = model(images.test_images.double())
    hits = scores.argmax(1) == images.test_labels
    return F.cross_entropy(scores, images.test_labels).item(), hits.double().mean().item()


def test_the_last_evaluation_is_that_of_the_rounded_networks(tiny, digits, path):
    for network in only(tiny):
        loss, accuracy = plainly_evaluated(tiny, network, digits)
        assert network.test_loss[-1] == pytest.approx(loss, rel=1e-5)
        assert network.test_accuracy[-1] == pytest.approx(accuracy, abs=1e-6)


@pytest.mark.parametrize(
    "family, precision, optimiser",
    [
        ("resnet-small", "float64", {"momentum": 0.9}),
        ("cnn-large", "bfloat16", {}),
        ("vit", "float32", {"optimiser": "adam", "learning_rate": 0.001}),
    ],
)
def test_other_families_precisions_and_optimisers_are_evaluated_in_float32(digits, family, precision, optimiser):
    specification = specify(digits, family, 2, epochs=1, batch_size=25, precision=precision, **optimiser)
    for network in packing.unpack(specification, packing.pack(specification, train(specification, [0, 1], digits))):
        loss, accuracy = plainly_evaluated(specification, network, digits)
        assert network.test_loss[-1] == pytest.approx(loss, rel=1e-5)
        assert network.test_accuracy[-1] == pytest.approx(accuracy, abs=1e-6)
        assert {value.dtype for value in network.state.values()} <= {torch.float32, torch.int64}


def test_on_other_test_images_a_released_network_is_evaluated_anew(tiny, path, untrainable):
    others = data.load("digits", n_train=60, n_test=30)
    asked = specify(others, "cnn-small", 2, epochs=2, batch_size=25)
    before = path.read_bytes()
    for network in only(asked, [3, 1]):
        assert network.test_epochs == [2] and network.seed in (3, 1)
        loss, accuracy = plainly_evaluated(asked, network, others)
        assert network.test_loss == pytest.approx([loss], rel=1e-5)
        assert network.test_accuracy == pytest.approx([accuracy], abs=1e-6)
    assert path.read_bytes() == before


def test_an_evaluation_leaves_the_number_of_threads_alone(tiny, networks, digits):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        packing.evaluated(tiny, networks[:1], digits)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_rounding_changes_logits_by_less_than_a_hundredth_of_their_spread(tiny, networks, content, digits):
    """Tiny weights are flushed to zero and all others keep 11 bits."""
    for network, original in zip(packing.unpack(tiny, content), networks):
        model, logits = tiny.build().eval(), []
        for state in (original.state, network.state):
            model.load_state_dict(state)
            logits.append(model(digits.test_images).detach())
        change = (logits[1] - logits[0]).abs().max() / logits[0].std()
        assert 0 < change < 0.01


def test_weights_below_the_range_become_zero_and_above_it_are_refused(tiny, networks):
    def with_weight(value):
        state = networks[0].state | {"fc.weight": torch.full_like(networks[0].state["fc.weight"], value)}
        return dataclasses.replace(networks[0], state=state)

    [small] = packing.unpack(tiny, packing.pack(tiny, [with_weight(1e-9)]))
    assert not small.state["fc.weight"].any()
    packing.pack(tiny, [with_weight(65504.0)])
    with pytest.raises(ValueError, match="^cnn-small k=2 on digits, seed 0: fc.weight reaches 7e.04, and float16 ends"):
        packing.pack(tiny, [with_weight(-70000.0)])


def test_large_and_small_statistics_keep_every_digit(tiny, networks):
    name = next(name for name in networks[0].state if name.endswith("running_var"))
    value = torch.logspace(-20, 20, len(networks[0].state[name]))
    [found] = packing.unpack(
        tiny, packing.pack(tiny, [dataclasses.replace(networks[0], state=networks[0].state | {name: value})])
    )
    assert torch.equal(found.state[name], value)


def test_a_network_that_diverged_is_released_as_one_and_left_out(tiny, networks, folder, untrainable):
    wild = dataclasses.replace(
        networks[1],
        train_loss=[1.0, float("nan")],
        state={
            name: torch.full_like(value, 1e30) if value.is_floating_point() else value
            for name, value in networks[1].state.items()
        },
    )
    releases.write("few", tiny, packing.pack(tiny, [networks[0], wild]), committed=True)
    with pytest.warns(UserWarning, match="seed 1: the loss was not finite"):
        assert [network.seed for network in only(tiny, range(2))] == [0]


@pytest.mark.parametrize("place", [0, 9, 0.2, 0.5, 0.8, -1])
def test_a_flipped_byte_is_refused_in_one_sentence_and_nothing_is_trained(tiny, path, untrainable, place):
    flip(path, int(place * path.stat().st_size) if isinstance(place, float) else place)
    with pytest.raises(RuntimeError) as caught:
        only(tiny)
    assert str(caught.value) == (
        f"the released file few/{path.name} is damaged, its sha256 is not that in networks/few.sha256: restore it with "
        "git checkout, or take its line out of that list, and its networks are trained"
    )


@pytest.mark.parametrize("left", [0, 1, 8, 0.5, -1])
def test_a_truncated_file_is_refused(tiny, path, untrainable, left):
    content = path.read_bytes()
    path.write_bytes(content[: int(left * len(content)) if isinstance(left, float) else left])
    with pytest.raises(RuntimeError, match="is damaged"):
        only(tiny)


def test_a_damaged_file_that_was_fetched_is_to_be_fetched_again(tiny, content, folder, untrainable):
    flip(releases.write("few", tiny, content, committed=False), 100)
    with pytest.raises(RuntimeError, match="restore it by deleting it and make fetch STUDY=few, or take"):
        only(tiny)


@pytest.fixture
def two(tiny, digits, path):
    """Two committed populations: their specifications and files."""
    other = specify(digits, "cnn-small", 3, epochs=2, batch_size=25)
    content = packing.pack(other, train(other, [0], digits))
    return tiny, other, path, releases.write("few", other, content, committed=True)


def test_swapped_files_are_refused(two, untrainable):
    tiny, other, path, second = two
    first = path.read_bytes()
    path.write_bytes(second.read_bytes())
    second.write_bytes(first)
    for specification in (tiny, other):
        with pytest.raises(RuntimeError, match=f"{releases.file_name(specification)} is damaged"):
            only(specification, [0])


def test_a_file_under_another_name_is_refused_though_its_checksum_is_listed(two, untrainable):
    tiny, other, path, second = two
    path.write_bytes(second.read_bytes())
    text = releases.list_path("few").read_text()
    sums = {release.name: release.sha256 for release in releases.listed("few")}
    releases.list_path("few").write_text(text.replace(sums[path.name], sums[second.name]))
    with pytest.raises(RuntimeError, match=f"{path.name} holds another population than its name says"):
        only(tiny, [0])


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 1},
        {"epochs": 3},
        {"width": 3},
        {"train_digest": "0"},
        {"control": "same-order"},
        {"precision": "mixed"},
    ],
)
def test_another_training_or_number_of_epochs_is_not_found(tiny, path, change, recwarn):
    other = dataclasses.replace(tiny, **change)
    assert packing.read({other: range(4)}) == {} and releases.find(other) is None and not recwarn.list


def test_seeds_that_are_not_released_are_trained_and_the_others_are_not(tiny, path, inline):
    trained = train_or_load({tiny: [1, 5]}, inline)[tiny].networks
    assert [network.seed for network in trained] == [1, 5]
    assert torch.equal(trained[0].state["fc.weight"], trained[0].state["fc.weight"].half().float())
    assert [seed for seed in range(8) if store.read_network(tiny, seed)] == [4, 5, 6, 7]  # one stack


def test_the_release_comes_before_the_store(tiny, networks, path):
    for network in networks:
        store.write_network(tiny, network)
    assert torch.equal(only(tiny)[0].state["fc.weight"], networks[0].state["fc.weight"].half().float())
    releases.list_path("few").unlink()  # a file without a line is no release
    assert torch.equal(only(tiny)[0].state["fc.weight"], networks[0].state["fc.weight"])


def test_listed_files_that_are_not_here_are_told_once_and_made_up_for(two, networks, inline):
    tiny, other, *paths = two
    for path in paths:
        path.unlink()
    with pytest.warns(UserWarning) as caught:
        found = train_or_load({tiny: range(4), other: [0]}, inline)
    assert [str(warning.message).split(":")[0] for warning in caught] == [
        "2 of the populations asked for are released with study few and not here"
    ]
    assert "make fetch STUDY=few fetches them; " in str(caught[0].message)
    assert torch.equal(found[tiny].networks[0].state["fc.weight"], networks[0].state["fc.weight"])


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
    ],
)
def test_a_list_with_another_line_is_refused(tiny, path, line):
    releases.list_path("few").write_text(releases.list_path("few").read_text() + line + "\n")
    with pytest.raises(RuntimeError, match="networks/few.sha256, line 2, is not SHA256  few/FILE"):
        only(tiny)


def test_the_list_is_one_that_sha256sum_checks(two, folder):
    command = ["sha256sum", "--strict", "--check", "few.sha256"]
    checked = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert checked.returncode == 0 and checked.stdout.count(": OK") == 2
    flip(two[2], 50)
    assert subprocess.run(command, cwd=folder, capture_output=True).returncode == 1


def test_other_epochs_of_a_population_are_replaced_and_other_populations_stay(two, digits):
    tiny, other, path, second = two
    longer = dataclasses.replace(tiny, epochs=3)
    new = releases.write("few", longer, packing.pack(longer, train(longer, [0], digits)), committed=False)
    assert not path.exists() and new.exists() and second.exists()
    assert sorted(release.name for release in releases.listed("few")) == sorted([new.name, second.name])
    assert releases.find(tiny) is None and releases.find(longer).path == new


def test_a_population_lies_in_one_place(tiny, content, path):
    uploaded = releases.write("few", tiny, content, committed=False)
    assert uploaded == releases.uploads("few") / path.name and not path.exists()
    assert releases.write("few", tiny, content, committed=True) == path and not uploaded.exists()
    assert [release.sha256 for release in releases.listed("few")] == [hashlib.sha256(content).hexdigest()]


def test_more_than_the_repository_takes_is_refused_before_it_is_written(two, digits, content, monkeypatch):
    tiny, other, path, second = two
    third = specify(digits, "cnn-small", 4, epochs=2, batch_size=25)
    monkeypatch.setattr(releases, "LIMIT", releases.committed_size() + (len(content) - 1) / 1e6)
    before = {name: name.read_bytes() for name in releases.FOLDER.rglob("*.*")}
    sentence = rf"^with few/{third.key}\S+ networks/ would hold .* MB, and the repository takes"
    with pytest.raises(RuntimeError, match=sentence):
        releases.write("few", third, content, committed=True)
    assert {name: name.read_bytes() for name in releases.FOLDER.rglob("*.*")} == before
    releases.write("few", third, content, committed=False)  # elsewhere there is room
    releases.write("few", tiny, content, committed=True)  # and in the place of itself
    monkeypatch.setattr(releases, "LIMIT", releases.committed_size() + len(content) / 1e6)
    releases.write("few", third, content, committed=True)


def test_a_release_holds_its_networks_and_no_others(tiny, networks, path):
    [release] = releases.listed("few")
    assert packing.holds(release, tiny, networks)
    assert not packing.holds(release, tiny, networks[:3]) and not packing.holds(release, tiny, networks[::-1])
    assert not packing.holds(release, tiny, [dataclasses.replace(networks[0], state=networks[1].state), *networks[1:]])
    assert not packing.holds(release, dataclasses.replace(tiny, test_digest="0"), networks)
    flip(path, 200)
    assert not packing.holds(release, tiny, networks)
    path.unlink()
    assert not packing.holds(release, tiny, networks)


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
def uploaded(two, server):
    """Both populations, on the server and no longer here."""
    (server / "few").mkdir()
    for path in two[2:]:
        path.rename(server / "few" / path.name)
    return server / "few"


def test_files_are_fetched_by_their_checksums_and_once(two, uploaded, untrainable):
    fetched = list(releases.fetch("few"))
    assert {release.name for release in fetched} == {path.name for path in two[2:]}
    assert {release.path for release in fetched} == set(releases.uploads("few").iterdir())  # and nothing else
    assert len(only(two[0])) == 4 and list(releases.fetch("few")) == []


@pytest.mark.parametrize("committed", [True, False])
def test_a_damaged_file_is_replaced_where_it_lies(two, uploaded, committed):
    release = releases.listed("few")[0]
    place = release.places[0 if committed else 1]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"damaged")
    assert len(list(releases.fetch("few"))) == 2
    assert release.path == place and place.read_bytes() == (uploaded / release.name).read_bytes()


def test_other_bytes_than_those_released_are_not_kept(two, uploaded):
    first, second = releases.listed("few")
    flip(uploaded / second.name, 3)
    with pytest.raises(RuntimeError, match=f"gave other bytes for few/{second.name} than were released"):
        list(releases.fetch("few"))
    assert [path.name for path in releases.uploads("few").iterdir()] == [first.name]  # what came before it stays


def test_a_file_that_the_address_lacks_and_a_server_that_is_gone_are_told(two, uploaded, monkeypatch):
    (uploaded / releases.listed("few")[0].name).unlink()
    with pytest.raises(RuntimeError, match=r"safetensors cannot be fetched \(HTTP Error 404"):
        list(releases.fetch("few"))
    monkeypatch.setattr(releases, "ADDRESS", "http://127.0.0.1:9/nothing")
    with pytest.raises(RuntimeError, match=r"safetensors cannot be fetched \(.*refused"):
        list(releases.fetch("few"))


def test_without_an_address_one_sentence_says_what_to_do(two, monkeypatch):
    monkeypatch.setattr(releases, "ADDRESS", None)
    assert list(releases.fetch("few")) == []  # all are here
    two[2].unlink()
    with pytest.raises(RuntimeError) as caught:
        list(releases.fetch("few"))
    assert str(caught.value) == (
        "1 of 2 files of study few are not here, and no address to fetch them from is configured (ADDRESS in "
        f"lib/training/releases.py): put those that networks/few.sha256 names into {releases.uploads('few')}, or train the "
        "networks: make train STUDY=few"
    )


def test_a_study_without_released_networks_has_nothing_to_fetch(folder):
    with pytest.raises(RuntimeError, match="no networks of study few are released: there is no networks/few.sha256"):
        list(releases.fetch("few"))


def test_images_that_are_not_those_specified_are_refused(tiny, networks):
    with pytest.raises(RuntimeError, match="images of 'digits' are not those that were specified"):
        packing.pack(dataclasses.replace(tiny, train_digest="0"), networks)
    assert images_of(tiny).test_digest == tiny.test_digest


def test_networks_are_no_part_of_the_package():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"] == {
        "include": ["lib*"]
    }


def test_batchnorm_has_no_other_statistics(tiny):
    [layer, *_] = [module for module in tiny.build().modules() if isinstance(module, nn.BatchNorm2d)]
    assert {name for name, value in layer.named_buffers() if value.is_floating_point()} == set(packing.STATISTICS)
