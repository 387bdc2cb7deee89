"""Environments: compiled ones, and the host engine for everything Gymnasium knows."""
