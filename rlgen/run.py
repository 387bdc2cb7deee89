"""A run on disk: a directory that explains itself.

`config.json`, `summaries/{train,eval}` for TensorBoard, `stats.jsonl` and `evaluations.jsonl` (the same in
JSON lines), `checkpoints/`, `best/`, `media/` and, when it is done, `result.json`.
"""

from __future__ import annotations

import datetime
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

from rlgen import checkpoint, paths, runtime
from rlgen.errors import UserError
from rlgen.summary import read_lines

SCHEMA = 1


@dataclass(frozen=True)
class RunConfig:
    """All that decides a run: what learns, on what, from which seed, and how it is trained.

    `facts` are those of the problem (`Algorithm.facts`), `about` is when, with what and by which command.
    """

    algorithm: str
    problem: str
    engine: str
    seed: int
    preset: str
    config: dict[str, Any]
    trainer: dict[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Run:
    """A run's directory.

    Attributes:
        path: where it lies.
    """

    path: Path

    @classmethod
    def create(cls, path: Path, config: RunConfig) -> Run:
        """Make the directory and write its configuration.

        Raises:
            UserError: something is there already, or it cannot be written.
        """
        check_free(path)
        try:
            for part in ("checkpoints", "media", "summaries/train", "summaries/eval"):
                (path / part).mkdir(parents=True, exist_ok=True)
            row = {"schema": SCHEMA, **asdict(config), "about": provenance()}
            (path / "config.json").write_text(json.dumps(row, indent=2) + "\n")
        except OSError as error:
            raise UserError(
                f"The run directory {path} cannot be written: {error.strerror}. Choose another --run."
            ) from error
        return cls(path)

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """A run that is there.

        Raises:
            UserError: it is not a run.
        """
        path = Path(path)
        if not (path / "config.json").is_file():
            what = "is not a run: it has no config.json" if path.exists() else "does not exist"
            raise UserError(f"{path} {what}. `rlgen train` prints the directory of the run it makes.")
        return cls(path)

    @property
    def config(self) -> RunConfig:
        """What decided it.

        Raises:
            UserError: the file is damaged, or of a version this rlgen does not read.
        """
        try:
            row = json.loads((self.path / "config.json").read_text())
            schema = row.pop("schema")
            if schema == SCHEMA:
                return RunConfig(**row)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(f"{self.path / 'config.json'} cannot be read as a run's configuration: {error}") from error
        raise UserError(f"{self.path} has schema {schema}; this rlgen reads {SCHEMA}. Use the rlgen that wrote it.")

    @property
    def result(self) -> dict[str, Any]:
        """What `rlgen train --json` printed when the run was last completed; empty before."""
        file = self.path / "result.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def write_result(self, result: Mapping[str, Any]) -> None:
        """The run is completed.

        Raises:
            OSError: it cannot be written.
        """
        (self.path / "result.json").write_text(json.dumps(result, indent=2) + "\n")

    @property
    def evaluation(self) -> dict[str, float]:
        """The scalars of the final evaluation of the best checkpoint."""
        return dict(self.result.get("evaluation", {}))

    @property
    def steps(self) -> int:
        """The step of the newest checkpoint."""
        checkpoints = checkpoint.listed(self.checkpoints)
        return checkpoints[-1].step if checkpoints else 0

    @property
    def checkpoints(self) -> Path:
        """Where the last checkpoints lie."""
        return self.path / "checkpoints"

    @property
    def best(self) -> Path:
        """Where the best checkpoint lies, what using it needs alone."""
        return self.path / "best"

    def stats(self) -> list[dict[str, Any]]:
        """Every chunk's scalars, a row each, with its `step`."""
        return read_lines(self.path / "stats.jsonl")

    def evaluations(self) -> list[dict[str, Any]]:
        """Every evaluation made while training, a row each, with its `step`."""
        return read_lines(self.path / "evaluations.jsonl")

    def weights(self, which: str) -> tuple[int, dict[str, npt.NDArray[Any]]]:
        """The arrays of the checkpoint `best`, `last`, or of a step; and its step.

        Raises:
            UserError: there is no such checkpoint.
            CheckpointDamaged: it is damaged.
        """
        if which == "best" and not checkpoint.listed(self.best):
            raise UserError(f"{self.path} was stopped before its first evaluation: use --checkpoint last.")
        if which in ("best", "last"):
            good, arrays, faults = checkpoint.newest_good(self.best if which == "best" else self.checkpoints)
            for fault in faults:
                print(f"rlgen: {fault} Using step {good.step:,} instead.", file=sys.stderr)
            return good.step, arrays
        kept = {str(c.step): c for where in (self.best, self.checkpoints) for c in checkpoint.listed(where)}
        if which not in kept:
            steps = sorted(kept, key=int)
            raise UserError(
                f"There is no checkpoint '{which}' in {self.path}. Say best, last or one of {', '.join(steps)}."
            )
        return int(which), kept[which].load()


def check_free(path: Path) -> None:
    """Check that a new run may be written at `path`.

    Raises:
        UserError: there is a run or something else, or a file stands in the way.
    """
    paths.check_new(paths.named(path, what="--run"), what="run directory", option="--run")
    if path.is_dir() and any(path.iterdir()):
        if (path / "config.json").is_file():
            raise UserError(f"{path} is a run already. Go on with it by --resume, or choose another --run.")
        raise UserError(f"{path} is not empty and not a run. Choose another --run.")


def default_path(config: RunConfig) -> Path:
    """`runs/<algorithm>-<problem>-<preset>-s<seed>-<time>`, the longest of them cut to what a name has room for."""
    now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")[:-3]
    problem = re.sub(r"[^\w.-]+", "_", config.problem)
    return Path("runs") / paths.fitting(config.algorithm, problem, config.preset, f"s{config.seed}", now)


def provenance() -> Mapping[str, Any]:
    """When, with what and by which command a run was made."""
    try:
        git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        git = ""
    return {
        "created": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(sys.argv),
        "git_revision": git or None,
        "versions": runtime.versions(),
    }
