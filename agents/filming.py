"""Filming an episode: the pictures that an environment draws of itself, or why there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlgen.envs.contract import Contract
from rlgen.envs.host import Judging
from rlgen.errors import UserError
from rlgen.watchdog import PASSING, Call

USUAL_RATE = 30.0


def rate(env: gym.Env[Any, Any]) -> float:
    """Frames per second that the environment asks for."""
    asked = env.metadata.get("render_fps")
    return float(asked) if isinstance(asked, (int, float)) and asked > 0 else USUAL_RATE


def episode(
    env: gym.Env[Any, Any], policy: Callable[[Any], Any], *, contract: Contract, name: str, seed: int
) -> Iterator[npt.NDArray[np.uint8]]:
    """Pictures of one episode, [height, width, 3], from its first state to its last.

    Args:
        env: made with `render_mode="rgb_array"`.
        policy: the actions on observations, as an agent sees them, [1, *shape].
        contract: what the environment is held to.
        name: of the environment, for messages.
        seed: of the episode.

    Raises:
        UserError: it cannot draw itself.
    """
    if env.render_mode != "rgb_array":
        modes = ", ".join(env.metadata.get("render_modes") or ()) or "none"
        raise UserError(
            f"'{name}' draws no pictures: its render mode is {env.render_mode}, and it names as possible: {modes}. To "
            "be filmed it has to take render_mode='rgb_array', and its render() to return pictures [height, width, 3]."
        )
    playing = Judging([env], contract=contract)
    observation, done = playing.reset(0, seed=seed)[None], False
    while not done:
        yield _drawn(env, contract, name)
        observation, _, terminated, truncated = playing.step([0], policy(observation))
        done = bool(terminated[0] or truncated[0])
    yield _drawn(env, contract, name)


def _drawn(env: gym.Env[Any, Any], contract: Contract, name: str) -> npt.NDArray[np.uint8]:
    picture = contract.call("render", _rendered, env, name)
    if picture.dtype.kind == "f" and picture.size and 0 <= picture.min() <= picture.max() <= 1:
        picture = np.rint(255 * picture).astype(np.uint8)  # As some draw themselves.
    if picture.ndim != 3 or picture.shape[2] not in (3, 4) or picture.dtype.kind not in "ui":
        raise UserError(
            f"'{name}' draws {picture.dtype} {list(picture.shape)}; a film takes pictures [height, width, 3] of bytes."
        )
    return picture[:, :, :3].astype(np.uint8)


def _rendered(call: Call, env: gym.Env[Any, Any], name: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(env.render())
    except PASSING:
        raise
    except BaseException as error:  # A renderer may raise anything, most often because there is no display.
        raise UserError(
            f"'{name}' could not draw itself: {type(error).__name__}: {error}. On a machine without a display MuJoCo "
            "draws with MUJOCO_GL=egl or MUJOCO_GL=osmesa set, pygame with SDL_VIDEODRIVER=offscreen."
        ) from error
