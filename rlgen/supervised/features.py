"""Features for metrics: what a small classifier, trained on the data set's own classes, sees of an example."""

from __future__ import annotations

import io
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import files, paths, runtime, seal, state
from rlgen.archive import FAULTS, Archive
from rlgen.data.model import Model
from rlgen.errors import UserError
from rlgen.metrics.features import Seen
from rlgen.supervised.mlp import MLP

# The budget: batches of so many examples.
BATCHES, BATCH_SIZE = 2000, 64
FEATURES = 64
# Another way of training has another number, so that its figures have another name.
VERSION = 1


class ClassifierFeatures:
    """The last hidden layer, 64 numbers, of a classifier that rlgen trains on the data set, 2,000 batches, once.

    Two convolutions for pictures and a dense layer, float32; it learns from the training part alone. Its weights are
    kept under the user's cache directory, by a checksum of the data and of how it was trained, which its name ends in.
    """

    def __init__(self, model: Model) -> None:
        """For the data set of a model; nothing is read or trained until it is needed.

        Raises:
            UserError: the examples have no classes.
        """
        target = model.dataset.target
        if target is None or not target.label:
            raise UserError(
                f"metric_features=classifier takes a data set whose examples have a class each, and '{model.problem}' "
                "has none. Set metric_features=raw."
            )
        self.classes, self._model = len(target.classes), model

    @cached_property
    def name(self) -> str:
        """`digits_cnn_` and 8 hexadecimal digits: data set, kind of network, checksum."""
        data_set = re.sub(r"\W+", "_", re.split("[:?]", self._model.problem)[0])
        kind = "cnn" if self._model.dataset.spec.picture else "dense"
        facts = {key: value for key, value in self._model.facts().items() if key != "target"}
        how = {"config": self._config.to_dict(), "batches": BATCHES, "version": VERSION, "data": facts}
        return f"{data_set}_{kind}_{seal.checksum(how)[:8]}"

    def __call__(self, x: npt.NDArray[Any]) -> Seen:
        """[N, *shape] to the last hidden layer, [N, 64], and the probability of each class."""
        net = self._classifier.net
        both = keras.Model(net.input, [net.layers[-1].input, net.output])

        def look(part: Any) -> Any:
            features, logits = both(part, training=False)
            return tf.concat([features, tf.nn.softmax(logits)], axis=1)

        found = self._classifier.in_batches(look, np.asarray(x, np.float32))
        return Seen(found[:, : -self.classes], found[:, -self.classes :])

    @cached_property
    def _config(self) -> Any:
        network = "small_cnn" if self._model.dataset.spec.picture else "dense"
        return MLP.Config.build(
            {
                "network": network,
                "hidden_units": (FEATURES,),
                "batch_size": min(BATCH_SIZE, len(self._model.examples("train"))),
                "learning_rate": f"linear:start=1e-3,end=0,over={BATCHES}",
                "precision": "float32",
            }
        )

    @cached_property
    def _classifier(self) -> Any:
        """The classifier with its weights, from the cache or trained now."""
        facts, problem = self._model.facts(), self._model.problem
        classifier = MLP.for_use(facts=facts, problem=problem, config=self._config, seed=0)
        file = paths.cache_directory() / "features" / f"{self.name}.npz"
        if not _restored(classifier, file):
            runtime.tell(
                f"a classifier is trained on '{problem}' for the features of metrics, once: {BATCHES:,} batches. It is "
                f"kept in {file.parent}."
            )
            # The data that are here: looking them up again would read them again.
            classifier.dataset = self._model.dataset
            classifier.train(BATCHES)
            _keep(classifier, file)
        return classifier


def _restored(classifier: Model, file: Path) -> bool:
    """Whether the weights were there and are in `classifier` now; what is damaged counts as not there."""
    try:
        with files.open_to_read(file) as opened:
            arrays = Archive(opened)
            state.require_finite(classifier.inference_state(), arrays)
            state.write(classifier.inference_state(), arrays)
    except (*FAULTS, UserError):
        return False
    return True


def _keep(classifier: Model, file: Path) -> None:
    """Write the weights where the next one looks for them; where nothing can be written it trains again."""
    written = io.BytesIO()
    np.savez(written, allow_pickle=False, **state.read(classifier.inference_state()))  # type: ignore[arg-type]
    try:
        files.make_directory(file.parent)
        files.write(file, written.getvalue())
    except (OSError, UserError) as error:
        runtime.tell(f"the classifier could not be kept in {file.parent}, and will be trained again: {error}")
