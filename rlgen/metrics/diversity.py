"""How different samples are from each other, beside how different real examples are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rlgen.metrics.examples import vectors


def diversity(real: npt.ArrayLike, samples: npt.ArrayLike) -> float:
    """Diversity: distance between two samples over that between two real examples, root mean squares; 1 is as real.

    0 where all samples are alike. It may exceed 1, by noise for instance, and says nothing of quality; a generator that
    knows a few examples by heart may have nearly 1.

    Args:
        real: [N, ...], N >= 2.
        samples: [M, ...], M >= 2, examples of the same shape.

    Raises:
        ValueError: too few examples, or shapes that do not belong together.
    """
    # The mean squared distance of two is twice the sum of the variances.
    truth, made = (x.var(axis=0, ddof=1).sum() for x in vectors("diversity", 2, real=real, samples=samples))
    return float(np.sqrt(made / max(truth, 1e-12)))
