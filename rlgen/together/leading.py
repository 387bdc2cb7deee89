"""One run in several processes: the chief trains it as any other run, and the others do what its algorithm does.

The Trainer knows nothing of this. In the chief it gets an algorithm that says to the other processes, before it does
something, what that is; they have the same algorithm and do the same. Their networks are alike to the bit, because
gradients are averaged wherever they are applied; what each has alone, its shards' environments for instance, is told to
the chief before it saves, and the networks are compared then.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rlgen import registry, runtime, state
from rlgen.algorithm import Algorithm, Evaluation
from rlgen.building import built
from rlgen.errors import RlgenError, UserError
from rlgen.importing import Consent
from rlgen.run import RunConfig
from rlgen.state import Arrays
from rlgen.together import crew, shards
from rlgen.together.cost import Cost
from rlgen.together.crew import Joined
from rlgen.together.elsewhere import STATE, Told
from rlgen.values import mean_by_name


def led(algorithm: Algorithm, config: RunConfig) -> Any:
    """The algorithm, or where this process leads others one that takes them along."""
    joined = crew.now()
    if not isinstance(joined, Joined):
        return algorithm
    if not algorithm.data_parallel:
        kind = registry.find(config.algorithm, registry.ALGORITHM_KINDS).kind
        able = registry.able(kind, lambda cls: cls.data_parallel)
        raise UserError(
            f"'{config.algorithm}' cannot be trained data-parallel: its updates are not made of shards. Those of kind "
            f"{kind} that can: {', '.join(able) or 'none'}."
        )
    shards.mine(algorithm.config.shards)
    return Lead(algorithm, config, joined)


def dismiss(run: Path | None = None) -> None:
    """Let the others go, if this process leads some, in good order as far as that is possible."""
    joined = crew.now()
    if isinstance(joined, Joined) and joined.rank == 0 and joined.whole:
        joined.whole = False
        try:
            joined.share(_packed({"do": "end", "run": None if run is None else str(run)}))
        except Exception as error:
            if crew.is_loss(error) is None:
                raise


# Who passes on what is to be said; another one where standard error is not seen.
tell: Callable[[str], None] = runtime.tell


def speak_through(listener: Callable[[str], None]) -> None:
    """Let what is to be said go there."""
    global tell
    tell = listener


class Lead:
    """An algorithm whose work several processes do; everything else is its own."""

    def __init__(self, algorithm: Algorithm, config: RunConfig, joined: Joined) -> None:
        self._algorithm, self._joined = algorithm, joined
        self._begun = self._shared = False
        # Of what says how it computes.
        self._cost = Cost(joined, xla=getattr(getattr(algorithm, "compute", None), "exchanges", False))
        self._config = {name: value for name, value in vars(config).items() if name != "about"}
        self._config["about"] = {"chosen": config.about.get("chosen")}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._algorithm, name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """That of what learns, for whoever asks what it is."""
        return type(self._algorithm)

    def train(self, steps: int) -> dict[str, float]:
        """Everywhere; the scalars are means over the processes.

        Raises:
            CrewLost: one of them is gone.
        """
        with self._saying():
            if not self._shared:
                # It may have taken up a checkpoint.
                self._share(self._algorithm.state())
                self._shared = True
            self._say({"do": "train", "steps": steps})
            start = time.perf_counter()
            found = _trained(self._joined, self._algorithm, steps)
            if self._cost.ready(found, time.perf_counter() - start):
                self._say({"do": "measure"})
                tell(self._cost.measured())
            return {**found, "work/exchanges": self._joined.exchanges(), **self._cost.scalars}

    def state(self) -> Mapping[str, Any]:
        """The algorithm's, with what the others alone have as it is now."""
        tree = self._algorithm.state()
        with self._saying():
            if not self._begun:
                self._share(tree)
            self._say({"do": "tell"})
            _told(self._joined, self._algorithm, tree)
        return tree

    def heed(self, evaluation: Evaluation) -> None:
        """Everywhere."""
        with self._saying():
            if self._begun and self._algorithm.heeds_evaluations:
                self._say({"do": "heed", "scalars": dict(evaluation.scalars), "episodes": evaluation.episodes})
            self._algorithm.heed(evaluation)

    def _share(self, tree: Mapping[str, Any]) -> None:
        """Let the others become what this one is; of their shards what it knows."""
        self._say({"do": "become", "config": self._config})
        self._begun = True
        known = {name: part for name, part in tree.items() if name != STATE}
        known[STATE] = {
            shard: part for shard, part in tree.get(STATE, {}).items() if isinstance(part, Told) and part.known
        }
        self._joined.share(_bytes(state.read(known)))

    def _say(self, what: Mapping[str, Any]) -> None:
        self._joined.share(_packed(what))

    @contextlib.contextmanager
    def _saying(self) -> Iterator[None]:
        """Inside it an error leaves the others in the middle of something: nothing can be said to them any more."""
        try:
            yield
        except BaseException as error:
            self._joined.whole = False
            if lost := crew.is_loss(error):
                raise lost from error
            raise


