from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import same_bits
import tensorflow as tf
from small_pictures import small_pictures

from rlgen import state
from rlgen.errors import UserError
from rlgen.generative.adversarial import AdversarialModel
from rlgen.generative.dcgan import DCGAN
from rlgen.generative.gan import GAN

SMALL = {"batch_size": 8, "filters": 4, "latent_size": 3, "evaluation_samples": 20}
DENSE = {"batch_size": 8, "generator_hidden_units": (8,), "discriminator_hidden_units": (8,)}
EVERYTHING = ("blit", "geometry", "colour", "cutout")


def make(cls: type[AdversarialModel] = DCGAN, problem: str = "digits", **config: Any) -> Any:
    return cls(problem=problem, config=cls.Config.build({**(SMALL if cls is DCGAN else DENSE), **config}), seed=0)


def test_a_resume_is_exact_with_changes_replay_groups_and_classes() -> None:
    model = make(ada=EVERYTHING, fake_replay=16, minibatch_group=4, conditional=True, discriminator_updates=2)
    assert {"sight", "discriminator"} <= set(model.state())
    same_bits.assert_resumes_to_the_bit(model, parts=(1, 2), rest=2)


def test_every_variable_learns_with_every_part() -> None:
    model = make(ada=EVERYTHING, ada_probability=0.5, fake_replay=8, minibatch_group=4, dropout=0.1)
    variables = [*model.generator.trainable_variables, *model.discriminator.trainable_variables]
    before = [variable.numpy() for variable in variables]
    scalars = model.train(3)
    assert [v.path for v, old in zip(variables, before, strict=True) if (v.numpy() == old).all()] == []
    assert "train/real_sign" in scalars and "train/ada_probability" not in scalars


def test_the_probability_follows_how_sure_the_discriminator_is() -> None:
    model = make(ada=("blit",), ada_target=-1.0, ada_examples=80)
    first = model.train(1)
    assert first["train/ada_probability"] == pytest.approx(0.1)
    assert model.train(1)["train/ada_probability"] == pytest.approx(0.2)
    sure = make(ada=("blit",), ada_target=1.0, ada_examples=80)
    assert sure.train(2)["train/ada_probability"] == 0


def test_all_three_looks_are_changed_with_draws_of_their_own_and_other_ones_each_update() -> None:
    model = make(ada=("cutout",), ada_probability=1.0)
    x = tf.ones((8, 8, 8, 1))
    seen = [
        model.sight.of(x, look, model.random, tf.constant(draw, tf.int64), 0).numpy()
        for look in ("real", "fake", "generator")
        for draw in (0, 1)
    ]
    assert all((seen[i] != seen[j]).any() for i in range(6) for j in range(i))


def test_dense_nets_see_changed_pictures_too() -> None:
    model = make(GAN, ada=("blit", "colour"), ada_probability=1.0)
    assert np.isfinite(model.train(2)["loss/discriminator"])
    x = tf.reshape(tf.range(8 * 64, dtype=tf.float32), (8, 64))
    seen = model.sight.of(x, "real", model.random, tf.constant(0, tf.int64), 0)
    assert seen.shape == (8, 64) and (seen.numpy() != x.numpy()).any()


def test_without_parts_there_is_no_state_of_them_and_no_seed() -> None:
    plain = make()
    assert "sight" not in plain.state()
    assert len(state.read(plain.state())["seeds"]) < len(state.read(make(ada=("blit",)).state())["seeds"])


@pytest.mark.parametrize(
    ("cls", "problem", "config", "message"),
    [
        (GAN, "ring", {"ada": ("blit",)}, "ada=blit changes pictures, and the examples of 'ring' are"),
        (DCGAN, "digits", {"ada": ("blit",), "loss": "wasserstein"}, "set ada_probability"),
        (DCGAN, "digits", {"fake_replay": 4}, "fake_replay=4 is less than a batch: set it to 8 or more"),
        (DCGAN, "digits", {"minibatch_group": 4, "discriminator": "dense"}, "minibatch_group=4 is for the conv"),
    ],
)
def test_what_cannot_be_is_refused(
    cls: type[AdversarialModel], problem: str, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        make(cls, problem, **config)


def test_real_and_generated_pictures_are_told_apart_by_groups_of_their_own() -> None:
    model = make(problem=small_pictures(16), minibatch_group=4, discriminator_batch_norm=False)
    x = tf.random.stateless_normal((8, 16, 16, 1), (0, 1))
    one, _ = model._both_logits(x, x + 5, None, None)
    np.testing.assert_allclose(one, model._both_logits(x, 0 * x, None, None)[0], rtol=1e-5)


def test_a_pool_that_memory_has_no_room_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rlgen.runtime.free_memory_bytes", lambda: 50_000_000)
    with pytest.raises(UserError, match="fake_replay=1000000 .*Make fake_replay smaller"):
        make(fake_replay=1_000_000)
