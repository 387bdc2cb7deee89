import keras
import numpy as np
import pytest
import tensorflow as tf

from rlgen.board import histograms


def net() -> keras.Model:
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(1)])


def test_weights_by_their_places() -> None:
    made = net()
    found = histograms.weights({"online": made, "steps": tf.Variable(0), "rate": tf.Variable(0.5)})
    # The last bias is a single number.
    assert list(found) == ["weights/online/00_kernel", "weights/online/01_bias", "weights/online/02_kernel"]
    np.testing.assert_array_equal(found["weights/online/00_kernel"], np.asarray(made.weights[0]).reshape(-1))


@pytest.mark.parametrize("optimizer", [keras.optimizers.Adam(), keras.optimizers.SGD(momentum=0.9)])
def test_gradients_are_the_means_that_the_optimizer_keeps(optimizer: keras.optimizers.Optimizer) -> None:
    made = net()
    optimizer.build(made.trainable_variables)
    optimizer.apply([tf.ones(each.shape) for each in made.trainable_variables], made.trainable_variables)
    found = histograms.gradients({"optimizer": optimizer, "net": made})
    assert list(found)[0] == "gradients/optimizer/00_kernel" and len(found) == 3
    assert len(set(found["gradients/optimizer/00_kernel"].tolist())) == 1
    assert found["gradients/optimizer/00_kernel"][0] != 0


def test_plain_descent_keeps_none() -> None:
    made, optimizer = net(), keras.optimizers.SGD()
    optimizer.build(made.trainable_variables)
    assert histograms.gradients({"optimizer": optimizer}) == {}


def test_large_ones_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histograms, "MOST_NUMBERS", 2)
    assert len(histograms.weights({"net": net()})["weights/net/00_kernel"]) == 2
