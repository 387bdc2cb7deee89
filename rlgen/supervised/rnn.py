"""Recurrent networks: numbers, or a class, from a stretch of a series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import keras

from rlgen.config import option
from rlgen.errors import UserError
from rlgen.supervised.config import LayersConfig
from rlgen.supervised.layers import Layers
from rlgen.supervised.model import SupervisedModel
from rlgen.supervised.tasks import Numbers

Cell = Literal["simple", "lstm", "gru"]
CELLS = {"simple": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


@dataclass(frozen=True, kw_only=True)
class RNNConfig(LayersConfig):
    """What a recurrent network can be told."""

    cell: Cell = option("gru", "What is repeated along the series.")
    units: tuple[int, ...] = option((32,), "Units of each recurrent layer, one above the other.", at_least=1)
    bidirectional: bool = option(False, "Each layer reads the series from both ends.")
    hidden_units: tuple[int, ...] = option((), "Units of each hidden dense layer behind them.", at_least=1)

    presets: ClassVar = {
        "book-mastering-tensorflow": {
            "about": "The second book, chapter 6, for `seasonal`: two SimpleRNN of 40 units, SGD at 5e-5, momentum .9.",
            "cell": "simple",
            "units": (40, 40),
            "optimizer": "sgd",
            "learning_rate": 5e-5,
            "momentum": 0.9,
            "batch_size": 32,
            "initializer": "glorot_uniform",
        },
        "book-mastering-tensorflow-lstm": {
            "about": "The same chapter's two bidirectional LSTM of 32 units; the step size is that of its range test.",
            "cell": "lstm",
            "units": (32, 32),
            "bidirectional": True,
            "optimizer": "sgd",
            "learning_rate": 1e-5,
            "momentum": 0.9,
            "batch_size": 32,
            "initializer": "glorot_uniform",
        },
    }


class RNN(SupervisedModel):
    """RNN: simple, LSTM or GRU layers along a series, one way or both; the last one's end decides.

    Hochreiter and Schmidhuber (1997) for the LSTM, Cho et al. (2014) for the GRU, Schuster and Paliwal (1997) for both
    directions.
    """

    Config = RNNConfig
    default_problem = "seasonal"
    score, higher_is_better = Numbers.score, Numbers.higher_is_better
    default_steps = 2000

    def network(self) -> Any:
        """Recurrent layers on [steps, numbers], or on a vector as steps of one number.

        Raises:
            UserError: the examples are neither.
        """
        c, shape = self.config, self.inputs.shape
        if len(shape) not in (1, 2):
            raise UserError(
                f"RNN reads series [steps] or [steps, numbers]; the examples of '{self.problem}' are {self.inputs}. "
                "Take cnn for pictures, or a data set of series: seasonal."
            )
        made: Layers = c.layers(self.dtype)
        x = series = keras.Input(shape, dtype="float32")
        if len(shape) == 1:
            x = keras.layers.Reshape((*shape, 1), dtype=self.dtype)(x)
        for number, units in enumerate(c.units, 1):
            # Written out: a loop inside the loop over updates would stand still at each of its steps.
            layer = CELLS[c.cell](units, return_sequences=number < len(c.units), unroll=True, dtype=self.dtype)
            x = (keras.layers.Bidirectional(layer, dtype=self.dtype) if c.bidirectional else layer)(x)
            if number < len(c.units):
                x = made.dropped(x)
        return keras.Model(series, made.last(made.dense(made.dropped(x), c.hidden_units), self.task.outputs))
