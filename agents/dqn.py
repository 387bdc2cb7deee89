"""Deep Q-networks: DQN, Double DQN, Dueling DQN, and every combination of their switches.

Sources: Mnih et al. (2015), van Hasselt et al. (2016), Wang et al. (2016), Schaul et al. (2016).
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any, Literal, NamedTuple

import gymnasium as gym
import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from rlgen.agents import exploration
from rlgen.agents.agent import Agent, AgentConfig
from rlgen.agents.q_network import Dueling, QNetwork
from rlgen.agents.replay import Batch, PrioritizedReplay, Replay, Transitions
from rlgen.agents.rollout import CompiledRollout, HostRollout

from rlgen import runtime
from rlgen.config import load_presets, option
from rlgen.errors import UserError
from rlgen.networks import Activation

Floats = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DQNConfig(AgentConfig):
    """The switches are orthogonal: any of double, dueling, n-step and prioritised replay goes with any other."""

    presets = load_presets(Path(__file__).with_name("presets") / "dqn.json")

    hidden_units: tuple[int, ...] = option((256, 256), "Units of the hidden layers.", at_least=1)
    stream_units: tuple[int, ...] = option((), "Units of the layers of each dueling stream.", at_least=1)
    activation: Activation = option("relu", "Between the layers.")
    learning_rate: float = option(2.3e-3, "Adam's step size.", above=0)
    batch_size: int = option(64, "Transitions in an update.", at_least=1)
    replay_capacity: int = option(100_000, "Transitions kept.", at_least=1)
    learning_starts_env_steps: int = option(1_000, "Environment steps before the first update.", at_least=0)
    train_every_env_steps: int = option(256, "Environment steps between blocks of updates.", at_least=1)
    updates_per_train: int = option(128, "Updates in a block.", at_least=1)
    target_update_every_updates: int = option(128, "Updates between changes of the target network.", at_least=1)
    target_update_rate: float = option(
        1.0, "How far the target moves towards the online network: 1 copies it.", above=0, at_most=1
    )
    double: bool = option(False, "Let the online network choose the action that the target network values.")
    dueling: Dueling = option("none", "Split Q into value and advantage, less the advantages' mean or max.")
    n_step: int = option(1, "Rewards summed before bootstrapping, in environment steps.", at_least=1)
    prioritized: bool = option(False, "Sample transitions in proportion to their last TD error.")
    priority_exponent: float | None = option(None, "alpha, .6 unless set; prioritised only.", at_least=0)
    importance_exponent: float | None = option(
        None, "beta at the start, .4 unless set; it grows to 1; prioritised only.", at_least=0, at_most=1
    )
    importance_anneal_env_steps: int | None = option(
        None, "Environment steps until beta is 1, 50,000 unless set; prioritised only.", at_least=1
    )
    loss: Literal["huber", "mse"] = option("huber", "Of the TD error; Huber is linear beyond 1.")
    max_grad_norm: float | None = option(10.0, "Gradients are scaled down to this global norm.", above=0)
    epsilon_schedule: Literal["linear", "exponential"] = option("linear", "How exploration declines.")
    epsilon_start: float = option(1.0, "Share of random actions at the first step.", at_least=0, at_most=1)
    epsilon_end: float = option(0.04, "Share of random actions in the end.", at_least=0, at_most=1)
    epsilon_decay_env_steps: int | None = option(
        None, "Environment steps to the end, 8,000 unless set; linear only.", at_least=1
    )
    epsilon_decay_rate: float | None = option(
        None, "Factor per environment step, .995 unless set; exponential only.", above=0, below=1
    )

    def check(self) -> None:
        """Refuse what contradicts itself."""
        for field in ("priority_exponent", "importance_exponent", "importance_anneal_env_steps"):
            if getattr(self, field) is not None and not self.prioritized:
                raise UserError(
                    f"{field} has no effect without prioritised replay: set prioritized=true too, or leave it."
                )
        for field, schedule in (("epsilon_decay_env_steps", "linear"), ("epsilon_decay_rate", "exponential")):
            if getattr(self, field) is not None and self.epsilon_schedule != schedule:
                raise UserError(
                    f"{field} belongs to the {schedule} schedule: set epsilon_schedule={schedule} too, or leave it."
                )
        if self.train_every_env_steps % self.num_envs:
            lower = self.train_every_env_steps // self.num_envs * self.num_envs
            near = " or ".join(str(n) for n in (lower, lower + self.num_envs) if n)
            raise UserError(
                f"train_every_env_steps={self.train_every_env_steps} is not a multiple of num_envs={self.num_envs}, "
                f"and environments step together: use {near}."
            )
        if self.stream_units and self.dueling == "none":
            raise UserError(
                "stream_units are the layers of dueling's two streams: set dueling=mean too, or leave them."
            )
        least = max(self.train_every_env_steps, self.batch_size, self.num_envs * self.n_step)
        if self.replay_capacity < least:
            raise UserError(
                f"replay_capacity={self.replay_capacity} cannot hold a block of steps, a batch, and n_step steps of "
                f"every environment: make it at least {least}."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DoubleDQNConfig(DQNConfig):
    """DQN's, with double learning on."""

    double: bool = option(True, "Let the online network choose the action that the target network values.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DuelingDQNConfig(DoubleDQNConfig):
    """Double DQN's, with the dueling network of the paper on."""

    hidden_units: tuple[int, ...] = option((256,), "Units of the hidden layers that both streams share.", at_least=1)
    stream_units: tuple[int, ...] = option((256,), "Units of the layers of each dueling stream.", at_least=1)
    dueling: Dueling = option("mean", "Split Q into value and advantage, less the advantages' mean or max.")


def max_value(target_q: Any) -> Any:
    """max_a Q_target(s', a), [B], of [B, A]."""
    return tf.reduce_max(target_q, -1)


def double_value(online_q: Any, target_q: Any) -> Any:
    """Q_target(s', argmax_a Q_online(s', a)), [B], of two [B, A]: choosing and valuing by different networks."""
    return tf.gather(target_q, tf.argmax(online_q, -1, output_type=tf.int32), batch_dims=1)


def td_error(q: Any, action: Any, reward: Any, discount: Any, next_value: Any) -> Any:
    """r + discount * V(s') - Q(s, a), [B]; no gradient flows through the target."""
    target = tf.stop_gradient(reward + discount * next_value)
    return target - tf.gather(q, action, batch_dims=1)


def td_loss(error: Any, weight: Any, kind: str) -> Any:
    """Mean over the batch of the weighted Huber loss (threshold 1) or squared error; weights come first."""
    size = tf.abs(error)
    each = error**2 if kind == "mse" else tf.where(size < 1, 0.5 * error**2, size - 0.5)
    return tf.reduce_mean(weight * each)


class Totals(NamedTuple):
    """Sums over updates, to be divided by `updates`; float32 scalars."""

    loss: Any
    q: Any
    abs_td_error: Any
    grad_norm: Any
    updates: Any

    @classmethod
    def zeros(cls) -> Totals:
        """Before the first update."""
        return cls(*(tf.zeros(()) for _ in cls._fields))

    def plus(self, other: Totals) -> Totals:
        """Both together."""
        return Totals(*(a + b for a, b in zip(self, other, strict=True)))


class DQN(Agent):
    """Deep Q-network: a value for every action, learned from replayed experience.

    One program takes a block of environment steps, stores them and makes a block of updates; on the compiled
    engine the environments are part of it and it runs for many blocks per call.
    """

    Config = DQNConfig
    serves = (gym.spaces.Discrete,)

    def __init__(self, *, problem: str, config: DQNConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self.actions = int(self.action_space.n)  # type: ignore[attr-defined]
        self.first_action = int(self.action_space.start)  # type: ignore[attr-defined]
        self.online = self._network()
        self._twin: Any = None
        self._built = False
        self._block_rows = config.train_every_env_steps // config.num_envs
        blocks = max(1, 1024 // config.train_every_env_steps)
        self.chunk_steps = blocks * config.train_every_env_steps
        # Priorities change with every update; without them a whole block can be sampled at once.
        self._updates_per_sample = 1 if config.prioritized else config.updates_per_train

    def policy(self, observations: Floats) -> npt.NDArray[Any]:
        """argmax_a Q(s, a), int64 [N]."""
        return self.first_action + self._numpy_q(observations).argmax(-1)

    def values(self, observations: Floats) -> Floats:
        """max_a Q(s, a), [N]."""
        return self._numpy_q(observations).max(-1)

    def memory_bytes(self) -> dict[str, int]:
        """The replay's size."""
        return {
            "replay": Replay.bytes_needed(capacity=self.config.replay_capacity, observation_size=self.observation_size)
        }

    def train(self, steps: int) -> dict[str, float]:
        """Take `steps` environment steps, a block of updates after every `train_every_env_steps` of them."""
        self._build()
        start = time.perf_counter()
        if self.engine == "compiled":
            totals = self._advance(tf.constant(steps // self.config.num_envs))
        else:
            with runtime.one_blas_thread():
                totals = self._advance_on_host(steps // self.config.num_envs)
        values = {name: float(value) for name, value in totals._asdict().items()}
        self._twin = None
        elapsed = time.perf_counter() - start
        scalars = self._rollout.scalars()
        if self.engine == "gymnasium":
            scalars["time/update_ms"] = 1000 * elapsed - scalars["time/act_ms"] - scalars["time/env_ms"]
        return {**scalars, **self._scalars(values)}

    def state(self) -> dict[str, Any]:
        """Networks, optimizer, replay, environments, counters and the host's generator."""
        self._build()
        return {
            "online": self.online,
            "target": self.target,
            "optimizer": self.optimizer,
            "replay": self.replay,
            "rollout": self._rollout.state(),
            "env_steps": self.env_steps,
            "updates": self.updates,
            "generator": self._generator,
        }

    def inference_state(self) -> dict[str, Any]:
        """The online network."""
        self._twin = None
        return {"online": self.online}

    def close(self) -> None:
        """Close the training environments."""
        if self._built:
            self._rollout.close()

    # ---- the compiled program -------------------------------------------------------------------------

    def _update(self, batch: Batch, update: Any) -> tuple[Totals, Any]:
        """One gradient step on L = E[w * l(y - Q(s, a))], y = R + discount * V(s'); then the target network.

        `batch` fields are [B, ...]; `update` counts from 1. Returns the scalars and the TD errors, [B].
        """
        next_q = self.target(batch.next_observation)
        if self.config.double:
            next_value = double_value(self.online(batch.next_observation), next_q)
        else:
            next_value = max_value(next_q)
        with tf.GradientTape() as tape:
            q = self.online(batch.observation)
            error = td_error(q, batch.action, batch.reward, batch.discount, next_value)
            loss = td_loss(error, batch.weight, self.config.loss)
        variables = self.online.trainable_variables
        gradients = tape.gradient(loss, variables)
        norm = tf.linalg.global_norm(gradients)
        if self.config.max_grad_norm is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, self.config.max_grad_norm, use_norm=norm)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        self._move_target(update)
        size = tf.reduce_mean(tf.abs(error))
        return Totals(loss, tf.reduce_mean(q), size, norm, tf.constant(1.0)), error

    def _move_target(self, update: Any) -> None:
        """target <- rate * online + (1 - rate) * target, every so many updates."""
        rate, due = self.config.target_update_rate, update % self.config.target_update_every_updates == 0
        pairs = list(zip(self.target.trainable_variables, self.online.trainable_variables, strict=True))

        def move() -> Any:
            for target, online in pairs:
                target.assign(online if rate == 1 else rate * online + (1 - rate) * target)
            return tf.constant(0)

        tf.cond(due, move, lambda: tf.constant(0))

    def _updates_graph(self, batches: Batch, updates: Any) -> tuple[Totals, Any]:
        """Updates one after another on `batches`, fields [G, B, ...]; `updates` were made before."""
        groups = self._updates_per_sample
        errors = tf.TensorArray(tf.float32, groups, element_shape=(self.config.batch_size,))

        def one(i: Any, totals: Totals, errors: Any) -> Any:
            batch = Batch(*(field[i] for field in batches))
            made, error = self._update(batch, updates + tf.cast(i, tf.int64) + 1)
            return i + 1, totals.plus(made), errors.write(i, error)

        _, totals, errors = tf.while_loop(
            lambda i, *_: i < groups, one, (0, Totals.zeros(), errors), maximum_iterations=groups
        )
        return totals, errors.stack()

    def _learn(self) -> Totals:
        """A block of updates: sample, update, hand the TD errors back to the replay."""
        group, size = self._updates_per_sample, self.config.batch_size
        beta = self._importance_exponent()

        def sample_and_update(i: Any, totals: Totals) -> Any:
            seed = runtime.stateless(self._sample_seed, self.updates)
            batch, places = self.replay.sample(group * size, seed, beta)
            batches = Batch(*(tf.reshape(field, (group, size, *field.shape[1:])) for field in batch))
            made, errors = self._compiled_updates(batches, self.updates)
            self.replay.update_priorities(places, tf.reshape(errors, (-1,)))
            self.updates.assign_add(group)
            return i + 1, totals.plus(made)

        # One iteration at a time: what an update writes, the next sample reads.
        _, totals = tf.while_loop(
            lambda i, _: i < self.config.updates_per_train // group,
            sample_and_update,
            (0, Totals.zeros()),
            parallel_iterations=1,
        )
        return totals

    def _absorb(self, rows: Transitions) -> Totals:
        """Store rows, [K, N, ...] each; learn if they complete a block."""
        self.replay.add(rows)
        added = tf.shape(rows.reward, out_type=tf.int64)[0] * self.config.num_envs
        env_steps = self.env_steps.assign_add(added, read_value=True)
        due = (env_steps % self.config.train_every_env_steps == 0) & (
            env_steps >= self.config.learning_starts_env_steps
        )
        return tf.cond(due, self._learn, Totals.zeros)

    def _advance_graph(self, vector_steps: Any) -> Totals:
        """`vector_steps`, int32 scalar, of the compiled environments, block by block."""

        def block(done: Any, totals: Totals) -> Any:
            taken = tf.cast(self._rollout.vector_steps, tf.int32)
            count = tf.minimum(self._block_rows - taken % self._block_rows, vector_steps - done)
            return done + count, totals.plus(self._absorb(self._rollout.collect(count)))

        _, totals = tf.while_loop(
            lambda done, _: done < vector_steps, block, (0, Totals.zeros()), parallel_iterations=1
        )
        return totals

    # ---- the host's loop ------------------------------------------------------------------------------

    def _advance_on_host(self, vector_steps: int) -> Totals:
        done, totals = 0, Totals.zeros()
        while done < vector_steps:
            taken = int(self._rollout.vector_steps)
            count = min(self._block_rows - taken % self._block_rows, vector_steps - done)
            rows = self._rollout.collect(count)
            made = self._absorb_compiled(*(tf.constant(column) for column in rows))
            totals, done = totals.plus(made), done + count
            self._twin = None
        return totals

    def _act_on_host(self, observation: Floats, env_steps: int) -> npt.NDArray[Any]:
        greedy = self._numpy_q(observation).argmax(-1).astype(np.int32)
        epsilon = float(self._epsilon(env_steps))
        return self.first_action + exploration.epsilon_greedy_host(
            greedy, epsilon, actions=self.actions, generator=self._generator
        )

    # ---- parts ----------------------------------------------------------------------------------------

    def _network(self) -> QNetwork:
        config = self.config
        return QNetwork(
            observation_size=self.observation_size,
            actions=self.actions,
            hidden_units=config.hidden_units,
            stream_units=config.stream_units,
            activation=config.activation,
            dueling=config.dueling,
            seed=runtime.derive_seed(self.seed, "network"),
        )

    def _build(self) -> None:
        """Everything only training needs, once, when it is first needed."""
        if self._built:
            return
        config = self.config
        runtime.require_memory(self.memory_bytes())
        self.target = self._network()
        self.target.set_weights(self.online.get_weights())
        self.optimizer = keras.optimizers.Adam(config.learning_rate)
        self.optimizer.build(self.online.trainable_variables)
        self.env_steps = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._generator = runtime.generator(self.seed, "exploration")
        self._sample_seed = runtime.derive_seed(self.seed, "sample")
        self.replay = self._new_replay()
        self._rollout = self._new_rollout()
        self._compiled_updates = tf.function(self._updates_graph, jit_compile=True, autograph=False)
        self._advance = tf.function(self._advance_graph, autograph=False)
        self._absorb_compiled = tf.function(
            lambda *columns: self._absorb(Transitions(*columns)), autograph=False, reduce_retracing=True
        )
        self._built = True

    def _new_replay(self) -> Replay:
        config = self.config
        ring = {
            "capacity": config.replay_capacity,
            "num_envs": config.num_envs,
            "observation_size": self.observation_size,
            "discount": config.discount,
            "n_step": config.n_step,
        }
        if not config.prioritized:
            return Replay(**ring)
        alpha = 0.6 if config.priority_exponent is None else config.priority_exponent
        return PrioritizedReplay(priority_exponent=alpha, priority_epsilon=1e-6, **ring)

    def _new_rollout(self) -> Any:
        if self.engine == "gymnasium":
            return HostRollout(self.training_envs(start_step=0), rows=self._block_rows, act=self._act_on_host)

        def act(observation: Any, env_steps: Any, seed: Any) -> Any:
            greedy = tf.argmax(self.online(observation), -1, output_type=tf.int32)
            return exploration.epsilon_greedy(greedy, self._epsilon(env_steps), actions=self.actions, seed=seed)

        return CompiledRollout(
            self.training_env(),
            num_envs=self.config.num_envs,
            rows=self._block_rows,
            seed=runtime.derive_seed(self.seed, "rollout"),
            act=act,
        )

    def _numpy_q(self, observations: Floats) -> Floats:
        if self._twin is None:
            self._twin = self.online.numpy_twin()
        return self._twin(observations)

    def _epsilon(self, env_steps: Any) -> Any:
        config = self.config
        start, end = config.epsilon_start, config.epsilon_end
        if config.epsilon_schedule == "linear":
            decay = config.epsilon_decay_env_steps or 8_000
            return exploration.linear_epsilon(env_steps, start=start, end=end, decay_env_steps=decay)
        return exploration.exponential_epsilon(env_steps, start=start, end=end, rate=config.epsilon_decay_rate or 0.995)

    def _importance_exponent(self) -> Any:
        """beta, from its start to 1."""
        beta = 0.4 if self.config.importance_exponent is None else self.config.importance_exponent
        decay = self.config.importance_anneal_env_steps or 50_000
        return exploration.linear_epsilon(self.env_steps, start=beta, end=1.0, decay_env_steps=decay)

    def _scalars(self, totals: dict[str, float]) -> dict[str, float]:
        env_steps, made = int(self.env_steps.numpy()), totals["updates"]
        scalars = {
            "rollout/exploration_rate": float(self._epsilon(env_steps)),
            "counters/env_steps": env_steps,
            "counters/updates": int(self.updates.numpy()),
        }
        if made:
            scalars |= {
                "train/loss": totals["loss"] / made,
                "train/q_mean": totals["q"] / made,
                "train/td_error": totals["abs_td_error"] / made,
                "train/grad_norm": totals["grad_norm"] / made,
                "train/learning_rate": float(self.optimizer.learning_rate),
            }
        return scalars


class DoubleDQN(DQN):
    """Double DQN: the online network chooses the next action, the target network values it."""

    Config = DoubleDQNConfig


class DuelingDQN(DQN):
    """Dueling Double DQN: a network that tells the value of a state from the advantage of an action."""

    Config = DuelingDQNConfig
