"""Shards in lockstep, in one process: closed forms, and models whose shards come to what a whole batch does."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from rlgen import planning, state
from rlgen.errors import RlgenError, UserError
from rlgen.together import shards


def traced(function: Any) -> Any:
    """What a function returns that a program is made of."""
    return tf.nest.map_structure(lambda x: x.numpy(), tf.function(function, autograph=False)())


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_mean_is_that_of_all_shards_and_each_goes_on_with_it(count: int) -> None:
    numbers = [float(2 * n) for n in range(count)]

    def step(x: Any) -> Any:
        assert shards.together() == count
        (mean,) = shards.mean([tf.constant(x)])
        return x - mean, shards.mean([mean + x])[0]

    found = traced(lambda: shards.each(step, numbers, count=count))
    middle = sum(numbers) / count
    assert found == [(x - middle, 2 * middle) for x in numbers]
    assert shards.together() == 1 and shards.number() is None
    assert shards.mean([5.0]) == [5.0]


def test_each_shard_has_its_number_and_variables_are_changed_once() -> None:
    total = tf.Variable(0.0)

    def step(x: Any) -> Any:
        shards.once(lambda mean: total.assign_add(mean), [tf.constant(x)])
        return shards.number()

    assert traced(lambda: [tf.constant(n) for n in shards.each(step, [1.0, 5.0], count=2)]) == [0, 1]
    assert total.numpy() == 3.0


def test_statistics_begin_alike_in_each_shard_and_are_averaged_where_they_meet() -> None:
    moving = tf.Variable(10.0)

    def step(x: Any) -> Any:
        moving.assign(moving + x)
        first = moving.read_value()
        shards.mean([tf.constant(0.0)])
        second = moving.read_value()
        moving.assign(moving * 2 + x)
        return first, second

    found = traced(lambda: shards.each(step, [1.0, 3.0], count=2, statistics=[moving]))
    assert found == [(11.0, 12.0), (13.0, 12.0)]
    assert moving.numpy() == 26.0  # The mean of 2 * 12 + 1 and 2 * 12 + 3.


def test_random_generators_of_keras_draw_something_else_in_each_shard_and_go_on_as_one() -> None:
    generator = keras.random.SeedGenerator(3)
    before = generator.state.numpy()

    def step(_: Any) -> Any:
        first = keras.random.uniform((2,), seed=generator)
        shards.mean([tf.constant(0.0)])
        return first, keras.random.uniform((2,), seed=generator)

    found = traced(lambda: shards.each(step, [0, 0], count=2, streams=[generator.state]))
    drawn = np.concatenate([np.concatenate(pair) for pair in found])
    assert len(set(drawn)) == 8
    after = generator.state.numpy()
    assert after[0] == before[0] and after[1] == before[1] + 2


def test_a_loop_in_which_shards_meet_is_one_loop() -> None:
    def step(x: Any) -> Any:
        def turn(i: Any, sum_: Any) -> Any:
            return i + 1, sum_ + shards.mean([sum_ + x])[0]

        return shards.while_loop(lambda i, _: i < 3, turn, (tf.constant(0), tf.constant(x)), at_most=3)[1]

    alone = [1.0, 5.0]
    for _ in range(3):
        mean = sum(a + x for a, x in zip(alone, [1.0, 5.0], strict=True)) / 2
        alone = [a + mean for a in alone]
    assert traced(lambda: shards.each(step, [1.0, 5.0], count=2)) == alone
    assert traced(lambda: shards.each(step, [3.0], count=1)) == [45.0]  # 3, 9, 21, 45.


def test_shards_that_differ_in_what_they_do_and_meetings_within_a_loop_are_refused() -> None:
    def unlike(x: Any) -> Any:
        return shards.mean([tf.constant(x)]) if x else x

    with pytest.raises(RlgenError, match="One shard applies gradients more often than another"):
        traced(lambda: shards.each(unlike, [0.0, 1.0], count=2))

    def within(x: Any) -> Any:
        return tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, shards.mean([y])[0]), (0, tf.constant(x)))

    with pytest.raises(RlgenError, match=r"inside a loop or a condition .* use rlgen.together.shards.while_loop"):
        traced(lambda: shards.each(within, [0.0, 1.0], count=2))

    def broken(x: Any) -> Any:
        if x:
            raise ZeroDivisionError("of a step")
        return shards.mean([tf.constant(x)])

    with pytest.raises(ZeroDivisionError, match="of a step"):
        traced(lambda: shards.each(broken, [0.0, 1.0], count=2))


def trained(name: str, steps: int, **how: Any) -> tuple[Any, dict[str, Any]]:
    """What a few updates make of the weights, and the scalars."""
    plan = planning.plan(name, run=how.pop("run"), steps=steps, **how)
    try:
        scalars = plan.algorithm.train(steps)
        return {name: np.array(x) for name, x in state.read(plan.algorithm.inference_state()).items()}, scalars
    finally:
        plan.close()


def test_where_nothing_looks_at_a_batch_as_a_whole_shards_change_nothing(tmp_path: Any) -> None:
    found = [
        trained("mlp", 20, data="digits", config={"dropout_rate": 0, "shards": count}, run=tmp_path / "run")
        for count in (1, 2, 4)
    ]
    for weights, scalars in found[1:]:
        assert all(np.abs(weights[name] - found[0][0][name]).max() < 1e-6 for name in weights)
        assert scalars["train/loss"] == pytest.approx(found[0][1]["train/loss"], abs=1e-5)
        assert scalars["work/images"] == found[0][1]["work/images"] == 20 * 64


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"batch_size": 10, "shards": 4}, "batch_size=10 does not divide into shards=4 equal parts: use 8 or 12."),
        ({"batch_size": 2, "shards": 4}, "batch_size=2 does not divide into shards=4 equal parts: use 4."),
    ],
)
def test_a_batch_that_does_not_divide_is_refused(tmp_path: Any, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        planning.plan("linear", data="digits", config=fields, run=tmp_path / "run")
    assert message in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_environments_that_do_not_divide_and_agents_that_cannot_are_refused(tmp_path: Any) -> None:
    for name, fields, message in (
        ("a2c", {"num_envs": 6, "shards": 4}, "num_envs=6 does not divide into shards=4"),
        (
            "ppo",
            {"num_envs": 2, "rollout_steps": 8, "minibatches": 16, "shards": 2},
            "minibatches=16 does not divide the 8",
        ),
        ("gan", {"fake_replay": 256, "shards": 2}, "fake_replay=256 keeps the examples of one shard"),
    ):
        with pytest.raises(UserError, match=message):
            planning.plan(name, config=fields, run=tmp_path / "run")
