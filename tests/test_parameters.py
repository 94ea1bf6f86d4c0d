"""A chapter runs with parameters that can work, or stops with a sentence that tells what can."""

import math
import types

import pytest

from lib import parameters
from lib.parameters import ParameterError, read

FAMILIES = ["cnn-large", "cnn-small"]


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("widths", " [8,4]", [4, 8]),
        ("families", "[vit, 'resnet-small']", ["vit", "resnet-small"]),
        ("eps", "[3]", [3.0]),
    ],
)
def test_lists_given_as_text_work(name, text, value):
    assert getattr(read({name: text}, [name]), name) == value


@pytest.mark.parametrize("text", ["[4, 8", "{cnn-small: 4", "[4, ]]"])
def test_text_that_is_no_list_is_refused_in_one_sentence(text):
    with pytest.raises(ParameterError, match=r"^parameter 'widths': .* is not a list or mapping$"):
        read({"widths": text}, ["widths"])


@pytest.mark.parametrize(
    "wrong, hint", [("width", "did you mean 'widths'\\? "), ("epoch", "did you mean 'epochs'\\? "), ("zzz", "")]
)
def test_a_misspelt_parameter_is_told_the_nearest_and_all_there_are(wrong, hint):
    namespace = {"widths": [4, 8], "epochs": 1, wrong: 3}
    with pytest.raises(
        ParameterError, match=f"^unknown parameter '{wrong}'; {hint}the parameters are widths, epochs, scheduler$"
    ):
        read(namespace, ["widths", "epochs"])


def test_what_a_notebook_holds_besides_is_not_taken_for_a_parameter():
    notebook = {"__name__": "__main__", "_": 3, "_ih": [""], "In": ["", "x"], "Out": {}, "exit": exit, "math": math}
    assert vars(read(notebook | {"read": read, "E": ParameterError, "epochs": 3}, ["epochs"])) == {"epochs": 3}


def test_parameters_come_in_the_order_asked_for_widths_sorted_and_apart_from_the_notebook_s_own_lists():
    namespace = {"epochs": 3, "widths": [16, 2, 4], "grid": None}
    found = read(namespace, iter(["widths", "grid", "epochs"]))
    assert list(vars(found).items()) == [("widths", [2, 4, 16]), ("grid", None), ("epochs", 3)]
    found.widths.append(32)
    assert namespace["widths"] == [16, 2, 4]


def test_a_notebook_shows_the_sentence_alone():
    with pytest.raises(ParameterError) as caught:
        read({"epochs": 0}, ["epochs"])
    assert isinstance(caught.value, ValueError) and caught.value.__cause__ is None
    sentence = "parameter 'epochs': must be a whole number of at least 1, not 0"
    assert caught.value._render_traceback_() == [f"ParameterError: {sentence}"]


def test_seeds_become_a_number_for_each_family():
    numbers = {"cnn-small": 4, "resnet-small": 5, "cnn-large": 6}
    for given, found in [(3, [3, 3]), (numbers, [6, 4]), (str(numbers), [6, 4])]:
        seeds = read({"families": FAMILIES, "seeds": given}, ["families", "seeds"]).seeds
        assert list(seeds.items()) == list(zip(FAMILIES, found, strict=True))
    assert read({"seeds": 3}, ["seeds"]).seeds == 3


def test_widths_are_a_table_where_families_differ_and_else_a_list():
    families = ["resnet-small", "cnn-small"]
    table = {"cnn-small": [8, 4], "resnet-small": [4, 8, 32], "vit": [2, 4]}
    found = read({"families": families, "widths": table}, ["families", "widths"]).widths
    assert list(found.items()) == [("resnet-small", [4, 8, 32]), ("cnn-small", [4, 8])]
    for given, widths in [({"cnn-small": [8, 4]}, [4, 8]), (str(table), [4, 8]), ([3, 4], [3, 4])]:
        assert read({"families": ["cnn-small"], "widths": given}, ["families", "widths"]).widths == widths
    assert read({"families": families, "widths": dict.fromkeys(families, (8, 2))}, ["families", "widths"]).widths == [
        2,
        8,
    ]


