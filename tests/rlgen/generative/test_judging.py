"""Metrics by name: what they get, what their figures are called, what is refused, and the remark on a collapse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import rlgen
from rlgen import data, registry
from rlgen.errors import RlgenError, UnknownName, UserError
from rlgen.generative import judging
from rlgen.generative.gan import GAN, GANConfig
from rlgen.generative.judging import collapse, required, table_of

SMALL = {"generator_hidden_units": 16, "discriminator_hidden_units": 16, "batch_size": 32, "evaluation_samples": 60}


def make(problem: str, **config: object) -> GAN:
    return GAN(problem=problem, config=GANConfig.build({**SMALL, **config}), seed=0)


def scalars(model: GAN, **how: Any) -> dict[str, float]:
    return dict(model.evaluate(**{"episodes": 1, "seed": 0, "split": "validation", **how}).scalars)


def test_without_metrics_nothing_changes() -> None:
    model = make("digits")
    assert set(scalars(model)) == {"eval/quality", "eval/coverage", "eval/density", "eval/diversity"}
    assert "features of real examples" not in model.memory_bytes()


def test_names_say_features_and_counts() -> None:
    model = make("digits", metrics="fid,kid,memorisation", metric_features="raw")
    found = scalars(model, episodes=2)
    assert {name for name in found if "raw" in name} == {
        "eval/fid_raw_300_60",
        "eval/kid_raw_300_60",
        "eval/kid_spread_raw_300_60",
        "eval/memorisation_raw_1197_300_60",
        "eval/copies_raw_1197_300_60",
        "eval/memorised_raw_1197_300_60",
    }
    assert model.memory_bytes()["features of real examples"] == 8 * 64 * (300 + 300 + 1197)
    # Means over the sets, as everything else.
    sets = [model.judge.figures("validation", model.sample(60, seed)) for seed in _seeds(0, 2)]
    mean = np.mean([float(one["eval/fid_raw_300_60"]) for one in sets])
    assert found["eval/fid_raw_300_60"] == pytest.approx(mean)


def _seeds(seed: int, count: int) -> list[int]:
    from rlgen import runtime

    return [runtime.derive_seed(seed, i) for i in range(count)]


def test_a_classifier_s_features_for_pictures_with_classes() -> None:
    model = make("digits", metrics="fid,inception_score,class_histogram")
    model.train(2)
    found = model.evaluate(episodes=1, seed=0, split="test")
    name = model.judge._extractor.name
    assert re.fullmatch(r"digits_cnn_[0-9a-f]{8}", name)
    assert found.scalars[f"eval/fid_{name}_300_60"] > 1
    assert 1 <= found.scalars[f"eval/inception_score_{name}_60"] <= 10
    assert 1 <= found.scalars[f"eval/classes_present_{name}_60"] <= 10
    assert found.texts[f"eval/class_shares_{name}_60"].count("\n") == 11
    # The training part looks much more like the held-out one than samples of two updates do.
    real = model.judge.figures("test", model.examples("train").x)
    assert float(real[f"eval/fid_{name}_300_1197"]) < found.scalars[f"eval/fid_{name}_300_60"] / 5
    assert float(real[f"eval/inception_score_{name}_1197"]) > 9
    assert float(real[f"eval/classes_present_{name}_1197"]) == 10


def test_validation_and_test_share_no_draw_and_no_real_example() -> None:
    model = make("ring", metrics="fid")
    seen: list[tuple[Any, Any]] = []

    def note(real: Any, samples: Any) -> float:
        seen.append((real, samples))
        return 0.0

    model.judge._metrics, model.judge._takes = {"note": note}, {"note": required(note)}
    from rlgen.evaluator import Evaluator

    for split in ("validation", "test", "test"):
        Evaluator(episodes=1, seed=0).evaluate(model, split=split)
    (real, first), (other_real, second), (again_real, again) = seen
    assert not {tuple(row) for row in first} & {tuple(row) for row in second}
    assert not {tuple(row) for row in real} & {tuple(row) for row in other_real}
    # The real side is seen once, and nobody can write to it.
    assert again_real is other_real and not other_real.flags.writeable
    assert (again == second).all()


def test_pictures_are_compared_as_bytes() -> None:
    x = np.full((6, 8, 8, 1), 0.5, np.float32)
    model = make("digits", metrics="fid", metric_features="raw")
    assert model.judge._seen(x).features.tolist() == np.full((6, 64), np.float32(128 / 255)).tolist()
    assert model.judge._seen(x + 9).features.max() == 1
    free = make("digits", metrics="fid", metric_features="raw", output_activation="linear")
    assert free.judge._seen(x + 9).features.max() == 9.5


def test_a_mixture_hands_over_its_centers() -> None:
    found = scalars(make("ring", metrics="modes"))
    assert found["eval/balanced_raw_60"] == found["eval/quality"]


@pytest.mark.parametrize(
    ("config", "kind", "text"),
    [
        ({"metrics": "fdi"}, UnknownName, "no metric 'fdi'. Did you mean 'fid'"),
        ({"metrics": "fid", "metric_features": "rwa"}, UnknownName, "no extractor 'rwa'. Did you mean 'raw'"),
        ({"metric_features": "rwa"}, UnknownName, "no extractor 'rwa'"),
        ({"metrics": "ssim"}, UserError, "takes targets and outputs, and samples come without. .*: .*fid, "),
        ({"metrics": "inception_score", "metric_features": "raw"}, UserError, "Set metric_features=classifier"),
        ({"metrics": "fid", "metric_features": "classifier"}, UserError, "'ring' has none. Set metric_features=raw"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_learned(
    config: dict[str, str], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        make("ring", **config)


def test_a_run_is_used_where_its_metric_is_not() -> None:
    model = make("ring")
    facts = model.facts()
    used = GAN.for_use(facts=facts, problem="ring", config=GANConfig.build({**SMALL, "metrics": "gone"}), seed=0)
    assert used.sample(3, 0).shape == (3, 2)
    with pytest.raises(UnknownName, match="no metric 'gone'"):
        used.evaluate(episodes=1, seed=0, split="test")


def test_a_stranger_s_metric_and_extractor(clean_registry: None) -> None:
    class Both(NamedTuple):
        low: float
        high: float

    @registry.register("metric", "ends")
    def ends(samples: Any, *, scale: float = 2.0) -> Both:
        return Both(scale * samples.min(), scale * samples.max())

    @registry.register("metric", "wrong")
    def wrong(real: Any) -> float:
        raise ArithmeticError("no luck")

    @registry.register("extractor", "signs")
    class Signs:
        name, classes = "signs", 0

        def __init__(self, model: Any) -> None: ...

        def __call__(self, x: Any) -> Any:
            from rlgen.metrics.features import Seen

            return Seen(np.sign(x))

    found = scalars(make("ring", metrics="ends", metric_features="signs"))
    assert (found["eval/low_signs_60"], found["eval/high_signs_60"]) == (-2, 2)
    with pytest.raises(RlgenError, match="The metric 'wrong' failed: ArithmeticError: no luck"):
        scalars(make("ring", metrics="wrong"))


def test_the_remark_on_a_collapse() -> None:
    real = data.load("digits").split("validation").x
    constant = np.tile(real[:1], (50, 1, 1, 1)) + 0.001 * np.random.default_rng(0).random((50, 8, 8, 1))
    assert "may have collapsed" in str(collapse(real, constant))
    assert "0.1%" in str(collapse(real, np.zeros_like(constant) + 0.001 * real[:50]))
    assert collapse(real, data.load("digits").split("train").x) is None
    assert collapse(real, real[:10]) is None
    ring = data.load("ring")
    assert collapse(ring.split("validation").x, ring.split("test").x) is None


def test_it_is_made_once_and_not_before_anything_is_learned(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make("ring")
    monkeypatch.setattr(model, "sample", lambda n, seed: np.ones((n, 2), np.float32))
    scalars(model)
    assert capsys.readouterr().err == ""
    model.updates.assign(1)
    scalars(model)
    scalars(model)
    assert capsys.readouterr().err.count("may have collapsed") == 1


def test_a_run_goes_on_with_other_metrics(tmp_path: Path) -> None:
    how: dict[str, Any] = {"data": "ring", "run": tmp_path / "run"}
    fields = {**SMALL, "trainer.evaluation_episodes": 1}
    before = rlgen.train("gan", steps=2, config={**fields, "metrics": ["fid"]}, **how).evaluation
    after = rlgen.train("gan", steps=4, config={"metrics": ["kid"], "metric_features": "raw"}, resume=True, **how)
    assert "eval/fid_raw_10000_60" in before and "eval/kid_raw_10000_60" in after.evaluation
    assert "eval/fid_raw_10000_60" not in after.evaluation


def test_small_parts() -> None:
    def metric(real: Any, samples: Any, *, extra: Any, neighbours: int = 3, **others: Any) -> None: ...

    assert required(metric) == ("real", "samples", "extra")
    assert table_of(np.array([0.25, 0.75]), ("a", "b")).splitlines()[2:] == ["| a | 0.25 |", "| b | 0.75 |"]
    assert "| 1 | 0.75 |" in table_of(np.array([0.25, 0.75]), ())
    assert judging.COLLAPSED < 0.09
