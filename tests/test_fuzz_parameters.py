"""Whatever is given as a parameter, as a value or as words of a command: it is taken, or refused in a sentence."""

import pytest
from fuzzing import bounded
from hypothesis import given
from hypothesis import strategies as st

from lib import parameters, run
from lib.parameter_types import TYPES

CHAPTERS = [path.stem for path in run.NOTEBOOKS.glob("*.py") if path.stem != "conftest"]
ATOMS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 40)
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["digits", "cnn-small", "resnet-8", "logit", "mine:", "a:b:c", ":", "imagefolder:", "float32", "\0", "~"]
    )
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["cnn-small", "vit", "", 3, None]), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=6,
)
# What a shell hands over, and what YAML makes something else of.
WORDS = st.text(max_size=12) | st.sampled_from(
    ["[4, 8]", "[", "{", "{a: [}", "2001-13-45", "1e400", "0x", "0b2", "1:99", "!!python/object:os.system x", "*a"]
    + [
        "&a [*a]",
        "null",
        "~",
        "yes",
        ".nan",
        ".inf",
        "- 3",
        "? x",
        "!!binary x",
        "!!timestamp x",
        "!!int x",
        "9" * 5000,
    ]
    + ["[" * 3000, "!!float x", "!!set {a}", "!!omap [a]", "<<: 3", "{<<: 3}", "\t", "\x85", "%", "@", "`"]
)


def refused(call, *given):
    """Whether a call refuses, in a sentence that one can read."""
    try:
        call(*given)
    except (parameters.ParameterError, run.Refused) as refusal:
        assert 10 < len(str(refusal)) < 1000 and "\n" not in str(refusal).strip()
        return True
    return False


@bounded(300)
@given(st.sampled_from(sorted(TYPES)), VALUES)
def test_a_value_is_taken_or_refused_by_name(name, value):
    def read():
        namespace = {name: value, "families": ["cnn-small"]} if name in ("seeds", "widths") else {name: value}
        values = parameters.read(namespace, namespace)
        again = parameters.read(namespace | vars(values), namespace)
        assert vars(again) == vars(values)  # what was taken is taken as it is

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GREATMINDS_SCHEDULER", raising=False)
        refused(read)


@bounded(150)
@given(
    st.sampled_from(CHAPTERS),
    st.lists(WORDS | st.sampled_from(["--widths", "--seeds=3", "--", "--=", "--output"]), max_size=5),
)
def test_words_are_taken_or_refused(chapter, words):
    known = run.defaults(run.NOTEBOOKS / f"{chapter}.py")
    refused(lambda: parameters.read(known | run.given(words, known, chapter)[0], known))


@bounded(60)
@given(st.text(max_size=10) | st.sampled_from(["0", "A", "03_", "..", "/", "*", "[0-9]", "03\0"]))
def test_a_chapter_is_found_or_refused(name):
    assert refused(run.chapter_of, name) or run.chapter_of(name) in CHAPTERS


@bounded(60)
@given(
    st.text(max_size=12) | st.sampled_from(["\0", "~nobody-at-all/x", "~", "a" * 5000, "notebooks/x", "/", "\ud800"])
)
def test_an_output_has_a_place_or_is_refused(output):
    refused(run.place_of, output, "mine", CHAPTERS[0])
