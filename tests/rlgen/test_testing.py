"""That the check of plug-ins passes the built-in ones, and names what is wrong with a broken one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from rlgen import registry, testing
from rlgen.algorithm import Evaluation
from rlgen.errors import RlgenError, UnknownName, UserError
from rlgen.testing import PluginFault, check_plugin

TINY_DQN = {
    "hidden_units": 8,
    "replay_capacity": 512,
    "batch_size": 8,
    "learning_starts_env_steps": 64,
    "train_every_env_steps": 64,
    "updates_per_train": 4,
}


# ---- what keeps the contract ------------------------------------------------------------------------------


def test_an_agent_passes() -> None:
    scalars = check_plugin("dqn", steps=128, config=TINY_DQN, engine="gymnasium")
    assert 1 <= scalars["eval/mean_reward"] <= 500


def test_an_environment_is_learned_in_by_whom_one_says() -> None:
    assert "eval/mean_reward" in check_plugin("CartPole-v1", steps=128, config=TINY_DQN, algorithm="dqn")


def test_a_classifier_passes() -> None:
    scalars = check_plugin("mlp", steps=20, config={"hidden_units": 8, "batch_size": 16})
    assert 0 <= scalars["eval/accuracy"] <= 1


def test_a_data_set_is_learned_from_by_the_first_that_can() -> None:
    sizes = {"generator_hidden_units": 8, "discriminator_hidden_units": 8, "batch_size": 8, "evaluation_samples": 50}
    assert "eval/modes" in check_plugin("ring", steps=10, config=sizes)


def test_an_algorithm_passes_with_its_own_chunk(walk: Any) -> None:
    assert "eval/score" in check_plugin("walk")
    assert "eval/score" in check_plugin("walk", data="hard", steps=7, config={"quantum": 4, "chunk": 8})


def test_who_learns_unless_somebody_says(walk: Any) -> None:
    """By kind and name; one that cannot serve the problem, or does not know the fields, is passed over."""

    def first(kind: str, problem: str, **config: Any) -> str:
        return testing._first_able(kind, problem, config, None)

    cannot = {"__init__": lambda self, **_: (_ for _ in ()).throw(UserError("not on Sundays"))}
    registry.register("agent", "a-first")(type("First", (walk.Walk,), {"problem_kind": "env", **cannot}))
    assert first("env", "CartPole-v1") == "a2c"
    assert first("env", "CartPole-v1", replay_capacity=512) == "book_dqn"
    assert first("dataset", "plain") == "walk"
    with pytest.raises(
        UserError, match=r"can be built for 'CartPole-v1':\n  a-first: .*'wheels'.*\n  a2c: There is no"
    ):
        first("env", "CartPole-v1", wheels=4)


# ---- what is asked for wrongly ----------------------------------------------------------------------------


def test_a_metric_needs_no_check() -> None:
    with pytest.raises(RlgenError, match="'accuracy' is of the kind metric, which is called: test it by calling it"):
        check_plugin("accuracy")


def test_names_and_fields_are_checked_as_everywhere(walk: Any) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'walk'"):
        check_plugin("wolk")
    with pytest.raises(UserError, match="There is no field 'sise'"):
        check_plugin("walk", config={"sise": 3})
    with pytest.raises(UserError, match="'walk' learns by itself: algorithm= is for an environment or a data set"):
        check_plugin("walk", algorithm="mlp")


# ---- what breaks the contract -----------------------------------------------------------------------------


def broken(walk: Any, **methods: Any) -> None:
    """Register `walk` as `broken`, with these methods in place of its own."""
    cls = type("Broken", (walk.Walk,), {"__doc__": "Breaks a promise.", **methods})
    registry.register("supervised", "broken")(cls)


def without(name: str) -> Any:
    def state(self: Any) -> Mapping[str, Any]:
        return {key: leaf for key, leaf in type(self).__mro__[1].state(self).items() if key != name}

    return state


def fault(**asked: Any) -> str:
    with pytest.raises(PluginFault, match="breaks the contract") as caught:
        check_plugin("broken", **asked)
    return str(caught.value)


def test_a_state_without_its_random_numbers(walk: Any) -> None:
    broken(walk, state=without("generator"))
    assert "'weights' of a resumed run differs from that of an uninterrupted one: does state()" in fault()


def test_a_momentum_nobody_saves(walk: Any) -> None:
    def train(self: Any, steps: int) -> dict[str, float]:
        self.momentum = getattr(self, "momentum", 0.0) + 0.01 * steps
        self.weights += np.float32(self.momentum)
        return dict(walk.Walk.train(self, steps))

    broken(walk, train=train)
    assert "'weights' of a resumed run differs" in fault()


def test_a_state_that_hands_out_copies(walk: Any) -> None:
    def state(self: Any) -> Mapping[str, Any]:
        return {**walk.Walk.state(self), "weights": self.weights.copy()}

    broken(walk, state=state)
    assert "'weights' of state() cannot be put back: return what training uses itself, not a copy" in fault()


def test_an_evaluation_that_changes_the_weights(walk: Any) -> None:
    def evaluate(self: Any, **asked: Any) -> Evaluation:
        evaluation = walk.Walk.evaluate(self, **asked)
        self.weights *= np.float32(0.9)
        return evaluation

    broken(walk, evaluate=evaluate)
    assert "evaluate() changes 'weights' of state()" in fault()


def test_an_evaluation_that_draws_from_trainings_generator(walk: Any) -> None:
    def evaluate(self: Any, **asked: Any) -> Evaluation:
        self.generator.random()
        return walk.Walk.evaluate(self, **asked)

    broken(walk, evaluate=evaluate)
    assert "evaluate() changes 'generator' of state()" in fault()


def test_an_evaluation_that_draws_anew_each_time(walk: Any) -> None:
    def evaluate(self: Any, **asked: Any) -> Evaluation:
        found = walk.Walk.evaluate(self, **asked)
        return Evaluation({**found.scalars, "eval/luck": np.random.default_rng().random()}, found.episodes)

    broken(walk, evaluate=evaluate)
    assert "the same evaluation twice gives different scalars" in fault()


def test_a_seed_that_is_not_in_the_state(walk: Any) -> None:
    def train(self: Any, steps: int) -> dict[str, float]:
        # As a compiled program would that has the seed as a constant.
        self.constant = getattr(self, "constant", self.seed)
        self.weights += np.float32(0.01 * steps * self.constant)
        return dict(walk.Walk.train(self, steps))

    broken(walk, train=train, reseedable=True)
    assert "reseeded, 'weights' differs: is all that derives from the seed in state()?" in fault()
    assert "eval/score" in check_plugin("walk")


def test_an_evaluation_without_its_score(walk: Any) -> None:
    broken(walk, score="eval/fame")
    with pytest.raises(RlgenError, match="does not report its own score 'eval/fame', only eval/score, eval/draw"):
        check_plugin("broken")


def test_a_part_of_the_result_that_is_not_handed_over(walk: Any) -> None:
    broken(walk, inference_state=lambda self: {"generator": self.generator})
    assert "loaded for use, it is judged differently: does inference_state() miss something?" in fault()


def test_a_part_of_the_result_that_is_not_saved(walk: Any) -> None:
    broken(walk, inference_state=lambda self: {"weights": self.weights, "scale": self.ballast})
    assert "inference_state() has scale, which state() lacks" in fault()


def test_chunks_that_do_not_fit_the_quantum(walk: Any) -> None:
    broken(walk)
    assert "chunk_steps=10 is no multiple of step_quantum=4" in fault(config={"quantum": 4})
