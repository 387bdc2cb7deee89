"""Names in runs of other people: which are imported, which are refused before anything of theirs is executed."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from strangers import rewrite, write_config
from walk import WalkConfig

import rlgen
from rlgen import brought, checkpoint, data, importing, planning, registry, sources, state
from rlgen.errors import UserError
from rlgen.networks import own
from rlgen.run import Run

Command = Callable[..., Any]

# Leaves a mark where it is executed, and has something for each place in a run.
MODULE = """
from pathlib import Path

import gymnasium as gym
import numpy as np

from rlgen.data import Arrays, Dataset
from rlgen.spec import Spec

Path({mark!r}).write_text("executed")
Arm = type("Arm", (gym.Env,), {{}})
Wrap = type("Wrap", (gym.Wrapper,), {{}})


def net(inputs, outputs):
    return None


class Numbers(Dataset):
    spec = Spec((1,))

    def split(self, part):
        return Arrays(np.zeros((4, 1), np.float32))
"""


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the module `hostile` writes when it is executed."""
    place, file = tmp_path / "modules", tmp_path / "mark"
    place.mkdir()
    (place / "hostile.py").write_text(MODULE.format(mark=str(file)))
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.delitem(sys.modules, "hostile", raising=False)
    return file


@pytest.fixture
def seeker(walk: Any) -> Any:
    """The cheap algorithm, registered once more as two that look names up: `finder` environments, `reader` data."""

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class FinderConfig(walk.WalkConfig):
        wrappers: tuple[str, ...] = rlgen.option((), "Around the environment.")
        network: str = rlgen.option("auto", "A name.")

    class Finder(walk.Walk):
        """Looks up an environment, wrappers and a network."""

        Config = FinderConfig

        def __init__(self, *, problem: str, config: Any, seed: int, engine: str = "auto") -> None:
            super().__init__(problem="plain", config=config, seed=seed, engine=engine)
            self.problem = problem
            self.look_up()

        def look_up(self) -> None:
            sources.lookup(self.problem)
            own.find(self.config.network)
            for text in self.config.wrappers:
                sources.wrapper(text)

    class Reader(Finder):
        """Looks up a data set."""

        def look_up(self) -> None:
            data.load(self.problem)

    for name, cls, kind in (("finder", Finder, "env"), ("reader", Reader, "dataset")):
        cls.problem_kind = kind
        registry.register("supervised", name)(cls)
    return walk


def write_run(path: Path, algorithm: str = "finder", problem: str = "CartPole-v1", **config: Any) -> Path:
    """A run as somebody else's program may have written it, at step 10."""
    write_config(path, algorithm=algorithm, problem=problem, engine="auto", config=config)
    learned = state.read(registry.load("walk")(problem="plain", config=WalkConfig(), seed=0).state())
    for place in ("best", "checkpoints"):
        checkpoint.save(path / place, step=10, arrays=learned, about={"score": -1.0})
    return path


HOSTILE = {
    "problem": {"problem": "hostile:Arm"},
    "id": {"problem": "hostile:CartPole-v1"},
    "wrapper": {"wrappers": ["TimeLimit:9", "hostile:Wrap?x=1"]},
    "network": {"network": "hostile:net"},
    "data": {"algorithm": "reader", "problem": "hostile:Numbers"},
    "argument": {"problem": "CartPole-v1?env_id=hostile:Arm-v0"},
}


