"""Autoencoders: examples into codes of few numbers and back, with what keeps a code from being a copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import data, learning, networks, pictures, runtime
from rlgen.algorithm import Embedding, Evaluation, Split
from rlgen.config import another_default, option
from rlgen.data import Arrays, embedded
from rlgen.data.feed import Batch
from rlgen.data.model import Model
from rlgen.errors import UserError
from rlgen.generative import books, coders, reconstruction, serving
from rlgen.served import Served

Array = npt.NDArray[np.float32]

# A code below that says next to nothing; sparse ones are judged by how many of theirs are.
SMALL_ACTIVATION = 0.1
# Of a film.
SHOWN, MORPHING_FRAMES, LEGS = 16, 30, 4


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig(coders.CoderConfig):
    """What an autoencoder can be told; the switches go together freely, but where a message says that they cannot."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = books.AUTOENCODER_PRESETS

    batch_size: int = another_default(coders.CoderConfig, "batch_size", 128)
    network: Literal["auto", "dense", "convolutional", "recurrent", "book_convolutional"] = option(  # type: ignore[assignment]
        "auto",
        "Encoder and decoder; auto: convolutional for pictures, dense for other data; recurrent: LSTMs that read and "
        "write a picture row by row; book_convolutional: a book's.",
    )
    code_size: int = option(32, "Numbers in a code.", at_least=1)
    code_activation: Literal["linear", "sigmoid", "relu", "selu", "tanh"] = option("linear", "Activation of the code.")
    recurrent_units: int = option(100, "Units of the LSTM next to the picture, both sides.", at_least=1)
    tied: bool = option(False, "Let the decoder use the encoder's kernels, transposed, and only biases of its own.")
    loss: Literal["squared", "cross_entropy"] = option(
        "squared", "Of each number, the mean over all: squared error, or cross-entropy with a share of ones."
    )
    input_noise: float = option(0.0, "Standard deviation of the noise on what the encoder sees.", at_least=0)
    input_dropout: float = option(0.0, "Share of the numbers that the encoder does not see.", at_least=0, below=1)
    sparsity: Literal["none", "l1", "kl"] = option(
        "none",
        "What makes most of a code small: the sum of its absolute values, or the divergence of each number's mean over "
        "the batch from sparsity_target.",
    )
    sparsity_weight: float = option(1e-3, "Weight of that in the loss.", at_least=0)
    sparsity_target: float = option(0.1, "What sparsity=kl pulls the mean of each number to.", above=0, below=1)

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        if self.tied and self.network != "dense":
            raise UserError(f"tied=true is for dense layers, and network={self.network}: set network=dense.")
        if self.sparsity == "kl" and self.code_activation != "sigmoid":
            raise UserError(
                "sparsity=kl takes each number of a code for a probability, and "
                f"code_activation={self.code_activation} makes none: set code_activation=sigmoid."
            )


def kl_sparsity(code: Any, target: float) -> Any:
    """Sum over numbers of KL(target || mean over the batch), as of coins: code [N, D] in (0, 1) to a scalar."""
    mean = tf.clip_by_value(tf.reduce_mean(code, axis=0), 1e-6, 1 - 1e-6)
    return tf.reduce_sum(
        target * (np.log(target) - tf.math.log(mean)) + (1 - target) * (np.log1p(-target) - tf.math.log1p(-mean))
    )


class Transposed(keras.layers.Layer):
    """A dense layer with the kernel of another one, transposed, and a bias of its own."""

    def __init__(self, of: keras.layers.Dense, activation: str) -> None:
        """The kernel stays that layer's alone."""
        super().__init__(dtype=of.dtype_policy)
        # As a function, for a layer that is an attribute would be saved and trained here as well.
        self._kernel = lambda: of.kernel
        self.bias = self.add_weight(shape=(of.kernel.shape[0],), initializer="zeros", name="bias")
        self.activation = keras.activations.get(activation)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """[N, units of that layer] to [N, its inputs]."""
        product = tf.matmul(inputs, tf.cast(self._kernel(), inputs.dtype), transpose_b=True)
        return self.activation(product + tf.cast(self.bias, inputs.dtype))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """What Keras wants to know before there is anything to multiply."""
        return (*input_shape[:-1], self.bias.shape[0])


