"""Our losses beside TF-Agents', on the same weights and the same batches; a program, for TF-Agents wants its flag set.

    TF_USE_LEGACY_KERAS=1 python tf_agents_oracle.py

It writes one line of JSON: by agent and quantity the largest difference over all cases, relative to the largest number
of each, and under "double is not plain" how far the losses of the two Q-learners lie apart, in the
mean.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import rlgen
from rlgen import learning, runtime
from rlgen.agents.tf_agents import library
from rlgen.agents.trajectory import Batch, Transitions

CASES, BATCH = 20, 16
OBSERVED, ACTIONS, HIDDEN = 4, 2, (24, 16)
ENVS, STEPS = 6, 12
DISCOUNT = 0.97


def batches(seed: int, *, observed: int = OBSERVED, continuous: bool = False) -> Iterator[Batch]:
    """Random ones with errors on both sides of Huber's corner; terminated, truncated and running on alike."""
    generator = np.random.default_rng(seed)

    def actions() -> Any:
        if continuous:
            return generator.uniform(-0.9, 0.9, (BATCH, 1)).astype(np.float32)
        return generator.integers(ACTIONS, size=BATCH).astype(np.int32)

    for _ in range(CASES):
        terminated = generator.random(BATCH) < 0.3
        yield Batch(
            generator.normal(size=(BATCH, observed)).astype(np.float32),
            actions(),
            (3 * generator.normal(size=BATCH)).astype(np.float32),
            # A time limit is no end: only what terminated has no future.
            (DISCOUNT * ~terminated).astype(np.float32),
            generator.normal(size=(BATCH, observed)).astype(np.float32),
            generator.uniform(0.1, 1, BATCH).astype(np.float32),
        )


@contextlib.contextmanager
def undescended() -> Iterator[list[list[Any]]]:
    """The gradients of each descent inside, of which no step is made; targets stay."""
    import tensorflow as tf

    gradients: list[list[Any]] = []
    apply, follow = learning.apply, learning.follow

    def keep(found: Any, variables: Any, optimizer: Any, **_: Any) -> Any:
        gradients.append([gradient.numpy() for gradient in found])
        return tf.constant(0.0)

    learning.apply, learning.follow = keep, lambda *_: None
    try:
        yield gradients
    finally:
        learning.apply, learning.follow = apply, follow


def ours(agent: Any, batch: Batch) -> tuple[dict[str, Any], Any, list[list[Any]]]:
    """Scalars, TD errors and the gradients of each descent of one update, which is not made."""
    import tensorflow as tf

    with undescended() as gradients:
        scalars, errors = agent.update(Batch(*map(tf.constant, batch)), tf.constant(1))
    return {name: np.asarray(value) for name, value in scalars.items()}, errors.numpy(), gradients


def draw_weights(network: Any, generator: np.random.Generator, *, scale: float) -> None:
    """Weights that let every input count, and hardly any bias."""
    scales = (scale if len(w.shape) > 1 else scale / 10 for w in network.get_weights())
    drawn = (generator.normal(size=w.shape) * s for w, s in zip(network.get_weights(), scales, strict=True))
    network.set_weights([w.astype(np.float32) for w in drawn])


def own_dqn(agent: Any, batch: Batch) -> dict[str, Any]:
    """What is compared of a Q-learner of ours."""
    scalars, errors, gradients = ours(agent, batch)
    return {"loss": scalars["train/loss"], "td_errors": errors, "gradients": gradients[0]}


def their_dqn(agent: Any, batch: Batch) -> dict[str, Any]:
    """The same of TF-Agents' loss, given a trajectory of two steps."""
    import tensorflow as tf
    from tf_agents.trajectories import StepType, Trajectory

    def two(first: Any, second: Any) -> Any:
        return tf.constant(np.stack([first, second], 1))

    ended = batch.discount == 0
    middle = np.full(BATCH, StepType.MID, np.int32)
    kind = np.where(ended, StepType.LAST, StepType.MID).astype(np.int32)
    experience = Trajectory(
        step_type=two(middle, kind),
        observation=two(batch.observation, batch.next_observation),
        action=two(batch.action, batch.action),
        policy_info=(),
        next_step_type=two(kind, middle),
        reward=two(batch.reward, batch.reward),
        discount=two(batch.discount / np.float32(DISCOUNT), np.ones(BATCH, np.float32)),
    )
    variables = agent._q_network.trainable_weights
    with tf.GradientTape() as tape:
        found = agent._loss(experience, gamma=DISCOUNT, weights=tf.constant(batch.weight))
    return {
        "loss": found.loss.numpy(),
        "td_errors": found.extra.td_error.numpy(),
        "gradients": [gradient.numpy() for gradient in tape.gradient(found.loss, variables)],
    }


