import numpy as np
import pytest

from rlgen import captions


def test_a_table_is_as_dark_as_its_shares_and_its_names_have_room() -> None:
    labels, said = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1, 1])
    picture = captions.confusion(labels, said, ["a", "b"], size=200)
    assert (picture.shape, picture.dtype) == ((200, 200, 3), np.uint8)
    # A corner of each of the four cells: shares 3/4, 1/4, 0 and 1.
    (high, low), (none, all_) = (
        [int(picture[row, column].sum()) for column in (45, 120)] for row in (captions.ABOVE + 3, 100)
    )
    assert none > low > high > all_
    long = captions.confusion(labels, said, ["short", "a name of many letters"], size=200)
    # To the left of the table and below it stand letters.
    assert long[:, :60].min() < 100 and long[150:, 130:].min() < 100


@pytest.mark.parametrize("classes", [1, 2, 30, 600])
def test_a_table_of_any_number_of_classes(classes: int) -> None:
    labels = np.arange(classes)
    assert captions.confusion(labels, labels, [f"class {i}" for i in range(classes)]).shape == (480, 480, 3)


@pytest.mark.parametrize("shape", [(8, 8, 1), (8, 8, 3), (300, 100, 3), (1, 500, 1)])
def test_pictures_stand_in_rows_below_their_captions(shape: tuple[int, ...]) -> None:
    picture = captions.captioned(np.zeros((2, *shape)), ["1 as 2", "boot\nas shoe"], size=240)
    assert (picture.shape, picture.dtype) == ((240, 240, 3), np.uint8)
    for i in range(2):
        column = picture[:40, 40 * i : 40 * i + 40].sum(axis=2)
        assert column[round(0.61 * 40), 20] == 0  # The picture's middle.
        top = int(24.4 - 13.6 * shape[0] / max(shape))
        assert column[:top].min() < 3 * 255  # The caption.
    assert (picture[40:] == 255).all()


def test_no_picture_says_so() -> None:
    picture = captions.captioned(np.zeros((0, 8, 8, 1)), [], size=200)
    assert picture.shape == (200, 200, 3)
    assert picture.min() < picture.max()


def test_long_names_are_cut() -> None:
    assert captions.shortened("Ankle boot") == "Ankle boot"
    assert captions.shortened("a name of many letters") == "a name of m…"