class Autoencoder(Model):
    """Autoencoder: dense, convolutional or recurrent, denoising, sparse, tied: it learns codes and the way back.

    Sources: Hinton and Salakhutdinov (Science 2006); denoising: Vincent et al. (ICML 2008); the sparse kinds and the
    tied kernels as Geron (2019), chapter 17, describes them.

    Attributes:
        encoder: from examples to codes before their activation.
        decoder: from codes to examples before their activation.
    """

    Config = AutoencoderConfig
    default_problem = "digits"
    default_steps = 10_000
    score = "eval/explained"
    used = ("encoder", "decoder")
    learned = ("optimizer",)
    draws = ("input_noise", "input_dropout")

    def build(self) -> None:
        """Make both nets, and the optimizer of both."""
        c = self.config
        self.output = "sigmoid" if c.loss == "cross_entropy" or self.dataset.spec.picture else "linear"
        self.encoder, self.decoder = self._nets()
        self.optimizer = self.scheduled(
            learning.plain_optimizer(c.optimizer, c.learning_rate(0)), c.learning_rate, self.encoder, self.decoder
        )

    def _nets(self) -> tuple[Any, Any]:
        c = self.config
        if c.network == "recurrent":
            with self.seeded("recurrent"):
                return coders.recurrent(self, c.code_size, c.recurrent_units)
        if c.network == "book_convolutional":
            with self.seeded("book"):
                return books.convolutional_coders(self.inputs.shape, self.dtype)
        encoder = coders.encoder(self, c.code_size)
        return encoder, tied_decoder(encoder, c.activation) if c.tied else coders.decoder(self, c.code_size, "linear")

    def check_training(self, arrays: Arrays) -> None:
        """Refuse data that the decoder's output cannot reach."""
        x = data.scaled(arrays.x)
        if self.output == "sigmoid" and (x.min() < 0 or x.max() > 1):
            found = f"'{self.problem}' goes from {x.min():g} to {x.max():g}"
            if self.dataset.spec.picture:
                raise UserError(f"Pictures are numbers in [0, 1]; {found}. Scale them.")
            raise UserError(f"loss=cross_entropy needs data in [0, 1]; {found}. Set loss=squared.")

    def step(self, batch: Batch, update: Any) -> Mapping[str, Any]:
        """Down the error of what comes back of examples that may have been spoilt, and of codes that are not sparse."""
        c = self.config
        seen = self.spoilt(batch.x, update)
        with tf.GradientTape() as tape:
            code = self._code(seen, training=True)
            outputs = tf.reshape(self.decoder(code, training=True), tf.shape(batch.x))
            loss = self._error(batch.x, outputs)
            sparsity = self._sparsity(code)
            total = loss if sparsity is None else loss + c.sparsity_weight * sparsity
        weights = [*self.encoder.trainable_variables, *self.decoder.trainable_variables]
        norm = learning.descend(tape, total, weights, self.optimizer)
        more = {} if sparsity is None else {"loss/sparsity": sparsity}
        return {"loss/reconstruction": loss, **more, "train/grad_norm": norm}

    def spoilt(self, x: Any, update: Any) -> Any:
        """What the encoder sees of examples in training, other noise at every update."""
        c = self.config
        if c.input_noise:
            x = x + c.input_noise * self.random.normal("input_noise", update, x.shape)
        if c.input_dropout:
            kept = self.random.uniform("input_dropout", update, x.shape) >= c.input_dropout
            x = tf.where(kept, x / (1 - c.input_dropout), 0.0)
        return x

    def _code(self, x: Any, *, training: bool) -> Any:
        return coders.activated(coders.encoded(self.encoder, x, None, training=training), self.config.code_activation)

    def _error(self, x: Any, outputs: Any) -> Any:
        """The mean over all numbers, of outputs before their activation."""
        if self.config.loss == "cross_entropy":
            return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(x, outputs))
        return tf.reduce_mean(tf.square(x - coders.activated(outputs, self.output)))

    def _sparsity(self, code: Any) -> Any:
        c = self.config
        if c.sparsity == "none":
            return None
        if c.sparsity == "kl":
            return kl_sparsity(code, c.sparsity_target)
        return tf.reduce_mean(tf.reduce_sum(tf.abs(code), axis=1))

    # Using the result.

    def encode(self, x: npt.NDArray[Any]) -> Array:
        """Codes of examples [N, *shape], bytes or numbers as those that were learned from: float32 [N, code_size]."""
        seen = data.scaled(np.asarray(x)).astype(np.float32)
        size = networks.memory.at_once([self.encoder], most=1000)
        return self.in_batches(self.code_of, seen, size=size)

    def decode(self, codes: npt.NDArray[Any]) -> Array:
        """Examples out of codes [N, code_size], float32 [N, *shape]; pictures in [0, 1]."""
        size = networks.memory.at_once([self.decoder], most=1000)
        return self.in_batches(self.examples_of, np.asarray(codes, np.float32), size=size).reshape(
            -1, *self.inputs.shape
        )

    def reconstruct(self, x: npt.NDArray[Any]) -> Array:
        """What comes back of examples [N, *shape]; of noisy ones, where it was trained to, without the noise."""
        return self.decode(self.encode(x))

    def code_of(self, x: Any) -> Any:
        """Codes of scaled examples, in TensorFlow."""
        return self._code(x, training=False)

    def examples_of(self, codes: Any) -> Any:
        """What the decoder makes of codes, in TensorFlow, flat or in the shape of examples."""
        return coders.activated(self.decoder(codes, training=False), self.output)

    def served(self) -> Mapping[str, Served]:
        """`reconstruct`, `encode` and `decode`."""
        return serving.there_and_back(self)

    def evaluate(self, *, episodes: int, seed: int, split: Split) -> Evaluation:
        """Held-out examples and what comes back of them; one pass, for nothing in it is random.

        `eval/explained`, the score: 1 less the squared error over the variance; `eval/reconstruction_mse`, and beside
        it `eval/pca_mse`, that of as many principal components; of sparse codes `eval/small_activations`, the share
        below 0.1. Denoising ones have `eval/denoised_mse` of spoilt examples besides. The picture
        `eval/reconstructions` has examples, what the encoder saw where it was spoilt, and what came back.
        """
        x = data.scaled(self.held_out(split).x).astype(np.float32)
        codes = self.encode(x)
        back = self.decode(codes)
        scalars = {
            "eval/explained": reconstruction.explained(x, back),
            "eval/reconstruction_mse": reconstruction.squared_error(x, back),
            "eval/pca_mse": self._components.error(x),
        }
        rows = [x, back]
        if self.config.sparsity != "none":
            scalars["eval/small_activations"] = float((np.abs(codes) < SMALL_ACTIVATION).mean())
        if self.config.input_noise or self.config.input_dropout:
            spoilt = np.asarray(self.spoilt(tf.constant(x), tf.constant(seed % 2**31, tf.int64)))
            back = self.reconstruct(spoilt)
            scalars["eval/denoised_mse"] = reconstruction.squared_error(x, back)
            rows = [x, spoilt, back]
        images = {"eval/reconstructions": reconstruction.side_by_side(*rows)} if self.dataset.spec.picture else {}
        return Evaluation(scalars=scalars, episodes=1, images=images, distributions={"eval/codes": codes})

    def embedding(self, *, seed: int) -> Embedding:
        """The codes of held-out examples."""
        arrays = self.held_out("validation").take(slice(embedded.MOST_EXAMPLES))
        return embedded.embedding("codes", self.encode(arrays.x), arrays, self.dataset)

    @cached_property
    def _components(self) -> reconstruction.Components:
        """Fitted once: the training part does not change."""
        size = int(np.prod(self.encoder.output_shape[1:]))
        return reconstruction.Components(self.examples("train").x, size)

    def frames(self, *, seed: int) -> Iterator[npt.NDArray[np.uint8]]:
        """A loop of 4 seconds: held-out pictures become others, their codes moving along straight lines."""
        if not self.dataset.spec.picture:
            raise UserError(f"Examples {self.dataset.spec} cannot be drawn: only pictures.")
        x = self.held_out("test").x
        order = runtime.generator(self.seed, "frames", seed).permutation(len(x))
        codes = self.encode(x[np.resize(order, SHOWN * LEGS)]).reshape(LEGS, SHOWN, -1)
        for now, then in zip(codes, np.roll(codes, -1, axis=0), strict=True):
            for share in np.linspace(0, 1, MORPHING_FRAMES, endpoint=False, dtype=np.float32):
                yield pictures.grid(self.decode((1 - share) * now + share * then))


def tied_decoder(encoder: Any, activation: networks.Activation) -> Any:
    """The decoder whose layers are a dense encoder's backwards, transposed; linear at its end."""
    layers = [layer for layer in encoder._flatten_layers() if isinstance(layer, keras.layers.Dense)]
    code = x = keras.Input((layers[-1].units,), dtype="float32")
    for layer in reversed(layers):
        x = Transposed(layer, "linear" if layer is layers[0] else activation)(x)
    return keras.Model(code, x)
