from typing import Any

import pytest

from rlgen import Evaluator
from rlgen.algorithm import Evaluation
from rlgen.errors import Diverged, UserError
from rlgen.evaluator import better


def make(walk: Any, **config: Any) -> Any:
    return walk.Walk(problem="plain", config=walk.WalkConfig.build(config), seed=1)


def test_splits_never_share_a_draw_and_seeds_decide(walk: Any) -> None:
    algorithm = make(walk)

    def draw(split: Any, seed: int = 0) -> float:
        evaluation = Evaluator(episodes=3, seed=seed).evaluate(algorithm, split=split)
        return evaluation.scalars["eval/draw"]

    assert draw("test") == draw("test") != draw("validation")
    assert draw("test", seed=1) != draw("test")
    assert Evaluator(episodes=3).evaluate(algorithm).episodes == 3


def test_the_seed_an_algorithm_gets_is_the_splits_own(walk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even one that does not look at the split cannot choose and report by the same draws."""

    def evaluate(self: Any, *, episodes: int, seed: int, split: str) -> Evaluation:
        return Evaluation({"eval/score": float(seed)}, episodes)

    monkeypatch.setattr(walk.Walk, "evaluate", evaluate)
    algorithm, splits = make(walk), ("validation", "test")
    got = [
        Evaluator(seed=seed).evaluate(algorithm, split=split).scalars["eval/score"]
        for seed in (0, 1)
        for split in splits
    ]
    assert len(set(got)) == 4


@pytest.mark.parametrize("episodes", [0, -1])
def test_nothing_to_average_over(episodes: int) -> None:
    with pytest.raises(UserError, match=f"at least one episode, not {episodes}"):
        Evaluator(episodes=episodes)


def test_better_goes_by_the_algorithms_own_direction(walk: Any) -> None:
    def beats(new: float, best: float | None, *, higher: bool) -> bool:
        algorithm = make(walk)
        algorithm.higher_is_better = higher
        return better(algorithm, Evaluation({"eval/score": new}, 1), best)

    assert beats(-5, None, higher=True)
    assert beats(2, 1, higher=True)
    assert not beats(1, 2, higher=True)
    assert beats(1, 2, higher=False)
    assert not beats(2, 1, higher=False)
    # The later of two equals has learned longer.
    assert beats(1, 1, higher=True)
    assert beats(1, 1, higher=False)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_reported_is_a_number(walk: Any, monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    algorithm = make(walk)
    found = Evaluator(episodes=3).judge(algorithm)
    assert found.scalars == Evaluator(episodes=3).evaluate(algorithm, split="test").scalars
    monkeypatch.setattr(walk.Walk, "evaluate", lambda self, **_: Evaluation({"eval/score": 1.0, "eval/x": value}, 1))
    with pytest.raises(Diverged, match=f"'eval/x' is {value}.*another checkpoint"):
        Evaluator(episodes=3).judge(algorithm)
