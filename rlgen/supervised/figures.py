"""Plots of what supervised models are worth; each is uint8 [height, width, 3], as `rlgen.pictures` has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen.metrics.calibration_error import reliability
from rlgen.pictures import INK, MADE, REAL, Picture, drawn, framed

# Of more classes, curves hide each other.
MOST_CURVES = 12
# One colour a class, over a mask: what is behind everything comes first.
COLOURS = np.array(
    [[20, 24, 32], [240, 150, 60], [90, 160, 240], [110, 190, 90], [200, 90, 170], [230, 210, 80], [120, 120, 220]],
    np.uint8,
)


def calibration(labels: npt.NDArray[Any], probabilities: npt.NDArray[Any], *, size: int = 480) -> Picture:
    """Accuracy over confidence, in bins; on the diagonal a model is as sure as it is right."""
    found = reliability(labels, probabilities)
    figure, axes = framed(size)
    axes.plot([0, 1], [0, 1], color=REAL, linewidth=1)
    axes.bar(found.confidence, found.share, width=0.03, color=REAL, label="share of the predictions")
    axes.plot(found.confidence, found.accuracy, color=MADE, marker="o", markersize=4, label="accuracy")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="confidence", ylabel="accuracy")
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="upper left")
    return drawn(figure)


def curves(
    labels: npt.NDArray[Any], probabilities: npt.NDArray[Any], names: Sequence[str], *, kind: str, size: int = 480
) -> Picture:
    """Of each class against the rest the ROC curve (`kind="roc"`), or precision over recall; of two only the second.

    Args:
        labels: [N].
        probabilities: [N, classes].
        names: of the classes.
        kind: "roc" or "precision_recall".
        size: of the square picture, pixels.
    """
    from sklearn.metrics import precision_recall_curve, roc_curve

    figure, axes = framed(size)
    classes = [1] if len(names) == 2 else range(min(len(names), MOST_CURVES))
    for number in classes:
        truth = labels == number
        if not truth.any() or truth.all():
            continue
        if kind == "roc":
            x, y, _ = roc_curve(truth, probabilities[:, number])
        else:
            y, x, _ = precision_recall_curve(truth, probabilities[:, number])
        axes.plot(x, y, linewidth=1.4, label=names[number])
    if kind == "roc":
        axes.plot([0, 1], [0, 1], color=REAL, linewidth=1)
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
    else:
        axes.set(xlabel="recall", ylabel="precision")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8, labelcolor=INK, loc="lower right" if kind == "roc" else "best")
    return drawn(figure)


def agreement(targets: npt.NDArray[Any], predictions: npt.NDArray[Any], *, size: int = 480) -> Picture:
    """Predicted numbers over true ones; on the diagonal they are right."""
    figure, axes = framed(size)
    low, high = float(targets.min()), float(targets.max())
    axes.plot([low, high], [low, high], color=REAL, linewidth=1)
    axes.scatter(targets, predictions, s=9, color=MADE, alpha=0.5, linewidths=0)
    axes.set(xlabel="true", ylabel="predicted")
    return drawn(figure)


def band(
    x: npt.NDArray[Any],
    targets: npt.NDArray[Any],
    predictions: npt.NDArray[Any],
    deviations: npt.NDArray[Any] | None,
    *,
    size: int = 480,
) -> Picture:
    """Numbers over the one number they depend on: the data, the prediction, and two deviations to either side.

    Args:
        x: what is seen, [N].
        targets: [N].
        predictions: [N].
        deviations: [N], or None.
        size: of the square picture, pixels.
    """
    figure, axes = framed(size)
    order = np.argsort(x)
    axes.scatter(x, targets, s=9, color=REAL, linewidths=0, label="data")
    if deviations is not None:
        low, high = ((predictions + sign * 2 * deviations)[order] for sign in (-1, 1))
        axes.fill_between(x[order], low, high, color=MADE, alpha=0.15, linewidth=0, label="two deviations")
    axes.plot(x[order], predictions[order], color=MADE, linewidth=1.6, label="prediction")
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="upper left")
    return drawn(figure)


def series(targets: npt.NDArray[Any], predictions: npt.NDArray[Any], *, size: int = 480) -> Picture:
    """Numbers in the order of time, and what was said of each."""
    figure, axes = framed(size)
    axes.plot(targets, color=REAL, linewidth=1.6, label="true")
    axes.plot(predictions, color=MADE, linewidth=1.0, label="predicted")
    axes.set(xlabel="step")
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="upper left")
    return drawn(figure)


def masks_in_colour(masks: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Masks [N, H, W] as pictures [N, H, W, 3], a colour for each class."""
    coloured: npt.NDArray[np.uint8] = COLOURS[np.asarray(masks) % len(COLOURS)]
    return coloured
