"""Advantage actor-critic, synchronous, for discrete and continuous actions.

Source: Mnih et al. (2016), "Asynchronous methods for deep reinforcement learning", without the asynchrony; the
advantages are Schulman et al.'s (2016).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import runtime
from rlgen.agents.action_heads import action_head
from rlgen.agents.actor_critic import ActorCritic
from rlgen.agents.advantages import explained_variance, gae, normalized
from rlgen.agents.agent import Agent, AgentConfig
from rlgen.agents.normalizer import RunningMoments
from rlgen.agents.replay import Transitions
from rlgen.agents.rollout import CompiledRollout, HostRollout
from rlgen.config import load_presets, option
from rlgen.networks import Activation, clip_by_global_norm

Floats = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, kw_only=True)
class A2CConfig(AgentConfig):
    """How experience is collected and learned from, once, before it is thrown away."""

    presets = load_presets(Path(__file__).with_name("presets") / "a2c.json")

    num_envs: int = option(8, "Environments stepped together.", at_least=1, at_most=65_536)
    rollout_steps: int = option(8, "Steps of every environment before an update.", at_least=1)
    gae_decay: float = option(0.95, "lambda of the advantages; 1 gives n-step returns.", at_least=0, at_most=1)
    hidden_units: tuple[int, ...] = option((64, 64), "Units of the hidden layers.", at_least=1)
    activation: Activation = option("tanh", "Between the layers.")
    shared_network: bool = option(False, "Let policy and value share the hidden layers.")
    optimizer: Literal["adam", "rmsprop"] = option(
        "adam", "RMSprop is TensorFlow 1's: decay .99, epsilon 1e-5 inside the root, the average starting at ones."
    )
    learning_rate: float = option(2e-3, "Step size at the start.", above=0)
    learning_rate_decay_env_steps: int | None = option(
        None, "Environment steps in which the step size falls to 0 in a straight line; none: it stays.", at_least=1
    )
    value_weight: float = option(0.5, "Weight of the value loss.", at_least=0)
    entropy_weight: float = option(0.0, "Weight of the entropy bonus.", at_least=0)
    max_grad_norm: float | None = option(0.5, "Gradients are scaled down to this global norm.", above=0)
    normalize_advantages: bool = option(True, "Give the advantages of an update mean 0 and deviation 1.")
    normalize_observations: bool = option(False, "Take off the running mean, divide by the running deviation.")
    normalize_rewards: bool = option(False, "Divide rewards by the running deviation of the discounted returns.")
    initial_log_std: float = option(0.0, "Of continuous actions, in units of half their range.")


def a2c_loss(log_prob: Any, advantage: Any, value: Any, returns: Any, entropy: Any, config: A2CConfig) -> Any:
    """(total, policy loss, value loss): -E[log pi(a|s) A] + c_v E[(R - V)^2] - c_e H; all inputs float32 [B].

    No gradient flows through advantages and returns.
    """
    policy = -tf.reduce_mean(log_prob * tf.stop_gradient(advantage))
    squared = tf.reduce_mean((tf.stop_gradient(returns) - value) ** 2)
    return policy + config.value_weight * squared - config.entropy_weight * tf.reduce_mean(entropy), policy, squared


class A2C(Agent):
    """Advantage actor-critic: a policy that follows its gradient, and a value that tells it what was good.

    One step of every environment after another for `rollout_steps`, then one update; on the compiled engine
    many of both in one call.
    """

    Config = A2CConfig
    serves = (gym.spaces.Discrete, gym.spaces.MultiDiscrete, gym.spaces.Box)
    default_steps = 500_000
    scalar_names = (
        "train/loss",
        "train/policy_loss",
        "train/value_loss",
        "train/entropy_loss",
        "train/explained_variance",
        "train/grad_norm",
    )

    def __init__(self, *, problem: str, config: A2CConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self.head = action_head(self.action_space, initial_log_std=config.initial_log_std)
        self.network = ActorCritic(
            observation_size=self.observation_size,
            outputs=self.head.outputs,
            hidden_units=config.hidden_units,
            activation=config.activation,
            shared=config.shared_network,
            seed=runtime.derive_seed(seed, "network"),
        )
        self.observations = RunningMoments((self.observation_size,))
        # Experience is learned from whole, so a run is made of whole iterations.
        self.step_quantum = config.num_envs * config.rollout_steps
        self._chunk_iterations = max(1, 16_384 // self.step_quantum if self.engine == "compiled" else 64)
        self.chunk_steps = self._chunk_iterations * self.step_quantum
        self._twin: Any = None
        self._built = False

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
            "returns": self.returns.state(),
            "running_return": self.running_return,
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

    # ---- one iteration, compiled ----------------------------------------------------------------------

    def _update(self, rows: Transitions) -> Any:
        """One gradient step on the rollout `rows`, fields [T, N, ...]; returns the scalars, float32 [6]."""
        config = self.config
        self._set_learning_rate()
        rewards = self._normalized_rewards(rows)
        seen, following = (self._normalized(o) for o in (rows.observation, rows.next_observation))
        next_value = self._next_values(rows, following)
        observation, action = _flat(seen), _flat(rows.action)
        variables = [*self.network.trainable_variables, *self.head.variables]
        with tf.GradientTape() as tape:
            parameters, value = self.network(observation)
            advantage = gae(
                rewards,
                tf.stop_gradient(tf.reshape(value, rewards.shape)),
                next_value,
                rows.terminated,
                rows.truncated,
                discount=config.discount,
                decay=config.gae_decay,
            )
            advantage = tf.reshape(advantage, (-1,))
            returns = tf.stop_gradient(advantage + value)
            entropy = self.head.entropy(parameters)
            weighted = normalized(advantage) if config.normalize_advantages else advantage
            losses = a2c_loss(self.head.log_prob(parameters, action), weighted, value, returns, entropy, config)
        gradients, norm = clip_by_global_norm(tape.gradient(losses[0], variables), config.max_grad_norm)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        self.updates.assign_add(1)
        # Fed only now: acting and learning of one iteration see the same normalisation.
        self._feed(rows)
        return tf.stack([*losses, -tf.reduce_mean(entropy), explained_variance(value, returns), norm])

    def _next_values(self, rows: Transitions, following: Any) -> Any:
        """V of the true successors, [T, N]: mostly the next row's; asked for all only where one was truncated."""
        shape = rows.reward.shape

        def all_of_them() -> Any:
            return tf.reshape(self.network.value(_flat(following)), shape)

        def of_the_next_row() -> Any:
            values = self.network.value(_flat(self._normalized(rows.observation[1:])))
            last = self.network.value(following[-1])
            return tf.concat([tf.reshape(values, (shape[0] - 1, shape[1])), last[None]], 0)

        if shape[0] == 1:
            return all_of_them()
        return tf.cond(tf.reduce_any(rows.truncated), all_of_them, of_the_next_row)

    def _advance_graph(self, iterations: Any) -> Any:
        """Rollouts and updates in turn; sums of the scalars, and the episodes that ended, [iterations, T, N]."""
        rollout, limit = self._rollout, self._chunk_iterations
        rows, envs = self.config.rollout_steps, self.config.num_envs
        kinds = (tf.bool, tf.float32, tf.float32)
        arrays = [tf.TensorArray(kind, limit, element_shape=(rows, envs)) for kind in kinds]

        def iteration(i: Any, t: Any, standing: Any, sums: Any, arrays: Any) -> Any:
            standing, columns, ended = rollout.steps(tf.constant(rows), standing, t)
            sums += self._update(Transitions(*columns))
            return i + 1, t + rows, standing, sums, [a.write(i, e) for a, e in zip(arrays, ended, strict=True)]

        start = (0, rollout.vector_steps.read_value(), rollout.standing(), tf.zeros(len(self.scalar_names)), arrays)
        _, _, standing, sums, arrays = tf.while_loop(
            lambda i, *_: i < iterations, iteration, start, maximum_iterations=limit
        )
        rollout.stand(standing, iterations * rows)
        return sums, [array.stack() for array in arrays]

    # ---- parts ----------------------------------------------------------------------------------------

    def _advance_compiled(self, iterations: int) -> npt.NDArray[Any]:
        sums, ended = self._advance(tf.constant(iterations))
        self._rollout.count_episodes(*(field[:iterations] for field in ended))
        return np.asarray(sums)

    def _advance_on_host(self, iterations: int) -> npt.NDArray[Any]:
        sums = np.zeros(len(self.scalar_names))
        with runtime.one_blas_thread():
            for _ in range(iterations):
                rows = self._rollout.collect(self.config.rollout_steps)
                sums += self._compiled_update(*(tf.constant(column) for column in rows)).numpy()
                self._twin = None
        return sums

    def _build(self) -> None:
        """Everything only training needs, once, when it is first needed."""
        if self._built:
            return
        config = self.config
        if config.optimizer == "adam":
            self.optimizer = keras.optimizers.Adam(config.learning_rate)
        else:
            self.optimizer = keras.optimizers.RMSprop(config.learning_rate, rho=0.99, epsilon=1e-5)
        self.optimizer.build([*self.network.trainable_variables, *self.head.variables])
        if config.optimizer == "rmsprop":
            for average in self.optimizer._velocities:
                average.assign(tf.ones(average.shape))
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.returns = RunningMoments(())
        self.running_return = tf.Variable(tf.zeros((config.num_envs,)), trainable=False)
        self.generator = runtime.generator(self.seed, "exploration")
        self._rollout = self._new_rollout()
        self._advance = tf.function(self._advance_graph, jit_compile=True, autograph=False)
        self._compiled_update = tf.function(
            lambda *columns: self._update(Transitions(*columns)), jit_compile=True, autograph=False
        )
        self._built = True

    def _new_rollout(self) -> Any:
        if self.engine == "gymnasium":
            seed = runtime.derive_seed(self.seed, "resumed environments")
            return HostRollout(
                self.training_envs(), seed=seed, act=self._explore_on_host, to_env=self.head.to_environment
            )
        return CompiledRollout(
            self.training_env(),
            num_envs=self.config.num_envs,
            rows=self.config.rollout_steps,
            seed=runtime.derive_seed(self.seed, "rollout"),
            act=lambda o, _, seed: self.head.sample(self.network.policy(self._normalized(o)), seed),
            to_env=self.head.to_compiled_environment,
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

    def _normalized_rewards(self, rows: Transitions) -> Any:
        if not self.config.normalize_rewards:
            return rows.reward
        return tf.clip_by_value(rows.reward / tf.sqrt(self.returns.variance + 1e-8), -10.0, 10.0)

    def _feed(self, rows: Transitions) -> None:
        """Let the normalisers see the rollout."""
        if self.config.normalize_observations:
            self.observations.feed(rows.observation)
        if self.config.normalize_rewards:
            returns, running = [], self.running_return.read_value()
            ended = tf.cast(rows.terminated | rows.truncated, tf.float32)
            for t in range(self.config.rollout_steps):
                running = rows.reward[t] + self.config.discount * running
                returns.append(running)
                running *= 1.0 - ended[t]
            self.running_return.assign(running)
            self.returns.feed(tf.stack(returns))

    def _set_learning_rate(self) -> None:
        decay = self.config.learning_rate_decay_env_steps
        if decay is not None:
            done = tf.cast(self.updates * self.step_quantum, tf.float32) / decay
            self.optimizer.learning_rate.assign(self.config.learning_rate * tf.maximum(1.0 - done, 0.0))


def _flat(x: Any) -> Any:
    """[T, N, ...] as [T * N, ...]."""
    return tf.reshape(x, (-1, *x.shape[2:]))
