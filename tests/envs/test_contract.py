"""What environments are held to: whoever leaves, lies, or does not close is named, or told once."""

from __future__ import annotations

from typing import Any

import awkward_envs
import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from rlgen.envs.contract import Contract, Sight, flag, number
from rlgen.envs.host import OfVector
from rlgen.envs.making import Environments
from rlgen.errors import EnvironmentFault, UserError
from rlgen.watchdog import Broken

SAID = {
    "text": "the reward '1.0' is not a number",
    "several": r"the reward array\(\[1., 1.\]\) is not a number",
    "none": "the reward None is not a number",
    "word": "'terminated' is 'no'; Gymnasium wants True or False",
    "number": "'truncated' is 0; Gymnasium wants True or False",
    "four": "the environment returned 4 values; Gymnasium's step returns five",
    "nothing": "the environment returned a NoneType; Gymnasium's step returns five",
}


def learn(envs: Environments, steps: int = 60) -> None:
    """Steps as in training."""
    training = envs.training(num_envs=2, seed=0)
    for _ in range(steps):
        training.step(np.zeros(2, np.int64))


def judge(envs: Environments, steps: int = 60) -> None:
    """Steps as in an evaluation."""
    judged = envs.judging(num_envs=1)
    judged.reset(0, seed=0)
    for _ in range(steps):
        judged.step([0], np.zeros(1, np.int64))


