"""Pairs of pictures in all their layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest

from rlgen import data
from rlgen.errors import UserError

COUNT = 60


def picture(number: int, side: int = 0, shape: tuple[int, int] = (6, 8)) -> Any:
    """Both pictures of a pair begin with its number; `side` tells them apart."""
    made = np.random.default_rng([number, side]).integers(0, 256, (*shape, 3), np.uint8)
    made[0, 0] = (number, side, 0)
    return made


def write(path: Path, pixels: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    imageio.imwrite(path, pixels)


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """Sixty pictures, each a pair side by side."""
    for i in range(COUNT):
        write(tmp_path / "all" / f"{i}.png", np.concatenate([picture(i), picture(i, 1)], axis=1))
    return tmp_path / "all"


@pytest.fixture
def apart(tmp_path: Path) -> Path:
    """The same, in two folders."""
    for i in range(COUNT):
        write(tmp_path / "two" / "edges" / f"{i}.png", picture(i))
        write(tmp_path / "two" / "photos" / f"{i}.bmp", picture(i, 1))
    return tmp_path / "two"


def parts_of(problem: str) -> dict[str, data.Arrays]:
    loaded = data.load(problem)
    return {part: data.examples(loaded, part, name=problem) for part in data.PARTS}


def numbers(arrays: data.Arrays) -> list[int]:
    """Of the pairs, after a look that both pictures are the pair's, first the one that is seen."""
    for x, y in zip(arrays.x, arrays.y, strict=True):
        number = int(x[0, 0, 0])
        np.testing.assert_array_equal(x, picture(number))
        np.testing.assert_array_equal(y, picture(number, 1))
    return arrays.x[:, 0, 0, 0].tolist()


def test_side_by_side_and_in_two_folders_are_the_same(beside: Path, apart: Path) -> None:
    loaded = data.load(f"pairs:{beside}")
    assert str(loaded.spec) == str(loaded.target.spec) == "uint8 [6, 8, 3]" and not loaded.target.numbers
    parts, others = parts_of(f"pairs:{beside}"), parts_of(f"pairs:{apart}")
    for part in data.PARTS:
        assert numbers(parts[part]) == numbers(others[part]) != []
    assert sorted(sum((numbers(part) for part in parts.values()), [])) == list(range(COUNT))


def test_which_one_is_seen_can_be_said(beside: Path, apart: Path) -> None:
    usual = data.load(f"pairs:{beside}").split("train")
    for problem in (f"pairs:{beside}?input=right", f"pairs:{apart}?input=photos"):
        turned = data.load(problem).split("train")
        np.testing.assert_array_equal(turned.x, usual.y)
        np.testing.assert_array_equal(turned.y, usual.x)
    np.testing.assert_array_equal(data.load(f"pairs:{apart}?input=edges").split("train").x, usual.x)


@pytest.mark.parametrize("validation", ["val", "validation"])
def test_folders_say_the_part(tmp_path: Path, validation: str) -> None:
    for i in range(COUNT):
        name = "test" if i < 5 else validation if i < 12 else "train"
        write(tmp_path / name / f"{i}.png", np.concatenate([picture(i), picture(i, 1)], axis=1))
    parts = parts_of(f"pairs:{tmp_path}")
    assert sorted(numbers(parts["test"])) == list(range(5))
    assert sorted(numbers(parts["validation"])) == list(range(5, 12))
    assert sorted(numbers(parts["train"])) == list(range(12, COUNT))


def test_a_part_without_a_folder_is_cut_out_of_the_training_pairs(tmp_path: Path) -> None:
    for i in range(COUNT):
        for side, name in enumerate(("a", "b")):
            write(tmp_path / ("val" if i < 5 else "train") / name / f"{i}.png", picture(i, side))
    parts = {part: numbers(arrays) for part, arrays in parts_of(f"pairs:{tmp_path}").items()}
    assert sorted(parts["validation"]) == list(range(5)) and 0 < len(parts["test"]) < 20
    assert sorted(sum(parts.values(), [])) == list(range(COUNT))


