"""Similarity of directions: slow twins, laws, laws that must not hold, and simulation against the truth."""

import itertools

import numpy as np
import pytest

from lib import similarity
from lib.similarity import expected, individual, mean_direction_cosine, pairwise, pairwise_of_parts


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def population(models, images=6, dims=10, pull=1.0, seed=0, toward=0):
    """Unit rows around one random centre an image; `toward` is the seed of the centres, `pull` their strength."""
    centre = np.random.default_rng(1000 + toward).standard_normal((images, dims))
    return unit(pull * centre + np.random.default_rng(seed).standard_normal((models, images, dims)))


def rotation(dims, seed):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((dims, dims)))[0]


def slow_pairwise(a, b):
    values = np.zeros((len(a), len(b)))
    for i, j in itertools.product(range(len(a)), range(len(b))):
        cosines = [u @ v for u, v in zip(a[i], b[j]) if u.any() and v.any()]
        values[i, j] = sum(cosines) / len(cosines)
    return values


@pytest.mark.filterwarnings("ignore:.*no direction")
@pytest.mark.parametrize("zeros", [False, True])
def test_pairwise_is_the_double_loop(zeros):
    a, b = population(4), population(3, seed=1)
    if zeros:
        a[0, 2] = a[1, 2] = a[1, 3] = b[2, 5] = 0
    np.testing.assert_allclose(pairwise(a, b), slow_pairwise(a, b), rtol=1e-12)
    np.testing.assert_allclose(pairwise(a), slow_pairwise(a, a), rtol=1e-12)
    parts = (a[:, part] for part in (slice(1), slice(1, 4), slice(4, 6)))
    np.testing.assert_allclose(pairwise_of_parts(parts), pairwise(a), rtol=1e-12)


def test_parts_of_other_networks_or_dims_are_refused():
    with pytest.raises(ValueError, match="^there are no parts of directions$"):
        pairwise_of_parts([])
    with pytest.raises(ValueError, match=r"^all parts need the same networks and dims, not \(4, 10\) and \(3, 10\)$"):
        pairwise_of_parts([population(4), population(3)])


def test_pairwise_is_symmetric_with_ones_on_the_diagonal_and_cosines_beside():
    values = pairwise(population(5))
    np.testing.assert_allclose(values, values.T, atol=1e-15)
    np.testing.assert_allclose(np.diag(values), 1, rtol=1e-12)
    assert np.abs(values).max() <= 1 + 1e-12
    np.testing.assert_allclose(pairwise(population(5), -population(5)), -values, rtol=1e-12)


def test_float32_directions_lose_no_more_than_float32():
    a = population(10, images=200, dims=192)
    assert expected(a.astype(np.float32)) == pytest.approx(expected(a), abs=1e-6)


def test_expected_averages_pairs_of_different_networks():
    a, b = population(4), population(3, seed=1)
    pairs = [individual(u, v) for u, v in itertools.combinations(a, 2)]
    assert expected(a) == pytest.approx(np.mean(pairs), rel=1e-12)
    assert expected(a, b) == pytest.approx(np.mean([individual(u, v) for u in a for v in b]), rel=1e-12)
    assert expected(a, b) == pytest.approx(expected(b, a), rel=1e-12)
    # The closed form of the fact sheet (3.7), image by image.
    sums = a.sum(0)
    assert expected(a) == pytest.approx(np.mean(((sums**2).sum(1) - 4) / (4 * 3)), rel=1e-12)


@pytest.mark.parametrize("models", [2, 3, 8])
def test_expected_is_unbiased_and_the_square_of_the_mean_is_not(models):
    truth = np.linalg.norm(population(200_000, images=1, pull=0.4, seed=99).mean((0, 1))) ** 2
    draws = [population(models, images=1, pull=0.4, seed=seed) for seed in range(2000)]
    values = np.array([expected(draw) for draw in draws])
    error = values.std() / np.sqrt(len(values))
    assert abs(values.mean() - truth) < 4 * error
    plain = np.mean([np.sum(draw.mean(0) ** 2) for draw in draws])
    assert plain - truth > 10 * error


def test_a_rotation_of_all_directions_changes_nothing_and_of_one_population_does():
    a, b, q = population(4, pull=2), population(5, pull=2, seed=1), rotation(10, 0)
    for statistic in (expected, mean_direction_cosine, lambda u, v: mean_direction_cosine(u, v, corrected=False)):
        assert statistic(a @ q, b @ q) == pytest.approx(statistic(a, b), rel=1e-10)
        assert abs(statistic(a @ q, b) - statistic(a, b)) > 0.3
    assert expected(a @ q) == pytest.approx(expected(a), rel=1e-10)


@pytest.mark.parametrize("same", [True, False])
def test_the_corrected_cosine_of_few_networks_is_near_the_truth_and_the_raw_one_too_small(same):
    """Weakly and strongly pulled populations of 4 networks, towards one centre or two."""
    sizes = {"images": 300, "dims": 30}
    other = 0 if same else 1

    def mean_direction(pull, toward):
        return unit(population(2000, pull=pull, seed=7, toward=toward, **sizes).mean(0))

    truth = (mean_direction(0.6, 0) * mean_direction(1.2, other)).sum(1).mean()
    raw, corrected = [], []
    for seed in range(20):
        a = population(4, pull=0.6, seed=2 * seed, toward=0, **sizes)
        b = population(4, pull=1.2, seed=2 * seed + 1, toward=other, **sizes)
        raw.append(mean_direction_cosine(a, b, corrected=False))
        corrected.append(mean_direction_cosine(a, b))
    assert abs(np.mean(corrected) - truth) < 0.02
    if same:
        assert truth > 0.99 and np.mean(raw) < 0.9


