import os
import stat
from pathlib import Path

import pytest

from rlgen import signature

ROW = {"b": [1, 2.5, None], "a": {"x": "é", "y": True}}


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the key will lie."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    return tmp_path / "configuration" / "rlgen" / "key"


def test_what_is_signed_was_made_here(key: Path) -> None:
    signed = signature.sign(ROW)
    assert signed is not None and signed == signature.sign(dict(reversed(ROW.items())))
    assert signature.made_here(ROW, signed)
    assert signature.made_here({**ROW, 12: 3, 2: 4}, signature.sign({**ROW, 12: 3, 2: 4}))
    assert signature.made_here({"2": 4, "12": 3}, signature.sign({12: 3, 2: 4})), "as a file gives it back"


def test_nothing_else_was(key: Path) -> None:
    signed = signature.sign(ROW)
    for row in ({**ROW, "b": [1, 2.5]}, {**ROW, "c": 0}, {}):
        assert not signature.made_here(row, signed)
    for other in (None, "", 7, ["a"], "ü\udc80", f"{signed}0", str(signed).upper()):
        assert not signature.made_here(ROW, other)
    key.write_bytes(bytes(32))
    assert not signature.made_here(ROW, signed), "another user's key"


def test_the_key_is_the_users_alone(key: Path) -> None:
    assert not signature.made_here(ROW, "0" * 64) and not key.exists(), "who only reads makes none"
    signed = signature.sign(ROW)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and len(key.read_bytes()) == 32
    before = key.read_bytes()
    signature.sign({})
    assert key.read_bytes() == before
    key.chmod(0o640)
    assert signature.sign(ROW) is None and not signature.made_here(ROW, signed)


def test_a_key_that_cannot_be_kept(key: Path) -> None:
    key.parent.parent.write_text("a file in the directory's place")
    assert signature.sign(ROW) is None
    assert not signature.made_here(ROW, None)


def test_a_directory_that_cannot_be_read(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = signature.sign(ROW)

    # Through os.open, because to some users of a machine every directory is readable.
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert signature.sign(ROW) is None and not signature.made_here(ROW, signed)


def test_nothing_is_followed(key: Path, tmp_path: Path) -> None:
    key.parent.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    key.symlink_to(elsewhere)
    assert signature.sign(ROW) is None and not elsewhere.exists()
    elsewhere.write_bytes(bytes(32))
    elsewhere.chmod(0o600)
    assert signature.sign(ROW) is None
    key.unlink()
    os.mkfifo(key)
    assert signature.sign(ROW) is None, "nor waited for"


def test_half_a_key_is_none(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signature, "PATIENCE_SECONDS", 0.0)
    key.parent.mkdir(parents=True)
    for length in (0, 31, 33):
        key.write_bytes(bytes(length))
        key.chmod(0o600)
        assert signature.sign(ROW) is None
