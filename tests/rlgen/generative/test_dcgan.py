from __future__ import annotations

import numpy as np
import pytest
import same_bits
from small_pictures import small_pictures

from rlgen import data, pictures
from rlgen.errors import UserError
from rlgen.generative.dcgan import DCGAN, DCGANConfig

SMALL = {"filters": 4, "latent_size": 5, "batch_size": 8, "evaluation_samples": 100}


def make(problem: str | None = None, **config: object) -> DCGAN:
    return DCGAN(problem=problem or small_pictures(), config=DCGANConfig.build({**SMALL, **config}), seed=0)


def test_every_variable_learns_and_statistics_move() -> None:
    model = make(dropout=0.2)
    variables = [*model.generator.variables, *model.discriminator.variables]
    before = [variable.numpy() for variable in variables]
    scalars = model.train(3)
    assert [v.path for v, old in zip(variables, before, strict=True) if (v.numpy() == old).all()] == []
    assert {"prob/real", "prob/fake", "train/critic_gap", "train/discriminator_grad_norm"} <= set(scalars)


def test_the_average_takes_the_statistics_as_they_are() -> None:
    """A slow average of the statistics beside faster weights would show in the samples as grey."""
    model = make(ema_decay=0.999)
    model.train(4)
    fast, slow = model.generator.non_trainable_variables, model.average.non_trainable_variables
    assert len(fast) == 4
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_array_equal(one, other)
    moved = zip(model.generator.trainable_variables, model.average.trainable_variables, strict=True)
    assert any((one.numpy() != other.numpy()).any() for one, other in moved)


def test_a_resume_is_exact_with_dropout_and_statistics() -> None:
    same_bits.assert_resumes_to_the_bit(make(dropout=0.3, discriminator_updates=2), parts=(1, 2), rest=2)


def test_it_judges_and_draws_itself() -> None:
    model = make("digits")
    model.train(1)
    result = model.evaluate(episodes=1, seed=0, split="test")
    assert set(result.scalars) == {"eval/quality", "eval/coverage", "eval/density", "eval/diversity"}
    assert result.images["eval/samples"].dtype == np.uint8
    samples = model.sample(4, 0)
    assert samples.shape == (4, 8, 8, 1)
    assert samples.min() >= 0
    assert samples.max() <= 1


@pytest.mark.parametrize(("side", "channels", "depth"), [(16, 3, 2), (32, 1, 3), (64, 3, 4)])
def test_it_is_as_deep_as_pictures_are_large(side: int, channels: int, depth: int) -> None:
    model = make(small_pictures(side, channels))
    for net, kind in ((model.generator, "Conv2DTranspose"), (model.discriminator, "Conv2D")):
        assert sum(type(layer).__name__ == kind for layer in net.layers) == depth
    assert model.sample(2, 0).shape == (2, side, side, channels)


def test_a_size_that_cannot_be_reached_is_refused() -> None:
    with pytest.raises(UserError, match="36 x 36 pixels.*32 x 32 or 40 x 40"):
        make(small_pictures(36))


def test_points_are_refused_with_what_learns_them() -> None:
    with pytest.raises(UserError, match="dcgan learns pictures.*'ring'.*`gan`, `wgan` and `wgan_gp`"):
        make("ring")


@pytest.mark.parametrize(("preset", "most"), [("paper", {"filters": 4, "most_filters": 8}), ("tutorial", {})])
def test_presets_train(preset: str, most: dict[str, int]) -> None:
    config = DCGANConfig.build({"batch_size": 4, **most}, preset=preset)
    model = DCGAN(problem=small_pictures(28), config=config, seed=0)
    assert np.isfinite(model.train(1)["loss/generator"])
    assert model.sample(2, 0).shape == (2, 28, 28, 1)
    if preset == "tutorial":
        assert model.generator.count_params() == 2_330_944
        assert model.discriminator.count_params() == 212_865


@pytest.mark.parametrize("conditional", [False, True])
def test_real_pictures_are_shown_once(conditional: bool) -> None:
    model = make("digits", evaluation_samples=20, conditional=conditional)
    held = model.held_out("test")
    first, second = (model.evaluate(episodes=1, seed=0, split="test").images for _ in range(2))
    if conditional:  # Six of each class, below each other.
        chosen = [np.flatnonzero(held.y == label)[:6] for label in range(10)]
        expected = pictures.grid(data.scaled(held.x)[np.concatenate(chosen)], columns=6)
    else:
        expected = pictures.grid(data.scaled(held.x)[pictures.spread(len(held), 64)])
    np.testing.assert_array_equal(first["eval/real"], expected)
    assert "eval/real" not in second


def test_the_fixed_grid_is_of_the_same_vectors_in_every_evaluation_and_the_fresh_one_is_not() -> None:
    model = make("digits", evaluation_samples=20)
    first, second = (model.evaluate(episodes=1, seed=seed, split="test").images for seed in (0, 1))
    np.testing.assert_array_equal(first["eval/fixed_samples"], second["eval/fixed_samples"])
    np.testing.assert_array_equal(first["eval/interpolation"], second["eval/interpolation"])
    assert (first["eval/samples"] != second["eval/samples"]).any()
    model.train(2)
    assert (
        model.evaluate(episodes=1, seed=0, split="test").images["eval/fixed_samples"] != first["eval/fixed_samples"]
    ).any()
