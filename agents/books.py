"""What two TensorFlow books and a series of posts print, mistakes included.

The agents of this file learn as their parents do but for one function each. Which source made which mistake, and
what the defaults do instead, is in docs/books.md.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from rlgen import learning
from rlgen.agents.a2c import A2C, A2CConfig
from rlgen.agents.action_heads import CategoricalHead
from rlgen.agents.distributions import huber
from rlgen.agents.dqn import DQN, DQNConfig
from rlgen.agents.q_network import QNetwork, combine_streams
from rlgen.agents.trajectory import Batch, Transitions
from rlgen.config import load_presets, option
from rlgen.errors import UserError
from rlgen.schedules import Schedule

PRESETS = load_presets(Path(__file__).with_name("presets") / "books.json")
TIME_LIMITS = "Learn from the end at a time limit as from a termination, as when Gym had one `done` for both."


def time_limits_as_terminations(rows: Transitions) -> Transitions:
    """`rows` with every truncation made a termination."""
    return rows._replace(terminated=rows.done, truncated=tf.zeros_like(rows.done))


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookDQNConfig(DQNConfig):
    """DQN's, and the ways of books and posts."""

    presets = PRESETS["dqn"]

    loss: Literal["huber", "mse"] = option("huber", "Of the TD error: Huber, or the squared error.")
    dueling: Literal["none", "mean", "max", "sum", "batch_mean"] = option(  # type: ignore[assignment]
        "none", "As DQN's; two mistakes: sum takes nothing off, batch_mean the mean over the whole batch."
    )
    linear_streams: bool = option(False, "Let dueling's streams share all hidden layers: each is one linear layer.")
    time_limits_terminate: bool = option(False, TIME_LIMITS)
    train_at_episode_end: bool = option(
        False, "Make the blocks of updates where episodes end; wants num_envs=1 and train_every_env_steps=1."
    )
    epsilon_clock: Literal["env_steps", "episodes"] = option(
        "env_steps", "What epsilon's schedule is clocked by; episodes want train_at_episode_end."
    )
    anchor_other_actions: bool = option(
        False, "Average the loss over all actions, those not taken being pulled to the target network's values."
    )

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        if self.train_at_episode_end and (self.num_envs, self.train_every_env_steps) != (1, 1):
            raise UserError(
                "train_at_episode_end looks at every step of one environment: set num_envs=1 and "
                "train_every_env_steps=1 too."
            )
        if self.epsilon_clock == "episodes" and not self.train_at_episode_end:
            raise UserError(
                "epsilon_clock=episodes wants episodes seen as they end: set train_at_episode_end=true too."
            )
        if self.linear_streams and self.dueling == "none":
            raise UserError("linear_streams is about dueling's streams: set dueling=mean too, or leave it.")
        if self.distribution != "none":
            raise UserError(
                f"distribution={self.distribution} has a loss of its own, and these agents learn by those that books "
                "print: leave it, or take dqn."
            )


def anchored_error(q: Any, target_q: Any, action: Any, error: Any) -> Any:
    """The TD error, [B], where the action was taken, and Q_target(s, a) - Q(s, a) elsewhere, [B, A].

    What comes out when a whole row of the target network's values, one of them replaced, is regressed on, as in
    "Mastering TensorFlow 2.x".
    """
    taken = tf.one_hot(action, q.shape[-1], on_value=True, off_value=False)
    return tf.where(taken, error[:, None], tf.stop_gradient(target_q) - q)


class BookQNetwork(QNetwork):
    """A dueling network whose streams are put together as books and posts do."""

    def combine(self, value: Any, advantage: Any) -> Any:
        """V + A, less nothing ("sum") or the mean over all states at once ("batch_mean").

        With the latter what a state is worth depends on which others it came with; the post acts on one observation at
        a time, a batch whose mean is that of its state, and so does the host.
        """
        if self.dueling == "sum":
            return value + advantage
        if self.dueling != "batch_mean":
            return super().combine(value, advantage)
        if isinstance(advantage, np.ndarray):
            return combine_streams(value, advantage, "mean")
        return value + advantage - tf.reduce_mean(advantage)


