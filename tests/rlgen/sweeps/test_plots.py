"""Pictures of a study, where there is enough to draw."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from rlgen.sweeps import plots
from rlgen.sweeps import study as studies
from rlgen.sweeps.search import Range

SEARCH = {"rate": "0.001..1.0:log", "size": "2|4|8"}


def row(number: int, rate: float, size: str, value: float) -> dict[str, Any]:
    return {"number": number, "state": "complete", "value": value, "params": {"rate": rate, "size": size}}


def colours(data: bytes) -> int:
    return len(np.unique(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).reshape(-1, 3), axis=0))


def test_a_line_for_each_trial() -> None:
    rows = [row(i, 10.0**-i, size, float(i)) for i, size in enumerate(("2", "8", "4"))]
    drawn = plots.parallel(rows, SEARCH, "eval/score (best)")
    assert drawn is not None and colours(drawn) > 100
    assert plots.parallel(rows[:1], SEARCH, "eval/score") is None
    alike = plots.parallel([row(i, 0.1, "2", 1.0) for i in range(2)], SEARCH, "$eval")
    assert alike is not None and colours(alike) > 2


def test_scales() -> None:
    assert plots._scale([0.001, 0.1, 0.01], SEARCH["rate"])[0] == [0.0, 1.0, 0.5]
    assert plots._scale(["8", "2"], SEARCH["size"]) == ([1.0, 0.0], [(0.0, "2"), (0.5, "4"), (1.0, "8")])
    places, marks = plots._scale([2, 6, 4], "2..6:1")
    assert places == [0.0, 1.0, 0.5] and [words for _, words in marks] == ["2", "3", "4", "5", "6"]
    assert plots._scale([3, 3], "1..5:1")[0] == [0.0, 0.0]


def test_which_fields_have_mattered() -> None:
    space = {"much": Range(0.0, 1.0, False), "little": Range(0.0, 1.0, False)}
    study = studies.import_optuna().create_study(sampler=studies.make_sampler("random", space, seed=0))
    assert plots.importance(study, "eval/score") is None
    for _ in range(20):
        trial = study.ask(fixed_distributions=studies.distributions(space))
        study.tell(trial, trial.params["much"])
    drawn = plots.importance(study, "eval/score")
    assert drawn is not None and colours(drawn) > 10
