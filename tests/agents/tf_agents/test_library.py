"""Where TF-Agents is missing or came too late, the message says what to do; and nothing else is affected."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rlgen.agents.tf_agents import library

# Nobody can import it, whatever is installed.
MISSING = """
import sys
class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "tf_agents":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "tf_agents" else find(name, package)
sys.meta_path.insert(0, Nowhere())
"""


def python(program: str, *, code: int = 0) -> str:
    """What a program of its own says, with TensorFlow's own lines left out."""
    # The flag is as whoever starts it left it.
    environment = {name: value for name, value in os.environ.items() if name != library.FLAG}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_where_it_is_missing_the_command_says_how_to_install_it_and_the_rest_works() -> None:
    command = 'from rlgen.cli import main\nsys.argv = ["rlgen", {}]\nmain()'
    said = python(MISSING + command.format('"train", "tf_agents/dqn"'), code=2)
    assert f"TF-Agents is not installed, and this is one of its agents. Install it with:\n    {library.INSTALL}" in said
    assert "Traceback" not in said
    assert "tf_agents/dqn" in python(MISSING + command.format('"list"'))
    assert "target_update_every_updates" in python(MISSING + command.format('"describe", "tf_agents/dqn"'))
    refused = python(MISSING + command.format('"train", "sac", "--env", "CartPole-v1"'), code=2)
    assert "tf_agents/dqn" in refused and "Traceback" not in refused


def test_keras_3_behind_tf_keras_is_too_late_and_the_message_has_the_lines() -> None:
    program = "import tensorflow as tf, rlgen\nfrom rlgen.errors import UserError\ntf.keras.layers.Dense\n"
    said = python(program + 'try:\n    rlgen.make("tf_agents/dqn")\nexcept UserError as error:\n    print(error)')
    assert "Keras 2" in said
    assert '    import os\n    os.environ["TF_USE_LEGACY_KERAS"] = "1"' in said


def test_tensorflow_may_have_been_imported_and_keras_3_used_beside_it() -> None:
    program = (
        "import tensorflow as tf, keras, rlgen\n"
        "keras.layers.Dense(1)(tf.zeros((1, 1)))\n"
        'print(type(rlgen.make("tf_agents/dqn", config={"hidden_units": (4,)}).agent).__name__)\n'
        "keras.layers.Dense(1)(tf.zeros((1, 1)))\n"
    )
    assert "DqnAgent" in python(program)


def test_what_is_not_of_it_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = library.nonsense
