"""The vision transformer is PyTorch's encoder in another layout, of the size that its formula says."""

import pytest
import torch
from torch import nn

from lib import data, models, training
from lib.training.specification import specify

VITS = tuple(models.VIT_LAYOUTS)


def randomised(family, width, size=8):
    model = models.build(family, width, in_channels=2, image_size=size, num_classes=5).double().eval()
    generator = torch.Generator().manual_seed(0)
    for value in model.state_dict().values():
        value.copy_(torch.randn(value.shape, generator=generator, dtype=value.dtype) * 0.3)
    return model


def torch_encoder_block(block, channels):
    """`nn.TransformerEncoderLayer` with the weights of one of our blocks."""
    theirs = (
        nn.TransformerEncoderLayer(
            channels, channels // 8, 4 * channels, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        .double()
        .eval()
    )
    flat = {name: value.flatten(1) if value.ndim == 4 else value for name, value in block.state_dict().items()}
    heads = [[flat[f"attention.{part}.{kind}"] for part in ("query", "key", "value")] for kind in ("weight", "bias")]
    theirs.load_state_dict(
        {
            "self_attn.in_proj_weight": torch.cat(heads[0]),
            "self_attn.in_proj_bias": torch.cat(heads[1]),
            **{f"self_attn.out_proj.{kind}": flat[f"attention.out.{kind}"] for kind in ("weight", "bias")},
            **{
                f"linear{n}.{kind}": flat[f"mlp.{place}.{kind}"]
                for n, place in ((1, 0), (2, 2))
                for kind in ("weight", "bias")
            },
            **{f"norm{n}.{kind}": flat[f"norm{n}.{kind}"] for n in (1, 2) for kind in ("weight", "bias")},
        }
    )
    return theirs


@pytest.mark.parametrize("family", VITS)
@pytest.mark.parametrize("width", [2, 4, 8])
@torch.no_grad()
def test_it_computes_what_the_encoder_of_pytorch_does(family, width):
    model, channels = randomised(family, width), 4 * width
    images = torch.randn(3, 2, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    tokens = (
        (model.patches(images) + model.positions.weight).flatten(2).transpose(1, 2)
    )  # [images, positions, channels]
    for block in model.blocks:
        tokens = torch_encoder_block(block, channels)(tokens)
    norm = nn.functional.layer_norm(tokens, (channels,), model.norm.weight, model.norm.bias)
    torch.testing.assert_close(model(images), model.fc(norm.mean(1)), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("family, depth, side", [("vit", 2, 4), ("vit-deep", 4, 4), ("vit-coarse", 2, 2)])
@pytest.mark.parametrize("width, size, channels", [(2, 8, 1), (10, 32, 3), (20, 64, 3)])
def test_parameter_count_is_the_closed_formula(family, depth, side, width, size, channels):
    """With embedding c = 4k: patches c (channels p^2 + 1), positions c n, a block 12 c^2 + 13 c, norm 2c, classes."""
    c, patch = 4 * width, size // side
    count = c * (channels * patch**2 + 1) + c * side**2 + depth * (12 * c**2 + 13 * c) + 2 * c + 10 * c + 10
    assert models.count_parameters(family, width, in_channels=channels, image_size=size) == count


@pytest.mark.parametrize("width", [2, 10, 80])
def test_embedding_and_heads_are_those_of_the_paper(width):
    """Embedding 4k over k / 2 heads of 8 channels: a channel of the queries speaks to its own head's keys alone."""
    attention = models.build("vit", width).blocks[0].attention
    assert attention.query.out_channels == 4 * width
    x = torch.randn(1, 4 * width, 4, 4, generator=torch.Generator().manual_seed(0))
    mixed = []
    attention.out.register_forward_pre_hook(lambda _, arguments: mixed.append(arguments[0]))
    attention(x)
    with torch.no_grad():
        attention.query.weight[0] += 1
    attention(x)
    changed = (mixed[0] != mixed[1]).any(dim=(0, 2, 3))
    assert changed[:8].all() and not changed[8:].any()


def test_the_variants_differ_from_the_default_in_one_choice_each():
    models_ = {family: models.build(family, 4, in_channels=1, image_size=8) for family in VITS}
    shapes = {family: (len(model.blocks), model.patches.kernel_size) for family, model in models_.items()}
    assert shapes == {"vit": (2, (2, 2)), "vit-deep": (4, (2, 2)), "vit-coarse": (2, (4, 4))}


@pytest.mark.parametrize("width", [1, 3, 11])
def test_an_odd_width_has_no_half_a_head(width):
    with pytest.raises(ValueError, match=f"vit has k / 2 heads: its width must be even, not {width}"):
        models.build("vit", width)


def test_initial_weights_are_bounded_as_those_of_other_families_and_follow_the_generator_alone():
    first, second = (models.initialise(models.build("vit", 8), torch.Generator().manual_seed(5)) for _ in range(2))
    for (name, value), other in zip(first.named_parameters(), second.parameters(), strict=True):
        assert torch.equal(value, other), name
    assert first.positions.weight.std().item() == pytest.approx(0.02, rel=0.1)
    weight = first.blocks[0].mlp[0].weight
    assert 0.95 * 32**-0.5 < weight.abs().max() <= 32**-0.5
    assert (first.norm.weight == 1).all() and (first.norm.bias == 0).all()


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_training_is_deterministic_bit_for_bit(digits, optimiser):
    specification = specify(digits, "vit", 2, epochs=2, batch_size=25, optimiser=optimiser, learning_rate=0.01)
    first, second = (training.train(specification, [0, 1, 2, 3], digits) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.train_loss == other.train_loss
        assert all(torch.equal(one.state[name], other.state[name]) for name in one.state)


def test_a_transformer_learns_the_digits_with_adam():
    images = data.load("digits")
    (network,) = training.train(specify(images, "vit", 4, epochs=12, optimiser="adam", learning_rate=0.01), [0], images)
    assert network.train_loss[-1] < 0.5 * network.train_loss[0]
