"""A chapter runs with parameters that can work, or stops with a sentence that tells what can."""

import math
import types

import pytest

from lib import parameters
from lib.parameters import ParameterError, read


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


def test_widths_may_be_a_table_by_family():
    names, families = ["families", "widths"], ["resnet-small", "cnn-small"]
    table = {"cnn-small": [8, 4], "resnet-small": [4, 8, 32], "vit": [2, 4]}
    found = read({"families": families, "widths": table}, names).widths
    assert list(found.items()) == [("resnet-small", [4, 8, 32]), ("cnn-small", [4, 8])]
    assert read({"families": families[1:], "widths": str(table)}, names).widths == [4, 8]  # one family: nothing differs
    assert read({"families": families, "widths": dict.fromkeys(families, (8, 2))}, names).widths == [2, 8]


@pytest.mark.parametrize("table, sentence", [
    ({"cnn-small": [4, 8]}, "names no widths for the family 'vit'"),
    ({"cnn-small": [4, 8], "vit": [4, 7]}, "vit has k / 2 heads: its width must be even, not 7"),
    ({"cnn-small": [4, 8], "vit": [4]}, r"those of vit must be a list of at least 2 different values, not \[4\]"),
    ({"cnn-small": [4, 8], "vit": [4, 8], "vgg": [4, 8]}, "unknown family 'vgg'; the families are cnn-small, .*"),
])
def test_a_table_of_widths_that_cannot_work_is_refused_in_one_sentence(table, sentence):
    with pytest.raises(ParameterError, match=f"^parameter 'widths': {sentence}$"):
        read({"families": ["cnn-small", "vit"], "widths": table}, ["families", "widths"])


def test_where_families_share_their_widths_or_cannot_be_chosen_a_table_is_refused():
    parameters.check_shared_widths([4, 8])
    table = {"cnn-small": [4, 8], "vit": [4]}
    with pytest.raises(ParameterError, match="^parameter 'widths': this chapter needs the same widths for all its "
                                             "families, one list, not {'cnn-small'"):
        parameters.check_shared_widths(table)
    with pytest.raises(ParameterError, match="^parameter 'widths': must be one list in a chapter without the parameter "
                                             "'families', not {'cnn-small'"):
        read({"widths": {"cnn-small": [4, 8]}}, ["widths"])


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
    with pytest.raises(ParameterError, match="parameter 'grid': grid must be a whole number from 1 to 8"):
        parameters.check_grid(16, 1, 8)
    with pytest.raises(ParameterError, match="at least 3 dimensions; a grid of 1 gives 1"):
        parameters.check_grid(1, 1, 8)
    with pytest.raises(ParameterError, match="parameter 'grids': directions need at least 3 dimensions"):
        parameters.check_grid(1, 1, 8, "grids")


def test_too_few_widths_or_seeds_are_refused():
    parameters.check_widths({"cnn-small": [2, 4, 8], "vit": [2, 4, 8, 16]}, 3)
    parameters.check_seeds({"cnn-small": 4, "cnn-large": 9}, 4)
    with pytest.raises(ParameterError, match="at least 4 networks of each family, not 3 of cnn-large"):
        parameters.check_seeds({"cnn-small": 4, "cnn-large": 3}, 4)
    with pytest.raises(ParameterError, match="^parameter 'widths': this chapter needs at least 3 widths of each family, "
                                             "not 2 of vit$"):
        parameters.check_widths({"cnn-small": [2, 4, 8], "vit": [2, 4]}, 3)


def test_training_sets_that_cannot_be_had_are_refused():
    parameters.check_train_counts([10, 150, 1200], 1200, 10)
    for count in (9, 1201):
        with pytest.raises(ParameterError, match=r"^parameter 'train_counts': must be from 10 \(one a class\) to 1200, "
                                                 f"the training images of this run, not {count}$"):
            parameters.check_train_counts([150, count], 1200, 10)
    with pytest.raises(ParameterError, match="'train_counts': batches of 128 leave one of 257 training images over"):
        parameters.check_train_counts([257], 1200, 10)
    parameters.check_train_counts([129, 257], 1200, 10, 100)
    with pytest.raises(ParameterError, match="'train_counts': batches of 64 leave one of 65 training images over"):
        parameters.check_train_counts([65, 150], 1200, 10, 64)


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
    parameters.check_at_most("attack_images", 10, 10)
    parameters.check_at_most("attack_images", None, 10)
    parameters.check_at_most("image_counts", [10, 4], 10)
    with pytest.raises(ParameterError, match="^parameter 'attack_images': must be at most 10, .* images, not 11$"):
        parameters.check_at_most("attack_images", 11, 10)
    with pytest.raises(ParameterError, match="^parameter 'image_counts': must be at most 10, .* images, not 12$"):
        parameters.check_at_most("image_counts", [4, 12], 10)
    with pytest.raises(ParameterError, match="'cka_batches': must be at most 10, the number of such images, not 12$"):
        parameters.check_at_most("cka_batches", [4, 12], 10, "such images")


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
    with pytest.raises(ParameterError, match="^parameter 'batch_sizes': a batch of 1201 needs .* are 1200$"):
        parameters.check_batch_sizes([64, 1201], 1200)
    with pytest.raises(ParameterError, match="'batch_sizes': batches of 109 leave one of the 1200 training"):
        parameters.check_batch_sizes([64, 109], 1200)


def test_the_deep_network_is_deeper():
    parameters.check_deeper(26, 20)
    with pytest.raises(ParameterError, match="^parameter 'deep_depth': must be above shallow_depth, 14, not 14$"):
        parameters.check_deeper(14, 14)
