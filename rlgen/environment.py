"""The contract of an environment and of what goes around one.

Two engines run environments. The compiled one needs the environment as pure TensorFlow functions
(`CompiledEnv`) and steps thousands at once inside the training program. The host one steps any Gymnasium
environment in Python. Evaluation and recording always use Gymnasium's own environment.
"""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import gymnasium as gym

from rlgen.spec import Stack


class CompiledEnv(abc.ABC):
    """An environment as pure functions of tensors, over a batch of N copies.

    Time limits and resets are not its business: the engine counts steps, truncates at `max_episode_steps`
    and resets what has ended.

    Attributes:
        gymnasium_id: the same environment in Gymnasium, where it is evaluated and filmed.
        observation_space: as Gymnasium describes it.
        action_space: as Gymnasium describes it.
        max_episode_steps: the time limit in environment steps.
        physics: names of attributes that `step` reads and that may be varied (`rlgen.envs.domain_randomization`):
            a number each, or a tensor [N] with one for every copy. Gymnasium's environment calls them the same.
        derived: names of attributes that follow from those and that Gymnasium's environment keeps too.
    """

    gymnasium_id: str
    observation_space: gym.Space[Any]
    action_space: gym.Space[Any]
    max_episode_steps: int
    physics: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()

    @abc.abstractmethod
    def reset(self, num_envs: int, seed: Any) -> Any:
        """First states, float32 [N, S], from a stateless seed, int32 [2]."""

    @abc.abstractmethod
    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        """One step: state [N, S], action [N] or [N, A] and a stateless seed, int32 [2], to
        (next state [N, S], reward float32 [N], terminated bool [N]).
        """

    def observe(self, state: Any) -> Any:
        """Observations, float32 [N, ...], of states [N, S]; by default the state itself."""
        return state


class CompiledWrapper(CompiledEnv):
    """A compiled environment around another, the same in everything that a subclass does not override."""

    def __init__(self, env: CompiledEnv) -> None:
        self.env = env
        self.gymnasium_id, self.max_episode_steps = env.gymnasium_id, env.max_episode_steps
        self.observation_space, self.action_space = env.observation_space, env.action_space

    def reset(self, num_envs: int, seed: Any) -> Any:
        """As the environment inside."""
        return self.env.reset(num_envs, seed)

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        """As the environment inside."""
        return self.env.step(state, action, seed)

    def observe(self, state: Any) -> Any:
        """As the environment inside."""
        return self.env.observe(state)


class Prepared(abc.ABC):
    """An environment that is another one to learn in than to be judged in, made with the arguments of its name.

    Plug-ins of the kind `env_family` are functions of a name to what makes one of these, or None.

    Attributes:
        about: all that a score depends on beside the name, in one sentence; it stands beside every result.
        stack: what observations are stacked of; None: they are not.
    """

    about: str = ""
    stack: Stack | None = None

    @abc.abstractmethod
    def judged(self, *, render_mode: str | None = None) -> gym.Env[Any, Any]:
        """One to be judged in or to be filmed."""

    @abc.abstractmethod
    def learned(self) -> gym.Env[Any, Any]:
        """One to learn in, with the same observations and actions."""

    @abc.abstractmethod
    def many(self, num_envs: int) -> gym.vector.VectorEnv[Any, Any, Any]:
        """So many to learn in, as one vector environment that resets in the step in which an episode ends.

        Its infos may have `rlgen.score`, float32 [N], and `rlgen.over`, bool [N]: rewards and ends of episodes as they
        are to be reported, where others are learned from.
        """


class Wrapper(abc.ABC):
    """A wrapper by name, on either engine; made with its arguments, keyword-only, the main one first.

    Attributes:
        training_only: left out where the agent is judged and filmed.
        innermost: goes directly around the environment, wherever it stands in the list.
        shows_the_same: observations pass through it as they are.
        stack: what it stacks observations of; None: it does not.
    """

    training_only: ClassVar[bool] = False
    innermost: ClassVar[bool] = False
    shows_the_same: ClassVar[bool] = False
    stack: Stack | None = None

    @abc.abstractmethod
    def on_host(self, env: gym.Env[Any, Any], compiled: CompiledEnv | None) -> gym.Env[Any, Any]:
        """The Gymnasium environment, wrapped; `compiled` is its compiled counterpart, where it has one."""

    def on_compiled(self, env: CompiledEnv) -> CompiledEnv | None:
        """The compiled environment, wrapped; None: this wrapper exists for Gymnasium alone."""
        return None
