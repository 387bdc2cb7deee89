"""Examples as a model sees them inside, for the projector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import data, pictures
from rlgen.algorithm import Embedding
from rlgen.data import Arrays, Dataset

MOST_EXAMPLES = 1000


def embedding(
    name: str,
    vectors: npt.NDArray[np.float32],
    arrays: Arrays,
    dataset: Dataset,
    *,
    labels: Mapping[str, Sequence[Any]] | None = None,
) -> Embedding:
    """Vectors [N, D] of examples, with the examples as pictures where they are some.

    Args:
        name: what the vectors are.
        vectors: one for each example.
        arrays: the examples, bytes or numbers.
        dataset: where they come from.
        labels: what is known of each, columns by name; their classes, where they have some, unless given.
    """
    target = dataset.target
    if labels is None:
        known = target is not None and target.label and arrays.y is not None
        labels = {"class": [target.classes[i] for i in arrays.y]} if known else {}  # type: ignore[union-attr]
    drawable = dataset.spec.picture and dataset.spec.shape[-1] in (1, 3)
    shown = pictures.to_uint8(data.scaled(arrays.x)) if drawable else None
    return Embedding(name=name, vectors=vectors, labels=labels, pictures=shown)
