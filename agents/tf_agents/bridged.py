"""What all agents of TF-Agents share here: how they see an environment, act in it, and what of them a run keeps.

An agent of TF-Agents is built once, by `make_agent`. Its policies act inside our programs, its `train` learns inside
them, and its random numbers follow from the run's seed (`randomness`); its loop, its replay and its drivers are not
used.
"""

from __future__ import annotations

import abc
import contextlib
import functools
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from absl import logging
from tensorflow.python.util import deprecation

from rlgen import draws, loops, runtime
from rlgen.agents.agent import Agent, Observations
from rlgen.agents.tf_agents import library, randomness
from rlgen.envs.making import Environments
from rlgen.errors import UserError

# What TF-Agents calls a part of a loss, where the scalars of the house have another name for it.
SCALARS = {
    "alpha_loss": "train/ent_coef_loss",
    "policy_gradient_loss": "train/policy_loss",
    "value_estimation_loss": "train/value_loss",
    "entropy_regularization_loss": "train/entropy_loss",
}


@contextlib.contextmanager
def within(seed: Any) -> Iterator[None]:
    """Where code of TF-Agents is traced: its draws follow from a stateless seed, and nobody is told that it is old."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with randomness.stateless(seed), deprecation.silence():
            yield
    finally:
        logging.set_verbosity(verbosity)


@contextlib.contextmanager
def fresh_names() -> Iterator[None]:
    """Where Keras 2 counts the names it gives from the beginning, and not over all that the process has made before.

    TF-Agents sorts variables by them: of an agent that is made again the sums over all of them are the same bits.
    """
    counts = importlib.import_module("tf_keras.src.backend").get_default_graph_uid_map()
    before = dict(counts)
    counts.clear()
    try:
        yield
    finally:
        counts.clear()
        counts.update(before)


def in_order(variables: Iterable[Any]) -> list[Any]:
    """Variables by their names, the numbers in them counted: TF-Agents makes some in the order of a set."""

    def key(variable: Any) -> list[Any]:
        return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", variable.name)]

    return sorted(variables, key=key)


class Bridged(Agent):
    """Base of the agents of TF-Agents; a subclass builds one, its bases say how experience is collected.

    Attributes:
        agent: TF-Agents'.
        action_spec: TF-Agents' of the actions: counted from 0, or a vector between the environment's bounds.
        time_step_spec: TF-Agents' of what the agent sees.
    """

    serves: ClassVar[tuple[type[gym.Space[Any]], ...]] = (gym.spaces.Discrete, gym.spaces.Box)
    wants = " between bounds"
    agent: Any

    def __init__(self, *, problem: str, config: Any, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self.time_step_spec, self.action_spec = specifications(self.environments)
        # What schedules follow: environment steps so far, where an update or an action is traced.
        self.clock: Any = 0
        self._recorded: list[Any] = []
        drawn = runtime.derive_seed(seed, "weights")
        with self.recorded(), fresh_names(), runtime.python_random(drawn), within([drawn, 0]):
            self.counter = tf.Variable(0, dtype=tf.int64, trainable=False)
            self.agent = self.make_agent()
            self.agent.initialize()
        self._record(self.agent)
        self._weights = {id(each) for each in self._recorded}
        _refuse_memory(self.agent)
        convolves = any(each.shape.rank == 4 for each in self._recorded)
        self.compute = loops.choose(convolutional=convolves, precision="float32")

    @classmethod
    def can_choose(cls, space: gym.Space[Any]) -> bool:
        """Of `Box` only actions that lie between bounds."""
        return isinstance(space, cls.serves) and not (isinstance(space, gym.spaces.Box) and not space.is_bounded())

    # ---- what a subclass says -------------------------------------------------------------------------

    @abc.abstractmethod
    def make_agent(self) -> Any:
        """A `TFAgent` for `time_step_spec` and `action_spec`, with `self.counter` as its `train_step_counter`."""

    # ---- acting ---------------------------------------------------------------------------------------

    def policy(self, observations: Observations) -> npt.NDArray[Any]:
        """What the agent's policy thinks most probable."""
        return np.asarray(self._greedy(tf.constant(observations)))

    def greedy(self, observation: Any) -> Any:
        """The same, in TensorFlow."""
        # A draw has no part in it, and may stand in it: of a policy whose most probable action is not known.
        with within([0, 0]):
            return self.shaped(self._best.action(self.time_step(observation)).action)

    def shaped(self, action: Any) -> Any:
        """Actions of a policy of TF-Agents, [N, ...], which are vectors between bounds, as the environment has them."""
        return tf.reshape(action, (-1, *(self.action_space.shape or ())))

    def time_step(self, observation: Any) -> Any:
        """TF-Agents' of observations [N, *shape], in the middle of an episode; compiled code."""
        count = tf.shape(observation)[:1]
        middle = tf.fill(count, library.time_steps.StepType.MID)
        return library.time_steps.TimeStep(middle, tf.zeros(count), tf.ones(count), observation)

    def collected(self, observation: Any, env_steps: Any, seed: Any) -> Any:
        """Actions of the agent's collecting policy, [N, ...], for observations [N, *shape]; compiled code."""
        self.clock = env_steps
        with within(seed):
            return self.shaped(self.agent.collect_policy.action(self.time_step(observation)).action)

    def exploration_noise(self, steps: int, seed: Any) -> Any:
        """A seed for each step, int32 [steps, 2]."""
        return draws.integers((steps, 2), seed, 2**31 - 1)

    def explore_on_host(self, observation: Observations, env_steps: int) -> npt.NDArray[Any]:
        """As `explore`, with a seed from `self.generator`."""
        seed = self.generator.integers(2**31 - 1, size=2, dtype=np.int32)  # type: ignore[attr-defined]
        return np.asarray(self._exploring(tf.constant(observation), tf.constant(env_steps, tf.int64), seed))

    @functools.cached_property
    def _best(self) -> Any:
        return library.greedy_policy.GreedyPolicy(self.agent.policy)

    @functools.cached_property
    def _greedy(self) -> Any:
        return loops.program(self.greedy, lengths_vary=True)

    @functools.cached_property
    def _exploring(self) -> Any:
        return loops.program(self.explore)  # type: ignore[attr-defined]

    # ---- learning -------------------------------------------------------------------------------------

    def as_built(self, action: Any) -> Any:
        """Actions as the environment has them, [K, N, ...], as the agent's specification has them, [K, N, ...]."""
        spec = self.agent.action_spec
        leading = action.shape[: action.shape.rank - len(self.action_space.shape or ())]
        return tf.cast(tf.reshape(action, (*leading, *spec.shape)), spec.dtype)

    def scalars(self, info: Any) -> dict[str, Any]:
        """The loss and its parts of a `LossInfo`, by TensorBoard name; what weights are punished by is in the loss."""
        parts = info.extra._asdict() if hasattr(info.extra, "_asdict") else {}
        numbers = {name: part for name, part in parts.items() if tf.is_tensor(part) and not part.shape.rank}
        known = {SCALARS.get(name, f"train/{name}"): part for name, part in numbers.items()}
        named = {name: part for name, part in known.items() if not name.endswith("_regularization_loss")}
        return {**named, "train/loss": tf.reduce_mean(info.loss)}

    # ---- what a run keeps -----------------------------------------------------------------------------

    def recorded(self) -> Any:
        """A context in which every variable that is made becomes a part of the state."""

        def record(make: Any, **how: Any) -> Any:
            variable = make(**how)
            self._recorded.append(variable)
            return variable

        return tf.variable_creator_scope(record)

    def _record(self, agent: Any) -> None:
        """Take what an agent had when it came, which no `recorded` has seen."""
        optimizers = (each for each in vars(agent).values() if isinstance(each, tf.keras.optimizers.legacy.Optimizer))
        known = {id(each) for each in self._recorded}
        for variable in (*agent.variables, *(each for optimizer in optimizers for each in optimizer.variables())):
            if id(variable) not in known:
                known.add(id(variable))
                self._recorded.append(variable)

    def inference_state(self) -> dict[str, Any]:
        """The variables of the policy."""
        return {"policy": in_order(self.agent.policy.variables())}

    def learner_state(self) -> dict[str, Any]:
        """Those of the policy, and all others."""
        known = {id(variable) for variable in self.inference_state()["policy"]}
        return {**self.inference_state(), "agent": in_order(each for each in self._recorded if id(each) not in known)}

    def learned_state(self) -> Mapping[str, Any]:
        """What is known of it before an optimizer has begun: networks and their targets, a temperature."""
        agent = enumerate(self.learner_state()["agent"])
        weights = {str(i): each for i, each in agent if id(each) in self._weights and each.dtype.is_floating}
        return {**self.inference_state(), "agent": weights}

    def network_bytes(self) -> dict[str, int]:
        """Its variables, their gradients and two moments of each; and what its layers put out."""
        numbers = sum(each.shape.num_elements() for each in self._recorded)
        widths = sum(int(each.shape[-1]) for each in self._recorded if each.shape.rank in (2, 4))
        return {"networks": 4 * 4 * numbers, "batches": 4 * 4 * widths * self.examples}

    @property
    def examples(self) -> int:
        """How many an update learns from at once."""
        return int(self.config.batch_size)


