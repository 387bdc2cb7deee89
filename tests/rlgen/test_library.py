"""What `rlgen data` says, and that `rlgen data get` brings what it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlgen import data, library, registry
from rlgen.data import Arrays, Dataset
from rlgen.errors import UserError
from rlgen.fetching import Package
from rlgen.library import Origin
from rlgen.spec import Spec

CONTENT = b"what is in the package"
PACKAGE = Package(
    client="npm", name="some", version="1.0", file="some-1.0.tgz", sha256=hashlib.sha256(CONTENT).hexdigest()
)


@pytest.fixture
def some(data_place: Path, clean_registry: None) -> type[Dataset]:
    """A data set that a package brings, under the name `some`."""

    @registry.register("dataset", "some")
    class Some(Dataset):
        """Something that is brought."""

        spec = Spec((1,))
        origin = Origin(
            licence="MIT",
            size=2_000_000,
            needs=(("some.full", PACKAGE.file),),
            packages=(PACKAGE,),
            by_hand="some.full",
        )

        def __init__(self) -> None:
            self.files = self.origin.require("some")

        def split(self, part: data.Part) -> Arrays:
            raise NotImplementedError

    return Some


def row(command: Callable[..., Any], name: str) -> dict[str, Any]:
    rows = {row["name"]: row for row in json.loads(command("data", "--json").out)}
    return rows[name]


def test_the_list_says_licence_size_and_whether_it_is_here(
    rlgen_command: Callable[..., Any], some: type[Dataset], data_place: Path
) -> None:
    assert row(rlgen_command, "some") == {
        "name": "some",
        "kind": "dataset",
        "summary": "Something that is brought.",
        "licence": "MIT",
        "download_bytes": 2_000_000,
        "here": False,
        "files": [],
        "get": "rlgen data get some",
    }
    (data_place / "some.full").touch()
    assert row(rlgen_command, "some")["files"] == [str(data_place / "some.full")]
    assert row(rlgen_command, "digits")["here"] is True and row(rlgen_command, "ring")["here"] is None


def test_the_list_for_people(rlgen_command: Callable[..., Any], some: type[Dataset], data_place: Path) -> None:
    for arguments in (["data"], ["data", "list"]):
        done = rlgen_command(*arguments)
        assert (done.code, done.err) == (0, "")
        (line,) = [line for line in done.out.splitlines() if line.startswith("some ")]
        assert line.split(maxsplit=5) == ["some", "no", "2.0", "MB", "MIT", "Something that is brought."]
        assert "rlgen data get " in done.out


def test_every_set_that_ships_can_be_listed_and_says_how_to_get_it(data_place: Path) -> None:
    rows = library.rows()
    assert {row["name"] for row in rows} >= {"fashion_mnist", "mnist", "cifar10", "grid", "digits"}
    for row in rows:
        if row["here"] is False:
            origin = registry.load(row["name"]).origin
            with pytest.raises(UserError, match=f"'{row['name']}' is not here"):
                data.load(row["name"]) if row["kind"] == "dataset" else origin.require(row["name"])
            assert origin.by_hand and origin.licence and origin.size
            assert not origin.packages or len(origin.packages) == len(origin.needs)


def test_somebody_elses_broken_set_spoils_no_list(
    rlgen_command: Callable[..., Any], add_package: Callable[..., Path], data_place: Path
) -> None:
    add_package("broken", {"dataset.broken": "broken:Set"}, "raise RuntimeError('out of coffee')")
    assert row(rlgen_command, "broken")["here"] is None


def test_places_in_their_order(
    some: type[Dataset], data_place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable, name in (("KERAS_HOME", "keras"), ("XDG_CACHE_HOME", "cache")):
        monkeypatch.setenv(variable, str(tmp_path / name))
    places = [data_place, tmp_path / "keras" / "datasets", tmp_path / "cache" / "rlgen" / "data"]
    for place in reversed(places):
        place.mkdir(parents=True, exist_ok=True)
        (place / "some.full").touch()
        assert some.origin.find() == [place / "some.full"]
    assert library.home() == data_place
    monkeypatch.delenv(library.VARIABLE)
    assert some.origin.find() == [places[1] / "some.full"] and library.home() == places[2]


def test_the_message_where_it_is_missing(some: type[Dataset], data_place: Path) -> None:
    said = (
        rf"The data set 'some' is not here: `rlgen data get some` brings it \(2.0 MB, MIT\), or put some.full into "
        rf"{data_place}, or into another directory and say RLGEN_DATA=DIRECTORY. Looked in {data_place}, "
    )
    with pytest.raises(UserError, match=said):
        data.load("some")


def test_get(
    rlgen_command: Callable[..., Any], some: type[Dataset], data_place: Path, client: Callable[..., None]
) -> None:
    client("npm", f"print('a bar'); open('{PACKAGE.file}', 'wb').write({CONTENT!r})")
    done = rlgen_command("data", "get", "some")
    assert (done.code, done.out) == (0, f"{data_place / PACKAGE.file}\n") and "a bar" in done.err
    assert (data_place / PACKAGE.file).read_bytes() == CONTENT
    client("npm", "raise SystemExit(5)")
    assert json.loads(rlgen_command("data", "get", "some", "--json").out) == [str(data_place / PACKAGE.file)]
    (data_place / PACKAGE.file).write_bytes(b"something else")
    done = rlgen_command("data", "get", "some")
    assert done.code == 1 and "its SHA-256 is" in done.err and "Delete it" in done.err


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("ring", 2, "'ring' needs nothing brought"),
        ("som", 2, "Did you mean 'some'"),
        ("cifar10", 2, "'cifar10' is not here: put cifar-10-binary.tar.gz"),
        ("some", 2, "npm would bring it and cannot be found here. Install it, or put some.full into"),
    ],
)
def test_what_cannot_be_brought(
    rlgen_command: Callable[..., Any],
    some: type[Dataset],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    code: int,
    said: str,
) -> None:
    monkeypatch.setenv("PATH", "")
    done = rlgen_command("data", "get", name)
    assert (done.code, done.out) == (code, "") and said in done.err


def test_a_place_that_cannot_be_written(
    rlgen_command: Callable[..., Any], some: type[Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(library.VARIABLE, str(tmp_path / "file" / "below"))
    done = rlgen_command("data", "get", "some")
    assert done.code == 2 and "is a file" in done.err and "RLGEN_DATA=DIRECTORY" in done.err
