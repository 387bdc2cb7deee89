"""Data sets by name: the contract they share, and how a name with arguments becomes one.

A data set is a class registered under the kind `dataset`. Its constructor takes keyword arguments, which a name
carries as a URL does (`images:photos?size=32`), and `split` gives examples and targets of one part as arrays.
What can be learned from them is the model's business.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from rlgen import brought, importing, registry
from rlgen.arguments import Named
from rlgen.config import coerce
from rlgen.errors import UserError
from rlgen.library import Origin
from rlgen.spec import Spec

Part = Literal["train", "validation", "test"]
# What every data set takes besides its own arguments.
CHOICES = ("fold", "folds", "subset")
PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Arrays:
    """Examples `x`, [N, *shape], and their targets `y`, [N, *shape], or None where there are none.

    `group` says, where a data set knows it, which of two groups of people each is about: int32 [N] of 0 and 1.
    """

    x: npt.NDArray[Any]
    y: npt.NDArray[Any] | None = None
    group: npt.NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: npt.NDArray[Any] | slice) -> Arrays:
        """These rows alone."""
        return Arrays(self.x[rows], *(None if column is None else column[rows] for column in (self.y, self.group)))


@dataclass(frozen=True)
class Target:
    """What is to be learned about an example: a class, numbers, a picture, a mask.

    Attributes:
        spec: of one target: int32 [] for a class, [H, W] for a mask with a class for each pixel; float32 [] or [K]
            for numbers; [H, W, C] for a picture.
        classes: their names in the order of their numbers, which count from 0; empty where nothing is a class.
    """

    spec: Spec
    classes: tuple[str, ...] = ()

    @classmethod
    def one_of(cls, *names: object) -> Target:
        """A class out of these."""
        return cls(Spec((), "int32"), tuple(map(str, names)))

    @classmethod
    def of_row(cls, row: Any) -> Target:
        """From what a file holds of `shape`, `dtype` and `classes`.

        Raises:
            TypeError: it is none.
        """
        classes = row.get("classes") if isinstance(row, Mapping) else None
        if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
            raise TypeError(f"{row!r} is no target with the names of its classes")
        return cls(Spec.of_row(row), tuple(classes))

    @property
    def label(self) -> bool:
        """Whether it is one class."""
        return bool(self.classes) and self.spec.shape == ()

    @property
    def numbers(self) -> bool:
        """Whether it is one number or several."""
        return not self.classes and len(self.spec.shape) < 2


class Dataset(abc.ABC):
    """Base of the data sets.

    A constructor's arguments are keyword-only, and a name gives them: the first one behind a colon, the others
    behind a question mark, each converted to the type of its hint.

    Attributes:
        spec: of one example.
        target: what is to be learned about it; None where there is nothing.
        origin: what `rlgen data` says of it, where its files have to be brought.
    """

    spec: Spec
    target: Target | None = None
    origin: ClassVar[Origin | None] = None

    @abc.abstractmethod
    def split(self, part: Part) -> Arrays:
        """The examples of one part; parts never share an example, and every call gives the same."""


def load(problem: str) -> Dataset:
    """The data set behind a name with its arguments: `digits`, `digits?fold=2`, `images:photos?size=32`.

    Instead of a plug-in's name there may stand `package.module:Class`. Every data set takes `subset`, `fold` and
    `folds` besides its own arguments (see `rlgen.data.selection`).

    Raises:
        UnknownName: nobody registered the name.
        UserError: an argument is unknown, missing or wrong, or the data set cannot be made.
    """
    named, factory = _found(problem)
    own, choices = named.without(CHOICES)
    if isinstance(factory, Dataset):
        made = factory
        if own.options:
            raise UserError(f"'{named.name}' is made already: of arguments it takes {', '.join(CHOICES)} alone.")
    else:
        made = _made(problem, own, factory)
    if not choices:
        return made
    from rlgen.data.selection import Selection

    return Selection(made, name=named.name, **{name: coerce(name, text, int) for name, text in choices.items()})


def without_fold(problem: str) -> str:
    """A name with its arguments but for `fold`: what all folds of a cross-validation share."""
    name, mark, query = problem.partition("?")
    kept = [part for part in query.split("&") if not part.startswith("fold=")]
    return name + mark * bool(kept) + "&".join(kept)


class Recorded(Dataset):
    """A data set as a run remembers it, so that what was learned from it can be used where it is not.

    The data themselves are looked up when somebody asks for them.
    """

    def __init__(self, problem: str, facts: Mapping[str, Any]) -> None:
        """From its name and what `facts_of` gave.

        Raises:
            UserError: the facts are others: somebody else may have written them.
        """
        self.problem, self._load = problem, importing.later(load)
        try:
            self.spec = Spec.of_row(facts)
            if (target := facts.get("target")) is not None:
                self.target = Target.of_row(target)
            if (rows := facts.get("columns")) is not None:
                from rlgen.data.columns import Column

                if not isinstance(rows, list):
                    raise TypeError(f"{rows!r} are no columns of a table")
                self.columns = tuple(map(Column.of_row, rows))
        except TypeError as error:
            raise UserError(
                f"What the run says of its data set '{problem}' cannot be used: {error}. It is not what rlgen wrote."
            ) from error

    def __getattr__(self, name: str) -> Any:
        # What a run would have kept is not there if it did not: no reason to look the data up.
        if name.startswith("_") or name in ("problem", "columns"):
            raise AttributeError(name)
        return getattr(self._whole, name)

    def split(self, part: Part) -> Arrays:
        """The examples of one part."""
        return self._whole.split(part)

    @cached_property
    def _whole(self) -> Dataset:
        return self._load(self.problem)


def facts_of(dataset: Dataset) -> dict[str, Any]:
    """What `Recorded` is made of, as JSON can hold it."""
    facts: dict[str, Any] = {"shape": list(dataset.spec.shape), "dtype": dataset.spec.dtype}
    if (target := dataset.target) is not None:
        spec, classes = target.spec, list(target.classes)
        facts["target"] = {"shape": list(spec.shape), "dtype": spec.dtype, "classes": classes}
    if (columns := getattr(dataset, "columns", None)) is not None:
        facts["columns"] = [column.to_row() for column in columns]
    return facts


def _found(problem: str) -> tuple[Named, Any]:
    """What a name stands for, with its arguments: something brought, a plug-in, a class of a module."""
    target, _, query = problem.partition("?")
    renamed = dataclasses.replace(Named.parse(f"data?{query}"), name=target)
    if (value := brought.find(target)) is not None:
        return renamed, value
    name, _, attribute = target.partition(":")
    known = any(plugin.name == name for plugin in registry.available("dataset"))
    if not known and attribute.replace(".", "").isidentifier() and all(map(str.isidentifier, name.split("."))):
        return renamed, importing.load("dataset", problem)
    named = _under(Named.parse(problem))
    return named, registry.load(named.name, ("dataset",))


def _under(named: Named) -> Named:
    """`frames/pong` is `frames:pong`, unless it is a name of its own."""
    known = {plugin.name for plugin in registry.available("dataset")}
    name, slash, main = named.name.partition("/")
    under = slash and named.main is None and named.name not in known and name in known
    return dataclasses.replace(named, name=name, main=main) if under else named


def _made(problem: str, named: Named, factory: Any) -> Dataset:
    try:
        made = named.build(factory, what="data set", also=CHOICES)
    except UserError:
        raise
    except Exception as error:  # A stranger's constructor may raise anything.
        raise UserError(f"The data set '{problem}' could not be made: {type(error).__name__}: {error}") from error
    if not isinstance(made, Dataset):
        raise UserError(f"'{problem}' makes a {type(made).__name__}, which is no subclass of rlgen.data.Dataset.")
    return made


def examples(dataset: Dataset, part: Part, *, name: str) -> Arrays:
    """One part, brought into the form that its `spec` and `target` promise; what everything learns from.

    Args:
        dataset: as `load` gives it.
        part: which part.
        name: of the data set, for messages.

    Raises:
        UserError: the examples or the targets are not what they should be; the message says which rows.
    """
    from rlgen.data.checks import understood

    return understood(dataset.split(part), dataset.spec, dataset.target, where=f"the {part} part of '{name}'")


def scaled(x: Any) -> Any:
    """Bytes and truth values as float32 in [0, 1], all else as it is; NumPy's arrays or TensorFlow's tensors."""
    if isinstance(x, np.ndarray):
        if x.dtype == np.uint8:
            return x / np.float32(255)
        return x.astype(np.float32) if x.dtype == np.bool_ else x
    import tensorflow as tf

    if x.dtype == tf.uint8:
        return tf.cast(x, tf.float32) / 255.0
    return tf.cast(x, tf.float32) if x.dtype == tf.bool else x


def scaled_spec(spec: Spec) -> Spec:
    """What `scaled` makes of it."""
    return Spec(spec.shape, "float32" if spec.dtype in ("uint8", "bool") else spec.dtype)
