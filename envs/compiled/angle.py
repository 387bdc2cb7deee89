"""Angles of what swings round and round."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf


def wrap(angle: Any) -> Any:
    """The same angle, in radians, in [-pi, pi): small numbers keep their digits in float32."""
    return angle - 2 * math.pi * tf.floor((angle + math.pi) / (2 * math.pi))
