import os
import subprocess
import sys

import numpy as np
import pytest

from rlgen import runtime
from rlgen.errors import UserError


def test_seeds_are_named_not_counted() -> None:
    purposes = [("a",), ("b",), ("a", 1), ("a", 2), ("a", "b"), ("ab",)]
    seeds = [runtime.derive_seed(seed, *purpose) for seed in (0, 1) for purpose in purposes]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert runtime.derive_seed(5, "x") == runtime.derive_seed(5, "x")
    # A constant, so that a change of the rule, which would change every run, is noticed.
    assert runtime.derive_seed(0, "network") == 1461705491


def test_generators_repeat() -> None:
    first, second = (runtime.generator(1, "x").normal(size=4) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (runtime.generator(1, "y").normal(size=4) != first).all()


def test_stateless_seeds() -> None:
    assert runtime.stateless(7, 3).numpy().tolist() == [7, 3]


def test_memory_is_refused_with_the_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "free_memory_bytes", lambda: 1_000_000)
    runtime.require_memory({"replay": 600_000, "images": 400_000})
    runtime.require_memory({})
    with pytest.raises(UserError) as caught:
        runtime.require_memory({"replay": 600_000, "images": 400_001}, advice="Make it smaller (--set size=...)")
    for word in (
        "replay 600.0 kB + images 400.0 kB = 1.0 MB",
        "1.0 MB is free",
        "(--set size=...) or free some",
    ):
        assert word in str(caught.value)
    with pytest.raises(UserError, match=r"is free\. Free some memory\."):
        runtime.require_memory({"replay": 2_000_000})


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (5_600_000, "5.6 MB"), (28_224_000_000, "28.2 GB"), (3e12, "3.0 TB")],
)
def test_bytes_for_people(count: float, text: str) -> None:
    assert runtime.human_bytes(count) == text


def test_what_a_user_has_set_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    runtime.prepare()
    import os

    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
    assert os.environ["KERAS_BACKEND"] == "tensorflow"


def test_a_failing_import_shows_what_was_written() -> None:
    """What a broken TensorFlow says must not be swallowed with its usual chatter."""
    program = (
        "import sys, os, importlib.abc, importlib.machinery\n"
        "from rlgen import runtime\n"
        "class Broken(importlib.abc.MetaPathFinder, importlib.abc.Loader):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        return importlib.machinery.ModuleSpec(name, self) if name == 'tensorflow' else None\n"
        "    def create_module(self, spec):\n"
        "        return None\n"
        "    def exec_module(self, module):\n"
        "        os.write(2, b'the disk is on fire')\n"
        "        raise ImportError('no luck')\n"
        "found, broken = importlib.machinery.PathFinder.find_spec, Broken()\n"
        "importlib.machinery.PathFinder.find_spec = lambda *name: broken.find_spec(*name) or found(*name)\n"
        "runtime.import_tensorflow()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the disk is on fire" in done.stderr
    assert "no luck" in done.stderr


def test_parts_of_keras_wait_until_they_are_used() -> None:
    program = (
        "import gc, sys\n"
        "from rlgen import runtime\n"
        "runtime.import_tensorflow()\n"
        "assert gc.isenabled() and not {'sklearn', 'matplotlib'} & sys.modules.keys()\n"
        "import keras, tensorflow as tf\n"
        "assert keras.wrappers.SKLearnClassifier is tf.keras.wrappers.SKLearnClassifier\n"
        "from keras.visualization import plot_image_gallery\n"
        "assert {'sklearn', 'matplotlib'} <= sys.modules.keys()\n"
    )
    # Keras 2, which a test of TF-Agents' agents may have asked for in this process, has other parts.
    environment = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, "nothing of TensorFlow's own talk"
