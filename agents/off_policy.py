"""What agents that learn from replayed experience share: a block of steps, stored, then a block of updates.

On the compiled engine one program does many blocks per call. On the host the environments are stepped in
Python and one program per block stores the rows and makes the updates.
"""

from __future__ import annotations

import abc
import dataclasses
import time
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import loops, runtime
from rlgen.agents.agent import Agent, AgentConfig, Observations
from rlgen.agents.replay import PrioritizedReplay, Replay
from rlgen.agents.rollout import CompiledRollout, HostRollout
from rlgen.agents.trajectory import Batch, Transitions
from rlgen.config import option
from rlgen.errors import UserError
from rlgen.networks import Activation
from rlgen.schedules import Schedule
from rlgen.spec import Spec


@dataclasses.dataclass(frozen=True, kw_only=True)
class OffPolicyConfig(AgentConfig):
    """How experience is kept and how often it is learned from."""

    reward_scale: float = option(
        1.0, "Rewards are multiplied by this before they are learned from; statistics keep them as they are.", above=0
    )
    network: str = option("auto", "What the networks are made of; auto: dense layers, or convolutions for pictures.")
    hidden_units: tuple[int, ...] = option((256, 256), "Units of the hidden layers.", at_least=1)
    activation: Activation = option("relu", "Between the layers.")
    batch_size: int = option(64, "Transitions in an update.", at_least=1)
    replay_capacity: int = option(100_000, "Transitions kept.", at_least=1)
    learning_starts_env_steps: int = option(1_000, "Environment steps before the first update.", at_least=0)
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


