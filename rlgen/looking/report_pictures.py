"""The pictures and films of a run as a report carries them: in its own text, as `data:` URIs."""

from __future__ import annotations

import base64
import dataclasses
import stat
import struct
from pathlib import Path

from rlgen import files
from rlgen.errors import UserError
from rlgen.looking.report_text import size

# What is larger is named alone: a report is to be opened by a phone, and sent by mail.
MOST_FILE_BYTES, MOST_BYTES = 8_000_000, 32_000_000
MOST_FILES = 100
# A picture of fewer pixels is enlarged, and its pixels stay squares.
SMALL_PIXELS = 200
# The curve is drawn anew.
LEFT_OUT = ("learning_curve.png",)
KINDS = {
    ".png": "image/png",
    ".gif": "image/gif",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
}


@dataclasses.dataclass(frozen=True)
class Picture:
    """A file of `media/`.

    Attributes:
        name: of the file.
        about: its size, or why it is not shown.
        uri: what it holds; empty where it is not shown.
        film: whether it is to be played.
        width: in pixels; 0 where it is not known.
        height: likewise.
    """

    name: str
    about: str
    uri: str = ""
    film: bool = False
    width: int = 0
    height: int = 0

    @property
    def words(self) -> str:
        """What it shows, as far as its name says."""
        return Path(self.name).stem.replace("_", " ")

    @property
    def small(self) -> bool:
        """Whether its pixels are to be seen."""
        return 0 < max(self.width, self.height) < SMALL_PIXELS


def pictures(directory: Path) -> list[Picture]:
    """What lies in a run's `media/`, in the order of names; a link is named and not followed."""
    try:
        places = sorted(directory.iterdir()) if files.is_directory(directory) else []
    except (OSError, UserError) as error:
        return [Picture(directory.name, str(error))]
    places = [place for place in places if not place.name.startswith(".") and place.name not in LEFT_OUT]
    made, left = [], MOST_BYTES
    for place in places[:MOST_FILES]:
        made.append(_picture(place, most_bytes=min(left, MOST_FILE_BYTES)))
        left -= len(made[-1].uri) * 3 // 4
    more = len(places) - MOST_FILES
    return [*made, Picture(f"{more:,} more files", "too many to show")] if more > 0 else made


def pixels(data: bytes) -> tuple[int, int]:
    """Width and height of a PNG or GIF picture, from its first bytes; 0 and 0 of any other.

    >>> pixels(b"GIF89a" + bytes([3, 0, 2, 0]))
    (3, 2)
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return width, height
    return 0, 0


def _picture(place: Path, *, most_bytes: int) -> Picture:
    kind = KINDS.get(place.suffix.lower())
    try:
        found = place.lstat()
        if not stat.S_ISREG(found.st_mode):
            return Picture(place.name, "a link, not followed" if stat.S_ISLNK(found.st_mode) else "no regular file")
        if kind is None:
            return Picture(place.name, f"{size(found.st_size)}, no picture or film that a page can show")
        if found.st_size > most_bytes:
            return Picture(place.name, f"{size(found.st_size)}, too large to be carried here")
        data = files.read(place, most_bytes=most_bytes)
    except (OSError, UserError) as error:
        return Picture(place.name, f"cannot be read: {error}")
    width, height = pixels(data)
    about = f"{width:,} × {height:,} pixels, {size(len(data))}" if width else size(len(data))
    uri = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return Picture(place.name, about, uri, kind.startswith("video/"), width, height)
