from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import same_bits
import tensorflow as tf

from rlgen import state
from rlgen.data.feed import Batch
from rlgen.errors import UserError
from rlgen.generative import game
from rlgen.generative.adversarial import AdversarialConfig, AdversarialModel
from rlgen.generative.losses import LOSSES

SMALL = {"generator_hidden_units": (8,), "discriminator_hidden_units": (8,), "batch_size": 16}


def make(problem: str = "ring", **config: object) -> AdversarialModel:
    return AdversarialModel(problem=problem, config=AdversarialConfig.build({**SMALL, **config}), seed=0)


def normalized(inputs: Any, outputs: Any) -> Any:
    """A discriminator that looks at the batch."""
    layers = [keras.layers.Dense(8), keras.layers.BatchNormalization(), keras.layers.Dense(outputs.size)]
    return keras.Sequential([keras.Input(inputs.shape), *layers])


@pytest.fixture
def normalized_name(monkeypatch: pytest.MonkeyPatch) -> str:
    """`normalized` under the name that a configuration has it by."""
    monkeypatch.setattr(game, "a_net_of_the_tests", normalized, raising=False)
    return "rlgen.generative.game:a_net_of_the_tests"


@pytest.mark.parametrize("loss", list(LOSSES))
def test_every_loss_trains_both_nets_and_tells_how_it_goes(loss: str) -> None:
    model = make(loss=loss)
    variables = [*model.generator.variables, *model.discriminator.variables]
    before = [variable.numpy() for variable in variables]
    scalars = model.train(3)
    still = [v.path for v, old in zip(variables, before, strict=True) if (v.numpy() == old).all()]
    # What is added to all scores alike changes neither of these two losses.
    free = [model.discriminator.variables[-1].path] if loss in ("hinge", "wasserstein") else []
    assert set(still) <= set(free), "a dead layer"
    always = {"loss/generator", "loss/discriminator", "train/critic_gap", "train/grad_norm"}
    assert always | {"train/discriminator_grad_norm"} <= set(scalars)
    assert ("prob/real" in scalars) == ("prob/fake" in scalars) == (loss in ("non_saturating", "minimax"))
    assert all(np.isfinite(value) for value in scalars.values())
    if loss == "wasserstein":
        assert scalars["train/critic_gap"] == pytest.approx(-scalars["loss/discriminator"], abs=1e-6)


def test_regularisers_go_together_and_are_reported() -> None:
    scalars = make(gradient_penalty=10.0, r1=1.0, weight_clip=0.5).train(2)
    assert scalars["loss/gradient_penalty"] > 0
    assert scalars["loss/r1"] > 0


def test_a_strong_penalty_shapes_the_critic() -> None:
    """With next to nothing but the penalty to descend, the gradient's norm comes to 1, or with R1 to 0."""
    common = {"discriminator_learning_rate": 0.02, "generator_learning_rate": 0.0}
    for field, name in (("gradient_penalty", "loss/gradient_penalty"), ("r1", "loss/r1")):
        model = make(**common, **{field: 1000.0})
        first = model.train(1)[name]
        model.train(300)
        assert model.train(1)[name] < 0.2 * first


def test_weights_lie_within_the_bound_before_the_first_update_and_after_every_one() -> None:
    model = make(weight_clip=0.0625, discriminator_learning_rate=0.1)
    for _ in range(3):
        largest = max(float(tf.reduce_max(tf.abs(v))) for v in model.discriminator.trainable_variables)
        assert largest <= 0.0625
        model.train(1)
    assert max(float(tf.reduce_max(tf.abs(v))) for v in model.generator.trainable_variables) > 0.0625


def test_a_resume_is_exact_with_every_part_in_it() -> None:
    model = make(
        loss="wasserstein",
        gradient_penalty=10.0,
        weight_clip=0.5,
        optimizer="rmsprop",
        discriminator_updates=2,
        instance_noise=0.1,
    )
    same_bits.assert_resumes_to_the_bit(model, parts=(2, 3), rest=4)


def test_every_discriminator_update_sees_other_examples_and_other_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def watched(model: AdversarialModel, x: Any, fake: Any, given: Any, told: Any, draw: Any) -> dict[str, Any]:
        seen.append((x.numpy(), fake.numpy()))
        return {"loss/discriminator": tf.zeros(())}

    monkeypatch.setattr(AdversarialModel, "_update_discriminator", watched)
    model = make(discriminator_updates=2)
    rows = tf.constant(np.arange(64).reshape(32, 2), tf.float32)
    made: list[Any] = []
    generated = model.generated
    monkeypatch.setattr(model, "generated", lambda *about: made.append(generated(*about)) or made[-1])
    for update in range(2):
        model.step(Batch(rows), tf.constant(update, tf.int64))
    np.testing.assert_array_equal(np.concatenate([x for x, _ in seen[:2]]), rows)
    fakes = [fake for _, fake in seen]
    assert all((fakes[i] == made[place].numpy()).all() for i, place in enumerate((0, 1, 3, 4)))
    assert len(made) == 6 and all((made[i].numpy() != made[j].numpy()).any() for i in range(6) for j in range(i))


def test_real_and_generated_examples_never_meet_in_batch_normalization(
    normalized_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    logits = AdversarialModel.logits
    monkeypatch.setattr(AdversarialModel, "logits", lambda self, x, _: sizes.append(len(x)) or logits(self, x, None))
    x = tf.random.stateless_normal((16, 2), (0, 1))
    apart = make(discriminator=normalized_name)
    real, _ = apart._both_logits(x, x + 5, None, None)
    assert sizes == [16, 16]
    np.testing.assert_allclose(real, apart._both_logits(x, x - 5, None, None)[0], rtol=1e-5)
    make()._both_logits(x, x, None, None)
    assert sizes == [16, 16, 16, 16, 32]


@pytest.mark.parametrize("field", ["gradient_penalty", "r1"])
def test_a_gradient_of_each_example_wants_no_batch_normalization(normalized_name: str, field: str) -> None:
    with pytest.raises(UserError, match=f"{field}=3 .*batch normalisation.*set {field}=0"):
        make(discriminator=normalized_name, **{field: 3.0})


def test_smoothing_without_a_target_is_refused() -> None:
    for loss in ("hinge", "wasserstein"):
        with pytest.raises(UserError, match="label_smoothing=0.1.*non_saturating, minimax, least_squares"):
            make(loss=loss, label_smoothing=0.1)


def test_memory_goes_by_one_update_of_the_discriminator() -> None:
    one, two, many = (make(discriminator_updates=count).memory_bytes()["batches"] for count in (1, 2, 32))
    held = 4 * 2 * 16  # Bytes of the batch itself that a further update brings.
    assert two > one
    assert many - two == 30 * held


def test_without_a_penalty_no_seed_is_drawn_for_it() -> None:
    """So that runs made before there was one still go on."""
    plain, penalised = (state.read(make(**more).state())["seeds"] for more in ({}, {"gradient_penalty": 1.0}))
    assert len(penalised) == len(plain) + 1
    np.testing.assert_array_equal(penalised[: len(plain)], plain)