def follow(joined: Joined) -> Path | None:
    """Do what the chief says, until it says that this is the end; the run's directory.

    Raises:
        CrewLost: a process is gone.
    """
    with _deaf():
        algorithm: Algorithm | None = None
        try:
            while (said := json.loads(joined.share(None)))["do"] != "end":
                algorithm = _done(joined, algorithm, said)
        except BaseException as error:
            joined.whole = False
            if lost := crew.is_loss(error):
                raise lost from error
            raise
        finally:
            if algorithm is not None:
                algorithm.close()
        return None if said["run"] is None else Path(said["run"])


def _done(joined: Joined, algorithm: Algorithm | None, said: Mapping[str, Any]) -> Algorithm:
    """Do one thing that the chief says; the first is to become what it has."""
    if algorithm is None:
        # The chief has consented for all.
        algorithm = built(RunConfig.of_row(said["config"]), Consent("The run", True))
    if said["do"] == "become":
        _become(algorithm, _arrays(joined.share(None)))
    elif said["do"] == "train":
        _trained(joined, algorithm, said["steps"])
    elif said["do"] == "measure":
        joined.measured_seconds()
    elif said["do"] == "tell":
        _told(joined, algorithm, algorithm.state())
    else:
        algorithm.heed(Evaluation(said["scalars"], said["episodes"]))
    return algorithm


def _trained(joined: Joined, algorithm: Algorithm, steps: int) -> dict[str, float]:
    """Train, here as everywhere; the mean of each scalar over the processes that have it, and counters."""
    own = algorithm.train(steps)
    found = [json.loads(each) for each in joined.gather(json.dumps(own).encode())]
    return {**mean_by_name(found), **{name: value for name, value in own.items() if name.startswith("work/")}}


def _told(joined: Joined, algorithm: Algorithm, tree: Mapping[str, Any]) -> None:
    """Tell all others what this process alone has, and see that all else is alike.

    Raises:
        RlgenError: it is not.
    """
    parts: Mapping[str, Any] = tree.get(STATE, {})
    own = {shard: part for shard, part in parts.items() if not isinstance(part, Told)}
    learned = hashlib.blake2b(digest_size=16)
    for name, array in state.read(algorithm.inference_state()).items():
        learned.update(name.encode())
        learned.update(np.ascontiguousarray(array).data)
    told = joined.gather(learned.digest() + _bytes(state.read(own)))
    if len({each[:16] for each in told}) > 1:
        raise RlgenError(
            "The networks of the processes are not alike any more. They have to run on machines that compute alike, "
            "with the same versions of all packages."
        )
    arrays = {name: array for each in told for name, array in _arrays(each[16:]).items()}
    others = {shard: part for shard, part in parts.items() if isinstance(part, Told)}
    state.write(others, arrays)


def _become(algorithm: Algorithm, arrays: Arrays) -> None:
    """Take the chief's state; of the shards what it knows of them."""
    tree = dict(algorithm.state())
    parts = tree.pop(STATE, {})
    there = {name.split("/")[1] for name in arrays if name.startswith(f"{STATE}/")}
    known = {shard: part for shard, part in parts.items() if shard in there}
    state.write({**tree, **({STATE: known} if known else {})}, arrays)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Inside it signals that ask for an end are the chief's to hear: it saves the run and lets the others go."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _packed(what: Mapping[str, Any]) -> bytes:
    return json.dumps(what).encode()


def _bytes(arrays: Arrays) -> bytes:
    written = io.BytesIO()
    np.savez(written, allow_pickle=False, **arrays)  # type: ignore[arg-type]
    return written.getvalue()


def _arrays(data: bytes) -> Arrays:
    with np.load(io.BytesIO(data), allow_pickle=False) as opened:
        return {name: opened[name] for name in opened.files}
