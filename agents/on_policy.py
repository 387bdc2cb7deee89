"""Agents with networks of the house that learn from their own latest experience, once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import gymnasium as gym
import numpy.typing as npt

from rlgen import learning, networks, runtime
from rlgen.agents.action_heads import ActionHead, action_head
from rlgen.agents.actor_critic import ActorCritic
from rlgen.agents.agent import Floats, Observations
from rlgen.agents.ahead import Actor
from rlgen.agents.computing import NetworkAgent, NetworkConfig
from rlgen.agents.normalizer import RunningMoments
from rlgen.agents.rollout_agent import RolloutAgent, RolloutConfig
from rlgen.agents.trajectory import Transitions
from rlgen.config import option
from rlgen.errors import UserError
from rlgen.networks import Activation
from rlgen.schedules import Schedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class OnPolicyConfig(RolloutConfig, NetworkConfig):
    """What the networks are made of, how experience is collected and learned from."""

    judging: ClassVar[tuple[str, ...]] = ("evaluation_actions",)

    hidden_units: tuple[int, ...] = option((64, 64), "Units of the hidden layers.", at_least=1)
    activation: Activation = option("tanh", "Between the layers.")
    optimizer: learning.OptimizerKind = option("adam", "What steps the weights; see docs/algorithms/a2c.md.")
    learning_rate: Schedule = option(2e-3, "Step size, clocked by environment steps.", above=0)
    entropy_weight: float = option(0.0, "Weight of the entropy bonus.", at_least=0)
    max_grad_norm: float | None = option(0.5, "Gradients are scaled down to this global norm; none: never.", above=0)
    normalize_observations: bool = option(False, "Take off the running mean, divide by the running deviation.")
    evaluation_actions: Literal["best", "drawn"] = option(
        "best", "What it is judged by: the most probable actions, or such as it learns from."
    )
    initial_log_std: float = option(
        0.0, "Of continuous actions at the start, in units of half their range.", at_least=-20, at_most=20
    )


class OnPolicyAgent(RolloutAgent, NetworkAgent):
    """Base of agents with networks that learn from rollouts; a subclass says what one update is.

    In `update` rewards are scaled, and actions are as they were drawn, so that `self.head.log_prob` is theirs.

    Attributes:
        network: policy and value.
        head: from what the policy's network puts out to actions.
        acting: what acts to learn: itself, unless rollouts are collected ahead.
        acted: what has acted in the rollout that `update` gets, likewise.
    """

    Config: ClassVar[type[OnPolicyConfig]] = OnPolicyConfig
    serves = (gym.spaces.Discrete, gym.spaces.MultiDiscrete, gym.spaces.Box)
    symbolic = True

    def __init__(self, *, problem: str, config: OnPolicyConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        if config.normalize_observations and self.observation.picture:
            raise UserError(
                f"'{problem}' shows pictures, which their network scales: leave normalize_observations out."
            )
        self.head = action_head(self.action_space, initial_log_std=config.initial_log_std)
        self.network = ActorCritic(**self.network_arguments())
        self.observations = RunningMoments(self.observation.shape)
        own = self._actor(self.network, self.head, self.observations)
        self._present, self.acting, self.acted = own, own, own

    # ---- what a subclass may say ----------------------------------------------------------------------

    def network_arguments(self) -> dict[str, Any]:
        """What `ActorCritic` is made of."""
        config = self.config
        return {
            "observation": self.observation,
            "outputs": self.head.outputs,
            "network": config.network,
            "options": networks.Options(
                hidden_units=config.hidden_units,
                activation=config.activation,
                seed=runtime.derive_seed(self.seed, "network"),
                dtype=self.dtype,
            ),
        }

    def act_as_now(self) -> None:
        """As the base says."""
        self.acting.follow(self._present)

    def hand_over(self) -> None:
        """As the base says."""
        self.acted.follow(self.acting)
        self.act_as_now()

    def _actor(self, network: ActorCritic, head: ActionHead, observations: RunningMoments) -> Actor:
        return Actor(network, head, observations, normalize=self.config.normalize_observations)

    def _copy(self) -> Actor:
        """Another one that acts as this agent does now."""
        head = action_head(self.action_space, initial_log_std=self.config.initial_log_std)
        copy = self._actor(ActorCritic(**self.network_arguments()), head, RunningMoments(self.observation.shape))
        copy.follow(self._present)
        return copy

    def build_learner(self) -> None:
        """The optimizer, and what else an update needs. Called once, before the first update."""
        config = self.config
        if self.collects_ahead:
            self.acting, self.acted = self._copy(), self._copy()
        self.optimizer = learning.make_optimizer(config.optimizer, config.learning_rate, self.learned_variables())

    def learner_state(self) -> dict[str, Any]:
        """The optimizer, and what else an update needs, for `state()`."""
        return {"optimizer": self.optimizer}

    @property
    def steps_of_a_gradient(self) -> int:
        """How many steps of a rollout a gradient is taken of at once: all of them."""
        return self.step_quantum

    def learned_variables(self) -> list[Any]:
        """The variables that learn."""
        return [*self.network.trainable_variables, *self.head.variables]

    def exploration_noise(self, steps: int, seed: Any) -> Any:
        """What `explore` draws for so many steps, [steps, N, ...]; compiled code."""
        return self.head.noise((steps, self.shard_envs), seed)

    def explore(self, observation: Any, env_steps: Any, noise: Any) -> Any:
        """Actions to learn from, [N, ...], for observations [N, *shape]: draws from the policy. Compiled code."""
        return self.head.sample(self.network.policy(self.normalized(observation)), noise)

    def explore_on_host(self, observation: Observations, env_steps: int) -> npt.NDArray[Any]:
        """The same in NumPy, drawing from `self.generator`."""
        return self.acting.head.sample_on_host(self.acting.parameters_on_host(observation), self.generator)

    def to_environment(self, action: Any) -> Any:
        """As the head says."""
        return self.head.to_environment(action)

    def to_compiled_environment(self, action: Any) -> Any:
        """As the head says."""
        return self.head.to_compiled_environment(action)

    def begin_update(self, env_steps: Any) -> None:
        """Let the step size follow its schedule."""
        learning.set_learning_rate(self.optimizer, self.config.learning_rate, env_steps)

    def feed(self, rows: Transitions) -> None:
        """Let normalisers see the rollout; compiled code."""
        if self.config.normalize_observations:
            self.observations.feed(rows.observation)

    # ---- the contract ---------------------------------------------------------------------------------

    @property
    def action_numbers(self) -> int:
        """What the head wants."""
        return self.head.outputs

    def network_bytes(self) -> dict[str, int]:
        """The networks, and what they put out where a gradient is taken."""
        steps, models = self.config.num_envs * self.config.rollout_steps, [self.network]
        seen_at_once = 2 * networks.memory.NUMBER_BYTES * steps * networks.memory.widest_outputs(models)
        learned = networks.memory.learning_bytes(models, examples=self.steps_of_a_gradient)
        return {**learned, "batches": max(learned["batches"], seen_at_once)}

    def policy(self, observations: Observations) -> npt.NDArray[Any]:
        """The most probable action, as the environment takes it."""
        return self.head.to_environment(self.head.mode_on_host(self._parameters_on_host(observations)))

    def greedy(self, observation: Any) -> Any:
        """The same, in TensorFlow."""
        return self.answers(observation)["action"]

    def answers(self, observation: Any) -> dict[str, Any]:
        """The action, and `parameters` of the policy, float32 [N, outputs]: logits, or means in the agent's units."""
        parameters = self.network.policy(self.normalized(observation))
        return {"action": self.head.to_compiled_environment(self.head.mode(parameters)), "parameters": parameters}

    def answers_on_host(self, observations: Observations) -> dict[str, npt.NDArray[Any]]:
        """The same in NumPy."""
        parameters = self._parameters_on_host(observations)
        return {"action": self.head.to_environment(self.head.mode_on_host(parameters)), "parameters": parameters}

    def judged_policy(self, *, seed: int) -> Callable[[Observations], npt.NDArray[Any]]:
        """As the configuration says."""
        if self.config.evaluation_actions == "best":
            return self.policy
        generator = runtime.generator(seed, "evaluation actions")
        return lambda observations: self.head.to_environment(
            self.head.sample_on_host(self._parameters_on_host(observations), generator)
        )

    def inference_state(self) -> dict[str, Any]:
        """The networks and what the observations are normalised by."""
        return {"network": self.network, "head": self.head.variables, "observations": self.observations.state()}

    def train(self, steps: int) -> dict[str, float]:
        """As every agent that learns from rollouts; and the step size."""
        return {**super().train(steps), "train/learning_rate": float(self.optimizer.learning_rate.numpy())}

    # ---- parts ----------------------------------------------------------------------------------------

    def _parameters_on_host(self, observations: Observations) -> Floats:
        return self._present.parameters_on_host(observations)

    def normalized(self, observation: Any) -> Any:
        """Observations as the networks see them."""
        return self._present.normalized(observation)
