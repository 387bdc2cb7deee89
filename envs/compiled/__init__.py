"""Environments as pure TensorFlow functions, each held against Gymnasium's own step by step."""
