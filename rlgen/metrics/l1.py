"""How far outputs are from what they should have been, number by number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def l1(targets: npt.ArrayLike, outputs: npt.ArrayLike) -> float:
    """L1: mean absolute difference of outputs from their targets, in units of the data; 0 is best.

    Args:
        targets: [N, ...].
        outputs: of the same shape.

    Raises:
        ValueError: none, or shapes that differ.
    """
    truth, made = pairs("l1", targets, outputs)
    return float(np.abs(truth - made).mean())


def pairs(name: str, targets: npt.ArrayLike, outputs: npt.ArrayLike, *, pictures: bool = False) -> tuple[Array, Array]:
    """Targets and outputs as float64.

    Args:
        name: of the metric, for the message.
        targets: [N, ...].
        outputs: of the same shape.
        pictures: whether they have to be [N, H, W, C].

    Raises:
        ValueError: none, or shapes that differ.
    """
    truth, made = np.asarray(targets, np.float64), np.asarray(outputs, np.float64)
    if truth.shape != made.shape or not truth.size or (pictures and truth.ndim != 4):
        shape = "[N, height, width, channels]" if pictures else "[N, ...]"
        raise ValueError(
            f"{name} takes targets {shape} with N >= 1 and outputs of that shape, not {truth.shape} and {made.shape}."
        )
    return truth, made
