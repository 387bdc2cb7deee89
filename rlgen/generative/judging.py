"""Metrics by name: which arrays each one takes, what is seen of examples, and what its figures are called."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import data, registry
from rlgen.algorithm import Split
from rlgen.data import Part
from rlgen.data.model import Model
from rlgen.errors import RlgenError, UserError
from rlgen.metrics.diversity import diversity
from rlgen.metrics.features import Extractor, Seen

# Real examples that samples are compared with: estimates get no better by more, and distances take their square.
REAL_LIMIT = 10_000
# Share of the real examples' diversity below which samples count as one and the same. A young generator on the ring
# has 0.09 of it, one that has collapsed next to nothing.
COLLAPSED = 0.05

SETS = ("training", "real", "samples")
# What is made of each example, beside what it should have been.
PAIRS = ("targets", "outputs")
Figures = dict[str, npt.NDArray[np.float64]]


def collapse(real: npt.ArrayLike, samples: npt.ArrayLike) -> str | None:
    """What is to be said of samples [M, ...] that are nearly all the same beside real ones [N, ...]; None of others."""
    share = diversity(real, samples)
    if share >= COLLAPSED:
        return None
    return (
        f"the generator may have collapsed: its samples are nearly all the same, their spread {share:.1%} of that of "
        "real examples. Look at eval/samples; a smaller learning rate for the generator may help."
    )


class Judge:
    """The metrics that a model was told to report.

    A metric is a function, and gets what its parameters ask for by name: features of the held-out examples (`real`),
    of `samples` and of the `training` examples, [N, D] each; `probabilities` of each class for each sample, where the
    features come with them, and the classes `asked` for; `centers` and `std` of a mixture; of a model that makes one
    picture of another, `outputs` and `targets` as they are, [N, H, W, C]. Parameters with a default keep it. It returns
    a number, or a named tuple of numbers and arrays.
    """

    def __init__(
        self, model: Model, *, metrics: Sequence[str], features: str, as_bytes: bool, pairs: bool = False
    ) -> None:
        """Look everything up.

        Args:
            model: whose samples are judged.
            metrics: by name.
            features: the extractor's name; auto: a classifier for pictures with classes, else the numbers themselves.
            as_bytes: whether real examples and samples are compared as pictures of 8 bits, which is what is seen.
            pairs: whether samples were made of the held-out examples, one of each, and are to be like their targets.

        Raises:
            UnknownName: nobody registered one of the names.
            UserError: a metric takes something that is not there.
        """
        self._model, self._as_bytes, self._pairs = model, as_bytes, pairs
        self._metrics = {name: registry.load(name, ("metric",)) for name in metrics}
        self._takes = {name: required(metric) for name, metric in self._metrics.items()}
        self._features = self._chosen(features)
        if metrics:
            self._require_takeable()

    def figures(self, split: Split, samples: npt.NDArray[Any], asked: npt.NDArray[Any] | None = None) -> Figures:
        """Every figure of one set of samples beside the held-out examples, by TensorBoard name; arrays are per class.

        Args:
            split: which held-out examples.
            samples: [M, *shape].
            asked: the class that each was to be of, [M], where one was asked for.

        Raises:
            RlgenError: a metric failed, or returned something else.
        """
        if not self._metrics:
            return {}
        handed: dict[str, Any] = dict(self._mixture)
        if any({"samples", "probabilities"} & set(takes) for takes in self._takes.values()):
            made = self._seen(samples)
            handed.update(samples=made.features, probabilities=made.probabilities, asked=asked)
        if self._pairs:
            targets = data.scaled(self._rows(split))
            handed.update(targets=self._rounded(targets), outputs=self._rounded(samples[: len(targets)]))
        parts: dict[str, Part] = {"real": split, "training": "train"}
        found: Figures = {}
        for name, metric in self._metrics.items():
            takes = self._takes[name]
            for which, part in parts.items():
                if which in takes:
                    handed[which] = self._real(part)
            sets = [handed[which] for which in (*SETS, "probabilities") if which in takes]
            names = [self._extractor.name] if sets else []
            sets = sets or [handed["outputs"]]
            about = "_".join([*names, *(str(len(examples)) for examples in sets)])
            for field, value in _results(name, metric, {which: handed[which] for which in takes}).items():
                found[f"eval/{field}_{about}"] = value
        return found

    def memory_bytes(self) -> int:
        """Features of the real examples that are kept, as large as the examples, in double."""
        asked = {which for takes in self._takes.values() for which in takes}
        held_out: list[Part] = ["validation", "test"] if "real" in asked else []
        parts: list[Part] = [*held_out, "train"] if "training" in asked else held_out
        return sum(8 * self._model.dataset.spec.size * len(self._rows(part)) for part in parts)

    @cached_property
    def _extractor(self) -> Extractor:
        extractor: Extractor = registry.load(self._features, ("extractor",))(self._model)
        return extractor

    def _chosen(self, features: str) -> str:
        dataset = self._model.dataset
        if features != "auto":
            return registry.find(features, ("extractor",)).name
        return "classifier" if dataset.spec.picture and dataset.target and dataset.target.label else "raw"

    @cached_property
    def _mixture(self) -> dict[str, Any]:
        """Not in the contract of a data set: only mixtures know their centers, in units of the examples."""
        names = ("centers", "std") if self._features == "raw" else ()
        return {name: value for name in names if (value := getattr(self._model.dataset, name, None)) is not None}

    def _require_takeable(self) -> None:
        probabilities = ["probabilities"] if self._extractor.classes else []
        conditional, target = getattr(self._model.config, "conditional", False), self._model.dataset.target
        # A network that learned other data tells other classes apart.
        asked = ["asked"] if conditional and target and self._extractor.classes == len(target.classes) else []
        there = {*SETS, *self._mixture, *probabilities, *asked, *(PAIRS if self._pairs else [])}
        for name, takes in self._takes.items():
            if not (missing := [which for which in takes if which not in there]):
                continue
            if "asked" in missing and conditional:
                raise UserError(
                    f"The metric '{name}' takes chances of the classes of '{self._model.problem}', which "
                    f"metric_features={self._features} does not tell apart. Set metric_features=classifier."
                )
            if "asked" in missing:
                raise UserError(
                    f"The metric '{name}' holds samples against the classes that were asked for, and this model knows "
                    "of none. Train it with conditional=true."
                )
            if missing == ["probabilities"]:
                raise UserError(
                    f"The metric '{name}' takes probabilities of classes, which metric_features={self._features} does "
                    "not give. Set metric_features=classifier, on a data set with classes."
                )
            raise UserError(
                f"The metric '{name}' takes {' and '.join(missing)}, and samples come without. Metrics that can judge "
                f"samples of '{self._model.problem}': {', '.join(_able(there))}."
            )

    def _rows(self, part: Part) -> npt.NDArray[Any]:
        """Examples of a part as they are: of the training part all, for a copy may be of any of them."""
        arrays = self._model.examples("train") if part == "train" else self._model.held_out(part)
        rows = arrays.y if self._pairs else arrays.x
        assert rows is not None
        return rows if part == "train" else rows[:REAL_LIMIT]

    def _real(self, part: Part) -> npt.NDArray[np.float64]:
        """Features of real examples, seen once; nobody can write to them, so metrics may remember what follows."""
        if part not in self._kept:
            features = np.array(self._seen(data.scaled(self._rows(part))).features)
            features.setflags(write=False)
            self._kept[part] = features
        return self._kept[part]

    @cached_property
    def _kept(self) -> dict[Part, npt.NDArray[np.float64]]:
        return {}

    def _seen(self, x: npt.NDArray[Any]) -> Seen:
        seen = self._extractor(self._rounded(x))
        return seen._replace(features=np.asarray(seen.features, np.float64))

    def _rounded(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if not self._as_bytes:
            return x
        # Both sides alike: a network tells numbers between two shades from real pictures, and nobody sees them.
        return np.round(np.clip(x, 0, 1) * np.float32(255)) / np.float32(255)


def required(metric: Any) -> tuple[str, ...]:
    """Names of a function's parameters that have no default."""
    asked = inspect.signature(metric).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(one.name for one in asked if one.kind in named and one.default is inspect.Parameter.empty)


def table_of(shares: npt.NDArray[np.float64], classes: Sequence[str]) -> str:
    """A value for each class as a table in Markdown."""
    names = classes if len(classes) == len(shares) else [str(i) for i in range(len(shares))]
    rows = [f"| {name} | {share:.4g} |" for name, share in zip(names, shares, strict=True)]
    return "\n".join(["| class | value |", "|---|---|", *rows])


def _able(there: set[str]) -> list[str]:
    """Names of the registered metrics that take nothing else; one that cannot be imported is passed over."""
    names = []
    for plugin in registry.available("metric"):
        try:
            if set(required(plugin.load())) <= there:
                names.append(plugin.name)
        except (UserError, TypeError, ValueError):
            continue
    return names


def _results(name: str, metric: Any, arguments: Mapping[str, Any]) -> Figures:
    """What a metric found, by field; a lone number by the metric's name."""
    try:
        found = metric(**arguments)
        fields = found._asdict() if hasattr(found, "_asdict") else {name: found}
        return {field: np.asarray(value, np.float64) for field, value in fields.items()}
    except Exception as error:  # A stranger's metric may raise anything.
        raise RlgenError(f"The metric '{name}' failed: {type(error).__name__}: {error}") from error