def specifications(environments: Environments) -> tuple[Any, Any]:
    """TF-Agents' of a time step and of an action: counted from 0, or a vector between the environment's bounds."""
    seen = environments.observation
    observation = library.specs.TensorSpec(seen.shape, tf.as_dtype(seen.dtype), "observation")
    if seen.dtype == "uint8":
        # Networks are made with an example, and TF-Agents draws bytes between bounds alone.
        observation = library.specs.BoundedTensorSpec(seen.shape, tf.uint8, 0, 255, "observation")
    return library.time_steps.time_step_spec(observation), _action_spec(environments.action_space)


def _action_spec(space: gym.Space[Any]) -> Any:
    bounded = library.specs.BoundedTensorSpec
    if isinstance(space, gym.spaces.Discrete):
        return bounded((), tf.int32, 0, int(space.n) - 1, "action")
    assert isinstance(space, gym.spaces.Box), "Agent.serves has seen to it"
    low, high = space.low.reshape(-1), space.high.reshape(-1)
    return bounded(low.shape, tf.float32, low.astype(np.float32), high.astype(np.float32), "action")


def _refuse_memory(agent: Any) -> None:
    """Raise `UserError` where an agent remembers: what it keeps from step to step has no place in our replay."""
    if tf.nest.flatten(agent.collect_policy.policy_state_spec):
        raise UserError(
            f"{type(agent).__name__} has a policy with a memory (recurrent networks), which is not served here: give "
            "it networks without one."
        )
