"""Deep Q-networks: DQN, Double DQN, Dueling DQN, and every combination of their switches.

Sources: Mnih et al. (2015), van Hasselt et al. (2016), Wang et al. (2016), Schaul et al. (2016), Bellemare et al.
(2017), Dabney et al. (2018), Fortunato et al. (2018).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import draws, learning, networks, runtime
from rlgen.agents import distributions, sight
from rlgen.agents.agent import Floats, Observations
from rlgen.agents.distributions import Distribution
from rlgen.agents.exploration import epsilon_greedy, epsilon_greedy_host, toss
from rlgen.agents.off_policy import OffPolicyAgent, OffPolicyConfig
from rlgen.agents.q_network import Dueling, QNetwork
from rlgen.agents.trajectory import Batch
from rlgen.config import load_presets, option
from rlgen.errors import UserError
from rlgen.pictures import Picture
from rlgen.schedules import Schedule
from rlgen.served import largest

# Tuned ones go with the whole family, a paper's with the agent that it introduced.
PRESETS = load_presets(Path(__file__).with_name("presets") / "dqn.json")
DOUBLE = "Let the online network choose the action that the target network values."
DUELING = (
    "Split Q into value and advantage, each with the last of the hidden layers as its own, less the advantages' mean "
    "or max over the actions of each state."
)
# Of one update: the online network on s, the target network on s', and, double, the online one on s'.
MOST_PASSES = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class DQNConfig(OffPolicyConfig):
    """The switches are orthogonal: double, dueling, n-step, priorities, noise, distributions, each with any other."""

    presets = {**PRESETS["tuned"], **PRESETS["dqn"]}
    judging: ClassVar[tuple[str, ...]] = ("evaluation_epsilon",)

    optimizer: learning.OptimizerKind = option("adam", "What steps the weights; see docs/algorithms/dqn.md.")
    optimizer_epsilon: float | None = option(
        None, "What it adds to the root of the mean square gradient, RMSprop under the root; none: its usual.", above=0
    )
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
    evaluation_epsilon: float = option(
        0.0,
        "Share of random actions where it is judged; the best action alone may be to wait for ever.",
        at_least=0,
        at_most=1,
    )
    noisy: bool = option(False, "Explore by learned noise on the weights of all dense layers; wants epsilon=0.")
    noisy_sigma: float = option(0.5, "What that noise starts at, times 1 / sqrt(inputs of the layer).", above=0)
    distribution: Distribution = option(
        "none",
        "Learn the whole distribution of returns: categorical, probabilities of fixed returns (C51), or quantile, "
        "returns of fixed probability (QR-DQN); none: its mean.",
    )
    atoms: int = option(51, "Returns in a distribution; C51 has 51, QR-DQN 200.", at_least=1, at_most=1024)
    value_min: float = option(
        -100.0, "The lowest return of a categorical distribution, of learned, that is scaled, rewards."
    )
    value_max: float = option(100.0, "The highest; beyond both, returns count as these.")

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        if self.noisy and max(self.epsilon.extremes) > 0:
            raise UserError(
                f"noisy=true explores by noise on the weights, and epsilon={self.epsilon} would explore beside it: set "
                "epsilon=0 too, or leave noisy."
            )
        if self.value_min >= self.value_max:
            raise UserError(
                f"value_min={self.value_min:g} is not below value_max={self.value_max:g}: they are the lowest and the "
                "highest discounted sum of rewards to be told apart."
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


def best(outputs: Any, values: Any) -> Any:
    """Z(s, argmax_a Q(s, a)), [B, ...].

    If Z is one network's and Q another's, one chooses and the other values, which is double learning.

    Args:
        outputs: what is said of each action, Z, [B, A, ...].
        values: Q, [B, A].
    """
    return of(outputs, tf.argmax(values, -1, output_type=tf.int32))


def of(outputs: Any, action: Any) -> Any:
    """What outputs [B, A, ...] say of an action each, int32 [B]: [B, ...]."""
    return tf.gather(outputs, action, batch_dims=1)


class DQN(OffPolicyAgent):
    """Deep Q-network: a value for every action, or its distribution, learned from replayed experience."""

    Config = DQNConfig
    serves = (gym.spaces.Discrete,)
    draws_for = ("weights",)

    def __init__(self, *, problem: str, config: DQNConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self.actions = int(self.action_space.n)  # type: ignore[attr-defined]
        self.returns = distributions.make(
            config.distribution, atoms=config.atoms, value_min=config.value_min, value_max=config.value_max
        )
        self.online = self.new_network()
        self.symbolic = not self.returns.atoms

    # ---- acting ---------------------------------------------------------------------------------------

    def policy(self, observations: Observations) -> npt.NDArray[Any]:
        """argmax_a Q(s, a), int64 [N]."""
        return self._q_on_host(observations).argmax(-1)

    def greedy(self, observation: Any) -> Any:
        """The same, int32, in TensorFlow."""
        return largest(self._q(observation))

    def answers(self, observation: Any) -> dict[str, Any]:
        """The action, and `q_values`, float32 [N, A], in the environment's own units of reward."""
        q = self._q(observation)
        return {"action": largest(q), "q_values": q / self.config.reward_scale}

    def answers_on_host(self, observations: Observations) -> dict[str, npt.NDArray[Any]]:
        """The same in NumPy."""
        q = self._q_on_host(observations)
        return {"action": q.argmax(-1), "q_values": q / np.float32(self.config.reward_scale)}

    def _q(self, observation: Any) -> Any:
        return self.online.symbolic(observation) if self.symbolic else self.returns.mean(self.online(observation))

    def judged_policy(self, *, seed: int) -> Callable[[Observations], npt.NDArray[Any]]:
        """`policy`, but for a random action now and then, if it is so configured."""
        epsilon = self.config.evaluation_epsilon
        if not epsilon:
            return self.policy
        generator = runtime.generator(seed, "evaluation actions")
        return lambda observations: epsilon_greedy_host(
            self.policy(observations), epsilon, actions=self.actions, generator=generator
        )

    def values(self, observations: Observations) -> Floats:
        """max_a Q(s, a), [N], in the environment's own units of reward."""
        highest: Floats = self._q_on_host(observations).max(-1)
        return highest / np.float32(self.config.reward_scale)

    def exploration_noise(self, steps: int, seed: Any) -> Any:
        """A coin and a random action for every environment; and noise on the weights, which they share, if there is."""
        coins = toss((steps, self.config.num_envs), actions=self.actions, seed=seed)
        if (noise := self.online.noise) is None:
            return (coins,)
        return coins, draws.normal((steps, noise.size), seed + tf.constant([2, 0]))

    def explore(self, observation: Any, env_steps: Any, noise: Any) -> Any:
        """Epsilon-greedy, a coin for every environment; of a noisy network, what it thinks best under its noise."""
        coins, *weights = noise
        q = self.returns.mean(self.online(observation, *weights))
        return epsilon_greedy(tf.argmax(q, -1, output_type=tf.int32), self.epsilon(env_steps), coins)

    def explore_on_host(self, observation: Observations, env_steps: int) -> npt.NDArray[Any]:
        """The same in NumPy."""
        noise = self.online.noise
        weights = [] if noise is None else [self.generator.standard_normal(noise.size, np.float32)]
        greedy = self._q_on_host(observation, *weights).argmax(-1).astype(np.int32)
        epsilon = float(self.epsilon(env_steps))
        return epsilon_greedy_host(greedy, epsilon, actions=self.actions, generator=self.generator)

    def _q_on_host(self, observations: Observations, *noise: Any) -> Floats:
        """Q, [N, A]."""
        return np.asarray(self.returns.mean(self.online.on_host(observations, *noise)), np.float32)

    def epsilon(self, env_steps: Any) -> Any:
        """The share of random actions."""
        return self.config.epsilon(env_steps)

    # ---- learning -------------------------------------------------------------------------------------

    def update(self, batch: Batch, number: Any) -> tuple[dict[str, Any], Any]:
        """One gradient step on L = E[w * loss(y, Z(s, a))] with y = R + discount * Z'(s', a').

        Z is Q, and the loss Huber's, unless a distribution is learned.
        """
        learning.set_learning_rate(self.optimizer, self.config.learning_rate, self.env_steps)
        online_noise, *next_noise = self.noise_of(number)
        y = tf.stop_gradient(self.returns.target(batch.reward, batch.discount, self.next_return(batch, *next_noise)))
        variables = self.online.trainable_variables
        with tf.GradientTape() as tape:
            z = self.online(batch.observation, *online_noise)
            taken = of(z, batch.action)
            error = self.returns.error(taken, y)
            loss = self.loss(batch, z, error)
        norm = learning.descend(tape, loss, variables, self.optimizer, max_norm=self.config.max_grad_norm)
        self.move_target(number)
        q = self.returns.mean(taken)
        scalars = {
            "train/loss": loss,
            "train/q_mean": tf.reduce_mean(q),
            "train/td_error": tf.reduce_mean(tf.abs(self.returns.target_mean(y) - q)),
            "train/grad_norm": norm,
        }
        return scalars, self.returns.priorities(error)

    def noise_of(self, number: Any) -> list[Any]:
        """For each pass of an update what is drawn on the weights: one set of normal numbers each, or nothing."""
        if (noise := self.online.noise) is None:
            return [()] * MOST_PASSES
        drawn = draws.normal((MOST_PASSES, noise.size), self.seeds.draw("weights", number))
        return [(each,) for each in tf.unstack(drawn)]

    def next_return(self, batch: Batch, target_noise: Any, online_noise: Any) -> Any:
        """Z'(s', a'), [B, ...]: what the target network says of the action that it, or, double, the other, chooses."""
        z = chooser = self.target(batch.next_observation, *target_noise)
        if self.config.double:
            chooser = self.online(batch.next_observation, *online_noise)
        return best(z, self.returns.mean(chooser))

    def loss(self, batch: Batch, z: Any, error: Any) -> Any:
        """The mean of the weighted losses; weights come before the mean."""
        return tf.reduce_mean(batch.weight * self.returns.losses(error))

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
            "atoms": self.returns.atoms,
            "noisy_sigma": config.noisy_sigma if config.noisy else None,
        }

    def build_learner(self) -> None:
        """The target network, a copy, and the optimizer."""
        config = self.config
        self.target = self.new_network()
        self.target.set_weights(self.online.get_weights())
        variables = self.online.trainable_variables
        self.optimizer = learning.make_optimizer(
            config.optimizer, config.learning_rate, variables, epsilon=config.optimizer_epsilon
        )

    def train(self, steps: int) -> dict[str, float]:
        """As every off-policy agent; and how much it still explores."""
        scalars = super().train(steps)
        scalars["rollout/exploration_rate"] = float(self.epsilon(int(scalars["work/env_steps"])))
        scalars["train/learning_rate"] = float(self.optimizer.learning_rate.numpy())
        if (noise := self.online.noise) is not None:
            scalars["train/noise_sigma"] = noise.mean_sigma()
        return scalars

    def features(self, observations: Observations) -> Floats:
        """What the body makes of them."""
        return np.asarray(self.online.body(observations), np.float32)

    def pictures(self, observations: Observations) -> dict[str, Picture]:
        """As every agent's; and which pixels values depend on: the state's, mean_a Q, and the best action's advantage.

        Of a dueling network, whose advantages have the mean 0, these are what its two streams say.
        """

        def value(features: Any) -> Any:
            return tf.reduce_mean(self.returns.mean(self.online.of_features(features)), -1)

        def advantage(features: Any) -> Any:
            q = self.returns.mean(self.online.of_features(features))
            return tf.reduce_max(q, -1) - tf.reduce_mean(q, -1)

        found = super().pictures(observations)
        if maps := sight.saliency(self.online.body, (value, advantage), observations):
            found["eval/saliency"] = sight.marked(observations, *maps)
        return found

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
