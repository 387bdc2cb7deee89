"""What a generative model has learned as functions on tensors, for programs that know nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from rlgen import data, runtime
from rlgen.data.serving import scaled
from rlgen.generative.averaged import from_output, to_output
from rlgen.served import Arrays, Served, Tensors
from rlgen.spec import Spec

if TYPE_CHECKING:
    from rlgen.generative.autoencoder import Autoencoder
    from rlgen.generative.model import GenerativeModel
    from rlgen.generative.pix2pix import Pix2Pix
    from rlgen.generative.vae import VAE


def sample(model: GenerativeModel) -> Served:
    """Latent vectors `z`, and the `label` of a conditional model, to the `sample`; pictures in [0, 1]."""
    config, shape = model.config, model.dataset.spec.shape
    conditional = {"label": Spec((), "int32")} if config.conditional else {}

    def in_keras(inputs: Tensors) -> Tensors:
        z = inputs["z"]
        if config.conditional:
            hot = keras.ops.one_hot(inputs["label"], model.class_count, dtype="float32")
            z = keras.ops.concatenate([z, hot], axis=1)
        made = keras.ops.reshape(model.examples_of(z), (-1, *shape))
        return {"sample": from_output(keras.ops.cast(made, "float32"), model.output)}

    def fresh(count: int, seed: int) -> Arrays:
        z = {"z": model.latent_vectors(count, seed)}
        if not config.conditional:
            return z
        labels = runtime.generator(seed, "fresh labels").integers(0, model.class_count, count, dtype=np.int32)
        return {**z, "label": labels}

    return Served(
        about=f"Samples of {type(model).__name__}, learned from {model.problem}, out of latent vectors "
        f"({config.latent_distribution}).",
        inputs={"z": Spec((config.latent_size,)), **conditional},
        function=in_keras,
        reference=lambda inputs: {"sample": model.decode(inputs["z"], inputs.get("label"))},
        fresh=fresh,
        labels={"label": model.class_names} if config.conditional else {},
        in_keras=in_keras,
    )


def translate(model: Pix2Pix) -> Served:
    """Pictures, in the size that was learned from, to the `translation` of each, float32 in [0, 1]."""
    spec = model.dataset.spec

    def in_keras(inputs: Tensors) -> Tensors:
        made = model.average(2 * scaled(inputs["picture"], spec) - 1, training=False)
        return {"translation": from_output(keras.ops.cast(made, "float32"), model.output)}

    return Served(
        about=f"What {type(model).__name__}, learned from {model.problem}, makes of pictures.",
        inputs={"picture": spec},
        function=in_keras,
        reference=lambda inputs: {"translation": model.translate(inputs["picture"])},
        fresh=lambda count, seed: {"picture": model.fresh_examples(count, seed)},
        in_keras=in_keras,
    )


def coding(model: VAE, look: Callable[[Any], Any]) -> dict[str, Served]:
    """Examples to the `mean` and `deviation` of their codes, and to the `reconstruction` from the mean."""
    spec = model.dataset.spec

    def encode(inputs: Tensors) -> Tensors:
        seen = to_output(data.scaled(inputs["x"]), model.output)
        mean, deviation = tf.split(look(tf.reshape(seen, (-1, spec.size))), 2, axis=1)
        return {"mean": mean, "deviation": deviation}

    def reconstruct(inputs: Tensors) -> Tensors:
        made = tf.reshape(model.examples_of(encode(inputs)["mean"]), (-1, *spec.shape))
        return {"reconstruction": from_output(made, model.output)}

    def encoded(inputs: Arrays) -> Arrays:
        mean, deviation = model.encode(inputs["x"])
        return {"mean": mean, "deviation": deviation}

    def back(inputs: Arrays) -> Arrays:
        return {"reconstruction": model.reconstruct(inputs["x"])}

    return {
        "encode": _of_examples(model, "The codes of examples.", encode, encoded),
        "reconstruct": _of_examples(model, "What comes back of examples.", reconstruct, back),
    }


def there_and_back(model: Autoencoder) -> dict[str, Served]:
    """Examples to their `reconstruction`, to their `code`, and codes to the `reconstruction`."""
    spec = model.dataset.spec

    def encode(inputs: Tensors) -> Tensors:
        return {"code": model.code_of(data.scaled(inputs["x"]))}

    def decode(inputs: Tensors) -> Tensors:
        return {"reconstruction": tf.reshape(model.examples_of(inputs["code"]), (-1, *spec.shape))}

    def encoded(inputs: Arrays) -> Arrays:
        return {"code": model.encode(inputs["x"])}

    return {
        "reconstruct": _of_examples(
            model,
            "What comes back of examples.",
            lambda inputs: decode(encode(inputs)),
            lambda inputs: {"reconstruction": model.reconstruct(inputs["x"])},
        ),
        "encode": _of_examples(model, "The codes of examples.", encode, encoded),
        "decode": Served(
            about="Examples out of codes.",
            inputs={"code": Spec(tuple(model.encoder.output_shape[1:]))},
            function=decode,
            reference=lambda inputs: {"reconstruction": model.decode(inputs["code"])},
            fresh=lambda count, seed: encoded({"x": model.fresh_examples(count, seed)}),
        ),
    }


def _of_examples(
    model: Autoencoder | VAE, about: str, function: Callable[[Tensors], Tensors], reference: Callable[[Arrays], Arrays]
) -> Served:
    return Served(
        about=f"{about} {type(model).__name__}, learned from {model.problem}.",
        inputs={"x": model.dataset.spec},
        function=function,
        reference=reference,
        fresh=lambda count, seed: {"x": model.fresh_examples(count, seed)},
    )
