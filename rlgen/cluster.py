"""Worker processes on the nodes of a cluster, which Ray finds and watches.

A worker there is the same `python -m rlgen.worker` as on one machine: Ray's own processes have settings of theirs, for
threads and signals, and a run is to be what it is alone. An actor beside it passes on what is said. Where the actor is
lost, with its node for instance, the worker hears that nobody asks any more, saves its run and ends.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import socket
import sys
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlgen import runtime
from rlgen.errors import RlgenError, UserError, first_line
from rlgen.processes import Process, free_address

# How long a process may take to be given a place, a node to answer, and an address to be there.
PLACE_SECONDS, NODE_SECONDS, ADDRESS_SECONDS = 60.0, 60.0, 5.0

# What has to be the same everywhere, or a run would not be what it is alone.
ALIKE = ("rlgen", "tensorflow", "keras", "numpy")

# Variables of the environment that change what is computed, or what rlgen finds.
PASSED_ON = ("XLA_", "TF_", "KERAS_", "RLGEN_", "OMP_")

# Where Ray keeps what lets a client in.
TOKEN = Path.home() / ".ray" / "auth_token"

# Ray counts with these before it is imported: no lines about what will change, no reports of use.
QUIET = {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster that has been looked at.

    Attributes:
        cpus: how many processes can run at once: each takes one.
    """

    cpus: int

    def start(self) -> RemoteProcess:
        """A worker process where there is place.

        Raises:
            RlgenError: there is none.
        """
        return RemoteProcess()


@contextlib.contextmanager
def joined(address: str, places: Iterable[Path]) -> Iterator[Cluster]:
    """Inside, this process belongs to a cluster whose nodes can train.

    Args:
        address: "ray" (the one that `RAY_ADDRESS` names or that runs here, or a new one of this machine), "auto" (the
            same, but never a new one), host:port, or ray://host:port of a Ray Client server.
        places: directories that are to be written.

    Raises:
        UserError: there is no Ray, no such cluster, or its nodes cannot train; the message says which and why.
    """
    ray, ours = imported(), False
    # Ray ends a process on SIGTERM in its own way.
    before = signal.getsignal(signal.SIGTERM)
    if not ray.is_initialized():
        _connect(ray, address)
        ours = True
    try:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
        cpus = int(ray.cluster_resources().get("CPU", 0))
        if not cpus:
            raise UserError(
                f"The cluster of '{address}' has no workers: none of its {len(ray.nodes())} nodes has a CPU to give. "
                "Start one with one: ray start --address=HOST:PORT --num-cpus=4."
            )
        _check_nodes(ray, list(places))
        yield Cluster(cpus=cpus)
    finally:
        if ours:
            ray.shutdown()


def check_address(address: str) -> None:
    """See that an address has a form that is known.

    Raises:
        UserError: it has not.
    """
    if address in ("ray", "auto"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdecimal() and 0 < int(port) < 65536):
        raise UserError(
            f"'{address}' is no place to train on: give ray (the cluster that RAY_ADDRESS names or that runs on this "
            "machine, or a new one of this machine), auto (only one that is there), host:port, or ray://host:port."
        )


def settings(*, imported: bool) -> dict[str, str]:
    """Variables of the environment that Ray is to find, where the user has none.

    Args:
        imported: whether Ray has been imported, and has read what it wants to know of clusters that ask for a token:
            what it starts would find something else.
    """
    # `ray start` writes a token, and the cluster that it made asks for it.
    return {**QUIET, "RAY_AUTH_MODE": "token"} if TOKEN.exists() and not imported else QUIET


def imported() -> Any:
    """Ray, imported quietly."""
    for name, value in settings(imported="ray" in sys.modules).items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise UserError(
            f"Runs on a cluster go through Ray, which cannot be imported: {error}. Bring it: pip install 'rlgen[ray]'."
        ) from error
    return ray


