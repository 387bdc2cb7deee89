"""Measure the training speed of A2C on CartPole-v1 in Stable-Baselines3 (PyTorch), on CPU.

Its defaults: 64-64 tanh networks, one for the policy and one for the value, RMSprop, and an update after 5 steps
of every environment.  SBX has no A2C.

    python a2c.py --library sb3 --threads 1
"""

import shared


def main() -> None:
    parser = shared.parser(__doc__, "sb3")
    parser.set_defaults(num_envs=8, env_steps=40_000)
    parser.add_argument("--n-steps", type=int, default=5, help="steps of every environment before an update")
    args = parser.parse_args()
    model = shared.build("a2c", "CartPole-v1", args, n_steps=args.n_steps)
    shared.report(model, args, every=args.num_envs * args.n_steps, updates=1)


if __name__ == "__main__":
    main()
