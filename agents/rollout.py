"""Collecting experience: the same rows from either engine.

`CompiledRollout` steps a compiled environment inside the training program; `HostRollout` steps Gymnasium
environments in Python. Both hand over `Transitions` of [K, N, ...] and keep the last episodes' statistics.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import runtime
from rlgen.agents.replay import Transitions
from rlgen.environment import CompiledEnv
from rlgen.envs.gymnasium import HostEnvs

EPISODES_KEPT = 100
# What every vector step draws random numbers for.
DRAWS = ("act", "step", "reset")


def episode_scalars(returns: npt.NDArray[Any], lengths: npt.NDArray[Any]) -> dict[str, float]:
    """Means over the episodes kept, nothing before the first has ended; NaN marks an empty place."""
    if np.isnan(returns).all():
        return {}
    return {
        "rollout/ep_rew_mean": float(np.nanmean(returns)),
        "rollout/ep_len_mean": float(np.nanmean(lengths)),
    }


class CompiledRollout:
    """N copies of a compiled environment; everything about them lives in variables.

    Random numbers are counted, not carried: each draw's seed is the step it is made in.
    """

    def __init__(
        self,
        env: CompiledEnv,
        *,
        num_envs: int,
        rows: int,
        seed: int,
        act: Callable[[Any, Any, Any], Any],
        to_env: Callable[[Any], Any] = lambda action: action,
        held_steps: int = 1,
    ) -> None:
        """Reset the environments.

        Args:
            env: what to step.
            num_envs: N.
            rows: the most vector steps one call of `collect` may take.
            seed: of environments and actions.
            act: (observation [N, D], environment steps so far, stateless seed) to actions [N, ...].
            to_env: an action as the agent thinks of it to one the environment takes.
            held_steps: vector steps for which `act` gets the same seed.
        """
        self.env, self.num_envs, self.rows, self.act, self.to_env = env, num_envs, rows, act, to_env
        self.held_steps = held_steps
        self.seeds = runtime.Seeds(seed, *DRAWS, "fresh")
        first = env.reset(num_envs, runtime.stateless(runtime.derive_seed(seed, "first reset"), 0))
        self.state_variable = tf.Variable(first, trainable=False)
        self.elapsed = tf.Variable(tf.zeros((num_envs,), tf.int32), trainable=False)
        self.running_return = tf.Variable(tf.zeros((num_envs,)), trainable=False)
        self.vector_steps = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.returns = tf.Variable(np.full(EPISODES_KEPT, np.nan, np.float32), trainable=False)
        self.lengths = tf.Variable(np.full(EPISODES_KEPT, np.nan, np.float32), trainable=False)
        self._steps = tf.function(self.steps, jit_compile=True, autograph=False)

    def collect(self, count: Any) -> Transitions:
        """`count` vector steps, int32 scalar up to `rows`; fields [count, N, ...]. Graph code, outside XLA."""
        standing, rows, ended = self._steps(count, self.standing(), self.vector_steps)
        self.stand(standing, count)
        self.count_episodes(*(array[:count] for array in ended))
        return Transitions(*(array[:count] for array in rows))

    def standing(self) -> tuple[Any, Any, Any]:
        """Where every environment stands: state [N, S], steps and return of its episode so far [N]."""
        return (self.state_variable.read_value(), self.elapsed.read_value(), self.running_return.read_value())

    def fresh(self, vector_steps: Any) -> tuple[Any, Any, Any]:
        """As `standing`, with every environment at the beginning of a new episode."""
        state = self.env.reset(self.num_envs, self.seeds.draw("fresh", vector_steps))
        return state, tf.zeros((self.num_envs,), tf.int32), tf.zeros((self.num_envs,))

    def stand(self, standing: Any, count: Any) -> None:
        """Keep where the environments stand `count` vector steps later."""
        for variable, value in zip((self.state_variable, self.elapsed, self.running_return), standing, strict=True):
            variable.assign(value)
        self.vector_steps.assign_add(tf.cast(count, tf.int64))

    def count_episodes(self, done: Any, returns: Any, lengths: Any) -> None:
        """Take the episodes that ended, in order, into the statistics; fields [..., N]. Not for XLA."""
        self.returns.assign(tf.concat([self.returns, tf.boolean_mask(returns, done)], 0)[-EPISODES_KEPT:])
        self.lengths.assign(tf.concat([self.lengths, tf.boolean_mask(lengths, done)], 0)[-EPISODES_KEPT:])

    def scalars(self) -> dict[str, float]:
        """Means over the last episodes."""
        return episode_scalars(self.returns.numpy(), self.lengths.numpy())

    def state(self) -> dict[str, Any]:
        """Where every environment stands, and the statistics."""
        return {
            "state": self.state_variable,
            "elapsed": self.elapsed,
            "running_return": self.running_return,
            "vector_steps": self.vector_steps,
            "returns": self.returns,
            "lengths": self.lengths,
            "seeds": self.seeds.variable,
        }

    def close(self) -> None:
        """Nothing to let go of."""

    def steps(self, count: Any, standing: Any, vector_steps: Any) -> tuple[Any, list[Any], list[Any]]:
        """`count` steps from `standing`, compiled code without side effects.

        Returns:
            where everything stands then; the fields of `Transitions`, [rows, N, ...]; and (done, return,
            length) of the episodes, [rows, N]. Rows from `count` on are empty.
        """
        observation = self.env.observe(standing[0])
        action = self.act(observation, vector_steps, runtime.stateless(0, 0))
        per_env, flags = (tf.float32, (self.num_envs,)), (tf.bool, (self.num_envs,))
        seen = (tf.float32, observation.shape)
        kinds = (seen, (action.dtype, action.shape), per_env, flags, flags, seen, flags, per_env, per_env)
        arrays = [tf.TensorArray(kind, self.rows, element_shape=shape) for kind, shape in kinds]

        def step(i: Any, standing: Any, arrays: Any) -> Any:
            standing, transition, ended = self._step(standing, vector_steps + tf.cast(i, tf.int64))
            written = (*transition, *ended)
            return i + 1, standing, [array.write(i, value) for array, value in zip(arrays, written, strict=True)]

        _, standing, arrays = tf.while_loop(
            lambda i, *_: i < count, step, (0, standing, arrays), maximum_iterations=self.rows
        )
        rows = [array.stack() for array in arrays]
        return standing, rows[:6], rows[6:]

    def _step(self, standing: Any, t: Any) -> tuple[Any, Transitions, Any]:
        """One step of every environment; `t` counts vector steps and seeds the draws."""
        state, elapsed, running = standing
        seeds = {use: self.seeds.draw(use, t // self.held_steps if use == "act" else t) for use in DRAWS}
        observation = self.env.observe(state)
        action = self.act(observation, t * self.num_envs, seeds["act"])
        successor, reward, terminated = self.env.step(state, self.to_env(action), seeds["step"])
        elapsed, running = elapsed + 1, running + reward
        truncated = elapsed >= self.env.max_episode_steps
        done = terminated | truncated
        transition = Transitions(observation, action, reward, terminated, truncated, self.env.observe(successor))
        ended = (done, running, tf.cast(elapsed, tf.float32))
        state = tf.where(done[:, None], self.env.reset(self.num_envs, seeds["reset"]), successor)
        return (state, tf.where(done, 0, elapsed), tf.where(done, 0.0, running)), transition, ended


class HostRollout:
    """N Gymnasium environments stepped in Python, acted in by a NumPy policy on the whole batch."""

    def __init__(
        self,
        envs: HostEnvs,
        *,
        seed: int,
        act: Callable[[npt.NDArray[np.float32], int], npt.NDArray[Any]],
        to_env: Callable[[npt.NDArray[Any]], npt.NDArray[Any]] = lambda action: action,
        generator: np.random.Generator,
        held_steps: int = 1,
        count_first_only: bool = False,
    ) -> None:
        """Start counting.

        Args:
            envs: what to step.
            seed: of the episodes, together with the vector steps behind them.
            act: (observation [N, D], environment steps so far) to actions [N, ...].
            to_env: an action as the agent thinks of it to one the environment takes.
            generator: what `act` draws from.
            held_steps: vector steps for which `act` draws the same numbers.
            count_first_only: after a `restart`, take only each environment's first episode into the statistics.
        """
        self.envs, self.act, self.to_env = envs, act, to_env
        self.generator, self.held_steps = generator, held_steps
        self.seed = np.array(seed)
        self.count_first_only, self._counting = count_first_only, np.ones(envs.num_envs, bool)
        self.vector_steps = np.zeros((), np.int64)
        self.running_return = np.zeros(envs.num_envs)
        self.running_length = np.zeros(envs.num_envs)
        self.returns = np.full(EPISODES_KEPT, np.nan)
        self.lengths = np.full(EPISODES_KEPT, np.nan)
        self.seconds = {"act": 0.0, "env": 0.0}
        self._held: Mapping[str, Any] | None = None
        self.restart()

    def collect(self, count: int) -> Transitions:
        """`count` vector steps; NumPy fields [count, N, ...]."""
        rows = []
        for _ in range(count):
            start = time.perf_counter()
            observation = self.envs.observation.copy()
            self._hold_draws()
            action = self.act(observation, int(self.vector_steps) * self.envs.num_envs)
            acted = time.perf_counter()
            step = self.envs.step(self.to_env(action))
            self.seconds["act"] += acted - start
            self.seconds["env"] += time.perf_counter() - acted
            rows.append(
                (
                    observation,
                    action,
                    step.reward,
                    step.terminated,
                    step.truncated,
                    step.final_observation.copy(),
                )
            )
            self.vector_steps += 1
            self._count(step.reward, step.terminated | step.truncated)
        return Transitions(*(np.stack(column) for column in zip(*rows, strict=True)))

    def scalars(self) -> dict[str, float]:
        """Means over the last episodes, and milliseconds since the last call."""
        spent = {f"time/{part}_ms": 1000 * seconds for part, seconds in self.seconds.items()}
        self.seconds = {"act": 0.0, "env": 0.0}
        return {**episode_scalars(self.returns, self.lengths), **spent}

    def state(self) -> HostRollout:
        """Itself: it reads and writes its own state."""
        return self

    def state_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The counter and the statistics; where a Gymnasium environment stands cannot be saved."""
        return {
            "vector_steps": self.vector_steps,
            "returns": self.returns,
            "lengths": self.lengths,
            "seed": self.seed,
        }

    def load_state_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `state_arrays` gave, and begin new episodes: others than the run began with."""
        for name, own in self.state_arrays().items():
            own[...] = arrays[name]
        self.restart()

    def restart(self) -> None:
        """Begin new episodes everywhere; which ones depends on the vector steps so far alone."""
        self.envs.reset(seed=runtime.derive_seed(int(self.seed), int(self.vector_steps)))
        self.running_return[:] = self.running_length[:] = 0
        self._counting[:] = True
        self._held = None

    def close(self) -> None:
        """Close the environments."""
        self.envs.close()

    def _hold_draws(self) -> None:
        """Put the generator back to where this stroke of `held_steps` began."""
        if self.held_steps > 1:
            if self.vector_steps % self.held_steps == 0 or self._held is None:
                self._held = self.generator.bit_generator.state
            self.generator.bit_generator.state = self._held

    def _count(self, reward: npt.NDArray[np.float32], done: npt.NDArray[np.bool_]) -> None:
        self.running_return += reward
        self.running_length += 1
        for i in np.flatnonzero(done):
            for kept, running in ((self.returns, self.running_return), (self.lengths, self.running_length)):
                if self._counting[i]:
                    kept[:-1] = kept[1:]
                    kept[-1] = running[i]
                running[i] = 0
            self._counting[i] = not self.count_first_only
