"""What `rlgen.train` is asked for, checked, in names that a run can keep."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rlgen import brought, paths, preset_file
from rlgen.algorithm import Algorithm
from rlgen.config import read, read_seed
from rlgen.errors import UserError
from rlgen.run import Run
from rlgen.together import crew
from rlgen.values import MOST_STEPS, shown

TRAINER_PREFIX = "trainer."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What `rlgen.train` is asked for; None means that nobody said. See there."""

    env: Any = None
    env_config: Mapping[str, Any] | None = None
    wrappers: Sequence[Any] | None = None
    data: Any = None
    network: Any = None
    steps: int | None = None
    seed: int | None = None
    preset: str | None = None
    config: Mapping[str, Any] | None = None
    engine: str | None = None
    run: str | Path | None = None
    resume: bool | Literal["auto"] = False
    start: Run | str | Path | None = None
    trust: bool = False

    def __post_init__(self) -> None:
        """Check the plain ones.

        Raises:
            UserError: one is of the wrong type, or a number that cannot be.
        """
        if self.seed is not None:
            object.__setattr__(self, "seed", read_seed(self.seed))
        if self.steps is not None:
            object.__setattr__(self, "steps", read("steps", self.steps, int, {"at_most": MOST_STEPS}))
            if self.steps < 1:
                raise UserError(f"steps={self.steps}: train for at least one step.")
        for name, option in (("run", "--run"), ("start", "--from")):
            if not isinstance(value := getattr(self, name), (Run, type(None))):
                object.__setattr__(self, name, paths.named(value, what=option))
        for name in ("preset", "engine"):
            given = getattr(self, name)
            if given is not None and not (isinstance(given, str) and given.strip()):
                raise UserError(f"{name}={shown(given)} is no name.")
        for name, example in (("config", "'learning_rate': 1e-3"), ("env_config", "'is_slippery': False")):
            given = getattr(self, name)
            if given is not None and not (isinstance(given, Mapping) and all(isinstance(key, str) for key in given)):
                raise UserError(f"{name}={shown(given)} is no dictionary of fields: {name}={{{example}}}.")
        if not isinstance(self.wrappers, (Sequence, type(None))) or isinstance(self.wrappers, str):
            raise UserError(f"wrappers={shown(self.wrappers)} is no list: wrappers=['frame_stack:4'].")
        if self.trust and not self.resume and self.start is None and self.run is None:
            raise UserError("--trust is for a run that is there: give it with --run or --from, or leave it out.")

    def problem(self, name: str, cls: type[Algorithm], *, stored: str | None = None) -> str | None:
        """The text that a run keeps for what is to be learned from; None where nobody said.

        Args:
            name: of the algorithm, for messages.
            cls: the algorithm.
            stored: how a run that goes on calls it.

        Raises:
            UserError: it is nothing to learn from, or nothing for this algorithm.
        """
        if self.env is not None and self.data is not None:
            raise UserError("An algorithm learns on an environment or on a data set: give --env or --data, not both.")
        of_env = cls.problem_kind == "env"
        wrong, right = (self.data, "--env ID") if of_env else (self.env, "--data ID")
        if wrong is not None:
            raise UserError(f"'{name}' learns {'in an environment' if of_env else 'from a data set'}: give {right}.")
        asked, option = (self.env, "--env") if of_env else (self.data, "--data")
        if isinstance(asked, str) and not asked.strip():
            raise UserError(f"{option} is empty. Leave it out for '{cls.default_problem}', or give a name.")
        if not of_env and (self.env_config or self.wrappers):
            raise UserError(f"'{name}' learns from a data set: env_config and wrappers are for environments.")
        if asked is None and not self.env_config:
            return None
        # A name that a run made for an object stands for the object that is brought now.
        again = None
        if stored is not None and stored.startswith(brought.MARK) and not isinstance(asked, (str, type(None))):
            again = stored.partition("?")[0] if self.env_config else stored
        return cls.name_problem(cls.default_problem if asked is None else asked, self.env_config or {}, name=again)

    def fields(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The algorithm's fields, and the Trainer's without their prefix; objects have become names."""
        config = dict(self.config or {})
        for name, value in (("wrappers", self.wrappers), ("network", self.network)):
            if value is None:
                continue
            if name in config:
                raise UserError(f"'{name}' is given twice, by itself and in config; give it once.")
            config[name] = value
        if not isinstance(config.get("wrappers", ""), str):
            config["wrappers"] = tuple(map(_name, config["wrappers"]))
        config = {key: _name(value) if callable(value) else value for key, value in config.items()}
        return split(config)


def split(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The algorithm's fields, and the Trainer's without their prefix."""
    trainer = {k.removeprefix(TRAINER_PREFIX): v for k, v in fields.items() if k.startswith(TRAINER_PREFIX)}
    return {k: v for k, v in fields.items() if not k.startswith(TRAINER_PREFIX)}, trainer


def _name(value: Any) -> str:
    return value if isinstance(value, str) else brought.bring(value)


def configured(
    name: str, cls: type[Algorithm], request: Request, *, stored: str | None = None
) -> tuple[str, str, Any, dict[str, Any]]:
    """What is learned from, the preset's name, the algorithm's configuration and the Trainer's fields.

    `stored` is how a run that goes on calls what it learns from.
    """
    problem = request.problem(name, cls, stored=stored) or cls.default_problem
    own, trainer = request.fields()
    if (processes := crew.now().size) > 1 and cls.data_parallel:
        own = {"shards": processes, **own}
    preset = request.preset
    if preset is not None and preset_file.is_file(preset):
        in_file, for_trainer = split(preset_file.read(preset, algorithm=name))
        try:
            config = cls.Config.build({**cls.suited(problem), **in_file, **own})
        except UserError as error:
            raise UserError(f"With the preset {preset}: {error}") from error
        return problem, preset, config, {**for_trainer, **trainer}
    if preset is None:
        preset = cls.Config.preset_for(problem.partition("?")[0])
    return problem, preset, cls.Config.build({**cls.suited(problem), **own}, preset=preset), trainer
