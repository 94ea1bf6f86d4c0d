"""Scores of layers against layers, one by one and over pairs of networks."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_networks import network, random_images

from lib.data import ImageData
from lib.models.cut_networks import LOGITS, CutNetwork
from lib.stitching import SIMILARITY_INDICES, direct_match, hits, match_task_loss, residual
from lib.stitching.layers import Layer, Matching, index_scores, target_scores
from lib.stitching.stitched_pairs import NARROWED, SEEDS, WIDENED, WITHIN, cut, planned_pairs, score_pairs

pytestmark = pytest.mark.usefixtures("unstored")
MATCHING = Matching(fit_images=20, fit_counts=(5, 40), epochs=2, learning_rate=1e-2, compared_epochs=(1, 3))


@pytest.fixture(scope="module")
def images():
    train, test = random_images(40), random_images(30, seed=5)
    return ImageData("noise", 0, *train, *test, tuple("abcd"), (0.0,), (1.0,))


def layers(net, images):
    train, test = (net.representations(part) for part in (images.train_images, images.test_images))
    return [Layer(train[point], test[point]) for point in net.points]


@pytest.fixture(scope="module")
def nets():
    return {(2, seed): CutNetwork(network(seed, "resnet-8", 1)) for seed in range(3)} | {
        (4, seed): CutNetwork(network(seed, "resnet-8", 2)) for seed in range(3)
    }


def test_the_scores_of_a_target_are_those_of_its_maps(nets, images):
    front, end = nets[2, 0], nets[4, 1]
    sources, target = layers(front, images), layers(end, images)[1]
    exact, labels = end.end(end.points[1]), Layer(images.train_labels, images.test_labels)
    found = target_scores(sources, target, exact, labels, MATCHING, 3)

    def trained_for(epochs):
        shape, generator = target.train.shape[1:], torch.Generator().manual_seed(3)
        maps = [source.train for source in sources]
        return match_task_loss(maps, exact, shape, images.train_labels, generator, epochs=epochs, learning_rate=1e-2)

    trained = trained_for(2)
    for moment, epochs in enumerate(MATCHING.compared_epochs):  # as another training of that length
        right = [hits(one, source.test, exact, images.test_labels) for one, source in zip(trained_for(epochs), sources)]
        np.testing.assert_array_equal(found["hits_by_epochs"][..., moment], np.stack(right))
    for place, source in enumerate(sources):
        fitted = {count: direct_match(source.train[:count], target.train[:count]) for count in (5, 20, 40)}
        assert found["direct_hits"][place].tolist() == hits(fitted[20], source.test, exact, images.test_labels).tolist()
        for count, value in zip((20, 5, 40), (found["direct_residual"][place], *found["residual_by_count"][place])):
            assert value == pytest.approx(residual(fitted[count](source.test), target.test), rel=1e-4)
        assert found["task_loss_residual"][place] == pytest.approx(
            residual(trained[place](source.test), target.test), rel=1e-3
        )
        assert found["task_loss_hits"][place].shape == (30,) and found["task_loss_hits"].dtype == bool


def test_indices_are_those_of_every_two_layers(nets, images):
    front, end = ([layer.test for layer in layers(nets[key], images)] for key in ((2, 0), (4, 0)))
    for name, values in index_scores(front, end).items():
        for (source, target), value in np.ndenumerate(values):
            assert value == pytest.approx(SIMILARITY_INDICES[name].between(front[source], end[target]), abs=1e-5)


def test_a_network_and_itself(nets, images, inline):
    """Known values of the diagonal, and the end's own accuracy."""
    net = nets[2, 0]
    matching = replace(MATCHING, fit_images=40)  # a channel that fewer images leave at zero would have no weight
    (found,) = score_pairs({(2, 0): net}, [((2, 0), (2, 0))], images, matching, executor=inline).values()
    own = net.representations(images.test_images)[LOGITS].argmax(1) == images.test_labels
    assert found.own_hits.tolist() == own.tolist()
    np.testing.assert_allclose(np.diagonal(found.direct_residual), 0, atol=1e-8)
    for j in range(3):
        assert found.direct_hits[j, j].tolist() == own.tolist()
    for name, index in SIMILARITY_INDICES.items():
        np.testing.assert_allclose(np.diagonal(found.indices[name]), 1 if index.furthest is None else 0, atol=1e-6)


