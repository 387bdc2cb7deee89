"""What the base of supervised models promises, shown on the smallest of them."""

from typing import Any

import numpy as np
import pytest
import same_bits

from rlgen import data, registry, state
from rlgen.data import Arrays, Dataset, Part, Target, given
from rlgen.errors import UserError
from rlgen.spec import Spec
from rlgen.supervised.mlp import MLP, Linear, MLPConfig

ALL_AT_ONCE: dict[str, Any] = {
    "batch_norm": True,
    "dropout_rate": 0.3,
    "optimizer": "nesterov",
    "learning_rate": "one_cycle:start=0.01,peak=0.1,over=40",
    "momentum": "one_cycle:start=0.95,peak=0.85,end=0.95,over=40",
    "plateau_patience_evaluations": 1,
    "max_grad_norm": 1.0,
    "max_grad_value": 0.5,
    "l1": 1e-5,
    "l2": 1e-4,
    "max_norm": 2.0,
    "label_smoothing": 0.1,
    "balance_classes": True,
    "reconstruction_weight": 0.05,
    "monte_carlo_passes": 3,
}


def make(problem: str = "digits", seed: int = 0, **config: object) -> MLP:
    small = {"hidden_units": (16,), "batch_size": 50}
    return MLP(problem=problem, config=MLPConfig.build({**small, **config}), seed=seed)


def test_with_everything_switched_on_it_learns_and_resumes_to_the_bit_in_mid_epoch_and_mid_schedule() -> None:
    whole, cut = make(**ALL_AT_ONCE), make(**ALL_AT_ONCE)
    for model in (whole, cut):
        model.train(13)
        model.heed(model.evaluate(episodes=1, seed=0, split="validation"))
        model.heed(model.evaluate(episodes=1, seed=0, split="validation"))
    scalars = whole.train(27)
    resumed = make(**ALL_AT_ONCE)
    state.write(resumed.state(), state.read(cut.state()))
    assert resumed.train(27) == scalars
    same_bits.assert_same_bits(whole, resumed)
    assert {"train/penalty", "train/reconstruction", "train/learning_rate_factor", "train/accuracy"} < set(scalars)
    assert scalars["train/learning_rate_factor"] == 0.5
    kernels = [variable.numpy() for variable in whole.net.trainable_variables if variable.path.endswith("kernel")]
    assert all(np.linalg.norm(kernel, axis=0).max() < 2 + 1e-5 for kernel in kernels)


def test_monte_carlo_passes_vary_with_the_seed_and_their_mean_is_stable() -> None:
    trained = make(monte_carlo_passes=1, dropout_rate=0.4)
    x = data.load("digits").split("test").x[:20]
    one, again, other = (trained.predict(x, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 0.01
    many = make(monte_carlo_passes=400, dropout_rate=0.4)
    first, second = (many.predict_with_deviation(x, seed=seed) for seed in (0, 1))
    assert np.abs(first.mean - second.mean).max() < 0.05
    assert (first.deviation > 0).all()
    assert make().predict_with_deviation(x).deviation is None


def test_an_evaluation_stands_beside_baselines_and_says_the_classes_apart() -> None:
    found = make().evaluate(episodes=1, seed=0, split="test")
    assert found.scalars["eval/accuracy_majority"] == pytest.approx(0.1, abs=0.01)
    assert found.scalars["eval/accuracy_linear"] > 0.9
    assert found.texts["eval/by_class"].count("\n") == 11
    assert {"eval/confusion", "eval/calibration", "eval/roc", "eval/precision_recall"} < set(found.images)
    watched = make().evaluate(episodes=1, seed=0, split="validation")
    assert set(watched.images) == {"eval/confusion", "eval/mistakes"}


def test_class_weights_move_what_is_chosen() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(1000, 1)).astype(np.float32)
    problem = given.name_of((x, (random.random(1000) < 0.1 + 0.05 * x[:, 0]).astype(np.int32)))
    plain, balanced = (
        Linear(problem=problem, config=Linear.Config.build({"balance_classes": on, "learning_rate": 0.05}), seed=0)
        for on in (False, True)
    )
    for model in (plain, balanced):
        model.train(200)
    assert plain.predict(x)[:, 1].mean() == pytest.approx(0.1, abs=0.03)
    assert balanced.predict(x)[:, 1].mean() == pytest.approx(0.5, abs=0.05)


class Biased(Dataset):
    """Two groups of harmless examples, one of which looks like the others; 2 numbers, of which one is the group."""

    spec = Spec((2,))
    target = Target.one_of("harmless", "harmful")

    def split(self, part: Part) -> Arrays:
        random = np.random.default_rng({"train": 0, "validation": 1, "test": 2}[part])
        y, group = random.integers(0, 2, (2, 1000))
        sign = 2.0 * y - 1 + 1.0 * group * (1 - y) + random.normal(size=1000)
        return Arrays(np.stack([sign, group], 1).astype(np.float32), y.astype(np.int32), group.astype(np.int32))


def test_min_diff_halves_the_gap_of_false_alarms_at_a_small_loss(clean_registry: None) -> None:
    registry.register("dataset", "biased")(Biased)
    gaps, shares = [], []
    for weight in (0.0, 3.0):
        model = make("biased", min_diff_weight=weight, dropout_rate=0, learning_rate=0.01)
        scalars = model.train(400)
        assert ("train/min_diff" in scalars) == (weight > 0)
        found = model.evaluate(episodes=1, seed=0, split="test").scalars
        gaps.append(found["eval/false_positive_rate_gap"])
        shares.append(found["eval/accuracy"])
    assert gaps[1] < gaps[0] / 2
    assert shares[1] > shares[0] - 0.02


def test_min_diff_without_groups_is_refused() -> None:
    with pytest.raises(UserError, match="10 classes and no groups"):
        make(min_diff_weight=1).train(1)


def test_training_that_heeds_evaluations_leaves_none_out() -> None:
    assert make(plateau_patience_evaluations=3).heeds_evaluations
    assert not make().heeds_evaluations
