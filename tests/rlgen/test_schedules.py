"""Schedules against values written out by hand, and their text."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
import tensorflow as tf

from rlgen.config import Config, option
from rlgen.errors import UserError
from rlgen.schedules import KINDS, Schedule

BY_HAND = {
    "0.25": {0: 0.25, 10**6: 0.25},
    "linear:start=1,end=0.2,over=8": {0: 1.0, 2: 0.8, 4: 0.6, 8: 0.2, 100: 0.2},
    "linear:start=1,end=0.2,over=8,after=10": {0: 1.0, 10: 1.0, 12: 0.8, 18: 0.2, 100: 0.2},
    "exponential:start=8,factor=0.5,end=1.5": {0: 8.0, 1: 4.0, 2: 2.0, 3: 1.5, 50: 1.5},
    "exponential:start=8,factor=0.5,every=10": {0: 8.0, 5: 8 / math.sqrt(2), 10: 4.0, 30: 1.0},
    "asymptotic:start=9,end=1,factor=0.5": {0: 9.0, 1: 5.0, 2: 3.0, 3: 2.0},
    "step:start=1,factor=0.1,every=5": {0: 1.0, 4: 1.0, 5: 0.1, 9: 0.1, 10: 0.01},
    "step:start=1,factor=0.1,every=5,end=0.05": {9: 0.1, 10: 0.05},
    "cosine:start=2,over=8": {0: 2.0, 2: 1 + math.sqrt(0.5), 4: 1.0, 8: 0.0, 9: 0.0},
    "geometric:start=1e-06,end=10,over=7": {0: 1e-6, 1: 1e-5, 6: 1.0, 7: 10.0, 8: 10.0},
    "one_cycle:start=1,peak=10,over=100": {0: 1.0, 45: 10.0, 90: 1.0, 95: 0.5, 100: 0.0, 101: 0.0},
}


@pytest.mark.parametrize("text", BY_HAND)
def test_values_are_those_written_out_by_hand_for_numbers_and_for_tensors(text):
    schedule, points = Schedule.parse(text), BY_HAND[text]
    np.testing.assert_allclose([schedule(clock) for clock in points], list(points.values()), rtol=1e-6, atol=1e-7)
    clocks = tf.constant(list(points), tf.int64)
    values = tf.broadcast_to(schedule(clocks), clocks.shape)
    np.testing.assert_allclose(values, list(points.values()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("text", BY_HAND)
def test_the_text_is_read_back_as_the_same_schedule(text):
    schedule = Schedule.parse(text)
    assert Schedule.parse(json.loads(json.dumps(schedule.to_json()))) == schedule
    assert str(schedule) == text


def test_every_kind_is_among_those_written_out():
    assert {Schedule.parse(text).kind for text in BY_HAND} == {"constant", *KINDS}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("linaer:start=1,end=0,over=8", "Did you mean 'linear'"),
        ("linear:start=1,end=0", "lacks over: write linear:start=,end=,over="),
        ("linear:start=1,end=0,ovr=8", "Did you mean 'over'"),
        ("linear:start=1,end=0,over=0", "over='0' has to be a number above 0"),
        ("exponential:start=1,factor=2", "factor='2' has to be between 0 and 1"),
        ("linear:start=a,end=0,over=8", "start='a' has to be a number"),
        ("linear:start=1,start=2,end=0,over=8", "twice"),
        ("nan", "There is no schedule 'nan'"),
        ("geometric:start=0,end=1,over=8", "start and end have to be above 0"),
        (True, "no schedule: write a number, or linear:start="),
        (None, "no schedule"),
    ],
)
def test_what_cannot_be_read_is_told_what_it_could_be(text, said):
    with pytest.raises(UserError, match="(?s).*" + said.replace("(", "\\(")):
        Schedule.parse(text)


def test_a_field_of_a_configuration_takes_numbers_text_and_schedules_within_its_range():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Some(Config):
        rate: Schedule = option("linear:start=1,end=0.5,over=10", "Clocked by updates.", at_least=0, at_most=1)

    assert Some().rate(10) == 0.5
    assert Some.build({"rate": "0.25"}).to_dict() == {"rate": 0.25}
    assert Some.build(Some().to_dict()) == Some()
    assert Some.describe()[0]["type"] == "number or schedule"
    with pytest.raises(UserError, match="rate=1.5 is out of range"):
        Some(rate="linear:start=1.5,end=0,over=3")
    with pytest.raises(UserError, match="rate: There is no schedule 'lin'"):
        Some(rate="lin:start=1")
