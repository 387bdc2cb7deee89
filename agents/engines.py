"""Where off-policy agents step environments and learn: all in one compiled loop, or environments in Python."""

from __future__ import annotations

import abc
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import loops, runtime
from rlgen.agents.loop_replay import LoopReplay, PrioritizedLoopReplay, Ring
from rlgen.agents.replay import PrioritizedReplay, Replay
from rlgen.agents.rollout import EPISODES, CompiledRollout, HostRollout
from rlgen.agents.trajectory import Batch, Episodes, Transitions

if TYPE_CHECKING:
    from rlgen.agents.replay_agent import ReplayAgent

# Vector steps that draw their random numbers together.
STRETCH_ROWS = 32
# Episodes that end in a call are counted after it: room for so many vector steps.
LIMIT_ROWS = 4096
PRIORITY_EPSILON = 1e-6


class Engine(abc.ABC):
    """Environments, replay and the order in which an off-policy agent uses them.

    Attributes:
        replay: where experience is kept.
        rollout: the environments.
    """

    replay: Any
    rollout: Any

    def __init__(self, agent: ReplayAgent) -> None:
        self.agent, self.tally = agent, loops.Tally()

    @abc.abstractmethod
    def advance(self, vector_steps: int) -> dict[str, float]:
        """Take so many steps of every environment, with the updates that are due; the scalars."""

    def _replay(self, kinds: tuple[Any, Any], **more: Any) -> Any:
        """A replay of the first kind, or, by priority, of the second; with what else it is told."""
        agent, config = self.agent, self.agent.config
        ring = {
            "capacity": config.replay_capacity,
            "num_envs": config.num_envs,
            "observation": agent.observation,
            "action": agent.action,
            "discount": config.discount,
            "n_step": config.n_step,
            **more,
        }
        uniform, prioritized = kinds
        if not config.prioritized:
            return uniform(**ring)
        return prioritized(priority_exponent=config.priority_exponent, priority_epsilon=PRIORITY_EPSILON, **ring)


class CompiledEngine(Engine):
    """Environments, replay and updates in one loop of one program: an update follows the step that it is due after."""

    REPLAYS = (LoopReplay, PrioritizedLoopReplay)

    def __init__(self, agent: ReplayAgent) -> None:
        """Make rollout and replay."""
        super().__init__(agent)
        self.replay = self._replay(self.REPLAYS)
        self.rollout = CompiledRollout(
            agent.environments.compiled(),
            num_envs=agent.config.num_envs,
            rows=STRETCH_ROWS,
            seed=runtime.derive_seed(agent.seed, "rollout"),
            draw=agent.exploration_noise,
            act=agent.explore,
            to_env=agent.to_environment,
            repeat_steps=agent.config.exploration_repeat_steps,
        )
        self.program = loops.program(self._advance, compute=loops.Compute())

    def advance(self, vector_steps: int) -> dict[str, float]:
        """As the base says."""
        sums = np.zeros(loops.ROOM + 1)
        while vector_steps:
            count = min(vector_steps, LIMIT_ROWS)
            made, episodes = self.program(tf.constant(count))
            self.rollout.count(Episodes(*EPISODES.unpack(episodes[:count])))
            sums += made.numpy()
            vector_steps -= count
        return {**self.rollout.scalars(), **self.tally.means(sums)}

    def _advance(self, vector_steps: Any) -> Any:
        """`vector_steps`, int32 scalar, stretch by stretch; the sums, and the episodes that ended, [rows, N, 3]."""
        rollout, start = self.rollout, self.rollout.vector_steps.read_value()
        # Run step by step, for a look inside, there is no need for room.
        limit = int(vector_steps) if tf.executing_eagerly() else LIMIT_ROWS
        episodes = tf.zeros((limit, rollout.num_envs, EPISODES.width))

        def stretch(done: Any, standing: Any, ring: Any, sums: Any, episodes: Any) -> Any:
            t = start + tf.cast(done, tf.int64)
            drawn = rollout.drawn(t)
            count = tf.minimum(rollout.rows - tf.cast(t % rollout.rows, tf.int32), vector_steps - done)

            def step(i: Any, standing: Any, ring: Any, sums: Any, episodes: Any) -> Any:
                standing, row, ended = rollout.step(standing, t + tf.cast(i, tf.int64), drawn)
                ring, made = self._learn(ring, row)
                episodes = loops.put(episodes, EPISODES.pack(ended, (1, rollout.num_envs)), done + i)
                return i + 1, standing, ring, sums + made, episodes

            _, *carry = tf.while_loop(
                lambda i, *_: i < count, step, (0, standing, ring, sums, episodes), maximum_iterations=rollout.rows
            )
            return done + count, *carry

        carry = (0, rollout.standing(), self.replay.read(), self.tally.nothing(), episodes)
        _, standing, ring, sums, episodes = tf.while_loop(
            lambda done, *_: done < vector_steps, stretch, carry, maximum_iterations=limit
        )
        rollout.stand(standing, vector_steps)
        self.replay.keep(ring)
        return sums, episodes

    def _learn(self, ring: Ring, row: Transitions) -> tuple[Ring, Any]:
        """Store a step of every environment, fields [N, ...]; make the updates that are due; the tally's sums."""
        agent, config = self.agent, self.agent.config
        row = agent.as_learned(row)
        ring = self.replay.write(ring, row)
        due = agent.count_steps(row)

        def update(_: Any, ring: Ring) -> tuple[dict[str, Any], Ring]:
            beta, seed = config.importance_exponent(agent.env_steps), agent.seeds.draw("sample", agent.updates)
            batch, indices = self.replay.sample(ring, config.batch_size, seed, beta)
            scalars, errors = agent.update(batch, agent.updates + 1)
            agent.updates.assign_add(1)
            return scalars, self.replay.update_priorities(ring, indices, errors)

        # A loop of none or all of them: a condition would cost a copy of what passes through it.
        sums, ring = loops.repeat(update, tf.where(due, config.updates_per_train, 0), self.tally, ring)
        return ring, sums


