"""Groups of networks on any images: planted similarities come out, what is missing is said, arguments are checked."""

import numpy as np
import pytest
import torch
from small_networks import linear, random_images, returning
from torch import nn

from lib.own import comparison
from lib.own.comparison import compare

T = {"wide": 0.9, "narrow": 0.4, "middle": 0.7}
pytestmark = pytest.mark.filterwarnings("ignore:no better than")  # untrained networks guess


def planted(networks=3, channels=1, factors=dict.fromkeys(T, 1)):
    """Groups whose networks have t * mu + sqrt(1 - t^2) * a direction of their own: rho is t_i t_j, exactly."""
    count, generator = 1 + networks * len(T), torch.Generator().manual_seed(1)
    bases = [
        torch.linalg.qr(torch.randn(channels * 64, count, generator=generator, dtype=float))[0].T for _ in range(4)
    ]  # orthonormal rows for each class
    rows, own = torch.stack(bases).float().unflatten(2, (channels, 8, 8)), 0  # [classes, count, C, 8, 8]
    groups = {}
    for name, t in T.items():
        groups[name] = []
        for _ in range(networks):
            own += 1
            groups[name].append(linear(t * rows[:, 0] + (1 - t**2) ** 0.5 * rows[:, own], factor=factors[name]))
    return groups


@pytest.mark.parametrize("channels", [1, 3])
def test_planted_similarities_mean_directions_and_expected_t_are_found(channels):
    images, labels = random_images(channels=channels)
    found = compare(planted(channels=channels), images, labels)
    t = np.array(list(T.values()))
    for (estimate, low, high), truth in (
        (found.rho, np.outer(t, t)),
        (found.mean_direction_cosines, np.ones((3, 3))),
        (found.expected_t, t),
    ):
        for part in (estimate, low, high):  # no chance is left in the planted populations
            np.testing.assert_allclose(part, truth, atol=1e-5)
    assert found.samples == "networks and images" and found.groups == list(T) and found.networks == [3, 3, 3]
    assert found.notes() == ["The intervals count networks and images as samples."]
    frame = found.to_frame()
    assert frame.loc[("wide", "middle"), ("rho", "low")] == found.rho[1][0, 2] and len(frame) == 6
    assert list(found.table().index) == list(T) and (found.table()["zero gradients"] == 0).all()


def test_networks_that_take_other_sizes_of_the_same_images_are_compared_on_the_grid():
    factors = {"wide": 1, "narrow": 3, "middle": 2}
    images, labels = random_images()
    sizes = {name: images.repeat_interleave(k, 2).repeat_interleave(k, 3) for name, k in factors.items()}
    t = np.array(list(T.values()))
    found = compare(planted(factors=factors), sizes, labels)
    np.testing.assert_allclose(found.rho[0], np.outer(t, t), atol=1e-5)
    with pytest.raises(ValueError, match="same number of channels, and without a grid the same size"):
        compare(planted(factors=factors), sizes, labels, grid=None)


def test_single_networks_have_a_similarity_of_pairs_and_the_t_of_the_rank_one_fit():
    images, labels = random_images()
    found = compare({name: group[0] for name, group in planted().items()}, images, labels)
    t = np.array(list(T.values()))
    off = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose(found.rho[0][off], np.outer(t, t)[off], atol=1e-5)
    np.testing.assert_allclose(found.expected_t[0], t, atol=1e-5)
    assert np.isnan(found.rho[0][~off]).all() and np.isnan(found.mean_direction_cosines[0]).all()
    assert found.samples == "images"
    first, second = found.notes()
    assert "images alone as samples, and say nothing about other networks" in first
    assert "no E[t] of its own: wide, narrow, middle. Its E[t] is that of the rank-one fit" in second


def test_a_single_network_among_groups_gets_its_t_from_the_fit_and_the_groups_from_their_pairs():
    images, labels = random_images()
    groups = planted()
    found = compare({**groups, "narrow": groups["narrow"][0]}, images, labels)
    np.testing.assert_allclose(found.expected_t[0], list(T.values()), atol=1e-5)
    np.testing.assert_array_equal(np.isnan(np.diag(found.rho[0])), [False, True, False])
    assert found.samples == "images" and found.networks == [3, 1, 3]


def test_two_single_networks_have_no_t_and_one_alone_nothing():
    images, labels = random_images()
    wide, narrow = planted()["wide"][0], planted()["narrow"][0]
    found = compare({"a": wide, "b": narrow}, images, labels)
    assert np.isnan(found.expected_t[0]).all() and "With three groups or more" in found.notes()[1]
    np.testing.assert_allclose(found.rho[0][0, 1], 0.36, atol=1e-5)
    with pytest.raises(ValueError, match="one network alone has nothing to be compared with"):
        compare({"a": wide}, images, labels)


def test_an_interval_that_needs_a_sign_that_images_do_not_settle_is_missing_and_said():
    """Two thirds of the images have similarity 1, one third -1: drawn again, the mean is sometimes negative."""
    images, labels = random_images(classes=3)
    rows = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    sign = torch.tensor([1, 1, -1])[:, None, None, None]
    found = compare({"a": linear(rows), "b": linear(rows), "c": linear(rows * sign)}, images, labels)
    np.testing.assert_allclose(found.expected_t[0], [1, 1, 1 / 3], atol=1e-5)
    assert np.isnan(found.expected_t[1]).all() and "E[t] has no interval where a similarity" in found.notes()[2]


