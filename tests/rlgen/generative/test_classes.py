from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import same_bits
import tensorflow as tf
from small_pictures import small_pictures

from rlgen import state
from rlgen.data import given
from rlgen.errors import UserError
from rlgen.generative import classes
from rlgen.generative.adversarial import AdversarialModel
from rlgen.generative.dcgan import DCGAN
from rlgen.generative.gan import GAN
from rlgen.generative.wgan_gp import WGANGP

DENSE = {"generator_hidden_units": (8,), "discriminator_hidden_units": (8,), "batch_size": 16, "evaluation_samples": 30}
PICTURES = {"filters": 4, "latent_size": 3, "batch_size": 16, "evaluation_samples": 30}


def make(cls: type[AdversarialModel], problem: str = "digits", **config: Any) -> Any:
    small = DENSE if cls is GAN else PICTURES
    return cls(problem=problem, config=cls.Config.build({**small, "conditional": True, **config}), seed=0)


@pytest.fixture(scope="module")
def gan() -> GAN:
    """A few updates old, of digits in their classes."""
    model: GAN = make(GAN)
    model.train(3)
    return model


def test_classes_have_numbers_and_names() -> None:
    names = ("shoe", "7", "bag")
    assert classes.labels_of([0, "bag", "7", "2", np.int64(1)], names).tolist() == [0, 2, 1, 2, 1]
    for wrong in (3, -1, True, "bags", 1.0):
        with pytest.raises(UserError, match=r"There is no class .* There are: 0 shoe, 1 7, 2 bag\."):
            classes.labels_of([wrong], names)
    with pytest.raises(UserError, match="Did you mean 'bag'"):
        classes.labels_of(["bags"], names)


def test_labels_are_drawn_in_their_shares() -> None:
    of = classes.shares(np.array([0, 0, 0, 2]), 3)
    assert of.tolist() == [0.75, 0, 0.25]
    drawn = classes.drawn(np.random.default_rng(0), of, 4000)
    assert drawn.dtype == np.int32 and 1 not in drawn
    assert abs((drawn == 0).mean() - 0.75) < 0.03


@pytest.mark.parametrize(
    ("cls", "config"),
    [(GAN, {}), (DCGAN, {}), (WGANGP, {"discriminator_updates": 1}), (DCGAN, {"spectral_norm": True})],
)
def test_both_nets_are_told_the_class(cls: type[AdversarialModel], config: dict[str, Any]) -> None:
    """Every weight learns; another class makes another picture of a vector and another logit."""
    model = make(cls, **config)
    variables = [*model.generator.trainable_variables, *model.discriminator.trainable_variables]
    before = [variable.numpy() for variable in variables]
    model.train(4)
    still = [v.path for v, old in zip(variables, before, strict=True) if (v.numpy() == old).all()]
    # A critic's loss does not change with what is added to all scores alike.
    assert len(still) == (cls is WGANGP) and all("bias" in path for path in still)
    z = np.ones((2, model.config.latent_size), np.float32)
    one, other = model.decode(z, np.array([0, 1], np.int32))
    assert (one != other).any()
    x = tf.ones((2, *model.discriminator.inputs[0].shape[1:]))
    logits = model.logits(x, model.one_hot([0, 1])).numpy()
    assert logits[0] != logits[1]


def test_samples_come_in_the_shares_of_the_training_part_or_as_asked(gan: GAN) -> None:
    labels = gan.examples("train").y
    assert labels is not None
    np.testing.assert_allclose(gan.shares.numpy(), np.bincount(labels, minlength=10) / len(labels), rtol=1e-6)
    assert gan.sample(5, 0).shape == (5, 8, 8, 1)
    sixes = gan.sample(4, 0, classes=["6"])
    np.testing.assert_array_equal(gan.sample(4, 0, classes=[6, 6, 6, 6]), sixes)
    assert (gan.sample(4, 0, classes=[7]) != sixes).any()


@pytest.mark.parametrize(("asked", "message"), [([1, 2], "2 classes for 3 samples"), ([10], "no class 10")])
def test_what_cannot_be_asked_for_is_refused(gan: GAN, asked: list[int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        gan.sample(3, 0, classes=asked)


def test_a_model_that_knows_of_no_classes_says_so() -> None:
    model = make(GAN, conditional=False)
    with pytest.raises(UserError, match="knows of no classes: train with conditional=true"):
        model.sample(3, 0, classes=[1])


def test_vectors_want_their_classes(gan: GAN) -> None:
    with pytest.raises(UserError, match="say which class each vector is to be of"):
        gan.decode(np.ones((2, 2), np.float32))


@pytest.mark.parametrize("problem", ["ring", small_pictures()])
def test_data_without_classes_are_refused(problem: str) -> None:
    with pytest.raises(UserError, match="conditional=true takes examples that have a class each.*conditional=false"):
        make(GAN, problem)


def test_a_resume_is_exact() -> None:
    same_bits.assert_resumes_to_the_bit(make(GAN), parts=(1, 2), rest=2)


def test_using_it_needs_no_data(gan: GAN) -> None:
    used = GAN.for_use(facts=gan.facts(), problem="digits", config=gan.config, seed=0)
    state.write(used.inference_state(), state.read(gan.inference_state()))
    np.testing.assert_array_equal(used.sample(6, 1), gan.sample(6, 1))


def test_a_grid_shows_every_class_and_metrics_hold_samples_against_what_was_asked() -> None:
    x = np.repeat(np.array([0, 255], np.uint8), 50)[:, None, None, None] * np.ones((1, 8, 8, 1), np.uint8)
    model = make(GAN, given.name_of((x, np.repeat([0, 1], 50))), metrics=("as_asked",))
    model.train(1)
    perfect = {0: 0.0, 1: 1.0}
    model.decode = lambda z, labels: np.stack([np.full((8, 8, 1), perfect[int(i)], np.float32) for i in labels])
    result = model.evaluate(episodes=1, seed=0, split="test")
    (name,) = [name for name in result.scalars if name.startswith("eval/as_asked_")]
    assert result.scalars[name] == 1
    sheet = result.images["eval/samples"]
    assert sheet[5, 5, 0] == 0 and sheet[-5, -5, 0] == 255


def test_the_metric_wants_a_model_with_classes() -> None:
    with pytest.raises(UserError, match="'as_asked' holds samples against the classes.*conditional=true"):
        make(GAN, conditional=False, metrics=("as_asked",))
