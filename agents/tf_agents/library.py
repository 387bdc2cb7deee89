"""TF-Agents, imported when something of it is first asked for: with the Keras that it was written for.

TF-Agents 0.19 is of 2023. Its layers are Keras 2's, which TensorFlow calls `tf.keras` where TF_USE_LEGACY_KERAS is set
before the first use of it; Keras 3, which everything else here is made of, lives beside it in one process. So a class
that is an agent of TF-Agents can be looked at, and asked what it can do, where TF-Agents is missing.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import io
import os
import sys
from typing import Any

import numpy as np
import tensorflow as tf

from rlgen.errors import UserError

FLAG = "TF_USE_LEGACY_KERAS"
INSTALL = "pip install --no-deps tf-agents==0.19.0 gym==0.23.0 gym-notices gin-config"
# What is used of it, by the names it has here.
MODULES = {
    "actor_distribution_network": "networks.actor_distribution_network",
    "array_spec": "specs.array_spec",
    "categorical_dqn_agent": "agents.categorical_dqn.categorical_dqn_agent",
    "categorical_projection": "networks.categorical_projection_network",
    "categorical_q_network": "networks.categorical_q_network",
    "common": "utils.common",
    "ddpg_actor": "agents.ddpg.actor_network",
    "ddpg_critic": "agents.ddpg.critic_network",
    "dqn_agent": "agents.dqn.dqn_agent",
    "greedy_policy": "policies.greedy_policy",
    "policy_steps": "trajectories.policy_step",
    "ppo_agent": "agents.ppo.ppo_agent",
    "py_environment": "environments.py_environment",
    "q_network": "networks.q_network",
    "reinforce_agent": "agents.reinforce.reinforce_agent",
    "sac_agent": "agents.sac.sac_agent",
    "specs": "specs.tensor_spec",
    "tanh_normal": "agents.sac.tanh_normal_projection_network",
    "td3_agent": "agents.td3.td3_agent",
    "tf_agent": "agents.tf_agent",
    "tf_policy": "policies.tf_policy",
    "time_steps": "trajectories.time_step",
    "trajectories": "trajectories",
    "value_network": "networks.value_network",
    "value_ops": "utils.value_ops",
}


def __getattr__(name: str) -> Any:
    """A module of TF-Agents by its name in `MODULES`.

    Raises:
        UserError: TF-Agents, or something that it needs, is missing, or `tf.keras` is Keras 3 already.
    """
    if name not in MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    require()
    return _module(MODULES[name])


@functools.cache
def require() -> None:
    """Make sure that TF-Agents can be imported and is as it should be.

    Raises:
        UserError: as `__getattr__`, with what to do.
    """
    if importlib.util.find_spec("tf_agents") is None:
        raise UserError(f"TF-Agents is not installed, and this is one of its agents. Install it with:\n    {INSTALL}")
    os.environ[FLAG] = "1"
    # The first use of `tf.keras` decides which one it is: here, unless somebody was before us.
    if tf.keras.layers.Layer.__module__.startswith("keras."):
        raise UserError(
            "TF-Agents wants Keras 2 behind `tf.keras`, and this process has used `tf.keras` with Keras 3 already. Put "
            f'these lines before the first import of TensorFlow:\n    import os\n    os.environ["{FLAG}"] = "1"'
        )
    # TensorFlow made up its mind about `import tensorflow.keras`, which one of TF-Agents' modules does, when it was
    # imported itself.
    sys.modules["tensorflow.keras"] = importlib.import_module("tf_keras.api._v2.keras")
    _mend_for_numpy()


def _mend_for_numpy() -> None:
    """Two things that NumPy did when TF-Agents was written, and does no more."""
    # 2.4 makes no number out of an array of one, which a categorical policy asks for when it is made.
    _module(MODULES["categorical_projection"]).int = lambda array: np.asarray(array).item()
    # 2.0 takes 255 + 1 for 0 where 255 is a byte, and networks for pictures are made with random bytes.
    specs = _module(MODULES["specs"])
    sample = specs.sample_bounded_spec

    def of_bytes_too(spec: Any, *more: Any, **named: Any) -> Any:
        if spec.dtype != tf.uint8:
            return sample(spec, *more, **named)
        wide = specs.BoundedTensorSpec(spec.shape, tf.int32, np.int32(spec.minimum), np.int32(spec.maximum))
        return tf.cast(sample(wide, *more, **named), tf.uint8)

    specs.sample_bounded_spec = of_bytes_too


@functools.cache
def _module(path: str) -> Any:
    try:
        # Gym, of which it needs a part, tells everybody to move on.
        with contextlib.redirect_stderr(io.StringIO()):
            return importlib.import_module(f"tf_agents.{path}")
    except ModuleNotFoundError as error:
        # Python 3.12 has no distutils any more; setuptools has.
        more = " setuptools" if error.name == "distutils" else ""
        raise UserError(f"TF-Agents lacks '{error.name}'. Install what it needs with:\n    {INSTALL}{more}") from error
