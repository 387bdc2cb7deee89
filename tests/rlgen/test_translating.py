"""Files of pictures into files of what a model makes of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inverter import Inverter
from PIL import Image
from refused import Refused

import rlgen
from rlgen import files, translating
from rlgen.errors import RlgenError, UserError

RAMP = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10


def draw(path: Path, picture: Any = RAMP) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(picture).save(path)
    return path


def pixels_of(path: Path) -> Any:
    return np.asarray(Image.open(path))


def translate(*inputs: Path, out: Path, overwrite: bool = False, background: str = "white") -> list[Path]:
    how: dict[str, Any] = {"seed": 0, "background": background, "overwrite": overwrite}
    return translating.translate_files(Inverter(), inputs, out, **how)


def test_each_file_becomes_a_png_of_its_name(tmp_path: Path) -> None:
    made = translate(draw(tmp_path / "one.png"), draw(tmp_path / "two.PNG", 255 - RAMP), out=tmp_path / "a" / "b")
    assert made == [tmp_path / "a" / "b" / name for name in ("one.png", "two.png")]
    np.testing.assert_array_equal(pixels_of(made[0])[..., 0], 255 - RAMP)
    np.testing.assert_array_equal(pixels_of(made[1])[..., 1], RAMP)
    assert sorted(path.name for path in made[0].parent.iterdir()) == ["one.png", "two.png"]


def test_of_a_folder_its_pictures_are_meant(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg"):
        draw(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    made = translate(tmp_path / "in", tmp_path / "in" / "b.png", out=tmp_path / "out")
    assert [path.name for path in made] == ["a.png", "b.png"]


def test_any_size_is_brought_to_the_model_s_from_its_middle(tmp_path: Path) -> None:
    tall = np.zeros((40, 12), np.uint8)
    tall[16:24] = 200  # 12 wide, so 8 rows in the middle have the proportions 4 : 6.
    (made,) = translate(draw(tmp_path / "tall.png", tall), out=tmp_path / "out")
    np.testing.assert_array_equal(pixels_of(made)[..., 0], np.full((4, 6), 55))


def test_transparent_pixels_lie_on_what_is_asked_for(tmp_path: Path) -> None:
    clear = draw(tmp_path / "clear.png", np.zeros((4, 6, 4), np.uint8))
    for background, expected in (("white", 0), ("black", 255), ("808080", 127)):
        (made,) = translate(clear, out=tmp_path / background, background=background)
        assert (pixels_of(made)[..., 0] == expected).all()
    with pytest.raises(UserError, match="background=whyte is no colour. Did you mean 'white'"):
        translate(clear, out=tmp_path / "none", background="whyte")


def test_many_are_translated_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translating, "AT_ONCE", 2)
    inputs = [draw(tmp_path / f"{i}.png", np.full((4, 6), 50 * i, np.uint8)) for i in range(5)]
    made, model = tmp_path / "out", Inverter()
    paths = translating.translate_files(model, inputs, made, seed=0, background="white", overwrite=False)
    assert [len(x) for x in model.seen] == [2, 2, 1]
    assert [pixels_of(path)[0, 0, 0] for path in paths] == [255, 205, 155, 105, 55]


def test_what_is_no_picture_is_named_and_nothing_written(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG, not really")
    with pytest.raises(UserError, match="broken.png' cannot be read as a picture"):
        translate(draw(tmp_path / "one.png"), tmp_path / "broken.png", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_there_stays_unless_it_is_to_go(tmp_path: Path) -> None:
    one, out = draw(tmp_path / "one.png"), tmp_path / "out"
    mine = draw(out / "one.png", np.zeros((1, 1), np.uint8))
    with pytest.raises(UserError, match="one.png' is there already.*--overwrite"):
        translate(one, out=out)
    assert pixels_of(mine).shape == (1, 1)
    translate(one, out=out, overwrite=True)
    assert pixels_of(mine).shape == (4, 6, 3)


def test_inputs_are_never_replaced_and_names_never_shared(tmp_path: Path) -> None:
    one = draw(tmp_path / "one.png")
    with pytest.raises(UserError, match="would be replaced by its own translation"):
        translate(one, out=tmp_path, overwrite=True)
    with pytest.raises(UserError, match=r"one.png' and '.*one.jpg' would both become"):
        translate(one, draw(tmp_path / "one.jpg"), out=tmp_path / "out")
    (tmp_path / "out" / "one.png").mkdir(parents=True)
    with pytest.raises(UserError, match="is a directory"):
        translate(one, out=tmp_path / "out", overwrite=True)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no '.*nowhere.png' to translate"):
        translate(tmp_path / "nowhere.png", out=tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="There is no picture in '.*empty'"):
        translate(tmp_path / "empty", out=tmp_path / "out")
    with pytest.raises(UserError, match="Say which pictures"):
        translate(out=tmp_path / "out")


def test_a_disk_that_refuses_is_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(files, "write", full)
    with pytest.raises(RlgenError, match="cannot be written into .*No space left"):
        translate(draw(tmp_path / "one.png"), out=tmp_path / "out")


def test_others_make_no_pictures_of_pictures(walk: Any, tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=2, run=tmp_path / "run")
    with pytest.raises(UserError, match="Walk makes no pictures out of pictures"):
        rlgen.translate(run, [draw(tmp_path / "one.png")], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert translating.translator(model := Inverter()) is model


def test_wrong_command_lines(refused: Refused, in_empty_directory: Path, rlgen_command: Callable[..., Any]) -> None:
    rlgen.train("walk", steps=2, run="run")
    draw(in_empty_directory / "one.png")
    refused("translate", "run", "one.png")
    refused("translate", "run", "--out", "made")
    refused("translate", "run", "two.png", "--out", "made", words=("There is no 'two.png'",))
    refused("translate", "nowhere", "one.png", "--out", "made")
    refused("translate", "run", "one.png", "--out", "one.png", words=("one.png is a file", "--out"))
    refused("translate", "run", "one.png", "--out", "made", "--seed", "x")
    refused("translate", "run", "one.png", "--out", "made", words=("Walk makes no pictures",))
    refused("paint", "run", words=("Walk makes no pictures",))
    refused("paint", "run", "--port", 70000)
