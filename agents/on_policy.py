"""What agents share that learn from their own latest experience, once: rollouts and updates in turn."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium as gym
import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import runtime
from rlgen.agents.action_heads import action_head
from rlgen.agents.actor_critic import ActorCritic
from rlgen.agents.agent import Agent
from rlgen.agents.normalizer import RunningMoments
from rlgen.agents.replay import Transitions
from rlgen.agents.rollout import CompiledRollout, HostRollout

Floats = npt.NDArray[np.float32]


class OnPolicyAgent(Agent):
    """Base of the agents that roll their policy out, update it, and throw the experience away.

    One step of every environment after another for `rollout_steps`, then one update; on the compiled engine
    many of both in one call. The configuration of a subclass has `rollout_steps`, `hidden_units`, `activation`,
    `normalize_observations`, `learning_rate` and `initial_log_std`.

    Attributes:
        scalar_names: of what `_update` returns, in order.
    """

    serves = (gym.spaces.Discrete, gym.spaces.MultiDiscrete, gym.spaces.Box)
    reseedable = True
    scalar_names: tuple[str, ...]
    # Whether every rollout begins with new episodes.
    restarts: ClassVar[bool] = False

    def __init__(
        self,
        *,
        problem: str,
        config: Any,
        seed: int,
        engine: str,
        shared_network: bool,
        value_units: Sequence[int] = (),
    ) -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self.head = action_head(self.action_space, initial_log_std=config.initial_log_std)
        self.network = ActorCritic(
            observation_size=self.observation_size,
            outputs=self.head.outputs,
            hidden_units=config.hidden_units,
            activation=config.activation,
            shared=shared_network,
            seed=runtime.derive_seed(seed, "network"),
            value_units=value_units,
        )
        self.observations = RunningMoments((self.observation_size,))
        # Experience is learned from whole, so a run is made of whole iterations.
        self.step_quantum = config.num_envs * config.rollout_steps
        self._chunk_iterations = max(1, 16_384 // self.step_quantum if self.engine == "compiled" else 64)
        self.chunk_steps = self._chunk_iterations * self.step_quantum
        self._twin: Any = None
        self._built = False

    @abc.abstractmethod
    def _update(self, rows: Transitions) -> Any:
        """One gradient step on the rollout `rows`, fields [T, N, ...]; the scalars, float32 [S]. Compiled code."""

    def policy(self, observations: Floats) -> npt.NDArray[Any]:
        """The most probable action, as the environment takes it."""
        return self.head.to_environment(self.head.mode(self._numpy_parameters(observations)))

    def inference_state(self) -> dict[str, Any]:
        """The networks and what the observations are normalised by."""
        self._twin = None
        return {"network": self.network, "head": self.head.variables, "observations": self.observations.state()}

    def state(self) -> dict[str, Any]:
        """Everything a resume needs."""
        self._build()
        return {
            **self.inference_state(),
            "optimizer": self.optimizer,
            "rollout": self._rollout.state(),
            "updates": self.updates,
            "generator": self.generator,
        }

    def train(self, steps: int) -> dict[str, float]:
        """Take `steps` environment steps, an update after every `rollout_steps` of each environment."""
        self._build()
        iterations = steps // self.step_quantum
        before = int(self.updates.numpy())
        advance = self._advance_compiled if self.engine == "compiled" else self._advance_on_host
        sums = np.zeros(len(self.scalar_names))
        while iterations:
            count = min(iterations, self._chunk_iterations)
            sums += advance(count)
            iterations -= count
        self._twin = None
        updates = int(self.updates.numpy())
        means = sums / max(updates - before, 1)
        return {
            **self._rollout.scalars(),
            **{name: float(mean) for name, mean in zip(self.scalar_names, means, strict=True)},
            "train/learning_rate": float(self.optimizer.learning_rate.numpy()),
            "counters/env_steps": updates * self.step_quantum,
            "counters/updates": updates,
        }

    def close(self) -> None:
        """Close the training environments."""
        if self._built:
            self._rollout.close()

    # ---- rollouts and updates in turn -----------------------------------------------------------------

    def _advance_graph(self, iterations: Any) -> Any:
        """Rollouts and updates in turn; sums of the scalars, and the episodes that ended, [iterations, T, N]."""
        rollout, limit = self._rollout, self._chunk_iterations
        rows, envs = self.config.rollout_steps, self.config.num_envs
        kinds = (tf.bool, tf.float32, tf.float32)
        arrays = [tf.TensorArray(kind, limit, element_shape=(rows, envs)) for kind in kinds]

        def iteration(i: Any, t: Any, standing: Any, sums: Any, arrays: Any) -> Any:
            standing = rollout.fresh(t) if self.restarts else standing
            standing, columns, ended = rollout.steps(tf.constant(rows), standing, t)
            sums += self._update(Transitions(*columns))
            ended = self._counted(*ended)
            return i + 1, t + rows, standing, sums, [a.write(i, e) for a, e in zip(arrays, ended, strict=True)]

        start = (0, rollout.vector_steps.read_value(), rollout.standing(), tf.zeros(len(self.scalar_names)), arrays)
        _, _, standing, sums, arrays = tf.while_loop(
            lambda i, *_: i < iterations, iteration, start, maximum_iterations=limit
        )
        rollout.stand(standing, iterations * rows)
        return sums, [array.stack() for array in arrays]

    def _advance_compiled(self, iterations: int) -> npt.NDArray[Any]:
        sums, ended = self._advance(tf.constant(iterations))
        self._rollout.count_episodes(*(field[:iterations] for field in ended))
        return np.asarray(sums)

    def _advance_on_host(self, iterations: int) -> npt.NDArray[Any]:
        sums = np.zeros(len(self.scalar_names))
        with runtime.one_blas_thread():
            for _ in range(iterations):
                if self.restarts:
                    self._rollout.restart()
                rows = self._rollout.collect(self.config.rollout_steps)
                sums += self._compiled_update(*(tf.constant(column) for column in rows)).numpy()
                self._twin = None
        return sums

    # ---- parts ----------------------------------------------------------------------------------------

    def _build(self) -> None:
        """Everything only training needs, once, when it is first needed."""
        if self._built:
            return
        self._build_learner()
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.generator = runtime.generator(self.seed, "exploration")
        self._rollout = self._new_rollout()
        self._advance = tf.function(self._advance_graph, jit_compile=True, autograph=False)
        self._compiled_update = tf.function(
            lambda *columns: self._update(Transitions(*columns)), jit_compile=True, autograph=False
        )
        self._built = True

    def _build_learner(self) -> None:
        """The optimizer, and what else an update needs."""
        self.optimizer = keras.optimizers.Adam(self.config.learning_rate)
        self.optimizer.build(self._learned())

    def _learned(self) -> list[Any]:
        """The variables that learn."""
        return [*self.network.trainable_variables, *self.head.variables]

    def _counted(self, done: Any, returns: Any, lengths: Any) -> tuple[Any, Any, Any]:
        """Of the episodes that ended in a compiled rollout, [T, N], those for the statistics."""
        return done, returns, lengths

    def _new_rollout(self) -> Any:
        if self.engine == "gymnasium":
            return HostRollout(
                self.training_envs(),
                seed=runtime.derive_seed(self.seed, "episodes"),
                act=self._explore_on_host,
                to_env=self.head.to_environment,
                generator=self.generator,
                held_steps=self.config.exploration_held_steps,
                count_first_only=self.restarts,
            )
        return CompiledRollout(
            self.training_env(),
            num_envs=self.config.num_envs,
            rows=self.config.rollout_steps,
            seed=runtime.derive_seed(self.seed, "rollout"),
            act=lambda o, _, seed: self.head.sample(self.network.policy(self._normalized(o)), seed),
            to_env=self.head.to_compiled_environment,
            held_steps=self.config.exploration_held_steps,
        )

    def _explore_on_host(self, observation: Floats, env_steps: int) -> npt.NDArray[Any]:
        return self.head.sample_on_host(self._numpy_parameters(observation), self.generator)

    def _numpy_parameters(self, observations: Floats) -> Floats:
        if self._twin is None:
            self._twin = self.network.numpy_policy()
        if self.config.normalize_observations:
            observations = self.observations.numpy_normalize(observations)
        return self._twin(observations)

    def _normalized(self, observation: Any) -> Any:
        return self.observations.normalize(observation) if self.config.normalize_observations else observation


def flat(x: Any) -> Any:
    """[T, N, ...] as [T * N, ...]."""
    return tf.reshape(x, (-1, *x.shape[2:]))
