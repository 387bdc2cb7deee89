"""Presets in files of one's own: a JSON object of fields, as a sweep writes its best one, or a person."""

from __future__ import annotations

import json
from typing import Any

from rlgen import files, paths
from rlgen.config import NOTES
from rlgen.errors import UserError

ENDING = ".json"
# Of which algorithm the fields are; not needed, but then it is checked.
ALGORITHM = "algorithm"


def is_file(preset: str | None) -> bool:
    """Whether a preset is asked for by the name of a file."""
    return preset is not None and preset.endswith(ENDING)


def read(preset: str, *, algorithm: str) -> dict[str, Any]:
    """The fields that a file has, `trainer.*` among them, not checked yet.

    Args:
        preset: name of the file.
        algorithm: for which it is to be used.

    Raises:
        UserError: it is not there, no JSON object, or of another algorithm.
    """
    try:
        fields = json.loads(files.read(paths.named(preset, what="--preset")))
    except OSError as error:
        raise UserError(
            f"The preset {preset} cannot be read: {error.strerror}. A name that ends in {ENDING} is that of a file."
        ) from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f'The preset {preset} is no JSON: {error}. Write {{"learning_rate": 0.001}}.') from error
    if not isinstance(fields, dict):
        raise UserError(f'The preset {preset} is no JSON object of fields. Write {{"learning_rate": 0.001}}.')
    if fields.get(ALGORITHM, algorithm) != algorithm:
        raise UserError(f"The preset {preset} is for '{fields[ALGORITHM]}', not for '{algorithm}'.")
    return {name: value for name, value in fields.items() if name not in (*NOTES, ALGORITHM)}
