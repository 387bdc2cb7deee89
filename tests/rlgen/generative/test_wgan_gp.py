from __future__ import annotations

import pytest
import same_bits
from small_pictures import SMALL_CRITIC, small_pictures

from rlgen import networks
from rlgen.errors import UserError
from rlgen.generative.wgan_gp import WGANGP, WGANGPConfig


def make(problem: str, **config: object) -> WGANGP:
    return WGANGP(problem=problem, config=WGANGPConfig.build({**SMALL_CRITIC, **config}), seed=0)


@pytest.mark.parametrize("problem", ["ring", "digits"])
def test_both_nets_learn_and_the_penalty_is_told(problem: str) -> None:
    model = make(problem)
    # What is added to all scores alike, the last bias, changes no loss.
    variables = [*model.generator.variables, *model.discriminator.variables[:-1]]
    before = [variable.numpy() for variable in variables]
    scalars = model.train(3)
    assert [v.path for v, old in zip(variables, before, strict=True) if (v.numpy() == old).all()] == []
    assert scalars["loss/gradient_penalty"] > 0
    assert scalars["work/images"] == 3 * 2 * 8


def test_the_critic_has_no_batch_normalization_and_may_have_none() -> None:
    pictures = small_pictures()
    model = make(pictures)
    assert networks.has_batch_normalization([model.generator])
    assert not networks.has_batch_normalization([model.discriminator])
    with pytest.raises(UserError, match="gradient_penalty=10 .*batch normalisation"):
        make(pictures, discriminator_batch_norm=True)


@pytest.mark.parametrize("problem", ["ring", "digits"])
def test_a_resume_is_exact(problem: str) -> None:
    same_bits.assert_resumes_to_the_bit(make(problem), parts=(1, 2), rest=2)


def test_the_paper_s_recipe() -> None:
    config = WGANGPConfig.build(preset="paper")
    assert (config.gradient_penalty, config.discriminator_updates, config.beta_1, config.beta_2) == (10, 5, 0.5, 0.9)
    assert config.generator_learning_rate(0) == config.discriminator_learning_rate(0) == 1e-4
