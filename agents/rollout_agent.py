"""What agents share that learn from their own latest experience, once: rollouts and updates in turn.

What their networks are made of is not known here; `rlgen.agents.on_policy` is the base of those of the house.
"""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import loops, runtime
from rlgen.agents.agent import Agent, AgentConfig, Observations
from rlgen.agents.rollout import EPISODES, CompiledRollout, HostRollout
from rlgen.agents.trajectory import Episodes, Transitions
from rlgen.config import option
from rlgen.errors import UserError
from rlgen.values import MOST_WHOLE

STEPS_OF_A_CALL, MOST_STEPS_OF_A_CALL = 2**16, 2**22


@dataclasses.dataclass(frozen=True, kw_only=True)
class RolloutConfig(AgentConfig):
    """How experience is collected, which is learned from once and thrown away."""

    reward_scale: float = option(
        1.0, "Rewards are multiplied by this before they are learned from; statistics keep them as they are.", above=0
    )
    rollout_steps: int = option(8, "Steps of every environment before an update.", at_least=1)

    def check(self) -> None:
        """Refuse more steps than can be counted."""
        super().check()
        size = self.num_envs * self.rollout_steps
        if size > MOST_WHOLE:
            raise UserError(
                f"A rollout of num_envs * rollout_steps = {self.num_envs:,} * {self.rollout_steps:,} = {size:,} steps "
                f"has more than the {MOST_WHOLE:,} that can be counted: make one of them smaller."
            )


