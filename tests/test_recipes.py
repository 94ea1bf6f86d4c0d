"""The recipes of the pages for contributors and for own networks, followed as they stand there."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from made_pictures import colour, encoded, write_folder

from lib import data, salience
from lib.chapters import individual_similarity
from lib.data import loading
from lib.models import architectures
from lib.similarity.crossed import similarity_matrix
from lib.training.specification import specify
from lib.training.trainer import train
from lib.verdicts import judged

BOOK = Path(__file__).resolve().parents[1] / "book"
PAGE = BOOK / "contributing.md"
BEGIN, *MEASURES = re.findall(r"## .*?```python\n(.*?)```", (BOOK / "your_networks.md").read_text(), re.S)


def recipe(title):
    """The blocks of Python below a heading: the file, and the row."""
    part = PAGE.read_text().split(f"### {title}\n")[1].split("\n## ")[0].split("\n### ")[0]
    file, row = re.findall(r"```python\n(.*?)```", part, re.S)
    assert sum(bool(line.strip()) for line in (file + row).splitlines()) <= 24
    return file, row


def test_a_new_family_is_trained_and_has_input_gradients(monkeypatch):
    monkeypatch.setattr(architectures, "FAMILIES", dict(architectures.FAMILIES))
    file, row = recipe("A new family of networks")
    names = {}
    exec(file, names)
    exec(row, names | {"FAMILIES": architectures.FAMILIES})
    images = data.load("digits", n_train=60, n_test=20)
    specification, gradients = specify(images, "perceptron", 2, epochs=1), []
    for trained in train(specification, [0, 1, 2], images):  # not by workers, which know no row of a test
        model = specification.build()
        model.load_state_dict(trained.state)
        gradients.append(salience.input_gradients(model, images.test_images, images.test_labels))
    directions = np.stack([salience.directions(part).numpy() for part in gradients])
    assert directions.shape == (3, 20, 64)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=2), 1, rtol=1e-5)


def test_a_new_data_set_is_loaded_normalised_and_by_its_name_alone(monkeypatch):
    monkeypatch.setattr(loading, "SETS", dict(loading.SETS))
    file, row = recipe("A new data set")
    names = {"SETS": loading.SETS}
    exec(file, names)
    exec(row, names)
    found = data.load("stripes", n_train=20)
    assert found.train_images.shape == (20, 1, 16, 16) and found.classes == ("horizontal", "vertical")
    assert abs(float(data.load("stripes").train_images.mean())) < 1e-5
    with pytest.raises(ValueError, match="the data sets are digits, .*, stripes, imagefolder:PATH"):
        data.load("strips")


@pytest.mark.parametrize("rises, verdict", [(0.2, "supported"), (-0.2, "contradicted")])
def test_a_new_claim_is_judged_and_told(rises, verdict):
    file, row = recipe("A new claim")
    names = dict(vars(individual_similarity))
    exec(file, names)
    exec(row, names)
    rng, follow = np.random.default_rng(0), {2: 0.5, 4: 0.5 + rises}
    mean = rng.standard_normal((60, 5)) / np.sqrt(5)
    populations = []
    for share in follow.values():
        raw = share * mean + 0.3 * rng.standard_normal((8, 60, 5)) / np.sqrt(5)
        populations.append(raw / np.linalg.norm(raw, axis=2, keepdims=True))
    growth = individual_similarity.Growth(similarity_matrix(populations, rng, 50), list(follow), (-0.1, 0.1))
    *_, claim = judged(names["GROWTH"], growth, family="vit", narrowest=2, widest=4, chance="0.1")
    assert claim.name == "03-either-vit" and claim.verdict == verdict
    assert claim.rule == "95 % interval above 0; contradicted if it lies below"


@pytest.mark.filterwarnings("ignore:no better than")
@pytest.mark.parametrize("measure", MEASURES, ids=["gradients", "cka", "stitch", "attack"])
def test_own_networks_are_measured_in_fifteen_lines(measure, tmp_path, monkeypatch, capsys):
    """With random weights, which are at hand, and fewer and smaller pictures."""
    assert len((BEGIN + measure).splitlines()) <= 15
    pictures = {f"{name}/{seed}.png": encoded(colour(seed, 9)) for name in ("tench", "goldfish") for seed in range(6)}
    write_folder(tmp_path / "my", pictures, top="pictures/")
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    block, layers = torchvision.models.resnet.BasicBlock, {"resnet18": [1, 1, 1, 1], "resnet34": [1, 1, 6, 1]}
    made = {name: torchvision.models.ResNet(block, counts, num_classes=4) for name, counts in layers.items()}
    monkeypatch.setattr(torchvision.models, "get_model", lambda name, weights: made[name])
    names = {}
    exec(BEGIN.replace("count=500", "count=12"), names)
    names["images"] = names["images"][..., 80:144, 80:144]
    exec(measure.replace("fit_images=200", "fit_images=6"), names)
    assert "resnet34" in capsys.readouterr().out or "layer3.5" in names["points"][1]
