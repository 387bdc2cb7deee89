"""What every agent shares: the environment it learns in, acting, evaluation on Gymnasium's own, filming."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlgen import registry, runtime, sources
from rlgen.agents import evaluation, filming, serving, sight
from rlgen.algorithm import Algorithm, Embedding, Evaluation, Split
from rlgen.config import Config, option
from rlgen.envs.gymnasium import as_batch, to_space
from rlgen.envs.making import Environments, HostEnvs
from rlgen.errors import UserError
from rlgen.pictures import Picture
from rlgen.served import Served

Floats = npt.NDArray[np.float32]
Observations = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AgentConfig(Config):
    """What every agent can be told."""

    num_envs: int = option(8, "Environments stepped together.", at_least=1, at_most=65_536)
    discount: float = option(0.99, "gamma: what a reward one step later is worth.", at_least=0, at_most=1)
    wrappers: tuple[str, ...] = option(
        (),
        "Wrappers around the environment, from the inside out, as name:argument?key=value; see docs/environments.md.",
    )
    env_processes: bool | Literal["ray"] = option(
        False,
        "Each Gymnasium environment that is learned in has a process of its own and steps while the agent learns; ray: "
        "on the cluster that RAY_ADDRESS names.",
    )
    exploration_repeat_steps: int = option(
        1, "Steps of an environment for which exploring draws the same random numbers (Dabney et al. 2021).", at_least=1
    )


class Agent(Algorithm):
    """Base of the agents; a subclass says which actions it can choose and how it acts and learns.

    Attributes:
        serves: the Gymnasium action spaces it can act in.
        wants: what else it asks of an action space, for messages.
        engines: where it can learn; an agent that steps environments itself has "gymnasium" alone.
        symbolic: whether `answers` takes Keras' symbolic tensors too, so that a Keras model can be made of it.
        environments: makes environments, in the wrappers of the configuration.
        action_space: the environment's.
        observation_space: the environment's, before flattening.
        observation: shape and type of one observation as the agent sees it.
    """

    Config: ClassVar[type[AgentConfig]]
    problem_kind = "env"
    default_problem = "CartPole-v1"
    step_unit = "environment steps"
    score = "eval/mean_reward"
    score_range = ("eval/min_reward", "eval/max_reward")
    training_curve = ("rollout/ep_rew_mean", "while exploring")
    charts = {
        "Learning": {
            "episode length": ("eval/mean_ep_length", "rollout/ep_len_mean"),
            "returns, lowest and highest": ("eval/min_reward", "eval/max_reward"),
        },
        "Health": {
            "values": ("train/q_mean", "eval/overestimation"),
            "temporal-difference error": ("train/td_error",),
            "exploration": ("rollout/exploration_rate", "train/ent_coef", "train/entropy_loss"),
            "explained variance": ("train/explained_variance",),
        },
    }
    default_steps = 50_000
    serves: ClassVar[tuple[type[gym.Space[Any]], ...]]
    wants: ClassVar[str] = ""
    engines: ClassVar[tuple[str, ...]] = ("compiled", "gymnasium")
    symbolic: bool = False

    def __init__(self, *, problem: str, config: AgentConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self.environments = Environments(
            problem,
            wrappers=config.wrappers,
            training_wrappers=self.training_wrappers(),
            engine=engine,
            able=self.engines,
            processes="machine" if config.env_processes is True else config.env_processes or None,
        )
        self.engine = self.environments.engine
        self.step_quantum = config.num_envs
        self.observation_space = self.environments.observation_space
        self.action_space = self.environments.action_space
        self.observation = self.environments.observation
        self._met: evaluation.Played | None = None
        self._refuse_unserved()

    @abc.abstractmethod
    def policy(self, observations: Observations) -> npt.NDArray[Any]:
        """The actions the agent thinks best, [N, ...], for observations [N, *shape]; deterministic.

        Discrete actions are counted from 0, whatever number Gymnasium's space starts at.
        """

    def greedy(self, observation: Any) -> Any:
        """The same as `policy`, in TensorFlow: a part of programs that are not the agent's own.

        Raises:
            UserError: the agent acts in NumPy alone.
        """
        raise UserError(f"{type(self).__name__} acts in NumPy alone: give it `greedy`, its policy in TensorFlow.")

    def answers(self, observation: Any) -> dict[str, Any]:
        """`greedy` by the name of `action`, and beside it what was chosen by, [N, ...] each by name; TensorFlow."""
        return {"action": self.greedy(observation)}

    def answers_on_host(self, observations: Observations) -> dict[str, npt.NDArray[Any]]:
        """The same in NumPy."""
        return {"action": self.policy(observations)}

    def served(self) -> Mapping[str, Served]:
        """`act`: observations as the environment shows them to actions as it takes them."""
        return {"act": serving.act(self)}

    def judged_policy(self, *, seed: int) -> Callable[[Observations], npt.NDArray[Any]]:
        """The policy that it is judged and filmed by: `policy`, unless the configuration puts chance into it."""
        return self.policy

    def values(self, observations: Observations) -> Floats | None:
        """What the agent expects from here on, [N], for observations [N, *shape]; None if it cannot say."""
        return None

    def training_wrappers(self) -> tuple[str, ...]:
        """Wrappers that this way of learning asks for, outside of those of the configuration."""
        return ()

    def act(self, observation: Any) -> Any:
        """The best action for one observation, or actions for a batch of them; NumPy in, NumPy out.

        Args:
            observation: in the environment's observation space, or a batch as vector environments give it.

        Raises:
            UserError: it is neither.
        """
        observations, batched = as_batch(self.observation_space, observation)
        actions = to_space(self.action_space, self.policy(observations))
        return actions if batched else actions[0]

    def evaluate(self, *, episodes: int, seed: int, split: Split) -> Evaluation:
        """Play `episodes` whole episodes in Gymnasium environments side by side.

        Where there is a single environment they are played one after another, and training begins a new episode.

        Raises:
            EnvironmentFault: an episode does not end.
        """
        envs, policy = self.environments.judging(num_envs=episodes), self.judged_policy(seed=seed)
        with runtime.one_blas_thread():
            played = evaluation.play(envs, policy, self.values, episodes=episodes, seed=seed)
        self._met = played
        return Evaluation(
            evaluation.scalars(played, discount=self.config.discount),
            episodes,
            self.pictures(sight.some(played.observations)) if self.observation.picture else {},
            distributions=evaluation.distributions(played),
            protocol=self.environments.about,
        )

    def pictures(self, observations: Observations) -> dict[str, Picture]:
        """What there is to look at of a few observations that are pictures, [N, H, W, C], by TensorBoard name."""
        return {"eval/observations": sight.planes(observations)}

    def embedding(self, *, seed: int) -> Embedding | None:
        """The states of the last evaluation, as its network sees them inside, with what it did and expected."""
        if (met := self._met) is None:
            return None
        observations = met.observations
        labels: dict[str, Any] = {"action": [np.array2string(each, precision=2) for each in met.actions]}
        if (values := self.values(observations)) is not None:
            labels["value"] = [f"{value:.3g}" for value in values]
        drawable = observations.dtype == np.uint8 and observations.ndim == 4 and observations.shape[-1] in (1, 3)
        pictures = observations if drawable else None
        return Embedding(name="states", vectors=self.features(observations), labels=labels, pictures=pictures)

    def features(self, observations: Observations) -> Floats:
        """What it makes of observations [N, *shape] inside, [N, D]; of an agent that cannot say, the observations."""
        return np.asarray(observations, np.float32).reshape(len(observations), -1)

    @property
    def score_threshold(self) -> float | None:
        """The return from which Gymnasium calls the environment solved."""
        return self.environments.reward_threshold

    def frames(self, *, seed: int) -> Iterator[npt.NDArray[np.uint8]]:
        """One episode as Gymnasium draws it."""
        env = self.environments.judged(render_mode="rgb_array")
        try:
            self.frames_per_second = filming.rate(env)
            yield from filming.episode(
                env,
                self.judged_policy(seed=seed),
                contract=self.environments.contract,
                name=self.problem,
                seed=runtime.derive_seed(seed, "film"),
            )
        finally:
            self.environments.contract.close(env)

    def check_problem(self) -> None:
        """Step an environment at random for a moment.

        Raises:
            EnvironmentFault: it breaks Gymnasium's contract.
        """
        self.environments.probe(seed=runtime.derive_seed(self.seed, "probe"))

    def remarks(self) -> tuple[str, ...]:
        """What is played, where the name does not say it; a single environment; channels that seem to come first."""
        told = [f"{self.problem} by the protocol {self.environments.about}."] if self.environments.about else []
        if self.environments.alone:
            told.append(
                f"'{self.problem}' is a single environment and used as it is: training and evaluations take turns in "
                "it, with a new episode each time. Bring its class, or a function that makes it, for more."
            )
        if self.observation.channels_first:
            told.append(
                f"'{self.problem}' shows {self.observation}, and networks see [height, width, channels]: if its first "
                "axis is the channels, say --wrapper 'picture?channels=first', before any other."
            )
        return tuple(told)

    @classmethod
    def name_problem(cls, problem: Any, arguments: Mapping[str, Any], *, name: str | None = None) -> str:
        """Of an id, a class or function that makes environments, an `EnvSpec`, or an environment."""
        return sources.name_of(problem, arguments, name=name)

    @classmethod
    def suited(cls, problem: str) -> Mapping[str, Any]:
        """One environment, where a single one was brought."""
        return {"num_envs": 1} if sources.lookup(problem).alone else {}

    def close(self) -> None:
        """Close every environment; what is asked for again is made again."""
        self.environments.close()

    def training_envs(self, *, resumed_at: int = 0) -> HostEnvs:
        """The Gymnasium environments to learn in; actions count from 0.

        Args:
            resumed_at: environment steps a resumed run has behind it, so that it does not begin with the
                episodes it began with.
        """
        seed = runtime.derive_seed(self.seed, "environments", resumed_at)
        return self.environments.training(num_envs=self.config.num_envs, seed=seed)

    def whole_quanta(self, steps: int) -> int:
        """How many quanta `steps` are.

        Raises:
            UserError: they are no whole number of them.
        """
        quanta, rest = divmod(steps, self.step_quantum)
        if rest or steps < 1:
            near = max(1, -(-steps // self.step_quantum)) * self.step_quantum
            raise UserError(f"{type(self).__name__} trains in multiples of {self.step_quantum} steps: say {near}.")
        return quanta

    @classmethod
    def can_choose(cls, space: gym.Space[Any]) -> bool:
        """Whether the agent can act in an action space."""
        return isinstance(space, cls.serves)

    def _refuse_unserved(self) -> None:
        if self.can_choose(self.action_space):
            return
        able = registry.able("agent", lambda cls: cls.can_choose(self.action_space))
        names = " or ".join(space.__name__ for space in self.serves)
        names += " actions" + (self.wants if isinstance(self.action_space, self.serves) else "")
        advice = f"Agents that can: {', '.join(able)}." if able else "No installed agent can."
        raise UserError(
            f"'{self.problem}' takes actions in {self.action_space}; {type(self).__name__} chooses {names}. {advice}"
        )
