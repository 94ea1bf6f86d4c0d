"""What comes to a public door by accident, made by hypothesis, and the law that every door keeps.

The examples are the same at every run (`BOUNDED`); more of them are tried by hand, FUZZ times as many.
"""

import copy
import os
import warnings

import numpy as np
import torch
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

FUZZ = int(os.environ.get("FUZZ", 1))


def bounded(examples):
    """So many examples, the same ones always; FUZZ times as many, drawn anew, by hand."""
    return settings(
        max_examples=examples * FUZZ,
        derandomize=FUZZ == 1,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


SHAPES = arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
KINDS = ["f2", "f4", "f8", ">f4", ">f8", "i1", "i8", "u1", "u2", "u8", "?", "c8", "U3", "O", "M8[s]"]
WIDE = st.floats(allow_nan=True, allow_infinity=True)
NARROW = st.floats(-100, 100, width=16)
# What holds no array, or not one alone.
ODD = st.sampled_from(
    [None, "", "logit", b"x", 3, -1.5, float("nan"), [], [[]], {}, {"a": 1}, [1, [2]], object, range(3)]
)


@st.composite
def anything(draw):
    """An array of any kind and shape, in any form, or something else."""
    if draw(st.integers(0, 9)) == 0:
        return draw(ODD)
    kind = draw(st.sampled_from(KINDS))
    of = NARROW if kind == "O" else None
    return draw(forms(draw(arrays.arrays(np.dtype(kind), draw(SHAPES), elements=of))))


@st.composite
def forms(draw, array):
    """The same numbers as another object."""
    shapes = {
        "array": lambda: array,
        "reversed": lambda: array[..., ::-1][..., ::-1] if array.ndim else array,
        "strided": lambda: np.repeat(array, 2, -1)[..., ::2] if array.ndim else array,
        "locked": lambda: _locked(array),
        "list": array.tolist,
    }
    if array.dtype.kind in "fiub?" and array.dtype.isnative:
        shapes |= {
            "tensor": lambda: torch.from_numpy(array.copy()),
            "with a graph": lambda: _with_graph(torch.from_numpy(array.copy())),
            "of inference": lambda: _of_inference(array),
            "turned": lambda: torch.from_numpy(array.T.copy()).permute(tuple(reversed(range(array.ndim)))),
            "rows": lambda: list(torch.from_numpy(array.copy())) if array.ndim else array,
        }
    return shapes[draw(st.sampled_from(list(shapes)))]()


def _locked(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def _with_graph(tensor):
    return tensor.clone().requires_grad_() * 1 if tensor.is_floating_point() else tensor


def _of_inference(array):
    with torch.inference_mode():
        return torch.from_numpy(array.copy()).clone()


@st.composite
def numbers(draw, *shape, kinds=("f2", "f4", "f8", ">f8"), of=NARROW):
    """Floating-point numbers of a shape that fits, as an array of any form."""
    kind = np.dtype(draw(st.sampled_from(kinds)))
    return draw(forms(draw(arrays.arrays(kind, shape, elements=of, fill=st.nothing()))))


def rarely(strategy, odd):
    """Mostly what fits, one time in eight something else."""
    return st.integers(0, 7).flatmap(lambda place: strategy if place else odd)


def plain(values):
    """The numbers of any form as a float64 array of numpy."""
    if isinstance(values, list) and values and all(isinstance(one, torch.Tensor) for one in values):
        values = torch.stack(values)
    return values.detach().numpy().astype(float) if isinstance(values, torch.Tensor) else np.asarray(values, float)


def lawful(call, given, oracle=None):
    """A door gives a value that an oracle finds too, or refuses in one sentence, and leaves what it was given alone.

    Args:
        call: of the things given; ValueError is a refusal, and any other exception ends the test.
        oracle: of the same things, called on copies when there is a value; a mapping of names to such functions.
    """
    before = copy.deepcopy([_bits(one) for one in given])
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = call(*given)
    except ValueError as refusal:
        sentence = str(refusal)
        assert 10 < len(sentence) < 1000 and "\n" not in sentence.strip(), sentence
        assert "truth value" not in sentence and "setting an array element" not in sentence, sentence
        found = None
    assert [_bits(one) for one in given] == before, "what was given has changed"
    if found is not None and oracle is not None:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            oracle(found, *given)
    return found


def _bits(value):
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.detach().contiguous().view(-1).numpy().tobytes()
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, repr(value.tolist()) if value.dtype.kind == "O" else value.tobytes()
    if isinstance(value, (list, tuple)):
        return [_bits(one) for one in value]
    return repr(value)
