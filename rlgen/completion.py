"""What the shell completes: names of plug-ins, environments, presets and fields.

A shell asks for it once it was told to: `eval "$(_RLGEN_COMPLETE=bash_source rlgen)"`, zsh and fish alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem

from rlgen import registry
from rlgen.errors import RlgenError

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def one_of(*words: str) -> Complete:
    """These words."""
    return lambda ctx, param, begun: _items(((word, "") for word in words), begun)


def names_of(*kinds: str) -> Complete:
    """Plug-ins of these kinds, with their summaries; of all without any."""

    def complete(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
        plugins = (plugin for plugin in registry.available() if not kinds or plugin.kind in kinds)
        return _items(((plugin.name, plugin.summary) for plugin in plugins), begun)

    return complete


def environments(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """The ids of Gymnasium and of plug-ins."""
    import gymnasium

    plugins = {plugin.name for plugin in registry.available("env")}
    return _items(((name, "") for name in sorted({*gymnasium.registry, *plugins})), begun)


def presets(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """The presets of the algorithm that stands on the line already."""
    known = getattr(_config(ctx), "presets", {})
    return _items([("default", ""), *((name, values.get("about", "")) for name, values in known.items())], begun)


def fields(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """The fields of the algorithm that stands on the line already, and the Trainer's."""
    from rlgen.trainer_config import TrainerConfig

    config = _config(ctx)
    own = [] if config is None else [(f"{row['name']}=", row["doc"]) for row in config.describe()]
    return _items([*own, *((f"trainer.{row['name']}=", row["doc"]) for row in TrainerConfig.describe())], begun)


def _config(ctx: click.Context) -> Any | None:
    # Where the option that is being completed comes last, what stands before it is not yet taken for parameters.
    name = ctx.params.get("name") or next(iter(ctx.args), "")
    try:
        return registry.load(name, registry.ALGORITHM_KINDS).Config
    except RlgenError:  # No name, or none that can be loaded: nothing to offer.
        return None


def _items(pairs: Iterable[tuple[str, str]], begun: str) -> list[CompletionItem]:
    return [CompletionItem(name, help=about) for name, about in pairs if name.startswith(begun)]
