"""The walk-through of docs/extending.md: its package is built from the page, installed, and used as it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pages
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
INSTALL = "pip install -e ."
# Nothing is fetched: what the package needs is there, seen through `see_through`.
OFFLINE = ["--quiet", "--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check"]
NAMES = {"cem": "agent", "gaussian": "generative", "Corridor-v0": "env", "mean_gap": "metric"}

# The command is installed with rlgen, not with the package, so the new environment gets one of its own.
RLGEN = """#!{python}
import sys
from rlgen.cli import main
main()
"""


class Example:
    """The package of the page, installed in an environment of its own."""

    def __init__(self, place: Path) -> None:
        self.project, self.bin = place / "rlgen-example", place / "venv" / "bin"
        for block in pages.blocks(PAGE):
            if block.title:
                file = self.project / block.title
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.text)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", place / "venv"], check=True)
        self.see_through()
        script = self.bin / "rlgen"
        script.write_text(RLGEN.format(python=self.python))
        script.chmod(0o755)

    @property
    def python(self) -> Path:
        return self.bin / "python"

    def see_through(self) -> None:
        """Let the new environment import what this one can, editable installations included."""
        (site,) = (self.bin.parent / "lib").glob("python*/site-packages")
        lines = [f"import site; site.addsitedir({sysconfig.get_path(kind)!r})\n" for kind in ("purelib", "platlib")]
        (site / "parent.pth").write_text("".join(dict.fromkeys(lines)))

    def run(self, *command: object, **options: object) -> str:
        """A command in the project's directory; its standard output.

        Raises:
            AssertionError: it ended with another code than 0.
        """
        path = os.pathsep.join([str(self.bin), os.environ["PATH"]])
        # What pytest sets to find the tests' helpers must not help here.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PATH": path}
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    made = Example(tmp_path_factory.mktemp("example"))
    assert INSTALL in PAGE.read_text()
    made.run(made.python, "-m", *INSTALL.split(), *OFFLINE)
    return made


def test_the_list_of_files_is_the_files() -> None:
    listed = next(block.text for block in pages.blocks(PAGE) if block.text.startswith("rlgen-example/"))
    titles = [block.title for block in pages.blocks(PAGE) if block.title]
    assert sorted(line.split()[0] for line in listed.splitlines()[1:]) == sorted(titles)


def test_the_names_are_listed_with_their_source(example: Example) -> None:
    rows = {row["name"]: row for row in json.loads(example.run("rlgen", "list", "--json"))}
    for name, kind in NAMES.items():
        assert (rows[name]["kind"], rows[name]["source"]) == (kind, "rlgen-example 0.1.0")
        assert rows[name]["summary"]
    assert rows["double_dqn"]["source"].startswith("rlgen ")
    assert '"source": "rlgen-example 0.1.0"' in PAGE.read_text()


def test_the_commands_and_the_python_of_the_page(example: Example) -> None:
    """In one process, to import TensorFlow once; and what they leave behind."""
    example.run(example.python, Path(pages.__file__), PAGE)
    cem, gaussian, corridor = (
        json.loads((example.project / "runs" / name / "result.json").read_text())
        for name in ("cem", "gaussian", "corridor")
    )
    assert (cem["algorithm"], cem["engine"], cem["steps"]) == ("cem", "gymnasium", 24_000)
    assert cem["evaluation"]["eval/mean_reward"] >= 100, "it learns; 20 is chance"
    assert gaussian["evaluation"]["eval/log_likelihood"] > 0
    assert gaussian["evaluation"]["eval/mean_gap"] < 0.5
    assert corridor["engine"] == "compiled"
    assert corridor["evaluation"]["eval/mean_reward"] > 0.5, "0 is chance"
    assert (example.project / "runs" / "corridor.gif").stat().st_size > 0


def test_the_packages_own_tests(example: Example) -> None:
    assert "pytest tests" in PAGE.read_text()
    out = example.run(example.python, "-m", "pytest", "tests", "-p", "no:cacheprovider", "--durations=0")
    assert "5 passed" in out
