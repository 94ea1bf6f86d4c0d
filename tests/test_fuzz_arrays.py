"""Whatever comes to a public door of arrays: the right value or a refusal in a sentence, and nothing is changed."""

import numpy as np
import torch
from fuzzing import anything, bounded, forms, lawful, numbers, plain, rarely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import linalg, special
from small_networks import linear

from lib import attacks, cka, salience, similarity, sphere, stitching
from lib.salience import extraction

CLASSES, SHAPE = 3, (2, 3, 3)  # of a linear network
WEIGHTS = torch.randn(CLASSES, *SHAPE, generator=torch.Generator().manual_seed(0))
MODEL = linear(WEIGHTS)
PLAIN_WEIGHTS = WEIGHTS.flatten(1).double().numpy()
BIAS = MODEL[1].bias.detach().double().numpy()
SIZES = st.integers(1, 5)
SIDES = st.integers(1, 3)


def near(found, expected, tolerance=1e-4):
    np.testing.assert_allclose(plain(found), expected, rtol=tolerance, atol=tolerance)


@st.composite
def labelled(draw):
    """Images for the linear network with their labels, mostly such that they fit."""
    count = draw(SIZES)
    images = draw(rarely(numbers(count, *SHAPE), anything()))
    kind = draw(st.sampled_from(["i1", "u1", "i4", "i8", "u8"]))
    labels = draw(arrays.arrays(np.dtype(kind), count, elements=st.integers(0, CLASSES - 1)))
    return images, draw(rarely(forms(labels), anything()))


def scores_of(images):
    return plain(images).reshape(len(images), -1) @ PLAIN_WEIGHTS.T + BIAS


@bounded(60)
@given(labelled())
def test_input_gradients(pair):
    def oracle(found, images, labels):
        near(found, PLAIN_WEIGHTS[plain(labels).astype(int)].reshape(-1, *SHAPE))

    lawful(lambda images, labels: salience.input_gradients(MODEL, images, labels, device="cpu"), pair, oracle)


@bounded(40)
@given(rarely(SIZES.flatmap(lambda count: numbers(count, *SHAPE)), anything()))
def test_logits(images):
    def oracle(found, images):
        near(found, scores_of(images))

    lawful(lambda images: extraction.logits(MODEL, images, device="cpu"), [images], oracle)


@bounded(60)
@given(
    rarely(st.tuples(SIZES, SIDES, SIDES, SIDES).flatmap(lambda shape: numbers(*shape)), anything()),
    st.sampled_from([None, 1, 2, 3, 0, True, 1.0, "1"]),
)
def test_directions(gradients, grid):
    def oracle(found, gradients):
        x = plain(gradients)
        if grid:  # every pixel as a square of grid x grid, then means of whole squares
            rows, columns = x.shape[2:]
            x = x.repeat(grid, 2).repeat(grid, 3).reshape(*x.shape[:2], grid, rows, grid, columns).mean((3, 5))
        flat = x.reshape(len(x), -1)
        flat = flat / np.maximum(np.abs(flat).max(1, keepdims=True), np.finfo(float).tiny)
        lengths = np.linalg.norm(flat, axis=1, keepdims=True)
        whole = np.abs(plain(gradients)).reshape(len(x), -1).max(1, initial=0)
        sure = np.abs(x).reshape(len(x), -1).max(1, initial=0) > 1e-6 * whole  # means that cancel are rounding
        near(found[torch.from_numpy(sure)], (flat / np.where(lengths > 0, lengths, 1))[sure])

    lawful(lambda gradients: salience.directions(gradients, grid=grid), [gradients], oracle)


@st.composite
def units(draw, networks, images, dims):
    """Directions [networks, images, dims], some of them zero."""
    rows = draw(arrays.arrays(np.float64, (networks, images, dims), elements=st.integers(-3, 3), fill=st.nothing()))
    lengths = np.linalg.norm(rows, axis=2, keepdims=True)
    kind = np.dtype(draw(st.sampled_from(["f2", "f4", "f8", ">f8"])))
    return draw(forms((rows / np.where(lengths > 0, lengths, 1)).astype(kind)))


@st.composite
def populations(draw, single=False):
    images, dims = draw(SIZES), draw(st.integers(2, 4))
    pair = [draw(rarely(units(1 if single else draw(SIZES), images, dims), anything())) for _ in range(2)]
    return [one[0] if single and hasattr(one, "ndim") and one.ndim == 3 and len(one) else one for one in pair]


