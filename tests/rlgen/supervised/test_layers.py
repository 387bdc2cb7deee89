import keras
import numpy as np
import pytest
import tensorflow as tf

from rlgen import draws
from rlgen.supervised.layers import Dropout, Layers, alpha_dropout, dropout, dropping, whole_kernels

SEED = tf.constant([1, 2])


def test_dropout_keeps_the_mean_and_drops_its_share() -> None:
    dropped = dropout(tf.ones((200, 500)), 0.25, draws.uniform((200, 500), SEED)).numpy()
    assert set(np.unique(dropped)) == {np.float32(0), np.float32(1 / 0.75)}
    assert (dropped == 0).mean() == pytest.approx(0.25, abs=0.01)


def test_alpha_dropout_keeps_mean_0_and_variance_1() -> None:
    x = draws.normal((400, 500), SEED)
    dropped = alpha_dropout(x, 0.3, draws.uniform(x.shape, SEED + 1)).numpy()
    assert dropped.mean() == pytest.approx(0, abs=0.01)
    assert dropped.std() == pytest.approx(1, abs=0.01)


def test_a_dropout_layer_drops_inside_of_dropping_alone_and_by_its_number() -> None:
    x = tf.ones((20, 50))
    first, second = Dropout(0.5, number=0), Dropout(0.5, number=1)
    np.testing.assert_array_equal(first(x), x)
    with dropping(SEED):
        one, again, other = first(x), first(x), second(x)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert 0.3 < (one.numpy() == 0).mean() < 0.7
    np.testing.assert_array_equal(first(x), x)


def test_a_net_with_dropout_can_be_cloned() -> None:
    made = Layers(dropout_rate=0.5)
    x = keras.Input((3,))
    net = keras.Model(x, made.last(made.dense(x, (4, 4)), 2))
    copy = keras.models.clone_model(net)
    layers = [layer for layer in copy.layers if isinstance(layer, Dropout)]
    assert [layer.number for layer in layers] == [0, 1]
    assert [kernel.shape for kernel in whole_kernels(net)] == [(3, 4), (4, 4), (4, 2)]


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ({"activation": "selu"}, "LecunNormal"),
        ({"activation": "tanh"}, "GlorotUniform"),
        ({"activation": "leaky_relu"}, "HeUniform"),
        ({"activation": "selu", "initializer": "he_normal"}, "HeNormal"),
    ],
)
def test_initial_weights_suit_the_activation(how: dict[str, str], kind: str) -> None:
    made = Layers(**how)  # type: ignore[arg-type]
    assert type(made.weights()).__name__ == kind
    assert made.weights() is not made.weights()


def test_batch_normalisation_takes_the_bias_away() -> None:
    x = keras.Input((3,))
    made = Layers(batch_norm=True)
    net = keras.Model(x, made.dense(x, (5,)))
    assert [variable.name for variable in net.trainable_variables] == ["kernel", "gamma", "beta"]