@pytest.mark.parametrize("asked", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_of_a_stranger_is_executed(
    asked: dict[str, Any], seeker: Any, mark: Path, tmp_path: Path, rlgen_command: Command
) -> None:
    run = write_run(tmp_path / "run", **asked)
    name = Run.open(run).config.algorithm
    for arguments in (
        ["evaluate", run, "--episodes", "1"],
        ["record", run, "--out", tmp_path / "film.gif"],
        ["train", name, "--run", run, "--resume", "--steps", "20"],
    ):
        done = rlgen_command(*arguments)
        assert (done.code, done.out) == (2, ""), done
        for words in (f"{run} asks for '", "hostile:", "not made here by you", "say --trust", "trust=True"):
            assert words in done.err
        assert "Traceback" not in done.err and not mark.exists()
    for use in (rlgen.load, rlgen.evaluate):
        with pytest.raises(UserError, match="asks for .*hostile:.* --trust"):
            use(run)
    assert not mark.exists() and "hostile" not in sys.modules


@pytest.mark.parametrize("asked", HOSTILE.values(), ids=HOSTILE.keys())
def test_to_begin_from_a_stranger_takes_weights_alone(
    asked: dict[str, Any], seeker: Any, mark: Path, tmp_path: Path
) -> None:
    run, name = write_run(tmp_path / "run", **asked), asked.get("algorithm", "finder")
    own_problem = {"env": "CartPole-v1"} if name == "finder" else {"data": "digits"}
    plan = planning.plan(name, start=run, run=tmp_path / "new", **own_problem)
    assert [plan.config.problem] == [*own_problem.values()] and not mark.exists()


def test_everything_that_is_asked_for_is_named(seeker: Any, mark: Path, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", problem="venv.__main__:CartPole-v1", wrappers=["a.b:C"], network="subprocess:run")
    with pytest.raises(UserError, match="asks for 'venv.__main__:CartPole-v1', 'a.b:C', 'subprocess:run', which"):
        rlgen.load(run)
    assert "venv.__main__" not in sys.modules


@pytest.mark.parametrize(
    "problem",
    [
        "subprocess:Popen?args=true",
        "os:system",
        "gymnasium:make?id=hostile:Arm-v0",
        "gymnasium.envs.registration:load_env_creator?name=os:system",
        "rlgen.__main__:CartPole-v1",
        "rlgen.agents.dqn:CartPole",
        " os:system",
        "a:os:system",
    ],
)
def test_what_is_imported_already_or_installed_is_no_excuse(seeker: Any, problem: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="asks for .*--trust"):
        rlgen.load(write_run(tmp_path / "run", problem=problem))


def test_a_wrapper_that_writes_where_it_is_told(seeker: Any, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", wrappers=[f"RecordVideo:{tmp_path / 'anywhere'}"])
    with pytest.raises(UserError, match="asks for 'RecordVideo:.*--trust"):
        rlgen.load(run)
    rlgen.load(run, trust=True)
    rlgen.load(write_run(tmp_path / "other", wrappers=["TimeLimit:9", "ClipReward"]))


@pytest.mark.parametrize("place", ["problem", "id", "wrapper", "network", "data"])
def test_consent(place: str, seeker: Any, mark: Path, tmp_path: Path, rlgen_command: Command) -> None:
    asked = HOSTILE[place]
    run = write_run(tmp_path / "run", **asked)
    rlgen.load(run, trust=True)
    assert mark.exists()
    for arguments in (
        ["evaluate", run, "--episodes", "1", "--trust"],
        ["record", run, "--out", tmp_path / "film.gif", "--trust"],
        ["train", asked.get("algorithm", "finder"), "--run", run, "--resume", "--steps", "20", "--trust"],
    ):
        assert rlgen_command(*arguments).code == 0
    with pytest.raises(UserError, match="--trust"):
        rlgen.load(run)


def test_consent_to_nothing(rlgen_command: Command, walk: Any) -> None:
    done = rlgen_command("train", "walk", "--trust")
    assert done.code == 2 and "--trust is for a run that is there" in done.err


def test_what_the_user_repeats_he_consents_to(seeker: Any, mark: Path, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", problem="hostile:Arm", wrappers=["hostile:Wrap"])
    resumed = {"run": run, "resume": True, "steps": 20}
    with pytest.raises(UserError, match="asks for 'hostile:Wrap', which"):
        planning.plan("finder", env="hostile:Arm", **resumed)
    with pytest.raises(UserError, match="asks for 'hostile:Arm', which"):
        planning.plan("finder", config={"wrappers": ["hostile:Wrap"]}, **resumed)
    assert not mark.exists()
    planning.plan("finder", env="hostile:Arm", wrappers=["hostile:Wrap"], **resumed)
    assert mark.exists()
    alone = write_run(tmp_path / "alone", problem="hostile:Arm")
    rlgen.load(alone, env="hostile:Arm")
    with pytest.raises(UserError, match="--trust"):
        rlgen.load(alone)


def test_a_run_of_ones_own(seeker: Any, mark: Path, tmp_path: Path) -> None:
    run = rlgen.train("finder", env="hostile:Arm", wrappers=["hostile:Wrap"], steps=10, run=tmp_path / "run")
    rlgen.load(run)
    assert rlgen.train("finder", run=run.path, resume=True, steps=20).steps == 20
    # Changed, it is somebody else's; so is another one with its signature.
    file = run.path / "config.json"
    whole, row = file.read_bytes(), json.loads(file.read_text())
    for change in ({"network": "hostile:net"}, {"wrappers": []}):
        rewrite(file, config={**row["config"], **change})
        with pytest.raises(UserError, match="as it stands was not made here by you"):
            rlgen.load(run.path)
    other = write_run(tmp_path / "other", problem="hostile:Arm")
    rewrite(other / "config.json", signature=row["signature"])
    with pytest.raises(UserError, match="--trust"):
        rlgen.load(other)
    file.write_bytes(whole)
    rlgen.load(rlgen.Run(run.path))


def test_a_run_of_ones_own_without_a_key(
    seeker: Any, mark: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    run = rlgen.train("finder", env="hostile:Arm", steps=10, run=tmp_path / "run")
    with pytest.raises(UserError, match="--trust"):
        rlgen.load(run)
    rlgen.load(run, trust=True)


def test_installed_packages_need_no_consent(seeker: Any, add_package: Callable[..., Path], tmp_path: Path) -> None:
    source = "import gymnasium as gym\n\n\ndef net(inputs, outputs): ...\n\n\nArm = type('Arm', (gym.Env,), {})\n"
    place = add_package("robots", {"env.Arm-v0": "robots:Arm"}, f"{source}gym.register('Leg-v0', Arm)\n")
    (place / "beside.py").write_text("raise SystemExit('executed')")
    for problem in ("Arm-v0", "robots:Arm", "robots:Leg-v0", "ale_py:ALE/Pong-v5", "gymnasium:CartPole-v1"):
        rlgen.load(write_run(tmp_path / problem.replace("/", "."), problem=problem))
    for asked in ({"problem": "beside:Leg-v0"}, {"network": "robots:net"}, {"network": "robots:Arm"}):
        with pytest.raises(UserError, match="asks for .*--trust"):
            rlgen.load(write_run(tmp_path / str(asked), **asked))


def test_objects_that_a_program_brings_need_none(seeker: Any, tmp_path: Path, mark: Path) -> None:
    name = brought.bring(lambda x: None, called="mine")
    rlgen.load(write_run(tmp_path / "run", problem=f"{name}?x=a"))


def test_what_is_looked_up_later(mark: Path) -> None:
    """A data set that a run remembers is loaded when somebody asks for its examples."""
    facts = {"shape": [1], "dtype": "float32"}
    with importing.of_run(importing.NOTHING, kind="dataset", problem="digits", config={}):
        theirs = data.Recorded("hostile:Numbers", facts)
        with pytest.raises(UserError, match="The run asks for 'hostile:Numbers'"):
            own.find("hostile:Numbers")
    with pytest.raises(UserError, match="The run asks for 'hostile:Numbers'"):
        theirs.split("train")
    assert not mark.exists()
    assert len(data.Recorded("hostile:Numbers", facts).split("train")) == 4


def test_a_trusted_run_inside_a_strangers(mark: Path) -> None:
    inner = importing.Consent(everything=True)
    with importing.of_run(importing.NOTHING, kind="env", problem="X-v0", config={}):
        with importing.of_run(inner, kind="env", problem="hostile:Arm", config={}):
            assert importing.load("env", "hostile:Arm?x=1").__name__ == "Arm"
        with pytest.raises(UserError, match="--trust"):
            importing.load("env", "hostile:Arm?x=1")


def test_what_a_program_names_itself(mark: Path) -> None:
    assert importing.load("network", "hostile:net").__name__ == "net"
    with pytest.raises(UserError, match="'hostile:Arn': 'hostile' has no attribute 'Arn'. Did you mean 'Arm'"):
        importing.load("env", "hostile:Arn")
    with pytest.raises(UserError, match="needs the module 'hostyle', which cannot be imported: .*Install its package"):
        importing.load("env", "hostyle:Arm")


def test_names_that_are_none_of_a_module(seeker: Any, tmp_path: Path) -> None:
    config = {"network": "dense", "wrappers": ["time_limit:9", "frame_stack:2", "DtypeObservation:float32"]}
    rlgen.load(write_run(tmp_path / "run", **config))
    rlgen.load(write_run(tmp_path / "other", algorithm="reader", problem="digits?fold=2"))
    asked = {"kind": "dataset", "problem": "images:photos?size=8", "config": {"rate": "linear:start=1,end=0,over=9"}}
    with importing.of_run(importing.NOTHING, **asked):
        pass
