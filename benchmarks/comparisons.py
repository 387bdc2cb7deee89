"""What is measured against what: protocols, candidates and the ratios that are asked for."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One program to measure: the arguments of `benchmarks.one`, or a peer's script and its."""

    arguments: str
    env_steps: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """Candidates, and the ratios of their speeds that are reported: (ours, peer) to what is asked, if anything."""

    protocol: str
    ours: dict[str, Candidate]
    peers: dict[str, Candidate]
    bars: dict[tuple[str, str], float | None]

    @property
    def needs_purejaxrl(self) -> bool:
        """Whether a checkout of PureJaxRL has to be there."""
        return any(candidate.arguments.startswith("purejaxrl.py") for candidate in self.peers.values())


# Stable-Baselines3's period of 10 environment steps lets the target stand still through a block of updates,
# which is a period of one block here.
DQN = "--algorithm dqn --set hidden_units=256,256 batch_size=64 train_every_env_steps=256 updates_per_train=128"
DQN_AS_PUREJAXRL = (
    "--algorithm dqn --set num_envs=10 hidden_units=120,84 batch_size=128 replay_capacity=10000 "
    "train_every_env_steps=10 updates_per_train=1 learning_rate=2.5e-4 target_update_every_updates=50 "
    "max_grad_norm=none"
)
SAC = "--algorithm sac --env Pendulum-v1 --set num_envs=1 hidden_units=256,256 batch_size=256"
SAC_IN_BLOCKS = f"{SAC} train_every_env_steps=64 updates_per_train=64"
A2C = "--algorithm a2c --set hidden_units=64,64 activation=tanh"
A2C_AS_SB3 = (
    f"{A2C} num_envs=8 rollout_steps=5 optimizer=rmsprop learning_rate=7e-4 gae_lambda=1 normalize_advantages=false"
)
PPO = "--algorithm ppo --set hidden_units=64,64 activation=tanh"
PPO_AS_THE_ZOO = f"{PPO} num_envs=8 rollout_steps=32 epochs=20 minibatches=1"
PPO_AS_PUREJAXRL = f"{PPO} num_envs=4 rollout_steps=128 epochs=4 minibatches=4"
PONG = "--env PongNoFrameskip-v4 --engine gymnasium --preset Atari"
DQN_ON_PONG = (
    f"--algorithm dqn {PONG} --set num_envs=8 batch_size=32 train_every_env_steps=32 updates_per_train=8 "
    "learning_starts_env_steps=1000 replay_capacity=10000"
)
TF_AGENTS_DQN = DQN.replace("dqn", "tf_agents/dqn")
TF_AGENTS_SAC = SAC.replace("sac", "tf_agents/sac")
JAX_A2C_STEPS = {16: 3_000_000, 64: 4_000_000, 1024: 8_000_000}

