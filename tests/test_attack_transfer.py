"""Who attacks whom: a plain loop over pairs, means formed by hand, groups that are left out."""

import math

import numpy as np
import pytest
import torch
from small_networks import Untrained, network, random_images
from torch.nn import functional as F

from lib.attacks import attack_transfer, one_step
from lib.attacks.one_step import SUMMARIES, decay_ratio, fgsm, true_class_scores
from lib.salience import input_gradients

pytestmark = pytest.mark.usefixtures("unstored")
IMAGES, LABELS = random_images()


def test_no_step_changes_no_summary():
    networks = attack_transfer.prepare(Untrained(range(3)), IMAGES, LABELS, 3)
    random = attack_transfer.random_source(3, IMAGES, np.random.default_rng(0))
    sources = {
        2: attack_transfer.single(networks),
        "mean": attack_transfer.mean_direction([networks]),
        "random": random,
    }
    transfer = attack_transfer.attack(sources, [networks], IMAGES, LABELS, 0)
    summaries = transfer.resampled(np.random.default_rng(0), 5)
    assert tuple(summaries) == SUMMARIES
    for name, nothing in zip(SUMMARIES, (1, 1, 1, 0)):
        for part in (summaries[name].values, summaries[name].without, summaries[name].without_by_images):
            np.testing.assert_allclose(part, nothing, atol=1e-6)
    assert attack_transfer.step_length(random, IMAGES, 0) == 0


def test_every_pair_is_attacked_with_the_gradient_of_another_group():
    """A plain loop over pairs, and means formed by hand, give every number again."""
    networks = [attack_transfer.prepare(Untrained(seeds), IMAGES, LABELS, 3) for seeds in (range(3), range(10, 15))]
    means = attack_transfer.mean_direction(networks)
    transfer = attack_transfer.attack(
        {"second": attack_transfer.single(networks[1]), "mean": means}, networks, IMAGES, LABELS, 0.2
    )
    assert transfer.after.right.shape == (2, 2, 3, 3, 12)
    assert np.isnan(transfer.after.log_probability[0, :, range(3), range(3)]).all()
    model, gradients = network(1), input_gradients(network(12), IMAGES, LABELS, output="probability")
    expected = true_class_scores(model, fgsm(IMAGES, gradients, eps=0.2), LABELS).log_probability
    np.testing.assert_allclose(transfer.after.log_probability[0, 0, 2, 1], expected, rtol=1e-5)
    # Target of group 1 without group 2: only group 0 is left, seed 0 of the first, seeds 10 and 13 of the second.
    for left_out, seeds in ((2, (0, 10, 13)), (1, (0, 2, 10, 12, 13))):
        units = [
            F.normalize(input_gradients(network(seed), IMAGES, LABELS, output="probability").flatten(1).double())
            for seed in seeds
        ]
        mean = torch.stack(units).sum(0).reshape(IMAGES.shape)
        cosine = F.cosine_similarity(means.gradients[left_out, 1].double().flatten(1), mean.flatten(1))
        np.testing.assert_allclose(cosine, 1, atol=1e-6)


def test_averages_count_no_network_against_itself_and_leave_groups_out_everywhere():
    pairs = np.arange(32.0).reshape(1, 2, 1, 4, 4)
    square = pairs[0, 0, 0].copy()
    pairs[0, 0, 0][np.diag_indices(4)] = np.nan
    pairs[0, 1, 0, 1, 3] = np.nan  # a mean's: it must be seen
    assert np.isnan(attack_transfer._averages(pairs, [False, True])[0, 2, 1]).all()
    pairs[0, 1, 0, 1, 3] = 23
    found = attack_transfer._averages(pairs, [False, True])[0, :, :, 0]
    other = ~np.eye(4, dtype=bool)
    assert found[0] == pytest.approx([square[other].mean(), np.diag(pairs[0, 1, 0]).mean()])
    rest = np.ix_([0, 1, 3], [0, 1, 3])
    assert found[3] == pytest.approx([square[rest][~np.eye(3, dtype=bool)].mean(), pairs[0, 1, 0][2, [0, 1, 3]].mean()])


