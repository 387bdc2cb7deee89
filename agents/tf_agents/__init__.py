"""The bridge to TF-Agents: its agents on our engines and replay, and ours where its drivers expect their own."""

from __future__ import annotations

import importlib
from typing import Any

# TF-Agents is looked for when one of these is first asked for.
_PLACES = {
    "GymnasiumPyEnvironment": "py_environment",
    "adopt": "adopted",
    "as_tf_policy": "policies",
}
__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    """What the bridge offers a program.

    Raises:
        UserError: TF-Agents is missing, or was imported too late.
    """
    if name not in _PLACES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    importlib.import_module(f"{__name__}.library").require()
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