@pytest.mark.parametrize(
    "name, value, sentence",
    [
        ("seeds", {"cnn-small": 4}, "has nothing for the family 'vit'"),
        ("widths", {"cnn-small": [4, 8]}, "has nothing for the family 'vit'"),
        ("widths", [3, 4], "vit has k / 2 heads: its width must be even, not 3"),
        ("widths", {"cnn-small": [4, 8], "vit": [4, 7]}, "vit has k / 2 heads: its width must be even, not 7"),
        ("widths", {"vit": [4]}, r"those of vit must be a list of at least 2 different values, not \[4\]"),
        ("widths", {"vgg": [4, 8]}, "unknown family 'vgg'; the families are cnn-small, .*"),
    ],
)
def test_what_chosen_families_cannot_have_is_refused(name, value, sentence):
    with pytest.raises(ParameterError, match=f"^parameter '{name}': {sentence}$"):
        read({"families": ["cnn-small", "vit"], name: value}, ["families", name])


def given(**values):
    return types.SimpleNamespace(**values)


# a check, arguments that it lets pass, and pairs of arguments that it refuses and the parameter with what is told
CHECKS = [
    (
        "check_grid",
        [(8, 1, 8), (None, 1, 8), (1, 3, 32)],
        [
            ((16, 1, 8), "'grid': grid must be a whole number from 1 to 8"),
            ((1, 1, 8, "grids"), "'grids': directions need at least 3 dimensions; a grid of 1 gives 1$"),
        ],
    ),
    (
        "check_widths",
        [({"cnn-small": [2, 4, 8], "vit": [2, 4, 8, 16]}, 3)],
        [(({"vit": [2, 4]}, 3), "'widths': this chapter needs at least 3 widths of each family, not 2 of vit$")],
    ),
    (
        "check_seeds",
        [({"cnn-small": 4, "vit": 9}, 4)],
        [
            (
                ({"cnn-small": 4, "vit": 3}, 4),
                "'seeds': this chapter needs at least 4 networks of each family, not 3 of vit$",
            )
        ],
    ),
    (
        "check_epoch_counts",
        [([5, 10], 2)],
        [(([5], 2), "'epoch_counts': this chapter needs at least 2 numbers of epochs, not 1$")],
    ),
    (
        "check_train_counts",
        [([10, 150, 1200], 1200, 10), ([129, 257], 1200, 10, 100)],
        [
            (([150, count], 1200, 10), rf"'train_counts': must be from 10 \(one a class\) to 1200, the .* not {count}$")
            for count in (9, 1201)
        ]
        + [
            (
                ([257], 1200, 10),
                "'train_counts': batches of 128 leave one of 257 training images over, which BatchNorm",
            ),
            (([65, 150], 1200, 10, 64), "'train_counts': batches of 64 leave one of 65 training images over"),
        ],
    ),
    (
        "check_batch_sizes",
        [([64, 512, 1200], 1200)],
        [
            (([64, 1201], 1200), "'batch_sizes': must be at most 1200, the number of training images, not 1201$"),
            (([64, 109], 1200), "'batch_sizes': batches of 109 leave one of 1200 training images over"),
        ],
    ),
    (
        "check_shared_widths",
        [([4, 8],)],
        [(({"vit": [4]},), "'widths': this chapter needs the same widths for all its families, one list, not {'vit'")],
    ),
    (
        "check_family_widths",
        [(["vit"], [2, 4]), (["cnn-small"], [3])],
        [((["vit"], [3, 4], "scale_widths"), "'scale_widths': vit has k / 2 heads: its width must be even, not 3$")],
    ),
    (
        "check_among",
        [
            ("control_family", "vit", "families", ["cnn-small", "vit"]),
            ("judged_eps", [0.05, 0.25], "eps", [0.05, 0.25, 0.5]),
        ],
        [
            (
                ("control_family", "cnn-small", "families", ["vit"]),
                "'control_family': must be among the families vit, not 'cnn-small'$",
            ),
            (
                ("judged_eps", [0.05, 0.1], "eps", [0.05, 0.5]),
                r"'judged_eps': must be .* eps 0.05, 0.5, not \[0.05, 0.1\]$",
            ),
        ],
    ),
    (
        "check_together",
        [(given(model_folder=both, picture_folder=both), "model_folder", "picture_folder") for both in (None, "a")],
        [
            (
                (given(model_folder=None, picture_folder="a"), "model_folder", "picture_folder"),
                "'picture_folder': needs 'model_folder' too$",
            )
        ],
    ),
    (
        "check_at_most",
        [("attack_images", 10, 10), ("attack_images", None, 10), ("image_counts", [10, 4], 10)],
        [
            (("attack_images", 11, 10), "'attack_images': must be at most 10, the number of test images, not 11$"),
            (
                ("cka_batches", [4, 12], 10, "such images"),
                "'cka_batches': must be at most 10, the number of such images, not 12$",
            ),
        ],
    ),
    ("check_deeper", [(26, 20)], [((14, 14), "'deep_depth': must be above shallow_depth, 14, not 14$")]),
]


