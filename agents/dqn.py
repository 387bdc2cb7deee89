"""Deep Q-networks: DQN, Double DQN, Dueling DQN, and every combination of their switches.

Sources: Mnih et al. (2015), van Hasselt et al. (2016), Wang et al. (2016), Schaul et al. (2016).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import learning, networks
from rlgen.agents.agent import Floats, Observations
from rlgen.agents.exploration import epsilon_greedy, epsilon_greedy_host, toss
from rlgen.agents.off_policy import OffPolicyAgent, OffPolicyConfig
from rlgen.agents.q_network import Dueling, QNetwork
from rlgen.agents.trajectory import Batch
from rlgen.config import load_presets, option
from rlgen.schedules import Schedule

# Tuned ones go with the whole family, a paper's with the agent that it introduced.
PRESETS = load_presets(Path(__file__).with_name("presets") / "dqn.json")
DOUBLE = "Let the online network choose the action that the target network values."
DUELING = (
    "Split Q into value and advantage, each with the last of the hidden layers as its own, less the advantages' mean "
    "or max over the actions of each state."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DQNConfig(OffPolicyConfig):
    """The switches are orthogonal: any of double, dueling, n-step and prioritised replay goes with any other."""

    presets = {**PRESETS["tuned"], **PRESETS["dqn"]}

    optimizer: learning.OptimizerKind = option("adam", "What steps the weights; see docs/algorithms/dqn.md.")
    learning_rate: Schedule = option(2.3e-3, "Step size, clocked by environment steps.", above=0)
    target_update_every_updates: int = option(128, "Updates between changes of the target network.", at_least=1)
    target_update_rate: float = option(
        1.0, "How far the target moves towards the online network: 1 copies it.", above=0, at_most=1
    )
    double: bool = option(False, DOUBLE)
    dueling: Dueling = option("none", DUELING)
    max_grad_norm: float | None = option(10.0, "Gradients are scaled down to this global norm; none: never.", above=0)
    epsilon: Schedule = option(
        "linear:start=1,end=0.04,over=8000",
        "Share of random actions, clocked by environment steps.",
        at_least=0,
        at_most=1,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DoubleDQNConfig(DQNConfig):
    """DQN's, with double learning on."""

    presets = {**PRESETS["tuned"], **PRESETS["double_dqn"]}

    double: bool = option(True, DOUBLE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DuelingDQNConfig(DoubleDQNConfig):
    """Double DQN's, with the dueling network of the paper on."""

    presets = {**PRESETS["tuned"], **PRESETS["dueling_dqn"]}

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


def huber(error: Any) -> Any:
    """Half the square up to 1, linear beyond: its gradient is the clipped error of Mnih et al. (2015)."""
    size = tf.abs(error)
    return tf.where(size < 1, 0.5 * error**2, size - 0.5)


class DQN(OffPolicyAgent):
    """Deep Q-network: a value for every action, learned from replayed experience."""

    Config = DQNConfig
    serves = (gym.spaces.Discrete,)

    def __init__(self, *, problem: str, config: DQNConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self.actions = int(self.action_space.n)  # type: ignore[attr-defined]
        self.online = self.new_network()

    # ---- acting ---------------------------------------------------------------------------------------

    def policy(self, observations: Observations) -> npt.NDArray[Any]:
        """argmax_a Q(s, a), int64 [N]."""
        return self.online.on_host(observations).argmax(-1)

    def values(self, observations: Observations) -> Floats:
        """max_a Q(s, a), [N], in the environment's own units of reward."""
        best: Floats = self.online.on_host(observations).max(-1)
        return best / np.float32(self.config.reward_scale)

    def exploration_noise(self, steps: int, seed: Any) -> Any:
        """A coin and a random action for every environment."""
        return toss((steps, self.config.num_envs), actions=self.actions, seed=seed)

    def explore(self, observation: Any, env_steps: Any, noise: Any) -> Any:
        """Epsilon-greedy, a coin for every environment."""
        greedy = tf.argmax(self.online(observation), -1, output_type=tf.int32)
        return epsilon_greedy(greedy, self.epsilon(env_steps), noise)

    def explore_on_host(self, observation: Observations, env_steps: int) -> npt.NDArray[Any]:
        """The same in NumPy."""
        greedy = self.policy(observation).astype(np.int32)
        epsilon = float(self.epsilon(env_steps))
        return epsilon_greedy_host(greedy, epsilon, actions=self.actions, generator=self.generator)

    def epsilon(self, env_steps: Any) -> Any:
        """The share of random actions."""
        return self.config.epsilon(env_steps)

    # ---- learning -------------------------------------------------------------------------------------

    def update(self, batch: Batch, number: Any) -> tuple[dict[str, Any], Any]:
        """One gradient step on L = E[w * huber(y - Q(s, a))] with y = R + discount * V(s')."""
        learning.set_learning_rate(self.optimizer, self.config.learning_rate, self.env_steps)
        next_value = self.next_value(batch)
        variables = self.online.trainable_variables
        with tf.GradientTape() as tape:
            q = self.online(batch.observation)
            error = td_error(q, batch.action, batch.reward, batch.discount, next_value)
            loss = self.loss(batch, q, error)
        norm = learning.descend(tape, loss, variables, self.optimizer, max_norm=self.config.max_grad_norm)
        self.move_target(number)
        scalars = {
            "train/loss": loss,
            "train/q_mean": tf.reduce_mean(tf.gather(q, batch.action, batch_dims=1)),
            "train/td_error": tf.reduce_mean(tf.abs(error)),
            "train/grad_norm": norm,
        }
        return scalars, error

    def next_value(self, batch: Batch) -> Any:
        """V(s'), [B]."""
        target_q = self.target(batch.next_observation)
        return (
            double_value(self.online(batch.next_observation), target_q) if self.config.double else max_value(target_q)
        )

    def loss(self, batch: Batch, q: Any, error: Any) -> Any:
        """The mean of the weighted Huber losses; weights come before the mean."""
        return tf.reduce_mean(batch.weight * huber(error))

    def move_target(self, number: Any) -> None:
        """target <- rate * online + (1 - rate) * target, every so many updates."""
        rate, every = self.config.target_update_rate, self.config.target_update_every_updates

        def move() -> Any:
            learning.follow(self.target, self.online, rate)
            return tf.constant(0)

        if every == 1:
            move()
        else:
            tf.cond(number % every == 0, move, lambda: tf.constant(0))

    # ---- parts ----------------------------------------------------------------------------------------

    def new_network(self) -> QNetwork:
        """A network; two calls give the same weights, for the seed is the same."""
        return QNetwork(**self.network_arguments())

    def network_arguments(self) -> dict[str, Any]:
        """What `QNetwork` is made of."""
        config = self.config
        options = networks.replace(self.options("network"), initialize=networks.small_initializer)
        return {
            "observation": self.observation,
            "actions": self.actions,
            "network": config.network,
            "dueling": config.dueling,
            "options": options,
        }

    def build_learner(self) -> None:
        """The target network, a copy, and the optimizer."""
        config = self.config
        self.target = self.new_network()
        self.target.set_weights(self.online.get_weights())
        variables = self.online.trainable_variables
        self.optimizer = learning.make_optimizer(config.optimizer, config.learning_rate, variables)

    def train(self, steps: int) -> dict[str, float]:
        """As every off-policy agent; and how much it still explores."""
        scalars = super().train(steps)
        scalars["rollout/exploration_rate"] = float(self.epsilon(int(scalars["work/env_steps"])))
        scalars["train/learning_rate"] = float(self.optimizer.learning_rate.numpy())
        return scalars

    def features(self, observations: Observations) -> Floats:
        """What the body makes of them."""
        return np.asarray(self.online.body(observations), np.float32)

    def inference_state(self) -> dict[str, Any]:
        """The online network."""
        return {"online": self.online}

    def learned_state(self) -> dict[str, Any]:
        """Both networks."""
        return {"online": self.online, "target": self.target}

    def learner_state(self) -> dict[str, Any]:
        """Both networks and the optimizer."""
        return {**self.learned_state(), "optimizer": self.optimizer}


class DoubleDQN(DQN):
    """Double DQN: the online network chooses the next action, the target network values it."""

    Config = DoubleDQNConfig


class DuelingDQN(DQN):
    """Dueling Double DQN: a network that tells the value of a state from the advantage of an action."""

    Config = DuelingDQNConfig
