"""Measure the training speed of PPO on CartPole-v1 in Stable-Baselines3 (PyTorch), on CPU.

The recipe is RL Baselines3 Zoo's for CartPole: 64-64 tanh networks, one for the policy and one for the value, 8
environments x 32 steps, 20 epochs of one minibatch.

    python ppo.py --library sb3 --threads 1
"""

import shared

EPOCHS = 20


def main() -> None:
    parser = shared.parser(__doc__, "sb3")
    parser.set_defaults(num_envs=8, env_steps=40_000)
    parser.add_argument("--n-steps", type=int, default=32, help="steps of every environment before an update")
    args = parser.parse_args()
    size = args.num_envs * args.n_steps
    options = {"batch_size": size, "n_epochs": EPOCHS, "gae_lambda": 0.8, "gamma": 0.98, "learning_rate": 1e-3}
    model = shared.build("ppo", "CartPole-v1", args, n_steps=args.n_steps, **options)
    shared.report(model, args, every=size, updates=EPOCHS)


if __name__ == "__main__":
    main()
