"""Means over loops of any length, and how programs are compiled."""

from __future__ import annotations

import pytest
import tensorflow as tf

from rlgen import half_precision, loops, state


@pytest.fixture(scope="module")
def counting():
    """A program of `count` steps that report their number and twice it, carrying the sum along."""
    tally = loops.Tally()

    def advance(count):
        def step(i, total):
            number = tf.cast(i, tf.float32)
            return {"a/number": number, "b/twice": 2 * number}, total + number

        return loops.repeat(step, count, tally, tf.constant(0.0))

    program = loops.program(advance, compute=loops.Compute(), signature=[tf.TensorSpec((), tf.int32)])
    return tally, program


@pytest.mark.parametrize("count", [1, 4, 7])
def test_means_are_over_the_steps_of_the_call_whatever_their_number(counting, count):
    tally, program = counting
    sums, total = program(tf.constant(count))
    assert tally.means(sums) == {"a/number": (count - 1) / 2, "b/twice": count - 1}
    assert total == sum(range(count))


def test_calls_of_different_length_add_up_to_one_mean(counting):
    tally, program = counting
    sums = sum(program(tf.constant(count))[0].numpy() for count in (1, 5, 2))
    assert tally.means(sums)["a/number"] == pytest.approx((0 + 10 + 1) / 8)


def test_no_steps_have_no_means(counting):
    tally, program = counting
    assert tally.means(program(tf.constant(0))[0]) == {}
    assert loops.Tally().means(loops.Tally().nothing()) == {}


def test_a_program_is_compiled_once_and_says_that_variables_may_have_changed(counting):
    _, program = counting
    before = state.version()
    program(tf.constant(1))
    program(tf.constant(2))
    assert program.traces() == 1
    assert state.version() == before + 2


def test_steps_that_report_different_scalars_are_refused():
    tally = loops.Tally()
    tally.of({"a": 1.0})
    with pytest.raises(ValueError, match="this one returns a, b, another one a"):
        tally.of({"a": 1.0, "b": 2.0})
    assert tally.of({"a": 1.0}).shape == (loops.ROOM + 1,)


def test_dense_networks_are_compiled_by_xla_and_convolutions_on_a_cpu_are_not(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(half_precision, "pays", lambda: True)
    assert loops.choose(convolutional=False) == loops.Compute(xla=True, dtype="float32")
    assert loops.choose(convolutional=True) == loops.Compute(xla=False, dtype="mixed_bfloat16")
    assert loops.choose(convolutional=True, precision="float32").dtype == "float32"
    monkeypatch.setattr(half_precision, "pays", lambda: False)
    assert loops.choose(convolutional=True) == loops.Compute(xla=False, dtype="float32")
    half = loops.choose(convolutional=False, precision="bfloat16")
    assert (half.dtype, half.precision, loops.Compute().precision) == ("mixed_bfloat16", "bfloat16", "float32")
    assert loops.chosen(half, "auto") == {"precision": "bfloat16"} and loops.chosen(half, "bfloat16") == {}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["GPU:0"])
    assert loops.choose(convolutional=True) == loops.Compute(xla=True, dtype="float32")
