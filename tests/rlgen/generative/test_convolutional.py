from __future__ import annotations

import numpy as np
import pytest

from rlgen import networks
from rlgen.errors import UserError
from rlgen.generative.convolutional import ConvolutionalConfig, ConvolutionalModel

SMALL = {"filters": 4, "latent_size": 5, "batch_size": 8, "generator_hidden_units": 8, "discriminator_hidden_units": 8}


def make(problem: str = "digits", seed: int = 0, **config: object) -> ConvolutionalModel:
    return ConvolutionalModel(problem=problem, config=ConvolutionalConfig.build({**SMALL, **config}), seed=seed)


def test_data_decide_which_nets_there_are() -> None:
    pictures, points = make(), make("ring")
    for net in (pictures.generator, pictures.discriminator):
        assert networks.has_convolutions([net])
    for net in (points.generator, points.discriminator):
        assert not networks.has_convolutions([net])
    # Convolutions are faster without XLA on a CPU, and dense layers with it.
    assert points.compute.xla
    assert pictures.compute == pictures.compute.__class__(xla=pictures.compute.xla, dtype=pictures.dtype)
    assert points.sample(3, 0).shape == (3, 2)


@pytest.mark.parametrize(("generator", "discriminator"), [("dense", "convolutional"), ("convolutional", "dense")])
def test_nets_of_both_kinds_play_with_each_other(generator: str, discriminator: str) -> None:
    model = make(generator=generator, discriminator=discriminator)
    assert np.isfinite(model.train(2)["loss/generator"])
    assert model.sample(3, 0).shape == (3, 8, 8, 1)


@pytest.mark.parametrize("field", ["generator", "discriminator"])
@pytest.mark.parametrize("name", ["convolutional", "tutorial"])
def test_points_are_no_pictures(field: str, name: str) -> None:
    with pytest.raises(UserError, match=f"'{name}' makes and sees pictures.*'ring' are float32 .2..*generator=auto"):
        make("ring", **{field: name})


def test_a_seed_decides_and_the_two_nets_draw_apart() -> None:
    one, same, other = (make(seed=seed) for seed in (1, 1, 2))
    for name in ("generator", "discriminator"):
        weights = [getattr(model, name).get_weights() for model in (one, same, other)]
        assert all((a == b).all() for a, b in zip(weights[0], weights[1], strict=True))
        assert any((a != b).any() for a, b in zip(weights[0], weights[2], strict=True))


def test_where_a_gradient_has_a_gradient_the_critic_is_float32() -> None:
    half = make(precision="bfloat16", gradient_penalty=1.0, discriminator_batch_norm=False)
    assert {layer.compute_dtype for layer in half.discriminator.layers} == {"float32"}
    assert "bfloat16" in {layer.compute_dtype for layer in half.generator.layers}
    assert np.isfinite(half.train(2)["loss/gradient_penalty"])
    plain = make(precision="bfloat16")
    assert "bfloat16" in {layer.compute_dtype for layer in plain.discriminator.layers}


def test_samples_are_made_so_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    model, sizes = make(), []
    in_batches = model.in_batches
    monkeypatch.setattr(model, "in_batches", lambda *a, size: sizes.append(size) or in_batches(*a, size=size))
    whole = model.sample(10, 0)
    monkeypatch.setattr("rlgen.networks.memory.SAMPLING_BYTES", 4 * 3 * 64)
    np.testing.assert_allclose(model.sample(10, 0), whole, atol=1e-6)
    # The last layer is the widest: 64 numbers for 8 x 8 pixels.
    assert sizes == [10_000, 3]
