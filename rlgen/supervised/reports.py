"""An evaluation of predictions: scalars, tables and pictures, by the kind of target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import captions, data, pictures
from rlgen.algorithm import Evaluation
from rlgen.data import Arrays, Dataset, Target
from rlgen.supervised import figures, judging
from rlgen.supervised.tasks import Prediction

MISTAKES_SHOWN = 30
PICTURES_SHOWN = 8

Baselines = Mapping[str, npt.NDArray[Any]]
Images = dict[str, npt.NDArray[np.uint8]]


def report(
    arrays: Arrays, prediction: Prediction, baselines: Baselines, *, dataset: Dataset, target: Target, complete: bool
) -> Evaluation:
    """What predictions are worth.

    Args:
        arrays: held-out examples and targets.
        prediction: of them.
        baselines: what each baseline says of them.
        dataset: where they come from.
        target: what was predicted.
        complete: draw all figures, not only those that are worth watching over training.
    """
    if target.label:
        return _of_classes(arrays, prediction, baselines, dataset, target, complete)
    if target.classes:
        return _of_masks(arrays, prediction, baselines, dataset, target)
    if target.numbers:
        return _of_numbers(arrays, prediction, baselines, dataset)
    targets = data.scaled(np.asarray(arrays.y))
    images = _side_by_side(arrays.x, targets, prediction.mean, dataset)
    return Evaluation(judging.of_pictures(targets, prediction.mean), episodes=1, images=images)


def _of_classes(
    arrays: Arrays, prediction: Prediction, baselines: Baselines, dataset: Dataset, target: Target, complete: bool
) -> Evaluation:
    labels, chances, names = np.asarray(arrays.y), prediction.mean, target.classes
    guesses = chances.argmax(axis=1)
    scalars = judging.of_classes(labels, chances, baselines)
    if arrays.group is not None and len(names) == 2:
        scalars.update(judging.by_group(labels, guesses, arrays.group))
    images = {"eval/confusion": captions.confusion(labels, guesses, names)}
    if _drawable(dataset):
        wrong = np.flatnonzero(guesses != labels)[:MISTAKES_SHOWN]
        said = [_caption(names[labels[i]], names[guesses[i]]) for i in wrong]
        images["eval/mistakes"] = captions.captioned(arrays.x[wrong], said)
    if complete:
        images["eval/calibration"] = figures.calibration(labels, chances)
        for kind in ("roc", "precision_recall"):
            images[f"eval/{kind}"] = figures.curves(labels, chances, names, kind=kind)
    return Evaluation(
        scalars,
        1,
        images,
        {"eval/by_class": judging.by_class(labels, guesses, names)},
        distributions={"eval/confidence": chances.max(axis=1)},
        chances=_chances(labels, chances, names),
    )


def _chances(labels: Any, chances: Any, names: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    """Of two classes the second alone: the curve of the first is the same upside down."""
    return {names[i]: (labels == i, chances[:, i]) for i in range(len(names)) if len(names) > 2 or i}


def _of_masks(
    arrays: Arrays, prediction: Prediction, baselines: Baselines, dataset: Dataset, target: Target
) -> Evaluation:
    masks, guesses = np.asarray(arrays.y), prediction.mean.argmax(axis=-1)
    images: Images = {}
    if _drawable(dataset) and masks.shape[1:] == dataset.spec.shape[:2]:
        shown = slice(0, PICTURES_SHOWN)
        parts = (pictures.in_colour(arrays.x[shown]), *map(figures.masks_in_colour, (masks[shown], guesses[shown])))
        images["eval/examples"] = pictures.beside(*parts)
    texts = {"eval/by_class": judging.by_class_of_masks(masks, guesses, target.classes)}
    return Evaluation(judging.of_masks(masks, prediction.mean, baselines), 1, images, texts)


def _of_numbers(arrays: Arrays, prediction: Prediction, baselines: Baselines, dataset: Dataset) -> Evaluation:
    targets, (said, deviations) = np.asarray(arrays.y), prediction
    scalars = judging.of_numbers(targets, said, deviations, baselines)
    images: Images = {}
    if targets.size == len(targets):
        y, mean = targets.reshape(-1), said.reshape(-1)
        if dataset.spec.size == 1:
            spread = None if deviations is None else deviations.reshape(-1)
            images["eval/fit"] = figures.band(arrays.x.reshape(-1), y, mean, spread)
        elif "naive" in baselines:
            images["eval/series"] = figures.series(y, mean)
        else:
            images["eval/agreement"] = figures.agreement(y, mean)
    return Evaluation(scalars, episodes=1, images=images, distributions={"eval/errors": said - targets})


def _caption(true: str, guessed: str) -> str:
    """What was taken for what, in two lines where the names are long."""
    between = " as " if len(true) + len(guessed) <= 6 else "\nas "
    return captions.shortened(true) + between + captions.shortened(guessed)


def _drawable(dataset: Dataset) -> bool:
    return dataset.spec.picture and dataset.spec.shape[-1] in (1, 3)


def _side_by_side(x: Any, targets: Any, predictions: Any, dataset: Dataset) -> Images:
    """Examples, targets and predictions in three columns, where all are pictures alike."""
    if not (_drawable(dataset) and targets.shape[1:] == dataset.spec.shape):
        return {}
    parts = [pictures.to_uint8(data.scaled(part[:PICTURES_SHOWN])) for part in (x, targets, predictions)]
    return {"eval/examples": pictures.beside(*parts)}


def labels(targets: Any, predictions: Any, target: Target) -> dict[str, Sequence[Any]]:
    """What examples are and what was said of them, as columns of names or numbers."""
    if target.label:
        names, guesses = target.classes, predictions.argmax(axis=1)
        return {"class": [names[i] for i in targets], "taken for": [names[i] for i in guesses]}
    columns = (np.asarray(part).reshape(len(targets), -1)[:, 0] for part in (targets, predictions))
    true, said = ([f"{number:.4g}" for number in column] for column in columns)
    return {"target": true, "prediction": said}
