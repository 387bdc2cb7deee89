"""How far apart two sets of examples are, along random directions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rlgen.metrics.examples import vectors


def sliced_wasserstein(real: npt.ArrayLike, samples: npt.ArrayLike, *, directions: int = 128, seed: int = 0) -> float:
    """Sliced Wasserstein distance: the mean Wasserstein-1 distance of projections onto random directions; 0 is best.

    In units of the examples. It needs no covariances, sees all of both distributions, and of few examples it is too
    large, as every distance of empirical distributions is.

    Source: Rabin et al., "Wasserstein Barycenter and Its Application to Texture Mixing" (SSVM 2011); of generative
    models Karras et al., "Progressive Growing of GANs" (ICLR 2018), there of patches.

    Args:
        real: [N, ...].
        samples: [M, ...], examples of the same shape.
        directions: how many, uniform on the sphere.
        seed: of their drawing.

    Raises:
        ValueError: no examples, or shapes that do not belong together.
    """
    from scipy.stats import wasserstein_distance

    truth, made = vectors("sliced_wasserstein", 1, real=real, samples=samples)
    normal = np.random.default_rng(seed).standard_normal((truth.shape[1], directions))
    axes = normal / np.linalg.norm(normal, axis=0)
    return float(np.mean([wasserstein_distance(*pair) for pair in zip((truth @ axes).T, (made @ axes).T, strict=True)]))
