import base64
import os
from pathlib import Path

import numpy as np
import pytest

from rlgen.looking import report_pictures
from rlgen.looking.report_pictures import pictures, pixels
from rlgen.summary import png_bytes


def test_what_a_page_can_show(tmp_path: Path) -> None:
    png = png_bytes(np.zeros((2, 3, 3), np.uint8))
    large = png_bytes(np.zeros((300, 200, 1), np.uint8))
    for name, data in (
        ("b.png", png),
        ("a.mp4", b"film"),
        ("c.PNG", large),
        ("learning_curve.png", png),
        (".x.png", png),
    ):
        (tmp_path / name).write_bytes(data)
    film, small, big = pictures(tmp_path)
    assert film.film and film.uri == "data:video/mp4;base64," + base64.b64encode(b"film").decode()
    assert (small.name, small.width, small.height, small.small, small.film) == ("b.png", 3, 2, True, False)
    assert base64.b64decode(small.uri.removeprefix("data:image/png;base64,")) == png
    assert not big.small and big.about.startswith("200 × 300 pixels, ")
    assert pictures(tmp_path / "none") == []


def test_what_it_cannot_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_pictures, "MOST_FILE_BYTES", 10)
    monkeypatch.setattr(report_pictures, "MOST_BYTES", 12)
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    media = tmp_path / "media"
    media.mkdir()
    (media / "link.png").symlink_to(secret)
    (media / "directory.png").mkdir()
    (media / "page.svg").write_text("<svg/>")
    (media / "large.png").write_bytes(b"x" * 11)
    (media / "one.gif").write_bytes(b"x" * 8)
    (media / "two.gif").write_bytes(b"x" * 8)
    os.mkfifo(media / "pipe.png")
    found = {picture.name: picture for picture in pictures(media)}
    assert [name for name, picture in found.items() if picture.uri] == ["one.gif"]
    assert found["link.png"].about == "a link, not followed"
    assert found["directory.png"].about == found["pipe.png"].about == "no regular file"
    assert found["large.png"].about == "11 bytes, too large to be carried here"
    assert found["two.gif"].about == "8 bytes, too large to be carried here"
    assert "no picture" in found["page.svg"].about


def test_a_linked_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.png").write_bytes(b"secret")
    (tmp_path / "media").symlink_to(tmp_path / "elsewhere")
    (found,) = pictures(tmp_path / "media")
    assert not found.uri and "is a link" in found.about


def test_there_are_not_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_pictures, "MOST_FILES", 2)
    for i in range(5):
        (tmp_path / f"{i}.gif").write_bytes(b"x")
    assert [picture.name for picture in pictures(tmp_path)] == ["0.gif", "1.gif", "3 more files"]


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0"])
def test_sizes_that_are_not_known(data: bytes) -> None:
    assert pixels(data) == (0, 0)
