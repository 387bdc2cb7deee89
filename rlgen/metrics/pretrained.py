"""Features for metrics from networks that learned ImageNet's photographs: what is far apart to them looks different."""

from __future__ import annotations

import abc
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from rlgen import files, registry
from rlgen.errors import UserError
from rlgen.library import Origin
from rlgen.metrics.features import Seen
from rlgen.networks import efficientnet, inception

# Pictures that a network sees at a time.
AT_ONCE = 64


class Pretrained(abc.ABC):
    """Base of extractors that are a network with weights on the disk; a subclass says which.

    Attributes:
        kind: its own name, with which those of its figures begin.
        network_name: of the plug-in that says where the weights are.
        classes: of ImageNet, which are not the data set's.
    """

    kind: ClassVar[str]
    network_name: ClassVar[str]
    classes: int = 1000

    def __init__(self, model: Any) -> None:
        """For a model of pictures; nothing is read until it is needed.

        Raises:
            UserError: its examples are no pictures, or the network is not here.
        """
        spec = model.made
        if not spec.picture:
            raise UserError(
                f"metric_features={self.kind} sees pictures, and what is made of '{model.problem}' is {spec}: "
                "set metric_features=raw."
            )
        origin: Origin = registry.load(self.network_name, ("weights",)).origin
        (self._file,) = origin.require(self.network_name)
        self._model, self._side = model, self.side(max(spec.shape[:2]))

    @abc.abstractmethod
    def side(self, pixels: int) -> int:
        """To which side pictures with so many pixels along theirs are brought."""

    @abc.abstractmethod
    def network(self) -> Callable[[Any], tuple[Any, Any]]:
        """From pictures in [0, 1], float32 [N, side, side, 3], to features [N, D] and chances of classes, [N, classes].

        Raises:
            RlgenError: the file is damaged.
        """

    @cached_property
    def name(self) -> str:
        """Its kind, the side that pictures have to it, and 8 hexadecimal digits of its file's checksum."""
        with files.open_to_read(self._file) as file:
            return f"{self.kind}_{self._side}_{files.checksum(file)[:8]}"

    def __call__(self, x: npt.NDArray[Any]) -> Seen:
        """Pictures [N, height, width, 1 or 3] in [0, 1] to features [N, D] and chances of classes [N, classes]."""
        found = self._model.in_batches(self._look, np.asarray(x, np.float32), size=AT_ONCE)
        width = found.shape[1] - self.classes
        return Seen(found[:, :width], found[:, width:] if self.classes else None)

    @cached_property
    def _look(self) -> Callable[[Any], Any]:
        import tensorflow as tf

        network = self.network()

        def look(x: Any) -> Any:
            # Without averaging, pictures that become smaller would keep every second or third pixel alone.
            x = tf.image.resize(x, (self._side, self._side), "bicubic", antialias=True)
            return tf.concat(network(tf.tile(tf.clip_by_value(x, 0.0, 1.0), (1, 1, 1, 3 // x.shape[-1]))), axis=1)

        program = tf.function(look, reduce_retracing=True)
        return lambda x: program(tf.constant(x))


class ImageNetFeatures(Pretrained):
    """The last features, 1,280 numbers, of EfficientNet-Lite0, which learned ImageNet's photographs.

    It sees pictures of up to 64 pixels in 64, of up to 128 in 128, larger ones in 224.
    """

    kind, network_name = "imagenet", "efficientnet_lite0"

    def side(self, pixels: int) -> int:
        """The first that is not smaller: small pictures cost a tenth of what 224 pixels do."""
        return next((side for side in (64, 128) if pixels <= side), efficientnet.SIDE)

    def network(self) -> Callable[[Any], tuple[Any, Any]]:
        """Its features, and what its last layer makes of them."""
        import keras
        import tensorflow as tf

        net = efficientnet.network(self._side, efficientnet.read(self._file), top=True)
        both = keras.Model(net.input, [net.layers[-1].input, net.output])

        def look(x: Any) -> tuple[Any, Any]:
            features, logits = both(x, training=False)
            return features, tf.nn.softmax(logits)

        return look


class InceptionFeatures(Pretrained):
    """The last features, 2,048 numbers, of Keras' InceptionV3, which learned ImageNet's photographs.

    Published distances come of TensorFlow's Inception of 2015, whose weights are others: figures are near, not equal.
    """

    kind, network_name = "inception", "inception_v3"

    def __init__(self, model: Any) -> None:
        """As the base; the file without the last layer knows no classes."""
        super().__init__(model)
        if self._file.name == inception.WITHOUT_TOP:
            self.classes = 0

    def side(self, pixels: int) -> int:
        """299, whatever pictures have."""
        return inception.SIDE

    def network(self) -> Callable[[Any], tuple[Any, Any]]:
        """Its features, and what its last layer makes of them where it is there."""
        return inception.network(self._file)
