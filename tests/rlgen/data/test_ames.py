"""Ames out of R's data base, read by something that stands for rdata, and by it where it is."""

from __future__ import annotations

import gzip
import json
import lzma
import sys
import types
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlgen import data
from rlgen.data import ames
from rlgen.data.ames import Ames
from rlgen.errors import UserError

COUNT, BEFORE = 40, b"another object"
COLUMNS: dict[str, list[Any]] = {
    "Lot_Area": [1000 + i for i in range(COUNT)],
    "Street": ["Pave" if i % 4 else "Grvl" for i in range(COUNT)],
    "Misc_Feature": ["Shed" if i % 2 else "None" for i in range(COUNT)],
    "Garage_Cars": ["<NA>" if i == 0 else 2 for i in range(COUNT)],
    "Sale_Price": [100_000 + i for i in range(COUNT)],
}


class Frame(dict[str, Any]):
    """What of a frame of Pandas is used."""

    columns = property(dict.keys)

    def __getitem__(self, name: str) -> Any:
        return np.array(super().__getitem__(name), object)


@pytest.fixture(autouse=True)
def rdata(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads JSON, as if R had written it."""

    def convert(found: Any) -> Any:
        return found if "variables" in found else Frame(found)

    stand_in: Any = types.ModuleType("rdata")
    stand_in.parser = types.SimpleNamespace(parse_data=json.loads)
    stand_in.conversion = types.SimpleNamespace(convert=convert)
    monkeypatch.setitem(sys.modules, "rdata", stand_in)


def packed(content: bytes) -> bytes:
    return lzma.compress(content, lzma.FORMAT_RAW, filters=[ames.PACKED])


def blocks(columns: Any, kind: bytes = b"Z", more: int = 0) -> bytes:
    """A block as R writes it, after another object."""
    content = json.dumps(columns).encode()
    return BEFORE + (len(content) + more).to_bytes(4, "big") + kind + packed(content)


def write(place: Path, content: bytes, *, name: str = "ames", end: int = 0) -> Path:
    folder = place / ames.FOLDER
    (folder / "data").mkdir(parents=True, exist_ok=True)
    index = {"variables": {name: [len(BEFORE), len(content) - len(BEFORE) + end]}}
    (folder / ames.INDEX).write_bytes(gzip.compress(json.dumps(index).encode()))
    (folder / ames.BLOCKS).write_bytes(content)
    return folder


def test_what_was_written_is_read(data_place: Path) -> None:
    write(data_place, blocks(COLUMNS) + b"and others", end=-10)
    loaded = data.load("ames")
    area, street, feature, cars = loaded.columns
    assert [column.name for column in loaded.columns] == list(COLUMNS)[:-1]
    assert (street.values, feature.values, loaded.target.numbers) == (("Grvl", "Pave"), ("Shed",), True)
    seen = []
    for part, count in zip(data.PARTS, (32, 4, 4), strict=True):
        arrays = data.examples(loaded, part, name="ames")
        assert len(arrays) == count
        for x, y in zip(arrays.x.astype(float), arrays.y, strict=True):
            i = int(y) - 100_000
            expected = [(1000 + i - area.mean) / area.deviation, i % 4 == 0, i % 4 > 0, i % 2]
            np.testing.assert_allclose(x[:4], expected, atol=1e-6)
            assert x[4:].tolist() == ([0, i == 0] if cars.gaps else [0])
            seen.append(i)
    assert sorted(seen) == list(range(COUNT))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (blocks(COLUMNS, kind=b"2"), "ValueError: the block of ames does not begin as one does"),
        (blocks(COLUMNS, more=1), "ValueError: the block of ames has .* bytes, and says"),
        (blocks(COLUMNS, more=-1), "ValueError: what is packed in it has no end within"),
        (blocks(COLUMNS, more=1 << 30), "ValueError: the block of ames does not begin"),
        (blocks(COLUMNS)[:-20], "ValueError: what is packed in it has no end within|LZMAError"),
        (blocks(COLUMNS)[:40] + b"????" + blocks(COLUMNS)[44:], "Error: "),
        (blocks({"Price": [1] * COUNT, "Area": [1] * COUNT}), "ValueError: it has no Sale_Price"),
        (blocks({**COLUMNS, "Street": ["Pave"]}), "ValueError: zip"),
        (blocks([1]), "TypeError|ValueError"),
    ],
)
def test_a_damaged_block_is_named(data_place: Path, content: bytes, said: str) -> None:
    write(data_place, content)
    with pytest.raises(UserError, match=rf"{ames.FOLDER}' is not as 'ames' was published: .*({said})"):
        data.load("ames")


def test_a_damaged_or_missing_index_is_named(data_place: Path) -> None:
    folder = write(data_place, blocks(COLUMNS), name="iowa")
    index = (folder / ames.INDEX).read_bytes()
    for content, said in (
        (index, "KeyError: 'ames'"),
        (index[:-1], "ValueError: what is packed in it has no end"),
        (b"no archive", "error: Error -3"),
        (zlib.compress(b'{"variables": {"ames": [0, 999999999999]}}'), "ValueError: a block has 999999999999 bytes"),
        (zlib.compress(b'{"variables": {"ames": [0, 99999]}}'), "ValueError: the block of ames .* ends before"),
    ):
        (folder / ames.INDEX).write_bytes(content)
        with pytest.raises(UserError, match=rf"{ames.FOLDER}' is not as 'ames' was published: {said}"):
            data.load("ames")
    write(data_place, blocks(COLUMNS))
    (folder / ames.BLOCKS).unlink()
    with pytest.raises(UserError, match=r"is not as 'ames' was published: FileNotFoundError: .*Rdata.rdb"):
        data.load("ames")
    (folder / ames.INDEX).unlink()
    with pytest.raises(UserError, match=r"`rlgen data get ames` brings it \(4.3 MB, MIT \(the package\)\), or put the"):
        data.load("ames")


def test_without_rdata_the_message_says_how_to_bring_it(data_place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(data_place, blocks(COLUMNS))
    monkeypatch.setitem(sys.modules, "rdata", None)
    with pytest.raises(UserError, match=r"read by rdata, which cannot be imported.* pip install 'rlgen\[ames\]'"):
        data.load("ames")


def test_the_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    if Ames.origin.find() is None:
        pytest.skip("Ames is not here: `rlgen data get ames` brings it.")
    monkeypatch.delitem(sys.modules, "rdata")
    pytest.importorskip("rdata", reason="It is read by rdata: pip install 'rlgen[ames]' brings it.")
    loaded = data.load("ames")
    parts = [loaded.split(part) for part in data.PARTS]
    assert [arrays.x.shape for arrays in parts] == [(2_344, 311), (293, 311), (293, 311)]
    price = np.concatenate([arrays.y for arrays in parts]).astype(float)
    assert (price.min(), price.max(), np.median(price)) == (12_789, 755_000, 160_000)
    assert price.mean() == pytest.approx(180_796.06, abs=0.01)
