"""Frames of games: kept, cut into parts that share none, and told from their greys or their edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rlgen import data
from rlgen.errors import UserError


def test_grey_to_colour_and_parts_that_share_no_frame(data_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loaded = data.load("frames/pong?size=32&count=40")
    parts = {part: data.examples(loaded, part, name="frames") for part in data.PARTS}
    assert {part: len(arrays) for part, arrays in parts.items()} == {"train": 32, "validation": 4, "test": 4}
    assert len({frame.tobytes() for arrays in parts.values() for frame in arrays.y}) == 40
    x, y = parts["train"].x, parts["train"].y
    assert y is not None and x.shape == (32, 32, 32, 1)
    grey = np.asarray(Image.fromarray(y[0]).convert("L"))
    np.testing.assert_array_equal(x[0, ..., 0], grey)
    # A colour, not shades of grey, and a ball that is somewhere else.
    assert (y[..., 0] != y[..., 2]).any() and (y[0] != y[1]).any()

    assert "Playing 40 frames of pong" in capsys.readouterr().err
    again = data.load("frames:Pong?size=32&count=40")
    np.testing.assert_array_equal(again.split("test").y, parts["test"].y)
    assert capsys.readouterr().err == "" and len(list(data_place.iterdir())) == 1
    # Another player sees others; the same one always the same.
    other = data.load("frames/pong?size=32&count=40&seed=1").split("train").y
    assert (other != y).any()
    next(data_place.glob("*-0-*.npz")).write_bytes(b"damaged")
    np.testing.assert_array_equal(data.load("frames/pong?size=32&count=40").split("train").y, y)


def test_edges_and_pictures_alone(data_place: Path) -> None:
    edges = data.load("frames/ms_pacman?size=24&count=10&task=edges").split("train")
    assert edges.x.shape == (8, 24, 24, 1) and edges.y.shape == (8, 24, 24, 3)
    # Of a field of one colour there is nothing left.
    assert (edges.x == 0).mean() > 0.05 and edges.x.max() > 100
    alone = data.load("frames/ms_pacman?size=24&count=10&task=none")
    assert alone.target is None
    np.testing.assert_array_equal(alone.split("train").x, edges.y)


def test_no_such_game() -> None:
    with pytest.raises(UserError, match=r"There is no game 'pongg'. Did you mean 'pong'\? ale-py has \d+"):
        data.load("frames/pongg")
    with pytest.raises(UserError, match="count=3 frames cannot be cut"):
        data.load("frames/pong?count=3")


def test_a_slash_is_a_colon_only_behind_a_data_sets_name() -> None:
    from rlgen.errors import UnknownName

    with pytest.raises(UnknownName, match="There is no dataset 'frame/pong'"):
        data.load("frame/pong")


def test_a_run_that_has_learned_the_game_plays_it(data_place: Path, tmp_path: Path) -> None:
    import rlgen

    game = "BreakoutNoFrameskip-v4?size=36&max_num_frames_per_episode=400"
    short = {"num_envs": 2, "rollout_steps": 4, "trainer.evaluation_episodes": 1, "trainer.evaluate_every_steps": 16}
    run = rlgen.train("a2c", env=game, steps=16, run=tmp_path / "run", config=short)
    name = f"frames/breakout?size=32&count=20&task=none&player={run.path}"
    seen = data.load(name).split("train").x
    assert seen.shape == (16, 32, 32, 3)
    np.testing.assert_array_equal(data.load(name).split("train").x, seen)
    alone = data.load("frames/breakout?size=32&count=20&task=none").split("train").x
    assert (alone != seen).any(), "another player"
    with pytest.raises(UserError, match="has learned 'BreakoutNoFrameskip-v4.*which is not the game 'pong'"):
        data.load(f"frames/pong?player={run.path}")
    with pytest.raises(UserError, match="does not exist"):
        data.load(f"frames/pong?player={tmp_path / 'none'}")