class HostEngine(Engine):
    """Environments stepped in Python; a program for each block of steps stores them and makes a block of updates."""

    REPLAYS = (Replay, PrioritizedReplay)

    def __init__(self, agent: ReplayAgent) -> None:
        """Make environments and replay."""
        super().__init__(agent)
        config = agent.config
        self.replay = self._replay(self.REPLAYS, stack=agent.environments.stack)
        self.rollout = HostRollout(
            agent.training_envs(),
            seed=runtime.derive_seed(agent.seed, "episodes"),
            act=agent.explore_on_host,
            to_env=agent.to_environment,
            generator=agent.generator,
            repeat_steps=config.exploration_repeat_steps,
            ahead=config.env_processes,
        )
        self._block_rows = config.train_every_env_steps // config.num_envs
        # Priorities change with every update; without them a whole block can be sampled at once.
        self._group = 1 if config.prioritized else config.updates_per_train
        self._updates = loops.program(self._update_group, compute=agent.compute)
        self.program = loops.program(lambda *columns: self._absorb(Transitions(*columns)), lengths_vary=True)

    def advance(self, vector_steps: int) -> dict[str, float]:
        """As the base says; and how long which part took."""
        start, done, sums = time.perf_counter(), 0, np.zeros(loops.ROOM + 1)
        with runtime.one_blas_thread():
            while done < vector_steps:
                done += self._block(vector_steps - done, sums)
        elapsed, scalars = time.perf_counter() - start, self.rollout.scalars()
        if self.agent.config.env_processes:
            # Of the first step after a block of them: its action was chosen before.
            scalars["rollout/staleness_updates"] = float(self.agent.config.updates_per_train)
        scalars["time/update_ms"] = 1000 * elapsed - scalars["time/act_ms"] - scalars["time/env_ms"]
        return {**scalars, **self.tally.means(sums)}

    def _block(self, most: int, sums: npt.NDArray[Any]) -> int:
        """Steps to the end of the block, at most so many, and its updates; how many steps there were."""
        count = min(self._block_rows - int(self.rollout.vector_steps) % self._block_rows, most)
        if self.rollout.restarted:
            self.replay.cut()
        rows, episodes = self.rollout.collect(count)
        self.rollout.count(episodes)
        sums += self.program(*(tf.constant(column) for column in self.replay.pack(rows))).numpy()
        return count

    def _absorb(self, rows: Transitions) -> Any:
        """Store packed rows, [K, N, ...] each; make a block of updates if one is due; the tally's sums."""
        rows = self.agent.as_learned(rows)
        self.replay.add(rows)
        return tf.cond(self.agent.count_steps(rows), self._learn, self.tally.nothing)

    def _learn(self) -> Any:
        """A block of updates: sample, update, hand the TD errors back to the replay."""
        agent, config, group = self.agent, self.agent.config, self._group

        def sample_and_update(i: Any, sums: Any) -> Any:
            beta, seed = config.importance_exponent(agent.env_steps), agent.seeds.draw("sample", agent.updates)
            batch, indices = self.replay.sample(group * config.batch_size, seed, beta)
            batches = Batch(*(tf.reshape(field, (group, config.batch_size, *field.shape[1:])) for field in batch))
            made, errors = self._updates(batches, agent.updates)
            self.replay.update_priorities(indices, tf.reshape(errors, (-1,)))
            agent.updates.assign_add(group)
            return i + 1, sums + made

        # One at a time: what one writes, the next reads.
        groups, start = config.updates_per_train // group, (0, self.tally.nothing())
        _, sums = tf.while_loop(lambda i, _: i < groups, sample_and_update, start, parallel_iterations=1)
        return sums

    def _update_group(self, batches: Batch, updates: Any) -> Any:
        """Updates one after another on `batches`, fields [G, B, ...]; `updates` were made before."""
        errors = tf.TensorArray(tf.float32, self._group, element_shape=(self.agent.config.batch_size,))

        def one(i: Any, errors: Any) -> Any:
            batch = Batch(*(field[i] for field in batches))
            scalars, error = self.agent.update(batch, updates + tf.cast(i, tf.int64) + 1)
            return scalars, errors.write(i, error)

        sums, errors = loops.repeat(one, self._group, self.tally, errors, at_most=self._group)
        return sums, errors.stack()