def test_scores_do_not_depend_on_the_other_pairs(nets, images, inline):
    pair = (2, 1), (2, 0)
    alone = score_pairs(nets, [pair], images, MATCHING, executor=inline)[pair]
    others = [((2, 0), (2, 0)), pair, ((4, 0), (2, 0)), (pair[1], pair[0])]
    together = score_pairs(nets, others, images, MATCHING, executor=inline)
    assert list(together) == others
    for name in ("direct_residual", "residual_by_count", "direct_hits"):
        np.testing.assert_array_equal(getattr(together[pair], name), getattr(alone, name))
    np.testing.assert_equal(together[pair].indices, alone.indices)
    np.testing.assert_allclose(together[pair].task_loss_residual, alone.task_loss_residual, rtol=1e-3)
    assert together[pair].task_loss_hits.shape == (3, 3, 30)


def test_the_seed_decides_and_both_ways_of_a_pair_differ(nets, images, inline):
    pair = (2, 1), (2, 0)
    first, again, other = (score_pairs(nets, [pair], images, MATCHING, seed, inline)[pair] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.task_loss_residual, again.task_loss_residual)
    assert (first.task_loss_residual != other.task_loss_residual).all()
    assert (first.direct_residual != other.direct_residual).any()  # other images to fit
    back = score_pairs(nets, [pair[::-1]], images, MATCHING, executor=inline)[pair[::-1]]
    assert np.abs(back.direct_residual - first.direct_residual).max() > 1e-3


def test_processes_find_what_this_one_does(nets, images, inline):
    pair = (2, 0), (2, 1)
    here, there = (score_pairs(nets, [pair], images, MATCHING, executor=executor)[pair] for executor in (inline, None))
    np.testing.assert_allclose(there.task_loss_residual, here.task_loss_residual, rtol=1e-5)
    np.testing.assert_allclose(there.direct_residual, here.direct_residual, rtol=1e-9)


def test_what_cannot_be_scored_is_refused_in_a_sentence(nets, images, inline):
    with pytest.raises(ValueError, match="direct matching with 50 images needs as many training images, and there are"):
        score_pairs(nets, [((2, 0), (2, 0))], images, Matching(5, (50,)), executor=inline)
    deep = {(2, 0): nets[2, 0], (2, 1): CutNetwork(network(family="resnet-14", width=1))}
    with pytest.raises(ValueError, match="equally many layers"):
        score_pairs(deep, [((2, 0), (2, 1))], images, MATCHING, executor=inline)
    dead = CutNetwork(network(4, "resnet-8", 1))
    for block in list(dead.pieces.values())[2:-1]:
        for part in block.parameters():
            part.zero_()
    with pytest.raises(ValueError, match="stage2.0 of the network k = 2, seed 4 is the same for all test images"):
        score_pairs({(2, 4): dead}, [((2, 4), (2, 4))], images, MATCHING, executor=inline)


def test_pairs_are_a_ring_of_the_widest_and_twins_of_both_widths():
    wide = [0, 2, 3]
    assert planned_pairs(8, {2: [0, 1], 8: wide}) == {
        WITHIN: [((8, 0), (8, 0)), ((8, 2), (8, 2)), ((8, 3), (8, 3))],
        SEEDS: [((8, 0), (8, 2)), ((8, 2), (8, 3)), ((8, 3), (8, 0))],
        NARROWED: [((8, 0), (2, 0)), ((8, 2), (2, 1))],
        WIDENED: [((2, 0), (8, 0)), ((2, 1), (8, 2))],
    }
    assert set(planned_pairs(8, {8: wide})) == {WITHIN, SEEDS}


def test_only_the_networks_of_the_pairs_are_cut():
    population = SimpleNamespace(
        networks=[SimpleNamespace(seed=seed) for seed in (0, 3, 4)],
        models=lambda: (network(seed, "resnet-8", 1) for seed in (0, 3, 4)),
    )
    found = cut({1: population}, [((1, 0), (1, 4))])
    assert list(found) == [(1, 0), (1, 4)] and found[1, 4].points == ("stage1.0", "stage2.0", "stage3.0")
    image = random_images(1)[0]
    assert torch.equal(found[1, 4].representations(image)[LOGITS], network(4, "resnet-8", 1)(image))
