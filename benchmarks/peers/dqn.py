"""Measure the training speed of DQN on CartPole-v1 in Stable-Baselines3 (PyTorch) or SBX (JAX), on CPU.

The recipe is RL Baselines3 Zoo's for CartPole: a 256-256 ReLU network, batches of 64, 128 gradient updates
per 256 environment steps.

    python dqn.py --library sb3 --threads 1
"""

import argparse

import shared

EXPLORATION_STEPS = 0.16 * 50_000  # environment steps over which epsilon falls from 1 to its final value


def parse_args() -> argparse.Namespace:
    parser = shared.off_policy_parser(__doc__, "sb3", "sbx")
    parser.set_defaults(num_envs=8, env_steps=20_000, batch_size=64, train_every=256, updates=128)
    parser.set_defaults(learning_rate=2.3e-3, learning_starts=1000)
    args = shared.parse_off_policy(parser)
    if args.library == "sbx" and (len(args.hidden) != 2 or args.hidden[0] != args.hidden[1]):
        parser.error("SBX's DQN has two hidden layers of the same width (it reads the first one only)")
    return args


def main() -> None:
    args = parse_args()
    model = shared.build(
        "dqn",
        "CartPole-v1",
        args,
        target_update_interval=10,
        exploration_fraction=min(1.0, EXPLORATION_STEPS / args.env_steps),
        exploration_final_eps=0.04,
        **shared.off_policy_options(args),
    )
    model.predict(model.env.reset(), deterministic=True)  # compiles acting, which exploration may put off
    shared.report(model, args, every=args.train_every, updates=args.updates)


if __name__ == "__main__":
    main()