def cosines(a, b):
    """Mean cosine over the images at which both have a direction, in loops: [a, b]."""
    a, b = plain(a), plain(b)
    found = np.full((len(a), len(b)), np.nan)
    for i, first in enumerate(a):
        for j, second in enumerate(b):
            shared = [x @ y for x, y in zip(first, second) if x.any() and y.any()]
            found[i, j] = np.mean(shared) if shared else np.nan
    return found


@bounded(50)
@given(populations(single=True))
def test_individual(pair):
    lawful(similarity.individual, pair, lambda found, u, v: near(found, cosines([plain(u)], [plain(v)])[0, 0], 0.01))


@bounded(50)
@given(populations())
def test_pairwise(pair):
    lawful(similarity.pairwise, pair, lambda found, a, b: near(found, cosines(a, a if b is None else b), 0.01))


@bounded(50)
@given(populations())
def test_expected_and_the_cosine_of_mean_directions(pair):
    def mean(a, b=None):
        rho = cosines(a, a if b is None else b)
        return np.nanmean(rho if b is not None else rho[~np.eye(len(rho), dtype=bool)])

    lawful(similarity.expected, pair, lambda found, a, b: near(found, mean(a, b), 0.01))
    lawful(similarity.expected, pair[:1], lambda found, a: near(found, mean(a), 0.01))

    def corrected(found, a, b):
        within = mean(a), mean(b)
        if min(within) > 0.1:
            near(found, mean(a, b) / np.sqrt(within[0] * within[1]), 0.02)

    lawful(similarity.mean_direction_cosine, pair, corrected)


@bounded(30)
@given(populations())
def test_by_image(pair):
    def oracle(found, *pair):
        for image in range(found.shape[0]):
            for i, first in enumerate(pair):
                for j, second in enumerate(pair):
                    rho = cosines(plain(first)[:, image : image + 1], plain(second)[:, image : image + 1])
                    near(found[image, i, j], np.nanmean(rho[~np.eye(*rho.shape, dtype=bool)] if i == j else rho), 0.01)

    lawful(lambda *pair: similarity.by_image(pair), pair, oracle)


FUNCTIONS = {
    "uniform": lambda t: sphere.uniform_pdf(t, 5),
    "tail": lambda p: sphere.cosine_tail(p, 5),
    "resultant": lambda kappa: sphere.vmf_mean_resultant(kappa, 5),
    "concentration": lambda resultant: sphere.vmf_concentration(resultant, 5),
    "distances": similarity.wasserstein,
}


@bounded(60)
@given(st.sampled_from(sorted(FUNCTIONS)), rarely(numbers(2, 3, of=st.floats(0, 0.75, width=16)), anything()))
def test_functions_of_numbers(name, values):
    lawful(FUNCTIONS[name], [values], lambda found, values: near(found, FUNCTIONS[name](plain(values))))


@bounded(30)
@given(units(2, 4, 3), rarely(forms(np.arange(4) % 3), anything()))
def test_across_labels(directions, labels):
    def oracle(found, directions, labels):
        one, other = plain(directions)
        pairs = [(i, j) for i in range(4) for j in range(4) if plain(labels)[i] != plain(labels)[j]]
        shared = [one[i] @ other[j] for i, j in pairs if one[i].any() and other[j].any()]
        near(found[0, 1], np.mean(shared) if shared else np.nan, 0.01)

    lawful(similarity.across_labels, [directions, labels], oracle)


@st.composite
def representations(draw, least=4, axes=None):
    """Two layers of the same images, of numbers that are far from what rounding leaves."""
    count, pair = draw(st.integers(least - 1, 7)), []
    for _ in range(2):
        shape = count, *draw(st.lists(SIDES, min_size=axes or 1, max_size=axes or 3))
        numbers = draw(arrays.arrays(np.float64, shape, elements=st.integers(-8, 8), fill=st.nothing()))
        kind = np.dtype(draw(st.sampled_from(["f2", "f4", "f8", ">f8", "i1", "i8"])))
        pair.append(draw(rarely(forms(numbers.astype(kind)), anything())))
    return pair


def song(k, other):
    """The unbiased HSIC of Song et al. (2012), eq. 5, as it is printed."""
    n, k, other = len(k), k - np.diag(np.diag(k)), other - np.diag(np.diag(other))
    one = np.ones(n)
    middle = (one @ k @ one) * (one @ other @ one) / ((n - 1) * (n - 2))
    return (np.trace(k @ other) + middle - 2 / (n - 2) * one @ k @ other @ one) / (n * (n - 3))


def grams(*layers):
    flat = [plain(layer).reshape(len(layer), -1) for layer in layers]
    return [x @ x.T for x in flat]


