"""A run on disk: a directory that explains itself.

`config.json`, `train`, `eval` and `test` for TensorBoard, `stats.jsonl` and `evaluations.jsonl` (the same in
JSON lines), `checkpoints/`, `best/`, `media/` and, when it is done, `result.json`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy.typing as npt

from rlgen import checkpoint, files, lock, paths, preset_file, runtime, signature
from rlgen.config import kinds, type_name, types_of
from rlgen.errors import CheckpointDamaged, UserError
from rlgen.lines import read_rows
from rlgen.seal import SealBroken, changes, sealed, unsealed

SCHEMA = 2

CONFIG_FILE, RESULT_FILE = "config.json", "result.json"
STATS_FILE, EVALUATIONS_FILE = "stats.jsonl", "evaluations.jsonl"
# For TensorBoard: what training found, what evaluations found, and what is reported in the end.
SUMMARIES = ("train", "eval", "test")
DIRECTORIES = ("checkpoints", "best", "media", *SUMMARIES)

# What its configuration's row holds beside the configuration.
ROW_ALONE = ("schema", "signature")

# What may lie in a directory that is to become a run: a process that was killed left it there.
BEFORE_A_RUN = (lock.FILE, files.WRITING)


@dataclass(frozen=True)
class RunConfig:
    """All that decides a run: what learns, on what, from which seed, for how long, and how it is trained.

    `facts` are those of the problem (`Algorithm.facts`), `start` says whose weights it begins with: the `run`, the
    `step` of its checkpoint and the `sha256` of that one's arrays. `about` is when, with what and by which command, and
    what was `chosen` on the machine on which the run began (`Algorithm.chosen`).
    """

    algorithm: str
    problem: str
    engine: str
    seed: int
    preset: str
    config: dict[str, Any]
    trainer: dict[str, Any]
    steps: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    start: dict[str, Any] | None = None
    about: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def own(self) -> dict[str, Any]:
        """The algorithm's fields, with what was chosen where they left it to the machine."""
        chosen = self.about.get("chosen")
        return {**self.config, **(chosen if isinstance(chosen, dict) else {})}

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> RunConfig:
        """From what a file holds.

        Raises:
            TypeError: a name that is none of its own, or a value of another type.
        """
        hints = types_of(cls)
        if unknown := sorted(set(row) - set(hints)):
            raise TypeError(f"it has {', '.join(map(repr, unknown))}, which no run has")
        for name, hint in hints.items():
            if name in row and type(row[name]) not in kinds(hint):
                raise TypeError(f"{name}={row[name]!r} is no {type_name(hint)}")
        missing = [part.name for part in dataclasses.fields(cls) if part.name not in row]
        if missing:
            raise TypeError(f"it lacks {', '.join(missing)}")
        return cls(**row)


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
            UserError: something is there already, somebody else is making it, or it cannot be written.
        """
        check_free(path)
        try:
            files.make_directory(path)
            with lock.locked(path):
                check_free(path)  # Now that nobody else can write.
                config = dataclasses.replace(config, about={**provenance(), **config.about})
                files.write(path / CONFIG_FILE, sealed(_row(config)))
                checkpoint.sweep(path)
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
        if not is_run(path):
            what = "is not a run: it has no config.json" if path.exists() else "does not exist"
            raise UserError(f"{path} {what}. `rlgen train` prints the directory of the run it makes.")
        return cls(path)

    @property
    def config(self) -> RunConfig:
        """What decided it.

        Raises:
            UserError: as `row`; or a value is not of its type.
        """
        try:
            return RunConfig.of_row({key: value for key, value in self.row.items() if key not in ROW_ALONE})
        except TypeError as error:
            raise UserError(f"{self.path / CONFIG_FILE} cannot be used as a run's configuration: {error}.") from error

    @cached_property
    def row(self) -> dict[str, Any]:
        """What `config.json` holds, which every checkpoint has a copy of; where the file is damaged, the newest copy.

        Raises:
            UserError: it is damaged and there is no copy, it was changed, or this rlgen does not read its schema.
        """
        file = self.path / CONFIG_FILE
        try:
            row, fault = unsealed(files.read(file)), ""
        except SealBroken as error:
            row, fault = error.row or {}, str(error)
        except FileNotFoundError:
            row, fault = {}, "it is missing"
        except (OSError, UserError) as error:
            row, fault = {}, str(error)
        if isinstance(row.get("schema"), int) and row["schema"] != SCHEMA:
            raise UserError(
                f"{self.path} has schema {row['schema']}; this rlgen reads {SCHEMA}. Use the rlgen that wrote it."
            )
        return self._copied(row, f"{file} cannot be used as a run's configuration: {fault}") if fault else row

    @property
    def made_here(self) -> bool:
        """Whether this user made the run, whose configuration nobody has changed since."""
        row = dict(self.row)
        return signature.made_here(row, row.pop("signature", None))

    def write_config(self, config: RunConfig) -> None:
        """Put `config` in the place of what decided it, unless it says the same and is whole.

        Raises:
            OSError: it cannot be written.
        """
        row = dict(self.row)
        if config != self.config:
            # To go on with somebody else's run makes it no run of this user's.
            row = {**_row(config), **({} if self.made_here else {"signature": None})}
        data = sealed(row)
        file = self.path / CONFIG_FILE
        if not file.is_file() or files.read(file) != data:
            files.write(file, data)
            self.__dict__["row"] = row

    @property
    def result(self) -> dict[str, Any]:
        """What `rlgen train --json` printed when the run was last completed; empty before.

        Raises:
            UserError: the file is damaged.
        """
        file = self.path / RESULT_FILE
        if not os.path.lexists(file):
            return {}
        try:
            row = unsealed(files.read(file))
            _require_result(row)
            return row
        except (OSError, SealBroken, TypeError, UserError) as error:
            raise UserError(f"{file} cannot be used: {error}. `{self.way_on}` makes it again.") from error

    def write_result(self, result: Mapping[str, Any]) -> None:
        """The run is completed.

        Raises:
            OSError: it cannot be written.
        """
        files.write(self.path / RESULT_FILE, sealed(result))

    def forget_result(self) -> None:
        """The run goes on, so it is not completed any more.

        Raises:
            OSError: the file cannot be deleted.
        """
        if os.path.lexists(self.path / RESULT_FILE):
            files.delete(self.path / RESULT_FILE)

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
        return read_rows(self.path / STATS_FILE)

    def evaluations(self) -> list[dict[str, Any]]:
        """Every evaluation made while training, a row each, with its `step`."""
        return read_rows(self.path / EVALUATIONS_FILE)

    def weights(self, which: str) -> tuple[int, Mapping[str, npt.NDArray[Any]]]:
        """The step of the checkpoint `best`, `last`, or of a step; and its arrays, each read when it is asked for.

        Raises:
            UserError: there is no such checkpoint.
            CheckpointDamaged: it is damaged.
        """
        if which == "best" and not checkpoint.listed(self.best):
            lost = bool(self.evaluations())
            what = "has lost its best checkpoint" if lost else "was stopped before its first evaluation"
            raise UserError(f"{self.path} {what}: use --checkpoint last.")
        if which in ("best", "last"):
            good, arrays, faults = checkpoint.newest_good(self.best if which == "best" else self.checkpoints)
            for fault in faults:
                runtime.tell(f"{fault} Using step {good.step:,} instead.")
            return good.step, arrays
        kept = {str(c.step): c for where in (self.best, self.checkpoints) for c in checkpoint.listed(where)}
        if which not in kept:
            steps = sorted(kept, key=int)
            raise UserError(
                f"There is no checkpoint '{which}' in {self.path}. Say best, last or one of {', '.join(steps)}."
            )
        return int(which), kept[which].load()

    @property
    def way_on(self) -> str:
        """The command that goes on with it."""
        return f"rlgen train {shlex.quote(self.config.algorithm)} --run {shlex.quote(str(self.path))} --resume"

    def begun(self) -> bool:
        """Whether there is a checkpoint to go on from; none is only right before the first one.

        Raises:
            UserError: there was one, to judge by what else is there.
        """
        if checkpoint.listed(self.checkpoints):
            return True
        steps = [row["step"] for row in (*self.stats(), *self.evaluations())]
        kept = [each.step for each in checkpoint.listed(self.best)]
        if not steps and not kept:
            return False
        use = f" `rlgen evaluate {self.path}` still shows what it could do at step {max(kept):,}." if kept else ""
        raise UserError(
            f"{self.path} has lost its checkpoints: it was at step {max([*steps, *kept]):,}, and there is none in "
            f"{self.checkpoints} to go on from. Nothing was changed.{use} To train anew, choose another --run."
        )

    def make_ready(self) -> None:
        """Make the directories of a run and delete what an interrupted write left in them.

        Each is a real one: nothing is written or deleted through a link.

        Raises:
            UserError: there is a link, or something else.
            OSError: one cannot be made.
        """
        for part in DIRECTORIES:
            files.make_directory(self.path / part)
        for part in ("", *DIRECTORIES):
            checkpoint.sweep(self.path / part)

    def copy_in_checkpoint(self) -> tuple[int, dict[str, Any]] | None:
        """The step of the newest checkpoint that keeps a copy of `config.json`, and the copy."""
        for kept in reversed(checkpoint.listed(self.checkpoints)):
            with contextlib.suppress(CheckpointDamaged):
                row = kept.manifest().get("run")
                if isinstance(row, dict):
                    return kept.step, row
        return None

    def _copied(self, row: Mapping[str, Any], broken: str) -> dict[str, Any]:
        """The copy that stands for a damaged configuration, which is said; `row` is what can be read of that."""
        kept = self.copy_in_checkpoint()
        if kept is None:
            raise UserError(f"{broken}. No checkpoint has a copy of it, so the run cannot go on.")
        step, copy = kept
        if row and (changed := changes(copy, row)):
            raise UserError(
                f"{self.path / CONFIG_FILE} was changed since rlgen wrote it:\n  "
                + "\n  ".join(changed)
                + f"\nDelete it to go on with what it was, which the checkpoint of step {step:,} holds too, or start "
                "another run."
            )
        runtime.tell(f"{broken}. Its copy in the checkpoint of step {step:,} is used instead.")
        return copy


def _row(config: RunConfig) -> dict[str, Any]:
    """A configuration as `config.json` keeps it."""
    row = {"schema": SCHEMA, **asdict(config)}
    return {**row, "signature": signature.sign(row)}


def _require_result(row: Mapping[str, Any]) -> None:
    """Raise `TypeError` where a row is no result: somebody else may have written it."""
    figures = row.get("evaluation")
    if type(row.get("steps")) is not int or not isinstance(row.get("score"), str) or not isinstance(figures, dict):
        raise TypeError("it lacks the steps, the score or the evaluation of a result, or has them of other types")
    if not all(isinstance(value, (int, float)) for value in figures.values()):
        raise TypeError(f"its evaluation {figures!r} has something else than numbers")


def is_run(path: Path) -> bool:
    """Whether a run is at `path`: its configuration, or a copy of it in a checkpoint."""
    return (path / CONFIG_FILE).is_file() or Run(path).copy_in_checkpoint() is not None


def check_free(path: Path) -> None:
    """Check that a new run may be written at `path`.

    Raises:
        UserError: there is a run or something else, or a file stands in the way.
    """
    paths.check_new(paths.named(path, what="--run"), what="run directory", option="--run")
    if path.is_dir() and any(not inside.name.startswith(BEFORE_A_RUN) for inside in path.iterdir()):
        if is_run(path):
            raise UserError(f"{path} is a run already. Go on with it by --resume, or choose another --run.")
        raise UserError(f"{path} is not empty and not a run. Choose another --run.")


def default_path(config: RunConfig) -> Path:
    """`runs/<algorithm>-<problem>-<preset>-s<seed>-<time>`, the longest of them cut to what a name has room for."""
    now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")[:-3]
    algorithm, problem = (re.sub(r"[^\w.-]+", "_", name) for name in (config.algorithm, config.problem))
    preset = Path(config.preset).stem if preset_file.is_file(config.preset) else config.preset
    return Path("runs") / paths.fitting(algorithm, problem, preset, f"s{config.seed}", now)


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
