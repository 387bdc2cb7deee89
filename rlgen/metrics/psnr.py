"""How far output pictures are from their targets, in decibels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rlgen.metrics.l1 import pairs

# Of pictures that are equal; an infinite mean would say nothing of the others.
LEAST_ERROR = 1e-10


def psnr(targets: npt.ArrayLike, outputs: npt.ArrayLike, *, span: float = 1.0) -> float:
    """PSNR: 10 log10(span^2 / mean squared error) of each picture, the mean over pictures, dB; more is better.

    Equal pictures have 100 dB where the span is 1, the most there is.

    Args:
        targets: [N, ...].
        outputs: of the same shape.
        span: between the lowest and the highest value that a pixel can have.

    Raises:
        ValueError: none, or shapes that differ.
    """
    truth, made = pairs("psnr", targets, outputs)
    errors = np.square((truth - made) / span).reshape(len(truth), -1).mean(axis=1)
    return float(np.mean(-10 * np.log10(np.maximum(errors, LEAST_ERROR))))
