"""An export in use: what its signatures answer, whatever it was written in."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen.errors import UserError, nearest
from rlgen.exporting import bundle as bundles
from rlgen.exporting import formats
from rlgen.exporting.bundle import Bundle, Signature
from rlgen.exporting.formats import Answering
from rlgen.spec import Spec


class Exported:
    """What was learned, ready to answer: only its format's library is needed, and none of the house's plug-ins.

    Attributes:
        bundle: what it says of itself.
        path: the directory, where it is in one.
    """

    def __init__(self, bundle: Bundle, answering: Answering, *, path: Path | None = None) -> None:
        """For functions that answer; `open` takes them from a directory."""
        self.bundle, self.path, self._answering = bundle, path, answering

    @classmethod
    def open(cls, place: str | Path) -> Exported:
        """Load an export.

        Args:
            place: an export, or a directory with versions of one, of which the newest is taken.

        Raises:
            UserError: there is none, it is damaged, or what its format needs is not installed.
        """
        path = bundles.find(place)
        bundle = bundles.read(path)
        if bundle.format not in formats.NAMES:
            raise UserError(f"{path} is in the format '{bundle.format}', which this version does not know.")
        module = formats.module(bundle.format)
        try:
            answering = module.load(path, bundle)
        except Exception as error:  # Each library raises what it likes at a file that is damaged.
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UserError(f"{path} is damaged: {reason}. Export the run again.") from error
        return cls(bundle, answering, path=path)

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """What it can be asked, by name."""
        return self.bundle.signatures

    def __call__(self, signature: str | None = None, **inputs: npt.ArrayLike) -> dict[str, Any]:
        """Answer a batch.

        Args:
            signature: which function; the first one unless given.
            inputs: by name, [N, *shape] each.

        Returns:
            The outputs by name, [N, ...] each.

        Raises:
            UserError: no such function, or inputs that it does not take.
        """
        name = self.bundle.first if signature is None else signature
        return self._answering(name, checked(self.signatures, name, inputs))


def checked(signatures: Mapping[str, Signature], name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A batch in the types of a signature.

    Raises:
        UserError: no such signature, an input that is missing or not known, or of another shape or kind.
    """
    if name not in signatures:
        raise UserError(f"There is no signature '{name}'.{nearest(name, signatures)} There are: {_listed(signatures)}.")
    specs = signatures[name].inputs
    for key in inputs:
        if key not in specs:
            raise UserError(f"'{name}' takes no '{key}'.{nearest(key, specs)} It takes {_listed(specs)}.")
    if missing := [key for key in specs if key not in inputs]:
        raise UserError(f"'{name}' is not given {' and '.join(missing)}: it takes {_listed(specs)}.")
    arrays = {key: _fitting(key, inputs[key], spec) for key, spec in specs.items()}
    if len(lengths := {len(array) for array in arrays.values()}) > 1:
        raise UserError(
            f"The inputs of '{name}' have {' and '.join(map(str, sorted(lengths)))} rows: give as many of each."
        )
    return arrays


def _fitting(name: str, value: Any, spec: Spec) -> npt.NDArray[Any]:
    array = None
    # Rows of different lengths are no array at all.
    with contextlib.suppress(ValueError, TypeError):
        array = np.asarray(value)
    if array is None or array.shape[1:] != spec.shape or not array.ndim or array.dtype.kind not in "biuf":
        got = "rows that differ in length" if array is None else f"{array.dtype} {list(array.shape)}"
        raise UserError(f"'{name}' is {spec.dtype} {spec.batch}, and not {got}.")
    wanted = np.dtype(spec.dtype)
    if wanted.kind in "iub" and array.size:
        whole = array.astype(np.float64)
        limits = np.iinfo(wanted) if wanted.kind in "iu" else None
        low, high = (0, 1) if limits is None else (limits.min, limits.max)
        if not np.isfinite(whole).all() or (whole != np.rint(whole)).any() or whole.min() < low or whole.max() > high:
            raise UserError(f"'{name}' is {spec.dtype}: whole numbers from {low} to {high}.")
    return array.astype(wanted)


def _listed(named: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} ({each.dtype} {each.batch})" if isinstance(each, Spec) else name for name, each in named.items()
    )
