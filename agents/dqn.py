"""Deep Q-networks: DQN, Double DQN, Dueling DQN, and every combination of their switches.

Sources: Mnih et al. (2015), van Hasselt et al. (2016), Wang et al. (2016), Schaul et al. (2016).
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
from rlgen.agents import exploration
from rlgen.agents.off_policy import OffPolicyAgent, OffPolicyConfig
from rlgen.agents.q_network import Dueling, QNetwork
from rlgen.agents.replay import Batch
from rlgen.config import load_presets, option
from rlgen.errors import UserError
from rlgen.networks import Activation, clip_by_global_norm

Floats = npt.NDArray[np.float32]
# Each goes with the whole family; recipes of books and posts go with the one they were written for.
TUNED = load_presets(Path(__file__).with_name("presets") / "dqn.json")
RECIPES = load_presets(Path(__file__).with_name("presets") / "dqn-recipes.json")
DUELING = (
    "Split Q into value and advantage, less the advantages' mean or max over the actions of each state; two "
    "mistakes: sum takes nothing off, batch_mean the mean over the whole batch."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DQNConfig(OffPolicyConfig):
    """The switches are orthogonal: any of double, dueling, n-step and prioritised replay goes with any other."""

    presets = {**TUNED, **RECIPES["dqn"]}

    hidden_units: tuple[int, ...] = option((256, 256), "Units of the hidden layers.", at_least=1)
    stream_units: tuple[int, ...] = option((), "Units of the layers of each dueling stream.", at_least=1)
    activation: Activation = option("relu", "Between the layers.")
    learning_rate: float = option(2.3e-3, "Adam's step size.", above=0)
    target_update_every_updates: int = option(128, "Updates between changes of the target network.", at_least=1)
    target_update_rate: float = option(
        1.0, "How far the target moves towards the online network: 1 copies it.", above=0, at_most=1
    )
    double: bool = option(False, "Let the online network choose the action that the target network values.")
    dueling: Dueling = option("none", DUELING)
    loss: Literal["huber", "mse"] = option("huber", "Of the TD error; Huber is linear beyond 1.")
    anchor_other_actions: bool = option(
        False,
        "Average the loss over all actions, those not taken being pulled to the target network's values.",
    )
    max_grad_norm: float | None = option(10.0, "Gradients are scaled down to this global norm.", above=0)
    epsilon_schedule: Literal["linear", "exponential", "asymptotic"] = option(
        "linear",
        "How exploration declines: exponential by a factor until it reaches the end, asymptotic with the distance "
        "to the end falling by a factor.",
    )
    epsilon_start: float = option(1.0, "Share of random actions at the first step.", at_least=0, at_most=1)
    epsilon_end: float = option(0.04, "Share of random actions in the end.", at_least=0, at_most=1)
    epsilon_decay_env_steps: int | None = option(
        None, "Environment steps to the end, 8,000 unless set; linear only.", at_least=1
    )
    epsilon_decay_episodes: int | None = option(
        None, "Episodes to the end, instead of environment steps; linear, train_at_episode_end only.", at_least=1
    )
    epsilon_decay_rate: float | None = option(
        None, "Factor per environment step, .995 unless set; exponential and asymptotic only.", above=0, below=1
    )

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        for field, schedules in (
            ("epsilon_decay_env_steps", ("linear",)),
            ("epsilon_decay_episodes", ("linear",)),
            ("epsilon_decay_rate", ("exponential", "asymptotic")),
        ):
            if getattr(self, field) is not None and self.epsilon_schedule not in schedules:
                raise UserError(
                    f"{field} belongs to the {' or '.join(schedules)} schedule: set epsilon_schedule={schedules[0]} "
                    "too, or leave it."
                )
        if self.epsilon_decay_episodes is not None and self.epsilon_decay_env_steps is not None:
            raise UserError("epsilon_decay_episodes and epsilon_decay_env_steps are two clocks: leave one out.")
        if self.epsilon_decay_episodes is not None and not self.train_at_episode_end:
            raise UserError(
                "epsilon_decay_episodes wants episodes seen as they end: set train_at_episode_end=true too."
            )
        if self.stream_units and self.dueling == "none":
            raise UserError("stream_units are the layers of dueling's streams: set dueling=mean too, or leave them.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DoubleDQNConfig(DQNConfig):
    """DQN's, with double learning on."""

    presets = {**TUNED, **RECIPES["double_dqn"]}

    double: bool = option(True, "Let the online network choose the action that the target network values.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DuelingDQNConfig(DoubleDQNConfig):
    """Double DQN's, with the dueling network of the paper on."""

    presets = {**TUNED, **RECIPES["dueling_dqn"]}

    hidden_units: tuple[int, ...] = option((256,), "Units of the hidden layers that both streams share.", at_least=1)
    stream_units: tuple[int, ...] = option((256,), "Units of the layers of each dueling stream.", at_least=1)
    dueling: Dueling = option("mean", DUELING)


def max_value(target_q: Any) -> Any:
    """max_a Q_target(s', a), [B], of [B, A]."""
    return tf.reduce_max(target_q, -1)


def double_value(online_q: Any, target_q: Any) -> Any:
    """Q_target(s', argmax_a Q_online(s', a)), [B], of two [B, A]: one network chooses, the other values."""
    return tf.gather(target_q, tf.argmax(online_q, -1, output_type=tf.int32), batch_dims=1)


def td_error(q: Any, action: Any, reward: Any, discount: Any, next_value: Any) -> Any:
    """r + discount * V(s') - Q(s, a), [B]; no gradient flows through the target."""
    target = tf.stop_gradient(reward + discount * next_value)
    return target - tf.gather(q, action, batch_dims=1)


def anchored_error(q: Any, target_q: Any, action: Any, error: Any) -> Any:
    """The TD error, [B], where the action was taken, and Q_target(s, a) - Q(s, a) elsewhere, [B, A].

    What comes out when a whole row of the target network's values, one of them replaced, is regressed on, as in
    "Mastering TensorFlow 2.x".
    """
    taken = tf.one_hot(action, q.shape[-1], on_value=True, off_value=False)
    return tf.where(taken, error[:, None], tf.stop_gradient(target_q) - q)


def td_loss(error: Any, weight: Any, kind: str) -> Any:
    """Mean of the weighted Huber loss (threshold 1) or squared error, of the same shape; weights come first."""
    size = tf.abs(error)
    each = error**2 if kind == "mse" else tf.where(size < 1, 0.5 * error**2, size - 0.5)
    return tf.reduce_mean(weight * each)


class DQN(OffPolicyAgent):
    """Deep Q-network: a value for every action, learned from replayed experience."""

    Config = DQNConfig
    serves = (gym.spaces.Discrete,)
    scalar_names = ("train/loss", "train/q_mean", "train/td_error", "train/grad_norm")

    def __init__(self, *, problem: str, config: DQNConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self.actions = int(self.action_space.n)  # type: ignore[attr-defined]
        self.online = self._network()
        self._twin: Any = None

    def policy(self, observations: Floats) -> npt.NDArray[Any]:
        """argmax_a Q(s, a), int64 [N]."""
        return self._numpy_q(observations).argmax(-1)

    def values(self, observations: Floats) -> Floats:
        """max_a Q(s, a), [N], in the environment's own units of reward."""
        return self._numpy_q(observations).max(-1) / np.float32(self.config.reward_scale)

    def inference_state(self) -> dict[str, Any]:
        """The online network."""
        # Whoever asks may be about to write it.
        self._twin = None
        return {"online": self.online}

    def learner_state(self) -> dict[str, Any]:
        """Both networks and the optimizer."""
        return {"online": self.online, "target": self.target, "optimizer": self.optimizer}

    def build_learner(self) -> None:
        """The target network, a copy, and the optimizer."""
        self.target = self._network()
        self.target.set_weights(self.online.get_weights())
        self.optimizer = keras.optimizers.Adam(self.config.learning_rate)
        self.optimizer.build(self.online.trainable_variables)

    def train(self, steps: int) -> dict[str, float]:
        """As every off-policy agent; and how much it still explores."""
        scalars = super().train(steps)
        scalars["rollout/exploration_rate"] = float(self._epsilon(scalars["counters/env_steps"]))
        scalars["train/learning_rate"] = self.config.learning_rate
        return scalars

    def update(self, batch: Batch, number: Any) -> tuple[Any, Any]:
        """One gradient step on L = E[w * l(y - Q(s, a))] with y = R + discount * V(s')."""
        next_q = self.target(batch.next_observation)
        if self.config.double:
            next_value = double_value(self.online(batch.next_observation), next_q)
        else:
            next_value = max_value(next_q)
        with tf.GradientTape() as tape:
            q = self.online(batch.observation)
            error = td_error(q, batch.action, batch.reward, batch.discount, next_value)
            if self.config.anchor_other_actions:
                errors = anchored_error(q, self.target(batch.observation), batch.action, error)
                loss = td_loss(errors, batch.weight[:, None], self.config.loss)
            else:
                loss = td_loss(error, batch.weight, self.config.loss)
        variables = self.online.trainable_variables
        gradients = tape.gradient(loss, variables)
        gradients, norm = clip_by_global_norm(gradients, self.config.max_grad_norm)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        self._move_target(number)
        return tf.stack([loss, tf.reduce_mean(q), tf.reduce_mean(tf.abs(error)), norm]), error

    def explore(self, observation: Any, env_steps: Any, seed: Any) -> Any:
        """Epsilon-greedy, a coin for every environment."""
        greedy = tf.argmax(self.online(observation), -1, output_type=tf.int32)
        return exploration.epsilon_greedy(greedy, self._epsilon(env_steps), actions=self.actions, seed=seed)

    def explore_on_host(self, observation: Floats, env_steps: int) -> npt.NDArray[Any]:
        """The same in NumPy."""
        greedy = self._numpy_q(observation).argmax(-1).astype(np.int32)
        epsilon = float(self._epsilon(env_steps))
        return exploration.epsilon_greedy_host(greedy, epsilon, actions=self.actions, generator=self.generator)

    def on_host_weights_changed(self) -> None:
        """The NumPy twin is of older weights."""
        self._twin = None

    def _move_target(self, number: Any) -> None:
        """target <- rate * online + (1 - rate) * target, every so many updates."""
        rate, every = self.config.target_update_rate, self.config.target_update_every_updates
        pairs = list(zip(self.target.trainable_variables, self.online.trainable_variables, strict=True))

        def move() -> Any:
            for target, online in pairs:
                target.assign(online if rate == 1 else rate * online + (1 - rate) * target)
            return tf.constant(0)

        if every == 1:
            move()
        else:
            tf.cond(number % every == 0, move, lambda: tf.constant(0))

    def _network(self) -> QNetwork:
        config = self.config
        return QNetwork(
            observation_size=self.observation_size,
            actions=self.actions,
            hidden_units=config.hidden_units,
            stream_units=config.stream_units,
            activation=config.activation,
            dueling=config.dueling,
            seed=runtime.derive_seed(self.seed, "network"),
        )

    def _numpy_q(self, observations: Floats) -> Floats:
        if self._twin is None:
            self._twin = self.online.numpy_twin()
        return self._twin(observations)

    def _epsilon(self, env_steps: Any) -> Any:
        config = self.config
        ends = {"start": config.epsilon_start, "end": config.epsilon_end}
        if config.epsilon_decay_episodes is not None:
            return exploration.linear_epsilon(self.episodes, decay_steps=config.epsilon_decay_episodes, **ends)
        if config.epsilon_schedule == "linear":
            return exploration.linear_epsilon(env_steps, decay_steps=config.epsilon_decay_env_steps or 8_000, **ends)
        asymptotic = config.epsilon_schedule == "asymptotic"
        schedule = exploration.asymptotic_epsilon if asymptotic else exploration.exponential_epsilon
        return schedule(env_steps, rate=config.epsilon_decay_rate or 0.995, **ends)


class DoubleDQN(DQN):
    """Double DQN: the online network chooses the next action, the target network values it."""

    Config = DoubleDQNConfig


class DuelingDQN(DQN):
    """Dueling Double DQN: a network that tells the value of a state from the advantage of an action."""

    Config = DuelingDQNConfig
