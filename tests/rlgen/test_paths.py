import sys
from pathlib import Path
from typing import Any

import pytest

from rlgen import paths
from rlgen.errors import UserError


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "--run is empty"),
        (" ", "--run is empty"),
        (5, "--run=5 is no path"),
        (b"run", "is no path"),
        ("a\0b", "NUL"),
        ("\ud800", "half a character"),
        ("n" * 256, "256 bytes, and 255 are the most"),
        ("a/" + "é" * 128 + "/b", "256 bytes"),
        ("/".join(["n" * 250] * 20), "4095 are the most"),
    ],
)
def test_what_can_be_no_name(value: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        paths.named(value, what="--run")


def test_what_can_be_one_stays_as_it_is() -> None:
    for value in ("run", "n" * 255, "a/../b", Path("/tmp/é"), "a b", "\udcff"):
        assert paths.named(value, what="--run") == Path(value)


def test_the_longest_part_of_a_name_is_cut_to_fit() -> None:
    assert paths.fitting("dqn", "CartPole-v1", "s0") == "dqn-CartPole-v1-s0"
    for problem in ("n" * 400, "é" * 400, "日" * 400):
        name = paths.fitting("dqn", problem, "default", "s0")
        assert 250 < len(name.encode()) <= 255
        assert name.startswith("dqn-" + problem[:10]) and name.endswith("-default-s0")


def test_nothing_new_is_made_in_a_file_or_where_nobody_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    paths.check_new(tmp_path / "new" / "run", what="run directory", option="--run")
    with pytest.raises(UserError, match="file is a file. Choose another --run"):
        paths.check_new(tmp_path / "file" / "run", what="run directory", option="--run")

    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(UserError, match="cannot be written"):
        paths.check_new(tmp_path / "new" / "run", what="run directory", option="--run")
    monkeypatch.setattr(Path, "exists", refuse)
    assert not paths.exists(tmp_path)


def test_the_place_for_what_can_be_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RLGEN_CACHE", str(tmp_path / "here"))
    assert paths.cache_directory() == tmp_path / "here"
    monkeypatch.delenv("RLGEN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert paths.cache_directory() == tmp_path / "rlgen"
