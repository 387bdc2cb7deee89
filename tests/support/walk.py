"""A cheap algorithm in NumPy that keeps the whole contract, for tests of what surrounds algorithms.

Its weights walk at random towards zero; its score is how near they are. It needs no TensorFlow, so a whole
run costs milliseconds. Run as a program it forks: each line `[RUN, STEPS, RESUME, OVERRIDES]` on standard input
is trained in a child process. Printed are the child's number, `started` when training begins, its exit status.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from ring import Ring

import rlgen
import rlgen.planning
from rlgen.algorithm import Algorithm, Evaluation, Split
from rlgen.errors import UserError
from rlgen.runtime import generator


@dataclasses.dataclass(frozen=True, kw_only=True)
class WalkConfig(rlgen.Config):
    """How it walks, and how it goes wrong."""

    presets = {"wide": {"about": "More weights.", "size": 64}, "plain": {"about": "As the problem.", "size": 4}}

    size: int = rlgen.option(8, "How many weights.", at_least=1)
    rate: float = rlgen.option(0.1, "How far a step goes.", above=0, at_most=1)
    chunk: int = rlgen.option(10, "Steps in a chunk.", at_least=1)
    quantum: int = rlgen.option(1, "Steps come in multiples of this.", at_least=1)
    ballast: int = rlgen.option(0, "Numbers that the state holds beside the weights.", at_least=0)
    replay: bool = rlgen.option(False, "Whether it keeps a row of every step.")
    nan_loss_at: int | None = rlgen.option(None, "Step whose loss is not a number.", at_least=1)
    nan_weights_at: int | None = rlgen.option(None, "Step that spoils the weights.", at_least=1)
    nan_score_at: int | None = rlgen.option(None, "Step from which evaluations fail.", at_least=0)
    signal_at: int | None = rlgen.option(None, "Step in which somebody stops the process.", at_least=1)
    signal: str = rlgen.option("SIGINT", "How.")


@rlgen.register("supervised", "walk")
class Walk(Algorithm):
    """Weights that walk at random."""

    Config = WalkConfig
    problem_kind = "dataset"
    default_problem = "plain"
    score = "eval/score"
    default_steps = 100

    def __init__(self, *, problem: str, config: WalkConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        if problem not in ("plain", "hard"):
            raise UserError(f"There is no data set '{problem}': use plain or hard.")
        self.chunk_steps, self.step_quantum = config.chunk, config.quantum
        self.weights = np.ones(config.size, np.float32)
        self.ballast = np.arange(config.ballast, dtype=np.float64)
        self.steps = np.zeros((), np.int64)
        self.generator = generator(seed, "walk")
        self.ring = Ring()
        self.calls: list[int] = []
        self.closed = False

    def train(self, steps: int) -> dict[str, float]:
        assert steps > 0 and steps % self.step_quantum == 0
        self.calls.append(steps)
        loss = 0.0
        for _ in range(steps):
            noise = self.generator.normal(size=self.weights.shape).astype(np.float32)
            self.weights -= np.float32(self.config.rate) * (self.weights + noise)
            self.steps += 1
            if self.config.replay:
                self.ring.add(1)
            loss += float(np.square(self.weights).mean())
            if self.steps == self.config.signal_at:
                signal.raise_signal(signal.Signals[self.config.signal])
            if self.steps == self.config.nan_loss_at:
                loss = float("nan")
            if self.steps == self.config.nan_weights_at:
                self.weights[0] = np.nan
        return {"train/loss": loss / steps, "work/updates": float(self.steps)}

    def state(self) -> Mapping[str, Any]:
        return {
            "weights": self.weights,
            "ballast": self.ballast,
            "steps": self.steps,
            "generator": self.generator,
            **({"replay": self.ring} if self.config.replay else {}),
        }

    def inference_state(self) -> Mapping[str, Any]:
        return {"weights": self.weights}

    def evaluate(self, *, episodes: int, seed: int, split: Split) -> Evaluation:
        failing = self.config.nan_score_at is not None and self.steps >= self.config.nan_score_at
        drawn = np.random.default_rng(seed).normal(size=episodes).mean()
        weights = np.nan_to_num(self.weights)
        score = float("nan") if failing else float(-np.square(weights).sum())
        image = np.zeros((2, 3, 3), np.uint8)
        scalars = {"eval/score": score, "eval/draw": float(drawn)}
        return Evaluation(scalars, episodes, images={"eval/picture": image}, texts={"eval/note": "*nothing*"})

    def frames(self, *, seed: int) -> Iterator[npt.NDArray[np.uint8]]:
        rng = generator(seed, "film")
        for _ in range(5):
            yield rng.integers(0, 256, (32, 48, 3), np.uint8)

    def memory_bytes(self) -> Mapping[str, int]:
        return {"ballast": 8 * self.config.ballast}

    def act(self, observation: Any) -> npt.NDArray[np.float32]:
        return self.weights * np.asarray(observation, np.float32)

    def close(self) -> None:
        self.closed = True


def _serve() -> None:
    """Train what standard input says, each in a child of its own, so that starting Python is paid for once."""
    import matplotlib.figure  # noqa: F401
    from tensorboard.compat.proto import event_pb2  # noqa: F401
    from tensorboard.plugins.scalar import summary_v2  # noqa: F401

    import rlgen.api

    class Starter(rlgen.Callback):
        def start(self, moment: rlgen.Moment) -> None:
            print("started", flush=True)

    for line in sys.stdin:
        run, steps, resume, overrides = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                rlgen.planning.plan("walk", run=run, steps=steps, resume=resume, config=overrides).execute([Starter()])
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    sys.modules["walk"] = sys.modules["__main__"]
    _serve()
