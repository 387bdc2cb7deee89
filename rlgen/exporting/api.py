"""What a program calls to take what was learned out of the house, and to use it there."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlgen import api, paths
from rlgen.config import read
from rlgen.exporting import formats
from rlgen.exporting.export import Written, about, in_place, model_name, place_of, write
from rlgen.exporting.exported import Exported
from rlgen.run import Run, is_run

if TYPE_CHECKING:
    from rlgen.serving.server import Server


def export(
    run: Run | str | Path,
    *,
    out: str | Path,
    format: str = "saved_model",
    quantize: str = "none",
    examples: int = 256,
    name: str | None = None,
    checkpoint: str | int = "best",
    config: Mapping[str, Any] | None = None,
    env: Any = None,
    data: Any = None,
    trust: bool = False,
) -> Written:
    """Write what a run has learned so that it can be used without rlgen, and say how exactly that agrees with the run.

    Args:
        run: a `Run` or its directory.
        out: a new directory; of a SavedModel one that may hold other versions, as TensorFlow Serving wants them.
        format: "saved_model", "tflite", "onnx" or "keras".
        quantize: of TFLite "float16" or "int8": numbers of half or a quarter of the size.
        examples: fresh inputs to compare on, and, for int8, as many others to find the ranges of numbers by.
        name: what a server calls the model; that of the algorithm unless given.
        checkpoint: "best", "last" or a step that is kept, which is the version.
        config: other values of fields by which a result is judged, such as `monte_carlo_passes`.
        env: as in `load`.
        data: as in `load`.
        trust: as in `load`.

    Returns:
        The `path`, what the `bundle` says of itself, its `parity` among it, and the `size` in bytes.

    Raises:
        UserError: as `load`; a format that there is not, that is not installed or that cannot hold this model, or
            something is there already; nothing is written.
        RlgenError: the disk refuses.
    """
    formats.check(format, quantize)
    examples = read("examples", examples, int, {"at_least": 32, "at_most": 100_000})
    run = run if isinstance(run, Run) else Run.open(paths.named(run, what="run"))
    called = model_name(run.config.algorithm if name is None else name)
    algorithm, step, run = api.loaded(run, checkpoint, env, data, trust, judged=config or {}, leaves=True)
    with contextlib.closing(algorithm):
        return write(
            algorithm,
            place_of(out, format, step),
            format=format,
            quantize=quantize,
            name=called,
            version=step,
            about=about(run, checkpoint=str(checkpoint)),
            examples=examples,
        )


def serve(
    served: Run | str | Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8501,
    batch: int = 64,
    wait_seconds: float = 0.0,
    most_bytes: int = 32_000_000,
    checkpoint: str | int = "best",
    trust: bool = False,
) -> Server:
    """A server of what a run has learned, or of an export, in the form of TensorFlow Serving's REST interface.

    Args:
        served: a `Run`, its directory, or the directory of an export.
        host: the address to listen at; whoever reaches it may use it.
        port: 0: one that is free.
        batch: rows that are answered at once, at most.
        wait_seconds: how long the first of them waits for others.
        most_bytes: of a request's body.
        checkpoint: of a run: "best", "last" or a step that is kept.
        trust: as in `load`.

    Returns:
        The server: `serve()` answers until Ctrl-C.

    Raises:
        UserError: as `load` and `load_exported`; an address that cannot be had.
    """
    from rlgen.serving.server import Server

    how: dict[str, Any] = {"host": host, "port": port, "batch": batch, "wait_seconds": wait_seconds}
    if not isinstance(served, Run) and not is_run(place := paths.named(served, what="what is served")):
        return Server(load_exported(place), most_bytes=most_bytes, **how)
    algorithm, step, run = api.loaded(served, checkpoint, None, None, trust, leaves=True)
    name, said = model_name(run.config.algorithm), about(run, checkpoint=str(checkpoint))
    return Server(in_place(algorithm, name=name, version=step, about=said), most_bytes=most_bytes, **how)


def load_exported(place: str | Path) -> Exported:
    """What `export` has written, ready to answer: `exported(observation=...)`, `exported("encode", x=...)`.

    Args:
        place: an export, or a directory with versions of one, of which the newest is taken.

    Raises:
        UserError: there is none, it is damaged, or what its format needs is not installed.
    """
    return Exported.open(place)
