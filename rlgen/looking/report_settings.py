"""What a run was configured with, and how it was made, as a report shows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rlgen.looking.report_text import value
from rlgen.run import RunConfig
from rlgen.trainer_config import TrainerConfig

Pairs = tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Setting:
    """A field of the configuration: its value, its default where that is another one, and what it means."""

    name: str
    value: str
    default: str
    differs: bool
    meaning: str


def settings(config: RunConfig, cls: Any) -> list[Setting]:
    """Every field of a run, those of the trainer too.

    Args:
        config: of the run.
        cls: its algorithm; None where it is not installed, and no defaults are known.
    """
    own = cls.Config.describe() if cls is not None else []
    trainer = TrainerConfig.describe()
    # What depends on the length of the run is no choice of anybody's.
    resolved = TrainerConfig().resolved(config.steps).to_dict() if config.steps else {}
    trainer = [{**field, "default": resolved.get(field["name"], field["default"])} for field in trainer]
    return [
        *_compared(config.config, own),
        *_compared(config.trainer, trainer, prefix="trainer."),
    ]


def _compared(values: Mapping[str, Any], fields: Sequence[Mapping[str, Any]], *, prefix: str = "") -> list[Setting]:
    known = {field["name"]: field for field in fields}
    made = []
    for name, given in values.items():
        field = known.get(name)
        differs = field is not None and field["default"] != given
        default = value(field["default"]) if field is not None and differs else ""
        made.append(Setting(prefix + name, value(given), default, differs, field["doc"] if field else ""))
    return made


def about(config: RunConfig) -> Pairs:
    """By which command a run was made, from which program and with which libraries."""
    rest = {name: said for name, said in config.about.items() if name != "created" and said is not None}
    versions = rest.pop("versions", None)
    names = {"command": "Command", "git_revision": "Git revision"}
    pairs = [(names.get(name, name), value(said)) for name, said in rest.items()]
    if isinstance(versions, dict):
        listed = ", ".join(f"{name} {value(said)}" for name, said in versions.items() if name != "platform")
        pairs += [("Versions", listed), ("Platform", value(versions.get("platform")))]
    return tuple(pairs)
