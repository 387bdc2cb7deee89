"""What agents that learn from replayed experience share: a block of steps, stored, then a block of updates.

On the compiled engine one program does many blocks per call. On the host the environments are stepped in
Python and one program per block stores the rows and makes the updates.
"""

from __future__ import annotations

import abc
import dataclasses
import math
import time
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import runtime
from rlgen.agents import exploration
from rlgen.agents.agent import Agent, BootstrapConfig
from rlgen.agents.replay import Batch, PrioritizedReplay, Replay, Transitions, as_learned
from rlgen.agents.rollout import CompiledRollout, HostRollout
from rlgen.config import option
from rlgen.errors import UserError

Floats = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OffPolicyConfig(BootstrapConfig):
    """How experience is kept and how often it is learned from."""

    batch_size: int = option(64, "Transitions in an update.", at_least=1)
    replay_capacity: int = option(100_000, "Transitions kept.", at_least=1)
    learning_starts_env_steps: int = option(1_000, "Environment steps before the first update.", at_least=0)
    train_every_env_steps: int = option(256, "Environment steps between blocks of updates.", at_least=1)
    updates_per_train: int = option(128, "Updates in a block.", at_least=1)
    train_at_episode_end: bool = option(
        False, "Make the blocks of updates where episodes end; wants num_envs=1 and train_every_env_steps=1."
    )
    n_step: int = option(1, "Rewards summed before bootstrapping, in environment steps.", at_least=1)
    prioritized: bool = option(False, "Sample transitions in proportion to their last TD error.")
    priority_exponent: float | None = option(None, "alpha, .6 unless set; prioritised only.", at_least=0)
    importance_exponent: float | None = option(
        None, "beta at the start, .4 unless set; it grows to 1; prioritised only.", at_least=0, at_most=1
    )
    importance_anneal_env_steps: int | None = option(
        None, "Environment steps until beta is 1, 50,000 unless set; prioritised only.", at_least=1
    )

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        for field in ("priority_exponent", "importance_exponent", "importance_anneal_env_steps"):
            if getattr(self, field) is not None and not self.prioritized:
                raise UserError(f"{field} has no effect without prioritised replay: set prioritized=true, or leave it.")
        if self.train_at_episode_end and (self.num_envs, self.train_every_env_steps) != (1, 1):
            raise UserError(
                "train_at_episode_end looks at every step of one environment: set num_envs=1 and "
                "train_every_env_steps=1 too."
            )
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
        scalar_names: of the scalars an update returns, in order.
        action_shape: of one action in the replay.
        action_dtype: of an action in the replay.
        draws: what an update draws random numbers for; `self.seeds` has the seed of each.
    """

    Config: ClassVar[type[OffPolicyConfig]]
    scalar_names: ClassVar[tuple[str, ...]]
    reseedable = True
    action_shape: tuple[int, ...] = ()
    action_dtype: Any = tf.int32
    draws: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, problem: str, config: OffPolicyConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self._built = False
        self._block_rows = config.train_every_env_steps // config.num_envs
        self.chunk_steps = max(1, 1024 // config.train_every_env_steps) * config.train_every_env_steps
        # Priorities change with every update; without them a whole block can be sampled at once.
        self.updates_per_sample = 1 if config.prioritized else config.updates_per_train

    @abc.abstractmethod
    def build_learner(self) -> None:
        """Make what only learning needs: target networks, optimizers. Called once, before the first update."""

    @abc.abstractmethod
    def learner_state(self) -> dict[str, Any]:
        """The networks and optimizers, for `state()`."""

    @abc.abstractmethod
    def explore(self, observation: Any, env_steps: Any, seed: Any) -> Any:
        """Actions to learn from, [N, ...], for observations [N, D]; compiled code."""

    @abc.abstractmethod
    def explore_on_host(self, observation: Floats, env_steps: int) -> npt.NDArray[Any]:
        """The same in NumPy, drawing from `self.generator`."""

    @abc.abstractmethod
    def update(self, batch: Batch, number: Any) -> tuple[Any, Any]:
        """One update; compiled code.

        Args:
            batch: fields [B, ...].
            number: of the update, counting from 1 over the whole run.

        Returns:
            The scalars named by `scalar_names`, float32 [len], and the TD errors, [B].
        """

    def to_environment(self, action: Any) -> Any:
        """An action as the agent thinks of it, as the environment takes it; NumPy or TensorFlow."""
        return action

    def on_host_weights_changed(self) -> None:
        """Updates were made; a NumPy mirror of the weights is stale."""

    def memory_bytes(self) -> dict[str, int]:
        """The replay's size."""
        kind = PrioritizedReplay if self.config.prioritized else Replay
        size = kind.bytes_needed(
            capacity=self.config.replay_capacity,
            observation_size=self.observation_size,
            action_size=math.prod(self.action_shape),
        )
        return {"replay": size}

    def train(self, steps: int) -> dict[str, float]:
        """Take `steps` environment steps, with blocks of updates where the configuration says."""
        self._build()
        vector_steps = steps // self.config.num_envs
        start = time.perf_counter()
        if self.engine == "compiled":
            sums = self._advance(tf.constant(vector_steps)).numpy()
            scalars = self._rollout.scalars()
        else:
            with runtime.one_blas_thread():
                sums = self._advance_on_host(vector_steps)
            elapsed, scalars = time.perf_counter() - start, self._rollout.scalars()
            scalars["time/update_ms"] = 1000 * elapsed - scalars["time/act_ms"] - scalars["time/env_ms"]
        self.on_host_weights_changed()
        scalars["counters/env_steps"] = int(self.env_steps.numpy())
        scalars["counters/updates"] = int(self.updates.numpy())
        if sums[-1]:
            scalars |= {name: float(sum_ / sums[-1]) for name, sum_ in zip(self.scalar_names, sums, strict=False)}
        return scalars

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
            return done + count, sums + self._absorb(self._rollout.collect(count))

        # One iteration at a time, here and below: what one writes, the next reads.
        _, sums = tf.while_loop(lambda done, _: done < vector_steps, block, (0, self._no_sums()), parallel_iterations=1)
        return sums

    def _absorb(self, rows: Transitions) -> Any:
        """Store rows, [K, N, ...] each; make a block of updates if one is due."""
        config = self.config
        self.replay.add(
            as_learned(rows, reward_scale=config.reward_scale, time_limits_terminate=config.time_limits_terminate)
        )
        added = tf.shape(rows.reward, out_type=tf.int64)[0] * config.num_envs
        env_steps = self.env_steps.assign_add(added, read_value=True)
        ended = tf.math.count_nonzero(rows.terminated | rows.truncated)
        self.episodes.assign_add(ended)
        complete = ended > 0 if config.train_at_episode_end else env_steps % config.train_every_env_steps == 0
        due = complete & (env_steps >= config.learning_starts_env_steps)
        return tf.cond(due, self._learn, self._no_sums)

    def _learn(self) -> Any:
        """A block of updates: sample, update, hand the TD errors back to the replay."""
        group, size = self.updates_per_sample, self.config.batch_size

        def sample_and_update(i: Any, sums: Any) -> Any:
            seed = self.seeds.draw("sample", self.updates)
            batch, places = self.replay.sample(group * size, seed, self._importance_exponent())
            batches = Batch(*(tf.reshape(field, (group, size, *field.shape[1:])) for field in batch))
            made, errors = self._compiled_updates(batches, self.updates)
            self.replay.update_priorities(places, tf.reshape(errors, (-1,)))
            self.updates.assign_add(group)
            return i + 1, sums + made

        groups = self.config.updates_per_train // group
        _, sums = tf.while_loop(lambda i, _: i < groups, sample_and_update, (0, self._no_sums()), parallel_iterations=1)
        return sums

    def _updates_graph(self, batches: Batch, updates: Any) -> Any:
        """Updates one after another on `batches`, fields [G, B, ...]; `updates` were made before."""
        group, size = self.updates_per_sample, self.config.batch_size
        errors = tf.TensorArray(tf.float32, group, element_shape=(size,))

        def one(i: Any, sums: Any, errors: Any) -> Any:
            batch = Batch(*(field[i] for field in batches))
            number = updates + tf.cast(i, tf.int64) + 1
            scalars, error = self.update(batch, number)
            return i + 1, sums + tf.concat([scalars, [1.0]], 0), errors.write(i, error)

        _, sums, errors = tf.while_loop(
            lambda i, *_: i < group, one, (0, self._no_sums(), errors), maximum_iterations=group
        )
        return sums, errors.stack()

    def _no_sums(self) -> Any:
        """Sums of the scalars, and how many updates they are of, before the first."""
        return tf.zeros((len(self.scalar_names) + 1,))

    # ---- the host's loop ------------------------------------------------------------------------------

    def _advance_on_host(self, vector_steps: int) -> npt.NDArray[Any]:
        done, sums = 0, np.zeros(len(self.scalar_names) + 1)
        while done < vector_steps:
            taken = int(self._rollout.vector_steps)
            count = min(self._block_rows - taken % self._block_rows, vector_steps - done)
            rows = self._rollout.collect(count)
            sums += self._compiled_absorb(*(tf.constant(column) for column in rows)).numpy()
            self.on_host_weights_changed()
            done += count
        return sums

    # ---- parts ----------------------------------------------------------------------------------------

    def _build(self) -> None:
        """Everything only training needs, once, when it is first needed."""
        if self._built:
            return
        runtime.require_memory(self.memory_bytes())
        self.build_learner()
        self.env_steps = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.episodes = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.generator = runtime.generator(self.seed, "exploration")
        self.seeds = runtime.Seeds(self.seed, "sample", *self.draws)
        self.replay = self._new_replay()
        self._rollout = self._new_rollout()
        self._compiled_updates = tf.function(self._updates_graph, jit_compile=True, autograph=False)
        self._advance = tf.function(self._advance_graph, autograph=False)
        self._compiled_absorb = tf.function(
            lambda *columns: self._absorb(Transitions(*columns)), autograph=False, reduce_retracing=True
        )
        self._built = True

    def _new_replay(self) -> Replay:
        config = self.config
        ring = {
            "capacity": config.replay_capacity,
            "num_envs": config.num_envs,
            "observation_size": self.observation_size,
            "discount": config.discount,
            "n_step": config.n_step,
            "action_shape": self.action_shape,
            "action_dtype": self.action_dtype,
        }
        if not config.prioritized:
            return Replay(**ring)
        alpha = 0.6 if config.priority_exponent is None else config.priority_exponent
        return PrioritizedReplay(priority_exponent=alpha, priority_epsilon=1e-6, **ring)

    def _new_rollout(self) -> Any:
        if self.engine == "gymnasium":
            return HostRollout(
                self.training_envs(),
                seed=runtime.derive_seed(self.seed, "episodes"),
                act=self.explore_on_host,
                to_env=self.to_environment,
                generator=self.generator,
                held_steps=self.config.exploration_held_steps,
            )
        return CompiledRollout(
            self.training_env(),
            num_envs=self.config.num_envs,
            rows=self._block_rows,
            seed=runtime.derive_seed(self.seed, "rollout"),
            act=self.explore,
            to_env=self.to_environment,
            held_steps=self.config.exploration_held_steps,
        )

    def _importance_exponent(self) -> Any:
        """beta, from its start to 1."""
        beta = 0.4 if self.config.importance_exponent is None else self.config.importance_exponent
        decay = self.config.importance_anneal_env_steps or 50_000
        return exploration.linear_epsilon(self.env_steps, start=beta, end=1.0, decay_steps=decay)
