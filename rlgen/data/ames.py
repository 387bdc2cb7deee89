"""Ames: prices of houses, each with much that is said of it."""

from __future__ import annotations

import lzma
import warnings
import zlib
from pathlib import Path
from typing import Any

from rlgen import files
from rlgen.data.published import MOST_BYTES, damaged
from rlgen.data.tabular import Tabular
from rlgen.errors import UserError
from rlgen.fetching import Package
from rlgen.library import Origin

FOLDER = "modeldata"
# R's lazy-load data base: the index of objects, and their blocks.
INDEX, BLOCKS = "data/Rdata.rdx", "data/Rdata.rdb"
TABLE, TARGET = "ames", "Sale_Price"
# How R packs a block by xz.
PACKED = {"id": lzma.FILTER_LZMA2, "preset": 6}
KIND, SIZE_BYTES = b"Z", 4


class Ames(Tabular):
    """2,930 houses sold in Ames, Iowa, by 73 columns; the target is the price in dollars, 12,789 to 755,000.

    `x` is float32 [N, numbers]: 33 numbers, standardised, and 40 categories, one-hot, of which None is zeros; `y` is
    float32 [N], dollars as they are, so that errors are dollars. 80 : 10 : 10. It is read by rdata, without R.

    Source: De Cock, "Ames, Iowa: Alternative to the Boston Housing Data" (2011), as R's modeldata 1.1.0 has it.
    """

    name = "ames"
    origin = Origin(
        licence="MIT (the package)",
        size=4_253_384,
        needs=((f"{FOLDER}/{INDEX}",),),
        packages=(
            Package(
                client="apt-get",
                name="r-cran-modeldata",
                version="1.1.0-1",
                file="r-cran-modeldata_1.1.0-1_all.deb",
                sha256="66c2e08bb4bf695d972b1e72ea44d5af9ada3c42841793d3871017f7b896bf95",
                folder=f"usr/lib/R/site-library/{FOLDER}",
            ),
        ),
        by_hand=f"the folder {FOLDER} as R installs the package modeldata 1.1.0",
    )

    def __init__(self) -> None:
        """Read it.

        Raises:
            UserError: it is not there, or damaged; or rdata is not.
        """
        (index,) = self.origin.require(self.name)
        rdata, folder = _rdata(), index.parents[1]
        try:
            header, rows = _table(rdata, folder)
        except Exception as error:  # What is damaged ends in any error in the library that reads it.
            raise damaged(folder, f"{type(error).__name__}: {error}", self.name) from error
        super().__init__(header, rows, target=TARGET, where=f"'{folder}'", task="numbers")


def _rdata() -> Any:
    """The library that reads what R writes."""
    try:
        import rdata  # type: ignore[import-not-found]
    except ImportError as error:
        raise UserError(
            f"'ames' is read by rdata, which cannot be imported: {error}. Bring it: pip install 'rlgen[ames]'."
        ) from error
    return rdata


def _table(rdata: Any, folder: Path) -> tuple[list[str], list[list[str]]]:
    """The header and the rows, as text; what is missing is empty.

    Raises:
        Exception: it is no such folder.
    """
    packed = files.read(folder / INDEX, most_bytes=MOST_BYTES)
    index = _object(rdata, _unpacked(zlib.decompressobj(zlib.MAX_WBITS | 32), packed, MOST_BYTES))
    place, length = (int(number) for number in index["variables"][TABLE])
    if not 0 < length <= MOST_BYTES:
        raise ValueError(f"a block has {length} bytes")
    with files.open_to_read(folder / BLOCKS) as blocks:
        blocks.seek(place)
        block = blocks.read(length)
    size, kind, packed = int.from_bytes(block[:SIZE_BYTES], "big"), block[SIZE_BYTES:][:1], block[SIZE_BYTES + 1 :]
    if len(block) != length or kind != KIND or size > MOST_BYTES:
        raise ValueError(f"the block of {TABLE} does not begin as one does, or ends before")
    content = _unpacked(lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[PACKED]), packed, size)
    if len(content) != size:
        raise ValueError(f"the block of {TABLE} has {len(content):,} bytes, and says {size:,}")
    frame = _object(rdata, content)
    columns = [[_text(value) for value in frame[name].tolist()] for name in frame.columns]
    header = [str(name) for name in frame.columns]
    if TARGET not in header:
        raise ValueError(f"it has no {TARGET}")
    return header, list(map(list, zip(*columns, strict=True)))


def _unpacked(unpacker: Any, packed: bytes, most_bytes: int) -> bytes:
    """What was packed, if it is whole.

    Raises:
        ValueError and the like: it is not, or there is more of it.
    """
    content: bytes = unpacker.decompress(packed, most_bytes + 1)
    if len(content) > most_bytes or not unpacker.eof:
        raise ValueError(f"what is packed in it has no end within {most_bytes:,} bytes")
    return content


def _object(rdata: Any, content: bytes) -> Any:
    """What R wrote."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of classes that it does not know and need not.
        return rdata.conversion.convert(rdata.parser.parse_data(content))


def _text(value: Any) -> str:
    text = str(value)
    return "" if text == "<NA>" else text  # As Pandas writes that a whole number is missing.
