"""From a run to an export: written beside its place, compared with the run, and put there as a whole."""

from __future__ import annotations

import dataclasses
import functools
import re
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rlgen import files, paths
from rlgen.algorithm import Algorithm
from rlgen.errors import RlgenError, UserError
from rlgen.exporting import bundle as bundles
from rlgen.exporting import formats, parity, traced
from rlgen.exporting.bundle import FILE, Bundle
from rlgen.exporting.exported import Exported
from rlgen.run import Run
from rlgen.served import Arrays, Served


class Written(NamedTuple):
    """What was written.

    Attributes:
        path: its directory.
        bundle: what it says of itself.
        size: bytes on disk.
    """

    path: Path
    bundle: Bundle
    size: int


def model_name(name: Any) -> str:
    """What a server is to call a model: a part of an address.

    Raises:
        UserError: it cannot be one.
    """
    plain = str(name).rpartition("/")[2].rpartition(":")[2]
    if plain != name and "/" in plain or not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", plain):
        raise UserError(f"name={name!r} cannot stand in an address: take letters, digits, '_', '-' and '.'.")
    return plain


def about(run: Run, *, checkpoint: str) -> dict[str, Any]:
    """What an export says of the run that it was made of."""
    config = run.config
    row = {key: getattr(config, key) for key in ("algorithm", "problem", "preset", "seed")}
    return {**row, "checkpoint": checkpoint, "versions": config.about.get("versions", {})}


def place_of(out: Any, format: str, version: int) -> Path:
    """The directory to write: `out` itself, or of a SavedModel the version in it, as TensorFlow Serving wants it.

    Raises:
        UserError: something is there already.
    """
    out = paths.named(out, what="--out")
    if format != "saved_model":
        if paths.exists(out):
            raise UserError(f"'{out}' is there already. Choose another --out.")
        paths.check_new(out, what="export", option="--out")
        return out
    place = out / str(version)
    if paths.exists(place):
        raise UserError(f"'{place}' is there already: version {version} has been exported. Choose another --out.")
    if paths.exists(out) and not any(each.name.isdigit() and (each / FILE).is_file() for each in bundles.inside(out)):
        raise UserError(f"'{out}' is there already, and holds no versions of an export. Choose another --out.")
    paths.check_new(place, what="export", option="--out")
    return place


def write(
    algorithm: Algorithm,
    place: Path,
    *,
    format: str,
    quantize: str,
    name: str,
    version: int,
    about: Mapping[str, Any],
    examples: int,
) -> Written:
    """Write what an algorithm has learned, and how exactly it agrees with it.

    Args:
        algorithm: with its weights.
        place: the directory, which is not there yet.
        format: one of `formats.NAMES`.
        quantize: one of `formats.QUANTIZE`.
        name: what a server calls it.
        version: of the model.
        about: the run, for `export.json`.
        examples: inputs to compare on, and as many to calibrate by.

    Raises:
        UserError: the algorithm serves nothing, or nothing that this format can hold; nothing is written.
        RlgenError: the disk refuses.
    """
    served, programs = _asked(algorithm)
    writer = formats.module(format)
    order = formats.Order(
        served=served,
        traced=programs,
        quantize=quantize,
        calibration=functools.partial(_calibration, served, examples),
        name=name,
    )
    bundle = dataclasses.replace(
        _described(served, programs, name=name, version=version, about=about), format=format, quantize=quantize
    )
    home = next(above for above in place.absolute().parents if above.is_dir())
    beside = home / f"{files.WRITING}{uuid.uuid4().hex}"
    try:
        beside.mkdir()
        writer.write(order, beside)
        answering = writer.load(beside, bundle)
        bundle = dataclasses.replace(bundle, parity=parity.report(served, answering, count=examples))
        files.write(beside / FILE, bundle.to_json().encode())
        place.parent.mkdir(parents=True, exist_ok=True)
        beside.rename(place)
    except OSError as error:
        raise RlgenError(f"The export cannot be written to {place}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Written(place, bundle, parity.size_bytes(place))


def in_place(algorithm: Algorithm, *, name: str, version: int, about: Mapping[str, Any]) -> Exported:
    """What an algorithm answers, as an export of it would, and nothing written; arguments are those of `write`."""
    import tensorflow as tf

    served, programs = _asked(algorithm)

    def answer(signature: str, inputs: Arrays) -> dict[str, Any]:
        found = programs[signature](*(tf.constant(inputs[key]) for key in served[signature].inputs))
        return {key: tensor.numpy() for key, tensor in found.items()}

    return Exported(_described(served, programs, name=name, version=version, about=about), answer)


def _asked(algorithm: Algorithm) -> tuple[dict[str, Served], dict[str, Any]]:
    """What it serves, and the programs of that."""
    served = dict(algorithm.served())
    if not served:
        raise UserError(f"{type(algorithm).__name__} says of nothing how to be used elsewhere: give it `served`.")
    return served, traced.all_of(served)


def _described(
    served: Mapping[str, Served], programs: Mapping[str, Any], *, name: str, version: int, about: Mapping[str, Any]
) -> Bundle:
    signatures = {key: traced.signature(each, programs[key]) for key, each in served.items()}
    return Bundle(name=name, format="run", version=version, signatures=signatures, run=about)


def _calibration(served: Mapping[str, Served], count: int, signature: str) -> Any:
    # Other inputs than those it is compared on.
    return served[signature].fresh(count, parity.SEED + 1)
