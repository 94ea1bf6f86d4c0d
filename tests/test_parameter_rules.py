"""The rule of every single parameter: values that can work, and what is told about those that cannot."""

import math

import pytest

from lib import models
from lib.parameter_rules import RULES
from lib.parameters import ParameterError, read

GOOD = {
    "study": ["digits", "cifar10-16px", "3"],
    "dataset": ["digits", "cifar10", "cifar100", "tiny-imagenet", "tiny-imagenet-64", "imagefolder:tests",
                "tiny-imagenet:tests", "tiny-imagenet-64:tests"],
    "n_train": [None, 10, 50000],
    "n_test": [None, 1],
    "families": [["cnn-small"], list(models.FAMILIES), ("resnet-large", "cnn-large")],
    "widths": [[2, 4], [1, 2, 160]],
    "seeds": [3, 100, {"cnn-small": 3, "resnet-small": 4}],
    "epochs": [1, 200],
    "precision": ["float32", "bfloat16"],
    "output": ["logit", "probability", "log-probability"],
    "grid": [1, 8, None],
    "bootstrap_draws": [100, 5000],
    "random_seed": [0, 7],
    "dimensions": [[3, 192, 3072], [2]],
    "samples": [100, 10**6],
    "control_family": ["cnn-small", "resnet-large"],
    "control_widths": [[2, 8]],
    "control_seeds": [3, 10],
    "simulations": [10, 1000],
    "eps": [[0.05, 0.5], [0.25]],
    "judged_eps": [[0.05, 0.25], [1]],
    "main_eps": [0.25, 3.0],
    "learning_rate": [0.01, 1.0],
    "variant_widths": [[2, 8]],
    "variant_seeds": [3, 10],
    "attack_networks": [3, 20],
    "attack_images": [None, 10, 256],
    "outputs": [["logit"], ("log-probability", "logit")],
    "grids": [[8], [8, 2, 4], [32, 16]],
    "image_counts": [[256, 64], [10]],
    "network_counts": [[6, 3]],
    "epoch_counts": [[20, 5, 100], [1]],
    "epochs_widths": [[2, 4]],
    "epochs_seeds": [3, 8],
    "costly_family": ["cnn-small", "resnet-large"],
    "checkpoints": ["../shared/networks", "C:/networks"],
    "pictures": ["cifar10.zip"],
    "images": [100, 10000],
    "model_folder": [None, "my/networks"],
    "picture_folder": [None, "my/pictures"],
    "picture_size": [224, [32, 48], (8, 8)],
    "picture_mean": [[0.5], [0.485, 0, -1]],
    "picture_std": [[0.5], [1, 0.2, 3.0]],
    "batch_sizes": [[64, 128, 256, 512], [2, 3]],
    "scale_family": ["cnn-small", "resnet-large"],
    "scale_widths": [[2, 4, 8]],
    "scale_seeds": [3, 8],
    "train_counts": [[150, 300], [2500, 5000, 20000]],
    "dropped_share": [0.02, 0.5],
    "random_drops": [1, 10],
    "probe_pool": [1, 2],
}
BAD = {
    "study": [("Digits", "small letters"), ("../x", "small letters"), ("", "small letters"), ("-a", "small letters"),
              (3, "small letters"), ("a\n", "small letters")],
    "dataset": [("digit", "data sets are digits"), (3, "data sets are digits"), (["digits"], "data sets are digits"),
                ({"digits": 1}, "data sets are digits"), ("imagefolder", "data sets are digits, .*imagefolder:PATH"),
                ("imagefolder:", "data sets are"), ("digits:tests", "data sets are"),
                ("imagefolder:nowhere/at/all", "there is no folder or zip archive nowhere/at/all .*seen from the root")],
    "n_train": [(0, "at least 1, not 0"), (100.0, "whole number"), ("all", "whole number"), (True, "whole number")],
    "n_test": [(-1, "at least 1, not -1"), ([10], "whole number")],
    "families": [("cnn-small", "list of at least 1"), ([], "list of at least 1"), (["vgg"], "families are cnn-small"),
                 (["cnn-small"] * 2, "different values"), ([["cnn-small"]], "families are cnn-small"),
                 ([None], "families are cnn-small")],
    "widths": [([4], "at least 2 different"), ([4, 4], "different values"), ([4, 0], "at least 1, not 0"),
               ([4, 8.0], "whole number"), ([4, "8"], "whole number"), ([4, True], "whole number"),
               (4, "must be a list"), ("4, 8", "must be a list"), (None, "must be a list")],
    "seeds": [(2, "at least 3, not 2"), ("8", "at least 3, not '8'"), (2.0, "whole number"), (None, "whole number"),
              ([8], "whole number"), ({"vgg": 4}, "families are"), ({"cnn-small": 2}, "at least 3, not 2")],
    "precision": [("float16", "precisions are float32, bfloat16, float64"), (None, "precisions are"), (["float32"], "are")],
    "epochs": [(0, "at least 1, not 0"), (1.5, "whole number"), (True, "whole number"), ("20", "whole number")],
    "output": [("loss", "outputs are logit, probability, log-probability"), (None, "outputs are logit"),
               (["logit"], "outputs are logit"), ({}, "outputs are logit")],
    "grid": [(0, "at least 1, not 0"), ("8", "whole number"), (8.0, "whole number")],
    "bootstrap_draws": [(99, "at least 100, not 99"), (500.0, "whole number")],
    "random_seed": [(-1, "at least 0, not -1"), (None, "whole number")],
    "dimensions": [([1], "at least 2, not 1"), ([], "list of at least 1"), (192, "must be a list")],
    "samples": [(99, "at least 100, not 99"), (math.inf, "whole number")],
    "control_family": [("vgg", "families are cnn-small"), (["cnn-small"], "families are cnn-small"), (None, "families are")],
    "control_widths": [([4], "at least 2 different"), ([0, 4], "at least 1, not 0")],
    "control_seeds": [(2, "at least 3, not 2"), ({"cnn-small": 6}, "whole number")],
    "simulations": [(9, "at least 10, not 9"), (40.0, "whole number")],
    "eps": [([0.1, 0.0], "finite number above 0, not 0.0"), ([], "list of at least 1"), (0.25, "must be a list"),
            ([0.1, "0.2"], "finite number above 0, not '0.2'"), ([1, 1.0], "1 different values, not \\[1.0, 1.0\\]")],
    "judged_eps": [([], "list of at least 1"), ([0.1, -1], "finite number above 0, not -1")],
    "main_eps": [(-0.1, "finite number above 0, not -0.1"), (math.nan, "finite number"), (math.inf, "finite number"),
                 (None, "finite number"), (True, "finite number")],
    "learning_rate": [(0, "finite number above 0, not 0"), ("0.1", "finite number"), (math.nan, "finite number")],
    "variant_widths": [([4], "at least 2 different"), ([4, 0], "at least 1, not 0"), (None, "must be a list")],
    "variant_seeds": [(2, "at least 3, not 2"), (None, "whole number")],
    "attack_networks": [(2, "at least 3, not 2"), (None, "whole number")],
    "attack_images": [(9, "at least 10, not 9"), ("all", "whole number")],
    "outputs": [("logit", "must be a list"), ([], "list of at least 1"), (["logit", "loss"], "unknown output 'loss'"),
                (["logit", "logit"], "different values")],
    "grids": [([4, 8], "begin with a grid that all others divide"), ([8, 3], "that all others divide"),
              ([8, 0], "at least 1, not 0"), ([None, 4], "whole number"), (8, "must be a list")],
    "image_counts": [([9], "at least 10, not 9"), ([None], "whole number"), (256, "must be a list")],
    "network_counts": [([2], "at least 3, not 2"), (6, "must be a list")],
    "epoch_counts": [([0], "at least 1, not 0"), ([5, 5], "different values"), (20, "must be a list")],
    "epochs_widths": [([4], "at least 2 different"), ([4, 0], "at least 1, not 0")],
    "epochs_seeds": [(2, "at least 3, not 2"), (8.0, "whole number")],
    "costly_family": [("vgg", "families are cnn-small"), (None, "families are")],
    "checkpoints": [(None, "path of a file or folder, not None"), ("", "path"), (["a"], "path"), ("a\0b", "path")],
    "pictures": [(3, "path of a file or folder, not 3"), (" ", "path")],
    "images": [(99, "at least 100, not 99"), (None, "whole number"), (1e3, "whole number")],
    "model_folder": [("", "path of a file or folder"), (3, "path of a file or folder, not 3")],
    "picture_folder": [(" ", "path of a file or folder"), (["a"], "path of a file or folder")],
    "picture_size": [(0, "at least 1, not 0"), ([8, 0], "at least 1, not 0"), ([8, 8, 8], "whole number"), ("8", "whole")],
    "picture_mean": [([0.5, 0.5], "list of three numbers, for colour, or of one, for grey"), (0.5, "list of three numbers"),
                     ([math.nan], "a finite number, not nan"), (["0"], "a finite number, not '0'")],
    "picture_std": [([], "list of three numbers"), ([0], "finite number above 0, not 0"), (None, "list of three numbers")],
    "batch_sizes": [([64], "at least 2 different"), ([64, 64], "different values"), ([64, 1], "at least 2, not 1"),
                    ([64, 128.0], "whole number"), (64, "must be a list")],
    "scale_family": [("vgg", "families are cnn-small"), (["cnn-small"], "families are cnn-small")],
    "scale_widths": [([4], "at least 2 different"), ([4, 0], "at least 1, not 0")],
    "scale_seeds": [(2, "at least 3, not 2"), ({"cnn-small": 4}, "whole number")],
    "dropped_share": [(0, "between 0 and 1, not 0"), (1, "between 0 and 1, not 1"), ("0.1", "number between 0 and 1")],
    "probe_pool": [(0, "at least 1, not 0"), (2.0, "whole number"), (None, "whole number")],
    "random_drops": [(0, "at least 1, not 0"), (2.5, "whole number")],
    "train_counts": [([150], "at least 2 different"), ([150, 150], "different values"), ([1, 150], "at least 2, not 1"),
                     ([150, 300.0], "whole number"), (150, "must be a list"), (None, "must be a list")],
}


def test_every_rule_is_tried_here():
    assert GOOD.keys() == BAD.keys() == RULES.keys()


@pytest.mark.parametrize("name, value", [(name, value) for name, values in GOOD.items() for value in values])
def test_a_value_that_can_work_is_accepted_as_it_is(name, value):
    found = vars(read({name: value}, [name]))
    assert list(found) == [name]
    assert found[name] == (list(value) if isinstance(value, tuple) else value)


@pytest.mark.parametrize("name, value, sentence", [(name, *case) for name, cases in BAD.items() for case in cases])
def test_a_value_that_cannot_is_refused_with_the_name_and_what_is_allowed(name, value, sentence):
    with pytest.raises(ParameterError, match=f"^parameter '{name}': .*{sentence}"):
        read({name: value}, [name])
