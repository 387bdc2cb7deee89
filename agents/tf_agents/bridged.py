"""What all agents of TF-Agents share here: how they see an environment, act in it, and what of them a run keeps.

An agent of TF-Agents is built once, by `make_agent`. Its policies act inside our programs, its `train` learns inside
them, and its random numbers follow from the run's seed (`randomness`); its loop, its replay and its drivers are not
used.
"""

from __future__ import annotations

import abc
import contextlib
import functools
from collections.abc import Iterator, Mapping
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


class Bridged(Agent):
    """Base of the agents of TF-Agents; a subclass builds one, its bases say how experience is collected.

    Attributes:
        agent: TF-Agents'.
        action_spec: TF-Agents' of the actions: counted from 0, or the environment's bounds.
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
        with self.recorded(), runtime.python_random(drawn), within([drawn, 0]):
            self.counter = tf.Variable(0, dtype=tf.int64, trainable=False)
            self.agent = self.make_agent()
            self.agent.initialize()
        self._record(self.agent)
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
            return self._best.action(self.time_step(observation)).action

    def time_step(self, observation: Any, step_type: Any = None) -> Any:
        """TF-Agents' of observations [N, *shape], in the middle of an episode unless said otherwise; compiled code."""
        count = tf.shape(observation)[:1]
        kind = tf.fill(count, library.time_steps.StepType.MID) if step_type is None else step_type
        return library.time_steps.TimeStep(kind, tf.zeros(count), tf.ones(count), observation)

    def collected(self, observation: Any, env_steps: Any, seed: Any) -> Any:
        """Actions of the agent's collecting policy, [N, ...], for observations [N, *shape]; compiled code."""
        self.clock = env_steps
        with within(seed):
            return self.agent.collect_policy.action(self.time_step(observation)).action

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

    def scalars(self, info: Any) -> dict[str, Any]:
        """The loss and its parts of a `LossInfo`, by TensorBoard name."""
        parts = info.extra._asdict() if hasattr(info.extra, "_asdict") else {}
        named = {SCALARS.get(name, f"train/{name}"): part for name, part in parts.items() if _is_scalar(part)}
        return {**named, "train/loss": tf.reduce_mean(info.loss)}

    # ---- what a run keeps -----------------------------------------------------------------------------

    def recorded(self) -> Any:
        """A context in which every variable that is made becomes a part of the state, by its number.

        Keras 2 counts its names over the whole process; the order in which an agent makes its variables is fixed.
        """

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
        return {"policy": list(self.agent.policy.variables())}

    def learner_state(self) -> dict[str, Any]:
        """Those of the policy, and all others."""
        known = {id(variable) for variable in self.inference_state()["policy"]}
        return {**self.inference_state(), "agent": [each for each in self._recorded if id(each) not in known]}

    def learned_state(self) -> Mapping[str, Any]:
        """What the agent made when it was built: networks and their targets, no optimizer."""
        return self.inference_state()

    def network_bytes(self) -> dict[str, int]:
        """Its variables, their gradients and two moments of each; and what its layers put out."""
        numbers = sum(each.shape.num_elements() for each in self._recorded)
        widths = sum(int(each.shape[-1]) for each in self._recorded if each.shape.rank in (2, 4))
        return {"networks": 4 * 4 * numbers, "batches": 4 * 4 * widths * self.examples}

    @property
    def examples(self) -> int:
        """How many an update learns from at once."""
        return int(self.config.batch_size)


def _is_scalar(part: Any) -> bool:
    """Whether it is one number, and not that of a part of the loss that is switched off: 0 as it is written."""
    return tf.is_tensor(part) and part.shape.rank == 0 and tf.get_static_value(part) != 0


def specifications(environments: Environments) -> tuple[Any, Any]:
    """TF-Agents' of a time step and of an action: counted from 0, or between the environment's bounds."""
    seen = environments.observation
    observation = library.specs.TensorSpec(seen.shape, tf.as_dtype(seen.dtype), "observation")
    return library.time_steps.time_step_spec(observation), _action_spec(environments.action_space)


def _action_spec(space: gym.Space[Any]) -> Any:
    bounded = library.specs.BoundedTensorSpec
    if isinstance(space, gym.spaces.Discrete):
        return bounded((), tf.int32, 0, int(space.n) - 1, "action")
    assert isinstance(space, gym.spaces.Box), "Agent.serves has seen to it"
    return bounded(space.shape, tf.float32, space.low, space.high, "action")


def _refuse_memory(agent: Any) -> None:
    """Raise `UserError` where an agent remembers: what it keeps from step to step has no place in our replay."""
    if tf.nest.flatten(agent.collect_policy.policy_state_spec):
        raise UserError(
            f"{type(agent).__name__} has a policy with a memory (recurrent networks), which is not served here: give "
            "it networks without one."
        )
