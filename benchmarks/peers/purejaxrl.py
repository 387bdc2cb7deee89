"""Measure the training speed of PureJaxRL (JAX) on CartPole-v1, on CPU, from a checkout of it.

Its scripts compile a whole training into one function. That function is compiled first, and then timed from its call
to its end, so the run begins with whatever its recipe begins with.

    python purejaxrl.py --checkout ~/purejaxrl --algorithm a2c --num-envs 16
"""

import argparse
import importlib
import json
import os
import sys
import time
import types
from importlib.metadata import version
from pathlib import Path
from typing import Any

DQN = {
    "BUFFER_SIZE": 10_000,
    "BUFFER_BATCH_SIZE": 128,
    "EPSILON_START": 1.0,
    "EPSILON_FINISH": 0.05,
    "EPSILON_ANNEAL_TIME": 25e4,
    "TARGET_UPDATE_INTERVAL": 500,
    "LR": 2.5e-4,
    "LEARNING_STARTS": 10_000,
    "TRAINING_INTERVAL": 10,
    "LR_LINEAR_DECAY": False,
    "GAMMA": 0.99,
    "TAU": 1.0,
    "SEED": 0,
    "NUM_SEEDS": 1,
    "WANDB_MODE": "disabled",
    "ENTITY": "",
    "PROJECT": "",
}
PPO = {
    "LR": 2.5e-4,
    "NUM_STEPS": 128,
    "UPDATE_EPOCHS": 4,
    "NUM_MINIBATCHES": 4,
    "GAMMA": 0.99,
    "GAE_LAMBDA": 0.95,
    "CLIP_EPS": 0.2,
    "ENT_COEF": 0.01,
    "VF_COEF": 0.5,
    "MAX_GRAD_NORM": 0.5,
    "ACTIVATION": "tanh",
    "ANNEAL_LR": True,
    "DEBUG": False,
}
# One gradient step on every rollout of 16 steps is A2C.
A2C = {**PPO, "NUM_STEPS": 16, "UPDATE_EPOCHS": 1, "NUM_MINIBATCHES": 1}
RECIPES = {"dqn": DQN, "ppo": PPO, "a2c": A2C}


def stand_in(name: str, **attributes: Any) -> None:
    """A module that its scripts import and a measurement does not use."""
    module = types.ModuleType(name)
    module.__dict__.update(attributes)
    sys.modules[name] = module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--checkout", type=Path, required=True)
    parser.add_argument("--algorithm", choices=RECIPES, required=True)
    parser.add_argument("--num-envs", type=int, required=True)
    parser.add_argument("--env-steps", type=int, default=1_000_000)
    parser.add_argument("--replay", type=int, default=DQN["BUFFER_SIZE"], help="transitions that DQN keeps")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    os.environ["PJRT_NPROC"] = str(args.threads)  # read when JAX is imported
    for name in ("wandb", "navix", "brax", "brax.envs", "brax.envs.wrappers"):
        stand_in(name)
    sys.modules["brax"].envs = sys.modules["brax.envs"]
    stand_in("brax.envs.wrappers.training", EpisodeWrapper=object, AutoResetWrapper=object)
    sys.path.insert(0, str(args.checkout / "purejaxrl"))
    import jax

    jax.tree_map = jax.tree.map  # which it was written for
    module = importlib.import_module("dqn" if args.algorithm == "dqn" else "ppo")
    recipe = {
        **RECIPES[args.algorithm],
        "NUM_ENVS": args.num_envs,
        "TOTAL_TIMESTEPS": args.env_steps,
        "ENV_NAME": "CartPole-v1",
        "BUFFER_SIZE": args.replay,
    }
    train = jax.jit(module.make_train(recipe)).lower(jax.random.PRNGKey(0)).compile()
    start = time.perf_counter()
    jax.block_until_ready(train(jax.random.PRNGKey(1)))
    seconds = time.perf_counter() - start
    row = {
        "library": "purejaxrl",
        "version": f"JAX {version('jax')}",
        "algorithm": args.algorithm,
        "num_envs": args.num_envs,
        "env_steps": args.env_steps,
        "seconds": round(seconds, 3),
        "env_steps_per_second": round(args.env_steps / seconds, 1),
        "threads": args.threads,
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
