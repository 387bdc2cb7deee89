import numpy as np
import pytest
import tensorflow as tf
from small_pictures import of_size

from rlgen.errors import UserError
from rlgen.supervised.resnet import ResNet, ResNetConfig


def make(problem: str, preset: str | None = None, **config: object) -> ResNet:
    return ResNet(problem=problem, config=ResNetConfig.build(config, preset=preset), seed=0)


def test_the_books_resnet_34_has_the_books_weights() -> None:
    assert make(of_size(64, 64, 3), "book-hands-on-ml").net.count_params() == 21_306_826


def test_without_shortcuts_it_is_the_plain_net_and_every_weight_learns() -> None:
    counts = []
    for residual in (True, False):
        model = make(of_size(8, 8, 1), residual=residual, filters=4, stem_filters=(4,), blocks=(1, 1))
        x = tf.constant(np.random.default_rng(0).random((6, 8, 8, 1)), tf.float32)
        with tf.GradientTape() as tape:
            loss = model.task.loss(model.task.shaped(model.net(x, training=True)), tf.range(6))
        gradients = tape.gradient(loss, model.net.trainable_variables)
        assert all(float(tf.reduce_max(tf.abs(gradient))) > 0 for gradient in gradients)
        counts.append(sum("Add" in type(layer).__name__ for layer in model.net.layers))
    assert counts == [2, 0]


def test_pictures_that_are_too_small_are_refused() -> None:
    with pytest.raises(UserError, match="4 x 4 pixels cannot be halved 3 times"):
        make(of_size(4, 4, 1), blocks=(1, 1, 1, 1))
