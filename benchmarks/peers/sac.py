"""Measure the training speed of SAC on Pendulum-v1 in Stable-Baselines3 (PyTorch) or SBX (JAX), on CPU.

256-256 ReLU networks, batches of 256, a learned temperature: the defaults of both.  One update per environment
step: after each, as is their default, or in blocks, which is what SBX compiles as one call.

    python sac.py --library sbx --train-every 64 --updates 64 --threads 1
"""

import shared


def main() -> None:
    parser = shared.off_policy_parser(__doc__, "sb3", "sbx")
    parser.set_defaults(num_envs=1, env_steps=6144, batch_size=256, train_every=1, updates=1)
    parser.set_defaults(learning_rate=3e-4, learning_starts=100)
    args = shared.parse_off_policy(parser)
    model = shared.build("sac", "Pendulum-v1", args, **shared.off_policy_options(args))
    shared.report(model, args, every=args.train_every, updates=args.updates)


if __name__ == "__main__":
    main()
