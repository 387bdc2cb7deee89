"""What a model has to beat: the most frequent class or the mean, a linear model, thresholds, the naive forecast.

They learn from the same training part and are judged on the same examples. All are scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import data, runtime
from rlgen.data import Arrays, Target

# A linear model learns no more from more, and its seconds would count.
MOST_ROWS, MOST_PIXELS = 5000, 20_000
# Of more numbers than this logistic regression takes minutes, and the least squares of ridge regression do not.
MOST_NUMBERS = 2000
THRESHOLDS = 8

Naive = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


def fitted(train: Arrays, target: Target, naive: Naive | None = None) -> dict[str, Callable[[Arrays], Any]]:
    """Each baseline by name, as a function of examples to what it says of them.

    Of classes it says the class, [N, ...], of numbers the numbers, [N, *shape]; pictures have none.

    Args:
        train: the training part.
        target: what is learned.
        naive: a data set's own forecast, of series.
    """
    if target.label:
        return _classifiers(train, target)
    if target.classes:
        return _thresholds(train, target)
    if not target.numbers:
        return {}
    own = {"naive": lambda arrays: naive(arrays.x)} if naive else {}
    return {**_regressors(train), **own}


def _classifiers(train: Arrays, target: Target) -> dict[str, Callable[[Arrays], Any]]:
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = _rows(train, MOST_ROWS)
    assert train.y is not None
    most = int(np.bincount(train.y, minlength=len(target.classes)).argmax())
    wide = x.shape[1] > MOST_NUMBERS
    linear = make_pipeline(StandardScaler(), RidgeClassifier(alpha=100.0) if wide else LogisticRegression(max_iter=200))
    _quietly(linear.fit, x, y)
    return {
        "majority": lambda arrays: np.full(len(arrays), most),
        "linear": lambda arrays: linear.predict(_flat(arrays.x)),
    }


def _regressors(train: Arrays) -> dict[str, Callable[[Arrays], Any]]:
    from sklearn.linear_model import LinearRegression, Ridge

    assert train.y is not None
    x, y, shape = _flat(train.x), train.y.reshape(len(train), -1), train.y.shape[1:]
    linear = (Ridge() if x.shape[1] > MOST_NUMBERS else LinearRegression()).fit(x, y)
    mean = train.y.mean(axis=0)
    return {
        "mean": lambda arrays: np.broadcast_to(mean, (len(arrays), *shape)),
        "linear": lambda arrays: linear.predict(_flat(arrays.x)).reshape(-1, *shape),
    }


def _thresholds(train: Arrays, target: Target) -> dict[str, Callable[[Arrays], Any]]:
    """The class of a pixel by its own brightness or colour alone, in at most eight intervals."""
    from sklearn.tree import DecisionTreeClassifier

    assert train.y is not None
    if train.x.shape[1:3] != train.y.shape[1:3]:
        return {}
    pixels, labels = data.scaled(train.x).reshape(-1, train.x.shape[-1]), train.y.reshape(-1)
    rows = runtime.generator(0, "thresholds").permutation(len(labels))[:MOST_PIXELS]
    tree = DecisionTreeClassifier(max_leaf_nodes=THRESHOLDS, class_weight="balanced", random_state=0)
    tree.fit(pixels[rows], labels[rows])

    def cut(arrays: Arrays) -> Any:
        flat = data.scaled(arrays.x).reshape(-1, arrays.x.shape[-1])
        return tree.predict(flat).reshape(arrays.x.shape[:3])

    return {"thresholds": cut}


def _rows(train: Arrays, most: int) -> tuple[Any, Any]:
    """At most so many rows, drawn once and for all, flat."""
    rows = runtime.generator(0, "baselines").permutation(len(train))[:most]
    assert train.y is not None
    return _flat(train.x[rows]), train.y[rows]


def _flat(x: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return data.scaled(x).reshape(len(x), -1).astype(np.float64)


def _quietly(function: Callable[..., Any], *arguments: Any) -> Any:
    """Without the warning that 200 iterations were not enough to the last digit."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments)
