"""Fields of different shapes and types side by side in one float32 array: written and fetched in one operation.

Inside a loop of XLA's every array costs a call for each access, which for a few numbers is nearly all of its cost.
Whole numbers are exact up to 2**24.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from rlgen.spec import Spec


class Columns:
    """Where each field stands.

    Attributes:
        width: columns of all fields together.
    """

    def __init__(self, fields: Iterable[Spec]) -> None:
        """Place the fields from left to right; `fields` says what one entry of each looks like."""
        self._fields = list(fields)
        self._widths = [spec.size for spec in self._fields]
        self.width = sum(self._widths)

    def pack(self, fields: Sequence[Any], lead: Sequence[int]) -> Any:
        """Fields [*lead, *shape] as columns, float32 [*lead, width]."""
        pairs = zip(fields, self._widths, strict=True)
        return tf.concat([tf.reshape(tf.cast(field, tf.float32), (*lead, width)) for field, width in pairs], -1)

    def unpack(self, columns: Any) -> list[Any]:
        """Columns [*lead, width] as fields [*lead, *shape] of their own types."""
        lead, parts = columns.shape[:-1], tf.split(columns, self._widths, -1)
        pairs = zip(parts, self._fields, strict=True)
        return [tf.cast(tf.reshape(part, (*lead, *spec.shape)), spec.dtype) for part, spec in pairs]
