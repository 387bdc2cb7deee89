"""The learning-rate range test: the loss over a step size that grows from far too small to far too large.

Smith, "Cyclical Learning Rates for Training Neural Networks" (WACV 2017), section 3.3; as a step size for training
Geron (2019), chapter 11, takes a tenth of the one at which the loss is least.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import files, pictures, registry
from rlgen.errors import UserError
from rlgen.summary import png_bytes

SMALLEST, LARGEST = 1e-6, 10.0
STEPS = 500
# Batches whose losses are averaged, about; and how many times as far up as the loss came down ends the test.
MEMORY, TOO_MUCH = 25, 4.0
SHARE = 10.0


@dataclasses.dataclass(frozen=True)
class Range:
    """What a range test found.

    Attributes:
        learning_rates: of each batch, [N].
        losses: of each batch, [N].
        smooth: the same, averaged over those before.
        least: the step size at which the averaged loss was least.
    """

    learning_rates: npt.NDArray[np.float64]
    losses: npt.NDArray[np.float64]
    smooth: npt.NDArray[np.float64]
    least: float

    @property
    def suggestion(self) -> float:
        """A tenth of the step size at which the loss was least; as the peak of one cycle half of that one is usual."""
        return self.least / SHARE

    @property
    def turned(self) -> bool:
        """Whether the loss rose again behind it; if not, the suggestion says only what still works."""
        return bool(self.least < self.learning_rates[-1])

    def picture(self, *, size: int = 480) -> pictures.Picture:
        """Loss over step size, both on scales of powers."""
        figure, axes = pictures.framed(size)
        axes.plot(self.learning_rates, self.losses, color=pictures.REAL, linewidth=0.8, label="each batch")
        axes.plot(self.learning_rates, self.smooth, color=pictures.MADE, linewidth=1.6, label="averaged")
        axes.axvline(self.suggestion, color=pictures.INK, linewidth=1, linestyle=":", label=f"{self.suggestion:.2g}")
        scale = "log" if self.losses.min() > 0 else "linear"
        axes.set(xscale="log", yscale=scale, xlabel="step size", ylabel="loss")
        axes.legend(frameon=False, fontsize=9, labelcolor=pictures.INK)
        return pictures.drawn(figure)


def found(learning_rates: npt.ArrayLike, losses: npt.ArrayLike) -> Range:
    """What the losses at growing step sizes say.

    Args:
        learning_rates: [N], growing.
        losses: [N], finite.
    """
    rates, values = np.asarray(learning_rates, np.float64), np.asarray(losses, np.float64)
    keep, average, smooth = 1 - 1 / min(MEMORY, len(values)), 0.0, []
    for number, loss in enumerate(values, 1):
        average = keep * average + (1 - keep) * loss
        # What an average that began at 0 lacks.
        smooth.append(average / (1 - keep**number))
    return Range(rates, values, np.array(smooth), float(rates[int(np.argmin(smooth))]))


def run_test(name: str, *, config: Mapping[str, Any] | None = None, steps: int = STEPS, **how: Any) -> Range:
    """Train a new model for some batches, each with a larger step size, until the loss explodes.

    Args:
        name: of a model that learns from data by one `learning_rate`.
        config: fields of its configuration.
        steps: batches from the smallest step size to the largest.
        how: what else `rlgen.make` takes: `data`, `network`, `seed`, `preset`.

    Raises:
        UserError: as `make`; another kind of algorithm, or too few steps.
    """
    from rlgen.api import make

    if steps < 2 * MEMORY:
        raise UserError(f"steps={steps}: a range test takes at least {2 * MEMORY} batches, to average over {MEMORY}.")
    cls = registry.load(name, registry.ALGORITHM_KINDS)
    if cls.problem_kind != "dataset":
        raise UserError(
            f"'{name}' learns in an environment, where the loss says little: the test is for models of data."
        )
    if "learning_rate" not in {field.name for field in dataclasses.fields(cls.Config)}:
        raise UserError(f"'{name}' has no one step size: a range test is for models with `learning_rate`.")
    schedule = f"geometric:start={SMALLEST},end={LARGEST},over={steps - 1}"
    model = make(name, config={**(config or {}), "learning_rate": schedule}, **how)
    rates, losses = list[float](), list[float]()
    for step in range(steps):
        loss = model.train(1).get("train/loss")
        if loss is None:
            raise UserError(f"'{name}' reports no train/loss: a range test is for models with one loss.")
        if not math.isfinite(loss) or (step > 2 * MEMORY and _exploded(loss, losses)):
            break
        rates.append(model.config.learning_rate(step))
        losses.append(loss)
    if len(losses) < MEMORY:
        raise UserError(f"The loss of '{name}' is not finite after {len(losses)} batches of the smallest step sizes.")
    return found(rates, losses)


def _exploded(loss: float, before: list[float]) -> bool:
    """Whether a loss is as far above the first ones as these are above the least one, several times over."""
    first, least = float(np.mean(before[:MEMORY])), min(before)
    return loss > first + TOO_MUCH * (first - least)


def write_picture(result: Range, out: Path) -> Path:
    """The plot as a PNG file.

    Raises:
        OSError: it cannot be written.
    """
    files.write(out, png_bytes(result.picture()))
    return out
