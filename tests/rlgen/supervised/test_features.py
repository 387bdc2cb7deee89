"""The classifier behind the features of metrics: trained once, kept, found again, trained again where it is damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlgen.errors import UserError
from rlgen.supervised import features
from rlgen.supervised.features import ClassifierFeatures
from rlgen.supervised.mlp import MLP, MLPConfig


def model(problem: str = "digits?subset=200") -> MLP:
    return MLP(problem=problem, config=MLPConfig(), seed=0)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RLGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(features, "BATCHES", 60)
    return tmp_path / "cache" / "features"


def test_it_is_trained_once_and_found_again(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learner = model()
    x, y = (np.asarray(part) for part in (learner.examples("test").x, learner.examples("test").y))
    first = ClassifierFeatures(learner)
    assert not place.exists()
    seen = first(x)
    assert "a classifier is trained on 'digits?subset=200'" in capsys.readouterr().err
    assert seen.features.shape == (300, 64) and seen.probabilities is not None
    np.testing.assert_allclose(seen.probabilities.sum(axis=1), 1, rtol=1e-5)
    # 60 batches are enough to tell most digits apart; the real budget is 2,000.
    assert (seen.probabilities.argmax(axis=1) == y).mean() > 0.6
    assert [file.name for file in place.iterdir()] == [f"{first.name}.npz"]
    again = ClassifierFeatures(model())
    assert all(np.array_equal(a, b) for a, b in zip(again(x), seen, strict=True))
    assert capsys.readouterr().err == ""


def test_a_damaged_file_is_made_again_and_a_place_that_cannot_be_written_is_none(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learner, extractor = model(), ClassifierFeatures(model())
    place.mkdir(parents=True)
    file = place / f"{extractor.name}.npz"
    file.write_bytes(b"nothing of the kind")
    x = learner.examples("test").x[:3]
    extractor(x)
    assert "is trained" in capsys.readouterr().err
    assert file.stat().st_size > 10_000
    file.unlink()
    place.rmdir()
    place.write_text("in the way")
    assert ClassifierFeatures(model())(x).features.shape == (3, 64)
    assert "could not be kept" in capsys.readouterr().err


def test_the_name_follows_from_data_and_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def name(problem: str) -> str:
        return ClassifierFeatures(model(problem)).name

    whole = name("digits")
    assert whole.startswith("digits_cnn_") and whole == name("digits")
    assert name("digits?subset=200") != whole
    monkeypatch.setattr(features, "BATCHES", 61)
    assert name("digits") != whole


def test_data_without_classes_are_refused() -> None:
    class Points:
        problem, dataset = "ring", type("Set", (), {"target": None})

    learner: Any = Points()
    with pytest.raises(UserError, match="'ring' has none. Set metric_features=raw"):
        ClassifierFeatures(learner)