class BookDQN(DQN):
    """DQN, Double and Dueling DQN as two TensorFlow books and a series of posts print them."""

    Config = BookDQNConfig

    def as_learned(self, rows: Transitions) -> Transitions:
        """Time limits may count as terminations."""
        rows = super().as_learned(rows)
        return time_limits_as_terminations(rows) if self.config.time_limits_terminate else rows

    def block_is_due(self, rows: Transitions) -> Any:
        """Updates may wait for the end of an episode."""
        return tf.reduce_any(rows.done) if self.config.train_at_episode_end else super().block_is_due(rows)

    def epsilon(self, env_steps: Any) -> Any:
        """Epsilon may fall by episodes."""
        if self.config.epsilon_clock == "env_steps":
            return super().epsilon(env_steps)
        return self.config.epsilon(self.episodes)

    def loss(self, batch: Batch, q: Any, error: Any) -> Any:
        """The loss may be squared, and over all actions."""
        weight = batch.weight
        if self.config.anchor_other_actions:
            error, weight = anchored_error(q, self.target(batch.observation), batch.action, error), weight[:, None]
        return tf.reduce_mean(weight * (error**2 if self.config.loss == "mse" else huber(error)))

    def new_network(self) -> QNetwork:
        """The streams may be linear, and put together otherwise."""
        return BookQNetwork(**self.network_arguments(), stream_layers=0 if self.config.linear_streams else 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookA2CConfig(A2CConfig):
    """A2C's, and the ways of books and posts."""

    presets = PRESETS["a2c"]

    value_hidden_units: tuple[int, ...] = option(
        (), "Units of the value's hidden layers; none: as the policy's.", at_least=1
    )
    value_learning_rate: Schedule | None = option(
        None, "Step size of the value's network, with an optimizer of its own; none: one optimizer for both.", above=0
    )
    double_softmax: bool = option(
        False, "A mistake: take the probabilities for logits in the policy loss; `Discrete` actions only."
    )
    time_limits_terminate: bool = option(False, TIME_LIMITS)

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        for field in ("value_hidden_units", "value_learning_rate"):
            if getattr(self, field) and self.shared_network:
                raise UserError(
                    f"{field} is for a value with a network of its own: set shared_network=false, or leave it."
                )


class BookA2C(A2C):
    """A2C as a TensorFlow book and a post print it."""

    Config = BookA2CConfig
    data_parallel = False

    def __init__(self, *, problem: str, config: BookA2CConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        if config.double_softmax and not isinstance(self.head, CategoricalHead):
            raise UserError(
                f"double_softmax takes probabilities for logits, and '{problem}' takes actions in {self.action_space}, "
                "not one of a number: leave it."
            )

    def as_learned(self, rows: Transitions) -> Transitions:
        """Time limits may count as terminations."""
        rows = super().as_learned(rows)
        return time_limits_as_terminations(rows) if self.config.time_limits_terminate else rows

    def log_prob(self, parameters: Any, action: Any) -> Any:
        """A softmax may be taken twice."""
        return super().log_prob(tf.nn.softmax(parameters) if self.config.double_softmax else parameters, action)

    def network_arguments(self) -> dict[str, Any]:
        """The value may have other layers."""
        return {**super().network_arguments(), "value_units": self.config.value_hidden_units}

    # ---- an optimizer for the value -------------------------------------------------------------------

    def build_learner(self) -> None:
        """The value may have an optimizer of its own."""
        super().build_learner()
        self.value_optimizer: Any = None
        if self.config.value_learning_rate is not None:
            config, value = self.config, self.network.value_variables
            self.value_optimizer = learning.make_optimizer(config.optimizer, config.value_learning_rate, value)

    def learned_variables(self) -> list[Any]:
        """What the optimizer steps that is not the value's."""
        if self.config.value_learning_rate is None:
            return super().learned_variables()
        return [*self.network.policy_variables, *self.head.variables]

    def learner_state(self) -> dict[str, Any]:
        """As A2C's, and the value's optimizer."""
        own = {} if self.value_optimizer is None else {"value_optimizer": self.value_optimizer}
        return {**super().learner_state(), **own}

    def descend(self, tape: Any, loss: Any) -> Any:
        """Policy and value share nothing then, so each takes a step of its own."""
        if self.value_optimizer is None:
            return super().descend(tape, loss)
        clock = self.updates * self.step_quantum
        learning.set_learning_rate(self.value_optimizer, self.config.value_learning_rate, clock)
        policy, value = self.learned_variables(), self.network.value_variables
        gradients, norm = learning.clip_by_global_norm(
            tape.gradient(loss, [*policy, *value]), self.config.max_grad_norm
        )
        learning.apply(gradients[: len(policy)], policy, self.optimizer)
        learning.apply(gradients[len(policy) :], value, self.value_optimizer)
        return norm
