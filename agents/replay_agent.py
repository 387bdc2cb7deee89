"""What agents that learn from replayed experience share: steps, stored, then the updates that are due.

What their networks are made of is not known here; `rlgen.agents.off_policy` is the base of those of the house.
"""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, ClassVar

import numpy.typing as npt
import tensorflow as tf

from rlgen import loops, runtime
from rlgen.agents.agent import Agent, AgentConfig, Observations
from rlgen.agents.engines import CompiledEngine, HostEngine
from rlgen.agents.trajectory import Batch, Transitions
from rlgen.config import option
from rlgen.errors import UserError
from rlgen.schedules import Schedule
from rlgen.spec import Spec
from rlgen.values import MOST_STEPS

UPDATES_OF_A_CHUNK, STEPS_OF_A_CHUNK = 1024, 16_384


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplayConfig(AgentConfig):
    """How experience is kept and how often it is learned from."""

    reward_scale: float = option(
        1.0, "Rewards are multiplied by this before they are learned from; statistics keep them as they are.", above=0
    )
    batch_size: int = option(64, "Transitions in an update.", at_least=1)
    replay_capacity: int = option(100_000, "Transitions kept.", at_least=1)
    learning_starts_env_steps: int = option(
        1_000, "Environment steps before the first update.", at_least=0, at_most=MOST_STEPS
    )
    train_every_env_steps: int = option(256, "Environment steps between blocks of updates.", at_least=1)
    updates_per_train: int = option(128, "Updates in a block.", at_least=1)
    n_step: int = option(1, "Rewards summed before bootstrapping, in environment steps.", at_least=1)
    priority_exponent: float = option(
        0.0,
        "alpha: transitions are drawn by their last TD error to this power; 0: all alike, .6: Schaul et al.",
        at_least=0,
    )
    importance_exponent: Schedule = option(
        "linear:start=0.4,end=1,over=50000",
        "beta, how far the bias of drawing by priority is undone; clocked by environment steps.",
        at_least=0,
        at_most=1,
    )

    @property
    def prioritized(self) -> bool:
        """Whether transitions are drawn by priority."""
        return self.priority_exponent > 0

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        if self.train_every_env_steps % self.num_envs:
            lower = self.train_every_env_steps // self.num_envs * self.num_envs
            near = " or ".join(str(n) for n in (lower, lower + self.num_envs) if n)
            raise UserError(
                f"train_every_env_steps={self.train_every_env_steps} is not a multiple of num_envs={self.num_envs}, "
                f"and environments step together: use {near}."
            )
        least = max(self.train_every_env_steps, self.batch_size, self.num_envs * self.n_step)
        if self.replay_capacity < least:
            raise UserError(
                f"replay_capacity={self.replay_capacity} cannot hold a block of steps, a batch, and n_step steps of "
                f"every environment: make it at least {least}."
            )


