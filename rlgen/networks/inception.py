"""InceptionV3 with ImageNet's weights, as Keras keeps them: what distances between sets of pictures are measured in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rlgen.errors import RlgenError
from rlgen.library import Origin

WITH_TOP = "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
WITHOUT_TOP = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
SIDE = 299


class InceptionV3:
    """Keras' InceptionV3, trained on ImageNet; no package has it, Keras downloads it where it may."""

    name = "inception_v3"
    origin = Origin(
        licence="MIT",
        size=96_112_376,
        what="network",
        needs=((WITH_TOP, WITHOUT_TOP),),
        by_hand=f"{WITH_TOP}, which keras.applications.InceptionV3() downloads into ~/.keras/models,",
    )


def network(file: Path) -> Callable[[Any], tuple[Any, Any]]:
    """From pictures in [0, 1], float32 [N, 299, 299, 3], to features [N, 2048] and chances of classes.

    The chances are [N, 1000], or [N, 0] where the file is the one without the last layer.

    Raises:
        RlgenError: the file is damaged.
    """
    import keras

    top = file.name != WITHOUT_TOP
    options = {"classifier_activation": "softmax"} if top else {"pooling": "avg"}
    net = keras.applications.InceptionV3(include_top=top, weights=None, input_shape=(SIDE, SIDE, 3), **options)
    try:
        net.load_weights(file)
    except Exception as error:  # Keras and HDF5 raise anything.
        raise RlgenError(
            f"'{file}' is damaged: {error}. Delete it; keras.applications.InceptionV3() brings it."
        ) from error
    seen = net.layers[-1].input if top else net.output
    both = keras.Model(net.input, [seen, net.output])

    def look(x: Any) -> tuple[Any, Any]:
        features, chances = both(2 * x - 1, training=False)
        return features, chances if top else chances[:, :0]

    return look