def test_one_size_and_channels_for_both(apart: Path) -> None:
    write(apart / "edges" / "other.png", np.full((10, 30, 3), 7, np.uint8))
    write(apart / "photos" / "other.png", np.full((10, 30, 3), 9, np.uint8))
    arrays = np.concatenate([part.x + 0 for part in parts_of(f"pairs:{apart}?size=3&channels=1").values()])
    assert arrays.shape == (COUNT + 1, 3, 3, 1) and (arrays == 7).all(axis=(1, 2, 3)).sum() == 1
    with pytest.raises(
        UserError, match=r"other.png': .* has 30 x 10 pixels there, and 8 x 6 in the first pair. With size=64"
    ):
        parts_of(f"pairs:{apart}")


def test_transparent_ones_lie_on_the_colour(tmp_path: Path) -> None:
    for i in range(COUNT):
        write(tmp_path / f"{i}.png", np.zeros((2, 4, 4), np.uint8))
    arrays = data.load(f"pairs:{tmp_path}?background=0000ff").split("train")
    assert (arrays.x == (0, 0, 255)).all() and (arrays.y == (0, 0, 255)).all()


def test_pairs_that_cannot_be_read_are_left_out_whole_if_asked(apart: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (apart / "photos" / "3.bmp").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"3.bmp' cannot be read.*unreadable=skip"):
        parts_of(f"pairs:{apart}")
    parts = parts_of(f"pairs:{apart}?unreadable=skip")
    assert sorted(sum((numbers(part) for part in parts.values()), [])) == [i for i in range(COUNT) if i != 3]
    assert "3.bmp' cannot be read" in capsys.readouterr().err


def remove(*names: str) -> Callable[[Path], object]:
    return lambda folder: [(folder / name).unlink() for name in names]


def below_test(folder: Path) -> None:
    folder.rename(folder.parent / "test")
    folder.mkdir()
    (folder.parent / "test").rename(folder / "test")


@pytest.mark.parametrize(
    ("spoil", "query", "said"),
    [
        (remove("photos/4.bmp"), "", r"Without another .*: '.*edges/4.png'. Bring it"),
        (remove("edges/4.png", "photos/5.bmp"), "", r"Without another .*edges/5.png', '.*photos/4.bmp'"),
        (lambda p: write(p / "photos" / "1.png", picture(1)), "", r"1.bmp' and '.*1.png' have one name"),
        (lambda p: write(p / "1.png", picture(1)), "", "pictures beside them: move '1.png'"),
        (lambda p: (p / "more").mkdir(), "", "has the folders edges, more, photos: pairs are in two"),
        (
            lambda p: write(p / "photos" / "7.bmp", picture(1)[:5]),
            "",
            r"edges/7.png' and '.*7.bmp' have 8 x 6 and 8 x 5",
        ),
        (lambda p: None, "?input=edge", "Did you mean 'edges'"),
        (lambda p: None, "?size=9000", "1 to 8192 pixels"),
        (lambda p: None, "?channels=2", "1 or 3 channels"),
    ],
)
def test_two_folders_that_make_no_pairs(apart: Path, spoil: Callable[[Path], None], query: str, said: str) -> None:
    spoil(apart)
    with pytest.raises(UserError, match=said):
        parts_of(f"pairs:{apart}{query}")


@pytest.mark.parametrize(
    ("spoil", "query", "said"),
    [
        (lambda p: write(p / "odd.png", picture(1, shape=(6, 7))), "?size=4", "odd.png' is 7 pixels wide"),
        (lambda p: None, "?input=top", "side by side, so it is left or right"),
        (lambda p: [path.unlink() for path in p.iterdir()], "", "There is no picture in"),
        (lambda p: p.rename(p.parent / "away"), "", "There is no folder"),
        (lambda p: [path.write_bytes(b"x") for path in p.iterdir()], "?unreadable=skip", "None of the pairs can be"),
        (
            lambda p: p.rename(p.parent / "test") and p.mkdir() or (p.parent / "test").rename(p / "test"),
            "",
            "no folder 't",
        ),
    ],
)
def test_what_is_not_side_by_side(beside: Path, spoil: Callable[[Path], Any], query: str, said: str) -> None:
    spoil(beside)
    with pytest.raises(UserError, match=said):
        parts_of(f"pairs:{beside}{query}")


def test_a_part_without_pairs_is_said(tmp_path: Path) -> None:
    write(tmp_path / "one.png", np.concatenate([picture(1), picture(1, 1)], axis=1))
    with pytest.raises(UserError, match="of the .* part of 'pairs:.*': there are none. Every part needs one at least"):
        parts_of(f"pairs:{tmp_path}")
