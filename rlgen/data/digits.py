"""Scikit-learn's bundled handwritten digits: small, real, and there without a download."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rlgen.data import Arrays, Dataset, Part, Target
from rlgen.library import Origin
from rlgen.spec import Spec

SIZES: dict[Part, int] = {"train": 1197, "validation": 300, "test": 300}
SPLIT_SEED = 0


class Digits(Dataset):
    """1,797 real handwritten digits of 8x8 pixels, 10 classes, bundled with scikit-learn.

    `x` is float32 [N, 8, 8, 1] in [0, 1] (the source counts 0 to 16), `y` is int32 [N]. The split is fixed
    and stratified: 1,197 to train, 300 to validate, 300 to test, each with the classes in nearly the same
    shares. The source mixes the writers, so the same hand may appear in two parts; no example does.

    Source: test set of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, UCI, 1998).
    """

    spec = Spec((8, 8, 1))
    target = Target.one_of(*range(10))
    origin = Origin(licence="CC BY 4.0")

    def split(self, part: Part) -> Arrays:
        """The examples of one part; every call gives the same, in copies of its own."""
        x, y = _load()
        chosen = _parts()[part]
        return Arrays(x[chosen], y[chosen])


@lru_cache(maxsize=1)
def _load() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    from sklearn.datasets import load_digits

    source = load_digits()
    return (source.images[..., None] / 16.0).astype(np.float32), source.target.astype(np.int32)


@lru_cache(maxsize=1)
def _parts() -> dict[Part, npt.NDArray[np.int64]]:
    """Indices of each part."""
    from sklearn.model_selection import train_test_split

    labels = _load()[1]
    rest, test = train_test_split(
        np.arange(len(labels)), test_size=SIZES["test"], stratify=labels, random_state=SPLIT_SEED
    )
    train, validation = train_test_split(
        rest, test_size=SIZES["validation"], stratify=labels[rest], random_state=SPLIT_SEED
    )
    return {"train": train, "validation": validation, "test": test}
