from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from rlgen.generative.losses import LOSSES, LossName

NAMES = list(LOSSES)
REAL, FAKE = np.array([1.5, -0.5, 3.0]), np.array([0.3, -2.0, 1.5])


def by_hand(name: LossName, real: np.ndarray, fake: np.ndarray, s: float = 0.0) -> tuple[float, float]:
    """Both losses as the papers write them, in probabilities where there are any."""
    d_real, d_fake = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
    entropy = -np.mean((1 - s) * np.log(d_real) + s * np.log(1 - d_real)) - np.mean(np.log(1 - d_fake))
    hinge = np.mean(np.maximum(0, 1 - real)) + np.mean(np.maximum(0, 1 + fake))
    squares = np.mean((real - 1 + s) ** 2) / 2 + np.mean(fake**2) / 2
    return {
        "non_saturating": (entropy, -np.mean(np.log(d_fake))),
        "minimax": (entropy, np.mean(np.log(1 - d_fake))),
        "hinge": (hinge, -np.mean(fake)),
        "least_squares": (squares, np.mean((fake - 1) ** 2) / 2),
        "wasserstein": (np.mean(fake) - np.mean(real), -np.mean(fake)),
    }[name]


@pytest.mark.parametrize(
    ("name", "discriminator", "generator"),
    [
        ("non_saturating", 2 * math.log(2), math.log(2)),
        ("minimax", 2 * math.log(2), -math.log(2)),
        ("hinge", 2, 0),
        ("least_squares", 0.5, 0.5),
        ("wasserstein", 0, 0),
    ],
)
def test_losses_where_the_discriminator_knows_nothing(name: LossName, discriminator: float, generator: float) -> None:
    nothing = tf.zeros(4)
    assert float(LOSSES[name].discriminator(nothing, nothing, 0.0)) == pytest.approx(discriminator)
    assert float(LOSSES[name].generator(nothing)) == pytest.approx(generator)


def test_smoothing_changes_nothing_where_the_discriminator_knows_nothing() -> None:
    nothing = tf.zeros(4)
    assert float(LOSSES["non_saturating"].discriminator(nothing, nothing, 0.1)) == pytest.approx(2 * math.log(2))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_losses_are_the_papers(name: LossName, smoothing: float) -> None:
    loss = LOSSES[name]
    s = smoothing if loss.smooths else 0.0
    discriminator, generator = by_hand(name, REAL, FAKE, s)
    assert float(loss.discriminator(tf.constant(REAL), tf.constant(FAKE), smoothing)) == pytest.approx(discriminator)
    assert float(loss.generator(tf.constant(FAKE))) == pytest.approx(generator)


@pytest.mark.parametrize("name", NAMES)
def test_each_player_pulls_to_its_own_side(name: LossName) -> None:
    """D wants real logits up and generated ones down, G generated ones up, wherever nobody has won yet."""
    real, fake = tf.constant([0.5, -0.5]), tf.constant([0.5, 0.2])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch((real, fake))
        discriminator, generator = LOSSES[name].discriminator(real, fake, 0.0), LOSSES[name].generator(fake)
    assert (tape.gradient(discriminator, real).numpy() < 0).all()
    assert (tape.gradient(discriminator, fake).numpy() > 0).all()
    assert (tape.gradient(generator, fake).numpy() < 0).all()


def test_a_sure_discriminator_stops_minimax_alone() -> None:
    """Why the non-saturating loss is the default: far below 0 its gradient stays, and that of minimax vanishes."""
    sure = tf.constant([-30.0])
    slopes = {}
    for name in ("non_saturating", "minimax"):
        with tf.GradientTape() as tape:
            tape.watch(sure)
            loss = LOSSES[name].generator(sure)
        slopes[name] = float(tape.gradient(loss, sure)[0])
    assert slopes["non_saturating"] == pytest.approx(-1)
    assert abs(slopes["minimax"]) < 1e-12


def test_losses_stay_finite_for_a_sure_discriminator() -> None:
    sure, loss = tf.constant([1000.0]), LOSSES["non_saturating"]
    assert float(loss.discriminator(sure, -sure, 0.0)) == 0
    assert float(loss.discriminator(-sure, sure, 0.0)) == 2000
    assert float(loss.generator(-sure)) == 1000
    assert float(LOSSES["minimax"].generator(sure)) == -1000
