"""The contract of everything that learns: advance n steps, hand over the state a resume needs.

An agent, a generative model and a classifier differ inside this contract, never outside it: the Trainer,
the Evaluator, the checkpoints and the command line know nothing else.
"""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from rlgen import brought, state
from rlgen import config as config_module
from rlgen.errors import UserError
from rlgen.served import Served

Split = Literal["validation", "test"]


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        scalars: TensorBoard name to value, `eval/mean_reward` for instance.
        episodes: how many episodes, sample sets or passes over held-out data the scalars average over.
        images: name to a uint8 picture, [height, width, 1, 3 or 4].
        texts: name to Markdown.
        distributions: name to numbers of any shape, whose histogram is worth watching: values, actions, codes.
        chances: of a classifier, class to what is true and what was said of each example: bool [N] and float [N] in
            [0, 1], for curves of precision and recall.
        protocol: all that the scalars depend on beside the problem's name, in one sentence; empty: nothing.
    """

    scalars: Mapping[str, float]
    episodes: int
    images: Mapping[str, npt.NDArray[np.uint8]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    distributions: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    chances: Mapping[str, tuple[npt.NDArray[np.bool_], npt.NDArray[Any]]] = field(default_factory=dict)
    protocol: str = ""


@dataclass(frozen=True, kw_only=True)
class Embedding:
    """What an algorithm makes of examples inside: points that lie near each other where it takes them for alike.

    Attributes:
        name: what they are.
        vectors: float32 [N, D].
        labels: columns by name, N values each.
        pictures: of the examples, uint8 [N, H, W, 1 or 3]; None where they are no pictures.
    """

    name: str
    vectors: npt.NDArray[np.float32]
    labels: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    pictures: npt.NDArray[np.uint8] | None = None


class Algorithm(abc.ABC):
    """Base of every algorithm; what it needs is in the class attributes and the five methods below.

    Attributes:
        Config: its configuration, a subclass of `rlgen.config.Config`.
        problem_kind: whether it learns on an environment or on a data set.
        default_problem: what it trains on when nobody says.
        step_unit: what one step is, in the plural, for people: "environment steps", "batches".
        score: the evaluation scalar that tells which checkpoint is best.
        higher_is_better: the direction of `score`.
        score_range: the evaluation scalars that `score` lies between, lowest and highest, for the learning curve.
        training_curve: a scalar of training to draw beside the score, in its unit, and the words for the legend.
        charts: TensorBoard's own charts beyond those that all have (`rlgen.board.charts`): by category and title the
            names of the curves on it, as regular expressions.
        filmed: evaluation pictures that show the same each time, of which the end of a run makes a film of training.
        memory_advice: how it needs less memory, a sentence without its full stop: "Make ... smaller (--set ...)".
        chunk_steps: how many steps one call of `train` should take: long enough that Python costs nothing,
            short enough for a progress bar. Set in the constructor where it depends on the configuration.
        step_quantum: steps come in multiples of this (environments that step together, for instance).
        engine: where the steps run: "compiled", or "gymnasium" for environments on the host.
        reseedable: whether `reseed` works: everything that derives from the seed is in `state()`, the seeds of
            compiled draws as well (`rlgen.runtime.Seeds` makes them variables).
        spare: names in `state()` of what is large and can be done without: a run may leave it out of its checkpoints.
        heeds_evaluations: whether evaluations decide how it learns on: then none is left out for want of time.
        data_parallel: whether several processes can share its updates, each computing some of `shards`, a field of its
            configuration: it computes by `rlgen.together.shards.each`, and all else is the same everywhere.
    """

    Config: ClassVar[type[config_module.Config]]
    problem_kind: ClassVar[Literal["env", "dataset"]]
    default_problem: ClassVar[str]
    step_unit: ClassVar[str] = "steps"
    score: str
    higher_is_better: bool = True
    score_range: ClassVar[tuple[str, str] | None] = None
    training_curve: ClassVar[tuple[str, str] | None] = None
    charts: ClassVar[Mapping[str, Mapping[str, tuple[str, ...]]]] = {}
    filmed: ClassVar[tuple[str, ...]] = ()
    memory_advice: str = ""
    default_steps: ClassVar[int] = 10_000

    chunk_steps: int = 1000
    step_quantum: int = 1
    engine: str = "compiled"
    reseedable: ClassVar[bool] = False
    spare: ClassVar[tuple[str, ...]] = ()
    heeds_evaluations: bool = False
    data_parallel: ClassVar[bool] = False

    def __init__(self, *, problem: str, config: Any, seed: int, engine: str = "auto") -> None:
        """Look the problem up, check that it can be served, build the networks. Cheap: no training state yet.

        Args:
            problem: the id of an environment or a data set.
            config: an instance of `self.Config`.
            seed: everything random derives from it.
            engine: "auto", "compiled" or "gymnasium"; only environments know the difference.

        Raises:
            UserError: the problem is unknown, or this algorithm cannot serve it.
        """
        if not isinstance(config, self.Config):
            raise UserError(f"{type(self).__name__} takes a {self.Config.__name__}, not a {type(config).__name__}.")
        if self.problem_kind == "dataset" and engine != "auto":
            raise UserError("An engine is chosen for environments; this one learns on a data set. Leave it out.")
        self.problem, self.seed, self.asked_engine = problem, seed, engine
        self.config: Any = config

    @abc.abstractmethod
    def train(self, steps: int) -> dict[str, float]:
        """Advance exactly `steps` steps (a multiple of `step_quantum`); return scalars by TensorBoard name.

        Counters such as `env_steps` and `updates` come back under `work/`. The result must not depend
        on how a number of steps is cut into calls: resuming relies on it.
        """

    @abc.abstractmethod
    def state(self) -> Mapping[str, Any]:
        """Everything a resume needs, as a tree that `rlgen.state` can read and write back in place.

        Leaves are TensorFlow or Keras variables, Keras models, layers and optimizers, NumPy arrays and
        generators, or objects with `state_arrays` and `load_state_arrays`.
        """

    def do_without(self, name: str) -> str:
        """Go on without one of `spare`, all else being there again; what that means, as a sentence."""
        return f"The checkpoint has no {name}."

    @abc.abstractmethod
    def inference_state(self) -> Mapping[str, Any]:
        """The part of `state()` that using the result needs, under the same names."""

    @abc.abstractmethod
    def evaluate(self, *, episodes: int, seed: int, split: Split) -> Evaluation:
        """Judge what was learned, on environments or data that training never touches.

        Args:
            episodes: how many episodes, sample sets or passes to average over.
            seed: of this evaluation, to be used as it comes: the Evaluator gives every split another one.
                Training's random state stays untouched.
            split: "validation" to choose a checkpoint, "test" to report one.
        """

    def heed(self, evaluation: Evaluation) -> None:  # noqa: B027 - most algorithms go their own way.
        """Take note of an evaluation on the validation split in the course of training."""

    def memory_bytes(self) -> Mapping[str, int]:
        """What training will allocate beside the networks, by name, in bytes."""
        return {}

    def frames(self, *, seed: int) -> Iterator[npt.NDArray[np.uint8]]:
        """Pictures of the result at work, [height, width, 3], for a video; `frames_per_second` apart.

        Raises:
            UserError: there is nothing to film.
        """
        raise UserError(f"{type(self).__name__} has nothing to film; `rlgen record` films agents at work.")

    frames_per_second: float = 30

    def served(self) -> Mapping[str, Served]:
        """What it can be asked elsewhere, by name, the usual question first; nothing, where it cannot leave the house.

        Raises:
            UserError: as it is configured it cannot.
        """
        return {}

    def embedding(self, *, seed: int) -> Embedding | None:
        """What it makes of held-out examples, or of the states of an episode; None if it has nothing to show."""
        return None

    @property
    def score_threshold(self) -> float | None:
        """The score from which its problem counts as solved; None if nobody has said."""
        return None

    @classmethod
    def name_problem(cls, problem: Any, arguments: Mapping[str, Any], *, name: str | None = None) -> str:
        """The text by which a run keeps what somebody brought to learn from.

        Args:
            problem: a name, or an object.
            arguments: of its constructor.
            name: what a run calls it that is used again.

        Raises:
            UserError: it is nothing to learn from.
        """
        if not isinstance(problem, str):
            raise UserError(f"{cls.__name__} takes the name of what it learns from, not a {type(problem).__name__}.")
        return brought.with_arguments(problem, arguments, what=cls.problem_kind)

    @classmethod
    def suited(cls, problem: str) -> Mapping[str, Any]:
        """Fields of the configuration that a problem decides, where nobody says otherwise.

        Raises:
            UserError: the problem is unknown.
        """
        return {}

    def learned_state(self) -> Mapping[str, Any]:
        """The part of `state()` that another run may begin with: what was learned, and no counters.

        It is asked for after `state()`.
        """
        return self.inference_state()

    def begin_from(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Begin with what another run of this algorithm has learned, whatever else differs between them.

        Args:
            arrays: the state that the other run saved.

        Raises:
            UserError: its networks have other shapes, or its weights are not finite.
        """
        self.state()  # What only training needs is made when it is first asked for.
        state.require_finite(self.learned_state(), arrays)
        state.write(self.learned_state(), arrays)

    def check_problem(self) -> None:  # noqa: B027 - most problems keep their promises.
        """Look closely at what is to be learned from, before training begins.

        Raises:
            UserError: it cannot be learned from, or does not keep its contract.
        """

    def remarks(self) -> tuple[str, ...]:
        """What the user should hear before training begins."""
        return ()

    def chosen(self) -> Mapping[str, Any]:
        """Fields of the configuration that were left to the machine, as it chose: a run that goes on keeps them."""
        return {}

    def facts(self) -> Mapping[str, Any]:
        """What a run keeps of its problem, as JSON: enough for `for_use`, and to notice that it has changed."""
        return {}

    @classmethod
    def for_use(cls, *, facts: Mapping[str, Any], **how: Any) -> Algorithm:
        """As the constructor, to use what a run has learned, where its problem need not be there.

        Args:
            facts: what `facts` said when it was trained.
            how: the constructor's arguments.
        """
        return cls(**how)

    def reseed(self, seed: int) -> None:
        """Become what a new one with this seed would be, keeping what was compiled; only where `reseedable`."""
        fresh = type(self)(problem=self.problem, config=self.config, seed=seed, engine=self.asked_engine)
        state.write(self.state(), state.read(fresh.state()))
        fresh.close()
        self.seed = seed

    def turn_to(self, problem: str) -> bool:
        """Learn from another fold of the same data with what was compiled; False where that cannot be.

        Whoever calls it calls `reseed` next.
        """
        return False

    def close(self) -> None:  # noqa: B027 - most algorithms hold nothing that must be let go.
        """Let go of environments and other outside resources."""
