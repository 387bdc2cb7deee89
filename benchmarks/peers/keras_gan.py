"""`gan` on the ring of Gaussians as a Keras model that `fit` trains: the same nets, batches and updates; one JSON line.

It runs where rlgen does. The first epoch, in which Keras compiles, is not timed.
"""

import argparse
import json
import time

import keras
import numpy as np
import tensorflow as tf


def dense(inputs: int, hidden: tuple[int, ...], outputs: int) -> keras.Model:
    layers = [keras.layers.Dense(units, "tanh") for units in hidden]
    return keras.Sequential([keras.Input((inputs,)), *layers, keras.layers.Dense(outputs)])


class GAN(keras.Model):
    """The train step of Keras' own guides, with the losses from logits."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.discriminator = dense(2, (128, 128, 128), 2), dense(2, (128, 128), 1)
        self.generator_optimizer = keras.optimizers.Adam(5e-4, beta_1=0.5)
        self.discriminator_optimizer = keras.optimizers.Adam(1e-3, beta_1=0.5)

    def train_step(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        size = tf.shape(x)[0]
        fake = self.generator(tf.random.normal((size, 2)), training=True)
        with tf.GradientTape() as tape:
            real, made = self.discriminator(x, training=True), self.discriminator(fake, training=True)
            loss = tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(made))
        weights = self.discriminator.trainable_variables
        self.discriminator_optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        with tf.GradientTape() as tape:
            made = self.discriminator(self.generator(tf.random.normal((size, 2)), training=True), training=True)
            wish = tf.reduce_mean(tf.nn.softplus(-made))
        weights = self.generator.trainable_variables
        self.generator_optimizer.apply_gradients(zip(tape.gradient(wish, weights), weights, strict=True))
        return {"d_loss": loss, "g_loss": wish}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--updates", type=int, default=4000)
    parser.add_argument("--at-once", type=int, default=1, help="Keras' steps_per_execution")
    parser.add_argument("--compile", action="store_true", help="Keras' jit_compile")
    args = parser.parse_args()
    angles = np.random.default_rng(0).integers(0, 8, 128 * args.updates) * np.pi / 4
    points = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    gan = GAN()
    gan.compile(steps_per_execution=args.at_once, jit_compile=args.compile)
    gan.fit(points[: 128 * 2 * args.at_once], batch_size=128, verbose=0)
    start = time.perf_counter()
    gan.fit(points, batch_size=128, verbose=0)
    seconds = time.perf_counter() - start
    row = {**vars(args), "version": keras.__version__, "seconds": round(seconds, 3)}
    print(json.dumps({**row, "updates_per_second": round(args.updates / seconds, 1)}))


if __name__ == "__main__":
    main()
