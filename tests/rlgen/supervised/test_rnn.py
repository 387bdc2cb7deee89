import numpy as np
import pytest

from rlgen.data import given
from rlgen.errors import UserError
from rlgen.supervised.rnn import RNN, RNNConfig


def make(problem: str, **config: object) -> RNN:
    return RNN(problem=problem, config=RNNConfig.build({"units": (8,), **config}), seed=0)


@pytest.mark.parametrize("cell", ["simple", "lstm", "gru"])
def test_every_cell_reads_a_series(cell: str) -> None:
    model = make("seasonal?window=4", cell=cell)
    x = model.examples("test").x
    assert model.predict(x).shape == (461,)
    # Another order of the days says another day.
    assert not np.allclose(model.predict(x[:, ::-1]), model.predict(x))


def test_both_ways_and_in_layers_it_learns_a_series_of_several_numbers() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3, 2)).astype(np.float32)
    model = make(given.name_of((x, x[:, 0, 1])), cell="simple", units=(8, 8), bidirectional=True, learning_rate=0.01)
    assert model.net.layers[-1].kernel.shape == (16, 1)
    model.train(200)
    assert model.evaluate(episodes=1, seed=0, split="test").scalars["eval/r2"] > 0.5


def test_pictures_are_no_series() -> None:
    with pytest.raises(UserError, match="RNN reads series"):
        make("digits")
