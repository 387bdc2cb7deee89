"""What the peers' scripts share: their options, and the clock.

Environment steps are counted over all environments. The clock starts with the first rollout after `WARM_UP` of
them, when the updates have begun and everything has been compiled, and stops after the last update. All numbers
printed, as one JSON line, are of that window: `env_steps` and `updates` are differences of the library's own
counters.
"""

import argparse
import importlib
import json
import os
import time
from importlib.metadata import version
from typing import Any

import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env

WARM_UP = 2048  # environment steps
PACKAGES = {"sb3": ("stable_baselines3", "stable-baselines3"), "sbx": ("sbx", "sbx-rl")}  # module, distribution


def parser(description: str, *libraries: str) -> argparse.ArgumentParser:
    """The options every script has."""
    made = argparse.ArgumentParser(description=description.partition("\n")[0])
    made.add_argument("--library", choices=libraries, required=True)
    made.add_argument("--num-envs", type=int)
    made.add_argument("--env-steps", type=int, help="length of the run, warm-up included")
    made.add_argument("--threads", type=int, default=1)
    made.add_argument("--seed", type=int, default=0)
    return made


def off_policy_parser(description: str, *libraries: str) -> argparse.ArgumentParser:
    """The options of the scripts whose agents have a replay."""
    made = parser(description, *libraries)
    made.add_argument("--hidden", type=int, nargs="+", default=[256, 256])
    made.add_argument("--batch-size", type=int)
    made.add_argument("--train-every", type=int, help="environment steps between trainings")
    made.add_argument("--updates", type=int, help="gradient updates per training")
    made.add_argument("--learning-rate", type=float)
    made.add_argument("--learning-starts", type=int)
    made.add_argument("--replay", type=int, default=100_000, help="transitions kept")
    return made


def parse_off_policy(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options given, checked."""
    args = parser.parse_args()
    if args.train_every % args.num_envs:
        parser.error("--train-every must be a multiple of --num-envs")
    if args.learning_starts + args.train_every > WARM_UP:
        parser.error(f"learning must start within the warm-up of {WARM_UP} steps")
    return args


def off_policy_options(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments that DQN and SAC have in common, in both libraries."""
    return {
        "learning_rate": args.learning_rate,
        "buffer_size": args.replay,
        "learning_starts": args.learning_starts,
        "batch_size": args.batch_size,
        "gamma": 0.99,
        "train_freq": args.train_every // args.num_envs,  # which counts vector steps
        "gradient_steps": args.updates,
        "policy_kwargs": {"net_arch": args.hidden},
    }


def build(algorithm: str, env: Any, args: argparse.Namespace, policy: str = "MlpPolicy", **options: Any) -> Any:
    """An agent of the library asked for, computing with as many threads as asked for.

    `env` is an id, or environments that have been made.
    """
    # The size of XLA's thread pool; read when JAX is imported.  The often quoted XLA_FLAGS
    # (xla_cpu_multi_thread_eigen, intra_op_parallelism_threads) leave the pool as it is.
    os.environ["PJRT_NPROC"] = str(args.threads)
    torch.set_num_threads(args.threads)  # for SBX too: its replay buffer is SB3's, of torch tensors
    cls = getattr(importlib.import_module(PACKAGES[args.library][0]), algorithm.upper())
    envs = make_vec_env(env, n_envs=args.num_envs, seed=args.seed) if isinstance(env, str) else env
    return cls(policy, envs, seed=args.seed, device="cpu", verbose=0, **options)


class Stopwatch(BaseCallback):
    """The library's counters and the time, at both ends of the window."""

    start: tuple[float, int, int] | None = None

    def now(self) -> tuple[float, int, int]:
        return time.perf_counter(), self.model.num_timesteps, self.model._n_updates

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.start is None and self.model.num_timesteps >= WARM_UP:
            self.start = self.now()

    def _on_training_end(self) -> None:
        self.stop = self.now()


def report(model: Any, args: argparse.Namespace, *, every: int, updates: int) -> None:
    """Train, and print what was measured; `updates` after `every` environment steps is what has to be seen."""
    stopwatch = Stopwatch()
    model.learn(args.env_steps, callback=stopwatch, log_interval=None)
    if stopwatch.start is None:
        raise RuntimeError(f"the run ended within the warm-up of {WARM_UP} steps: ask for more --env-steps")
    seconds, env_steps, made = (b - a for a, b in zip(stopwatch.start, stopwatch.stop, strict=True))
    if made * every != env_steps * updates:
        raise RuntimeError(f"{made} updates in {env_steps} environment steps: not the ratio asked for")
    row = {
        "library": args.library,
        "version": version(PACKAGES[args.library][1]),
        "algorithm": type(model).__name__.lower(),
        "num_envs": args.num_envs,
        "env_steps": env_steps,
        "updates": made,
        "seconds": round(seconds, 3),
        "env_steps_per_second": round(env_steps / seconds, 1),
        "threads": args.threads,
    }
    print(json.dumps(row))
