"""Runs on a cluster of two nodes, which are both here: each is what it is alone, whatever happens to its process."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from side_by_side import OFTEN, Watch, assert_same, job

import rlgen
from rlgen import cluster, runtime, several, workers
from rlgen.errors import Interrupted, UserError

pytest.importorskip("ray")


def rays() -> set[int]:
    """Processes of Ray that were started from here."""
    return {each.pid for each in psutil.Process().children(recursive=True) if "ray" in each.name()}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of two nodes with a CPU each."""
    cluster.imported()
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80_000_000}
    # A node takes SIGTERM for itself, in the process that it is made in.
    before = signal.getsignal(signal.SIGTERM)
    # Sockets are made in it, whose paths must be short.
    with tempfile.TemporaryDirectory(prefix="rlgen-ray-", ignore_cleanup_errors=True) as place:
        head = {**node, "include_dashboard": False, "temp_dir": place}
        two = Cluster(initialize_head=True, head_node_args=head)
        two.add_node(**node)
        signal.signal(signal.SIGTERM, before)
        yield two.address
        two.shutdown()
    assert not rays()


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[cluster.RemoteProcess]:
    """The worker processes, in the order they were started."""
    made: list[cluster.RemoteProcess] = []
    start = cluster.RemoteProcess.__init__

    def noted(self: cluster.RemoteProcess) -> None:
        start(self)
        made.append(self)

    monkeypatch.setattr(cluster.RemoteProcess, "__init__", noted)
    return made


def test_runs_that_lose_their_processes_go_on_in_others_and_are_what_they_are_alone(
    address: str, tmp_path: Path, processes: list[cluster.RemoteProcess]
) -> None:
    import ray

    jobs = [job(tmp_path, seed) for seed in range(3)]

    def end(label: str) -> None:
        """The worker of one, and of another the actor beside it."""
        if label == "s0":
            os.kill(processes[0].number, signal.SIGKILL)
        elif label == "s2":
            ray.kill(processes[-1]._actor)

    watch = Watch(end)
    with cluster.joined(address, [tmp_path / "s0"]) as found:
        assert found.cpus == 2
        workers.train(jobs, workers=2, display=watch, start=found.start)
    assert sorted(watch.ended) == ["s0", "s1", "s2"]
    lost = [text for text in watch.told if "goes on in another process from step" in text]
    assert any("SIGKILL ended the process" in text for text in lost)
    assert any("Ray's process there is gone" in text for text in lost)
    for each in (0, 2):
        alone = rlgen.train("linear", data="digits", steps=400, seed=each, config=OFTEN, run=tmp_path / f"alone{each}")
        run = jobs[each].run
        assert run is not None
        assert_same(run, alone)
    assert not [name for name in tmp_path.iterdir() if name.name.startswith(".")]


def test_the_command_trains_on_it_and_finds_what_is_there(
    address: str, rlgen_command: Any, in_empty_directory: Path
) -> None:
    asked = ("train", "linear", "--data", "digits", "--steps", 50, "--seeds", 2, "--on", address)
    done = rlgen_command(*asked, "--run", "both")
    assert done.code == 0, done.err
    assert [line.split()[:2] for line in done.out.splitlines()[:2]] == [["seed", "0"], ["seed", "1"]]
    assert "s0: eval/accuracy" in done.err and "both/s0" in done.err
    assert (in_empty_directory / "both" / "s1" / "result.json").exists()


def test_the_nodes_train_one_run_together(address: str, tmp_path: Path) -> None:
    asked = {"data": "digits", "steps": 50, "run": tmp_path / "together", "config": OFTEN}
    run = several.together("linear", asked, workers=None, on=address)
    assert run.config.config["shards"] == 2 and run.steps == 50
    assert run.evaluation["eval/accuracy"] > 0.1
    with pytest.raises(UserError, match="workers=3: each takes a CPU, and the cluster of .* has 2"):
        several.together("linear", {**asked, "run": tmp_path / "three"}, workers=3, on=address)


def test_a_signal_lets_every_run_be_saved(address: str, tmp_path: Path) -> None:
    jobs = [job(tmp_path, seed, steps=2_000_000) for seed in range(3)]
    watch = Watch(lambda label: os.kill(os.getpid(), signal.SIGINT) if label == "s1" else None)
    with (
        cluster.joined(address, [tmp_path]) as found,
        pytest.raises(Interrupted, match="every run that had begun is saved"),
    ):
        workers.train(jobs, workers=2, display=watch, start=found.start)
    assert rlgen.Run.open(tmp_path / "s1").steps > 0
    assert not (tmp_path / "s2").exists()


def test_nodes_that_cannot_train_are_refused(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(message: str) -> None:
        with pytest.raises(UserError, match=message), cluster.joined(address, [tmp_path / "runs" / "s0"]):
            pass

    with monkeypatch.context() as patch:
        patch.setattr(runtime, "versions", lambda: {**dict.fromkeys(cluster.ALIKE, "1.0"), "rlgen": "9.9"})
        refused(f"The node .* has rlgen {rlgen.__version__}, and here it is 9.9")
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "ALIKE", ("no-such-package",))
        refused("The node .* has no no-such-package")
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "_tokens", lambda places: contextlib.nullcontext({tmp_path / "token": "text"}))
        refused(f"The node .* does not see the directory {tmp_path} of this machine")
    import ray

    with monkeypatch.context() as patch:
        patch.setattr(ray, "cluster_resources", dict)
        refused("has no workers: none of its 2 nodes has a CPU to give")
    assert not list(tmp_path.iterdir())


def test_where_no_cpu_is_free_nobody_waits_for_ever(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "PLACE_SECONDS", 1.0)
    import ray

    class Taken:
        """An actor that takes a CPU."""

        def here(self) -> None:
            """It is."""

    with cluster.joined(address, [tmp_path]) as found:
        taken = ray.remote(num_cpus=1)(Taken)
        others = [taken.remote() for _ in range(found.cpus)]
        ray.get([each.here.remote() for each in others])
        with pytest.raises(UserError, match="of its 2 CPUs 0 are free, and each takes one"):
            workers.train([job(tmp_path, 0)], workers=1, display=Watch(), start=found.start)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ("rya", "'rya' is no place to train on: give ray"),
        ("host:x", "is no place to train on"),
        ("ray://nobody", "is no place to train on"),
        ("127.0.0.1:1", "No cluster answers at 127.0.0.1:1"),
    ],
)
def test_places_that_are_none_are_refused(refused: Callable[..., Any], on: str, said: str) -> None:
    refused("train", "linear", "--seeds", 2, "--on", on, words=(said,))


def test_a_single_run_is_trained_here(refused: Callable[..., Any]) -> None:
    refused("train", "linear", "--on", "ray", words=("--on is for several runs, with --seeds or --folds",))


def test_a_cluster_s_token_is_sent_where_there_is_one_unless_ray_is_there_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "TOKEN", tmp_path / "auth_token")
    assert cluster.settings(imported=False) == cluster.QUIET
    cluster.TOKEN.write_text("a token")
    assert cluster.settings(imported=False) == {**cluster.QUIET, "RAY_AUTH_MODE": "token"}
    assert cluster.settings(imported=True) == cluster.QUIET


def test_where_ray_is_missing_the_command_that_brings_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install 'rlgen\[ray\]'"), cluster.joined("ray", []):
        pass
