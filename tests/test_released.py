"""Released networks are loaded whole and safely, known by their weights; every other file gets one clear sentence."""

import pickle

import numpy as np
import pytest
import torch
from small_networks import SIZES, network
from stored_files import Touches

from lib import data
from lib.released import checkpoint_files, load, load_folder, networks, one_family


@pytest.fixture
def folder(tmp_path):
    """Three networks under names that say nothing, and files that are none."""
    for name, family, width in (
        ("z", "cnn-small", 2),
        ("b", "cnn-small", 3),
        ("a", "resnet-small", 2),
        ("y", "cnn-small", 2),
    ):
        torch.save(network(ord(name), family, width).state_dict(), tmp_path / name)
    (tmp_path / "LICENSE").write_text("MIT")
    (tmp_path / "picture.png").write_bytes(b"")
    (tmp_path / ".hidden").write_text("")
    (tmp_path / "more").mkdir()
    return tmp_path


def test_family_and_width_are_found_and_order_the_networks(folder):
    found = load_folder(folder, **SIZES)
    assert [(one.family, one.width, one.name) for one in found] == [
        ("cnn-small", 2, "y"),
        ("cnn-small", 2, "z"),
        ("cnn-small", 3, "b"),
        ("resnet-small", 2, "a"),
    ]
    files, aside = checkpoint_files(folder)
    assert [path.name for path in files] == ["a", "b", "y", "z"]
    assert [path.name for path in aside] == [".hidden", "LICENSE", "more", "picture.png"]


def test_a_chapter_takes_one_family_with_a_network_a_width(folder):
    networks = load_folder(folder, **SIZES)
    for wrong in (networks, networks[:3], networks[1:3]):
        with pytest.raises(ValueError, match="at least 3 networks, each of another width, not cnn-small of width 2"):
            one_family(wrong)
    torch.save(network(width=5).state_dict(), folder / "five")
    assert one_family([load(folder / name, **SIZES) for name in ("y", "b", "five")]) == "cnn-small"


@pytest.mark.parametrize("family", networks.FAMILIES)
def test_a_network_answers_as_it_did_before_it_was_saved(tmp_path, family):
    model = network(family=family)
    torch.save(model.state_dict(), tmp_path / "network")
    found = load(tmp_path / "network", **SIZES)
    images = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(2))
    assert found.family == family and not found.model.training
    torch.testing.assert_close(found.model(images), model(images))


def test_the_authors_networks_are_loaded_strictly(released):
    found = load_folder(next(iter(released.values())).parent)
    assert [(one.family, one.width) for one in found] == [("cnn-small", width) for width in sorted(released)]
    for one in found:
        state = torch.load(released[one.width], weights_only=True, map_location="cpu")
        assert all(torch.equal(state[key], value) for key, value in one.model.state_dict().items())


def test_code_in_a_file_never_runs(tmp_path):
    trace = tmp_path / "trace"
    for name, write in (
        ("pickled", lambda path: path.write_bytes(pickle.dumps(Touches(trace), 2))),
        ("saved", lambda path: torch.save({"backbone.0.weight": Touches(trace)}, path)),
    ):
        write(tmp_path / name)
        with pytest.raises(ValueError, match=f"^{name} is no PyTorch state dict, or holds more than weights"):
            load(tmp_path / name)
        assert not trace.exists()
    pickle.loads((tmp_path / "pickled").read_bytes())
    assert trace.exists()  # so it would have run


def changed(**changes):
    state = dict(network().state_dict())
    for key, value in changes.items():
        state[key] = value(state[key])
    return state


def renamed():
    state = dict(network().state_dict())
    state["backbone.0.weigth"] = state.pop("backbone.0.weight")
    return state


