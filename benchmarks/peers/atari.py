"""Measure the training speed of DQN and A2C on Atari's Pong in Stable-Baselines3 (PyTorch), on CPU.

Its own wrappers for Atari, four frames stacked, its CnnPolicy, which is the network of Mnih et al. (2015).

    python atari.py --library sb3 --algorithm dqn --threads 2
"""

import ale_py
import gymnasium
import shared
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack

# The options of Stable-Baselines3's zoo for Atari, but for a smaller replay, which fills 0.6 GB.
DQN = {"num_envs": 8, "batch_size": 32, "train_every": 32, "updates": 8, "learning_rate": 1e-4, "replay": 10_000}


def main() -> None:
    parser = shared.off_policy_parser(__doc__, "sb3")
    parser.add_argument("--algorithm", choices=("dqn", "a2c"), required=True)
    parser.set_defaults(env_steps=8_000, learning_starts=1000, **DQN)
    args = shared.parse_off_policy(parser)
    if args.algorithm == "a2c":
        args.num_envs = 16
    gymnasium.register_envs(ale_py)
    envs = VecFrameStack(make_atari_env("PongNoFrameskip-v4", n_envs=args.num_envs, seed=args.seed), 4)
    if args.algorithm == "a2c":
        rmsprop = {"optimizer_kwargs": {"eps": 1e-5}}
        options = {"n_steps": 5, "ent_coef": 0.01, "vf_coef": 0.25, "policy_kwargs": rmsprop}
        model = shared.build("a2c", envs, args, "CnnPolicy", **options)
        shared.report(model, args, every=args.num_envs * 5, updates=1)
        return
    options = {**shared.off_policy_options(args), "policy_kwargs": {}, "target_update_interval": 1000}
    model = shared.build("dqn", envs, args, "CnnPolicy", **options)
    shared.report(model, args, every=args.train_every, updates=args.updates)


if __name__ == "__main__":
    main()
