"""Our agents where TF-Agents expects a policy of its own: in its drivers, its metrics and its `PolicySaver`."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlgen import runtime, state
from rlgen.agents.agent import Agent
from rlgen.agents.replay_agent import ReplayAgent
from rlgen.agents.rollout_agent import RolloutAgent
from rlgen.agents.tf_agents import library
from rlgen.agents.tf_agents.py_environment import spec_of_space
from rlgen.errors import UserError


def as_tf_policy(agent: Agent, *, exploring: bool = False) -> Any:
    """An agent's policy as a `TFPolicy`, for the specifications of a `GymnasiumPyEnvironment` of what it plays.

    It follows the agent: what that learns afterwards, the policy does.

    Args:
        agent: what `rlgen.load` or `rlgen.make` returns.
        exploring: as it acts to learn, not as it thinks best; for as many environments at once as its `num_envs`.

    Raises:
        UserError: it sees something else than a `Box`, or does not explore by itself.
    """
    if not isinstance(agent.observation_space, gym.spaces.Box):
        raise UserError(
            f"'{agent.problem}' shows {agent.observation_space}, and a policy for TF-Agents sees a Box: wrap the "
            "environment so that it shows one (gymnasium.wrappers.FlattenObservation)."
        )
    if not exploring:
        return _Greedy(agent)
    if not isinstance(agent, (ReplayAgent, RolloutAgent)):
        raise UserError(f"{type(agent).__name__} has no way to explore that is known: leave exploring out.")
    return _Exploring(agent)


class _Policy(library.tf_policy.TFPolicy):
    """Observations as the agent takes them, and actions as the environment does."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        specs = library.specs.from_spec
        observation = specs(spec_of_space(agent.observation_space, "observation"))
        super().__init__(
            time_step_spec=library.time_steps.time_step_spec(observation),
            action_spec=specs(spec_of_space(agent.action_space, "action")),
        )

    def _variables(self) -> list[Any]:
        return self._held

    def _hold(self, tree: Any) -> None:
        """Keep variables where `tf.Module` looks for what is to be saved: Keras 3 wraps them."""
        leaves = (leaf for _, node in state.nodes(tree) for leaf in getattr(node, "variables", [node]))
        variables = (leaf for leaf in leaves if hasattr(leaf, "assign"))
        self._held = [leaf if isinstance(leaf, tf.Variable) else leaf.value for leaf in variables]

    def _distribution(self, time_step: Any, policy_state: Any) -> Any:
        raise NotImplementedError("it says what it does, and not how probable that is")

    def _seen(self, time_step: Any) -> Any:
        own = self._agent.observation
        return tf.reshape(tf.cast(time_step.observation, own.dtype), (-1, *own.shape))

    def _step(self, action: Any, policy_state: Any) -> Any:
        spec, space = self.action_spec, self._agent.action_space
        start = np.asarray(getattr(space, "start", 0), spec.dtype.as_numpy_dtype)
        return library.policy_steps.PolicyStep(tf.cast(action, spec.dtype) + start, policy_state, ())


class _Greedy(_Policy):
    """What the agent thinks best."""

    def __init__(self, agent: Agent) -> None:
        super().__init__(agent)
        self._hold(agent.inference_state())

    def _action(self, time_step: Any, policy_state: Any, seed: Any = None) -> Any:
        return self._step(self._agent.greedy(self._seen(time_step)), policy_state)


class _Exploring(_Policy):
    """What the agent does to learn.

    Attributes:
        env_steps: environment steps so far, which exploring may depend on, int64, a variable.
    """

    def __init__(self, agent: Any) -> None:
        super().__init__(agent)
        agent.state()
        self._learner = agent
        self._to_environment = getattr(agent, "to_compiled_environment", agent.to_environment)
        steps = int(agent.env_steps) if hasattr(agent, "env_steps") else int(agent.updates) * agent.step_quantum
        self.env_steps = tf.Variable(steps, dtype=tf.int64, trainable=False)
        self._seeds = runtime.Seeds(agent.seed, "exploring policy")
        self._hold({**agent.inference_state(), "env_steps": self.env_steps, "seeds": self._seeds.variable})

    def _action(self, time_step: Any, policy_state: Any, seed: Any = None) -> Any:
        seen, agent = self._seen(time_step), self._learner
        count = agent.config.num_envs
        if seen.shape[0] not in (None, count):
            raise UserError(
                f"This agent explores in {count} environments at once, and is given {seen.shape[0]}: make it with "
                f"num_envs={seen.shape[0]}."
            )
        drawn = agent.exploration_noise(1, self._seeds.draw("exploring policy", self.env_steps))
        noise = tf.nest.map_structure(lambda x: x[0], drawn)
        action = agent.explore(tf.ensure_shape(seen, (count, *seen.shape[1:])), self.env_steps, noise)
        self.env_steps.assign_add(count)
        return self._step(self._to_environment(action), policy_state)
