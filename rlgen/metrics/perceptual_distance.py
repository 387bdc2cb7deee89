"""How far output pictures are from their targets to the eye of a pretrained network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rlgen.metrics.l1 import pairs

# Pictures that the network sees at a time.
AT_ONCE = 64


def perceptual_distance(targets: npt.ArrayLike, outputs: npt.ArrayLike) -> float:
    """Perceptual distance: between features of VGG16, as LPIPS without its learned weights; less is more alike.

    Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (CVPR 2018).

    Args:
        targets: pictures in [0, 1], [N, H, W, 1 or 3].
        outputs: of the same shape.

    Raises:
        ValueError: none, or shapes that differ or are no pictures.
        UserError: the network is not here.
    """
    from rlgen.networks import vgg

    truth, made = (part.astype(np.float32) for part in pairs("perceptual_distance", targets, outputs, pictures=True))
    parts = range(0, len(truth), AT_ONCE)
    return float(np.concatenate([vgg.distance(truth[i : i + AT_ONCE], made[i : i + AT_ONCE]) for i in parts]).mean())