@bounded(60)
@given(representations())
def test_linear_cka_and_hsic(pair):
    def oracle(found, x, y):
        k, other = grams(x, y)
        own = song(k, k), song(other, other)
        assert min(own) > 1e-9  # nothing is known of a single image
        near(found, song(k, other) / np.sqrt(np.prod(own)), 1e-3)

    lawful(cka.linear_cka, pair, oracle)
    lawful(cka.hsic, pair, lambda found, k, other: near(found, song(plain(k), plain(other)), 1e-3))


@bounded(40)
@given(representations(least=2, axes=1))
def test_similarity_indices(pair):
    def centred(x):
        x = plain(x) - plain(x).mean(0)
        return x / np.linalg.norm(x)

    def procrustes(found, x, y):
        width = max(np.shape(x)[1], np.shape(y)[1])
        padded = [np.pad(centred(one), ((0, 0), (0, width - np.shape(one)[1]))) for one in (x, y)]
        near(found, 2 - 2 * linalg.orthogonal_procrustes(*padded)[1])

    def correlations(found, x, y):
        bases = [linalg.orth(centred(one), rcond=1e-9) for one in (x, y)]
        near(found, np.cos(linalg.subspace_angles(*bases))[::-1].mean())

    lawful(stitching.procrustes_distance, pair, procrustes)
    lawful(stitching.mean_cca, pair, correlations)
    lawful(
        stitching.pwcca_distance, pair, lambda found, x, y: np.testing.assert_array_less([-1e-9, found], [found, 1.001])
    )


@bounded(40)
@given(representations(least=1, axes=3))
def test_direct_matching(pair):
    def oracle(found, source, target):
        size = plain(target).shape[2:]
        x, y = (np.moveaxis(plain(one), 1, -1).reshape(-1, plain(one).shape[1]) for one in (source, target))
        assert tuple(found.size) == size
        if plain(source).shape[2:] == size:
            best = linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y)[0]
            left = np.linalg.norm(np.column_stack([x, np.ones(len(x))]) @ best - y)
            mapped = x @ found.weight.detach().double().numpy().T + found.bias.detach().double().numpy()
            assert np.linalg.norm(mapped - y) <= left + 1e-3 * (1 + np.linalg.norm(y))

    lawful(stitching.direct_match, pair, oracle)


@bounded(40)
@given(representations(least=1), st.booleans())
def test_residuals(pair, same):
    def oracle(found, mapped, target):
        near(found, ((plain(mapped) - plain(target)) ** 2).sum() / (plain(target) ** 2).sum())

    lawful(stitching.residual, [pair[0]] * 2 if same else pair, oracle)


@st.composite
def attacked(draw):
    shape = draw(SIZES), *SHAPE
    return [draw(rarely(numbers(*shape), anything())) for _ in range(2)]


@bounded(50)
@given(attacked(), st.sampled_from([0, 0.25, 1, np.float32(0.5), -1, True, "1", None, np.nan, np.inf, 1e300, 1e-300]))
def test_one_step_attacks(pair, eps):
    def oracle(found, images, gradients):
        x = plain(images)
        near(found, np.clip(x - float(eps) * np.sign(plain(gradients)), x.min(), x.max()))

    lawful(lambda images, gradients: attacks.fgsm(images, gradients, eps=eps), pair, oracle)


@bounded(50)
@given(labelled(), attacked())
def test_decay_ratios(pair, others):
    clean, labels = pair

    def oracle(found, clean, after, labels):
        places = np.arange(len(clean)), plain(labels).astype(int)
        before, after = (special.log_softmax(scores_of(images), axis=1)[places] for images in (clean, after))
        near(np.log(found), special.logsumexp(after - before) - np.log(len(clean)), 1e-3)

    lawful(lambda *given: attacks.decay_ratio(MODEL, *given), [clean, others[0], labels], oracle)


@bounded(30)
@given(labelled(), st.integers(0, 3))
def test_hits_and_task_loss_matching(pair, epochs):
    def oracle(found, maps, labels):
        right = scores_of(maps).argmax(1) == plain(labels).astype(int)
        margins = np.sort(scores_of(maps), axis=1)
        sure = margins[:, -1] - margins[:, -2] > 1e-3
        assert (found.numpy() == right)[sure].all()

    lawful(lambda maps, labels: stitching.hits(torch.nn.Identity(), maps, MODEL, labels), pair, oracle)
    lawful(
        lambda maps, labels: stitching.match_task_loss([maps], MODEL, SHAPE, labels, epochs=epochs),
        pair,
        lambda found, *_: [part.isfinite().all() for part in found[0].parameters()],
    )
