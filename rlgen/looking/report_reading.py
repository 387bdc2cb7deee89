"""What a report reads of a run, whatever state that is in."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from rlgen import checkpoint, registry, runtime
from rlgen.errors import UserError
from rlgen.looking.reading import Columns, columns
from rlgen.run import Run, RunConfig


@dataclasses.dataclass(frozen=True)
class Known:
    """A run as it was read, and its algorithm as far as that is installed."""

    run: Run
    config: RunConfig
    result: dict[str, Any]
    kind: str
    cls: Any
    stats: Columns
    evaluations: Columns
    notes: tuple[str, ...]

    @property
    def score(self) -> str:
        """What it is judged by; empty if nobody knows."""
        return str(self.result.get("score") or getattr(self.cls, "score", ""))

    @property
    def unit(self) -> str:
        """What a step is."""
        return str(self.result.get("step_unit") or getattr(self.cls, "step_unit", "steps"))

    @property
    def step(self) -> int:
        """The last one that there is anything of."""
        ends = [int(steps[-1]) for steps, _ in (*self.stats.values(), *self.evaluations.values())]
        return max([self.run.steps, *ends])

    @property
    def best_step(self) -> int | None:
        """Of the best checkpoint."""
        kept = [each.step for each in checkpoint.listed(self.run.best)]
        found = self.result.get("best_step", max(kept, default=None))
        return found if type(found) is int else None


def read(path: Path) -> Known:
    """A run as it stands: what is damaged beside its configuration becomes a note.

    Raises:
        UserError: its configuration cannot be read.
    """
    run = Run(path)
    config, notes = run.config, []
    try:
        result = run.result
    except UserError as error:
        result = {}
        notes.append(str(error))
    kind, cls = "", None
    try:
        plugin = registry.find(config.algorithm, registry.ALGORITHM_KINDS)
        runtime.import_tensorflow()
        kind, cls = plugin.kind, plugin.load()
    except UserError as error:
        notes.append(f"{error} Defaults are not known without it.")
    rows: list[Columns] = []
    for rows_of in (run.stats, run.evaluations):
        try:
            rows.append(columns(rows_of()))
        except (OSError, UserError) as error:
            rows.append({})
            notes.append(str(error))
    return Known(run, config, result, kind, cls, rows[0], rows[1], tuple(notes))
