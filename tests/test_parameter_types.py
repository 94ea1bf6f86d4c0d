"""Every type of a parameter: values that can work, what is told about others, and that every parameter has a type."""

import math

import pytest

import chapters
import studies
from lib import models
from lib.parameter_types import TYPES
from lib.parameters import ParameterError, read

LISTED = "must be a list of at least 2 different values"
FAMILIES = "the families are cnn-small"
WHOLE = "must be a whole number of at least 1, not {!r}"
PATH = "must be the path of a file or folder"
# type by a parameter of it: what is accepted as it is; what is refused by the sentence about it
CASES = {
    "study": (
        ["digits", "cifar10-16px", "3"],
        {"must be a name of at most 60 small letters, digits and hyphens": ["Digits", "../x", "", "-a", "a\n", 3]},
    ),
    "dataset": (
        ["digits", "cifar100", "tiny-imagenet-64", "imagefolder:tests", "tiny-imagenet:tests"],
        {
            "unknown data set .* the data sets are digits, .*imagefolder:PATH": [
                *("digit", 3, ["digits"], {"digits": 1}, "imagefolder", "imagefolder:", "digits:tests")
            ],
            "there is no folder or zip archive no/such .*seen from the root": ["imagefolder:no/such"],
        },
    ),
    "precision": (
        ["float32", "mixed", "bfloat16"],
        {"the precisions are float32, mixed, bfloat16, float64": ["float16", None, ["float32"]]},
    ),
    "control_family": ([*models.FAMILIES, "resnet-14", "plain-20"], {FAMILIES: ["vgg", ["cnn-small"], None]}),
    "stitch_family": (
        ["resnet-large", "resnet-14", "vit"],
        {FAMILIES: ["vgg"], "must be a family with blocks to stitch at, .* 'cnn-small'": ["cnn-small"]},
    ),
    "families": (
        [["cnn-small"], list(models.FAMILIES), ("resnet-large", "cnn-large")],
        {
            FAMILIES: [["vgg"], [["cnn-small"]], [None]],
            "must be a list of at least 1 different values": ["cnn-small", [], ["cnn-small"] * 2],
        },
    ),
    "output": (
        ["logit", "probability", "log-probability"],
        {"the outputs are logit, probability, log-probability": ["loss", None, ["logit"], {}]},
    ),
    "outputs": (
        [["logit"], ("log-probability", "logit")],
        {
            "unknown output 'loss'": [["logit", "loss"]],
            "different values": [["logit"] * 2],
            "must be a list": ["logit"],
        },
    ),
    "epochs": ([1, 200], {WHOLE: [0, 1.5, True, "20", None, math.inf]}),
    "prediction_seeds": (
        [6, 100],
        {"must be a whole number of at least 6, not 4": [4], "must be even, so that there are two halves, not 7": [7]},
    ),
    "grid": ([1, 8, None], {"must be a whole number of at least 1": [0, "8", 8.0, [8]]}),
    "wide_depth": (
        [8, 14, 164],
        {
            "at least 8, not 7": [7],
            r"depth of resnet-D must be 6n \+ 2, that is 8, 14, 20, .* not 16": [16],
            "whole": [[14]],
        },
    ),
    "variant_widths": (
        [[2, 4], (1, 2, 160)],
        {LISTED: [[4], [4, 4], 4, "4, 8", None], "whole number of at least 1": [[4, 0], [4, 8.0], [4, "8"], [4, True]]},
    ),
    "control_widths": ([[2, 4], None], {LISTED: [[4]]}),
    "image_counts": ([[256, 64], [10]], {"at least 10, not 9": [[9]], "different values": [[64] * 2]}),
    "seeds": (
        [3, 100],
        {
            "must be a whole number of at least 3, not 2": [2],
            "whole number": [[8]],
            FAMILIES: [{"vgg": 4}],
            "those of vit must be a whole number of at least 3, not 2": [{"vit": 2}],
        },
    ),
    "main_eps": (
        [0.25, 3.0],
        {"must be a finite number above 0, not {!r}": [0, -0.1, math.nan, math.inf, None, True, "1"]},
    ),
    "eps": (
        [[0.05, 0.5], [1]],
        {"above 0, not 0.0": [[0.1, 0.0]], "at least 1 different values": [[1, 1.0]], "list": [0.25]},
    ),
    "block_threshold": ([0.9, 0.01], {"must be a number between 0 and 1, not {!r}": [0, 1, True, "0.9", math.nan]}),
    "grids": (
        [[8], [8, 2, 4], [32, 16]],
        {
            "must be a list that begins with a grid that all others divide": [[4, 8], [8, 3]],
            "whole number": [[None, 4]],
            "must be a list": [8],
        },
    ),
    "checkpoints": (["../shared/networks", "C:/networks"], {PATH: [None, "", " ", ["a"], "a\0b", 3]}),
    "model_folder": ([None, "my/networks"], {PATH: ["", 3]}),
    "picture_size": (
        [224, [32, 48], (8, 8)],
        {
            "at least 1, not 0": [0, [8, 0]],
            "whole number": ["8"],
            "must be a whole number, or a list of two: height and width": [[8] * 3],
        },
    ),
    "picture_mean": (
        [[0.5], [0.485, 0, -1]],
        {
            "must be a list of three numbers, for colour, or of one, for grey": [[0.5, 0.5], 0.5, [], None],
            "must be a finite number, not": [[math.nan], ["0"]],
        },
    ),
    "picture_std": ([[0.5], [1, 0.2, 3.0]], {"must be a finite number above 0, not 0": [[0]]}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_type_accepts_what_can_work_as_it_is_and_refuses_the_rest_with_what_is_allowed(name):
    accepted, refused = CASES[name]
    for value in accepted:
        assert vars(read({name: value}, [name])) == {name: list(value) if isinstance(value, tuple) else value}
    for sentence, values in refused.items():
        for value in values:
            with pytest.raises(ParameterError, match=f"^parameter '{name}': .*{sentence.format(value)}"):
                read({name: value}, [name])


def test_every_parameter_of_every_chapter_has_a_type_that_its_default_is_of():
    typed = set()
    for chapter in chapters.chapter_names():
        defaults = studies.parameters_of(chapter)
        assert vars(read(defaults, defaults)).keys() == defaults.keys()
        typed |= defaults.keys()
    assert typed == TYPES.keys()
