"""Keras files: models of Keras' own layers, to be trained on or looked into; a file for each signature."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rlgen.exporting.bundle import Bundle
from rlgen.exporting.formats import Answering, CannotTake, Order, others
from rlgen.served import Arrays, Served

# Layers that do nothing when a model is used, by the names of their classes.
IDLE = ("Dropout",)


def write(order: Order, place: Path) -> None:
    """SIGNATURE.keras each.

    Raises:
        CannotTake: what it computes is not made of Keras' own layers.
    """
    models = {name: _model(name, served) for name, served in order.served.items()}
    for name, model in models.items():
        model.save(place / f"{name}.keras")


def load(place: Path, bundle: Bundle) -> Answering:
    """The models, which run no code of a file."""
    import keras

    models = {name: keras.models.load_model(place / f"{name}.keras", compile=False) for name in bundle.signatures}

    def answer(signature: str, inputs: Arrays) -> dict[str, Any]:
        found = models[signature](dict(inputs), training=False)
        return {name: tensor.numpy() for name, tensor in found.items()}

    return answer


def _model(name: str, served: Served) -> Any:
    import keras

    if served.in_keras is None:
        raise CannotTake(f"'{name}' is more than Keras' own layers. Formats that can: {others('keras')}.")
    given = {key: keras.Input(spec.shape, dtype=spec.dtype, name=key) for key, spec in served.inputs.items()}
    model = _without_idle(keras.Model(given, dict(served.in_keras(given)), name=name))
    strange = sorted(
        {type(layer).__name__ for layer in _layers(model) if not type(layer).__module__.startswith("keras.")}
    )
    if strange:
        raise CannotTake(
            f"'{name}' has layers that are not Keras' own ({', '.join(strange)}), and who loads the file would need "
            f"them. Formats that can: {others('keras')}."
        )
    return model


def _without_idle(model: Any) -> Any:
    """The model without layers of the house that do nothing in use."""
    import keras

    def called(layer: Any, *given: Any, **how: Any) -> Any:
        return given[0] if not _of_keras(layer) and type(layer).__name__ in IDLE else layer(*given, **how)

    def made(layer: Any) -> Any:
        return _without_idle(layer) if isinstance(layer, keras.Model) else layer

    return keras.models.clone_model(model, clone_function=made, call_function=called)


def _of_keras(layer: Any) -> bool:
    return type(layer).__module__.startswith("keras.")


def _layers(model: Any) -> Any:
    for layer in model.layers:
        yield layer
        yield from _layers(layer) if hasattr(layer, "layers") else ()
