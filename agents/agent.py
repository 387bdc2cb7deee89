"""What every agent shares: the environment it learns in, acting, evaluation on Gymnasium's own, filming."""

from __future__ import annotations

import abc
import contextlib
import copy
import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlgen import registry, runtime
from rlgen.algorithm import Algorithm, Evaluation, Split
from rlgen.config import Config, option
from rlgen.environment import CompiledEnv, lookup
from rlgen.envs.domain_randomization import CompiledDomainRandomization, DomainRandomization, parse_ranges
from rlgen.envs.gymnasium import HostEnvs, flat, flat_batch, flat_size, probe, to_space
from rlgen.envs.noisy_reward import CompiledNoisyReward, NoisyReward
from rlgen.errors import EnvironmentFault, UserError
from rlgen.metrics.overestimation import overestimation

Floats = npt.NDArray[np.float32]
LONGEST_EPISODE_STEPS = 200_000  # Twice the longest of the Arcade Learning Environment's.


@dataclasses.dataclass(frozen=True, kw_only=True)
class AgentConfig(Config):
    """What every agent can be told."""

    num_envs: int = option(8, "Environments stepped together.", at_least=1, at_most=65_536)
    discount: float = option(0.99, "gamma: what a reward one step later is worth.", at_least=0, at_most=1)
    max_episode_steps: int | None = option(
        None, "Episodes are cut here, in training and evaluation; none: by the environment's own limit.", at_least=1
    )
    noisy_reward_std: float | None = option(
        None, "Replace every training reward by N(1, this); none leaves rewards alone.", at_least=0
    )
    randomize: tuple[str, ...] = option(
        (), "Physical parameters drawn anew for every training episode: name=low:high, in the parameter's own unit."
    )
    exploration_held_steps: int = option(
        1, "Steps of an environment for which exploring draws the same random numbers: strokes, not jitter.", at_least=1
    )

    def check(self) -> None:
        """Refuse ranges that are none."""
        parse_ranges(self.randomize)


@dataclasses.dataclass(frozen=True, kw_only=True)
class BootstrapConfig(AgentConfig):
    """What agents can be told that learn values from their own values."""

    reward_scale: float = option(
        1.0, "Rewards are multiplied by this before they are learned from; statistics keep them as they are.", above=0
    )
    time_limits_terminate: bool = option(
        False, "Learn from the end at a time limit as from a termination, as when Gym had one `done` for both."
    )


