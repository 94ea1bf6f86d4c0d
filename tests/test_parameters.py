"""A chapter runs with parameters that can work, or stops with a sentence that tells what can."""

import math
import types

import pytest

from lib import models, parameters
from lib.parameters import RULES, ParameterError, read

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


@pytest.mark.parametrize("name, text, value", [
    ("widths", "[4, 8]", [4, 8]),
    ("widths", " [8,4]", [4, 8]),
    ("families", "[cnn-small, 'resnet-small']", ["cnn-small", "resnet-small"]),
    ("seeds", "{cnn-small: 4, cnn-large: 5}", {"cnn-small": 4, "cnn-large": 5}),
    ("dimensions", "[3]", [3]),
])
def test_lists_and_mappings_given_as_text_work(name, text, value):
    assert getattr(read({name: text}, [name]), name) == value


@pytest.mark.parametrize("text", ["[4, 8", "{cnn-small: 4", "[4, ]]"])
def test_text_that_is_no_list_is_refused_in_one_sentence(text):
    with pytest.raises(ParameterError, match=r"^parameter 'widths': .* is not a list or mapping$"):
        read({"widths": text}, ["widths"])


@pytest.mark.parametrize("wrong, hint", [("width", "did you mean 'widths'\\? "), ("epoch", "did you mean 'epochs'\\? "),
                                         ("zzz", "")])
def test_a_misspelt_parameter_is_told_the_nearest_and_all_there_are(wrong, hint):
    namespace = {"widths": [4, 8], "epochs": 1, wrong: 3}
    with pytest.raises(ParameterError, match=f"^unknown parameter '{wrong}'; {hint}the parameters are widths, epochs$"):
        read(namespace, ["widths", "epochs"])


def test_what_a_notebook_holds_besides_is_not_taken_for_a_parameter():
    notebook = {"__name__": "__main__", "_": 3, "_ih": [""], "_dh": ["x"], "In": ["", "x"], "Out": {}, "exit": exit,
                "get_ipython": lambda: None, "math": math, "read": read, "ParameterError": ParameterError,
                "namespace": types.SimpleNamespace}
    assert vars(read(notebook | {"epochs": 3}, ["epochs"])) == {"epochs": 3}


def test_parameters_are_returned_in_the_order_asked_for_and_widths_sorted():
    found = read({"epochs": 3, "widths": (16, 2, 4), "grid": None}, iter(["widths", "grid", "epochs"]))
    assert list(vars(found).items()) == [("widths", [2, 4, 16]), ("grid", None), ("epochs", 3)]


def test_seeds_become_a_number_for_each_family():
    names, families = ["families", "seeds"], ["cnn-large", "cnn-small"]
    assert read({"families": families, "seeds": 3}, names).seeds == {"cnn-large": 3, "cnn-small": 3}
    numbers = {"cnn-small": 4, "resnet-small": 5, "cnn-large": 6}
    assert read({"families": families, "seeds": numbers}, names).seeds == {"cnn-large": 6, "cnn-small": 4}
    assert read({"seeds": 3}, ["seeds"]).seeds == 3
    with pytest.raises(ParameterError, match="^parameter 'seeds': names no number for the family 'cnn-large'$"):
        read({"families": families, "seeds": {"cnn-small": 4}}, names)


def test_a_width_that_a_family_cannot_have_is_refused():
    names = ["families", "widths"]
    assert read({"families": ["cnn-small"], "widths": [3, 4]}, names).widths == [3, 4]
    with pytest.raises(ParameterError, match="^parameter 'widths': vit has k / 2 heads: its width must be even, not 3$"):
        read({"families": ["cnn-small", "vit"], "widths": [3, 4]}, names)
    with pytest.raises(ParameterError, match="^parameter 'scale_widths': vit has k / 2 heads"):
        parameters.check_family_widths(["vit"], [3, 4], "scale_widths")


def test_what_is_returned_is_apart_from_the_notebook_s_own_lists():
    namespace = {"families": ["cnn-small"], "widths": [4, 8]}
    read(namespace, ["families", "widths"]).families.append("x")
    assert namespace == {"families": ["cnn-small"], "widths": [4, 8]}


def test_a_notebook_shows_the_sentence_alone():
    with pytest.raises(ParameterError) as caught:
        read({"epochs": 0}, ["epochs"])
    assert isinstance(caught.value, ValueError) and caught.value.__cause__ is None
    assert caught.value._render_traceback_() == [
        "ParameterError: parameter 'epochs': must be a whole number of at least 1, not 0"]


def test_a_grid_finer_than_the_images_is_refused_as_a_parameter():
    parameters.check_grid(8, 1, 8)
    parameters.check_grid(None, 1, 8)
    parameters.check_grid(1, 3, 32)
    with pytest.raises(parameters.ParameterError, match="parameter 'grid': grid must be a whole number from 1 to 8"):
        parameters.check_grid(16, 1, 8)
    with pytest.raises(parameters.ParameterError, match="at least 3 dimensions; a grid of 1 gives 1"):
        parameters.check_grid(1, 1, 8)
    with pytest.raises(parameters.ParameterError, match="parameter 'grids': directions need at least 3 dimensions"):
        parameters.check_grid(1, 1, 8, "grids")


