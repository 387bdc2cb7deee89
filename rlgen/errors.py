"""Errors that teach: what was wrong, what is allowed, the nearest name, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# What a terminal obeys instead of showing it, all but new lines and tabs: control characters, and those that turn the
# direction of writing.
_OBEYED = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_OBEYED |= {code: f"\\u{code:04x}" for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}


class RlgenError(Exception):
    """Anything rlgen raises on purpose. The command line prints its message and exits with 1."""

    def __init__(self, *arguments: object) -> None:
        # Messages quote what files say.
        super().__init__(*(plain(each) if isinstance(each, str) else each for each in arguments))


class UserError(RlgenError, ValueError):
    """A mistake the caller can mend. The command line prints its message and exits with 2."""


class UnknownName(UserError, KeyError):
    """A name nobody registered."""

    # KeyError would print the message in quotes.
    __str__ = Exception.__str__


class EnvironmentFault(UserError):
    """An environment returned what Gymnasium's contract forbids, or something not finite."""


class Diverged(RlgenError):
    """Training produced a scalar that is not finite."""


class CheckpointDamaged(RlgenError):
    """A checkpoint whose bytes are not those that were written."""


class Interrupted(RlgenError):
    """A signal asked the run to stop; it has been checkpointed."""


class CrewLost(RlgenError):
    """Another of the processes that train one run together is gone; what was not saved is lost."""


def plain(text: str) -> str:
    """`text` as a terminal may get it: what it would obey is written out, for instance as `\\x1b`."""
    return text.translate(_OBEYED)


def first_line(error: BaseException) -> str:
    """What an error of a library says, without its pages of advice, and without a heading that says nothing."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" \t:") and not line.endswith("error:")]
    return lines[0] if lines else type(error).__name__


def nearest(name: str, known: Iterable[str], *, most: int = 3) -> str:
    """A hint such as `" Did you mean 'CartPole-v1'?"`, or an empty string when nothing is near.

    >>> nearest("cartpol-v1", ["CartPole-v1", "Pendulum-v1"], most=1)
    " Did you mean 'CartPole-v1'?"
    """
    folded = {candidate.casefold(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.casefold(), folded, n=most, cutoff=0.55)
    if not matches:
        return ""
    return " Did you mean " + " or ".join(f"'{folded[match]}'" for match in matches) + "?"