@pytest.mark.parametrize("how", SAID)
def test_lies_are_named_in_the_probe_in_training_and_in_evaluations(how: str) -> None:
    with pytest.raises(EnvironmentFault, match=f"At step 5 {SAID[how]}"):
        Environments(f"awkward_envs:Lies?how={how}").probe(seed=0)
    late = Environments(f"awkward_envs:Lies?how={how}&at=50")
    late.probe(seed=0)
    for use in (learn, judge):
        with pytest.raises(EnvironmentFault, match=f"At step 50 {SAID[how]}"):
            use(late)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("construction", r"could not be made: SystemExit \(sys.exit\): 0"),
        ("reset", r"raised SystemExit \(sys.exit\) at reset: 0. It may raise an error or end its episode"),
        ("step", r"raised SystemExit \(sys.exit\) at step 5: 0"),
    ],
)
def test_who_leaves_the_program_is_named(where: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Environments(f"awkward_envs:Exits?where={where}").probe(seed=0)
    if where == "step":
        with pytest.raises(UserError, match="at step 40"):
            learn(Environments("awkward_envs:Exits?at=40"))


def leaving(env: Any) -> Any:
    raise SystemExit(3)


def test_wrappers_that_leave_are_named() -> None:
    with pytest.raises(UserError, match="does not go around this environment: SystemExit: 3"):
        Environments("awkward_envs:Sound", wrappers=(f"{__name__}:leaving",))


@pytest.mark.parametrize(("where", "said"), [("close", "SystemExit (sys.exit) at close"), ("closing", "door is stuck")])
def test_what_does_not_close_is_told_once(where: str, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    envs = Environments(f"awkward_envs:Exits?where={where}&at=1000")
    envs.probe(seed=0)
    learn(envs)
    judge(envs)
    envs.close()
    assert capfd.readouterr().err.count(said) == 1
    envs.judged()
    envs.probe(seed=0)
    assert capfd.readouterr().err.count(said) == 1, "the next run is another one"


@pytest.mark.parametrize("at", [5, 50])
def test_an_observation_outside_its_bounds_is_told_once(at: int, capfd: pytest.CaptureFixture[str]) -> None:
    envs = Environments(f"awkward_envs:Lies?how=outside&at={at}")
    envs.probe(seed=0)
    learn(envs, 300)
    judge(envs)
    said = capfd.readouterr().err
    assert said.count("is outside its space") == 1
    assert f"At step {at} the observation is outside its space: its component [2] is " in said
    assert "its bounds are -1 and 1" in said


def test_what_is_not_finite_is_an_error_after_that_too() -> None:
    contract, sight = Contract(), Sight(spaces.Box(-1, 1, (2,), np.float32))
    contract.checked(np.float32([[0, 1], [3, 0]]), sight, "step 1")
    for seen in ([[0, np.nan]], [[-np.inf, 0]]):
        with pytest.raises(EnvironmentFault, match="not finite at step 2"):
            contract.checked(np.float32(seen), sight, "step 2")
        with pytest.raises(EnvironmentFault, match="not finite at step 2"):
            Contract().checked(np.float32(seen), sight, "step 2")


@pytest.mark.parametrize(
    ("space", "seen", "name"),
    [
        (spaces.Box(-1, 1, (2, 2), np.float32), [[0, 0, 5, 0]], "its component [1, 0]"),
        (spaces.Box(-1, 1, (), np.float64), [[5]], "it"),
        (spaces.Box(0, 100, (1, 1, 2), np.uint8), [[[[7, 101]]]], "its component [0, 0, 1]"),
        (
            spaces.Dict({"move": spaces.Discrete(2), "force": spaces.Box(-1, 1, (2,))}),
            [[0, 0, 1, 0], [0, 9, 1, 0]],
            "its component ['force'][1]",
        ),
        (spaces.Tuple((spaces.Discrete(2), spaces.Box(0, np.inf, (1,)))), [[0, 1, -1]], "its component [1][0]"),
    ],
    ids=str,
)
def test_the_component_is_named_in_the_spaces_own_terms(
    space: spaces.Space, seen: Any, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sight = Sight(space)
    Contract().checked(np.array(seen, sight.spec.dtype), sight, "step 3")
    assert f"outside its space: {name} is " in capfd.readouterr().err


@pytest.mark.parametrize(
    "space",
    [spaces.Box(-np.inf, np.inf, (2,)), spaces.Box(0, 255, (4, 4, 3), np.uint8), spaces.Box(0, 1, (4, 4, 3), np.bool_)],
    ids=str,
)
def test_where_nothing_can_be_outside_nothing_is_looked_for(space: spaces.Space) -> None:
    assert Sight(space).bounds is None


def test_a_choice_that_is_none_is_named() -> None:
    with pytest.raises(Broken, match=r"the observation -1 is not in its space Discrete\(3\)"):
        Sight(spaces.Discrete(3))(-1)
    with pytest.raises(Broken, match="is not in its space Dict"):
        Sight(spaces.Dict({"a": spaces.Discrete(2)})).closely({"b": 1})


@pytest.mark.parametrize("reward", [1, True, 1.0, np.float16(1), np.int8(1), np.array(1.0), np.array([1.0])])
def test_whatever_is_one_number_is_a_reward(reward: Any) -> None:
    assert number(reward) == 1.0


@pytest.mark.parametrize("reward", ["1.0", b"1", np.array("1.0"), None, [1.0, 2.0], np.zeros(0), {}, 1j])
def test_whatever_is_none_is_no_reward(reward: Any) -> None:
    with pytest.raises(Broken, match="is not a number"):
        number(reward)


def test_flags() -> None:
    assert flag("terminated", np.array(True)) is True and flag("terminated", np.False_) is False
    for value in ("no", "", 0, 1, None, np.array([True, False])):
        with pytest.raises(Broken, match="Gymnasium wants True or False"):
            flag("terminated", value)


class Vector(gym.vector.VectorEnv):
    """Two environments at once that return what the test says."""

    num_envs = 2
    single_observation_space = spaces.Box(-1, 1, (3,), np.float32)
    single_action_space = spaces.Discrete(2)
    metadata = {"autoreset_mode": gym.vector.AutoresetMode.SAME_STEP}

    def __init__(self, *returned: Any) -> None:
        self.returned = returned

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return np.zeros((2, 3), np.float32), {}

    def step(self, actions: Any) -> Any:
        return self.returned


SEEN, REWARDS, NO = np.zeros((2, 3), np.float32), np.ones(2), np.zeros(2, bool)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ((SEEN, REWARDS, NO, {}), "returned 4 values"),
        ((SEEN, ["1", "2"], NO, NO, {}), "the rewards of 2 environments are"),
        ((SEEN, 1.0, NO, NO, {}), "wants a number of each"),
        ((SEEN, REWARDS, np.array(["no", "no"]), NO, {}), "'terminated' of 2 environments"),
        ((SEEN, REWARDS, NO, np.zeros(2), {}), "'truncated' of 2 environments .* wants True or False of each"),
        ((SEEN[:, :2], REWARDS, NO, NO, {}), r"have the shape \(2, 2\); their space says \(2, 3\)"),
    ],
)
def test_vector_environments_are_held_to_the_same(returned: Any, said: str) -> None:
    envs = OfVector(lambda: Vector(*returned), seed=0)
    with pytest.raises(EnvironmentFault, match=f"At step 1 .*{said}"):
        envs.step(np.zeros(2, np.int64))


def test_every_lie_is_tried() -> None:
    assert awkward_envs.LIES.keys() == {*SAID, "outside"}


def test_a_grey_picture_is_seen_with_one_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    space = spaces.Box(0, 255, (4, 5), np.uint8)
    sight, picture = Sight(space), np.arange(20, dtype=np.uint8).reshape(4, 5)
    np.testing.assert_array_equal(sight(picture), picture[..., None])
    assert sight.empty(2).shape == (2, 4, 5, 1)
    for wrong in (picture.T, picture.ravel(), picture[..., None]):
        with pytest.raises(Broken, match=r"its space says \(4, 5\)"):
            sight(wrong)
    monkeypatch.setattr(Vector, "single_observation_space", space)
    monkeypatch.setattr(Vector, "reset", lambda self, **_: (np.zeros((2, 4, 5), np.uint8), {}))
    envs = OfVector(lambda: Vector(np.stack([picture, picture]), REWARDS, NO, NO, {}), seed=0)
    np.testing.assert_array_equal(envs.step(np.zeros(2, np.int64)).observation[1], picture[..., None])
