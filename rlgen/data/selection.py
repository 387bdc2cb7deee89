"""A part of a data set: its first examples, or one fold of a cross-validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import runtime
from rlgen.data import Arrays, Dataset, Part
from rlgen.errors import UserError

FOLDS = 5


class Selection(Dataset):
    """Another data set with fewer training examples, or with its training and validation parts cut anew.

    The test part stays as it is. Everything else a data set knows (the centers of a mixture, for instance) is
    passed on.

    Attributes:
        whole: the data set it selects from.
    """

    def __init__(
        self, whole: Dataset, *, name: str, fold: int | None = None, folds: int = FOLDS, subset: int | None = None
    ) -> None:
        """Check the numbers.

        Args:
            whole: the data set to select from.
            name: of that one, for messages.
            fold: which of the equal parts of training and validation examples together validates, from 1; the others
                train, less one example where the parts are not quite equal.
            folds: how many parts.
            subset: how many training examples: the first ones of a fixed shuffle, classes in their shares.

        Raises:
            UserError: there is no such fold, or a subset of nothing.
        """
        self.whole, self.fold, self.folds, self.subset, self.name = whole, fold, folds, subset, name
        self.spec, self.target = whole.spec, whole.target
        if folds < 2:
            raise UserError(f"folds={folds}: at least 2 are needed, of which one validates and the others train.")
        if fold is not None and not 1 <= fold <= folds:
            raise UserError(f"fold={fold}: there are {folds} folds; write a number from 1 to {folds}.")
        if subset is not None and subset < 1:
            raise UserError(f"subset={subset}: take at least one training example.")

    def __getattr__(self, name: str) -> Any:
        if name == "whole":  # While the constructor has not run, as in a copy.
            raise AttributeError(name)
        return getattr(self.whole, name)

    def split(self, part: Part) -> Arrays:
        """The examples of one part."""
        if part == "test":
            return self.whole.split(part)
        arrays = self.whole.split(part) if self.fold is None else self._folded(part, self.fold)
        if part == "validation" or self.subset is None:
            return arrays
        if self.subset > len(arrays):
            raise UserError(f"subset={self.subset}: '{self.name}' has {len(arrays)} training examples.")
        return arrays.take(spread(arrays, self._labelled)[: self.subset])

    @property
    def _labelled(self) -> bool:
        return self.target is not None and self.target.label

    def _folded(self, part: Part, fold: int) -> Arrays:
        train, validation = self.whole.split("train"), self.whole.split("validation")
        both = _joined(train, validation)
        order = spread(both, self._labelled)
        if len(order) < self.folds:
            raise UserError(
                f"folds={self.folds} are more than the {len(order)} examples of '{self.name}' to train and validate. "
                f"Take at most {len(order)}."
            )
        held_out = np.arange(len(order)) % self.folds == fold - 1
        if part == "validation":
            return both.take(order[held_out])
        # As many in each fold, so that a program that was compiled for one serves all: one of them is left out at most.
        return both.take(order[~held_out][: len(order) - -(-len(order) // self.folds)])


def _joined(first: Arrays, second: Arrays) -> Arrays:
    """The examples of one, then those of the other."""
    columns = zip((first.x, first.y, first.group), (second.x, second.y, second.group), strict=True)
    return Arrays(*(None if a is None or b is None else np.concatenate([a, b]) for a, b in columns))  # type: ignore[arg-type]


def spread(arrays: Arrays, labelled: bool) -> npt.NDArray[np.int64]:
    """A fixed shuffle, of which every stretch has the classes in nearly the shares of the whole; int64 [N]."""
    random = runtime.generator(0, "selection")
    shuffled = random.permutation(len(arrays))
    if not labelled or arrays.y is None:
        return shuffled
    labels = arrays.y[shuffled]
    labels = labels.argmax(1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(-1)
    places = np.zeros(len(labels))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        # Each class is spread evenly over the whole, with an offset of its own.
        places[rows] = (np.arange(len(rows)) + random.random()) / len(rows)
    return shuffled[np.argsort(places, kind="stable")]
