import numpy as np
import pytest

from rlgen.supervised import judging

RANDOM = np.random.default_rng(0)


def test_classes_against_scikit_learn():
    from sklearn import metrics

    labels = RANDOM.integers(0, 6, 300)
    chances = RANDOM.dirichlet(np.ones(6), 300)
    chances[np.arange(300), labels] += 0.3
    chances /= chances.sum(1, keepdims=True)
    found = judging.of_classes(labels, chances, {"majority": np.zeros(300, int)})
    assert found["eval/accuracy"] == pytest.approx(metrics.accuracy_score(labels, chances.argmax(1)))
    assert found["eval/loss"] == pytest.approx(metrics.log_loss(labels, chances))
    assert found["eval/top_3_accuracy"] == pytest.approx(metrics.top_k_accuracy_score(labels, chances, k=3))
    area = metrics.roc_auc_score(labels, chances, multi_class="ovr")
    assert found["eval/roc_auc"] == pytest.approx(area)
    assert found["eval/accuracy_majority"] == pytest.approx((labels == 0).mean())
    assert found["eval/accuracy_low"] < found["eval/accuracy"] < found["eval/accuracy_high"]


def test_the_interval_is_wilsons():
    labels = np.array([0] * 9 + [1])
    found = judging.of_classes(labels, np.tile([0.9, 0.1], (10, 1)), {})
    assert (found["eval/accuracy_low"], found["eval/accuracy_high"]) == pytest.approx((0.5958, 0.9821), abs=1e-4)


def test_without_a_class_there_is_no_curve_and_no_false_alarm_without_harmless_ones():
    chances = np.tile([0.9, 0.1], (4, 1))
    assert "eval/roc_auc" not in judging.of_classes(np.zeros(4, int), chances, {})
    ones = np.ones(4, int)
    assert judging.by_group(ones, ones, np.array([0, 0, 1, 1])) == {}


def test_false_alarms_by_group():
    labels, guesses = np.array([0, 0, 0, 0, 1, 0]), np.array([1, 0, 1, 1, 1, 0])
    found = judging.by_group(labels, guesses, np.array([0, 0, 1, 1, 1, 0]))
    assert found["eval/false_positive_rate_group_0"] == pytest.approx(1 / 3)
    assert found["eval/false_positive_rate_gap"] == pytest.approx(2 / 3)


def test_numbers_against_scikit_learn_and_bands_in_closed_form():
    from sklearn import metrics

    y, said = RANDOM.normal(size=200), RANDOM.normal(size=200)
    found = judging.of_numbers(y, said, np.full(200, 2.0), {"mean": np.zeros(200)})
    assert found["eval/mean_squared_error"] == pytest.approx(metrics.mean_squared_error(y, said))
    assert found["eval/mean_absolute_error"] == pytest.approx(metrics.mean_absolute_error(y, said))
    assert found["eval/r2"] == pytest.approx(metrics.r2_score(y, said))
    assert found["eval/coverage"] == (np.abs(y - said) <= 4).mean()
    assert found["eval/root_mean_squared_error_mean"] == pytest.approx(np.sqrt((y**2).mean()))
    surprise = 0.5 * np.log(2 * np.pi * 4) + ((y - said) ** 2).mean() / 8
    assert found["eval/negative_log_likelihood"] == pytest.approx(surprise)


def test_masks():
    masks = np.array([[[0, 0], [1, 1]]])
    chances = np.zeros((1, 2, 2, 2))
    chances[..., 0] = [[1, 1], [1, 0]]
    chances[..., 1] = 1 - chances[..., 0]
    found = judging.of_masks(masks, chances, {"thresholds": masks})
    # One of two pixels found, none wrong: 2 * 1 / (2 + 1), and 1 / 2.
    assert (found["eval/dice"], found["eval/iou"]) == pytest.approx((2 / 3, 1 / 2))
    assert found["eval/dice_thresholds"] == 1
    assert "| thing | 0.667 | 0.500 |" in judging.by_class_of_masks(masks, chances.argmax(-1), ("else", "thing"))


def test_a_table_by_class():
    table = judging.by_class(np.array([0, 0, 1]), np.array([0, 1, 1]), ("cat", "dog"))
    assert table.splitlines()[2:] == ["| cat | 1.000 | 0.500 | 0.667 | 2 |", "| dog | 0.500 | 1.000 | 0.667 | 1 |"]