def test_one_group_two_networks_and_opposite_networks_say_what_is_missing():
    images, labels = random_images()
    wide = planted()["wide"]
    found = compare({"wide": wide[:2]}, images, labels)
    np.testing.assert_allclose(found.expected_t[0], [0.9], atol=1e-5)
    assert "Two networks give no interval within their group: wide." in found.notes()
    minus = linear(-wide[2][1].weight.detach().unflatten(1, (1, 8, 8)))
    found = compare({"a": wide[0], "b": wide[1], "c": minus}, images, labels)
    assert np.isnan(found.expected_t[0]).all()
    assert found.notes()[2] == "There is no E[t] where a similarity that it rests on is not positive."


def test_a_mean_direction_that_is_not_established_is_said():
    """The networks of one group have nothing in common."""
    images, labels = random_images()
    own = [linear(torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(seed))) for seed in range(3)]
    (note,) = (note for note in compare({"own": own, **planted()}, images, labels).notes() if "mean-direction" in note)
    assert note.startswith("The mean-direction cosine is not established, ") and note.endswith(
        ": own and wide; own and narrow; own and middle."
    )


def test_a_group_that_cannot_be_compared_is_refused_before_others_are_computed():
    images, labels = random_images()
    seen = []
    first = returning(lambda s: (seen.append(len(s)), s)[1])
    with pytest.raises(ValueError, match="the model bad, network 2 returns 2 things"):
        compare({"good": [first, first], "bad": nn.ModuleList([first, returning(lambda s: (s, s))])}, images, labels)
    assert set(seen) == {2}  # two images, to see whether it works
    made = (returning(lambda s: (s, s)) for _ in range(2))
    with pytest.raises(ValueError, match="the model made, network 1 returns 2 things"):
        compare({"good": [first, first], "made": made}, images, labels)
    assert set(seen) == {2}


def test_groups_have_scores_of_their_own_and_a_scores_that_fails_is_named():
    images, labels = random_images()
    plain, several = returning(lambda s: s), returning(lambda s: (0, s))
    scores = {"several": lambda output: output[1]}
    found = compare({"plain": plain, "several": several}, images, labels, scores=scores)
    np.testing.assert_array_equal(found.directions["several"], found.directions["plain"])
    for wrong, sentence in (
        (lambda output: output.logits, "^scores fails on what the model plain returns, a Tensor: AttributeErr"),
        (
            scores | {"severl": len},
            "^scores has the group 'severl'; did you mean 'several'\\? the groups are 'plain', ",
        ),
        (
            {"several": lambda output: output[2]},
            "^scores fails on what the model several returns, a tuple: IndexError: t",
        ),
    ):
        with pytest.raises(ValueError, match=sentence):
            compare({"plain": plain, "several": several}, images, labels, scores=wrong)


LABELS = torch.arange(12) % 4


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ({"models": [returning(lambda s: s)]}, "models must be a dictionary of a name and .*, not a list"),
        ({"models": {1: returning(lambda s: s)}}, "names of groups must be strings, not 1"),
        ({"models": {"a": 3}}, "the group 'a' must be a torch.nn.Module or several, not a int"),
        ({"models": {}}, "there are no models; give a dictionary"),
        ({"models": {"a": []}}, "the group 'a' has no networks"),
        ({"images": {"b": torch.zeros(12, 1, 8, 8)}}, "the group 'a' has no images; those that have are 'b'"),
        ({"models": {"a": [3]}}, "the model a, network 1 must be a torch.nn.Module, not a int"),
        ({"models": {"a": nn.LazyLinear(4)}}, "the model a has lazy layers without weights; call it once on an image"),
        ({"images": torch.zeros(12, 64)}, r"images must be a tensor \[images, channels, height, width\], not \[12"),
        ({"images": torch.zeros(12, 1, 8, 8, dtype=torch.uint8)}, "of floating-point numbers, .* of torch.uint8"),
        ({"images": "pictures"}, "images must be a dense tensor or array of numbers, not a str"),
        ({"labels": LABELS[:5]}, "12 images need as many labels, not 5"),
        ({"labels": LABELS - 1}, "labels must be from 0 on, not -1"),
        ({"labels": LABELS / 2}, r"class indices, whole numbers \[images\], not \[12\] of the type torch.float32"),
        ({"labels": LABELS[:1], "images": torch.zeros(1, 1, 8, 8)}, "images must hold 2 images or more, not"),
        ({"grid": 9}, "grid must be a whole number from 1 to 8"),
        ({"output": "loss"}, "unknown output 'loss'; the outputs are logit"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, not 0"),
        ({"draws": 1}, "draws must be a whole number of at least 2, not 1"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, sentence):
    images, labels = random_images()
    usual = {"models": {"a": returning(lambda s: s)}, "images": images, "labels": labels}
    with pytest.raises(ValueError, match=sentence):
        comparison.compare(**(usual | arguments))
