"""Networks from files: the same numbers as before they were saved, and a sentence for every file that holds none."""

import argparse
import contextlib
import io
import json
import pickle
import warnings
import zipfile

import numpy as np
import pytest
import torch
from made_pictures import write_zip
from safetensors.torch import save_file
from stored_files import Touches
from torch import nn

from lib.models import ModelError
from lib.own import networks
from lib.own.comparison import compare

pytestmark = pytest.mark.filterwarnings(
    "ignore:no better than", "ignore:.*torch.jit.*deprecated", "ignore::torch.jit.TracerWarning"
)
IMAGES, LABELS = torch.randn(10, 2, 12, 9, generator=torch.Generator().manual_seed(0)), torch.arange(10) % 3


def network(seed, dropout=0.5):
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 3),
    )
    model(torch.randn(20, 2, 12, 9))  # running statistics
    return model


def script(model, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.jit.script(model).save(path)


def export(model, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    program = torch.export.export(model, (IMAGES[:3],), dynamic_shapes=({0: torch.export.Dim.AUTO},))
    torch.export.save(program, path)


def test_a_folder_of_files_gives_the_numbers_of_its_networks(tmp_path):
    groups = {"deep": [network(0), network(1)], "small/wide": [network(2), network(3)], "alone": [network(4)]}
    script(groups["deep"][0], tmp_path / "deep" / "a.pt")  # in train mode
    script(groups["deep"][1].eval(), tmp_path / "deep" / "b.jit")
    export(groups["small/wide"][0].eval(), tmp_path / "small" / "wide" / "a.pt2")
    script(groups["small/wide"][1], tmp_path / "small" / "wide" / "b.TS")
    export(groups["alone"][0].eval(), tmp_path / "alone.pt2")
    (tmp_path / "notes.txt").write_text("text")
    (tmp_path / ".hidden.pt").write_text("text")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = networks.load_models(str(tmp_path))
    assert {name: len(group) for name, group in loaded.items()} == {"deep": 2, "small/wide": 2, "alone": 1}
    found, expected = (
        compare({name: group[name] for name in groups}, IMAGES, LABELS, grid=4, batch_size=4)
        for group in (loaded, groups)
    )
    for name in groups:
        np.testing.assert_allclose(found.directions[name], expected.directions[name], atol=1e-4)
    np.testing.assert_allclose(found.rho[0], expected.rho[0], atol=1e-4)


def test_a_network_that_was_traced_or_exported_in_train_mode_is_refused(tmp_path):
    torch.jit.trace(network(0, dropout=0.0), IMAGES[:3], check_trace=False).save(tmp_path / "traced.pt")
    export(network(1).train(), tmp_path / "exported.pt2")
    for name in ("traced", "exported"):
        (model,) = networks.load_models(tmp_path)[name]
        with pytest.raises(
            ModelError, match=f"that the model {name} gives an image change .* before a model is traced or"
        ):
            compare({name: model}, IMAGES, LABELS, grid=4)


def test_a_file_that_takes_other_images_says_so_in_one_sentence(tmp_path):
    script(network(0), tmp_path / "a.pt")
    model = networks.load_model(tmp_path / "a.pt")
    with pytest.raises(
        ModelError,
        match="^the model a fails on images of the shape .*expected input.* to have 2 channels, "
        "but got 1 channels instead$",
    ) as caught:
        compare({"a": model}, IMAGES[:, :1], LABELS, grid=4)
    assert "\n" not in str(caught.value)


class Trap(nn.Module):
    """Unpickled by a reader that runs what it reads, it makes a file."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def __reduce__(self):
        return self.path.touch, ()


def test_a_pickled_module_is_never_read(tmp_path):
    torch.save(Trap(tmp_path / "trace"), tmp_path / "whole.pt")
    with pytest.raises(
        ValueError,
        match="^whole.pt holds a pickled module, and reading it would run any code .* give "
        "lib.own.compare a dictionary of a name and the module$",
    ):
        networks.load_models(tmp_path)
    assert not (tmp_path / "trace").exists()
    torch.load(tmp_path / "whole.pt", weights_only=False)
    assert (tmp_path / "trace").exists()  # so it would have run


def test_weights_alone_are_told_that_their_architecture_is_missing(tmp_path):
    torch.save(network(0).state_dict(), tmp_path / "a.pth")
    save_file(network(0).state_dict(), tmp_path / "b.safetensors")
    for name in ("a.pth", "b.safetensors"):
        with pytest.raises(ValueError, match=f"^{name} holds weights without their architecture: build the module, "):
            networks.load_model(tmp_path / name)


def test_weights_beside_other_objects_are_called_that(tmp_path):
    torch.save({"state_dict": network(0).state_dict(), "args": argparse.Namespace(lr=0.1)}, tmp_path / "a.ckpt")
    torch.save(nn.Linear(3, 3), tmp_path / "b.pt")
    for name, kind in {"a.ckpt": "weights beside other objects, and not", "b.pt": "a pickled module"}.items():
        with pytest.raises(ValueError, match=f"^{name} holds {kind}"):
            networks.load_model(tmp_path / name)


def test_links_are_followed_but_not_in_circles(tmp_path):
    script(network(0), tmp_path / "elsewhere" / "a.pt")
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere" / "round").symlink_to(tmp_path / "all", target_is_directory=True)
    assert {name: len(group) for name, group in networks.load_models(tmp_path / "all").items()} == {"linked": 1}
    (tmp_path / "all" / "gone.pt").symlink_to(tmp_path / "nowhere.pt")
    with pytest.raises(ValueError, match="^there is no file .*gone.pt"):
        networks.load_models(tmp_path / "all")


def archive(inside):
    """Writes an archive of one empty file."""
    return lambda path: write_zip(path, {inside: b""})


@pytest.mark.parametrize(
    "write, sentence",
    [
        (lambda path: path.write_text("a text"), "^a.pt is neither a TorchScript file nor an exported program$"),
        (lambda path: path.write_bytes(b""), "is neither"),
        (archive("a/other"), "is neither"),
        (archive("a/archive_format"), r"^a.pt cannot be loaded \(.*Error\); it may be damaged"),
        (
            archive("a/constants.pkl"),
            r"^a.pt cannot be loaded \(RuntimeError\); it may be damaged, or made by another version of PyTorch than",
        ),
    ],
)
def test_a_file_that_holds_no_network_is_named(tmp_path, write, sentence):
    write(tmp_path / "a.pt")
    with pytest.raises(ValueError, match=sentence):
        networks.load_models(tmp_path)


def test_a_folder_without_networks_or_with_two_groups_of_one_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no folder .*nowhere; a folder of TorchScript files or exported"):
        networks.load_models(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"holds no networks; their files end in \.bin, "):
        networks.load_models(tmp_path)
    script(network(0), tmp_path / "vit.pt")
    script(network(0), tmp_path / "vit" / "a.pt")
    with pytest.raises(ValueError, match="^vit.pt would be a group 'vit', and there is another one of that name"):
        networks.load_models(tmp_path)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with an exported program."""
    folder = tmp_path_factory.mktemp("whole")
    export(network(0).eval(), folder / "plain.pt2")
    return folder


@pytest.mark.parametrize(
    "record", ["data/sample_inputs/model.pt", "data/weights/weight_0", "data/constants/opaque_obj_0"]
)
def test_a_pickle_in_an_exported_program_runs_only_where_the_reader_names_the_file(exported, tmp_path, record):
    """As a record of sample inputs, of a weight that is said to be pickled, and of an object that torch cannot look into."""
    content, mark = io.BytesIO(), tmp_path / "mark"
    torch.save((Touches(mark),), content)
    poison = pickle.dumps(Touches(mark)) if "opaque" in record else content.getvalue()
    (tmp_path / "bad").mkdir()
    with zipfile.ZipFile(exported / "plain.pt2") as old, zipfile.ZipFile(tmp_path / "bad" / "a.pt2", "w") as new:
        for name in old.namelist():
            new.writestr(name, poisoned(name, old.read(name), record, poison))
        if "opaque" in record:
            new.writestr(f"{name.partition('/')[0]}/{record}", poison)
    with pytest.raises(ValueError, match="a.pt2 holds pickled objects .* name it in `trusted`"):
        networks.load_models(tmp_path / "bad")
    assert not mark.exists()
    with contextlib.suppress(ValueError):  # what was pickled here is no tensor
        networks.load_models(tmp_path / "bad", trusted=["a.pt2"])
    assert mark.exists()
    assert networks.load_models(exported).keys() == {"plain"}


def poisoned(name, content, record, poison):
    """A record of the archive with what is to be unpickled in it, or said of it."""
    if name.endswith(record):
        return poison
    config = {"data/weights/weight_0": "weights_config.json", "data/constants/opaque_obj_0": "constants_config.json"}
    if not name.endswith(config.get(record, "nothing")):
        return content
    table = json.loads(content)
    place = record.rpartition("/")[2]
    if "opaque" in record:
        table["config"]["x"] = {"path_name": place, "is_param": False, "use_pickle": True, "tensor_meta": None}
    for entry in table["config"].values():
        entry["use_pickle"] |= entry["path_name"] == place
    return json.dumps(table).encode()
