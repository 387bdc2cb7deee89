import numpy as np

from rlgen import pictures


def test_numbers_become_bytes_by_rounding_and_clipping() -> None:
    images = np.array([-1.0, 0.0, 0.5, 1.0, 2.0])
    assert pictures.to_uint8(images).tolist() == [0, 0, 128, 255, 255]
    kept = np.array([3], np.uint8)
    assert pictures.to_uint8(kept) is kept


def test_grid_puts_images_row_by_row() -> None:
    images = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1)
    sheet = pictures.grid(images, columns=2, width=5, gap=1)
    assert sheet[..., 0].tolist() == [[255] * 5, [255, 0, 255, 1, 255], [255] * 5, [255, 2, 255, 255, 255], [255] * 5]
    assert pictures.grid(images, columns=2, width=10, gap=1).shape == (10, 10, 3)


def test_drawn_pictures_are_bytes_of_the_asked_size() -> None:
    points = np.random.default_rng(0).normal(size=(50, 2))
    picture = pictures.Scatter(points, size=200).draw(points)
    assert picture.shape == (200, 200, 3)
    assert picture.dtype == np.uint8
    assert picture.min() < picture.max()
