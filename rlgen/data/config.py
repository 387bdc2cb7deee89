"""What every model that learns from data can be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from rlgen import loops
from rlgen.config import Config, option
from rlgen.data.augment import Augmentation
from rlgen.together import shards


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Config):
    """What every model can be told."""

    served_with: ClassVar[Mapping[str, Any]] = {"precision": "float32"}

    batch_size: int = option(64, "Examples in a batch.", at_least=1)
    shards: int = shards.FIELD
    augment: tuple[Augmentation, ...] = option((), "Random changes of training pictures, one after another.")
    precision: loops.Precision = option(
        "auto", "Type that layers compute in; auto: bfloat16 for convolutions where the processor is faster with it."
    )

    def check(self) -> None:
        """Refuse batches that do not divide."""
        super().check()
        shards.check(self.shards, batch_size=self.batch_size)
