"""Measure the training speed of DQN on CartPole-v1 in Stable-Baselines3 (PyTorch) or SBX (JAX), on CPU.

The recipe is RL Baselines3 Zoo's for CartPole: a 256-256 ReLU network, batches of 64, 128 gradient updates
per 256 environment steps.  Environment steps are counted over all environments; the libraries' `train_freq`
counts vector steps, hence `train_freq = train_every / num_envs`.

The clock starts with the first rollout after `WARM_UP` environment steps, when the updates have begun and
everything has been compiled, and stops after the last update.  All numbers printed, as one JSON line, are of
that window: `env_steps` and `updates` are differences of the library's own counters.

    python dqn.py --library sb3 --threads 1
"""

import argparse
import json
import os
import time
from importlib.metadata import version
from typing import Any

WARM_UP = 2048  # environment steps
EXPLORATION_STEPS = 0.16 * 50_000  # environment steps over which epsilon falls from 1 to its final value


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--library", choices=("sb3", "sbx"), required=True)
    parser.add_argument("--num-envs", type=int, default=8)
    parser.add_argument("--env-steps", type=int, default=20_000, help="length of the run, warm-up included")
    parser.add_argument("--hidden", type=int, nargs="+", default=[256, 256])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--train-every", type=int, default=256, help="environment steps between trainings")
    parser.add_argument("--updates", type=int, default=128, help="gradient updates per training")
    parser.add_argument("--learning-rate", type=float, default=2.3e-3)
    parser.add_argument("--learning-starts", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.train_every % args.num_envs:
        parser.error("--train-every must be a multiple of --num-envs")
    if args.learning_starts + args.train_every > WARM_UP or args.env_steps <= WARM_UP:
        parser.error(f"learning must start before, and the run end after, the warm-up of {WARM_UP} steps")
    if args.library == "sbx" and (len(args.hidden) != 2 or args.hidden[0] != args.hidden[1]):
        parser.error("SBX's DQN has two hidden layers of the same width (it reads the first one only)")
    return args


def measure(args: argparse.Namespace) -> dict[str, Any]:
    # The size of XLA's thread pool; read when JAX is imported.  The often quoted XLA_FLAGS
    # (xla_cpu_multi_thread_eigen, intra_op_parallelism_threads) leave the pool as it is.
    os.environ["PJRT_NPROC"] = str(args.threads)
    import torch

    torch.set_num_threads(args.threads)  # for SBX too: its replay buffer is SB3's, of torch tensors
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    if args.library == "sb3":
        from stable_baselines3 import DQN
    else:
        from sbx import DQN

    class Stopwatch(BaseCallback):
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

    env = make_vec_env("CartPole-v1", n_envs=args.num_envs, seed=args.seed)
    model = DQN(
        "MlpPolicy",
        env,
        learning_rate=args.learning_rate,
        buffer_size=100_000,
        learning_starts=args.learning_starts,
        batch_size=args.batch_size,
        gamma=0.99,
        train_freq=args.train_every // args.num_envs,
        gradient_steps=args.updates,
        target_update_interval=10,
        exploration_fraction=min(1.0, EXPLORATION_STEPS / args.env_steps),
        exploration_final_eps=0.04,
        policy_kwargs={"net_arch": args.hidden},
        seed=args.seed,
        device="cpu",
        verbose=0,
    )
    model.predict(env.reset(), deterministic=True)  # compiles acting, which exploration may put off
    stopwatch = Stopwatch()
    model.learn(args.env_steps, callback=stopwatch, log_interval=None)
    assert stopwatch.start is not None
    seconds, env_steps, updates = (b - a for a, b in zip(stopwatch.start, stopwatch.stop, strict=True))
    if updates * args.train_every != env_steps * args.updates:
        raise RuntimeError(f"{updates} updates in {env_steps} environment steps: not the ratio asked for")
    return {
        "library": args.library,
        "version": version({"sb3": "stable-baselines3", "sbx": "sbx-rl"}[args.library]),
        "algorithm": "dqn",
        "num_envs": args.num_envs,
        "env_steps": env_steps,
        "updates": updates,
        "seconds": round(seconds, 3),
        "env_steps_per_second": round(env_steps / seconds, 1),
        "threads": args.threads,
    }


if __name__ == "__main__":
    print(json.dumps(measure(parse_args())))