COMPARISONS = {
    "dqn": Comparison(
        protocol="DQN, CartPole-v1, 256-256, batch 64, 128 updates per 256 environment steps, 8 environments",
        ours={
            "compiled": Candidate(f"--engine compiled {DQN}", 20_000),
            "gymnasium": Candidate(f"--engine gymnasium {DQN}", 20_000),
        },
        peers={"sb3": Candidate("dqn.py --library sb3", 20_000), "sbx": Candidate("dqn.py --library sbx", 20_000)},
        bars={("compiled", "sb3"): 4.0, ("compiled", "sbx"): 1.3, ("gymnasium", "sb3"): 3.0},
    ),
    "a2c": Comparison(
        protocol=(
            "A2C, CartPole-v1, 64-64 tanh, separate networks for policy and value. Not the same work for all: "
            "`compiled` and `gymnasium` take 16 environments x 16 steps per update, with Adam, while `sb3` takes its "
            "defaults, 8 environments x 5 steps, with RMSprop, because that is what the bars compare. `compiled 8x5` "
            "and `gymnasium 8x5` do what `sb3` does: 8 x 5, RMSprop, advantages of n steps, not normalised"
        ),
        ours={
            "compiled": Candidate(f"--engine compiled {A2C} num_envs=16 rollout_steps=16", 3_000_000),
            "gymnasium": Candidate(f"--engine gymnasium {A2C} num_envs=16 rollout_steps=16", 200_000),
            "compiled 8x5": Candidate(f"--engine compiled {A2C_AS_SB3}", 1_000_000),
            "gymnasium 8x5": Candidate(f"--engine gymnasium {A2C_AS_SB3}", 200_000),
        },
        peers={"sb3": Candidate("a2c.py --library sb3 --num-envs 8 --n-steps 5", 40_000)},
        bars={
            ("compiled", "sb3"): 75.0,
            ("gymnasium", "sb3"): 4.0,
            ("compiled 8x5", "sb3"): None,
            ("gymnasium 8x5", "sb3"): None,
        },
    ),
    "sac": Comparison(
        protocol=(
            "SAC, Pendulum-v1, 256-256 ReLU, batch 256, 1 environment, one update after each step. `... in blocks`: "
            "64 updates after 64 steps, which is less work between the updates"
        ),
        ours={
            "compiled": Candidate(f"--engine compiled {SAC}", 6144),
            "gymnasium": Candidate(f"--engine gymnasium {SAC}", 6144),
            "gymnasium in blocks": Candidate(f"--engine gymnasium {SAC_IN_BLOCKS}", 6144),
        },
        peers={
            "sb3": Candidate("sac.py --library sb3 --train-every 1 --updates 1", 6144),
            "sbx": Candidate("sac.py --library sbx --train-every 1 --updates 1", 6144),
            "sbx in blocks": Candidate("sac.py --library sbx --train-every 64 --updates 64", 8192),
        },
        bars={
            ("compiled", "sb3"): 2.8,
            ("compiled", "sbx"): 1.2,
            ("compiled", "sbx in blocks"): None,
            ("gymnasium", "sb3"): None,
            ("gymnasium in blocks", "sb3"): None,
        },
    ),
    "ppo": Comparison(
        protocol=(
            "PPO, CartPole-v1, 64-64 tanh, separate networks, 8 environments x 32 steps, 20 epochs of one minibatch "
            "(RL Baselines3 Zoo's recipe)"
        ),
        ours={
            "compiled": Candidate(f"--engine compiled {PPO_AS_THE_ZOO}", 500_000),
            "gymnasium": Candidate(f"--engine gymnasium {PPO_AS_THE_ZOO}", 100_000),
        },
        peers={"sb3": Candidate("ppo.py --library sb3", 40_000)},
        bars={("compiled", "sb3"): 30.0, ("gymnasium", "sb3"): 3.0},
    ),
    "dqn on Pong": Comparison(
        protocol=(
            "DQN, PongNoFrameskip-v4, the network of Mnih et al., batch 32, 8 updates per 32 environment steps, 8 "
            "environments, replay of 10,000"
        ),
        ours={"rlgen": Candidate(DQN_ON_PONG, 6_000)},
        peers={"sb3": Candidate("atari.py --library sb3 --algorithm dqn", 6_000)},
        bars={("rlgen", "sb3"): 1.4},
    ),
    "a2c on Pong": Comparison(
        protocol="A2C, PongNoFrameskip-v4, the network of Mnih et al., 16 environments x 5 steps, RMSprop",
        ours={"rlgen": Candidate(f"--algorithm a2c {PONG}", 20_000)},
        peers={"sb3": Candidate("atari.py --library sb3 --algorithm a2c", 10_000)},
        bars={("rlgen", "sb3"): 2.0},
    ),
    "dqn of TF-Agents": Comparison(
        protocol=(
            "TF-Agents' DQN, CartPole-v1, 256-256, batch 64, an update for two environment steps: in rlgen's loop, and "
            "in TF-Agents' own, with its driver, replay buffer and compiled `train`. `driver in blocks`: 128 updates "
            "after 256 steps of 8 environments, as rlgen; `driver`: an update after 2 steps of one"
        ),
        ours={
            "compiled": Candidate(f"--engine compiled {TF_AGENTS_DQN}", 20_000),
            "gymnasium": Candidate(f"--engine gymnasium {TF_AGENTS_DQN}", 20_000),
        },
        peers={
            "driver in blocks": Candidate(
                "tf_agents_loop.py --algorithm dqn --num-envs 8 --train-every 256 --updates 128", 6144
            ),
            "driver": Candidate("tf_agents_loop.py --algorithm dqn --train-every 2 --updates 1", 6144),
        },
        bars={
            ("compiled", "driver in blocks"): 3.0,
            ("compiled", "driver"): 3.0,
            ("gymnasium", "driver in blocks"): None,
            ("gymnasium", "driver"): None,
        },
    ),
    "sac of TF-Agents": Comparison(
        protocol=(
            "TF-Agents' SAC, Pendulum-v1, 256-256 ReLU, batch 256, an update after each step of one environment: in "
            "rlgen's loop, and in TF-Agents' own"
        ),
        ours={
            "compiled": Candidate(f"--engine compiled {TF_AGENTS_SAC}", 6144),
            "gymnasium": Candidate(f"--engine gymnasium {TF_AGENTS_SAC}", 6144),
        },
        peers={"driver": Candidate("tf_agents_loop.py --algorithm sac --train-every 1 --updates 1", 6144)},
        bars={("compiled", "driver"): 3.0, ("gymnasium", "driver"): None},
    ),
    "dqn beside JAX": Comparison(
        protocol=(
            "DQN, CartPole-v1, 120-84, batch 128, an update after 10 steps, 10 environments, replay of 10,000: "
            "PureJaxRL's recipe"
        ),
        ours={"compiled": Candidate(f"--engine compiled {DQN_AS_PUREJAXRL}", 500_000)},
        peers={"purejaxrl": Candidate("purejaxrl.py --algorithm dqn --num-envs 10", 500_000)},
        bars={("compiled", "purejaxrl"): 1.2},
    ),
    "ppo beside JAX": Comparison(
        protocol=(
            "PPO, CartPole-v1, 64-64 tanh, separate networks, 4 environments x 128 steps, 4 epochs of 4 minibatches: "
            "PureJaxRL's recipe"
        ),
        ours={"compiled": Candidate(f"--engine compiled {PPO_AS_PUREJAXRL}", 1_000_000)},
        peers={"purejaxrl": Candidate("purejaxrl.py --algorithm ppo --num-envs 4", 1_000_000)},
        bars={("compiled", "purejaxrl"): 1.2},
    ),
    "a2c beside JAX": Comparison(
        protocol=(
            "A2C, CartPole-v1, 64-64 tanh, separate networks, 16 steps of 16, 64 or 1,024 environments, Adam; "
            "PureJaxRL's is its PPO with one epoch of one minibatch"
        ),
        ours={
            f"compiled {n}": Candidate(f"--engine compiled {A2C} num_envs={n} rollout_steps=16", steps)
            for n, steps in JAX_A2C_STEPS.items()
        },
        peers={
            f"purejaxrl {n}": Candidate(f"purejaxrl.py --algorithm a2c --num-envs {n}", steps)
            for n, steps in JAX_A2C_STEPS.items()
        },
        bars={(f"compiled {n}", f"purejaxrl {n}"): 1.5 for n in JAX_A2C_STEPS},
    ),
}
