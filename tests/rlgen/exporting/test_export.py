"""Exports of every family in every format: they agree with what they were made of, or are refused in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import exports
import numpy as np
import pytest

import rlgen
from rlgen.errors import UserError
from rlgen.exporting import bundle, formats
from rlgen.exporting.export import about, in_place, model_name, place_of
from rlgen.exporting.exported import Exported

EXACT = ("saved_model", "onnx", "tflite")
IN_KERAS = [name for name, (_, _, able) in exports.FAMILIES.items() if able]
NOT_IN_KERAS = [name for name in exports.FAMILIES if name not in IN_KERAS]
made = cache(exports.made)


@pytest.fixture(scope="module", autouse=True)
def forget() -> Iterator[None]:
    yield
    made.cache_clear()


def differences(written: Any) -> list[float]:
    return [value for row in written.bundle.parity.values() for value in row["largest_difference"].values()]


def agreements(written: Any) -> list[float]:
    return [value for row in written.bundle.parity.values() for value in row["agreement"].values()]


@pytest.mark.parametrize("family", exports.FAMILIES)
@pytest.mark.parametrize("format", EXACT)
def test_answers_are_the_runs(family: str, format: str, tmp_path: Path) -> None:
    written = exports.written(made(family), tmp_path / "out", format=format)
    assert differences(written) and max(differences(written)) < 1e-5
    assert min(agreements(written), default=1.0) >= 0.98, "only a tie may be broken differently"


@pytest.mark.parametrize("family", IN_KERAS)
def test_keras_files_answer_the_same(family: str, tmp_path: Path) -> None:
    written = exports.written(made(family), tmp_path / "out", format="keras")
    assert differences(written) and max(differences(written)) < 1e-5


@pytest.mark.parametrize("family", NOT_IN_KERAS)
def test_what_is_more_than_layers_is_no_keras_file_and_who_can_is_said(family: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Formats that can: saved_model, tflite, onnx"):
        exports.written(made(family), tmp_path / "out", format="keras")
    assert not list(tmp_path.iterdir()), "nothing half-written"


@pytest.mark.parametrize("family", ["dueling", "mlp", "dcgan"])
def test_half_and_quarter_numbers_are_smaller_and_nearly_the_same(family: str, tmp_path: Path) -> None:
    whole, half, quarter = (
        exports.written(made(family), tmp_path / quantize, format="tflite", quantize=quantize)
        for quantize in formats.QUANTIZE
    )
    assert quarter.size < whole.size or family == "dueling", "of the smallest net a quarter is nothing"
    assert max(differences(half)) < 1e-2
    assert min(agreements(half), default=1.0) >= 0.98
    assert max(differences(quarter)) < 0.5
    assert half.bundle.quantize == "float16"


def test_an_export_is_loaded_again_and_answers(tmp_path: Path) -> None:
    model = made("mlp")
    written = exports.written(model, tmp_path / "out", format="onnx")
    loaded = Exported.open(written.path)
    x = model.fresh_examples(5, 3)
    found = loaded(x=x)
    np.testing.assert_allclose(found["probabilities"], model.predict(x), atol=1e-6)
    assert loaded.bundle == dataclasses.replace(written.bundle, parity=loaded.bundle.parity)
    assert loaded.signatures["predict"].labels["class"] == tuple(map(str, range(10)))


def test_what_runs_here_answers_as_its_export_would() -> None:
    model = made("dueling")
    live = in_place(model, name="dqn", version=3, about={})
    observations = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    found = live(observation=observations)
    np.testing.assert_array_equal(found["action"], model.act(observations))
    assert (live.bundle.format, live.bundle.version, live.path) == ("run", 3, None)


def test_a_saved_model_has_versions_beside_each_other(tmp_path: Path) -> None:
    out = tmp_path / "served"
    for version in (3, 20):
        place = place_of(out, "saved_model", version)
        exports.written(made("gan"), place, format="saved_model", version=version)
    assert sorted(path.name for path in out.iterdir()) == ["20", "3"]
    assert bundle.find(out) == out / "20"
    with pytest.raises(UserError, match="version 20 has been exported"):
        place_of(out, "saved_model", 20)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(UserError, match="holds no versions of an export"):
        place_of(tmp_path, "saved_model", 1)
    with pytest.raises(UserError, match="is there already"):
        place_of(tmp_path, "onnx", 1)
    with pytest.raises(UserError, match="cannot be made"):
        place_of(tmp_path / "kept.txt" / "out", "saved_model", 1)


def test_what_draws_at_every_use_says_how_it_can_be_exported(tmp_path: Path) -> None:
    config = {"dropout_rate": 0.5, "monte_carlo_passes": 3}
    with pytest.raises(UserError, match="give --set monte_carlo_passes=0"):
        exports.written(rlgen.make("mlp", data="digits", config=config), tmp_path / "out", format="onnx")
    assert not list(tmp_path.iterdir())


def test_what_serves_nothing_says_so(tmp_path: Path) -> None:
    model = exports.made("gan")
    model.served = lambda: {}
    with pytest.raises(UserError, match="give it `served`"):
        exports.written(model, tmp_path / "out", format="onnx")


@pytest.mark.parametrize(("given", "name"), [("dqn", "dqn"), ("tf_agents/ddqn", "ddqn"), ("a.b:Agent", "Agent")])
def test_a_model_is_called_what_an_address_can_hold(given: str, name: str) -> None:
    assert model_name(given) == name


def test_a_name_that_no_address_can_hold_is_refused() -> None:
    with pytest.raises(UserError, match="letters, digits"):
        model_name("two words")


def test_about_a_run_says_what_it_was() -> None:
    class Config:
        algorithm, problem, preset, seed = "mlp", "digits", "default", 3
        about = {"versions": {"tensorflow": "2"}}

    class Stored:
        config = Config

    said = about(Stored, checkpoint="best")  # type: ignore[arg-type]
    assert said == {
        "algorithm": "mlp",
        "problem": "digits",
        "preset": "default",
        "seed": 3,
        "checkpoint": "best",
        "versions": {"tensorflow": "2"},
    }