class RolloutAgent(Agent):
    """Base of the agents that roll their policy out, update it, and throw the experience away.

    One step of every environment after another for `rollout_steps`, then one update; on the compiled engine
    many of both in one call.

    Attributes:
        updates: calls of `update` so far, int64, a variable, once training has begun; in `update` those before it.
        draws_for: what `update` draws random numbers for; `self.seeds.draw(purpose, counter)` is the seed of each.
        reseedable: true, so nothing made from the seed may be a constant in `update`; `self.seeds` is a variable.
        compute: how rollouts and updates are compiled.
    """

    Config: ClassVar[type[RolloutConfig]] = RolloutConfig
    draws_for: ClassVar[tuple[str, ...]] = ()
    reseedable = True
    compute: loops.Compute

    def __init__(self, *, problem: str, config: RolloutConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        # Experience is learned from whole, so a run is made of whole iterations.
        self.step_quantum = config.num_envs * config.rollout_steps
        # Many, so that a call's own cost is small beside its work; fewer where their episodes would fill the memory.
        usual, most = STEPS_OF_A_CALL // self.step_quantum, MOST_STEPS_OF_A_CALL // self.step_quantum
        self._chunk_iterations = max(1, usual, min(16, most)) if self.engine == "compiled" else 64
        self.chunk_steps = self._chunk_iterations * self.step_quantum
        self.memory_advice = "Make rollout_steps, num_envs or hidden_units smaller"
        self._built = False

    # ---- what a subclass says -------------------------------------------------------------------------

    @abc.abstractmethod
    def update(self, rows: Transitions) -> dict[str, Any]:
        """Learn from the rollout `rows`, fields [T, N, ...]; scalars by TensorBoard name. Compiled code.

        Rewards are scaled, actions are as they were drawn.
        """

    @abc.abstractmethod
    def exploration_noise(self, steps: int, seed: Any) -> Any:
        """What `explore` draws for so many steps, in any nesting, [steps, ...]; compiled code."""

    @abc.abstractmethod
    def explore(self, observation: Any, env_steps: Any, noise: Any) -> Any:
        """Actions to learn from, [N, ...], for observations [N, *shape]; compiled code."""

    @abc.abstractmethod
    def explore_on_host(self, observation: Observations, env_steps: int) -> npt.NDArray[Any]:
        """The same in NumPy, drawing from `self.generator`."""

    @abc.abstractmethod
    def build_learner(self) -> None:
        """Make what only learning needs. Called once, before the first update."""

    @abc.abstractmethod
    def learner_state(self) -> dict[str, Any]:
        """What only learning needs, for `state()`."""

    @abc.abstractmethod
    def network_bytes(self) -> dict[str, int]:
        """What learning will allocate for "networks", and for what they put out for "batches"."""

    def to_environment(self, action: Any) -> Any:
        """An action as the agent thinks of it, as a Gymnasium environment takes it; NumPy."""
        return action

    def to_compiled_environment(self, action: Any) -> Any:
        """The same for a compiled environment."""
        return action

    def as_learned(self, rows: Transitions) -> Transitions:
        """Experience as it is to be learned from, [T, N, ...]; compiled code."""
        scale = self.config.reward_scale
        return rows if scale == 1 else rows._replace(reward=scale * rows.reward)

    def begin_update(self, env_steps: Any) -> None:
        """Let schedules follow the environment steps so far, int64 scalar; compiled code."""

    def feed(self, rows: Transitions) -> None:
        """Let normalisers see the rollout; compiled code."""

    def counted(self, episodes: Episodes) -> Episodes:
        """Those of the episodes that ended in a rollout, [T, N], which statistics are of; NumPy or TensorFlow."""
        return episodes

    def begin_rollout(self, standing: Any, vector_steps: Any) -> Any:
        """Where the environments stand when a rollout begins: where the last one left them. Compiled code."""
        return standing

    def begin_rollout_on_host(self) -> None:
        """The same on the host."""

    # ---- the contract ---------------------------------------------------------------------------------

    @property
    def action_numbers(self) -> int:
        """Numbers that the policy puts out for a step, about."""
        return 1

    def memory_bytes(self) -> dict[str, int]:
        """A rollout, the networks, and what they put out where a gradient is taken."""
        config, one = self.config, self.observation.bytes
        steps = config.num_envs * config.rollout_steps
        # A step: both observations, action and noise, reward and both flags; of a compiled rollout new episodes, too.
        step = 2 * one + 8 * self.action_numbers + 6 + (one if self.engine == "compiled" else 0)
        ended = EPISODES.width * 4 * self.chunk_steps if self.engine == "compiled" else 0
        return {"rollout": steps * step + ended, **self.network_bytes()}

    def state(self) -> dict[str, Any]:
        """Everything a resume needs."""
        self._build()
        drawn = {"seeds": self.seeds.variable} if self.draws_for else {}
        return {
            **self.inference_state(),
            **self.learner_state(),
            **drawn,
            "rollout": self._rollout.state(),
            "updates": self.updates,
            "generator": self.generator,
        }

    def train(self, steps: int) -> dict[str, float]:
        """Take `steps` environment steps, an update after every `rollout_steps` of each environment."""
        iterations = self.whole_quanta(steps)
        self._build()
        advance = self._advance_compiled if self.engine == "compiled" else self._advance_on_host
        sums = np.zeros(loops.ROOM + 1)
        while iterations:
            count = min(iterations, self._chunk_iterations)
            sums += advance(count)
            iterations -= count
        updates = int(self.updates.numpy())
        return {
            **self._rollout.scalars(),
            **self._tally.means(sums),
            "work/env_steps": updates * self.step_quantum,
            "work/updates": updates,
        }

    # ---- rollouts and updates in turn -----------------------------------------------------------------

    def _advance_graph(self, iterations: Any) -> Any:
        """Rollouts and updates in turn; sums of the scalars, and the episodes that ended, [iterations, T, N, 3]."""
        rollout, limit = self._rollout, self._chunk_iterations
        rows, envs = self.config.rollout_steps, self.config.num_envs

        def iteration(i: Any, carry: Any) -> Any:
            t, standing, episodes = carry
            standing = self.begin_rollout(standing, t)
            standing, transitions, ended = rollout.steps(standing, t)
            scalars = self._learn(transitions)
            packed = EPISODES.pack(self.counted(ended), (1, rows, envs))
            return scalars, (t + rows, standing, loops.put(episodes, packed, i))

        episodes = tf.zeros((limit, rows, envs, EPISODES.width))
        carry = (rollout.vector_steps.read_value(), rollout.standing(), episodes)
        sums, (_, standing, episodes) = loops.repeat(iteration, iterations, self._tally, carry, at_most=limit)
        rollout.stand(standing, iterations * rows)
        return sums, episodes

    def _learn(self, rows: Transitions) -> dict[str, Any]:
        """One update on a rollout; only then the normalisers see it: acting and learning of one iteration agree."""
        self.begin_update(self.updates * self.step_quantum)
        rows = self.as_learned(rows)
        scalars = {name: tf.convert_to_tensor(value) for name, value in self.update(rows).items()}
        self.updates.assign_add(1)
        self.feed(rows)
        return scalars

    def _advance_compiled(self, iterations: int) -> npt.NDArray[Any]:
        sums, episodes = self._advance(tf.constant(iterations))
        self._rollout.count(Episodes(*EPISODES.unpack(episodes[:iterations])))
        return np.asarray(sums)

    def _advance_on_host(self, iterations: int) -> npt.NDArray[Any]:
        sums = np.zeros(loops.ROOM + 1)
        with runtime.one_blas_thread():
            for _ in range(iterations):
                self.begin_rollout_on_host()
                rows, episodes = self._rollout.collect(self.config.rollout_steps)
                self._rollout.count(self.counted(episodes))
                sums += self._update(*(tf.constant(column) for column in rows)).numpy()
        return sums

    # ---- parts ----------------------------------------------------------------------------------------

    def _build(self) -> None:
        """Everything only training needs, once, when it is first needed."""
        if self._built:
            return
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.seeds = runtime.Seeds(self.seed, *self.draws_for)
        self.build_learner()
        self.generator = runtime.generator(self.seed, "exploration")
        self._rollout: Any = self._new_rollout()
        self._tally = loops.Tally()
        self._advance = loops.program(self._advance_graph, compute=self.compute)
        self._update = loops.program(
            lambda *columns: self._tally.of(self._learn(Transitions(*columns))), compute=self.compute
        )
        self._built = True

    def _new_rollout(self) -> CompiledRollout | HostRollout:
        if self.engine == "gymnasium":
            return HostRollout(
                self.training_envs(),
                seed=runtime.derive_seed(self.seed, "episodes"),
                act=self.explore_on_host,
                to_env=self.to_environment,
                generator=self.generator,
                repeat_steps=self.config.exploration_repeat_steps,
            )
        return CompiledRollout(
            self.environments.compiled(),
            num_envs=self.config.num_envs,
            rows=self.config.rollout_steps,
            seed=runtime.derive_seed(self.seed, "rollout"),
            draw=self.exploration_noise,
            act=self.explore,
            to_env=self.to_compiled_environment,
            repeat_steps=self.config.exploration_repeat_steps,
        )