@pytest.mark.parametrize("name, allowed, refused", CHECKS, ids=[name for name, *_ in CHECKS])
def test_parameters_that_cannot_work_together_are_refused_in_one_sentence(name, allowed, refused):
    check = getattr(parameters, name)
    for arguments in allowed:
        check(*arguments)
    for arguments, sentence in refused:
        with pytest.raises(ParameterError, match=f"^parameter {sentence}"):
            check(*arguments)


def test_every_check_is_tried_here():
    assert {name for name in vars(parameters) if name.startswith("check_")} == {name for name, *_ in CHECKS}


def test_a_path_is_seen_from_the_root_and_what_is_missing_there_is_told(tmp_path):
    assert parameters.located("pictures", "lib/parameters.py", "pictures").samefile(parameters.__file__)
    assert parameters.located("pictures", str(tmp_path), "pictures") == tmp_path
    with pytest.raises(
        ParameterError,
        match=r"^parameter 'pictures': there is no \.\./nowhere/x\.zip \(seen from the root of the checkout\); put test "
        r"pictures there, or name the place with -p pictures PATH$",
    ):
        parameters.located("pictures", "../nowhere/x.zip", "test pictures")


def test_what_a_parameter_leads_to_is_refused_in_its_name():
    with pytest.raises(ParameterError, match="^parameter 'images': too many$"), parameters.about("images"):
        raise ValueError("too many")
    with pytest.raises(ParameterError, match="^parameter 'images': too many$"), parameters.about("images"):
        raise ParameterError("parameter 'images': too many")  # in its own name already
    with pytest.raises(TypeError), parameters.about("images"):
        raise TypeError


@pytest.mark.parametrize(
    "name, value, sentence",
    [
        ("study", "a" * 300, "must be a name of at most 60 small letters"),
        ("study", "A" * 300, "must be a name of at most 60 small letters"),
        ("seeds", 10**9, "must be at most 10,000, not 1000000000"),
        pytest.param("seeds", 10**5000, "must be at most 10,000, not this int", id="thousands of digits"),
        ("epochs", 10**9, "must be at most 1,000,000"),
        ("widths", [4, 10**6], "must be at most 4,096"),
        ("widths", "[" * 3000, "is not a list or mapping"),
        ("widths", "[" * 3000 + "]" * 3000, "is not a list or mapping"),
        ("random_seed", 2**40, "must be at most 4,294,967,295"),
        ("output", "x" * 300, "unknown output"),
    ],
)
def test_what_no_machine_could_do_is_refused_in_a_short_sentence(name, value, sentence):
    with pytest.raises(parameters.ParameterError, match=sentence) as caught:
        parameters.read({name: value}, [name])
    assert len(str(caught.value)) <= 200 and "\n" not in str(caught.value)


def test_a_chapter_can_be_run_again_in_its_kernel():
    namespace = {"study": "mine", "epochs": 3}
    namespace["p"] = read(namespace, ["study", "epochs"])
    assert read({**namespace, "images": [1], "epochs": 4}, ["study", "epochs"]).epochs == 4


@pytest.mark.parametrize("name, table", [("widths", {"cnn-small": [4, 8]}), ("seeds", {"cnn-small": 4})])
def test_a_table_is_refused_where_families_cannot_be_chosen(name, table):
    sentence = f"^parameter '{name}': must not be a table in a chapter without the parameter 'families', not {table}$"
    with pytest.raises(ParameterError, match=sentence.replace("[", r"\[")):
        read({name: table}, [name])