def test_too_few_widths_or_seeds_are_refused():
    parameters.check_widths([2, 4, 8], 3)
    parameters.check_seeds({"cnn-small": 4, "cnn-large": 9}, 4)
    with pytest.raises(parameters.ParameterError, match="at least 4 networks of each family, not 3 of cnn-large"):
        parameters.check_seeds({"cnn-small": 4, "cnn-large": 3}, 4)
    with pytest.raises(parameters.ParameterError, match="'widths': this chapter needs at least 3 widths, not 2"):
        parameters.check_widths([2, 4], 3)


def test_training_sets_that_cannot_be_had_are_refused():
    parameters.check_train_counts([10, 150, 1200], 1200, 10)
    for count in (9, 1201):
        with pytest.raises(ParameterError, match=r"^parameter 'train_counts': must be from 10 \(one a class\) to 1200, "
                                                 f"the training images of this run, not {count}$"):
            parameters.check_train_counts([150, count], 1200, 10)
    with pytest.raises(ParameterError, match="'train_counts': batches of 128 leave one of 257 training images over"):
        parameters.check_train_counts([257], 1200, 10)


def test_too_few_numbers_of_epochs_are_refused():
    parameters.check_epoch_counts([5, 10], 2)
    with pytest.raises(ParameterError, match="^parameter 'epoch_counts': this chapter needs at least 2 numbers of "
                                             "epochs, not 1$"):
        parameters.check_epoch_counts([5], 2)


def test_what_a_run_leaves_out_cannot_be_chosen():
    parameters.check_among("control_family", "vit", "families", ["cnn-small", "vit"])
    parameters.check_among("judged_eps", [0.05, 0.25], "eps", [0.05, 0.25, 0.5])
    with pytest.raises(ParameterError, match="^parameter 'control_family': must be among the families cnn-large, "
                                             "not 'cnn-small'$"):
        parameters.check_among("control_family", "cnn-small", "families", ["cnn-large"])
    with pytest.raises(ParameterError, match=r"^parameter 'judged_eps': must be among the eps 0.05, 0.5, not "
                                             r"\[0.05, 0.1\]$"):
        parameters.check_among("judged_eps", [0.05, 0.1], "eps", [0.05, 0.5])


def test_parameters_that_belong_together_are_given_together():
    for both in (None, "a"):
        parameters.check_together(types.SimpleNamespace(model_folder=both, picture_folder=both), "model_folder",
                                  "picture_folder")
    with pytest.raises(ParameterError, match="^parameter 'picture_folder': needs 'model_folder' too$"):
        parameters.check_together(types.SimpleNamespace(model_folder=None, picture_folder="a"), "model_folder",
                                  "picture_folder")


def test_no_more_images_are_asked_for_than_there_are():
    parameters.check_image_count("attack_images", 10, 10)
    parameters.check_image_count("attack_images", None, 10)
    parameters.check_image_count("image_counts", [10, 4], 10)
    with pytest.raises(ParameterError, match="^parameter 'attack_images': must be at most 10, .* images, not 11$"):
        parameters.check_image_count("attack_images", 11, 10)
    with pytest.raises(ParameterError, match="^parameter 'image_counts': must be at most 10, .* images, not 12$"):
        parameters.check_image_count("image_counts", [4, 12], 10)


def test_a_chapter_can_be_run_again_in_its_kernel():
    namespace = {"study": "mine", "epochs": 3}
    namespace["p"] = parameters.read(namespace, ["study", "epochs"])
    assert parameters.read({**namespace, "images": [1], "epochs": 4}, ["study", "epochs"]).epochs == 4


def test_a_path_is_seen_from_the_root_and_what_is_missing_there_is_told(tmp_path):
    assert parameters.located("pictures", "lib/parameters.py", "pictures").samefile(parameters.__file__)
    assert parameters.located("pictures", str(tmp_path), "pictures") == tmp_path
    with pytest.raises(ParameterError, match=r"^parameter 'pictures': there is no \.\./nowhere/x\.zip \(seen from the root "
                       r"of the checkout\); put test pictures there, or name the place with -p pictures PATH$"):
        parameters.located("pictures", "../nowhere/x.zip", "test pictures")


def test_what_a_parameter_leads_to_is_refused_in_its_name():
    with pytest.raises(ParameterError, match="^parameter 'images': too many$"), parameters.about("images"):
        raise ValueError("too many")
    with pytest.raises(TypeError), parameters.about("images"):
        raise TypeError
def test_batches_that_the_images_cannot_fill_or_that_leave_one_over_are_refused():
    parameters.check_batch_sizes([64, 512, 1200], 1200)
    with pytest.raises(parameters.ParameterError, match="^parameter 'batch_sizes': a batch of 1201 needs .* are 1200$"):
        parameters.check_batch_sizes([64, 1201], 1200)
    with pytest.raises(parameters.ParameterError, match="'batch_sizes': batches of 109 leave one of the 1200 training"):
        parameters.check_batch_sizes([64, 109], 1200)
