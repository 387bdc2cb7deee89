"""Which module may import which: the arrows of the design, and that TensorFlow waits until it is needed."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rlgen import registry

ROOT = Path(__file__).parents[2]
PLUGINS = ("agents", "envs", "generative", "supervised", "data", "metrics")


def module_names() -> dict[str, Path]:
    found = {}
    for place, prefix in (("rlgen", "rlgen"), ("agents", "rlgen.agents"), ("envs", "rlgen.envs")):
        for file in sorted((ROOT / place).rglob("*.py")):
            parts = file.relative_to(ROOT / place).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            found[".".join([prefix, *parts])] = file
    return found


MODULES = module_names()
CORE = [name for name in MODULES if not name.startswith(tuple(f"rlgen.{part}" for part in PLUGINS))]


def statements(body: list[ast.stmt], *, inside_functions: bool) -> Iterator[ast.stmt]:
    """Statements that run, without those for type checkers alone."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not inside_functions:
            continue
        for part in ("body", "orelse", "finalbody"):
            yield from statements(getattr(node, part, []), inside_functions=inside_functions)
        for handler in getattr(node, "handlers", []):
            yield from statements(handler.body, inside_functions=inside_functions)


def imported(name: str, *, inside_functions: bool) -> set[str]:
    """The modules of this project that a module imports."""
    targets = set()
    for node in statements(ast.parse(MODULES[name].read_text()).body, inside_functions=inside_functions):
        if isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                targets.add(inner if inner in MODULES else str(node.module))
    return {target for target in targets if target.split(".")[0] == "rlgen"} & MODULES.keys()


def test_there_is_something_to_look_at() -> None:
    assert {"rlgen.trainer", "rlgen.cli", "rlgen.api"} <= set(CORE)
    assert {"rlgen.agents.dqn", "rlgen.envs.gymnasium"} <= MODULES.keys() - set(CORE)
    assert imported("rlgen.trainer", inside_functions=False) >= {"rlgen.checkpoint", "rlgen.algorithm"}


@pytest.mark.parametrize("name", CORE)
def test_the_core_imports_no_plugin(name: str) -> None:
    assert imported(name, inside_functions=True) <= set(CORE)


@pytest.mark.parametrize("name", CORE)
def test_the_core_names_no_algorithm(name: str) -> None:
    plugins = (plugin.name for plugin in registry.available() if plugin.kind in registry.ALGORITHM_KINDS)
    # A word of its own: a schedule, and what a last layer is.
    algorithms = "|".join(name for name in plugins if name != "linear")
    assert "double_dqn" in algorithms
    assert not re.findall(rf"""(["'`])({algorithms})\1""", MODULES[name].read_text())


def test_no_plugin_imports_what_drives_it() -> None:
    drivers = {"rlgen.trainer", "rlgen.cli", "rlgen.api", "rlgen.run", "rlgen.checkpoint", "rlgen.summary"}
    drivers |= {"rlgen.callbacks", "rlgen.hooks"}
    for name in MODULES.keys() - set(CORE):
        assert not imported(name, inside_functions=True) & drivers, name


def test_environments_data_and_metrics_know_no_algorithm() -> None:
    algorithms = tuple(f"rlgen.{part}" for part in ("agents", "generative", "supervised"))
    for name in MODULES:
        if name.startswith(("rlgen.envs", "rlgen.data", "rlgen.metrics")):
            assert not {other for other in imported(name, inside_functions=True) if other.startswith(algorithms)}, name


def test_no_circle() -> None:
    edges = {name: imported(name, inside_functions=False) - {name} for name in MODULES}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way, name))
        if name not in done:
            for other in sorted(edges[name]):
                visit(other, (*way, name))
            done.add(name)

    for name in MODULES:
        visit(name, ())
    assert done == set(MODULES)


HEAVY = ("tensorflow", "keras", "tensorboard", "matplotlib", "sklearn", "gymnasium", "imageio", "optuna")


def heavy_after(program: str) -> set[str]:
    """The heavy packages a program has imported when it ends."""
    ending = f"\nimport sys, json\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program + ending], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.strip().splitlines()[-1]))


def run_command(*arguments: str) -> str:
    return (
        f"import sys; sys.argv = {['rlgen', *arguments]!r}\nfrom rlgen.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )


@pytest.mark.parametrize(
    "program",
    [
        "import rlgen; dir(rlgen); rlgen.__version__",
        "import rlgen; rlgen.available(); rlgen.Config; rlgen.register",
        run_command("--help"),
        run_command("list"),
        run_command("list", "--json", "--kind", "env"),
        run_command("train", "--help"),
        run_command("train", "duble_dqn"),
        run_command("evaluate", "no-run-here"),
        run_command("record", "no-run-here", "--out", "film.gif"),
        run_command("translate", "no-run-here", "no-picture.png", "--out", "made"),
        run_command("paint", "no-run-here"),
        run_command("sweep", "--help"),
        run_command("sweep", "duble_dqn", "--search", "gamma=0.9..1"),
    ],
)
def test_what_must_answer_at_once_imports_nothing_heavy(program: str) -> None:
    assert heavy_after(program) & {"tensorflow", "keras", "tensorboard", "sklearn", "matplotlib", "optuna"} == set()


def test_the_core_itself_needs_no_tensorflow() -> None:
    # Four are about what runs inside TensorFlow; only who trains with it imports them.
    about_tensorflow = {f"rlgen.{name}" for name in ("draws", "half_precision", "learning", "loops")}
    program = "\n".join(f"import {name}" for name in CORE if name not in {"rlgen.__main__", *about_tensorflow})
    assert not heavy_after(program) & {"tensorflow", "keras"}


def test_training_itself_needs_none_either(tmp_path: Path) -> None:
    """An algorithm in NumPy pays for no TensorFlow: the loop, summaries and checkpoints do without."""
    support = str(ROOT / "tests" / "support")
    program = (
        f"import sys; sys.path.insert(0, {support!r})\nimport walk, rlgen\n"
        f"rlgen.train('walk', steps=10, run={str(tmp_path / 'run')!r})"
    )
    assert not heavy_after(program) & {"tensorflow", "keras"}
