"""rlgen: train agents, generative models and supervised baselines in TensorFlow, and look at what they learned.

`import rlgen` imports neither TensorFlow nor a plug-in; both wait until something is trained or loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rlgen._version import __version__

if TYPE_CHECKING:
    from rlgen.algorithm import Algorithm, Embedding, Evaluation
    from rlgen.api import available, evaluate, load, make, record, sample, train, train_many, translate
    from rlgen.callbacks import Callback, EarlyStopping, Moment, Reply, StopAfter, StopAtTarget
    from rlgen.config import Config, option
    from rlgen.evaluator import Evaluator
    from rlgen.exporting.api import export, load_exported, serve
    from rlgen.looking.comparing import compare
    from rlgen.looking.curves import read
    from rlgen.looking.reporting import report
    from rlgen.registry import register
    from rlgen.run import Run
    from rlgen.sweeps.sweep import sweep
    from rlgen.trainer import Trainer

_HOMES = {
    "Algorithm": "rlgen.algorithm",
    "Embedding": "rlgen.algorithm",
    "Evaluation": "rlgen.algorithm",
    "available": "rlgen.api",
    "evaluate": "rlgen.api",
    "export": "rlgen.exporting.api",
    "load": "rlgen.api",
    "load_exported": "rlgen.exporting.api",
    "make": "rlgen.api",
    "predict": "rlgen.api",
    "read": "rlgen.looking.curves",
    "record": "rlgen.api",
    "sample": "rlgen.api",
    "serve": "rlgen.exporting.api",
    "train": "rlgen.api",
    "train_many": "rlgen.api",
    "translate": "rlgen.api",
    "Callback": "rlgen.callbacks",
    "EarlyStopping": "rlgen.callbacks",
    "Moment": "rlgen.callbacks",
    "Reply": "rlgen.callbacks",
    "StopAfter": "rlgen.callbacks",
    "StopAtTarget": "rlgen.callbacks",
    "compare": "rlgen.looking.comparing",
    "Config": "rlgen.config",
    "option": "rlgen.config",
    "Evaluator": "rlgen.evaluator",
    "register": "rlgen.registry",
    "report": "rlgen.looking.reporting",
    "Run": "rlgen.run",
    "sweep": "rlgen.sweeps.sweep",
    "Trainer": "rlgen.trainer",
}

__all__ = [
    "Algorithm",
    "Callback",
    "Config",
    "EarlyStopping",
    "Embedding",
    "Evaluation",
    "Evaluator",
    "Moment",
    "Reply",
    "Run",
    "StopAfter",
    "StopAtTarget",
    "Trainer",
    "__version__",
    "available",
    "compare",
    "evaluate",
    "export",
    "load",
    "load_exported",
    "make",
    "option",
    "predict",
    "read",
    "record",
    "register",
    "report",
    "sample",
    "serve",
    "sweep",
    "train",
    "train_many",
    "translate",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'rlgen' has no attribute '{name}'")
    import importlib

    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
