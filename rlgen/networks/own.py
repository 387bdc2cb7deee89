"""Networks that are a user's own: a function of what goes in and what comes out that returns a Keras model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rlgen import brought, importing, runtime
from rlgen.errors import UserError
from rlgen.spec import Spec

Function = Callable[[Spec, Spec], Any]


def find(name: str) -> Function | None:
    """The function behind `package.module:function`, or one that was brought; None: it is a plug-in's name.

    Raises:
        UserError: it cannot be imported, or was brought in another process.
    """
    function = brought.find(name)
    if function is None and name.partition(":")[2]:
        function = importing.load("network", name)
    if function is not None and not callable(function):
        raise UserError(f"network={name}: a network is a function of two specifications, not a {type(function)}.")
    return function


def made(function: Function, name: str, inputs: Spec, outputs: int, *, seed: int) -> Any:
    """What the function makes, checked; the same weights for the same seed.

    Args:
        function: of the specifications of input and output.
        name: of it, for messages.
        inputs: of one example.
        outputs: numbers that have to come out.
        seed: of the initial weights.

    Raises:
        UserError: it raised, or its model does not put out [N, outputs].
    """
    import tensorflow as tf

    try:
        with runtime.python_random(seed):
            model = _functional(function(inputs, Spec((outputs,))), inputs)
        shape = tuple(model(tf.zeros((2, *inputs.shape), inputs.dtype)).shape)
    except Exception as error:  # Somebody's function may raise anything.
        raise UserError(
            f"The network '{name}' could not be made for {inputs} to float32 [{outputs}]: {type(error).__name__}: "
            f"{error}"
        ) from error
    if shape != (2, outputs):
        seen, wanted, got = (", ".join(map(str, ("N", *part))) for part in (inputs.shape, (outputs,), shape[1:]))
        raise UserError(f"The network '{name}' has to put out [{wanted}] for examples [{seen}]; it puts out [{got}].")
    return model


def _functional(model: Any, inputs: Spec) -> Any:
    """A model that is a class of its own, as a layer in one that knows its input and output."""
    import keras

    if hasattr(model, "output_shape"):
        return model
    first = keras.Input(inputs.shape, dtype=inputs.dtype)
    return keras.Model(first, model(first))
