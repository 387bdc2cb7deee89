"""Advantage actor-critic, synchronous, for discrete and continuous actions.

Source: Mnih et al. (2016), "Asynchronous methods for deep reinforcement learning", without the asynchrony; the
advantages are Schulman et al.'s (2016).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

import keras
import tensorflow as tf

from rlgen.agents.action_heads import CategoricalHead
from rlgen.agents.advantages import explained_variance, gae, normalized
from rlgen.agents.agent import BootstrapConfig
from rlgen.agents.normalizer import RunningMoments
from rlgen.agents.on_policy import OnPolicyAgent, flat
from rlgen.agents.replay import Transitions, as_learned
from rlgen.config import load_presets, option
from rlgen.errors import UserError
from rlgen.networks import Activation, clip_by_global_norm


@dataclasses.dataclass(frozen=True, kw_only=True)
class A2CConfig(BootstrapConfig):
    """How experience is collected and learned from, once, before it is thrown away."""

    presets = load_presets(Path(__file__).with_name("presets") / "a2c.json")

    num_envs: int = option(8, "Environments stepped together.", at_least=1, at_most=65_536)
    rollout_steps: int = option(8, "Steps of every environment before an update.", at_least=1)
    gae_decay: float = option(0.95, "lambda of the advantages; 1 gives n-step returns.", at_least=0, at_most=1)
    hidden_units: tuple[int, ...] = option((64, 64), "Units of the hidden layers.", at_least=1)
    activation: Activation = option("tanh", "Between the layers.")
    shared_network: bool = option(False, "Let policy and value share the hidden layers.")
    value_hidden_units: tuple[int, ...] = option(
        (), "Units of the value's hidden layers, hidden_units unless given.", at_least=1
    )
    optimizer: Literal["adam", "rmsprop"] = option(
        "adam", "RMSprop is TensorFlow 1's: decay .99, epsilon 1e-5 inside the root, the average starting at ones."
    )
    learning_rate: float = option(2e-3, "Step size at the start.", above=0)
    value_learning_rate: float | None = option(
        None, "Step size of the value's network at the start; none: learning_rate.", above=0
    )
    learning_rate_decay_env_steps: int | None = option(
        None, "Environment steps in which the step size falls to 0 in a straight line; none: it stays.", at_least=1
    )
    double_softmax: bool = option(
        False, "A mistake: take the probabilities for logits in the policy loss; `Discrete` actions only."
    )
    value_weight: float = option(0.5, "Weight of the value loss.", at_least=0)
    entropy_weight: float = option(0.0, "Weight of the entropy bonus.", at_least=0)
    max_grad_norm: float | None = option(0.5, "Gradients are scaled down to this global norm.", above=0)
    normalize_advantages: bool = option(True, "Give the advantages of an update mean 0 and deviation 1.")
    normalize_observations: bool = option(False, "Take off the running mean, divide by the running deviation.")
    normalize_rewards: bool = option(False, "Divide rewards by the running deviation of the discounted returns.")
    initial_log_std: float = option(0.0, "Of continuous actions, in units of half their range.")

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        for field in ("value_hidden_units", "value_learning_rate"):
            if getattr(self, field) and self.shared_network:
                raise UserError(
                    f"{field} is for a value with a network of its own: set shared_network=false, or leave it."
                )
        if self.reward_scale != 1 and self.normalize_rewards:
            raise UserError("normalize_rewards undoes reward_scale: leave one out.")


def a2c_loss(log_prob: Any, advantage: Any, value: Any, returns: Any, entropy: Any, config: A2CConfig) -> Any:
    """(total, policy loss, value loss): -E[log pi(a|s) A] + c_v E[(R - V)^2] - c_e H; all inputs float32 [B].

    No gradient flows through advantages and returns.
    """
    policy = -tf.reduce_mean(log_prob * tf.stop_gradient(advantage))
    squared = tf.reduce_mean((tf.stop_gradient(returns) - value) ** 2)
    return policy + config.value_weight * squared - config.entropy_weight * tf.reduce_mean(entropy), policy, squared


class A2C(OnPolicyAgent):
    """Advantage actor-critic: a policy that follows its gradient, and a value that tells it what was good.

    One step of every environment after another for `rollout_steps`, then one update; on the compiled engine
    many of both in one call.
    """

    Config = A2CConfig
    default_steps = 500_000
    value_optimizer: Any = None
    scalar_names = (
        "train/loss",
        "train/policy_loss",
        "train/value_loss",
        "train/entropy_loss",
        "train/explained_variance",
        "train/grad_norm",
    )

    def __init__(self, *, problem: str, config: A2CConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(
            problem=problem,
            config=config,
            seed=seed,
            engine=engine,
            shared_network=config.shared_network,
            value_units=config.value_hidden_units,
        )
        if config.double_softmax and not isinstance(self.head, CategoricalHead):
            raise UserError(
                f"double_softmax takes probabilities for logits, and '{problem}' takes actions in {self.action_space}, "
                "not one of a number: leave it."
            )

    def state(self) -> dict[str, Any]:
        """Everything a resume needs."""
        shared = super().state()
        own = {} if self.value_optimizer is None else {"value_optimizer": self.value_optimizer}
        return {**shared, **own, "returns": self.returns.state(), "running_return": self.running_return}

    def _update(self, rows: Transitions) -> Any:
        """One gradient step on the rollout `rows`, fields [T, N, ...]; returns the scalars, float32 [6]."""
        config = self.config
        self._set_learning_rate()
        rows = as_learned(rows, reward_scale=config.reward_scale, time_limits_terminate=config.time_limits_terminate)
        rewards = self._normalized_rewards(rows)
        seen, following = (self._normalized(o) for o in (rows.observation, rows.next_observation))
        next_value = self._next_values(rows, following)
        observation, action = flat(seen), flat(rows.action)
        variables = self._learned()
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
            log_prob = self.head.log_prob(tf.nn.softmax(parameters) if config.double_softmax else parameters, action)
            losses = a2c_loss(log_prob, weighted, value, returns, entropy, config)
        gradients, norm = clip_by_global_norm(tape.gradient(losses[0], variables), config.max_grad_norm)
        self._apply(gradients, variables)
        self.updates.assign_add(1)
        # Fed only now: acting and learning of one iteration see the same normalisation.
        self._feed(rows)
        return tf.stack([*losses, -tf.reduce_mean(entropy), explained_variance(value, returns), norm])

    def _next_values(self, rows: Transitions, following: Any) -> Any:
        """V of the true successors, [T, N]: mostly the next row's; asked for all only where one was truncated."""
        shape = rows.reward.shape

        def all_of_them() -> Any:
            return tf.reshape(self.network.value(flat(following)), shape)

        def of_the_next_row() -> Any:
            values = self.network.value(flat(self._normalized(rows.observation[1:])))
            last = self.network.value(following[-1])
            return tf.concat([tf.reshape(values, (shape[0] - 1, shape[1])), last[None]], 0)

        if shape[0] == 1:
            return all_of_them()
        return tf.cond(tf.reduce_any(rows.truncated), all_of_them, of_the_next_row)

    # ---- parts ----------------------------------------------------------------------------------------

    def _build_learner(self) -> None:
        config, apart = self.config, []
        if config.value_learning_rate is not None:
            apart = self.network.value_variables
            self.value_optimizer = self._new_optimizer(config.value_learning_rate, apart)
        self._apart = {id(variable) for variable in apart}
        self.optimizer = self._new_optimizer(
            config.learning_rate, [variable for variable in self._learned() if id(variable) not in self._apart]
        )
        self.returns = RunningMoments(())
        self.running_return = tf.Variable(tf.zeros((config.num_envs,)), trainable=False)

    def _new_optimizer(self, learning_rate: float, variables: list[Any]) -> Any:
        if self.config.optimizer == "adam":
            optimizer = keras.optimizers.Adam(learning_rate)
            optimizer.build(variables)
            return optimizer
        optimizer = keras.optimizers.RMSprop(learning_rate, rho=0.99, epsilon=1e-5)
        optimizer.build(variables)
        for average in optimizer._velocities:
            average.assign(tf.ones(average.shape))
        return optimizer

    def _apply(self, gradients: list[Any], variables: list[Any]) -> None:
        """One step of the optimizer, and of the value's own if it has one."""
        pairs = list(zip(gradients, variables, strict=True))
        self.optimizer.apply_gradients([pair for pair in pairs if id(pair[1]) not in self._apart])
        if self.value_optimizer is not None:
            self.value_optimizer.apply_gradients([pair for pair in pairs if id(pair[1]) in self._apart])

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
            left = tf.maximum(1.0 - done, 0.0)
            self.optimizer.learning_rate.assign(self.config.learning_rate * left)
            if self.value_optimizer is not None:
                self.value_optimizer.learning_rate.assign(self.config.value_learning_rate * left)
