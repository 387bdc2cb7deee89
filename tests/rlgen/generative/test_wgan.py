from __future__ import annotations

import numpy as np
import pytest
import same_bits
from small_pictures import SMALL_CRITIC, small_pictures

from rlgen.generative.wgan import WGAN, WGANConfig


def make(problem: str, **config: object) -> WGAN:
    return WGAN(problem=problem, config=WGANConfig.build({**SMALL_CRITIC, **config}), seed=0)


@pytest.mark.parametrize("problem", ["ring", "digits"])
def test_the_critic_stays_within_its_bound_and_the_generator_learns(problem: str) -> None:
    model = make(problem)
    bound = np.float32(model.config.weight_clip)
    before = [variable.numpy() for variable in model.generator.variables]
    for _ in range(2):
        assert max(np.abs(variable.numpy()).max() for variable in model.discriminator.trainable_variables) <= bound
        scalars = model.train(2)
    assert all((new.numpy() != old).any() for new, old in zip(model.generator.variables, before, strict=True))
    assert scalars["train/critic_gap"] == pytest.approx(-scalars["loss/discriminator"], abs=1e-6)
    assert "prob/real" not in scalars
    assert scalars["work/images"] == 4 * 2 * 8
    assert int(model.discriminator_optimizer.iterations) == 2 * int(model.generator_optimizer.iterations)


def test_a_resume_is_exact_with_rmsprop() -> None:
    model = make("ring")
    assert type(model.generator_optimizer).__name__ == "RMSprop"
    same_bits.assert_resumes_to_the_bit(model, parts=(2, 1), rest=3)


def test_the_book_s_nets_train_with_their_critic_clipped() -> None:
    config = WGANConfig.build({"batch_size": 4, "discriminator_updates": 1}, preset="book-mastering-tensorflow")
    model = WGAN(problem=small_pictures(28), config=config, seed=0)
    assert np.isfinite(model.train(1)["loss/discriminator"])
    assert (model.generator.count_params(), model.discriminator.count_params()) == (851_713, 70_337)
    assert max(np.abs(v.numpy()).max() for v in model.discriminator.trainable_variables) <= np.float32(0.01)


@pytest.mark.parametrize("preset", ["paper", "book-mastering-tensorflow"])
def test_presets_are_the_authors_clip_and_step(preset: str) -> None:
    config = WGANConfig.build(preset=preset)
    assert (config.weight_clip, config.discriminator_updates, config.batch_size) == (0.01, 5, 64)
    assert config.discriminator_learning_rate(0) == config.generator_learning_rate(0) == 5e-5
