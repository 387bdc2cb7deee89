"""Collecting experience: the same rows from either engine.

`CompiledRollout` steps a compiled environment inside the training program; `HostRollout` steps Gymnasium
environments in Python. Both hand over `Transitions` of [K, N, ...] with the `Episodes` that ended in them, and keep
the statistics of those that are counted.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import loops, runtime
from rlgen.agents.columns import Columns
from rlgen.agents.trajectory import Episodes, Transitions
from rlgen.environment import CompiledEnv
from rlgen.envs.host import HostEnvs, Step
from rlgen.spec import Spec

EPISODES_KEPT = 100
# How a program hands over the episodes that ended.
EPISODES = Columns(Episodes(done=Spec((), "bool"), returns=Spec(()), lengths=Spec(())))
# What every vector step draws random numbers for.
DRAWS = ("act", "step", "reset")


class Rollout(abc.ABC):
    """N environments and where they stand.

    Attributes:
        num_envs: N.
        vector_steps: steps of each environment so far, int64 scalar.
        returns: of the last episodes counted, [EPISODES_KEPT], NaN where there is none yet.
        lengths: of the same, environment steps.
    """

    num_envs: int
    vector_steps: Any
    returns: Any
    lengths: Any

    @abc.abstractmethod
    def count(self, episodes: Episodes) -> None:
        """Take episodes, in order, into the statistics."""

    @abc.abstractmethod
    def state(self) -> Any:
        """For a checkpoint."""

    def scalars(self) -> dict[str, float]:
        """Means over the last episodes counted; nothing before the first."""
        returns, lengths = np.asarray(self.returns), np.asarray(self.lengths)
        if np.isnan(returns).all():
            return {}
        return {
            "rollout/ep_rew_mean": float(np.nanmean(returns)),
            "rollout/ep_len_mean": float(np.nanmean(lengths)),
        }


class Drawn(NamedTuple):
    """All that a stretch of steps draws, at once: one draw of many numbers is far cheaper than many of a few.

    Attributes:
        first: the vector step with which the stretch begins.
        noise: what exploring draws, in any nesting, [rows or 2 rows, N, ...].
        first_noise: the number of the first of these.
        fresh: first states of new episodes, [rows, N, S].
    """

    first: Any
    noise: Any
    first_noise: Any
    fresh: Any


class CompiledRollout(Rollout):
    """N copies of a compiled environment; everything about them lives in variables.

    Random numbers are counted, not carried: each draw's seed is the step it is made for. They are drawn for a stretch
    of `rows` steps at once, which begins at a multiple of `rows`.
    """

    def __init__(
        self,
        env: CompiledEnv,
        *,
        num_envs: int,
        rows: int,
        seed: int,
        draw: Callable[[int, Any], Any],
        act: Callable[[Any, Any, Any], Any],
        to_env: Callable[[Any], Any] = lambda action: action,
        repeat_steps: int = 1,
    ) -> None:
        """Reset the environments.

        Args:
            env: what to step.
            num_envs: N.
            rows: vector steps of a stretch.
            seed: of environments and actions.
            draw: (how many steps K, stateless seed) to what `act` draws for so many, in any nesting, [K, N, ...].
            act: (observation [N, *shape], environment steps so far, what was drawn for it) to actions, [N, ...].
            to_env: an action as the agent thinks of it to one the environment takes.
            repeat_steps: vector steps for which `act` gets the same draw.
        """
        self.env, self.num_envs, self.rows = env, num_envs, rows
        self.draw, self.act, self.to_env, self.repeat_steps = draw, act, to_env, repeat_steps
        self.seeds = runtime.Seeds(seed, *DRAWS, "fresh")
        first = env.reset(num_envs, runtime.stateless(runtime.derive_seed(seed, "first reset"), 0))
        self.state_variable = tf.Variable(first, trainable=False)
        self.elapsed = tf.Variable(tf.zeros((num_envs,), tf.int32), trainable=False)
        self.running_return = tf.Variable(tf.zeros((num_envs,)), trainable=False)
        self.vector_steps = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.returns = tf.Variable(np.full(EPISODES_KEPT, np.nan, np.float32), trainable=False)
        self.lengths = tf.Variable(np.full(EPISODES_KEPT, np.nan, np.float32), trainable=False)

    def standing(self) -> tuple[Any, Any, Any]:
        """Where every environment stands: state [N, S], steps and return of its episode so far [N]."""
        return (self.state_variable.read_value(), self.elapsed.read_value(), self.running_return.read_value())

    def stand(self, standing: Any, count: Any) -> None:
        """Keep where the environments stand `count` vector steps later."""
        for variable, value in zip((self.state_variable, self.elapsed, self.running_return), standing, strict=True):
            variable.assign(value)
        self.vector_steps.assign_add(tf.cast(count, tf.int64))

    def fresh(self, vector_steps: Any) -> tuple[Any, Any, Any]:
        """As `standing`, with every environment at the beginning of a new episode."""
        state = self.env.reset(self.num_envs, self.seeds.draw("fresh", vector_steps))
        return state, tf.zeros((self.num_envs,), tf.int32), tf.zeros((self.num_envs,))

    def count(self, episodes: Episodes) -> None:
        """As the base says; on the host, where choosing some of many numbers takes least."""
        done, *both = (np.asarray(field) for field in episodes)
        for kept, values in zip((self.returns, self.lengths), both, strict=True):
            kept.assign(np.concatenate([kept.numpy(), values[done]])[-EPISODES_KEPT:])

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

    # ---- compiled code without side effects -----------------------------------------------------------

    def drawn(self, t: Any) -> Drawn:
        """What the stretch draws that the vector step `t`, int64 scalar, is in."""
        stretch = t // self.rows
        first = stretch * self.rows
        state = self.env.reset(self.rows * self.num_envs, self.seeds.draw("reset", stretch))
        fresh = tf.reshape(state, (self.rows, self.num_envs, *state.shape[1:]))
        if self.repeat_steps == 1:
            return Drawn(first, self.draw(self.rows, self.seeds.draw("act", stretch)), first, fresh)
        # Steps that repeat a draw are counted in draws; those of a stretch may reach into the next lot of them.
        lot = (first // self.repeat_steps) // self.rows
        lots = (self.draw(self.rows, self.seeds.draw("act", lot + i)) for i in range(2))
        noise = tf.nest.map_structure(lambda *parts: tf.concat(parts, 0), *lots)
        return Drawn(first, noise, lot * self.rows, fresh)

    def step(self, standing: Any, t: Any, drawn: Drawn) -> tuple[Any, Transitions, Episodes]:
        """The vector step `t`, int64 scalar; where everything stands then, and fields [N, ...]."""
        state, elapsed, running = standing
        observation = self.env.observe(state)
        noise = tf.nest.map_structure(lambda x: tf.gather(x, t // self.repeat_steps - drawn.first_noise), drawn.noise)
        action = self.act(observation, t * self.num_envs, noise)
        successor, reward, terminated = self.env.step(state, self.to_env(action), self.seeds.draw("step", t))
        elapsed, running = elapsed + 1, running + reward
        truncated = elapsed >= self.env.max_episode_steps
        done = terminated | truncated
        transition = Transitions(observation, action, reward, terminated, truncated, self.env.observe(successor))
        ended = Episodes(done, running, tf.cast(elapsed, tf.float32))
        state = tf.where(done[:, None], tf.gather(drawn.fresh, t - drawn.first), successor)
        return (state, tf.where(done, 0, elapsed), tf.where(done, 0.0, running)), transition, ended

    def steps(self, standing: Any, t: Any) -> tuple[Any, Transitions, Episodes]:
        """A whole stretch from the vector step `t`, a multiple of `rows`; fields [rows, N, ...]."""
        drawn, columns = self.drawn(t), self._columns(standing)

        def body(i: Any, standing: Any, whole: Any) -> Any:
            standing, transition, ended = self.step(standing, t + tf.cast(i, tf.int64), drawn)
            row = columns.pack((*transition, *ended), (1, self.num_envs))
            return i + 1, standing, loops.put(whole, row, i)

        whole = tf.zeros((self.rows, self.num_envs, columns.width))
        _, standing, whole = tf.while_loop(
            lambda i, *_: i < self.rows, body, (0, standing, whole), maximum_iterations=self.rows
        )
        fields = columns.unpack(whole)
        return standing, Transitions(*fields[:6]), Episodes(*fields[6:])

    def _columns(self, standing: Any) -> Columns:
        """What a step gives, nine fields; nothing of it is computed."""
        observation = self.env.observe(standing[0])
        noise = tf.nest.map_structure(lambda x: x[0], self.draw(1, runtime.stateless(0, 0)))
        action = self.act(observation, tf.constant(0, tf.int64), noise)
        seen, chosen = (Spec(tuple(x.shape[1:]), x.dtype.name) for x in (observation, action))
        number, flag = Spec(()), Spec((), "bool")
        return Columns([seen, chosen, number, flag, flag, seen, flag, number, number])


class HostRollout(Rollout):
    """N Gymnasium environments stepped in Python, acted in on the whole batch."""

    def __init__(
        self,
        envs: HostEnvs,
        *,
        seed: int,
        act: Callable[[npt.NDArray[Any], int], npt.NDArray[Any]],
        to_env: Callable[[npt.NDArray[Any]], npt.NDArray[Any]] = lambda action: action,
        generator: np.random.Generator,
        repeat_steps: int = 1,
        ahead: bool = False,
    ) -> None:
        """Begin the first episodes.

        Args:
            envs: what to step.
            seed: of the episodes, together with the vector steps behind them.
            act: (observation [N, *shape], environment steps so far) to actions [N, ...].
            to_env: an action as the agent thinks of it to one the environment takes.
            generator: what `act` draws from.
            repeat_steps: vector steps for which `act` draws the same numbers.
            ahead: whether the first step of the next `collect` begins before this one returns, so that environments
                step while something is learned: with what was known before.
        """
        self._restarted, self._ahead = False, ahead
        self.envs, self.num_envs, self.act, self.to_env = envs, envs.num_envs, act, to_env
        self.generator, self.repeat_steps = generator, repeat_steps
        self.seed = np.array(seed)
        self.vector_steps = np.zeros((), np.int64)
        self.running_return = np.zeros(envs.num_envs)
        self.running_length = np.zeros(envs.num_envs)
        self.returns = np.full(EPISODES_KEPT, np.nan)
        self.lengths = np.full(EPISODES_KEPT, np.nan)
        self.seconds = {"act": 0.0, "env": 0.0}
        self._pending: tuple[Any, Any] | None = None
        self._repeated: Mapping[str, Any] | None = None
        self.restart()

    @property
    def restarted(self) -> bool:
        """Whether the next `collect` begins new episodes everywhere, not where the last one left off."""
        return self._restarted or self.envs.lost

    def collect(self, count: int) -> tuple[Transitions, Episodes]:
        """`count` steps of every environment, NumPy fields [count, N, ...], and the episodes that ended."""
        if self.envs.lost:
            self.restart()
        self._restarted = False
        rows, ended = [], []
        for _ in range(count):
            observation, action = self._pending or self._begin()
            self._pending = None
            begun = time.perf_counter()
            step = self.envs.finish()
            self.seconds["env"] += time.perf_counter() - begun
            rows.append(Transitions(observation, action, *step[:4]))
            ended.append(self._ended(step))
            self.vector_steps += 1
        if self._ahead:
            self._pending = self._begin()
        return (
            Transitions(*(np.stack(column) for column in zip(*rows, strict=True))),
            Episodes(*(np.stack(column) for column in zip(*ended, strict=True))),
        )

    def _begin(self) -> tuple[Any, Any]:
        """Begin a step of every environment: what is seen, and the actions."""
        start = time.perf_counter()
        observation = self.envs.observation
        self._repeat_draws()
        action = self.act(observation, int(self.vector_steps) * self.num_envs)
        self.seconds["act"] += time.perf_counter() - start
        self.envs.begin(self.to_env(action))
        return observation, action

    def count(self, episodes: Episodes) -> None:
        """As the base says."""
        for kept, values in ((self.returns, episodes.returns), (self.lengths, episodes.lengths)):
            kept[:] = np.concatenate([kept, values[episodes.done]])[-EPISODES_KEPT:]

    def scalars(self) -> dict[str, float]:
        """As the base says, and milliseconds since the last call."""
        spent = {f"time/{part}_ms": 1000 * seconds for part, seconds in self.seconds.items()}
        self.seconds = {"act": 0.0, "env": 0.0}
        return {**super().scalars(), **spent}

    def state(self) -> HostRollout:
        """Itself: it reads and writes its own state."""
        return self

    def state_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The counter and the statistics; where a Gymnasium environment stands cannot be saved."""
        return {name: own.copy() for name, own in self._lasting().items()}

    def load_state_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `state_arrays` gave, and begin new episodes: others than the run began with."""
        for name, own in self._lasting().items():
            own[...] = arrays[name]
        self.restart()

    def restart(self) -> None:
        """Begin new episodes everywhere; which ones depends on the vector steps so far alone."""
        if self._pending and not self.envs.lost:
            self.envs.finish()  # It leads nowhere, but nothing else can begin before.
        self.envs.reset(seed=runtime.derive_seed(int(self.seed), int(self.vector_steps)))
        self.running_return[:] = self.running_length[:] = 0
        self._repeated, self._restarted, self._pending = None, True, None

    def _lasting(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "vector_steps": self.vector_steps,
            "returns": self.returns,
            "lengths": self.lengths,
            "seed": self.seed,
        }

    def _ended(self, step: Step) -> Episodes:
        """The episodes that this step ended, as they are to be reported; what runs on begins with the next one."""
        over = step.terminated | step.truncated if step.over is None else step.over
        self.running_return += step.reward if step.score is None else step.score
        self.running_length += 1
        ended = Episodes(over, self.running_return.copy(), self.running_length.copy())
        self.running_return[over] = self.running_length[over] = 0
        return ended

    def _repeat_draws(self) -> None:
        """Put the generator back to where these `repeat_steps` began."""
        if self.repeat_steps > 1:
            if self.vector_steps % self.repeat_steps == 0 or self._repeated is None:
                self._repeated = self.generator.bit_generator.state
            self.generator.bit_generator.state = self._repeated