class Agent(Algorithm):
    """Base of the agents; a subclass says which actions it can choose and how it acts and learns.

    Attributes:
        serves: the Gymnasium action spaces it can act in.
        wants: what else it asks of an action space, for messages.
        engines: where it can learn; an agent that steps environments itself has "gymnasium" alone.
        action_space: the environment's.
        observation_space: the environment's, before flattening.
        observation_size: numbers in a flattened observation.
    """

    Config: ClassVar[type[AgentConfig]]
    problem_kind = "env"
    default_problem = "CartPole-v1"
    step_unit = "environment steps"
    score = "eval/mean_reward"
    score_range = ("eval/min_reward", "eval/max_reward")
    memory_advice = "Make the replay smaller (--set replay_capacity=...)"
    training_curve = ("rollout/ep_rew_mean", "while exploring")
    default_steps = 50_000
    serves: ClassVar[tuple[type[gym.Space[Any]], ...]]
    wants: ClassVar[str] = ""
    engines: ClassVar[tuple[str, ...]] = ("compiled", "gymnasium")

    def __init__(self, *, problem: str, config: AgentConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self._source = lookup(problem)
        self.engine = self._source.choose_engine(engine, self.engines)
        self.step_quantum = config.num_envs
        env = self._source.make()
        self.observation_space, self.action_space = env.observation_space, env.action_space
        env.close()
        self._refuse_unserved()
        self.observation_size = flat_size(self.observation_space)
        probe(self._source.make, seed=runtime.derive_seed(seed, "probe"))
        if config.randomize:
            # Made once to have the names of the parameters checked before anything is written.
            self.training_env() if self.engine == "compiled" else self.training_envs().close()

    @abc.abstractmethod
    def policy(self, observations: Floats) -> npt.NDArray[Any]:
        """The actions the agent thinks best, [N, ...], for flattened observations [N, D]; deterministic.

        Discrete actions are counted from 0, whatever number Gymnasium's space starts at.
        """

    def values(self, observations: Floats) -> Floats | None:
        """What the agent expects from here on, [N], for flattened observations [N, D]; None if it cannot say."""
        return None

    def act(self, observation: Any) -> Any:
        """The best action for one observation, or actions for a batch of them; NumPy in, NumPy out.

        Args:
            observation: in the environment's observation space, or a batch as vector environments give it.

        Raises:
            UserError: it is neither.
        """
        flattened, batched = flat_batch(self.observation_space, observation)
        actions = to_space(self.action_space, self.policy(flattened))
        return actions if batched else actions[0]

    def evaluate(self, *, episodes: int, seed: int, split: Split) -> Evaluation:
        """Play `episodes` whole episodes, one each in as many Gymnasium environments side by side.

        Every environment plays exactly one, so short episodes count no more than long ones.

        Raises:
            EnvironmentFault: an episode does not end.
        """
        envs = HostEnvs(self._make, num_envs=episodes, seed=seed)
        alive = np.ones(episodes, bool)
        rewards, values, lived, ended_by_time = [], [], [], np.zeros(episodes, bool)
        with contextlib.closing(envs), runtime.one_blas_thread():
            while alive.any():
                observation = envs.observation.copy()
                values.append(self.values(observation))
                step = envs.step(self.policy(observation))
                rewards.append(np.where(alive, step.reward, 0.0))
                lived.append(alive.copy())
                ended_by_time |= alive & step.truncated & ~step.terminated
                alive &= ~(step.terminated | step.truncated)
                if len(rewards) >= LONGEST_EPISODE_STEPS:
                    raise EnvironmentFault(
                        f"An episode of '{self.problem}' has not ended after {len(rewards):,} steps. Give it a time "
                        "limit: max_episode_steps=1000, for instance."
                    )
        returns, lengths = np.sum(rewards, 0), np.sum(lived, 0)
        scalars = {
            "eval/mean_reward": returns.mean(),
            "eval/std_reward": returns.std(),
            "eval/min_reward": returns.min(),
            "eval/max_reward": returns.max(),
            "eval/mean_ep_length": lengths.mean(),
        }
        if values[0] is not None:
            bias = overestimation(
                np.array(values),
                np.array(rewards),
                np.array(lived),
                ended_by_time,
                discount=self.config.discount,
            )
            if bias is not None:
                scalars["eval/overestimation"] = bias
        return Evaluation({name: float(value) for name, value in scalars.items()}, episodes)

    def frames(self, *, seed: int) -> Iterator[npt.NDArray[np.uint8]]:
        """One episode as Gymnasium draws it."""
        env = flat(self._make(render_mode="rgb_array"))
        self.frames_per_second = int(env.metadata.get("render_fps", 30))
        try:
            observation, _ = env.reset(seed=runtime.derive_seed(seed, "film"))
            done = False
            while not done:
                yield np.asarray(env.render(), np.uint8)
                action = to_space(self.action_space, self.policy(np.asarray(observation, np.float32)[None]))[0]
                observation, _, terminated, truncated, _ = env.step(action)
                done = terminated or truncated
            yield np.asarray(env.render(), np.uint8)
        finally:
            env.close()

    def training_env(self) -> CompiledEnv:
        """The compiled environment to learn in, with the configured wrappers."""
        env, std, ranges = self._source.compiled, self.config.noisy_reward_std, parse_ranges(self.config.randomize)
        assert env is not None, "choose_engine has seen to it"
        if self.training_limit_steps is not None:
            env = copy.copy(env)
            env.max_episode_steps = min(env.max_episode_steps, self.training_limit_steps)
        if ranges:
            env = CompiledDomainRandomization(env, ranges=ranges)
        return env if std is None else CompiledNoisyReward(env, std=std)

    @property
    def training_limit_steps(self) -> int | None:
        """Where training episodes are cut, if not by the environment alone."""
        limit: int | None = self.config.max_episode_steps
        return limit

    def training_envs(self, *, resumed_at: int = 0) -> HostEnvs:
        """The Gymnasium environments to learn in, with the configured wrappers; actions count from 0.

        Args:
            resumed_at: environment steps a resumed run has behind it, so that it does not begin with the
                episodes it began with.
        """
        std, ranges = self.config.noisy_reward_std, parse_ranges(self.config.randomize)

        def make() -> gym.Env[Any, Any]:
            env = limited(self._source.make(), self.training_limit_steps)
            if ranges:
                env = DomainRandomization(env, ranges=ranges, twin=self._source.compiled)
            return env if std is None else NoisyReward(env, std=std)

        seed = runtime.derive_seed(self.seed, "environments", resumed_at)
        return HostEnvs(make, num_envs=self.config.num_envs, seed=seed)

    def _make(self, **options: Any) -> gym.Env[Any, Any]:
        """The environment to be judged in."""
        return limited(self._source.make(**options), self.config.max_episode_steps)

    @classmethod
    def can_choose(cls, space: gym.Space[Any]) -> bool:
        """Whether the agent can act in an action space."""
        return isinstance(space, cls.serves)

    def _refuse_unserved(self) -> None:
        if self.can_choose(self.action_space):
            return
        able = []
        for plugin in registry.available("agent"):
            # A stranger's broken plug-in must not hide which agents would do.
            try:
                if plugin.load().can_choose(self.action_space):
                    able.append(plugin.name)
            except Exception:
                continue
        names = " or ".join(space.__name__ for space in self.serves)
        names += " actions" + (self.wants if isinstance(self.action_space, self.serves) else "")
        advice = f"Agents that can: {', '.join(able)}." if able else "No installed agent can."
        raise UserError(
            f"'{self.problem}' takes actions in {self.action_space}; {type(self).__name__} chooses {names}. {advice}"
        )


def limited(env: gym.Env[Any, Any], max_episode_steps: int | None) -> gym.Env[Any, Any]:
    """`env` with a time limit on top of its own, if there is one to set."""
    return env if max_episode_steps is None else gym.wrappers.TimeLimit(env, max_episode_steps)
