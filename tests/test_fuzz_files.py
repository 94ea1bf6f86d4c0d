"""Whatever lies in a file: what was written is read, or it is refused in a sentence; nothing else is raised or accepted."""

import contextlib
import io
import json
import warnings
import zipfile

import numpy as np
import pytest
import torch
from fuzzing import bounded
from hypothesis import given
from hypothesis import strategies as st
from made_pictures import both_splits, encoded, write_zip
from safetensors.torch import save
from small_networks import SIZES, network

from lib import own, released
from lib.data import pictures
from lib.models import architectures
from lib.runtime import array_store
from lib.training import store

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def spoilt(draw, content):
    """The bytes with some of them changed, left out, repeated or put in."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(len(content) - 1, 0)))
        length = draw(st.sampled_from([1, 1, 2, 4, 8, 64, 2**20]))
        new = draw(st.sampled_from([b"", b"\0", b"\xff", b"\x7f", b"\0\0\0\0", b"\xff\xff\xff\xff", content[:64]]))
        content[place : place + length] = new or (b"" if length > 1 else bytes([draw(st.integers(0, 255))]))
    return bytes(content)


def refused(call, *given):
    """What a reader gives, or None where it refuses in a sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call(*given)
    except ValueError as refusal:
        assert 10 < len(str(refusal)) < 1500 and "\n" not in str(refusal).strip()
        return None


@pytest.fixture(scope="module")
def stored(tiny, tiny_networks, tmp_path_factory):
    """Weights and manifest of a network, with their bytes."""
    folder = tmp_path_factory.mktemp("networks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREATMINDS_ARTIFACTS", str(folder))
        store.write_network(tiny, tiny_networks[3])
        yield [(path, path.read_bytes()) for path in store.paths(tiny, 3)]


@contextlib.contextmanager
def holding(stored, *contents):
    """The files with other contents, and afterwards as they were, alone."""
    for (path, _), content in zip(stored, contents):
        path.write_bytes(content)
    try:
        yield
    finally:
        for damaged in stored[0][0].parent.glob("*.damaged*"):
            damaged.unlink()
        for path, content in stored:
            path.write_bytes(content)


def test_a_spoilt_network_is_none_and_never_another_one(tiny, stored):
    @bounded(120)
    @given(st.data(), st.sampled_from([0, 1]))
    def holds(data, which):
        contents = [content for _, content in stored]
        before = contents[which]
        contents[which] = data.draw(spoilt(before))
        with holding(stored, *contents):
            found = refused(store.read_network, tiny, 3)
        assert (found is not None) == (contents[which] == before)

    holds()


TOLD = {"versions", "processor", "name"}  # relied on for nothing


def sealed(manifest):
    """A manifest that says something else with the checksum that belongs to it, as a program that errs would write it."""
    manifest["manifest_sha256"] = store._manifest_digest(manifest)
    return store._text(manifest)


def test_a_manifest_that_lacks_something_or_says_nonsense_is_none(tiny, stored):
    manifest = json.loads(stored[1][1])

    @bounded(120)
    @given(st.sampled_from(sorted(manifest)), st.none() | JSON, st.booleans())
    def holds(name, value, whole):
        changed = manifest | {name: value}
        if not whole:
            del changed[name]
        with holding(stored, stored[0][1], sealed(changed)):
            found = refused(store.read_network, tiny, 3)
        assert found is None or name in TOLD or changed[name] == manifest[name] or name in store.KINDS

    holds()


def test_spoilt_arrays_are_none(tmp_path):
    path, arrays = tmp_path / "a.safetensors", {"a": np.arange(6.0).reshape(2, 3), "b": np.zeros(2, bool)}
    array_store.write(path, arrays)
    before = path.read_bytes()

    @bounded(120)
    @given(spoilt(before))
    def holds(content):
        path.write_bytes(content)
        assert (refused(array_store.read, path, list(arrays)) is not None) == (content == before)

    holds()


@pytest.fixture(scope="module")
def checkpoint():
    """A state dict as torch.save writes it."""
    buffer = io.BytesIO()
    torch.save(network().state_dict(), buffer)
    return buffer.getvalue()


def test_a_spoilt_checkpoint_is_refused_or_a_network_of_finite_weights(checkpoint, tmp_path):
    @bounded(100)
    @given(spoilt(checkpoint))
    def holds(content):
        path = tmp_path / "network"
        path.write_bytes(content)
        found = refused(lambda: released.load(path, **SIZES))
        assert found is None or all(value.isfinite().all() for value in found.model.state_dict().values())

    holds()


