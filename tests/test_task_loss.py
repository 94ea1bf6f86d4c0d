"""Task loss matching against independent oracles: a plain loop of Adam, and maps trained one by one."""

import copy

import pytest
import torch
from small_networks import fingerprint, network, random_images
from torch import nn
from torch.nn import functional as F

from lib.models.cut_networks import CutNetwork
from lib.stitching import accuracy, direct_match, hits, match_task_loss


def train(sources, net, point, labels, seed=0, **options):
    options = {"epochs": 4, "learning_rate": 1e-2, "batch_size": 5} | options
    return match_task_loss(
        sources, net.end(point), net.shapes[point], labels, torch.Generator().manual_seed(seed), **options
    )


@pytest.fixture
def matched():
    net = CutNetwork(network(family="resnet-large", width=2).to(torch.float64))
    images, labels = random_images(count=23)
    found = net.representations(images.to(torch.float64))
    net.shapes = {point: found[point].shape[1:] for point in net.points}
    return net, [found[point] for point in net.points], labels


@pytest.mark.parametrize("point", ["layer1.0", "layer2.1", "layer4.1"])
def test_sources_matched_together_are_matched_as_one_by_one(matched, point):
    net, sources, labels = matched
    together = train(sources, net, point, labels)
    for source, one in zip(sources, together):
        (alone,) = train([source], net, point, labels)
        torch.testing.assert_close(one.weight, alone.weight, rtol=0, atol=1e-10)
        torch.testing.assert_close(one.bias, alone.bias, rtol=0, atol=1e-10)


def test_task_loss_matching_is_adam_on_the_cross_entropy(matched):
    """A plain loop over the same batches, from the weights that one epoch at no learning rate leaves."""
    net, sources, labels = matched
    (start,) = train([sources[5]], net, "layer1.1", labels, epochs=1, learning_rate=0.0)
    (found,) = train([sources[5]], net, "layer1.1", labels, epochs=3)
    weights, biases = start.weight.clone().requires_grad_(), start.bias.clone().requires_grad_()
    optimiser = torch.optim.Adam([weights, biases], lr=1e-2, weight_decay=1e-5)
    order = torch.Generator().manual_seed(
        torch.randint(2**62, (2,), generator=torch.Generator().manual_seed(0)).tolist()[1]
    )
    for _ in range(3):
        for batch in torch.randperm(23, generator=order).split(5):
            maps = F.interpolate(sources[5][batch], size=net.shapes["layer1.1"][1:], mode="bilinear")
            mapped = torch.einsum("oc,nchw->nohw", weights, maps) + biases[:, None, None]
            loss = F.cross_entropy(net.end("layer1.1")(mapped), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    torch.testing.assert_close(found.weight, weights, rtol=0, atol=1e-9)
    torch.testing.assert_close(found.bias, biases, rtol=0, atol=1e-9)


def test_matching_lowers_the_loss_and_depends_on_the_seed_alone(matched):
    net, sources, labels = matched
    end = net.end("layer1.0")
    losses = [
        float(F.cross_entropy(end(one(sources[0])), labels))
        for one in (train(sources[:1], net, "layer1.0", labels, epochs=epochs)[0] for epochs in (1, 40))
    ]
    assert losses[1] < losses[0]
    first, same, other = (train(sources[:1], net, "layer1.0", labels, seed)[0].weight for seed in (0, 0, 1))
    assert torch.equal(first, same) and not torch.equal(first, other)


@pytest.mark.parametrize("family", ["resnet-large", "resnet-8", "vit"])
def test_both_networks_stay_as_they_are(family):
    """Parameters and BatchNorm buffers, bit for bit, and no gradient is left anywhere."""
    models = [network(seed, family) for seed in (0, 1)]
    images, labels = random_images()
    front, end = map(CutNetwork, models)
    pieces = [nn.Sequential(*net.pieces.values()).eval() for net in (front, end)]
    before = [fingerprint(one) for one in (*models, *pieces)]
    sources = [front.representations(images)[point] for point in front.points]
    target = end.representations(images)[end.points[0]]
    found = match_task_loss(sources, end.end(end.points[0]), target.shape[1:], labels, torch.Generator(), epochs=2)
    found.append(direct_match(sources[0], target))
    assert accuracy(found[0], sources[0], end.end(end.points[0]), labels) <= 1
    assert [fingerprint(one) for one in (*models, *pieces)] == before
    assert all(parameter.grad is None for one in (*models, *pieces) for parameter in one.parameters())
    assert not any(module.training for one in pieces for module in one.modules())
    assert not any(parameter.requires_grad for one in found[:-1] for parameter in one.parameters())


@pytest.mark.parametrize(
    "changed, sentence",
    [
        ({"labels": torch.zeros(5, dtype=torch.long)}, "23 images need as many labels, not 5"),
        ({"labels": torch.zeros(23)}, r"labels must be class indices, whole numbers \[images\], not \[23\] of the"),
        ({"sources": []}, "no source to match"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, not 0"),
        ({"epochs": [2, 0]}, "epochs must be a whole number of at least 1, not 0"),
        ({"epochs": []}, "epochs must be a whole number of at least 1, not 0"),
        ({"batch_size": 0}, "batch_size must be"),
    ],
)
def test_what_cannot_be_matched_is_refused_in_a_sentence(matched, changed, sentence):
    net, sources, labels = matched
    with pytest.raises(ValueError, match=sentence):
        train(**{"sources": sources, "net": net, "point": "layer1.0", "labels": labels} | changed)


def test_labels_of_any_whole_type_and_sources_with_a_graph_give_the_same_map(matched):
    net, sources, labels = matched
    (expected,) = train(sources[:1], net, "layer1.0", labels)
    (found,) = train(
        [sources[0] * torch.ones(1, dtype=torch.float64, requires_grad=True)], net, "layer1.0", labels.int()
    )
    assert torch.equal(found.weight, expected.weight)


@pytest.mark.parametrize(
    "spoil", [lambda end: end.train(), lambda end: end[0].bn1.train(), lambda end: end.requires_grad_(True)]
)
def test_an_end_that_could_change_is_used_as_it_would_be_frozen_and_left_as_it_was(matched, spoil):
    net, sources, labels = matched
    frozen = net.end("layer1.0")
    end = copy.deepcopy(frozen)
    spoil(end)
    before = copy.deepcopy(end.state_dict()), [module.training for module in end.modules()]
    shape, stitch = net.shapes["layer1.0"], direct_match(sources[0], sources[1])
    (found,), (expected,) = (match_task_loss(sources[:1], one, shape, labels, epochs=1) for one in (end, frozen))
    assert torch.equal(found.weight, expected.weight)
    assert torch.equal(hits(stitch, sources[0], end, labels), hits(stitch, sources[0], frozen, labels))
    assert before[1] == [module.training for module in end.modules()]
    assert all(torch.equal(value, end.state_dict()[name]) for name, value in before[0].items())