def _connect(ray: Any, address: str) -> None:
    """Join a cluster, or start one."""
    check_address(address)
    if address not in ("ray", "auto"):
        host, _, port = address.removeprefix("ray://").rpartition(":")
        try:
            # Ray itself asks for minutes.
            socket.create_connection((host.strip("[]"), int(port)), timeout=ADDRESS_SECONDS).close()
        except OSError as error:
            raise UserError(f"No cluster answers at {address}: {error.strerror or error}.") from error
    quietly: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": True}
    try:
        ray.init(**({} if address == "ray" else {"address": address}), **quietly)
    except (ConnectionError, RuntimeError, ValueError) as error:
        what = "No cluster runs here" if address == "auto" else f"The cluster of '{address}' cannot be joined"
        raise UserError(f"{what}: {str(error).strip().splitlines()[0]}") from error


def _check_nodes(ray: Any, places: Sequence[Path]) -> None:
    """Ask every node that can train for its versions, and whether it sees what this process writes.

    Raises:
        UserError: one cannot train, and why.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    with _tokens(places) as tokens:
        looking = ray.remote(num_cpus=0, max_retries=0)(_look())
        asked = {
            looking.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(
                ALIKE, {str(file): text for file, text in tokens.items()}
            ): node
            for node in nodes
        }
        for answer, node in asked.items():
            name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
            try:
                versions, unseen = ray.get(answer, timeout=NODE_SECONDS)
            except ray.exceptions.RayError as error:
                raise UserError(f"The node {name} does not answer: {first_line(error)}") from error
            check_versions(name, versions)
            if unseen:
                raise UserError(
                    f"The node {name} does not see the directory {Path(unseen[0]).parent} of this machine, or may not "
                    "write to it. Runs are written by the nodes: give --run a directory that all of them share, at "
                    "the same path."
                )


def check_versions(node: str, versions: Mapping[str, str | None]) -> None:
    """Hold a node's versions against those here.

    Raises:
        UserError: they differ.
    """
    here = runtime.versions()
    for package, there in versions.items():
        if there is None:
            raise UserError(
                f"The node {node} has no {package}; here it is {here.get(package)}. Install the same there."
            )
        if there != here.get(package):
            raise UserError(
                f"The node {node} has {package} {there}, and here it is {here.get(package)}: a run would not be what "
                "it is here. Install the same there."
            )


def _look() -> Any:
    """What a node is asked; it is sent as it stands, because the node may have no rlgen, or another one."""

    def look(packages: Any, tokens: Any) -> Any:
        import os
        from importlib import metadata
        from pathlib import Path

        versions: dict[str, str | None] = {}
        for package in packages:
            try:
                versions[package] = metadata.version(package)
            except metadata.PackageNotFoundError:
                versions[package] = None
        unseen = []
        for file, text in tokens.items():
            try:
                seen = Path(file).read_text() == text and os.access(Path(file).parent, os.W_OK)
            except OSError:
                seen = False
            if not seen:
                unseen.append(file)
        return versions, unseen

    return look


@contextlib.contextmanager
def _tokens(places: Sequence[Path]) -> Iterator[dict[Path, str]]:
    """A file in each of the directories, or in the nearest above that is there, with a text that nobody else knows."""
    above = {next(each for each in (place, *place.parents) if each.is_dir()) for place in map(Path.absolute, places)}
    text = uuid.uuid4().hex
    files = {place / f".rlgen-{text}": text for place in sorted(above)}
    try:
        for file in files:
            try:
                file.write_text(text)
            except OSError as error:
                raise UserError(f"{file.parent} cannot be written: {error.strerror or error}.") from error
        yield files
    finally:
        for file in files:
            file.unlink(missing_ok=True)


class RemoteProcess:
    """A worker process on a node, spoken to through the actor beside it."""

    def __init__(self) -> None:
        """Wait for a place, and start it there.

        Raises:
            UserError: there is no place.
            RlgenError: it cannot be started.
        """
        self._ray = imported()
        actor = self._ray.remote(num_cpus=1, max_restarts=0, max_concurrency=4)(Relay)
        settings = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        self._lost = ""
        self._actor = actor.remote(str(Path.cwd()), [place for place in sys.path if place], settings)
        try:
            self.node: str = self._ray.get(self._actor.node.remote(), timeout=PLACE_SECONDS)
        except self._ray.exceptions.GetTimeoutError as error:
            self._end()
            free = self._ray.available_resources().get("CPU", 0)
            raise UserError(
                f"The cluster gave no place to a process in {PLACE_SECONDS:.0f} seconds: of its "
                f"{self._ray.cluster_resources().get('CPU', 0):.0f} CPUs {free:.0f} are free, and each takes one. Wait "
                "for what runs there, or add a node."
            ) from error
        except self._ray.exceptions.RayError as error:
            self._end()
            raise RlgenError(f"No process could be started on the cluster: {first_line(error)}") from error

    @property
    def number(self) -> int:
        """Of the process, on its node."""
        return int(self._ray.get(self._actor.number.remote()))

    def address(self) -> str:
        """As `rlgen.processes.Process`, for other machines."""
        return str(self._ray.get(self._actor.address.remote()))

    def words(self, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """As `rlgen.processes.Process`."""
        try:
            asked = self._actor.ask.remote({**request, "run": str(Path(request["run"]).absolute())})
            self._ray.get(asked)
            while (said := self._ray.get(self._actor.said.remote())) is not None:
                yield from said
        except self._ray.exceptions.RayError as error:
            self._lost = f"its node or Ray's process there is gone: {first_line(error)}"

    def send(self, number: int) -> None:
        """As `rlgen.processes.Process`."""
        self._actor.send.remote(number)

    def why(self) -> str:
        """As `rlgen.processes.Process`."""
        if self._lost:
            return self._lost
        try:
            return str(self._ray.get(self._actor.why.remote()))
        except self._ray.exceptions.RayError as error:
            return f"its node or Ray's process there is gone: {first_line(error)}"

    def close(self) -> None:
        """As `rlgen.processes.Process`."""
        with contextlib.suppress(self._ray.exceptions.RayError):
            self._ray.get(self._actor.close.remote())
        self._end()

    def _end(self) -> None:
        self._ray.kill(self._actor)


class Relay:
    """The actor beside a worker process: it keeps what is said until it is asked for."""

    def __init__(self, directory: str, path: Sequence[str], settings: Mapping[str, str]) -> None:
        """Start the process, where and as the one who asks works, as far as the node allows it."""
        sys.path += [place for place in path if place not in sys.path]
        # Ray gives its processes one thread; a run has as many as it has alone.
        environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        where = Path(directory)
        self._process = Process(environment={**environment, **settings}, directory=where if where.is_dir() else None)
        self._said: queue.Queue[Mapping[str, Any] | None] = queue.Queue()

    def node(self) -> str:
        """The name of the machine."""
        return socket.gethostname()

    def address(self) -> str:
        """Where the process can listen, on the node's own address."""
        return free_address(imported().util.get_node_ip_address())

    def ask(self, request: Mapping[str, Any]) -> None:
        """Ask for a run."""
        # A new one: whoever has heard the answer does not wait for the end of the last one.
        heard = self._said = queue.Queue()

        def listen() -> None:
            for said in self._process.words(request):
                heard.put(said)
            heard.put(None)

        threading.Thread(target=listen, daemon=True).start()

    def said(self) -> list[Mapping[str, Any]] | None:
        """What was said since; waits until there is something; None when nothing more will come."""
        if (first := self._said.get()) is None:
            return None
        found = [first]
        while not self._said.empty() and self._said.queue[0] is not None:
            found.append(self._said.get())  # type: ignore[arg-type]
        return found

    def send(self, number: int) -> None:
        """Send the process a signal."""
        self._process.send(number)

    def why(self) -> str:
        """Why the process is gone."""
        return self._process.why()

    def number(self) -> int:
        """Of the process."""
        return self._process.number

    def close(self) -> None:
        """Let the process go."""
        self._process.close()