def test_mean_direction_cosine_of_a_population_with_itself_is_one_uncorrected_and_nan_without_concentration():
    a = population(5)
    assert mean_direction_cosine(a, a, corrected=False) == pytest.approx(1, rel=1e-12)
    opposed = np.concatenate([a[:1], -a[:1]])
    assert expected(opposed) == pytest.approx(-1) and np.isnan(mean_direction_cosine(opposed, a))


@pytest.mark.parametrize("images_a_template", [1, 10])
def test_the_band_of_chance_holds_pairs_of_networks_and_is_wider_where_images_are_alike(images_a_template):
    """A network has a direction of its own for every template: with few of them images are no independent draws."""
    directions = unit(np.random.default_rng(0).standard_normal((60, 50 // images_a_template, 12)))
    repeated = np.repeat(directions, images_a_template, axis=1)
    limit = similarity.chance_limit(50 // images_a_template, 12)
    band = similarity.chance_band([repeated[:20], repeated[20:]])
    np.testing.assert_allclose(band, [-limit, limit], rtol=0.1)
    others = unit(np.random.default_rng(1).standard_normal((60, *repeated.shape[1:])))
    assert np.mean((pairwise(repeated, others) > band[0]) & (pairwise(repeated, others) < band[1])) >= 0.94


def test_images_of_different_classes_are_compared_with_each_other_alone():
    directions, labels = population(3, images=7), np.array([0, 0, 1, 2, 1, 0, 2])
    directions[1, 3] = 0
    found = similarity.across_labels(directions, labels)
    for i, j in itertools.product(range(3), repeat=2):
        cosines = [
            directions[i, x] @ directions[j, y]
            for x, y in itertools.product(range(7), repeat=2)
            if labels[x] != labels[y] and directions[i, x].any() and directions[j, y].any()
        ]
        assert found[i, j] == pytest.approx(np.mean(cosines))


STATISTICS = {
    "pairwise": lambda a, b: pairwise(a, b).mean(),
    "expected": expected,
    "cosine of means": mean_direction_cosine,
    "raw cosine of means": lambda a, b: mean_direction_cosine(a, b, corrected=False),
    "individual": lambda a, b: individual(a[0], b[0]),
}


@pytest.mark.filterwarnings("ignore:.* of (18|24) gradients")  # of one of the two populations by itself
@pytest.mark.parametrize("name", STATISTICS)
def test_an_image_without_any_direction_counts_as_not_there_and_is_told(name):
    a, b = population(3), population(4, seed=1)
    without = STATISTICS[name](a[:, 1:], b[:, 1:])
    a[:, 0], b[:, 0] = 0, 0
    count, total = (2, 12) if name == "individual" else (7, 42)
    with pytest.warns(UserWarning, match=f"{count} of {total} gradients are zero and have no direction"):
        assert STATISTICS[name](a, b) == pytest.approx(without, rel=1e-12)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda a: pairwise(a[0]), r"\[networks, images, dims\], not of shape \(6, 10\)"),
        (lambda a: pairwise(a, a[:, 1:]), r"same images and dims, not \(6, 10\) and \(5, 10\)"),
        (lambda a: expected(a, a[:, :, 1:]), r"same images and dims, not \(6, 10\) and \(6, 9\)"),
        (lambda a: pairwise(a * np.nan), "directions must be finite"),
        (lambda a: expected(a[:1]), "at least 2 networks, not 1"),
        (lambda a: mean_direction_cosine(a[:1], a), "at least 2 networks, not 1"),
        (lambda a: mean_direction_cosine(a, a[:, :1], corrected=False), r"images and dims, not \(6, 10\) and \(1"),
        (lambda a: individual(a[0], a[0, 1:]), r"one shape \[images, dims\], not \(6, 10\) and \(5, 10\)"),
        (lambda a: individual(a, a), r"one shape \[images, dims\]"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=message):
        call(population(3))


@pytest.mark.filterwarnings("ignore:.*no direction")
def test_a_network_without_any_direction_is_left_out_of_the_expectation():
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((4, 6, 5))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    dead = directions.copy()
    dead[1] = 0
    alive = directions[[0, 2, 3]]
    assert similarity.expected(dead) == pytest.approx(similarity.expected(alive))
    assert similarity.expected(dead, directions) == pytest.approx(similarity.expected(alive, directions))
    assert np.isnan(similarity.pairwise(dead)[1]).all()


def test_gradients_that_are_zero_are_counted_for_each_population():
    rng = np.random.default_rng(0)
    narrow, wide = rng.standard_normal((2, 3, 5, 4))
    narrow[0, 1] = narrow[2, :2] = 0
    assert similarity.zero_counts({("vit", 2): narrow, ("vit", 4): wide, ("cnn-small", 2): wide}) == {
        "vit": {2: 3, 4: 0},
        "cnn-small": {2: 0},
    }
