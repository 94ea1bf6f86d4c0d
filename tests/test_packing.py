"""Packed networks: rounded as promised, evaluated as rounded, and the same bytes each time."""

import dataclasses

import pytest
import torch
from released_files import is_statistic, plainly_evaluated
from safetensors.torch import load
from torch import nn

from lib.training import packing, train
from lib.training.specification import images_of, specify


def test_a_file_holds_float16_but_for_the_statistics(tiny, tiny_networks, packed):
    for name, value in load(packed).items():
        original = tiny_networks[0].state[name]
        kind = original.dtype if not original.is_floating_point() or is_statistic(name) else torch.float16
        assert value.dtype == kind and value.shape == (4, *original.shape), name


def test_packing_again_gives_the_same_bytes(tiny, tiny_networks, packed):
    assert packing.pack(tiny, tiny_networks) == packed
    assert packing.pack(tiny, packing.unpack(tiny, packed)) == packed  # what is rounded stays as it is


@pytest.mark.parametrize(
    "family, precision, optimiser",
    [
        ("resnet-small", "float64", {"momentum": 0.9}),
        ("cnn-large", "bfloat16", {}),
        ("vit", "float32", {"optimiser": "adam", "learning_rate": 0.001}),
    ],
)
def test_other_families_precisions_and_optimisers_are_evaluated_in_float32(digits, family, precision, optimiser):
    specification = specify(digits, family, 2, epochs=1, batch_size=25, precision=precision, **optimiser)
    for network in packing.unpack(specification, packing.pack(specification, train(specification, [0, 1], digits))):
        loss, accuracy = plainly_evaluated(specification, network, digits)
        assert network.test_loss[-1] == pytest.approx(loss, rel=1e-5)
        assert network.test_accuracy[-1] == pytest.approx(accuracy, abs=1e-6)
        assert {value.dtype for value in network.state.values()} <= {torch.float32, torch.int64}


def test_an_evaluation_leaves_the_number_of_threads_alone(tiny, tiny_networks, digits, two_threads):
    packing.evaluated(tiny, tiny_networks[:1], digits)


def test_rounding_changes_logits_by_less_than_a_hundredth_of_their_spread(tiny, tiny_networks, packed, digits):
    """Tiny weights are flushed to zero and all others keep 11 bits."""
    for network, original in zip(packing.unpack(tiny, packed), tiny_networks):
        model, logits = tiny.build().eval(), []
        for state in (original.state, network.state):
            model.load_state_dict(state)
            logits.append(model(digits.test_images).detach())
        change = (logits[1] - logits[0]).abs().max() / logits[0].std()
        assert 0 < change < 0.01


def test_weights_below_the_range_become_zero_and_above_it_are_refused(tiny, tiny_networks):
    def with_weight(value):
        state = tiny_networks[0].state | {"fc.weight": torch.full_like(tiny_networks[0].state["fc.weight"], value)}
        return dataclasses.replace(tiny_networks[0], state=state)

    [small] = packing.unpack(tiny, packing.pack(tiny, [with_weight(1e-9)]))
    assert not small.state["fc.weight"].any()
    packing.pack(tiny, [with_weight(65504.0)])
    with pytest.raises(ValueError, match="^cnn-small k=2 on digits, seed 0: fc.weight reaches 7e.04, and float16 ends"):
        packing.pack(tiny, [with_weight(-70000.0)])


def test_large_and_small_statistics_keep_every_digit(tiny, tiny_networks):
    name = next(name for name in tiny_networks[0].state if name.endswith("running_var"))
    value = torch.logspace(-20, 20, len(tiny_networks[0].state[name]))
    [found] = packing.unpack(
        tiny, packing.pack(tiny, [dataclasses.replace(tiny_networks[0], state=tiny_networks[0].state | {name: value})])
    )
    assert torch.equal(found.state[name], value)


def test_images_that_are_not_those_specified_are_refused(tiny, tiny_networks):
    with pytest.raises(RuntimeError, match="images of 'digits' are not those that were specified"):
        packing.pack(dataclasses.replace(tiny, train_digest="0"), tiny_networks)
    assert images_of(tiny).test_digest == tiny.test_digest


def test_batchnorm_has_no_other_statistics(tiny):
    [layer, *_] = [module for module in tiny.build().modules() if isinstance(module, nn.BatchNorm2d)]
    assert {name for name, value in layer.named_buffers() if value.is_floating_point()} == set(packing.STATISTICS)