ODD_TENSORS = [
    lambda value: value.to(torch.complex64),
    lambda value: value.bool(),
    lambda value: value.double(),
    lambda value: value.half(),
    lambda value: value.to(torch.uint16),
    lambda value: value.to_sparse() if value.ndim else value,
    lambda value: value.to("meta"),
    lambda value: torch.full_like(value, -1),
    lambda value: value.float() / 0,
    lambda value: value[None],
    lambda value: value[..., :0] if value.ndim else value,
    lambda value: torch.zeros((), dtype=value.dtype).expand(value.shape),
    lambda value: torch.quantize_per_tensor(value.float(), 0.1, 0, torch.qint8),
    lambda value: value.tolist(),
    lambda value: None,
]


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@bounded(30)
@given(
    st.sampled_from(released.networks.FAMILIES),
    st.integers(1, 3),
    st.data(),
    st.sampled_from(ODD_TENSORS),
    st.booleans(),
)
def test_a_state_dict_with_an_odd_tensor_is_refused_or_answers(tmp_path_factory, family, width, data, change, every):
    state = dict(architectures.build(family, width, **SIZES).state_dict())
    chosen = data.draw(st.sampled_from(sorted(state)))
    state = {key: change(value) if every or key == chosen else value for key, value in state.items()}
    path = tmp_path_factory.getbasetemp() / "odd"
    torch.save(state, path)
    if (found := refused(lambda: released.load(path, **SIZES))) is not None:
        assert found.model(torch.zeros(2, 1, 8, 8)).shape == (2, 4)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """TorchScript and exported program of a network: bytes by ending."""
    folder, model = tmp_path_factory.mktemp("programs"), torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(model).save(folder / "a.pt")
        torch.export.save(torch.export.export(model, (torch.zeros(1, 1, 2, 2),)), folder / "a.pt2")
    (folder / "a.safetensors").write_bytes(save(model.state_dict()))
    torch.save(model.state_dict(), folder / "a.pth")
    torch.save(model, folder / "a.ckpt")
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


def test_a_spoilt_program_is_refused_or_a_module(programs, tmp_path):
    @bounded(60)
    @given(st.data(), st.sampled_from(sorted(programs)), st.sampled_from(sorted(programs)))
    def holds(data, kind, ending):
        path = tmp_path / f"model{ending}"
        path.write_bytes(data.draw(spoilt(programs[kind])))
        found = refused(own.load_model, path)
        assert found is None or isinstance(found, torch.nn.Module)

    holds()


def archive(files, compression):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


SET = both_splits({"train": 1, "test": 1})


@bounded(100)
@given(st.data(), st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))
def test_a_spoilt_archive_is_refused_or_holds_pictures(tmp_path_factory, data, compression):
    path = tmp_path_factory.getbasetemp() / "spoilt.zip"
    path.write_bytes(data.draw(spoilt(archive(SET, compression))))
    if (found := refused(pictures.find_both, path)) is not None:
        for split in found:
            pixels = refused(split.decode)
            assert pixels is None or (pixels.dtype == np.uint8 and len(pixels) == len(split.labels))


NAMES = st.lists(
    st.lists(
        st.sampled_from(["train", "test", "a", "b", "..", ".", "", "x.png", "ä\u202e", "CON", "a" * 300]), max_size=5
    ),
    min_size=1,
    max_size=6,
)


@bounded(60)
@given(NAMES, st.booleans())
def test_odd_names_in_an_archive_are_refused_or_split_into_classes(tmp_path_factory, names, train):
    files = {"/".join((["train"] if train else []) + parts) or "x": SET["train/ant/0.png"] for parts in names}
    path = write_zip(tmp_path_factory.getbasetemp() / "names.zip", files)
    if (found := refused(pictures.find, path, "train")) is not None:
        assert set(found.labels) == set(range(len(found.classes))) and len(found.files) == len(found.labels)


PICTURES = {
    kind: encoded(np.arange(108, dtype=np.uint8).reshape(3, 6, 6), kind)
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
}


@bounded(200)
@given(st.data(), st.sampled_from(sorted(PICTURES)))
def test_a_spoilt_picture_is_refused_or_decoded(tmp_path_factory, data, kind):
    folder = tmp_path_factory.getbasetemp() / "spoilt pictures"
    path = folder / "class" / f"x.{kind.lower()}"
    path.parent.mkdir(parents=True, exist_ok=True)
    for other in path.parent.iterdir():
        other.unlink()
    path.write_bytes(data.draw(spoilt(PICTURES[kind])))
    pixels = refused(pictures.decode, folder, [f"class/{path.name}"])
    assert pixels is None or pixels.dtype == np.uint8 and pixels.ndim == 4
    found = refused(own.load_images, folder, own.resized(4))
    assert found is None or found[0].shape == (1, 3, 4, 4)
