import numpy as np
import pytest

from rlgen.data.series import Series
from rlgen.errors import UserError


def test_windows_follow_one_another_and_no_later_number_moves_the_scale():
    values = np.arange(20.0)
    made = Series(values, window=3, ends=(10, 15))
    train, validation, test = (made.split(part) for part in ("train", "validation", "test"))
    np.testing.assert_array_equal(train.y, np.arange(3, 10))
    np.testing.assert_array_equal(validation.y, np.arange(10, 15))
    np.testing.assert_array_equal(test.y, np.arange(15, 20))
    mean, deviation = values[:10].mean(), values[:10].std()
    np.testing.assert_allclose(test.x[0] * deviation + mean, [12, 13, 14], rtol=1e-5)
    later = values.copy()
    later[10:] *= 100
    np.testing.assert_array_equal(Series(later, window=3, ends=(10, 15)).split("train").x, train.x)
    np.testing.assert_allclose(made.naive(test.x), test.y - 1, rtol=1e-5)


def test_several_series_are_seen_and_one_is_said():
    values = np.stack([np.arange(20.0), 100 - np.arange(20.0)], 1)
    made = Series(values, window=2, ends=(10, 15), column=1)
    test = made.split("test")
    assert made.spec.shape == (2, 2)
    np.testing.assert_array_equal(test.y, 100 - np.arange(15, 20))
    np.testing.assert_allclose(made.naive(test.x), test.y + 1, rtol=1e-5)


@pytest.mark.parametrize("window", [0, 10, 30])
def test_a_window_that_does_not_fit(window):
    with pytest.raises(UserError, match="Take a window from 1 to 9"):
        Series(np.arange(20.0), window=window, ends=(10, 15))
