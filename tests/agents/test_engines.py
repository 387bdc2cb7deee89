"""The order of steps and updates on the compiled engine, and what its program does not do."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rlgen import state
from rlgen.agents.dqn import DQN
from rlgen.agents.engines import STRETCH_ROWS
from rlgen.agents.trajectory import Transitions

SMALL: dict[str, Any] = {
    "num_envs": 2,
    "hidden_units": (8,),
    "batch_size": 4,
    "replay_capacity": 64,
    "learning_starts_env_steps": 6,
    "train_every_env_steps": 2,
    "updates_per_train": 1,
    "target_update_every_updates": 3,
    "n_step": 2,
}


def agent(**changes: Any) -> DQN:
    return DQN(problem="CartPole-v1", config=DQN.Config.build({**SMALL, **changes}), seed=0, engine="compiled")


@pytest.fixture(scope="module")
def trained() -> DQN:
    """Forty steps, further than one stretch of draws, and over the edge of the ring."""
    made = agent()
    made.train(2 * (STRETCH_ROWS + 8))
    return made


def test_one_update_after_each_step_in_the_order_of_an_eager_loop(trained: DQN) -> None:
    eager = agent()
    eager._build()
    engine, rollout = eager._engine, eager._engine.rollout
    standing, ring = rollout.standing(), engine.replay.read()
    tf.config.run_functions_eagerly(False)
    put = tf.function(lambda r, s: engine.replay.write(r, s), jit_compile=True)
    for t in range(STRETCH_ROWS + 8):
        drawn = rollout.drawn(tf.constant(t, tf.int64))
        standing, row, _ = rollout.step(standing, tf.constant(t, tf.int64), drawn)
        ring = put(ring, row)
        if bool(eager.count_steps(Transitions(*row))):
            seed = eager.seeds.draw("sample", eager.updates)
            batch, _ = engine.replay.sample(ring, 4, seed, None)
            eager.update(batch, eager.updates + 1)
            eager.updates.assign_add(1)
    assert int(eager.updates) == int(trained.updates) == STRETCH_ROWS + 8 - 2
    np.testing.assert_allclose(ring.rows, trained._engine.replay.read().rows, rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(trained.online.get_weights(), eager.online.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_nothing_depends_on_how_steps_are_cut_into_calls(trained: DQN) -> None:
    cut = agent()
    for steps in (6, 2, 60, 12):
        cut.train(steps)
    first, second = state.read(trained.state()), state.read(cut.state())
    assert {name for name in first if first[name].tobytes() != second[name].tobytes()} == set()


def test_repeated_draws_last_over_stretches_and_calls() -> None:
    """Random actions, each for three steps of its environment."""
    held = agent(epsilon=1.0, exploration_repeat_steps=3, replay_capacity=256, learning_starts_env_steps=1000)
    for steps in (10, 2 * STRETCH_ROWS, 46):
        held.train(steps)
    actions = state.read(held.state())["replay/action"]
    assert len(actions) == 60
    groups = actions.reshape(20, 3, 2)
    np.testing.assert_array_equal(groups, groups[:, :1].repeat(3, 1))
    assert 5 < groups[:, 0].sum() < 35


def test_the_ring_is_not_copied_in_the_loop() -> None:
    """Counted in what XLA made of the program: copies of the ring stand outside of its loops, a few a call."""
    made = agent(replay_capacity=222_222)
    made._build()
    ring = "f32[111111,2,12]"
    program = tf.function(made._engine._advance, jit_compile=True, autograph=False)
    text = program.experimental_get_compiler_ir(tf.constant(4))(stage="optimized_hlo")
    assert ring in text
    copies, inside = 0, False
    for line in text.splitlines():
        if re.match(r"^(ENTRY )?%?[\w.-]+ .*\{$", line):
            inside = not line.startswith("ENTRY")
        if f"= {ring}" in line and re.search(r"\bcopy(-start)?\(", line):
            assert not inside, line
            copies += 1
    assert copies <= 3