class OffPolicyAgent(Agent):
    """Base of agents with a replay; a subclass says how it explores and what one update is.

    Attributes:
        action: shape and type of one action in the replay.
        draws: what an update draws random numbers for; `self.seeds` has the seed of each.
        env_steps: environment steps so far, a variable, once training has begun.
        updates: updates so far, a variable.
        episodes: episodes ended so far, a variable.
    """

    Config: ClassVar[type[OffPolicyConfig]]
    reseedable = True
    action: Spec = Spec((), "int32")
    draws: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, problem: str, config: OffPolicyConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self._built = False
        self._block_rows = config.train_every_env_steps // config.num_envs
        self.chunk_steps = max(1, 1024 // config.train_every_env_steps) * config.train_every_env_steps
        # Priorities change with every update; without them a whole block can be sampled at once.
        self._updates_per_sample = 1 if config.prioritized else config.updates_per_train

    # ---- what a subclass says -------------------------------------------------------------------------

    @abc.abstractmethod
    def build_learner(self) -> None:
        """Make what only learning needs: target networks, optimizers. Called once, before the first update."""

    @abc.abstractmethod
    def learner_state(self) -> dict[str, Any]:
        """The networks and optimizers, for `state()`."""

    @property
    @abc.abstractmethod
    def compute(self) -> loops.Compute:
        """How its networks compute."""

    @abc.abstractmethod
    def explore(self, observation: Any, env_steps: Any, seed: Any) -> Any:
        """Actions to learn from, [N, ...], for observations [N, *shape]; compiled code."""

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

    def to_environment(self, action: Any) -> Any:
        """An action as the agent thinks of it, as the environment takes it; NumPy or TensorFlow."""
        return action

    def as_learned(self, rows: Transitions) -> Transitions:
        """Experience as it is to be learned from, [K, N, ...]; compiled code."""
        scale = self.config.reward_scale
        return rows if scale == 1 else rows._replace(reward=scale * rows.reward)

    def block_is_due(self, rows: Transitions) -> Any:
        """Whether updates follow the steps `rows`, which are stored already, bool scalar; compiled code."""
        return self.env_steps % self.config.train_every_env_steps == 0

    # ---- the contract ---------------------------------------------------------------------------------

    def memory_bytes(self) -> dict[str, int]:
        """The replay's size."""
        kind = PrioritizedReplay if self.config.prioritized else Replay
        size = kind.bytes_needed(capacity=self.config.replay_capacity, observation=self.observation, action=self.action)
        return {"replay": size}

    def train(self, steps: int) -> dict[str, float]:
        """Take `steps` environment steps, with blocks of updates where the configuration says."""
        vector_steps = self.whole_quanta(steps)
        self._build()
        start = time.perf_counter()
        if self.engine == "compiled":
            sums = self._advance(tf.constant(vector_steps)).numpy()
            scalars = self._rollout.scalars()
        else:
            with runtime.one_blas_thread():
                sums = self._advance_on_host(vector_steps)
            elapsed, scalars = time.perf_counter() - start, self._rollout.scalars()
            scalars["time/update_ms"] = 1000 * elapsed - scalars["time/act_ms"] - scalars["time/env_ms"]
        scalars["counters/env_steps"] = int(self.env_steps.numpy())
        scalars["counters/updates"] = int(self.updates.numpy())
        return scalars | self._tally.means(sums)

    def state(self) -> dict[str, Any]:
        """Networks, optimizers, replay, environments, counters and the host's generator."""
        self._build()
        return {
            **self.learner_state(),
            "replay": self.replay,
            "rollout": self._rollout.state(),
            "env_steps": self.env_steps,
            "episodes": self.episodes,
            "updates": self.updates,
            "generator": self.generator,
            "seeds": self.seeds.variable,
        }

    def close(self) -> None:
        """Close the training environments."""
        if self._built:
            self._rollout.close()

    # ---- the compiled program -------------------------------------------------------------------------

    def _advance_graph(self, vector_steps: Any) -> Any:
        """`vector_steps`, int32 scalar, of the compiled environments, block by block; sums of the scalars."""

        def block(done: Any, sums: Any) -> Any:
            taken = tf.cast(self._rollout.vector_steps, tf.int32)
            count = tf.minimum(self._block_rows - taken % self._block_rows, vector_steps - done)
            rows, episodes = self._rollout.collect(count)
            self._rollout.count(episodes)
            return done + count, sums + self._absorb(rows)

        # One iteration at a time, here and below: what one writes, the next reads.
        start = (0, self._tally.nothing())
        _, sums = tf.while_loop(lambda done, _: done < vector_steps, block, start, parallel_iterations=1)
        return sums

    def _absorb(self, rows: Transitions) -> Any:
        """Store rows, [K, N, ...] each; make a block of updates if one is due."""
        rows = self.as_learned(rows)
        self.replay.add(rows)
        self.env_steps.assign_add(tf.shape(rows.reward, out_type=tf.int64)[0] * self.config.num_envs)
        self.episodes.assign_add(tf.math.count_nonzero(rows.done))
        due = self.block_is_due(rows) & (self.env_steps >= self.config.learning_starts_env_steps)
        return tf.cond(due, self._learn, self._tally.nothing)

    def _learn(self) -> Any:
        """A block of updates: sample, update, hand the TD errors back to the replay."""
        group, size = self._updates_per_sample, self.config.batch_size

        def sample_and_update(i: Any, sums: Any) -> Any:
            beta = self.config.importance_exponent(self.env_steps)
            batch, indices = self.replay.sample(group * size, self.seeds.draw("sample", self.updates), beta)
            batches = Batch(*(tf.reshape(field, (group, size, *field.shape[1:])) for field in batch))
            made, errors = self._updates(batches, self.updates)
            self.replay.update_priorities(indices, tf.reshape(errors, (-1,)))
            self.updates.assign_add(group)
            return i + 1, sums + made

        groups, start = self.config.updates_per_train // group, (0, self._tally.nothing())
        _, sums = tf.while_loop(lambda i, _: i < groups, sample_and_update, start, parallel_iterations=1)
        return sums

    def _updates_graph(self, batches: Batch, updates: Any) -> Any:
        """Updates one after another on `batches`, fields [G, B, ...]; `updates` were made before."""
        group, size = self._updates_per_sample, self.config.batch_size
        errors = tf.TensorArray(tf.float32, group, element_shape=(size,))

        def one(i: Any, errors: Any) -> Any:
            batch = Batch(*(field[i] for field in batches))
            scalars, error = self.update(batch, updates + tf.cast(i, tf.int64) + 1)
            return scalars, errors.write(i, error)

        sums, errors = loops.repeat(one, group, self._tally, errors, at_most=group)
        return sums, errors.stack()

    # ---- the host's loop ------------------------------------------------------------------------------

    def _advance_on_host(self, vector_steps: int) -> npt.NDArray[Any]:
        done, sums = 0, np.zeros(loops.ROOM + 1)
        while done < vector_steps:
            taken = int(self._rollout.vector_steps)
            count = min(self._block_rows - taken % self._block_rows, vector_steps - done)
            if self._rollout.restarted:
                self.replay.cut()
            rows, episodes = self._rollout.collect(count)
            self._rollout.count(episodes)
            sums += self._absorb_rows(*(tf.constant(column) for column in rows)).numpy()
            done += count
        return sums

    # ---- parts ----------------------------------------------------------------------------------------

    def _build(self) -> None:
        """Everything only training needs, once, when it is first needed."""
        if self._built:
            return
        runtime.require_memory(self.memory_bytes())
        self.env_steps, self.episodes, self.updates = (
            tf.Variable(0, dtype=tf.int64, trainable=False) for _ in range(3)
        )
        self.build_learner()
        self.generator = runtime.generator(self.seed, "exploration")
        self.seeds = runtime.Seeds(self.seed, "sample", *self.draws)
        self.replay = self._new_replay()
        self._rollout: Any = self._new_rollout()
        self._tally = loops.Tally()
        self._updates = loops.program(self._updates_graph, compute=self.compute)
        self._advance = loops.program(self._advance_graph)
        self._absorb_rows = loops.program(lambda *columns: self._absorb(Transitions(*columns)), lengths_vary=True)
        self._built = True

    def _new_replay(self) -> Replay:
        config = self.config
        ring = {
            "capacity": config.replay_capacity,
            "num_envs": config.num_envs,
            "observation": self.observation,
            "action": self.action,
            "discount": config.discount,
            "n_step": config.n_step,
        }
        if not config.prioritized:
            return Replay(**ring)
        return PrioritizedReplay(priority_exponent=config.priority_exponent, priority_epsilon=1e-6, **ring)

    def _new_rollout(self) -> CompiledRollout | HostRollout:
        if self.engine == "gymnasium":
            return HostRollout(
                self.training_envs(),
                seed=runtime.derive_seed(self.seed, "episodes"),
                act=self.explore_on_host,
                to_env=self.to_environment,
                generator=self.generator,
                repeat_steps=self.config.exploration_repeat_steps,
            )
        return CompiledRollout(
            self.environments.compiled(),
            num_envs=self.config.num_envs,
            rows=self._block_rows,
            seed=runtime.derive_seed(self.seed, "rollout"),
            act=self.explore,
            to_env=self.to_environment,
            repeat_steps=self.config.exploration_repeat_steps,
            compute=self.compute,
        )
