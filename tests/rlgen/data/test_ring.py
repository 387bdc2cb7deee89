import numpy as np

from rlgen.data.ring import Ring


def test_centers_lie_on_the_circle_in_equal_steps() -> None:
    centers = Ring().centers
    assert centers.shape == (8, 2)
    np.testing.assert_allclose(np.linalg.norm(centers, axis=1), 2, rtol=1e-6)
    gaps = np.linalg.norm(centers - np.roll(centers, 1, axis=0), axis=1)
    np.testing.assert_allclose(gaps, 4 * np.sin(np.pi / 8), rtol=1e-5)
