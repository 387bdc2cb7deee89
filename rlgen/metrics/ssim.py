"""How alike output pictures and their targets are in brightness, contrast and structure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rlgen.metrics.l1 import pairs

# The window of the paper: 11 x 11 pixels, Gaussian weights, their deviation in pixels.
RADIUS, DEVIATION = 5, 1.5
BRIGHTNESS, CONTRAST = 0.01, 0.03


def ssim(targets: npt.ArrayLike, outputs: npt.ArrayLike, *, span: float = 1.0) -> float:
    """SSIM: structural similarity, the mean over pictures, channels and the pixels whose window lies inside; 1 is best.

    In pictures of fewer than 11 pixels a side no window does; they are reflected at their edges.

    Source: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity" (IEEE TIP 2004).

    Args:
        targets: [N, height, width, channels].
        outputs: of the same shape.
        span: between the lowest and the highest value that a pixel can have.

    Raises:
        ValueError: none, or shapes that differ or are no pictures.
    """
    from scipy.ndimage import correlate1d

    x, y = pairs("ssim", targets, outputs, pictures=True)
    weights = np.exp(-np.square(np.arange(-RADIUS, RADIUS + 1) / DEVIATION) / 2)
    weights /= weights.sum()
    inside = (slice(None), *(slice(RADIUS, -RADIUS) if side > 2 * RADIUS else slice(None) for side in x.shape[1:3]))

    def smooth(z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return correlate1d(correlate1d(z, weights, axis=1), weights, axis=2)[inside]

    mean_x, mean_y = smooth(x), smooth(y)
    variances = smooth(x * x) - mean_x**2 + smooth(y * y) - mean_y**2
    covariance = smooth(x * y) - mean_x * mean_y
    one, two = (BRIGHTNESS * span) ** 2, (CONTRAST * span) ** 2
    alike = (2 * mean_x * mean_y + one) / (mean_x**2 + mean_y**2 + one)
    return float((alike * (2 * covariance + two) / (variances + two)).mean())
