"""A GPU makes the networks and gradients that the CPU makes, and keeps nothing afterwards."""

import dataclasses
import gc

import pytest
import torch
from small_networks import random_images

from lib import data, salience, training
from lib.models import initialise
from lib.models.stacking import stack, stack_images
from lib.training import store
from lib.training.specification import specify

DEVICE = "cuda"
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
FAMILIES = ["cnn-small", "cnn-large", "resnet-small", "resnet-large", "resnet-8", "vit"]
SEEDS = range(3)


@pytest.fixture(scope="module")
def exact(digits):
    return specify(digits, "cnn-small", 2, epochs=3, batch_size=25, precision="float64")


def networks(family, width=4):
    """Untrained networks for coloured pictures of 32 x 32 pixels."""
    colour = dataclasses.replace(specify(data.load("digits"), family, width), in_channels=3, image_size=32)
    return [initialise(colour.build(), colour.generator(seed, "weights")) for seed in SEEDS]


def assert_near(found, expected, share):
    """Apart by no more than this share of the largest entry."""
    assert (found - expected).abs().max() <= share * expected.abs().max()


def assert_same_training(found, expected, bound=1e-8):
    for one, other in zip(found, expected, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-5)  # its sums are float32
        assert torch.equal(one.resume["order"], other.resume["order"])
        for name, value in other.state.items():
            torch.testing.assert_close(one.state[name], value, rtol=bound, atol=bound, msg=name)


@pytest.mark.parametrize("family", FAMILIES)
def test_input_gradients_are_those_of_the_cpu(family):
    """TF32 would be a thousandth off.  Few images: no unit comes so near to zero that rounding decides its sign."""
    images, labels = random_images(count=4, channels=3, size=(32, 32), classes=10)
    network = networks(family)[0]
    here, there = (salience.input_gradients(network, images, labels, device=device) for device in ("cpu", DEVICE))
    assert_near(there, here, 1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stack_gives_the_scores_of_single_networks(family):
    alone = [network.to(DEVICE).train() for network in networks(family)]
    batches = [random_images(count=16, channels=3, size=(32, 32), seed=seed)[0] for seed in SEEDS]
    inputs = torch.stack(batches).to(DEVICE)
    with torch.no_grad(), torch.backends.cudnn.flags(deterministic=True, allow_tf32=False):
        together = stack(alone).to(DEVICE).train()(stack_images(inputs)).chunk(len(SEEDS), dim=1)
        for network, images, scores in zip(alone, inputs, together, strict=True):
            assert_near(scores, network(images), 1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stack_trains_its_networks_as_alone(family, digits):
    one = specify(digits, family, 2, epochs=1, batch_size=25, precision="float64")
    together = training.train(one, SEEDS, digits, DEVICE)
    assert_same_training(together, [training.train(one, [seed], digits, DEVICE)[0] for seed in SEEDS])


def test_training_starts_from_the_weights_and_orders_of_the_cpu_and_stays_near(exact, digits):
    here, there = (training.train(exact, SEEDS, digits, device) for device in ("cpu", DEVICE))
    assert_same_training(there, here)
    assert {network.device for network in there} == {DEVICE}
    for one, other in zip(there, here):
        assert one.test_loss == pytest.approx(other.test_loss, rel=1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "mixed"])
def test_mixed_precision_gives_finite_networks_with_float32_weights(precision, tiny, digits):
    for network in training.train(dataclasses.replace(tiny, precision=precision), SEEDS, digits, DEVICE):
        assert network.finite
        weights = [value for value in network.state.values() if value.is_floating_point()]
        assert {value.dtype for value in weights} == {torch.float32}
        assert all(value.isfinite().all() for value in weights)


def test_nothing_is_left_on_the_device(tiny, digits):
    def work():
        training.train(dataclasses.replace(tiny, precision="mixed"), SEEDS, digits, DEVICE)
        salience.input_gradients(networks("cnn-small")[0], *random_images(channels=3, size=(32, 32)), device=DEVICE)
        gc.collect()
        return torch.cuda.memory_allocated()

    first = work()  # the libraries' own workspaces come with the first use and stay
    assert work() == first


@pytest.mark.parametrize("device", ["cpu", DEVICE])
def test_a_killed_training_goes_on_from_its_snapshot_on_either_device(device, exact, digits, artifacts):
    class Killed(Exception):
        pass

    def keep(found):
        for network in found:
            store.write_network(exact, network)
        raise Killed

    with pytest.raises(Killed):
        training.train(exact, SEEDS, digits, DEVICE, keep=keep)
    start = store.read_latest(exact, SEEDS)
    assert [network.epochs for network in start] == [1, 1, 1]
    assert_same_training(
        training.train(exact, SEEDS, digits, device, start=start), training.train(exact, SEEDS, digits, DEVICE)
    )
