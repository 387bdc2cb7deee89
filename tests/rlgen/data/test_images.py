"""Pictures from a folder."""

from __future__ import annotations

import imageio.v3 as imageio
import numpy as np
import pytest

from rlgen import data
from rlgen.errors import UserError


@pytest.fixture
def folder(tmp_path):
    """Thirty pictures of each of two classes, 20 x 12 pixels, of one colour each."""
    for name, colour in (("cats", (250, 0, 0)), ("dogs", (0, 100, 200))):
        (tmp_path / name).mkdir()
        for i in range(30):
            imageio.imwrite(tmp_path / name / f"{i}.png", np.full((12, 20, 3), colour, np.uint8))
    return tmp_path


def test_folders_are_classes_and_every_picture_is_in_one_part(folder):
    made = data.load(f"images:{folder}?size=8")
    assert made.target.classes == ("cats", "dogs") and str(made.spec) == "uint8 [8, 8, 3]"
    parts = {part: made.split(part) for part in ("train", "validation", "test")}
    assert sum(map(len, parts.values())) == 60
    assert len(parts["train"]) > 36 and len(parts["test"]) > 0 and len(parts["validation"]) > 0
    for arrays in parts.values():
        colours = np.array([(250, 0, 0), (0, 100, 200)])[arrays.y]
        np.testing.assert_array_equal(arrays.x, np.broadcast_to(colours[:, None, None], arrays.x.shape))


def test_new_pictures_move_none_of_the_others(folder):
    before = len(data.load(f"images:{folder}?size=4").split("test"))
    imageio.imwrite(folder / "cats" / "new.png", np.zeros((4, 4, 3), np.uint8))
    assert len(data.load(f"images:{folder}?size=4").split("test")) - before in (0, 1)


def test_transparent_pictures_lie_on_white_and_the_middle_is_kept(tmp_path):
    pixels = np.zeros((4, 8, 4), np.uint8)
    pixels[:, 2:6] = (0, 0, 0, 255)
    pixels[:2, 2:6, 3] = 0
    for i in range(40):
        imageio.imwrite(tmp_path / f"{i}.png", pixels)
    x = data.load(f"images:{tmp_path}?size=2&channels=1").split("train").x
    np.testing.assert_array_equal(x[0, :, :, 0], [[255, 255], [0, 0]])
    assert data.load(f"images:{tmp_path}").target is None


@pytest.mark.parametrize(
    ("make", "query", "said"),
    [
        (lambda p: p / "absent", "", "There is no folder"),
        (lambda p: p, "", "There is no picture in"),
        (lambda p: p, "?size=0", "a picture has 1 to 8192 pixels"),
        (lambda p: p, "?channels=4", "1 or 3 channels"),
        (lambda p: p, "?background=whte", "background=whte is no colour. Did you mean 'white'"),
        (lambda p: p, "?unreadable=ignore", "'ignore' is not one of 'refuse', 'skip'"),
    ],
)
def test_what_is_no_folder_of_pictures_is_refused(tmp_path, make, query, said):
    with pytest.raises(UserError, match=said):
        data.load(f"images:{make(tmp_path)}{query}")


def test_a_file_that_is_no_picture_and_one_beside_the_classes_are_named(folder):
    (folder / "cats" / "broken.png").write_bytes(b"no picture")
    made = data.load(f"images:{folder}?size=4")
    with pytest.raises(UserError, match=r"broken.png' cannot be read"):
        [made.split(part) for part in ("train", "validation", "test")]
    imageio.imwrite(folder / "loose.png", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(UserError, match="move 'loose.png'"):
        data.load(f"images:{folder}")


def test_the_colour_behind_transparent_pictures_can_be_said(tmp_path):
    for i in range(40):
        imageio.imwrite(tmp_path / f"{i}.png", np.full((4, 4, 4), (200, 0, 0, 51), np.uint8))
    for background, seen in (("white", (244, 204, 204)), ("black", (40, 0, 0)), ("00ff00", (40, 204, 0))):
        x = data.load(f"images:{tmp_path}?size=2&background={background}").split("train").x
        np.testing.assert_array_equal(x, np.broadcast_to(seen, x.shape))


def test_an_unreadable_file_is_left_out_only_if_asked_and_then_named(folder, capsys):
    (folder / "cats" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="broken.png' cannot be read.*leave out all such files by unreadable=skip"):
        [data.load(f"images:{folder}?size=4").split(part) for part in data.PARTS]
    made = data.load(f"images:{folder}?size=4&unreadable=skip")
    parts = [made.split(part) for part in data.PARTS]
    assert sum(map(len, parts)) == 60 and sum(len(part.y) for part in parts) == 60
    assert "broken.png' cannot be read" in capsys.readouterr().err
