"""Algorithms of every family, untrained, as what is exported: parity does not ask what was learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import rlgen
from rlgen.exporting import export, traced
from rlgen.exporting.formats import Order

SMALL = {"hidden_units": (8,)}
# By name: what is made, and whether Keras' own layers are all of it.
FAMILIES: dict[str, tuple[str, dict[str, Any], bool]] = {
    "dueling": ("dueling_dqn", {"env": "CartPole-v1", "config": SMALL}, True),
    "rainbow": ("rainbow", {"env": "CartPole-v1", "config": SMALL}, False),
    "a2c": ("a2c", {"env": "CartPole-v1", "config": {**SMALL, "normalize_observations": True}}, True),
    "ppo": ("ppo", {"env": "Pendulum-v1", "config": SMALL}, True),
    "sac": ("sac", {"env": "Pendulum-v1", "config": SMALL}, True),
    "td3": ("td3", {"env": "Pendulum-v1", "config": SMALL}, True),
    "mlp": ("mlp", {"data": "digits", "config": SMALL}, True),
    "regression": ("regression", {"data": "diabetes", "config": SMALL}, True),
    "band": ("probabilistic_regression", {"data": "line", "config": SMALL}, False),
    "rnn": ("rnn", {"data": "seasonal", "config": {"units": (4,)}}, True),
    "unet": ("unet", {"data": "shapes:16", "config": {"filters": 2}}, True),
    "gan": ("gan", {"data": "ring", "config": {"generator_hidden_units": (8,)}}, True),
    "dcgan": ("dcgan", {"data": "digits", "config": {"conditional": True, "filters": 2}}, True),
    "vae": ("vae", {"data": "digits", "config": SMALL}, False),
    "autoencoder": ("autoencoder", {"data": "digits", "config": SMALL}, False),
}


def made(family: str) -> Any:
    """An algorithm, its statistics moved away from where they begin."""
    name, how, _ = FAMILIES[family]
    config = {**how.get("config", {}), "precision": "float32"}
    algorithm = rlgen.make(name, **{**how, "config": config})
    generator = np.random.default_rng(0)
    for part, scale in (("observations", 0.5), ("input_mean", 0.1), ("target_mean", 3.0)):
        held = getattr(algorithm, part, None)
        variable = getattr(held, "mean", held)
        if hasattr(variable, "assign"):
            variable.assign(generator.normal(scale=scale, size=variable.shape))
    return algorithm


def written(algorithm: Any, place: Path, *, format: str, quantize: str = "none", **how: Any) -> export.Written:
    """An export of 64 examples."""
    values: dict[str, Any] = {"name": "model", "version": 7, "about": {"algorithm": "test"}, "examples": 64, **how}
    return export.write(algorithm, place, format=format, quantize=quantize, **values)


def order(served: Mapping[str, Any], calibration: Callable[[str], Any] | None = None) -> Order:
    """What a format is to write."""
    return Order(
        served=served,
        traced=traced.all_of(served),
        quantize="none",
        calibration=calibration or (lambda name: served[name].fresh(8, 0)),
        name="model",
    )
