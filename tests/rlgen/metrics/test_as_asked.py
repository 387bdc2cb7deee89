import numpy as np
import pytest

from rlgen.metrics.as_asked import as_asked


def test_it_is_the_share_of_right_ones() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.3, 0.7]])
    assert as_asked(probabilities, [0, 1, 0, 0]) == 0.75


@pytest.mark.parametrize(("probabilities", "asked"), [(np.zeros((0, 2)), []), (np.ones((2, 2)), [1]), ([1.0], [1])])
def test_other_shapes_are_refused(probabilities: object, asked: list[int]) -> None:
    with pytest.raises(ValueError, match="as_asked takes probabilities"):
        as_asked(probabilities, asked)
