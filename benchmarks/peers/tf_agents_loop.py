"""Measure the training speed of TF-Agents' own loop on CPU: its driver, its replay buffer, its compiled `train`.

DQN on CartPole-v1 or SAC on Pendulum-v1, 256-256 ReLU networks, environments of Gymnasium. It runs where rlgen does,
which knows how to import TF-Agents; what is measured is none of rlgen's.

    python -m benchmarks.peers.tf_agents_loop --algorithm dqn --num-envs 8 --train-every 256 --updates 128
"""

import argparse
import json
import time
from importlib.metadata import version
from typing import Any

WARM_UP = 2048  # environment steps, as in shared.py
HIDDEN = (256, 256)


def dqn(env: Any) -> Any:
    import tensorflow as tf
    from tf_agents.agents.dqn import dqn_agent
    from tf_agents.networks import q_network
    from tf_agents.utils import common

    return dqn_agent.DqnAgent(
        env.time_step_spec(),
        env.action_spec(),
        q_network=q_network.QNetwork(env.observation_spec(), env.action_spec(), fc_layer_params=HIDDEN),
        optimizer=tf.keras.optimizers.legacy.Adam(2.3e-3),
        td_errors_loss_fn=common.element_wise_huber_loss,
        target_update_period=128,
        gamma=0.99,
        gradient_clipping=10.0,
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )


def sac(env: Any) -> Any:
    import tensorflow as tf
    from tf_agents.agents.ddpg import critic_network
    from tf_agents.agents.sac import sac_agent, tanh_normal_projection_network
    from tf_agents.networks import actor_distribution_network

    seen, action = env.observation_spec(), env.action_spec()
    adam = tf.keras.optimizers.legacy.Adam
    return sac_agent.SacAgent(
        env.time_step_spec(),
        action,
        critic_network=critic_network.CriticNetwork((seen, action), joint_fc_layer_params=HIDDEN),
        actor_network=actor_distribution_network.ActorDistributionNetwork(
            seen,
            action,
            fc_layer_params=HIDDEN,
            continuous_projection_net=tanh_normal_projection_network.TanhNormalProjectionNetwork,
        ),
        actor_optimizer=adam(3e-4),
        critic_optimizer=adam(3e-4),
        alpha_optimizer=adam(3e-4),
        target_update_tau=0.005,
        gamma=0.99,
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )


ALGORITHMS = {"dqn": (dqn, "CartPole-v1", 64), "sac": (sac, "Pendulum-v1", 256)}


def loop(args: argparse.Namespace) -> Any:
    """A function that takes `train_every` steps and makes `updates` updates, and the agent."""
    from tf_agents.drivers import dynamic_step_driver
    from tf_agents.environments import batched_py_environment, tf_py_environment
    from tf_agents.replay_buffers import tf_uniform_replay_buffer
    from tf_agents.utils import common

    from rlgen.agents.tf_agents import GymnasiumPyEnvironment

    make, name, batch = ALGORITHMS[args.algorithm]
    envs = [GymnasiumPyEnvironment(name, seed=i) for i in range(args.num_envs)]
    one = envs[0] if len(envs) == 1 else batched_py_environment.BatchedPyEnvironment(envs)
    env = tf_py_environment.TFPyEnvironment(one)
    agent = make(env)
    agent.initialize()
    replay = tf_uniform_replay_buffer.TFUniformReplayBuffer(
        agent.collect_data_spec, batch_size=args.num_envs, max_length=100_000 // args.num_envs
    )
    driver = dynamic_step_driver.DynamicStepDriver(
        env, agent.collect_policy, observers=[replay.add_batch], num_steps=args.train_every
    )
    driver.run = common.function(driver.run)
    driver.run()
    for _ in range(-(-batch // args.train_every)):
        driver.run()
    batches = iter(replay.as_dataset(num_parallel_calls=2, sample_batch_size=batch, num_steps=2).prefetch(3))
    train = common.function(agent.train)

    def advance() -> None:
        driver.run()
        for _ in range(args.updates):
            train(next(batches)[0])

    return advance, agent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--algorithm", choices=ALGORITHMS, required=True)
    parser.add_argument("--num-envs", type=int, default=1)
    parser.add_argument("--train-every", type=int, required=True, help="environment steps between trainings")
    parser.add_argument("--updates", type=int, required=True, help="gradient updates per training")
    parser.add_argument("--env-steps", type=int, default=6144, help="length of the run, warm-up included")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()

    from rlgen.agents.tf_agents import library

    library.require()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    advance, agent = loop(args)
    rounds = -(-WARM_UP // args.train_every)
    for _ in range(rounds):
        advance()
    start, before = time.perf_counter(), int(agent.train_step_counter)
    rounds = max(1, (args.env_steps - WARM_UP) // args.train_every)
    for _ in range(rounds):
        advance()
    seconds, env_steps = time.perf_counter() - start, rounds * args.train_every
    row = {
        "library": "tf-agents",
        "version": version("tf-agents"),
        "algorithm": args.algorithm,
        "num_envs": args.num_envs,
        "env_steps": env_steps,
        "updates": int(agent.train_step_counter) - before,
        "seconds": round(seconds, 3),
        "env_steps_per_second": round(env_steps / seconds, 1),
        "threads": args.threads,
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