def dqn_pair(name: str, kind: str) -> tuple[Any, Any]:
    """An agent of ours and one of TF-Agents', with the same weights in both networks of each."""
    import tensorflow as tf
    from tf_agents.agents.dqn import dqn_agent
    from tf_agents.networks import q_network
    from tf_agents.specs import tensor_spec
    from tf_agents.trajectories import time_step_spec

    own = rlgen.make(name, env="CartPole-v1", config={"hidden_units": HIDDEN, "discount": DISCOUNT, "n_step": 1})
    own.state()  # What only training needs is made when it is first asked for.
    generator = np.random.default_rng(7)
    for network in (own.online, own.target):
        draw_weights(network, generator, scale=0.5)
    seen = tf.TensorSpec((OBSERVED,), tf.float32)
    action = tensor_spec.BoundedTensorSpec((), tf.int32, 0, ACTIONS - 1)
    other = getattr(dqn_agent, kind)(
        time_step_spec(seen),
        action,
        q_network=q_network.QNetwork(seen, action, fc_layer_params=HIDDEN),
        optimizer=tf.keras.optimizers.legacy.Adam(),
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    for to, of in ((other._q_network, own.online), (other._target_q_network, own.target)):
        for variable, value in zip(to.variables, of.get_weights(), strict=True):
            variable.assign(value)
    return own, other


def own_sac(agent: Any, batch: Batch) -> dict[str, Any]:
    """What is compared of ours; half the sum of squares is a habit of ours, so twice it is compared."""
    scalars, _, (critics, actor, alpha) = ours(agent, batch)
    return {
        "critic_loss": 2 * scalars["train/critic_loss"],
        "critic_gradients": [2 * gradient for gradient in critics],
        "actor_loss": scalars["train/actor_loss"],
        "actor_gradients": actor,
        "temperature_loss": scalars["train/ent_coef_loss"],
        "temperature_gradient": alpha,
    }


def their_sac(agent: Any, batch: Batch) -> dict[str, Any]:
    """The same of TF-Agents' three losses."""
    import tensorflow as tf
    from tf_agents.trajectories import StepType, TimeStep

    step = tf.fill((BATCH,), StepType.MID)
    ones, nothing = tf.ones((BATCH,)), tf.zeros((BATCH,))
    now = TimeStep(step, nothing, ones, tf.constant(batch.observation))
    then = TimeStep(step, tf.constant(batch.reward), tf.constant(batch.discount / np.float32(DISCOUNT)),
                    tf.constant(batch.next_observation))  # fmt: skip
    found = {}
    critics = [*agent._critic_network_1.trainable_variables, *agent._critic_network_2.trainable_variables]
    parts = (
        ("critic", critics, lambda: agent.critic_loss(
            now, tf.constant(batch.action), then, tf.math.squared_difference, gamma=DISCOUNT, weights=batch.weight)),
        ("actor", agent._actor_network.trainable_variables, lambda: agent.actor_loss(now)),
        ("temperature", [agent._log_alpha], lambda: agent.alpha_loss(now)),
    )  # fmt: skip
    for name, variables, loss_of in parts:
        with tf.GradientTape() as tape:
            loss = loss_of()
        found[f"{name}_loss"] = loss.numpy()
        plural = "gradient" if name == "temperature" else "gradients"
        found[f"{name}_{plural}"] = [gradient.numpy() for gradient in tape.gradient(loss, variables)]
    return found


def sac_pair() -> tuple[Any, Any]:
    """Ours and TF-Agents', with the same weights in all five networks, and the same noise for every action."""
    import tensorflow as tf
    from tensorflow_probability.python.internal import samplers
    from tf_agents.agents.ddpg import critic_network
    from tf_agents.agents.sac import sac_agent, tanh_normal_projection_network
    from tf_agents.networks import actor_distribution_network
    from tf_agents.specs import tensor_spec
    from tf_agents.trajectories import time_step_spec

    own = rlgen.make("sac", env="Pendulum-v1", config={"hidden_units": HIDDEN, "discount": DISCOUNT})
    own.state()
    generator = np.random.default_rng(8)
    nets = (own.actor, *own.critics.pair, *own.critics.targets)
    for network in nets:
        # Small, for the policy: deviations above e^2 are cut by us alone, and where an action touches its bound
        # TF-Agents takes the inverse of tanh from a rounded 1.
        draw_weights(network, generator, scale=0.2 if network is own.actor else 0.5)
    own.temperature.log.assign(-1.2)
    noise = generator.normal(size=(BATCH, 1)).astype(np.float32)
    sac.draws.normal = lambda shape, seed: tf.reshape(tf.constant(noise), shape)
    samplers.normal = lambda shape, **_: tf.reshape(tf.constant(noise), shape)

    seen, action = tf.TensorSpec((3,), tf.float32), tensor_spec.BoundedTensorSpec((1,), tf.float32, -1, 1)
    adam = tf.keras.optimizers.legacy.Adam
    other = sac_agent.SacAgent(
        time_step_spec(seen),
        action,
        critic_network=critic_network.CriticNetwork((seen, action), joint_fc_layer_params=HIDDEN),
        actor_network=actor_distribution_network.ActorDistributionNetwork(
            seen,
            action,
            fc_layer_params=HIDDEN,
            continuous_projection_net=tanh_normal_projection_network.TanhNormalProjectionNetwork,
        ),
        actor_optimizer=adam(),
        critic_optimizer=adam(),
        alpha_optimizer=adam(),
        target_entropy=own.target_entropy,
        use_log_alpha_in_alpha_loss=True,
        initial_log_alpha=-1.2,
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    same = (
        other._actor_network,
        other._critic_network_1,
        other._critic_network_2,
        other._target_critic_network_1,
        other._target_critic_network_2,
    )
    for to, of in zip(same, nets, strict=True):
        for variable, value in zip(to.variables, of.get_weights(), strict=True):
            variable.assign(value)
    return own, other


def rollouts(seed: int, *, whole: bool) -> Iterator[Transitions]:
    """Random ones [T, N]; every first episode ends at the last step or, if not `whole`, at any, either way."""
    generator = np.random.default_rng(seed)
    for _ in range(CASES):
        ends = np.full(ENVS, STEPS - 1) if whole else generator.integers(2, STEPS, ENVS)
        done = np.arange(STEPS)[:, None] == ends
        terminated = done & (generator.random(ENVS) < 0.5)
        seen = generator.normal(size=(2, STEPS, ENVS, OBSERVED)).astype(np.float32)
        yield Transitions(
            seen[0],
            generator.integers(ACTIONS, size=(STEPS, ENVS)).astype(np.int32),
            generator.normal(size=(STEPS, ENVS)).astype(np.float32),
            terminated,
            done & ~terminated,
            seen[1],
        )


def own_reinforce(agent: Any, rows: Transitions) -> dict[str, Any]:
    """What is compared of ours, a mean over steps where TF-Agents sums over each episode."""
    import tensorflow as tf

    with undescended() as gradients:
        loss = agent.update(Transitions(*map(tf.constant, rows)))["train/loss"].numpy()
    done = rows.terminated | rows.truncated
    scale = float((done.argmax(0) + 1).sum() / ENVS)
    return {"loss": scale * loss, "gradients": [scale * gradient for gradient in gradients[0]]}


def their_reinforce(agent: Any, rows: Transitions) -> dict[str, Any]:
    """The same of TF-Agents' loss. What follows a first episode has no end there, and so no part in it."""
    import tensorflow as tf
    from tf_agents.trajectories import StepType, Trajectory
    from tf_agents.utils import value_ops

    done = (rows.terminated | rows.truncated).T
    experience = Trajectory(
        step_type=tf.fill(done.shape, StepType.MID),
        observation=tf.constant(rows.observation.swapaxes(0, 1)),
        action=tf.constant(rows.action.T),
        policy_info=(),
        next_step_type=tf.constant(np.where(done, StepType.LAST, StepType.MID).astype(np.int32)),
        reward=tf.constant(rows.reward.T),
        discount=tf.constant(1 - rows.terminated.T.astype(np.float32)),
    )
    goes_on = tf.constant(~done, tf.float32) * experience.discount * DISCOUNT
    returns = value_ops.discounted_return(experience.reward, goes_on, time_major=False)
    with tf.GradientTape() as tape:
        loss = agent.total_loss(experience, returns, weights=None).loss
    gradients = tape.gradient(loss, agent._actor_network.trainable_weights)
    return {"loss": loss.numpy(), "gradients": [gradient.numpy() for gradient in gradients]}


def reinforce_pair(*, normalize: bool) -> tuple[Any, Any]:
    """Ours and TF-Agents', with the same policy."""
    import tensorflow as tf
    from tf_agents.agents.reinforce import reinforce_agent
    from tf_agents.networks import actor_distribution_network
    from tf_agents.specs import tensor_spec
    from tf_agents.trajectories import time_step_spec

    own = rlgen.make(
        "reinforce",
        env="CartPole-v1",
        preset="default",
        config={
            "num_envs": ENVS,
            "rollout_steps": STEPS,
            "hidden_units": HIDDEN,
            "discount": DISCOUNT,
            "normalize_returns": normalize,
        },
    )
    own.state()
    draw_weights(own.network, np.random.default_rng(9), scale=0.5)
    seen, action = tf.TensorSpec((OBSERVED,), tf.float32), tensor_spec.BoundedTensorSpec((), tf.int32, 0, ACTIONS - 1)
    other = reinforce_agent.ReinforceAgent(
        time_step_spec(seen),
        action,
        actor_network=actor_distribution_network.ActorDistributionNetwork(
            seen, action, fc_layer_params=HIDDEN, activation_fn=tf.keras.activations.tanh
        ),
        optimizer=tf.keras.optimizers.legacy.Adam(),
        gamma=DISCOUNT,
        normalize_returns=normalize,
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    for to, of in zip(other._actor_network.variables, own.learned_variables(), strict=True):
        to.assign(of.numpy())
    return own, other


def difference(a: Any, b: Any) -> float:
    """The largest, relative to the largest number."""
    if isinstance(a, list):
        return max(difference(*both) for both in zip(a, b, strict=True))
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-6))


def difference_of_sums(a: Any, b: Any) -> float:
    """The same of sums whose terms, of about 1, cancel each other: over all of a list, and relative to at least 1."""
    left, right = (np.concatenate([np.ravel(part) for part in (x if isinstance(x, list) else [x])]) for x in (a, b))
    return float(np.abs(left - right).max() / max(np.abs(right).max(), 1.0))


def main() -> None:
    """Compare, and say what was found."""
    library.require()
    largest: dict[str, float] = {}
    losses: dict[str, list[Any]] = {"dqn": [], "double_dqn": []}

    def note(name: str, left: dict[str, Any], right: dict[str, Any], measure: Any = difference) -> None:
        for what, value in left.items():
            key = f"{name} {what}"
            largest[key] = max(largest.get(key, 0.0), measure(value, right[what]))

    for name, kind in (("dqn", "DqnAgent"), ("double_dqn", "DdqnAgent")):
        own, other = dqn_pair(name, kind)
        for batch in batches(seed=3):
            left = own_dqn(own, batch)
            losses[name].append(left["loss"])
            note(name, left, their_dqn(other, batch))
    own, other = sac_pair()
    for batch in batches(seed=4, observed=3, continuous=True):
        note("sac", own_sac(own, batch), their_sac(other, batch))
    # Normalized returns sum to 0, and where chances are alike so do the terms of the loss and of some gradients.
    for name, whole, measure in (("reinforce, normalized", True, difference_of_sums), ("reinforce", False, difference)):
        own, other = reinforce_pair(normalize=whole)
        for rows in rollouts(seed=5, whole=whole):
            note(name, own_reinforce(own, rows), their_reinforce(other, rows), measure)
    apart = float(np.abs(np.subtract(*losses.values())).mean())
    json.dump({"largest": largest, "double is not plain": apart}, sys.stdout)


if __name__ == "__main__":
    runtime.import_tensorflow()
    from rlgen.agents import sac

    main()
