"""A small replay that keeps its rows apart from checkpoints, as those of agents do when they are large."""

from __future__ import annotations

from typing import Any

import numpy as np

ROWS = 20


class Ring:
    """A ring of numbers, of which the newest may still change."""

    rows, row_bytes = ROWS, 12

    def __init__(self) -> None:
        self.values, self.flags, self.added = np.zeros(ROWS), np.zeros((ROWS, 2), bool), 0

    def add(self, count: int) -> None:
        """So many more numbers, each its own number."""
        for _ in range(count):
            self.values[self.added % ROWS], self.flags[self.added % ROWS] = self.added, self.added % 3 == 0
            self.added += 1

    def kept_rows(self) -> tuple[int, int]:
        return max(0, self.added - ROWS), self.added

    def row_arrays(self, first: int, last: int) -> dict[str, Any]:
        places = np.arange(first, last) % ROWS
        return {"values": self.values[places], "flags": self.flags[places]}

    def load_rows(self, first: int, arrays: Any) -> None:
        places = np.arange(first, first + len(arrays["values"])) % ROWS
        self.values[places], self.flags[places] = arrays["values"], arrays["flags"]

    def rest_arrays(self) -> dict[str, Any]:
        return {"added": np.array(self.added)}

    def load_rest_arrays(self, arrays: Any) -> None:
        self.added = int(arrays["added"])

    def state_arrays(self) -> dict[str, Any]:
        return {"values": self.values.copy(), "flags": self.flags.copy(), **self.rest_arrays()}

    def load_state_arrays(self, arrays: Any) -> None:
        self.values[:], self.flags[:] = arrays["values"], arrays["flags"]
        self.load_rest_arrays(arrays)
