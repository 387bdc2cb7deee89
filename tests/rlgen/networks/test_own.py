"""Networks of a user's own: from Python and the command line, checked, with the same weights for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import rlgen
from rlgen import brought, networks
from rlgen.errors import UserError
from rlgen.networks import Options
from rlgen.spec import Spec


def wide(inputs: Spec, outputs: Spec) -> Any:
    """One wide layer, with dropout of its own."""
    x = first = keras.Input(inputs.shape)
    x = keras.layers.Dense(24, activation="gelu")(keras.layers.Flatten()(x))
    x = keras.layers.Dropout(0.1)(x)
    return keras.Model(first, keras.layers.Dense(outputs.size)(x))


class Subclassed(keras.Model):
    """A model that is a class."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.last = keras.layers.Dense(outputs)

    def call(self, x: Any) -> Any:
        return self.last(x)


def test_the_same_seed_gives_the_same_weights() -> None:
    name = brought.bring(wide)
    one, same, other = (networks.build(name, Spec((3,)), 2, Options(seed=seed)) for seed in (1, 1, 2))
    assert one.output_shape == (None, 2)
    np.testing.assert_array_equal(one.get_weights()[0], same.get_weights()[0])
    assert (one.get_weights()[0] != other.get_weights()[0]).any()
    assert networks.body(name, Spec((3,)), Options(hidden_units=(7, 5))).output_shape == (None, 5)


def test_what_does_not_fit_is_refused() -> None:
    def wrong(inputs: Spec, outputs: Spec) -> Any:
        return wide(inputs, Spec((outputs.size + 1,)))

    def raises(inputs: Spec, outputs: Spec) -> Any:
        raise RuntimeError("out of coffee")

    with pytest.raises(
        UserError, match=r"'@wrong' has to put out \[N, 2\] for examples \[N, 2\]; it puts out \[N, 3\]"
    ):
        rlgen.make("a2c", network=wrong, config={"hidden_units": (2,)}, env="MountainCar-v0").state()
    with pytest.raises(UserError, match="'@raises' could not be made for float32 .* RuntimeError: out of coffee"):
        rlgen.make("dqn", network=raises)
    with pytest.raises(UserError, match="no_such_module"):
        rlgen.make("dqn", network="no_such_module:net")
    with pytest.raises(UserError, match="'network' is given twice"):
        rlgen.make("dqn", network=wide, config={"network": "dense"})


def test_a_model_learns_with_it_and_is_found_again(tmp_path: Path, rlgen_command: Callable[..., Any]) -> None:
    small = {"batch_size": 16, "trainer.evaluate_every_steps": 1000}
    run = rlgen.train("mlp", network=wide, steps=200, run=tmp_path / "run", config=small)
    assert run.config.config["network"] == f"{__name__}:wide"
    assert run.evaluation["eval/accuracy"] > 0.5
    whole = rlgen.train("mlp", network=wide, steps=40, run=tmp_path / "whole", config=small)
    half = rlgen.train("mlp", network=wide, steps=20, run=tmp_path / "half", config=small)
    resumed = rlgen.train("mlp", steps=40, run=half.path, resume=True)
    one, two = (made.weights("last")[1] for made in (whole, resumed))
    assert all(one[key].tobytes() == two[key].tobytes() for key in one), "its dropout goes on where it stopped"
    done = rlgen_command("train", "mlp", "--set", f"network={__name__}:wide", "--steps", 5, "--run", tmp_path / "cli")
    assert done.code == 0, done.err
    assert rlgen.load(tmp_path / "cli").predict(np.zeros((8, 8, 1))).shape == (10,)


def test_a_gan_has_two() -> None:
    gan = rlgen.make("gan", data="digits", config={"generator": wide, "discriminator": f"{__name__}:wide"})
    samples = gan.sample(3, seed=0)
    assert samples.shape == (3, 8, 8, 1) and 0 <= samples.min() <= samples.max() <= 1, "tanh comes after it"
    assert "Dropout" in {type(layer).__name__ for layer in gan.discriminator._flatten_layers()}
    assert np.isfinite(gan.train(2)["loss/generator"])
    with pytest.raises(UserError, match="no field 'network' in GANConfig.*generator, discriminator"):
        rlgen.make("gan", network=wide)


@pytest.mark.parametrize("name", ["dqn", "dueling_dqn", "a2c"])
def test_an_agent_acts_with_it(name: str) -> None:
    agent = rlgen.make(name, network=wide, config={"hidden_units": (6, 6)})
    assert agent.act(np.zeros(4, np.float32)) in (0, 1)
    layers = [type(layer).__name__ for layer in agent.state()[{"a2c": "network"}.get(name, "online")]._flatten_layers()]
    assert "Dropout" in layers


def test_a_model_that_is_a_class() -> None:
    agent = rlgen.make("dqn", network=lambda inputs, outputs: Subclassed(outputs.size))
    assert agent.act(np.zeros((3, 4), np.float32)).shape == (3,)
