import keras
import numpy as np
import pytest
import tensorflow as tf

from rlgen.networks import clip_by_global_norm, hidden_layers, mlp, numpy_dense


@pytest.mark.parametrize("activation", ["relu", "tanh", "elu", "selu"])
def test_the_numpy_twin_is_the_model(activation: str) -> None:
    first = keras.Input((5,))
    model = keras.Model(first, hidden_layers(first, (7, 6), activation, seed=3))
    x = np.random.default_rng(0).normal(0, 3, (20, 5)).astype(np.float32)
    want = np.asarray(model(x))
    got = numpy_dense(x, model.get_weights(), activation)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_seeds_decide_the_weights() -> None:
    def weights(seed: int) -> list[np.ndarray]:
        return mlp(inputs=4, hidden_units=(8, 8), outputs=2, seed=seed).get_weights()

    for one, same, other in zip(weights(1), weights(1), weights(2), strict=True):
        np.testing.assert_array_equal(one, same)
        assert one.ndim == 1 or (one != other).any()


def test_shapes_and_the_linear_end() -> None:
    model = mlp(inputs=4, hidden_units=(8, 3), outputs=2)
    assert [weight.shape for weight in model.get_weights()] == [(4, 8), (8,), (8, 3), (3,), (3, 2), (2,)]
    assert model.layers[-1].activation is keras.activations.linear
    bare = mlp(inputs=4, hidden_units=(), outputs=2)
    assert len(bare.get_weights()) == 2


def test_an_unknown_activation() -> None:
    with pytest.raises(KeyError):
        numpy_dense(np.zeros((1, 1), np.float32), [np.zeros((1, 1)), np.zeros(1)], "swoosh")


@pytest.mark.parametrize("largest", [None, 0.5, 1e6])
def test_clipping_is_tensorflows(largest: float | None) -> None:
    generator = np.random.default_rng(0)
    gradients = [tf.constant(generator.normal(size=shape), tf.float32) for shape in ((5, 7), (7,), (3, 3, 2, 4))]
    clipped, norm = clip_by_global_norm(gradients, largest)
    expected, expected_norm = tf.clip_by_global_norm(gradients, largest or 1e9)
    assert float(norm) == pytest.approx(float(expected_norm), rel=1e-6)
    for ours, theirs in zip(clipped, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
