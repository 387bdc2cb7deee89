"""What every test may use: plug-ins made of files, the command line in this process, a cheap algorithm."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

# Two test processes share the machine's cores; each would otherwise start a thread per core for BLAS.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from rlgen import cli, library, registry, runtime

# Before any test imports TensorFlow, as the command does.
runtime.prepare()
if any(flags in os.environ.get("XLA_FLAGS", "") for flags in runtime.XLA_FLAGS.values()):
    # Most of what a test waits for is compiled for it alone and runs for a moment.
    os.environ["XLA_FLAGS"] += " --xla_llvm_disable_expensive_passes=true --xla_cpu_use_fusion_emitters=false"

CONFIGURATION = "XDG_CONFIG_HOME"
CACHE = "RLGEN_CACHE"
PROGRAMS = "--tf_xla_persistent_cache_directory="


def pytest_configure(config: pytest.Config) -> None:
    """Test processes, and what they start, share what they compile or train once and the key that signs runs.

    The controller makes the places for it; none of it is the user's.
    """
    if not hasattr(config, "workerinput"):
        os.environ[CONFIGURATION] = tempfile.mkdtemp(prefix="rlgen-configuration-")
        os.environ[CACHE] = tempfile.mkdtemp(prefix="rlgen-cache-")
        if "TF_XLA_FLAGS" not in os.environ:
            os.environ["TF_XLA_FLAGS"] = PROGRAMS + tempfile.mkdtemp(prefix="rlgen-programs-")


def pytest_collection_finish() -> None:
    """What many tests train is compiled once, and no film made of it."""
    import unshown

    unshown.install()
    if "tensorflow" in sys.modules:
        import same_programs

        same_programs.install()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.get("TF_XLA_FLAGS", "").removeprefix(PROGRAMS), ignore_errors=True)
        shutil.rmtree(os.environ[CONFIGURATION], ignore_errors=True)
        shutil.rmtree(os.environ[CACHE], ignore_errors=True)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named after their argument: packed ones hold the time, and two processes must name tests alike."""
    return argname if isinstance(val, bytes) else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--everything`: at every operation instead of at some."""
    parser.addoption(
        "--everything", action="store_true", help="Let runs fail in every way, and write the figures down."
    )
    parser.addoption("--without-tf-agents", action="store_true", help="Leave out what needs TF-Agents.")


# What needs TF-Agents: its agents here, what ours are held against, and the page about them.
FILES_OF_TF_AGENTS = ("agents/tf_agents", "agents/test_oracle.py")
TESTS_OF_TF_AGENTS = ("[docs/tf_agents.md]", "up_to_date[docs/environments.md]", "[tf_agents/", "-tf_agents/")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out, with `--without-tf-agents`, what needs it; whoever does not say so is told that it is missing."""
    of_it = any(collection_path == Path(__file__).parent / name for name in FILES_OF_TF_AGENTS)
    return True if of_it and config.getoption("--without-tf-agents") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out single tests likewise."""
    if config.getoption("--without-tf-agents"):
        left_out = [item for item in items if any(part in item.nodeid for part in TESTS_OF_TF_AGENTS)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


SUPPORT = Path(__file__).with_name("support")
sys.path.insert(0, str(SUPPORT))


class Outcome(NamedTuple):
    """What a call of the command came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def rlgen_command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Call `rlgen` in this process: arguments to exit code, standard output and standard error."""

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["rlgen", *map(str, arguments)])
        capfd.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        return Outcome(code, *capfd.readouterr())

    return call


@pytest.fixture(scope="module", autouse=True)
def signals_are_left_alone() -> Iterator[None]:
    """A file of tests that left a handler of its own would let those after it, in the same process, fail."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    after = [signal.getsignal(number) for number in numbers]
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
    assert after == before


@pytest.fixture
def everything(request: pytest.FixtureRequest) -> bool:
    """Whether all there is to try is tried, and not a sample."""
    return bool(request.config.getoption("--everything"))


@pytest.fixture
def figures(everything: bool) -> Callable[..., None]:
    """Write down what was found for a kind of fault, where everything was tried."""
    from fault_figures import write

    return write if everything else lambda *_, **__: None


@pytest.fixture
def undrawn(walk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of the cheap algorithm draw no curve, which would take nine tenths of their time."""
    from outcomes import draw

    monkeypatch.setattr("rlgen.finish.draw_learning_curve", draw)


@pytest.fixture
def uncompiled() -> Iterator[None]:
    """Compiled programs run step by step: for tests of so many of them that compiling each would take minutes."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def in_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, so that anything written by mistake is seen."""
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def data_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for data sets, the only one where there are any."""
    place = tmp_path / "data-sets"
    place.mkdir()
    nowhere = tmp_path / "nowhere"
    for variable in ("KERAS_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(nowhere))
    monkeypatch.setattr(library, "DEBIAN", nowhere)
    monkeypatch.setattr(library, "TORCHVISION", nowhere)
    monkeypatch.setenv(library.VARIABLE, str(place))
    return place


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a program of this name on PATH, where nothing else is, that runs these lines of Python."""
    place = tmp_path / "programs"
    place.mkdir()
    monkeypatch.setenv("PATH", str(place))

    def put(name: str, lines: str) -> None:
        (place / name).write_text(f"#!{sys.executable}\n{lines}\n")
        (place / name).chmod(0o755)

    return put


@pytest.fixture
def clean_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Names registered in the test are gone after it, and entry points are read anew."""
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    registry._scan.cache_clear()
    yield
    registry._scan.cache_clear()


@pytest.fixture
def walk(clean_registry: None) -> Any:
    """The module of the cheap algorithm, registered as `walk` for this test."""
    import walk as module

    registry.register("supervised", "walk")(module.Walk)
    return module


@pytest.fixture
def add_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_registry: None
) -> Callable[[str, dict[str, str], str], Path]:
    """Put a package on `sys.path` as if it were installed: its name, its entry points, the source of its module.

    The module is named like the package; it is forgotten after the test.
    """

    def add(name: str, entry_points: dict[str, str], source: str) -> Path:
        place = tmp_path / "site" / name
        about = place / f"{name}-1.2.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        lines = "".join(f"{point} = {target}\n" for point, target in entry_points.items())
        (about / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{lines}")
        (place / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(str(place))
        monkeypatch.delitem(sys.modules, name, raising=False)
        registry._scan.cache_clear()
        return place

    return add


@pytest.fixture(scope="session")
def subprocess_environment() -> dict[str, str]:
    """The environment for a Python of its own that can import the tests' helpers."""
    paths = [str(SUPPORT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


@pytest.fixture
def refused(rlgen_command: Callable[..., Outcome], in_empty_directory: Path, walk: Any) -> Any:
    """Check that a command line is refused as mistakes are; `walk` may be trained."""
    from refused import Refused

    return Refused(rlgen_command, in_empty_directory)
