"""The attack against a closed form and another implementation; who attacks whom; intervals hold what they say."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from captum.robust import FGSM
from torch import nn
from torch.nn import functional as F

from lib import attack_transfer, attacks, models
from lib.attacks import (MAIN_SUMMARY, SUMMARIES, Scores, decay_ratio, fgsm, random_signs, true_class_scores,
                         weighted_summaries)
from lib.bootstrap import JOINT
from lib.salience import input_gradients


def digits_like(count=12, seed=0, classes=4):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 1, 8, 8, generator=generator), torch.arange(count) % classes


def network(seed=0, family="cnn-small"):
    """A network whose running statistics are not the defaults, in eval mode."""
    model = models.build(family, 2, in_channels=1, image_size=8, num_classes=4)
    models.initialise(model, torch.Generator().manual_seed(seed))
    model.train()(digits_like(seed=7)[0])
    return model.eval()


@pytest.fixture(scope="module")
def linear():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    models.initialise(model, torch.Generator().manual_seed(3))
    return model


class Untrained:
    """A population of networks that were not trained."""

    specification = SimpleNamespace(name="cnn-small, k = 2")

    def __init__(self, seeds):
        self.seeds = list(seeds)

    def __len__(self):
        return len(self.seeds)

    def models(self):
        return map(network, self.seeds)


def test_no_step_changes_nothing():
    images, labels = digits_like()
    model = network()
    attacked = fgsm(images, input_gradients(model, images, labels, output="probability"), eps=0)
    assert torch.equal(attacked, images)
    assert decay_ratio(model, images, attacked, labels) == 1
    networks = attack_transfer.prepare(Untrained(range(3)), images, labels, 3)
    random = attack_transfer.random_source(3, images, np.random.default_rng(0))
    sources = {2: attack_transfer.single(networks), "mean": attack_transfer.mean_direction([networks]),
               "random": random}
    transfer = attack_transfer.attack(sources, [networks], images, labels, 0)
    summaries = transfer.resampled(np.random.default_rng(0), 5)
    assert tuple(summaries) == SUMMARIES
    for name, nothing in zip(SUMMARIES, (1, 1, 1, 0)):
        for part in (summaries[name].values, summaries[name].without, summaries[name].without_by_images):
            np.testing.assert_allclose(part, nothing, atol=1e-6)
    assert attack_transfer.step_length(random, images, 0) == 0


def test_the_attacked_logits_of_a_linear_model_have_a_closed_form(linear):
    images, labels = digits_like()
    images[-1, 0, 0, :2] = torch.tensor([-9.0, 9.0])  # far bounds: the other images meet none
    weight, bias = (part.detach().double() for part in linear[1].parameters())
    clean = images.double().flatten(1) @ weight.T + bias
    p = clean.softmax(1)
    step = torch.sign(p.gather(1, labels[:, None]) * (weight[labels] - p @ weight))
    expected = clean - 0.3 * step @ weight.T
    attacked = fgsm(images, input_gradients(linear, images, labels, output="probability"), eps=0.3)
    torch.testing.assert_close(linear(attacked).double()[:-1], expected[:-1], rtol=1e-5, atol=1e-5)
    ratio = expected.softmax(1).gather(1, labels[:, None]) / p.gather(1, labels[:, None])
    found = decay_ratio(linear, images[:-1], attacked[:-1], labels[:-1])
    assert found == pytest.approx(float(ratio[:-1].mean()), rel=1e-5)


@pytest.mark.parametrize("family", models.FAMILIES)
def test_one_step_is_that_of_captum_against_the_cross_entropy(family):
    """Lowering p_y is raising -log p_y: the signs are opposite, and so the step is the same."""
    images, labels = digits_like()
    model = network(family=family)
    captum = FGSM(model, nn.CrossEntropyLoss(reduction="none"), images.min().item(), images.max().item())
    captum.zero_thresh = 0  # it would leave pixels with gradients below 1e-6 alone
    theirs = captum.perturb(images.clone().requires_grad_(), epsilon=0.25, target=labels)
    ours = fgsm(images, input_gradients(model, images, labels, output="probability"), eps=0.25)
    torch.testing.assert_close(ours, theirs.detach(), rtol=0, atol=1e-6)
    assert (ours != images).float().mean() > 0.5


def test_a_step_in_normalised_units_is_that_of_captum_on_pixels_with_the_normalisation_as_first_layer():
    """eps / std here is eps there; signs and pixels agree, except at the bounds, which are not the same."""

    class Normalisation(nn.Module):
        def forward(self, pixels):
            return (pixels - 0.3) / 0.25

    pixels = torch.rand(12, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    labels, model, eps = torch.arange(12) % 4, network(), 8 / 255
    captum = FGSM(nn.Sequential(Normalisation(), model), nn.CrossEntropyLoss(reduction="none"), 0, 1)
    captum.zero_thresh = 0
    theirs = captum.perturb(pixels.clone().requires_grad_(), epsilon=eps, target=labels).detach()
    images = Normalisation()(pixels)
    ours = fgsm(images, input_gradients(model, images, labels, output="probability"), eps=eps / 0.25)
    free = (pixels > pixels.min() + eps) & (pixels < pixels.max() - eps)
    assert free.float().mean() > 0.9 and torch.equal((ours - images)[free].sign(), (theirs - pixels)[free].sign())
    torch.testing.assert_close((ours * 0.25 + 0.3)[free], theirs[free], rtol=0, atol=1e-6)


def test_images_stay_within_the_clean_range_and_move_by_eps_at_most():
    images, labels = digits_like()
    gradients = input_gradients(network(), images, labels, output="probability")
    attacked = fgsm(images, gradients, eps=1.5)
    assert attacked.min() == images.min() and attacked.max() == images.max()
    assert (attacked - images).abs().max() == pytest.approx(1.5, abs=1e-6)
    gradients[3] = 0
    assert torch.equal(fgsm(images, gradients, eps=1.5)[3], images[3])


def test_a_networks_own_gradient_lowers_its_probability_more_than_random_signs():
    images, labels = digits_like(40)
    rng = np.random.default_rng(0)
    for seed in range(3):
        model = network(seed)
        own, random = (decay_ratio(model, images, fgsm(images, gradients, eps=0.05), labels) for gradients in (
            input_gradients(model, images, labels, output="probability"), random_signs(tuple(images.shape), rng)))
        assert own < 1 and own < random


def test_random_signs_are_steps_of_the_same_size():
    signs = random_signs((50, 1, 8, 8), np.random.default_rng(0))
    assert signs.dtype == torch.float32 and set(signs.unique().tolist()) == {-1.0, 1.0}
    assert abs(signs.mean()) < 4 / math.sqrt(signs.numel())
    assert torch.equal(signs, random_signs((50, 1, 8, 8), np.random.default_rng(0)))
    moved = fgsm(torch.linspace(-1, 1, 3200).reshape(50, 1, 8, 8), signs, eps=0.1)
    assert (moved - torch.linspace(-1, 1, 3200).reshape(50, 1, 8, 8)).abs().median() == pytest.approx(0.1, abs=1e-6)


def test_summaries_of_numbers_made_by_hand():
    """A tail: one image of a tiny clean probability rules the mean of ratios, and nothing else."""
    before, after = np.array([0.5, 0.8, 0.4, 1e-4]), np.array([0.25, 0.4, 0.3, 0.1])
    right = np.array([True, False, True, False])
    still = np.array([True, False, False, False])
    times = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 3]])
    found = weighted_summaries(Scores(np.log(before), right), Scores(np.log(after), still), times)
    expected = {"mean of ratios": [(1.75 + 1000) / 4, 1.75 / 3, (1.75 + 3000) / 6],
                "ratio of means": [1.05 / 1.7001, 0.95 / 1.7, 1.25 / 1.7003],
                "median ratio": [0.625, 0.5, (0.75 + 1000) / 2], "accuracy change": [-1 / 4, -1 / 3, -1 / 6]}
    assert tuple(found) == SUMMARIES
    for name, numbers in expected.items():
        np.testing.assert_allclose(found[name], numbers, err_msg=name)
    (only,) = weighted_summaries(Scores(np.log(before), right), Scores(np.log(after), still), times, ["median ratio"])
    assert only == "median ratio"


def test_a_probability_too_small_for_float32_still_has_a_ratio():
    """Logits 400 apart: float32 would call the probability zero."""
    model = nn.Flatten()
    clean = torch.tensor([[0.0, 400.0]]).reshape(1, 1, 1, 2)
    attacked = torch.tensor([[0.0, 401.0]]).reshape(1, 1, 1, 2)
    assert decay_ratio(model, clean, attacked, torch.tensor([0])) == pytest.approx(math.exp(-1))
    with pytest.raises(ValueError, match="1 images have so small a true-class probability"):
        decay_ratio(model, 10 * clean, clean, torch.tensor([0]))


def test_scores_take_further_axes_in_front():
    images, labels = digits_like()
    model = network()
    many = torch.stack([images, images + 1, images - 1]).reshape(3, 1, *images.shape)
    scores = true_class_scores(model, many, labels)
    assert scores.right.shape == scores.log_probability.shape == (3, 1, 12)
    with torch.no_grad():
        expected = -F.cross_entropy(model(images + 1), labels, reduction="none")
    np.testing.assert_allclose(scores.log_probability[1, 0], expected, rtol=1e-5, atol=1e-6)


IMAGES, LABELS = digits_like()
NAN = IMAGES.clone()
NAN[2, 0, 1, 1] = torch.nan


@pytest.mark.parametrize("images, gradients, eps, sentence", [
    (IMAGES, IMAGES, -0.1, "eps must be a finite number of at least 0, not -0.1"),
    (IMAGES, IMAGES, math.nan, "eps must be a finite number of at least 0, not nan"),
    (IMAGES, IMAGES, math.inf, "eps must be a finite number of at least 0, not inf"),
    (IMAGES, IMAGES, "0.1", "eps must be a finite number of at least 0, not '0.1'"),
    (IMAGES, IMAGES[:5], 0.1, r"one shape with at least one image, not \[12, 1, 8, 8\] and \[5, 1, 8, 8\]"),
    (IMAGES[:0], IMAGES[:0], 0.1, "at least one image"),
    (NAN, IMAGES, 0.1, "images must be finite numbers"),
    (IMAGES, NAN, 0.1, "gradients must be finite numbers"),
])
def test_attacks_that_do_not_fit_are_refused(images, gradients, eps, sentence):
    with pytest.raises(ValueError, match=sentence):
        fgsm(images, gradients, eps=eps)


@pytest.mark.parametrize("clean, attacked, labels, sentence", [
    (IMAGES, IMAGES[:5], LABELS, r"clean and attacked images need one shape, not \[12, 1, 8, 8\] and \[5, 1, 8, 8\]"),
    (IMAGES, IMAGES, LABELS[:5], r"need as many labels, not \[12, 1, 8, 8\] with \[5\]"),
    (IMAGES, IMAGES, LABELS + 1, "labels must be from 0 to 3, the model's classes, not 1 to 4"),
    (IMAGES, IMAGES, LABELS - 1, "labels must be from 0 to 3, the model's classes, not -1 to 2"),
    (IMAGES, NAN, LABELS, "images must be finite numbers"),
])
def test_images_and_labels_that_do_not_fit_are_refused(clean, attacked, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        decay_ratio(network(), clean, attacked, labels)


def test_every_pair_is_attacked_with_the_gradient_of_another_group():
    """A plain loop over pairs, and means formed by hand, give every number again."""
    networks = [attack_transfer.prepare(Untrained(seeds), IMAGES, LABELS, 3) for seeds in (range(3), range(10, 15))]
    means = attack_transfer.mean_direction(networks)
    transfer = attack_transfer.attack({"second": attack_transfer.single(networks[1]), "mean": means}, networks, IMAGES,
                                      LABELS, 0.2)
    assert transfer.after.right.shape == (2, 2, 3, 3, 12)
    assert np.isnan(transfer.after.log_probability[0, :, range(3), range(3)]).all()
    model, gradients = network(1), input_gradients(network(12), IMAGES, LABELS, output="probability")
    expected = true_class_scores(model, fgsm(IMAGES, gradients, eps=0.2), LABELS).log_probability
    np.testing.assert_allclose(transfer.after.log_probability[0, 0, 2, 1], expected, rtol=1e-5)
    # Target of group 1 without group 2: only group 0 is left, seed 0 of the first, seeds 10 and 13 of the second.
    for left_out, seeds in ((2, (0, 10, 13)), (1, (0, 2, 10, 12, 13))):
        units = [F.normalize(input_gradients(network(seed), IMAGES, LABELS, output="probability").flatten(1).double())
                 for seed in seeds]
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


def planted(rng, groups, images, source=0.03, target=0.03, member=0.03, noise=0.05, tail=0.0):
    """Ratios of two source widths (0.8, 0.7) and a mean direction (0.6) against two target widths.

    Sources, targets, members of the mean and images each add something of their own, and a source (or member) against a
    target at an image does too; a mean has the average of its members.  With a `tail` the last two and the images are
    log-normal instead of normal, less their mean.
    """
    def drawn(*shape):
        normal = rng.standard_normal(shape)
        return np.exp(tail * normal) - np.exp(tail**2 / 2) if tail else normal

    at_image, defence = 0.05 * drawn(images), target * rng.standard_normal((2, groups))
    weapon, part = source * rng.standard_normal((2, groups)), member * rng.standard_normal(groups)
    cell = noise * drawn(3, 2, groups, groups, images)
    ratio = np.full((3, 2, groups, groups, images), np.nan)
    for column, i, j in np.ndindex(2, groups, groups):
        effect = defence[column, j] + at_image
        if i != j:
            ratio[:2, column, i, j] = [[0.8], [0.7]] + weapon[:, i, None] + effect + cell[:2, column, i, j]
        kept = [group for group in range(groups) if group not in (i, j)]
        ratio[2, column, i, j] = 0.6 + effect + (part[kept, None] + cell[2, column, kept, j]).mean(0)
    zeros, right = np.zeros((2, groups, images)), np.ones((2, groups, images))
    return attack_transfer.Transfer(Scores(zeros, right), Scores(np.log(ratio), np.ones_like(ratio)),
                                    (False, False, True))


STATISTICS = {  # name -> measure, truth
    "one entry": (lambda alpha: alpha[..., 0, 1], 0.8),
    "wide less narrow": (lambda alpha: (alpha[..., 0, :] - alpha[..., 1, :]).mean(-1), 0.1),
    "single less mean direction": (lambda alpha: alpha[..., 1, 0] - alpha[..., 2, 0], 0.1),
}


# tail -> images, what is missing at most to 95 % and, for the largest 1 % of the ratios, their share of the sum: as in
# normal noise, and as in the book's convolutional and its residual networks.
TAILS = {0.0: (30, 0.04, 0.013), 1.0: (256, 0.05, 0.02), 1.5: (256, 0.08, 0.055)}


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("groups", [4, 6])
def test_intervals_hold_the_truth_for_sources_targets_and_means(groups, tail):
    """Few groups make 95 % approximate and a tail more so: slack, and two standard errors of this simulation."""
    rng, draws = np.random.default_rng(groups), 300
    images, missing, _ = TAILS[tail]
    held = dict.fromkeys(STATISTICS, 0)
    for _ in range(draws):
        outcome = planted(rng, groups, images, tail=tail).resampled(rng, 30, [MAIN_SUMMARY])[MAIN_SUMMARY]
        for name, (measure, truth) in STATISTICS.items():
            _, low, high = outcome.interval(measure)
            held[name] += low <= truth <= high
    error = 2 * np.sqrt(0.95 * 0.05 / draws)
    assert all(0.95 - missing - error < count / draws <= 0.99 for count in held.values()), held


@pytest.mark.parametrize("tail", TAILS)
def test_planted_tails_are_like_those_of_the_book(tail):
    share = attack_transfer.tail(planted(np.random.default_rng(0), 6, 2000, tail=tail), slice(0, 2))
    assert share["share of the sum from the largest 1 %"] == pytest.approx(TAILS[tail][2], rel=0.15)


def test_no_seed_of_the_drawn_images_moves_an_interval():
    """One target gives one image almost no chance.  With a few draws repeated without each group, as for similarities,
    the seed moves the ends by a seventh of half the interval, and so decides verdicts near a bound.
    """
    transfer = planted(np.random.default_rng(5), 4, 60)
    transfer.after.log_probability[:2, :, [0, 2, 3], 1, 0] = np.log(10)
    ends, few = [], []
    for seed in range(12):
        outcome = transfer.resampled(np.random.default_rng(seed), summaries=[MAIN_SUMMARY])[MAIN_SUMMARY]
        less = replace(outcome, by_images=outcome.by_images[:100], without_by_images=outcome.without_by_images[:JOINT])
        for found, matrix in ((ends, outcome), (few, less)):
            found.append(matrix.interval(lambda alpha: alpha[..., :2, :].mean((-2, -1)))[1:])
    half = np.mean([high - low for low, high in ends]) / 2
    assert (np.std(ends, axis=0) < 0.06 * half).all() and (np.std(few, axis=0) > 0.1 * half).all()


@pytest.mark.parametrize("seeds, groups, sentence", [
    (range(3), 2, "groups must be a whole number of at least 3, not 2"),
    (range(3), 4, "cnn-small, k = 2 has 3 networks, and 4 are to be attacked; ask for more seeds or attack fewer"),
])
def test_too_few_networks_are_refused(seeds, groups, sentence):
    with pytest.raises(ValueError, match=sentence):
        attack_transfer.prepare(Untrained(seeds), IMAGES, LABELS, groups)


def test_sources_and_targets_of_different_groups_are_refused():
    networks = attack_transfer.prepare(Untrained(range(4)), IMAGES, LABELS, 4)
    random = attack_transfer.random_source(3, IMAGES, np.random.default_rng(0))
    with pytest.raises(ValueError, match="equally many groups, not 3, 4"):
        attack_transfer.attack({"random": random}, [networks], IMAGES, LABELS, 0.1)


def test_zero_gradients_are_counted_and_do_nothing():
    networks = attack_transfer.prepare(Untrained(range(3)), IMAGES, LABELS, 3)
    networks.gradients[1, 4:6] = 0
    assert attack_transfer.zero_gradients(networks) == 2
    transfer = attack_transfer.attack({2: attack_transfer.single(networks)}, [networks], IMAGES, LABELS, 0.3)
    ratio = attacks.ratios(Scores(*(part[:, None] for part in transfer.before)), transfer.after)
    np.testing.assert_allclose(ratio[0, 0, 1, [0, 2], 4:6], 1, rtol=1e-6)


def test_the_tail_is_told_of_the_sources_that_are_asked_for():
    ratio = np.full((3, 1, 3, 3, 100), 0.5)
    ratio[0, :, range(3), range(3)] = np.nan
    ratio[0, 0, 0, 1, 0] = 300.5
    ratio[1:] = 7  # a mean direction and random signs
    zeros = np.zeros((1, 3, 100))
    transfer = attack_transfer.Transfer(Scores(zeros, zeros == 0), Scores(np.log(ratio), ratio < 1),
                                        (False, True, False))
    found = attack_transfer.tail(transfer, slice(0, 1))
    assert found["median ratio"] == pytest.approx(0.5) and found["largest ratio"] == pytest.approx(300.5)
    assert found["mean ratio"] == pytest.approx(1.0) and found["share of ratios above 1"] == pytest.approx(1 / 600)
    assert found["share of the sum from the largest 1 %"] == pytest.approx((300.5 + 5 * 0.5) / 600)
    assert attack_transfer.tail(transfer, slice(2, 3))["largest ratio"] == pytest.approx(7)


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


def test_the_draws_are_as_many_as_asked_for_and_all_are_repeated_without_each_group():
    transfer = planted(np.random.default_rng(0), 4, 30)
    outcome = transfer.resampled(np.random.default_rng(0), summaries=[MAIN_SUMMARY])[MAIN_SUMMARY]
    assert attack_transfer.DRAWS >= 400 and outcome.by_images.shape == (attack_transfer.DRAWS, 3, 2)
    assert outcome.without_by_images.shape == (attack_transfer.DRAWS, 4, 3, 2)
    ratio = np.exp(transfer.after.log_probability)[0, 1]  # [A, A, n]
    single = np.nanmean(ratio, axis=(0, 1))
    assert outcome.by_images[:, 0, 1].std() == pytest.approx(single.std() / math.sqrt(30), rel=0.12)