class ReplayAgent(Agent):
    """Base of agents with a replay; a subclass says how it explores and what one update is.

    Attributes:
        action: shape and type of one action in the replay.
        draws_for: what an update draws random numbers for; `self.seeds` has the seed of each.
        env_steps: environment steps so far, a variable, once training has begun.
        refilled_from_env_steps: those when the replay was empty last, a variable.
        updates: updates so far, a variable.
        episodes: episodes ended so far, a variable.
        compute: how an update is compiled where environments are on the host.
    """

    Config: ClassVar[type[ReplayConfig]] = ReplayConfig
    reseedable = True
    spare = ("replay",)
    action: Spec = Spec((), "int32")
    draws_for: ClassVar[tuple[str, ...]] = ()
    compute: loops.Compute

    def __init__(self, *, problem: str, config: ReplayConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self._built = False
        self.chunk_steps = self._chunk()

    # ---- what a subclass says -------------------------------------------------------------------------

    @abc.abstractmethod
    def build_learner(self) -> None:
        """Make what only learning needs: target networks, optimizers. Called once, before the first update."""

    @abc.abstractmethod
    def learner_state(self) -> dict[str, Any]:
        """The networks and optimizers, for `state()`."""

    @abc.abstractmethod
    def exploration_noise(self, steps: int, seed: Any) -> Any:
        """What `explore` draws for so many steps, in any nesting, [steps, ...]; compiled code."""

    @abc.abstractmethod
    def explore(self, observation: Any, env_steps: Any, noise: Any) -> Any:
        """Actions to learn from, [N, ...], for observations [N, *shape]; compiled code.

        Args:
            observation: [N, *shape].
            env_steps: environment steps so far, int64 scalar.
            noise: what was drawn for this step, [...].
        """

    @abc.abstractmethod
    def explore_on_host(self, observation: Observations, env_steps: int) -> npt.NDArray[Any]:
        """The same in NumPy, drawing from `self.generator`."""

    @abc.abstractmethod
    def update(self, batch: Batch, number: Any) -> tuple[dict[str, Any], Any]:
        """One update; compiled code.

        Args:
            batch: fields [B, ...].
            number: of the update, counting from 1 over the whole run.

        Returns:
            Scalars by TensorBoard name, and the TD errors, [B].
        """

    @abc.abstractmethod
    def network_bytes(self) -> dict[str, int]:
        """What learning will allocate for "networks", and for what they put out for "batches"."""

    def to_environment(self, action: Any) -> Any:
        """An action as the agent thinks of it, as the environment takes it; NumPy or TensorFlow."""
        return action

    def as_learned(self, rows: Transitions) -> Transitions:
        """Experience as it is to be learned from, [K, N, ...]; compiled code.

        Where the replay keeps single pictures, `observation` is the newest of each stack, without a successor.
        """
        scale = self.config.reward_scale
        return rows if scale == 1 else rows._replace(reward=scale * rows.reward)

    def block_is_due(self, rows: Transitions) -> Any:
        """Whether updates follow the steps `rows`, which are stored already, bool scalar; compiled code."""
        return self.env_steps % self.config.train_every_env_steps == 0

    # ---- the contract ---------------------------------------------------------------------------------

    def memory_bytes(self) -> dict[str, int]:
        """The replay's size, of which a compiled loop works on a copy, and those of networks and batches."""
        sizes = self.network_bytes()
        sizes["batches"] += self.config.batch_size * (2 * self.observation.bytes + self.action.bytes)
        return {**self._replay_bytes(self.engine), **sizes}

    @property
    def memory_advice(self) -> str:  # type: ignore[override]
        """That fewer transitions take less, and how many would fit."""
        replay = sum(self._replay_bytes(self.engine).values())
        left = runtime.free_memory_bytes() - (sum(self.memory_bytes().values()) - replay)
        # A little less, to two digits.
        most = int(float(f"{max(0.0, 0.95 * left * self.config.replay_capacity / replay):.1e}"))
        fits = f"{most} fits" if most >= self.config.batch_size else "..."
        advice = f"Make the replay smaller (--set replay_capacity={fits}), or batch_size and hidden_units"
        if self.engine == "compiled":
            kept = runtime.human_bytes(sum(self._replay_bytes("gymnasium").values()))
            advice += f", keep {kept} of it in all outside the loop (--engine gymnasium)"
        return advice

    def train(self, steps: int) -> dict[str, float]:
        """Take `steps` environment steps, with updates where the configuration says."""
        vector_steps = self.whole_quanta(steps)
        self._build()
        scalars = self._engine.advance(vector_steps)
        scalars["work/env_steps"] = int(self.env_steps.numpy())
        scalars["work/updates"] = int(self.updates.numpy())
        return scalars

    def state(self) -> dict[str, Any]:
        """Networks, optimizers, replay, environments, counters and the host's generator."""
        self._build()
        return {
            **self.learner_state(),
            "replay": self._engine.replay,
            "rollout": self._engine.rollout.state(),
            "env_steps": self.env_steps,
            "episodes": self.episodes,
            "updates": self.updates,
            "refilled_from_env_steps": self.refilled_from_env_steps,
            "generator": self.generator,
            "seeds": self.seeds.variable,
        }

    def do_without(self, name: str) -> str:
        """Fill the replay again before anything is learned, as at the beginning of a run."""
        self.refilled_from_env_steps.assign(self.env_steps)
        wanted = self.config.learning_starts_env_steps
        return f"The checkpoint has no {name}: it is filled for {wanted:,} environment steps before learning goes on."

    # ---- parts ----------------------------------------------------------------------------------------

    def count_steps(self, rows: Transitions) -> Any:
        """Count the steps `rows`, [..., N, ...], just stored; whether updates follow, bool scalar. Compiled code."""
        self.env_steps.assign_add(rows.reward.shape.num_elements() or tf.size(rows.reward, tf.int64))
        self.episodes.assign_add(tf.math.count_nonzero(rows.done))
        filled = self.env_steps - self.refilled_from_env_steps
        return self.block_is_due(rows) & (filled >= self.config.learning_starts_env_steps)

    def _replay_bytes(self, engine: str) -> dict[str, int]:
        capacity, observation, action = self.config.replay_capacity, self.observation, self.action
        if engine == "compiled":
            kind = CompiledEngine.REPLAYS[self.config.prioritized]
            size = kind.bytes_needed(capacity=capacity, observation=observation, action=action)
            return {"replay": size, "the copy the loop works on": size}
        size = HostEngine.REPLAYS[self.config.prioritized].bytes_needed(
            capacity=capacity, observation=observation, action=action, stack=self.environments.stack
        )
        return {"replay": size}

    def _chunk(self) -> int:
        """Environment steps of a call: about a thousand updates, in whole blocks, and not too many steps."""
        block = self.config.train_every_env_steps
        blocks = min(UPDATES_OF_A_CHUNK // self.config.updates_per_train, STEPS_OF_A_CHUNK // block)
        return max(1, blocks) * block

    def _build(self) -> None:
        """Everything only training needs, once, when it is first needed."""
        if self._built:
            return
        runtime.require_memory(self.memory_bytes(), advice=self.memory_advice)
        self.env_steps, self.episodes, self.updates = (
            tf.Variable(0, dtype=tf.int64, trainable=False) for _ in range(3)
        )
        self.refilled_from_env_steps = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.seeds = runtime.Seeds(self.seed, "sample", *self.draws_for)
        self.build_learner()
        self.generator = runtime.generator(self.seed, "exploration")
        self._engine = CompiledEngine(self) if self.engine == "compiled" else HostEngine(self)
        self._built = True
