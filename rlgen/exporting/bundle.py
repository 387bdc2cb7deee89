"""An export on disk: a directory with what a format writes, and `export.json`, which says what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rlgen import files, paths
from rlgen.errors import UserError
from rlgen.served import Served
from rlgen.spec import Spec

FILE = "export.json"
SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What one function of an export takes and gives.

    Attributes:
        about: what it answers.
        inputs: by name, each without the axis of the batch.
        outputs: likewise.
        labels: names of the classes that an output counts, by its name.
    """

    about: str
    inputs: Mapping[str, Spec]
    outputs: Mapping[str, Spec]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, served: Served, outputs: Mapping[str, Spec]) -> Signature:
        """Of a function, and of what it was seen to give."""
        return cls(about=served.about, inputs=served.inputs, outputs=outputs, labels=served.labels)


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What `export.json` says.

    Attributes:
        name: what a server calls it.
        format: that it is in.
        version: the step of the run's checkpoint; a server's version of the model.
        signatures: its functions by name.
        run: what it was made of: algorithm, problem, score and the versions of the packages.
        parity: how exactly it agrees with the run, by signature; see `rlgen.exporting.parity`.
        quantize: "none", "float16" or "int8".
    """

    name: str
    format: str
    version: int
    signatures: Mapping[str, Signature]
    run: Mapping[str, Any]
    parity: Mapping[str, Any] = field(default_factory=dict)
    quantize: str = "none"

    @property
    def first(self) -> str:
        """The function that is meant where nobody says which."""
        return next(iter(self.signatures))

    def to_json(self) -> str:
        """As the file has it."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=2) + "\n"


def find(place: Any) -> Path:
    """The directory of an export: `place` itself, or the newest version in it.

    Raises:
        UserError: there is none.
    """
    place = paths.named(place, what="export")
    if (place / FILE).is_file():
        return place
    versions = [each for each in inside(place) if each.name.isdigit() and (each / FILE).is_file()]
    if not versions:
        raise UserError(
            f"'{place}' is no export: there is no {FILE} in it. `rlgen export RUN --out DIR` makes one of a run."
        )
    return max(versions, key=lambda each: int(each.name))


def read(place: Path) -> Bundle:
    """What the export in a directory says of itself.

    Raises:
        UserError: the file cannot be read, or is of another schema.
    """
    try:
        row = json.loads(files.read(place / FILE))
        if row.pop("schema") != SCHEMA:
            raise ValueError("another schema")
        row["signatures"] = {name: _signature(each) for name, each in row["signatures"].items()}
        bundle = Bundle(**row)
        if not bundle.signatures:
            raise ValueError("no signature")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{place / FILE} does not say what this export is ({error}). Export the run again: `rlgen export RUN --out "
            "DIR`."
        ) from error
    return bundle


def inside(place: Path) -> list[Path]:
    """What is in a directory; nothing where it is none."""
    try:
        return list(place.iterdir())
    except OSError:
        return []


def _signature(row: Mapping[str, Any]) -> Signature:
    inputs, outputs = ({name: Spec.of_row(spec) for name, spec in row[key].items()} for key in ("inputs", "outputs"))
    labels = {name: tuple(map(str, names)) for name, names in row["labels"].items()}
    return Signature(about=str(row["about"]), inputs=inputs, outputs=outputs, labels=labels)
