"""What an evaluation says of predictions: scalars beside baselines, and a table. Ready-made metrics are scikit-learn's.

Everything is a pure function of targets and predictions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen.metrics.accuracy import accuracy
from rlgen.metrics.calibration_error import calibration_error
from rlgen.metrics.cross_entropy import cross_entropy
from rlgen.metrics.overlap import dice, intersection_over_union

Array = npt.NDArray[Any]

CONFIDENCE = 0.95
# With fewer than six classes the likeliest three are nearly all.
LEAST_CLASSES = 6
# A normal target lies within so many deviations 95.4 % of the time.
DEVIATIONS = 2.0


def of_classes(labels: Array, probabilities: Array, baselines: Mapping[str, Array]) -> dict[str, float]:
    """Of a classifier: labels [N], probabilities [N, classes], and the classes that each baseline chose, [N]."""
    from scipy.stats import binomtest
    from sklearn.metrics import f1_score

    guesses, count = probabilities.argmax(axis=1), len(labels)
    share = accuracy(labels, probabilities)
    interval = binomtest(round(share * count), count).proportion_ci(CONFIDENCE, method="wilson")
    scalars = {
        "eval/accuracy": share,
        "eval/accuracy_low": float(interval.low),
        "eval/accuracy_high": float(interval.high),
        "eval/loss": cross_entropy(labels, probabilities),
        "eval/f1": float(f1_score(labels, guesses, average="macro", zero_division=0)),
        "eval/calibration_error": calibration_error(labels, probabilities),
    }
    if probabilities.shape[1] >= LEAST_CLASSES:
        best = np.argpartition(probabilities, -3, axis=1)[:, -3:]
        scalars["eval/top_3_accuracy"] = float((best == labels[:, None]).any(axis=1).mean())
    scalars.update(_areas(labels, probabilities))
    scalars.update({_beside("accuracy", name): accuracy(labels, said) for name, said in baselines.items()})
    return scalars


def _areas(labels: Array, probabilities: Array) -> dict[str, float]:
    """Areas under the ROC curve and the precision-recall curve; of several classes the mean of one against the rest.

    Only where every class is there: without it there is no curve.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    hot = np.eye(probabilities.shape[1])[labels]
    if not hot.any(axis=0).all():
        return {}
    truth, scores = (hot[:, 1], probabilities[:, 1]) if hot.shape[1] == 2 else (hot, probabilities)
    return {
        "eval/roc_auc": float(roc_auc_score(truth, scores)),
        "eval/average_precision": float(average_precision_score(truth, scores)),
    }


def by_class(labels: Array, guesses: Array, names: Sequence[str]) -> str:
    """Precision, recall and F1 of each class, as a table in Markdown."""
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(labels, guesses, labels=range(len(names)), zero_division=0)
    lines = ["| class | precision | recall | F1 | examples |", "|---|---|---|---|---|"]
    for name, precision, recall, f1, count in zip(names, *columns, strict=True):
        lines.append(f"| {name} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {count} |")
    return "\n".join(lines)


def by_group(labels: Array, guesses: Array, groups: Array) -> dict[str, float]:
    """How unequal two groups' false alarms are: of those with class 0, the share taken for class 1 in either group.

    Nothing where a group has none of them.
    """
    harmless = [guesses[(labels == 0) & (groups == group)] for group in (0, 1)]
    if not all(map(len, harmless)):
        return {}
    rates = [float((chosen == 1).mean()) for chosen in harmless]
    return {
        "eval/false_positive_rate_group_0": rates[0],
        "eval/false_positive_rate_group_1": rates[1],
        "eval/false_positive_rate_gap": abs(rates[0] - rates[1]),
    }


def of_masks(masks: Array, probabilities: Array, baselines: Mapping[str, Array]) -> dict[str, float]:
    """Of a segmentation: masks [N, H, W], probabilities [N, H, W, classes], and the masks of each baseline.

    Dice and IoU are means over the classes but the first, which is what is behind everything.
    """
    classes, guesses = probabilities.shape[-1], probabilities.argmax(axis=-1)
    scalars = {
        "eval/accuracy": float((guesses == masks).mean()),
        "eval/loss": cross_entropy(masks.reshape(-1), probabilities.reshape(-1, classes)),
    }
    for name, said in (("", guesses), *baselines.items()):
        scalars[_beside("dice", name)] = _mean(dice(masks, said, classes)[1:])
        scalars[_beside("iou", name)] = _mean(intersection_over_union(masks, said, classes)[1:])
    return scalars


def by_class_of_masks(masks: Array, guesses: Array, names: Sequence[str]) -> str:
    """Dice and IoU of each class, as a table in Markdown."""
    both = zip(
        names, dice(masks, guesses, len(names)), intersection_over_union(masks, guesses, len(names)), strict=True
    )
    rows = [f"| {name} | {first:.3f} | {second:.3f} |" for name, first, second in both]
    return "\n".join(["| class | Dice | IoU |", "|---|---|---|", *rows])


def of_numbers(
    targets: Array, predictions: Array, deviations: Array | None, baselines: Mapping[str, Array]
) -> dict[str, float]:
    """Of numbers, all [N, *shape]: errors in the targets' unit, and with deviations what their bands are worth."""
    from sklearn.metrics import r2_score

    y, error = targets.astype(np.float64), predictions.astype(np.float64) - targets
    scalars = {
        "eval/mean_squared_error": float(np.square(error).mean()),
        "eval/root_mean_squared_error": float(np.sqrt(np.square(error).mean())),
        "eval/mean_absolute_error": float(np.abs(error).mean()),
    }
    if len(y) > 1:
        scalars["eval/r2"] = float(r2_score(y.reshape(len(y), -1), predictions.reshape(len(y), -1)))
    if deviations is not None:
        scalars["eval/negative_log_likelihood"] = normal_surprise(error, deviations)
        scalars["eval/coverage"] = float((np.abs(error) <= DEVIATIONS * deviations).mean())
    for name, said in baselines.items():
        off = np.asarray(said, np.float64) - y
        scalars[_beside("mean_absolute_error", name)] = float(np.abs(off).mean())
        scalars[_beside("root_mean_squared_error", name)] = float(np.sqrt(np.square(off).mean()))
    return scalars


def normal_surprise(errors: Array, deviations: Array) -> float:
    """Mean of -ln of the normal density at `errors` from its mean, in nats, with these standard deviations."""
    spread = np.maximum(deviations.astype(np.float64), 1e-12)
    return float(np.mean(0.5 * np.log(2 * np.pi) + np.log(spread) + 0.5 * np.square(errors / spread)))


def of_pictures(targets: Array, predictions: Array) -> dict[str, float]:
    """Of pictures or anything of two axes and more: the mean squared error, targets scaled as the data set is."""
    return {"eval/mean_squared_error": float(np.square(predictions.astype(np.float64) - targets).mean())}


def _beside(figure: str, baseline: str) -> str:
    """What a figure is called, of a baseline with its name behind."""
    return "_".join(filter(None, (f"eval/{figure}", baseline)))


def _mean(values: Array) -> float:
    """Over those that are numbers: a class that is nowhere has no overlap."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else 0.0
