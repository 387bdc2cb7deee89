"""That the tree on disk is the package that is imported, from wherever Python is started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_package_is_found_from_above_a_clone_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "rlgen").symlink_to(ROOT, target_is_directory=True)
    program = "import rlgen; print(rlgen.__version__, rlgen.__file__)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    version, file = done.stdout.split()
    assert version and Path(file) == ROOT / "rlgen" / "__init__.py"


def test_agents_and_environments_are_where_editors_look_for_them() -> None:
    for folder in ("agents", "envs"):
        inside = ROOT / "rlgen" / folder
        assert inside.is_dir() and inside.resolve() == ROOT / folder
        assert (inside / "__init__.py").read_text() == (ROOT / folder / "__init__.py").read_text()