@pytest.mark.parametrize(
    "seeds, groups, sentence",
    [
        (range(3), 2, "groups must be a whole number of at least 3, not 2"),
        (range(3), 4, "cnn-small, k = 2 has 3 networks, and 4 are to be attacked; ask for more seeds or attack fewer"),
    ],
)
def test_too_few_networks_are_refused(seeds, groups, sentence):
    with pytest.raises(ValueError, match=sentence):
        attack_transfer.prepare(Untrained(seeds), IMAGES, LABELS, groups)


def test_sources_and_targets_of_different_groups_are_refused():
    networks = attack_transfer.prepare(Untrained(range(4)), IMAGES, LABELS, 4)
    random = attack_transfer.random_source(3, IMAGES, np.random.default_rng(0))
    with pytest.raises(ValueError, match="equally many groups, not 3, 4"):
        attack_transfer.attack({"random": random}, [networks], IMAGES, LABELS, 0.1)


def test_every_group_has_random_signs_of_its_own():
    random = attack_transfer.random_source(4, IMAGES, np.random.default_rng(0))
    for i in range(4):
        assert torch.equal(random.gradients[i, 0], random.gradients[i, 3])  # the same against all targets
        for other in range(i):
            agree = (random.gradients[i, 0] == random.gradients[other, 0]).double().mean()
            assert abs(agree - 0.5) < 2 / math.sqrt(IMAGES.numel())
    again = attack_transfer.random_source(4, IMAGES, np.random.default_rng(1))
    assert not torch.equal(random.gradients, again.gradients)


def test_lengths_of_steps_are_those_after_clipping():
    images = torch.full((2, 1, 8, 8), 0.5)
    images[:, 0, 0, :2] = torch.tensor([0.0, 1.0])  # the range
    outwards = torch.full_like(images, -1.0)
    outwards[:, 0, 0] = 0
    outwards[:, 0, 0, 1] = -1  # at the upper bound: clipped away
    source = attack_transfer._same_for_all(torch.stack([outwards, 0 * outwards]))
    assert attack_transfer.step_length(source, images, 0.1) == pytest.approx(0.1 * math.sqrt(56) / 2)


def test_every_network_attacks_every_other_one():
    networks = [network(seed) for seed in range(3)]
    gradients = one_step.gradients(networks, IMAGES, LABELS, "probability")
    np.testing.assert_allclose(gradients[1], input_gradients(networks[1], IMAGES, LABELS, output="probability"))
    before, after = one_step.attack_all(networks, gradients, IMAGES, LABELS, 0.2)
    assert np.isnan(after.log_probability[range(3), range(3)]).all() and np.isnan(after.right[range(3), range(3)]).all()
    outcomes = one_step.resampled(before, after, np.random.default_rng(0), 50)
    for source, target in ((0, 1), (2, 0)):
        attacked = fgsm(IMAGES, gradients[source], eps=0.2)
        with torch.no_grad():
            clean, hit = (networks[target](images).double().softmax(1) for images in (IMAGES, attacked))
        true, left = clean[range(12), LABELS], hit[range(12), LABELS]
        right = [(probabilities.argmax(1) == LABELS).double().mean() for probabilities in (clean, hit)]
        expected = {
            "mean of ratios": decay_ratio(networks[target], IMAGES, attacked, LABELS),
            "ratio of means": left.mean() / true.mean(),
            "median ratio": np.median(left / true),
            "accuracy change": right[1] - right[0],
        }
        assert expected.keys() == set(SUMMARIES)
        for name, value in expected.items():
            assert outcomes[name].values[source, target] == pytest.approx(float(value), rel=1e-5)
            assert outcomes[name].by_images.shape == (50, 3, 3) and np.isnan(outcomes[name].values[1, 1])


def test_zero_gradients_are_counted_and_do_nothing():
    networks = attack_transfer.prepare(Untrained(range(3)), IMAGES, LABELS, 3)
    networks.gradients[1, 4:6] = 0
    assert attack_transfer.zero_gradients(networks) == 2
    transfer = attack_transfer.attack({2: attack_transfer.single(networks)}, [networks], IMAGES, LABELS, 0.3)
    ratio = transfer.ratios
    np.testing.assert_allclose(ratio[0, 0, 1, [0, 2], 4:6], 1, rtol=1e-6)
