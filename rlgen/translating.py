"""Files of pictures into files of what a model makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from rlgen import files, paths, pictures, runtime
from rlgen.errors import RlgenError, UserError
from rlgen.spec import Spec
from rlgen.summary import png_bytes

AT_ONCE = 64
NAMED = 5


@runtime_checkable
class Translator(Protocol):
    """What a model has that makes pictures out of pictures.

    Attributes:
        inputs: the pictures it takes.
        made: what becomes of them.
        picture_endings: of the files that `read` knows.
        translates_by_chance: whether another seed gives another picture.
    """

    inputs: Spec
    picture_endings: tuple[str, ...]

    @property
    def made(self) -> Spec:
        """What becomes of a picture."""

    @property
    def translates_by_chance(self) -> bool:
        """Whether another seed gives another picture."""

    def read(self, source: Any, *, name: str = "", background: str = "white") -> npt.NDArray[np.uint8]:
        """A picture brought to the size that it takes, [H, W, C]; raises `UserError` where it is none."""

    def translate(self, x: npt.NDArray[Any], *, seed: int = 0) -> npt.NDArray[np.float32]:
        """[N, H, W, C] to [N, H, W, C'] in [0, 1]."""

    def inputs_to_show(self, count: int) -> npt.NDArray[np.uint8]:
        """Some pictures that it could be given."""


def translator(algorithm: Any) -> Translator:
    """The algorithm, where it makes pictures out of pictures.

    Raises:
        UserError: it does not.
    """
    if not isinstance(algorithm, Translator):
        raise UserError(
            f"{type(algorithm).__name__} makes no pictures out of pictures. Take the run of a model that learned pairs "
            "of them, as those on `outlines` or `pairs:FOLDER` did."
        )
    return algorithm


def check(inputs: Sequence[Any], out: Any) -> tuple[list[Path], Path]:
    """What is given and where it goes to, as paths; nothing is read or written yet.

    Raises:
        UserError: nothing is given, something is not there, or nothing can be written there.
    """
    given = [paths.named(each, what="INPUT") for each in inputs]
    if not given:
        raise UserError("Say which pictures to translate: files, or folders of them.")
    if missing := [path for path in given if not paths.exists(path)]:
        raise UserError(f"There is no {_some(missing)} to translate.")
    out = paths.named(out, what="--out")
    paths.check_new(out, what="directory", option="--out")
    return given, out


def translate_files(
    model: Translator, inputs: Sequence[Any], out: Any, *, seed: int, background: str, overwrite: bool
) -> list[Path]:
    """Write what becomes of each picture as PNG under its own name; everything is read before anything is written.

    Args:
        model: that translates.
        inputs: files, or folders whose pictures are meant.
        out: the directory to write into; it is made where it is not there.
        seed: of models that draw.
        background: what transparent pixels are laid on.
        overwrite: whether files may be replaced.

    Raises:
        UserError: a file that is no picture, two of one name, or one that is there already; nothing is written.
        RlgenError: the disk refuses.
    """
    given, out = check(inputs, out)
    sources = _files(given, model.picture_endings)
    targets = _targets(sources, out, overwrite=overwrite)
    runtime.require_memory({"pictures": len(sources) * model.inputs.size}, advice="Give fewer at a time")
    x = np.stack([model.read(path, background=background) for path in sources])
    try:
        files.make_directory(out.resolve())
        for i in range(0, len(x), AT_ONCE):
            made = pictures.to_uint8(model.translate(x[i : i + AT_ONCE], seed=runtime.derive_seed(seed, i)))
            for path, picture in zip(targets[i : i + AT_ONCE], made, strict=True):
                files.write(path, png_bytes(picture))
    except OSError as error:
        raise RlgenError(f"Pictures cannot be written into {out}: {error.strerror}.") from error
    return targets


def _files(given: Sequence[Path], endings: Sequence[str]) -> list[Path]:
    """The files themselves, and in the place of a folder those in it that end as pictures do."""
    found: list[Path] = []
    for path in given:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(each for each in path.iterdir() if each.suffix.lower() in endings and each.is_file())
        if not inside:
            raise UserError(f"There is no picture in '{path}': they end in {', '.join(endings)}.")
        found += inside
    return list(dict.fromkeys(found))


def _targets(sources: Sequence[Path], out: Path, *, overwrite: bool) -> list[Path]:
    """Where each goes."""
    found: dict[Path, Path] = {}
    for source in sources:
        target = out / f"{source.stem}.png"
        if target in found:
            raise UserError(f"'{found[target]}' and '{source}' would both become {target}: translate one elsewhere.")
        found[target] = source
    given = {source.resolve() for source in sources}
    if own := [target for target in found if target.resolve() in given]:
        raise UserError(f"{_some(own)} would be replaced by its own translation. Choose another --out.")
    if blocked := [target for target in found if target.is_dir()]:
        raise UserError(f"{_some(blocked)} is a directory. Choose another --out.")
    if not overwrite and (there := [target for target in found if paths.exists(target)]):
        raise UserError(f"{_some(there)} is there already. Choose another --out, or say --overwrite.")
    return list(found)


def _some(those: Sequence[Path]) -> str:
    more = f" and {len(those) - NAMED} more" if len(those) > NAMED else ""
    return ", ".join(f"'{path}'" for path in those[:NAMED]) + more
