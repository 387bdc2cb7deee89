"""Seconds by what they went into, with a clock of the test's."""

from __future__ import annotations

from rlgen.pace import Pace


class Clock:
    """Says what it is told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def run(clock: Clock, pace: Pace, *, rounds: int, training: float, evaluation: float) -> list[bool]:
    """Which of the evaluations were made."""
    made = []
    for _ in range(rounds):
        with pace.training():
            clock.now += training
        made.append(pace.affords_evaluation())
        if made[-1]:
            with pace.evaluation():
                clock.now += evaluation
    return made


def test_seconds_by_what_they_went_into() -> None:
    clock = Clock()
    pace = Pace(evaluation_share=0.2, clock=clock)
    run(clock, pace, rounds=2, training=3, evaluation=1)
    clock.now += 5
    assert (pace.training_seconds, pace.evaluation_seconds, pace.seconds) == (6, 2, 13)


def test_evaluations_within_their_share_are_all_made() -> None:
    clock = Clock()
    assert all(run(clock, Pace(evaluation_share=0.2, clock=clock), rounds=100, training=9, evaluation=2))


def test_those_out_of_proportion_are_left_out() -> None:
    clock = Clock()
    pace = Pace(evaluation_share=0.2, clock=clock)
    made = run(clock, pace, rounds=100, training=10, evaluation=10)
    assert made[:3] == [True] * 3, "half a minute is free"
    assert not all(made) and pace.evaluation_seconds <= 0.2 * pace.seconds
    assert sum(made) == 25, "a fifth of the time: 10 seconds in each 50"
    clock = Clock()
    assert all(run(clock, Pace(evaluation_share=1, clock=clock), rounds=100, training=1, evaluation=10))


def test_what_a_result_says_of_times() -> None:
    clock = Clock()
    pace = Pace(evaluation_share=0.2, clock=clock)
    run(clock, pace, rounds=2, training=4, evaluation=1)
    assert pace.report(20) == {
        "seconds": 10,
        "steps_per_second": 2,
        "training_steps_per_second": 2.5,
        "evaluations_left_out": 0,
    }
    # A run that was finished by a resume has trained nothing: no speed is said, rather than a wrong one.
    assert pace.report(0) | {"seconds": 0} == {
        "seconds": 0,
        "steps_per_second": None,
        "training_steps_per_second": None,
        "evaluations_left_out": 0,
    }
    run(clock, pace, rounds=100, training=10, evaluation=10)
    assert pace.report(1)["evaluations_left_out"] == pace.left_out > 0
