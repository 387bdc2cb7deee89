"""What a run writes for TensorBoard: three runs side by side, of training, of evaluations, and of what is reported."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from rlgen import runtime
from rlgen.algorithm import Algorithm, Evaluation
from rlgen.board import charts, graph, histograms, hparams, projector, texts
from rlgen.callbacks import Reply
from rlgen.run import SUMMARIES, Run
from rlgen.summary import SummaryWriter
from rlgen.trainer_config import TrainerConfig

# A chunk may take a hundredth of a second. The first rows of scalars are all written, later ones not more often than
# this, so that the curves of an hour stay below some tens of megabytes; `stats.jsonl` has every chunk.
ROWS_PER_SECOND, FIRST_ROWS = 4.0, 1000
# A precision-recall curve of each class, where there are no more than these.
MOST_CLASSES = 20


@dataclass(frozen=True)
class Film:
    """An animated picture, as the bytes of a GIF."""

    data: bytes
    width: int
    height: int


@contextlib.contextmanager
def optional(what: str) -> Iterator[None]:
    """Whatever goes wrong here is said and costs nobody a run; but a disk that cannot be written does."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        runtime.tell(f"{what} is left out: {type(error).__name__}: {error}")


class Board:
    """The events of a run that is being written.

    Raises:
        OSError: they cannot be written.
        UserError: there is something in their places that is no file.
    """

    def __init__(self, run: Run, *, resumed_at: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Open them all; `resumed_at` tells TensorBoard to forget later steps written before."""
        self._run, self._resumed, self._clock = run, resumed_at is not None, clock
        self._training, self._evaluations, self._test = (
            SummaryWriter(run.path / name, resumed_at=resumed_at) for name in SUMMARIES
        )
        self._begun, self._rows, self._judged = clock(), 0, 0
        self._algorithm: Algorithm | None = None
        self._names: set[str] = set()
        self._histograms_every: int | None = None

    def begin(self, algorithm: Algorithm, settings: TrainerConfig) -> None:
        """What can be said before training: what is run, and what the networks look like.

        Without it evaluations show no histograms, and no charts.
        """
        self._algorithm, self._histograms_every = algorithm, settings.histograms_every_evaluations
        config = self._run.config
        self._test.summary(0, hparams.started(config))
        for name, markdown in texts.about(config).items():
            self._training.text(0, name, markdown)
        if settings.graph and not self._resumed:
            self.draw_graph(algorithm)

    def draw_graph(self, algorithm: Algorithm) -> None:
        """Write what the networks compute; nothing of an algorithm without any."""
        networks = graph.networks_in(algorithm.inference_state())
        with optional("The graph of the networks"):
            if networks and (found := graph.of_networks(networks)) is not None:
                self._training.graph(found)

    def chunk(self, step: int, scalars: Mapping[str, float], reply: Reply) -> None:
        """What a chunk of training returned; pictures and texts of callbacks always, curves not more than fit."""
        affordable = FIRST_ROWS + ROWS_PER_SECOND * (self._clock() - self._begun)
        if self._rows < affordable:
            self._rows += 1
        else:
            scalars = {}
        self._names.update(scalars)
        self._training.add(step, scalars, reply.images, reply.texts)

    def evaluation(self, step: int, found: Evaluation, reply: Reply) -> None:
        """What an evaluation found; every so often also how weights, gradients and what it met are distributed."""
        images, said = {**found.images, **reply.images}, {**found.texts, **reply.texts}
        self._evaluations.add(step, {**found.scalars, **reply.scalars}, images, said)
        self._curves(self._evaluations, step, found, "eval")
        if self._algorithm and not self._judged:
            self._training.summary(step, charts.layout(self._algorithm, {*self._names, *found.scalars}))
        if self._algorithm and self._histograms_every and self._judged % self._histograms_every == 0:
            for name, numbers in found.distributions.items():
                self._evaluations.histogram(step, name, numbers)
            for name, numbers in _inside(self._algorithm).items():
                self._training.histogram(step, name, numbers)
        self._judged += 1

    def conclude(self, step: int, found: Evaluation, final: Mapping[str, float], *, film: Film | None) -> None:
        """What is reported of the run, and that it is over."""
        tested = {_of_test(name): value for name, value in found.scalars.items()}
        images = {_of_test(name): pixels for name, pixels in found.images.items()}
        said = {_of_test(name): markdown for name, markdown in found.texts.items()}
        self._test.add(step, {**tested, **final}, images, said)
        self._curves(self._test, step, found, "test")
        if film is not None:
            self._test.encoded_image(step, "test/film", film.data, width=film.width, height=film.height)
        self._test.summary(step, hparams.ended())

    def embed(self, algorithm: Algorithm, *, seed: int) -> None:
        """Write what the algorithm makes of examples inside, for the projector."""
        with optional("What the projector shows"):
            if (embedding := algorithm.embedding(seed=seed)) is not None:
                projector.write(self._run.path / SUMMARIES[2], embedding)

    def sync(self) -> None:
        """Wait until all is on the disk."""
        for writer in self._writers:
            writer.sync()

    def close(self) -> None:
        """Let go of the files."""
        for writer in self._writers:
            writer.close()

    @property
    def _writers(self) -> tuple[SummaryWriter, ...]:
        return self._training, self._evaluations, self._test

    def _curves(self, writer: SummaryWriter, step: int, found: Evaluation, prefix: str) -> None:
        for name, (labels, scores) in found.chances.items() if len(found.chances) <= MOST_CLASSES else ():
            writer.precision_recall(step, f"{prefix}/{name}", labels, scores)


def _inside(algorithm: Algorithm) -> dict[str, npt.NDArray[Any]]:
    return {**histograms.weights(algorithm.learned_state()), **histograms.gradients(algorithm.state())}


def _of_test(name: str) -> str:
    """An evaluation's name, `eval/accuracy`, where it is of the test part."""
    return f"test/{name.removeprefix('eval/')}"
