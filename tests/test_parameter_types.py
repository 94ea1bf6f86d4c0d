"""Every type of a parameter: values that can work, what is told about others, and that every parameter has a type."""

import math

import pytest

import chapters
import studies
from lib import models
from lib.parameter_types import TYPES
from lib.parameters import ParameterError, read

# type by a parameter of it: what is accepted as it is, what is refused and the sentence about it
CASES = {
    "study": (
        ["digits", "cifar10-16px", "3"],
        [
            (value, "must be a name of at most 60 small letters, digits and hyphens")
            for value in ("Digits", "../x", "", "-a", "a\n", 3)
        ],
    ),
    "dataset": (
        ["digits", "cifar100", "tiny-imagenet-64", "imagefolder:tests", "tiny-imagenet:tests"],
        [
            (value, "unknown data set .* the data sets are digits, .*imagefolder:PATH")
            for value in ("digit", 3, ["digits"], {"digits": 1}, "imagefolder", "imagefolder:", "digits:tests")
        ]
        + [("imagefolder:no/such", "there is no folder or zip archive no/such .*seen from the root")],
    ),
    "precision": (
        ["float32", "mixed", "bfloat16"],
        [(value, "the precisions are float32, mixed, bfloat16, float64") for value in ("float16", None, ["float32"])],
    ),
    "control_family": (
        [*models.FAMILIES, "resnet-14", "plain-20"],
        [(value, "unknown family .* the families are cnn-small, ") for value in ("vgg", ["cnn-small"], None)],
    ),
    "stitch_family": (
        ["resnet-large", "resnet-14", "vit"],
        [
            ("vgg", "the families are cnn-small"),
            ("cnn-small", "must be a family with blocks to stitch at, .* 'cnn-small'"),
        ],
    ),
    "families": (
        [["cnn-small"], list(models.FAMILIES), ("resnet-large", "cnn-large")],
        [([value], "the families are cnn-small") for value in ("vgg", ["cnn-small"], None)]
        + [(value, "must be a list of at least 1 different values") for value in ("cnn-small", [], ["cnn-small"] * 2)],
    ),
    "output": (
        ["logit", "probability", "log-probability"],
        [(value, "the outputs are logit, probability, log-probability") for value in ("loss", None, ["logit"], {})],
    ),
    "outputs": (
        [["logit"], ("log-probability", "logit")],
        [
            (["logit", "loss"], "unknown output 'loss'"),
            (["logit"] * 2, "different values"),
            ("logit", "must be a list"),
        ],
    ),
    "epochs": (
        [1, 200],
        [
            (value, f"must be a whole number of at least 1, not {value!r}")
            for value in (0, 1.5, True, "20", None, math.inf)
        ],
    ),
    "prediction_seeds": (
        [6, 100],
        [(4, "must be a whole number of at least 6, not 4"), (7, "must be even, so that there are two halves, not 7")],
    ),
    "grid": ([1, 8, None], [(value, "must be a whole number of at least 1") for value in (0, "8", 8.0, [8])]),
    "wide_depth": (
        [8, 14, 164],
        [
            (7, "at least 8, not 7"),
            (16, r"depth of resnet-D must be 6n \+ 2, that is 8, 14, 20, .* not 16"),
            ([14], "whole"),
        ],
    ),
    "variant_widths": (
        [[2, 4], (1, 2, 160)],
        [(value, "must be a list of at least 2 different values") for value in ([4], [4, 4], 4, "4, 8", None)]
        + [([4, value], f"must be a whole number of at least 1, not {value!r}") for value in (0, 8.0, "8", True)],
    ),
    "control_widths": ([[2, 4], None], [([4], "must be a list of at least 2 different values")]),
    "image_counts": ([[256, 64], [10]], [([9], "at least 10, not 9"), ([64] * 2, "different values")]),
    "seeds": (
        [3, 100],
        [
            (2, "must be a whole number of at least 3, not 2"),
            ([8], "whole number"),
            ({"vgg": 4}, "the families are cnn-small"),
            ({"vit": 2}, "those of vit must be a whole number of at least 3, not 2"),
        ],
    ),
    "main_eps": (
        [0.25, 3.0],
        [
            (value, f"must be a finite number above 0, not {value!r}")
            for value in (0, -0.1, math.nan, math.inf, None, True, "1")
        ],
    ),
    "eps": (
        [[0.05, 0.5], [1]],
        [([0.1, 0.0], "above 0, not 0.0"), ([1, 1.0], "at least 1 different values"), (0.25, "list")],
    ),
    "block_threshold": (
        [0.9, 0.01],
        [(value, f"must be a number between 0 and 1, not {value!r}") for value in (0, 1, True, "0.9", math.nan)],
    ),
    "grids": (
        [[8], [8, 2, 4], [32, 16]],
        [(value, "must be a list that begins with a grid that all others divide") for value in ([4, 8], [8, 3])]
        + [([None, 4], "whole number"), (8, "must be a list")],
    ),
    "checkpoints": (
        ["../shared/networks", "C:/networks"],
        [(value, "must be the path of a file or folder") for value in (None, "", " ", ["a"], "a\0b", 3)],
    ),
    "model_folder": ([None, "my/networks"], [("", "must be the path of a file or folder"), (3, "path")]),
    "picture_size": (
        [224, [32, 48], (8, 8)],
        [
            (0, "at least 1, not 0"),
            ([8, 0], "at least 1, not 0"),
            ("8", "whole number"),
            ([8] * 3, "must be a whole number, or a list of two: height and width"),
        ],
    ),
    "picture_mean": (
        [[0.5], [0.485, 0, -1]],
        [
            (value, "must be a list of three numbers, for colour, or of one, for grey")
            for value in ([0.5, 0.5], 0.5, [], None)
        ]
        + [([value], f"must be a finite number, not {value!r}") for value in (math.nan, "0")],
    ),
    "picture_std": ([[0.5], [1, 0.2, 3.0]], [([0], "must be a finite number above 0, not 0")]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_type_accepts_what_can_work_as_it_is_and_refuses_the_rest_with_what_is_allowed(name):
    accepted, refused = CASES[name]
    for value in accepted:
        assert vars(read({name: value}, [name])) == {name: list(value) if isinstance(value, tuple) else value}
    for value, sentence in refused:
        with pytest.raises(ParameterError, match=f"^parameter '{name}': .*{sentence}"):
            read({name: value}, [name])


def test_every_parameter_of_every_chapter_has_a_type_that_its_default_is_of():
    typed = set()
    for chapter in chapters.chapter_names():
        defaults = studies.parameters_of(chapter)
        assert vars(read(defaults, defaults)).keys() == defaults.keys()
        typed |= defaults.keys()
    assert typed == TYPES.keys()
