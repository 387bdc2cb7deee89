"""TensorFlow Serving's REST form of a request and its answer, `rows` or `columns`, from JSON and to JSON.

Source: https://www.tensorflow.org/tfx/serving/api_rest, "Predict API".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from rlgen.errors import UserError, nearest
from rlgen.exporting.bundle import Signature
from rlgen.exporting.exported import checked
from rlgen.values import shown

KEYS = ("signature_name", "instances", "inputs")
# What a client says of the first signature, as TensorFlow Serving's clients do.
DEFAULT = "serving_default"


class Request(NamedTuple):
    """What is asked.

    Attributes:
        signature: of the model.
        inputs: arrays [N, *shape] by name.
        by_rows: whether instances were given, one after another; the answer comes likewise.
    """

    signature: str
    inputs: dict[str, Any]
    by_rows: bool


def read(body: bytes, signatures: Mapping[str, Signature]) -> Request:
    """A request, checked.

    Raises:
        UserError: it is no JSON, has not the form, or not what the signature takes.
    """
    try:
        row = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UserError(f"The body is no JSON: {error}.") from None
    if not isinstance(row, dict):
        raise UserError('The body is no object: send {"instances": [...]} or {"inputs": {...}}.')
    for key in row:
        if key not in KEYS:
            raise UserError(f"'{key}' is not part of a request.{nearest(key, KEYS)} Parts: {', '.join(KEYS)}.")
    if ("instances" in row) == ("inputs" in row):
        raise UserError('Send either "instances", a list, or "inputs", by name, and not both.')
    name = row.get("signature_name", DEFAULT)
    if not isinstance(name, str):
        raise UserError(f"signature_name={shown(name)} is no text.")
    name = next(iter(signatures)) if name in ("", DEFAULT) and name not in signatures else name
    by_rows = "instances" in row
    if name not in signatures:
        checked(signatures, name, {})
    names = list(signatures[name].inputs)
    given = _columns(row["instances"], names) if by_rows else _named(row["inputs"], names)
    inputs = checked(signatures, name, given)
    if not len(next(iter(inputs.values()))):
        raise UserError("There is nothing to answer: no row was sent.")
    return Request(name, inputs, by_rows)


def answer(found: Mapping[str, Any], *, by_rows: bool) -> bytes:
    """The answer, as JSON: a value where there is one output, an object of them where there are several."""
    columns = {name: np.asarray(array).tolist() for name, array in sorted(found.items())}
    if not by_rows:
        return _json({"outputs": columns if len(columns) > 1 else next(iter(columns.values()))})
    if len(columns) == 1:
        return _json({"predictions": next(iter(columns.values()))})
    rows = zip(*columns.values(), strict=True)
    return _json({"predictions": [dict(zip(columns, row, strict=True)) for row in rows]})


def fault(sentence: str) -> bytes:
    """A sentence, as TensorFlow Serving's clients look for it."""
    return _json({"error": sentence})


def _columns(instances: Any, names: list[str]) -> dict[str, Any]:
    """By name what every instance has of it."""
    if not isinstance(instances, list):
        raise UserError(f'"instances" is a list, and not {shown(instances)}.')
    if not instances:
        raise UserError("There is nothing to answer: no row was sent.")
    if not all(isinstance(each, dict) for each in instances):
        return {names[0]: instances}
    keys = {key: None for each in instances for key in each}
    for i, each in enumerate(instances):
        if missing := [key for key in keys if key not in each]:
            raise UserError(f"instances[{i}] has no {' and no '.join(missing)}, and others have.")
    return {key: [each[key] for each in instances] for key in keys}


def _named(inputs: Any, names: list[str]) -> dict[str, Any]:
    return inputs if isinstance(inputs, dict) else {names[0]: inputs}


def _json(row: Any) -> bytes:
    return json.dumps(row).encode()