@pytest.mark.parametrize(
    "content, sentence",
    [
        (
            renamed(),
            r"nearest to cnn-small, but lacks backbone.0.weight and has an unknown backbone.0.weigth \(1 names "
            r"missing, 1 unknown\)",
        ),
        (
            {"fc.weight": torch.zeros(4, 16)},
            "families cnn-small, cnn-large, resnet-small, resnet-large: it comes nearest",
        ),
        (
            {"blocks.0.weight": torch.zeros(3)},
            "holds a network of another kind; the families are cnn-small, cnn-large, ",
        ),
        (
            changed(**{"backbone.3.weight": lambda old: torch.zeros(8, 2, 3, 3)}),
            r"backbone.3.weight has the shape "
            r"\[8, 2, 3, 3\], and cnn-small of width 2 for 1 channels and 4 classes has \[4, 2, 3, 3\]",
        ),
        (
            changed(**{"backbone.0.weight": lambda old: torch.zeros(3, 1, 3, 3)}),
            r"backbone.0.bias has the shape \[2\], and "
            "cnn-small of width 3",
        ),
        (changed(**{"backbone.0.weight": lambda old: torch.zeros(2)}), r"must have the shape \[width, channels, "),
        (
            changed(**{"fc.bias": lambda old: torch.zeros(7)}),
            r"fc.bias has the shape \[7\], and .* 4 classes has \[4\]",
        ),
        (changed(**{"fc.bias": lambda old: old * torch.nan}), "fc.bias holds numbers that are not finite"),
        (changed(**{"fc.bias": lambda old: old > 0}), "fc.bias must hold floating numbers, not torch.bool"),
        (changed(**{"fc.bias": lambda old: old + 1j}), "fc.bias must hold floating numbers, not torch.complex64"),
        (changed(**{"fc.bias": lambda old: old.long()}), "fc.bias must hold floating numbers, not torch.int64"),
        (changed(**{"fc.bias": lambda old: old.to_sparse()}), "fc.bias must be a plain tensor .*torch.sparse_coo"),
        (changed(**{"fc.bias": lambda old: old.to("meta")}), "fc.bias must be a plain tensor .*lies on meta"),
        (
            changed(**{"fc.bias": lambda old: torch.zeros(1).expand(4)}),
            "fc.bias must be a plain tensor with all its numbers",
        ),
        (
            changed(**{"backbone.0.weight": lambda old: torch.zeros(200_000, 1, 3, 3)}),
            r"backbone.0.bias has the shape \[2\], and cnn-small of width 200000",
        ),
        (
            {
                key: value[:1].expand(200_000, *value.shape[1:])
                for key, value in network().state_dict().items()
                if value.ndim
            }
            | {key: value for key, value in network().state_dict().items() if not value.ndim},
            "must be a plain tensor with all its numbers",
        ),
        ([torch.zeros(3)], "is no state dict, which maps the names of layers to tensors, but a list of something else"),
        ({"epoch": 3, "model": network().state_dict()}, "is no state dict, .* but a dict of something else"),
        ({}, "is no state dict"),
        (network(family="vit").state_dict(), "holds a network of another kind|it comes nearest"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_named_and_told_what_would(tmp_path, content, sentence):
    torch.save(content, tmp_path / "broken")
    with pytest.raises(ValueError, match=f"^broken.*({sentence})") as caught:
        load_folder(tmp_path, **SIZES)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"a text\n", b"", b"PK\x03\x04 broken", bytes(range(256))])
def test_a_file_that_is_no_checkpoint_is_named(tmp_path, content):
    (tmp_path / "CNNSmall_K8").write_bytes(content)
    with pytest.raises(ValueError, match="^CNNSmall_K8 is no PyTorch state dict") as caught:
        load_folder(tmp_path, **SIZES)
    assert "\n" not in str(caught.value)


def test_a_folder_without_checkpoints_or_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no folder .*nowhere; a folder with PyTorch state dicts"):
        load_folder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="holds no checkpoints, only nothing; "):
        load_folder(tmp_path)
    (tmp_path / "README.md").write_text("")
    with pytest.raises(ValueError, match="holds no checkpoints, only README.md; "):
        load_folder(tmp_path)


def test_black_and_white_lie_where_the_authors_program_puts_them():
    pixels = np.zeros((2, 3, 1, 1), dtype=np.uint8)
    pixels[1] = 255
    found = data.normalised(pixels, networks.MEAN, networks.STD)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found[:, :, 0, 0], [[-1.9895, -1.9844, -1.7107], [2.0591, 2.1309, 2.1207]], atol=1e-4)
