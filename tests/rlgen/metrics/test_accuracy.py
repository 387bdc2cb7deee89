import pytest

from rlgen.metrics.accuracy import accuracy


def test_share_of_right_classes() -> None:
    assert accuracy([0, 1, 2, 2], [0, 1, 2, 0]) == 0.75


def test_scores_count_by_their_highest() -> None:
    assert accuracy([0, 1], [[0.9, 0.1], [0.6, 0.4]]) == 0.5


@pytest.mark.parametrize(("labels", "predictions"), [([], []), ([0, 1], [0]), ([0], [[[0.0]]])])
def test_wrong_shapes(labels: list[int], predictions: list[int]) -> None:
    with pytest.raises(ValueError, match="accuracy takes"):
        accuracy(labels, predictions)
