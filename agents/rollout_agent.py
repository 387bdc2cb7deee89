"""What agents share that learn from their own latest experience, once: rollouts and updates in turn.

What their networks are made of is not known here; `rlgen.agents.on_policy` is the base of those of the house.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import loops, runtime
from rlgen.agents.agent import Agent, AgentConfig, Observations
from rlgen.agents.ahead import Ahead
from rlgen.agents.rollout import EPISODES, CompiledRollout, HostRollout
from rlgen.agents.trajectory import Episodes, Transitions
from rlgen.config import option
from rlgen.envs.host import HostEnvs
from rlgen.errors import UserError
from rlgen.together import elsewhere, shards
from rlgen.values import MOST_WHOLE, mean_by_name

STEPS_OF_A_CALL, MOST_STEPS_OF_A_CALL = 2**16, 2**22


@dataclasses.dataclass(frozen=True, kw_only=True)
class RolloutConfig(AgentConfig):
    """How experience is collected, which is learned from once and thrown away."""

    reward_scale: float = option(
        1.0, "Rewards are multiplied by this before they are learned from; statistics keep them as they are.", above=0
    )
    rollout_steps: int = option(8, "Steps of every environment before an update.", at_least=1)
    shards: int = shards.FIELD

    def check(self) -> None:
        """Refuse more steps than can be counted, and environments that do not divide."""
        super().check()
        shards.check(self.shards, num_envs=self.num_envs)
        size = self.num_envs * self.rollout_steps
        if size > MOST_WHOLE:
            raise UserError(
                f"A rollout of num_envs * rollout_steps = {self.num_envs:,} * {self.rollout_steps:,} = {size:,} steps "
                f"has more than the {MOST_WHOLE:,} that can be counted: make one of them smaller."
            )


class RolloutAgent(Agent):
    """Base of the agents that roll their policy out, update it, and throw the experience away.

    One step of every environment after another for `rollout_steps`, then one update; on the compiled engine
    many of both in one call. Of several shards each has its part of the environments.

    Attributes:
        updates: calls of `update` so far, int64, a variable, once training has begun; in `update` those before it.
        draws_for: what `update` draws random numbers for; `self.seeds.draw(purpose, counter)` is the seed of each.
        learns_stale: whether an update asks which policy acted: then environments in processes go on during updates.
        reseedable: true, so nothing made from the seed may be a constant in `update`; `self.seeds` is a variable.
        compute: how rollouts and updates are compiled.
    """

    Config: ClassVar[type[RolloutConfig]] = RolloutConfig
    draws_for: ClassVar[tuple[str, ...]] = ()
    learns_stale: ClassVar[bool] = False
    reseedable = True
    compute: loops.Compute

    def __init__(self, *, problem: str, config: RolloutConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        if config.shards > 1 and not self.data_parallel:
            raise UserError(f"{type(self).__name__} learns from a rollout as a whole: set shards=1.")
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

        Rewards are scaled, actions are as they were drawn; N is `shard_envs`.
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

    def begin_rollout(self, rollout: CompiledRollout, standing: Any, vector_steps: Any) -> Any:
        """Where the environments stand when a rollout begins: where the last one left them. Compiled code."""
        return standing

    def begin_rollout_on_host(self, rollout: HostRollout) -> None:
        """The same on the host."""

    def act_as_now(self) -> None:
        """Where `learns_stale`, let what acts be what has been learned by now."""

    def hand_over(self) -> None:
        """Likewise, between a rollout and its update: note what has acted in it, and act as now in the next one."""

    def shard_learner_state(self, shard: int) -> dict[str, Any]:
        """What only learning needs and only one of several shards has, for `state()`."""
        return {}

    # ---- the contract ---------------------------------------------------------------------------------

    @property
    def collects_ahead(self) -> bool:
        """Whether a rollout is collected while the one before is learned from."""
        config = self.config
        return bool(self.learns_stale and config.env_processes and config.shards == 1)

    @property
    def shard_envs(self) -> int:
        """The environments of a shard: all of them, unless there are several."""
        return int(self.config.num_envs // self.config.shards)

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
        common = {**self.inference_state(), **self.learner_state(), **drawn, "updates": self.updates}
        if self.config.shards == 1:
            return {**common, **self._shard_state(0)}
        own = {str(shard): self._shard_state(shard) for shard in self._rollouts}
        return {**common, elsewhere.STATE: self._elsewhere.completed(own)}

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
            **mean_by_name([rollout.scalars() for rollout in self._rollouts.values()]),
            **self._tally.means(sums),
            **({} if self._ahead is None else {"rollout/staleness_updates": 1.0}),
            "work/env_steps": updates * self.step_quantum,
            "work/updates": updates,
        }

    # ---- rollouts and updates in turn -----------------------------------------------------------------

    def _advance_graph(self, iterations: Any) -> Any:
        """Rollouts and updates in turn; the scalars' sums, and each shard's episodes, [iterations, T, N, 3]."""
        rollouts, limit = list(self._rollouts.values()), self._chunk_iterations
        rows, envs = self.config.rollout_steps, self.shard_envs

        def rolled(i: Any, t: Any, rollout: Any, standing: Any, episodes: Any) -> Any:
            standing = self.begin_rollout(rollout, standing, t)
            standing, transitions, ended = loops.between_exchanges(rollout.steps, self.compute)(standing, t)
            packed = EPISODES.pack(self.counted(ended), (1, rows, envs))
            return (standing, loops.put(episodes, packed, i)), transitions

        def iteration(i: Any, carry: Any) -> Any:
            t, places = carry
            found = [rolled(i, t, rollout, *place) for rollout, place in zip(rollouts, places, strict=True)]
            scalars = self._learn([transitions for _, transitions in found])
            return scalars, (t + rows, tuple(place for place, _ in found))

        places = tuple((rollout.standing(), tf.zeros((limit, rows, envs, EPISODES.width))) for rollout in rollouts)
        carry = (rollouts[0].vector_steps.read_value(), places)
        sums, (_, places) = loops.repeat(iteration, iterations, self._tally, carry, at_most=limit)
        for rollout, (standing, _) in zip(rollouts, places, strict=True):
            rollout.stand(standing, iterations * rows)
        return sums, [episodes for _, episodes in places]

    def _learn(self, rows: Sequence[Transitions]) -> Mapping[str, Any]:
        """One update on a rollout, of each shard here its part."""
        self.begin_update(self.updates * self.step_quantum)
        found = shards.each(self._learn_from, rows, count=self.config.shards)
        self.updates.assign_add(1)
        return loops.mean_scalars(found)

    def _learn_from(self, rows: Transitions) -> dict[str, Any]:
        """Update, and only then let the normalisers see it: acting and learning of one iteration agree."""
        rows = self.as_learned(rows)
        scalars = {name: tf.convert_to_tensor(value) for name, value in self.update(rows).items()}
        self.feed(rows)
        return scalars

    def _learn_from_columns(self, *columns: Any) -> Any:
        """The tally of an update on the fields of a rollout, those of one shard behind those of the other."""
        width = len(Transitions._fields)
        rows = [Transitions(*columns[i : i + width]) for i in range(0, len(columns), width)]
        return self._tally.of(self._learn(rows))

    def _advance_compiled(self, iterations: int) -> npt.NDArray[Any]:
        sums, episodes = self._advance(tf.constant(iterations))
        for rollout, ended in zip(self._rollouts.values(), episodes, strict=True):
            rollout.count(Episodes(*EPISODES.unpack(ended[:iterations])))
        return np.asarray(sums)

    def _advance_on_host(self, iterations: int) -> npt.NDArray[Any]:
        sums = np.zeros(loops.ROOM + 1)
        with runtime.one_blas_thread():
            for _ in range(iterations):
                columns = self._collected() if self._ahead is None else self._collected_ahead(self._ahead)
                sums += self._update(*columns).numpy()
        if self._ahead is not None:
            self._ahead.settle()
        return sums

    def _collected(self) -> list[Any]:
        """A rollout of each shard here."""
        columns: list[Any] = []
        for shard, rollout in self._rollouts.items():
            self.generator = self._generators[shard]
            self.begin_rollout_on_host(rollout)
            rows, episodes = rollout.collect(self.config.rollout_steps)
            rollout.count(self.counted(episodes))
            columns += [tf.constant(column) for column in rows]
        return columns

    def _collected_ahead(self, ahead: Ahead) -> list[Any]:
        """The rollout that was collected meanwhile; the next one is begun."""
        (rollout,) = self._rollouts.values()
        found = ahead.take()
        if found is None:
            self.act_as_now()
            found = rollout.collect(self.config.rollout_steps)
        rows, episodes = found
        rollout.count(self.counted(episodes))
        self.hand_over()
        ahead.begin()
        return [tf.constant(column) for column in rows]

    # ---- parts ----------------------------------------------------------------------------------------

    def _build(self) -> None:
        """Everything only training needs, once, when it is first needed."""
        if self._built:
            return
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.seeds = runtime.Seeds(self.seed, *self.draws_for, shards=self.config.shards)
        self.build_learner()
        mine = shards.mine(self.config.shards)
        self._generators = {shard: np.random.default_rng(self._seed_of("exploration", shard)) for shard in mine}
        self.generator = self._generators[mine[0]]
        self._rollouts: dict[int, Any] = {shard: self._new_rollout(shard) for shard in mine}
        self._ahead = Ahead(self._rollouts[0], self.config.rollout_steps) if self.collects_ahead else None
        self._elsewhere = elsewhere.Elsewhere(self.config.shards)
        self._tally = loops.Tally()
        self._advance = loops.program(self._advance_graph, compute=self.compute)
        self._update = loops.program(self._learn_from_columns, compute=self.compute)
        self._built = True

    def _seed_of(self, purpose: str, shard: int) -> int:
        """A seed for one purpose, which is the run's own where there is one shard."""
        if self.config.shards == 1:
            return runtime.derive_seed(self.seed, purpose)
        return runtime.derive_shard_seed(self.seed, purpose, shard)

    def training_envs(self, *, resumed_at: int = 0, shard: int = 0) -> HostEnvs:
        """As the base; those of one shard, where there are several."""
        if self.config.shards == 1:
            return super().training_envs(resumed_at=resumed_at)
        seed = self._seed_of("environments", shard)
        return self.environments.training(num_envs=self.shard_envs, seed=seed)

    def _shard_state(self, shard: int) -> dict[str, Any]:
        """What one shard alone has."""
        own = {"rollout": self._rollouts[shard].state(), "generator": self._generators[shard]}
        return {**own, **self.shard_learner_state(shard)}

    def _new_rollout(self, shard: int) -> CompiledRollout | HostRollout:
        if self.engine == "gymnasium":
            return HostRollout(
                self.training_envs(shard=shard),
                seed=self._seed_of("episodes", shard),
                act=self.explore_on_host,
                to_env=self.to_environment,
                generator=self._generators[shard],
                repeat_steps=self.config.exploration_repeat_steps,
            )
        return CompiledRollout(
            self.environments.compiled(),
            num_envs=self.shard_envs,
            rows=self.config.rollout_steps,
            seed=self._seed_of("rollout", shard),
            draw=self.exploration_noise,
            act=self.explore,
            to_env=self.to_compiled_environment,
            repeat_steps=self.config.exploration_repeat_steps,
        )
