"""What a supervised model has learned as a function on examples, for programs that know nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rlgen.data import serving
from rlgen.served import Arrays, Served, Tensors, largest
from rlgen.supervised.tasks import Prediction

if TYPE_CHECKING:
    from rlgen.supervised.model import SupervisedModel


def predict(model: SupervisedModel) -> Served:
    """Examples to `probabilities` and the `class`, or to the `prediction`, and its `deviation` where it is known."""
    spec, target = model.dataset.spec, model.target

    def named(mean: Any, deviation: Any = None, likeliest: Callable[[Any], Any] = largest) -> dict[str, Any]:
        if target.classes:
            return {"probabilities": mean, "class": likeliest(mean)}
        return {"prediction": mean, **({} if deviation is None else {"deviation": deviation})}

    def function(inputs: Tensors) -> Tensors:
        return named(*model.answered(inputs["x"]))

    def reference(inputs: Arrays) -> Arrays:
        found: Prediction = model.predict_with_deviation(inputs["x"])
        return named(*found, lambda mean: mean.argmax(-1))

    def in_keras(inputs: Tensors) -> Tensors:
        x = serving.scaled(inputs["x"], spec)
        if model.config.standardize:
            x = (x - model.input_mean.numpy()) / model.input_std.numpy()
        return named(model.task.symbolic(model.net(x)))

    return Served(
        about=f"What {type(model).__name__} says of examples of {model.problem}.",
        inputs={"x": spec},
        function=function,
        reference=reference,
        fresh=lambda count, seed: {"x": model.fresh_examples(count, seed)},
        labels={"class": tuple(target.classes)} if target.classes else {},
        in_keras=in_keras if model.task.says_means_alone else None,
    )
