"""REINFORCE: whole episodes, and the gradient of the policy weighted by what followed each step.

Source: Williams (1992), "Simple statistical gradient-following algorithms for connectionist reinforcement
learning".
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

import tensorflow as tf

from rlgen.agents.advantages import discounted_returns
from rlgen.agents.agent import AgentConfig
from rlgen.agents.on_policy import OnPolicyAgent, flat
from rlgen.agents.replay import Transitions
from rlgen.config import load_presets, option
from rlgen.networks import Activation, clip_by_global_norm


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReinforceConfig(AgentConfig):
    """Every update is made of `episodes_per_update` episodes, played side by side and cut at `rollout_steps`."""

    presets = load_presets(Path(__file__).with_name("presets") / "reinforce.json")

    # As many environments as episodes, one each: not a choice of its own.
    num_envs: ClassVar[Any] = property(lambda self: self.episodes_per_update)  # type: ignore[misc]
    normalize_observations: ClassVar[bool] = False

    episodes_per_update: int = option(
        10, "Episodes an update learns from, each in an environment of its own.", at_least=1, at_most=65_536
    )
    rollout_steps: int = option(
        200, "Steps of every environment before an update; a training episode is cut there.", at_least=1
    )
    hidden_units: tuple[int, ...] = option((32,), "Units of the hidden layers.", at_least=1)
    activation: Activation = option("tanh", "Between the layers.")
    learning_rate: float = option(0.01, "Adam's step size.", above=0)
    normalize_returns: bool = option(
        True, "Give the returns of an update, less the baseline if there is one, mean 0 and deviation 1."
    )
    baseline: bool = option(False, "Subtract a learned value of the state from the returns.")
    entropy_weight: float = option(0.0, "Weight of the entropy bonus.", at_least=0)
    max_grad_norm: float | None = option(None, "Gradients are scaled down to this global norm.", above=0)
    initial_log_std: float = option(0.0, "Of continuous actions, in units of half their range.")


def first_episodes(done: Any) -> Any:
    """Which steps belong to each environment's first episode, its last step included, bool [T, N]."""
    steps = done.shape[0]
    last = tf.where(tf.reduce_any(done, 0), tf.argmax(done, 0, output_type=tf.int32), steps)
    return tf.range(steps)[:, None] <= last


def mean_where(x: Any, mask: Any) -> Any:
    """The mean of `x` where `mask` holds."""
    return tf.reduce_sum(tf.where(mask, x, 0.0)) / tf.reduce_sum(tf.cast(mask, tf.float32))


def normalized_where(x: Any, mask: Any) -> Any:
    """`x` with mean 0 and standard deviation 1 over the entries where `mask` holds, and 0 elsewhere."""
    centred = x - mean_where(x, mask)
    return tf.where(mask, centred / (tf.sqrt(mean_where(centred**2, mask)) + 1e-8), 0.0)


class Reinforce(OnPolicyAgent):
    """REINFORCE: actions that were followed by more than usual become more probable.

    Every environment begins a new episode, and after `rollout_steps` the first episode of each is learned
    from, all together in one update. What an environment does after its first episode is left out.
    """

    Config = ReinforceConfig
    default_steps = 300_000
    restarts = True
    scalar_names = (
        "train/loss",
        "train/policy_loss",
        "train/value_loss",
        "train/entropy_loss",
        "train/grad_norm",
        "train/steps_per_update",
    )

    def __init__(self, *, problem: str, config: ReinforceConfig, seed: int, engine: str = "auto") -> None:
        # Without a baseline the value is one idle head on the policy's network.
        super().__init__(problem=problem, config=config, seed=seed, engine=engine, shared_network=not config.baseline)

    @property
    def training_limit_steps(self) -> int:
        """An episode that goes on must not reach into the next update."""
        config = self.config
        return int(min(config.rollout_steps, config.max_episode_steps or config.rollout_steps))

    def _update(self, rows: Transitions) -> Any:
        """One gradient step on the first episodes in `rows`, fields [T, N, ...]; the scalars, float32 [6]."""
        config, variables = self.config, self._learned()
        done = rows.terminated | rows.truncated
        mask = flat(first_episodes(done))
        returns = flat(discounted_returns(rows.reward, done, discount=config.discount))
        with tf.GradientTape() as tape:
            parameters, value = self.network(flat(rows.observation))
            weight = returns - tf.stop_gradient(value) if config.baseline else returns
            if config.normalize_returns:
                weight = normalized_where(weight, mask)
            policy_loss = -mean_where(self.head.log_prob(parameters, flat(rows.action)) * weight, mask)
            entropy = mean_where(self.head.entropy(parameters), mask)
            loss, value_loss = policy_loss - config.entropy_weight * entropy, tf.constant(0.0)
            if config.baseline:
                # The two networks share nothing, so a weight between the losses would change nothing in Adam.
                value_loss = mean_where((returns - value) ** 2, mask)
                loss += value_loss
        gradients, norm = clip_by_global_norm(tape.gradient(loss, variables), config.max_grad_norm)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        self.updates.assign_add(1)
        steps = tf.reduce_sum(tf.cast(mask, tf.float32))
        return tf.stack([loss, policy_loss, value_loss, -entropy, norm, steps])

    def _learned(self) -> list[Any]:
        if self.config.baseline:
            return super()._learned()
        layers = [*self.network.policy_trunk, self.network.policy_head]
        return [*(v for layer in layers for v in layer.trainable_variables), *self.head.variables]

    def _counted(self, done: Any, returns: Any, lengths: Any) -> tuple[Any, Any, Any]:
        return done & first_episodes(done), returns, lengths
