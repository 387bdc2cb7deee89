"""Reinforcement-learning agents: one file an agent, and what agents share."""
