"""What goes around Atari's environments: lives as episodes, the fire button, and how pictures are put together."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlgen.envs.host import OVER, SCORE

Pictures = npt.NDArray[np.uint8]
FRAMES_PER_SECOND = 60  # Of the console.


class FireReset(gym.Wrapper[Any, Any, Any, Any]):
    """Press the fire button for a frame when a game begins; directly around the emulator, whose frames it counts in."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """As Gymnasium says."""
        self.env.reset(seed=seed, options=options)
        fire = self.env.unwrapped.get_action_meanings().index("FIRE")  # type: ignore[attr-defined]
        observation, _, _, _, info = self.env.step(fire)
        return observation, info


class LifeLoss(gym.Wrapper[Any, Any, Any, Any]):
    """A lost life ends an episode, and the next one begins where it was lost."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        """Go around whole games."""
        super().__init__(env)
        self._lives, self._going_on = 0, False
        self._last: tuple[Any, dict[str, Any]] = (None, {})

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Go on with the game, or begin one where it is over or a seed asks for it."""
        if not self._going_on or seed is not None:
            self._last = self.env.reset(seed=seed, options=options)
        self._lives, self._going_on = self._last[1].get("lives", 0), False
        return self._last

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """As Gymnasium says."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        lives = info.get("lives", 0)
        self._going_on = 0 < lives < self._lives and not terminated and not truncated
        self._lives, self._last = lives, (observation, info)
        return observation, reward, terminated or self._going_on, truncated, info


class ChannelsLast(gym.ObservationWrapper[Any, Any, Any]):
    """Stacked pictures [stack, size, size] as one of many channels, [size, size, stack]; of colours 3 * stack."""

    def __init__(self, env: gym.Env[Any, Any], *, frameskip: int) -> None:
        """Go around the stack.

        Args:
            env: with observations [stack, size, size] or [stack, size, size, 3].
            frameskip: frames of the console from one observation to the next.
        """
        super().__init__(env)
        shape = channels_last(np.zeros((1, *(env.observation_space.shape or ())), np.uint8)).shape[1:]
        self.observation_space = gym.spaces.Box(0, 255, shape, np.uint8)
        self.metadata = {**env.metadata, "render_fps": FRAMES_PER_SECOND / frameskip}

    def observation(self, observation: Any) -> Pictures:
        """As Gymnasium says."""
        return channels_last(np.asarray(observation)[None])[0]


class Many(gym.vector.VectorEnv[Any, Any, Any]):
    """ale-py's vector environment as Gymnasium means one that resets in the step in which an episode ends.

    Its infos are `SCORE`, what the game pays before that is clipped, float32 [N], and `OVER`, whether a whole game
    ended, bool [N]: what is learned from is neither.
    """

    def __init__(self, envs: Any, *, frameskip: int, clip_reward: bool) -> None:
        """Take the environment over.

        Args:
            envs: an `ale_py.vector_env.AtariVectorEnv`, with unclipped rewards.
            frameskip: frames that an action lasts.
            clip_reward: whether rewards are to be -1, 0 or 1.
        """
        self._envs, self._frameskip, self._clip_reward = envs, frameskip, clip_reward
        self.num_envs, self.metadata = envs.num_envs, envs.metadata
        self.single_action_space, self.action_space = envs.single_action_space, envs.action_space
        shape = channels_last(np.zeros((1, *envs.single_observation_space.shape), np.uint8)).shape[1:]
        self.single_observation_space = gym.spaces.Box(0, 255, shape, np.uint8)
        self.observation_space = gym.vector.utils.batch_space(self.single_observation_space, self.num_envs)
        self._frame = np.zeros(self.num_envs, np.int64)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Pictures, dict[str, Any]]:
        """As Gymnasium says."""
        # The i-th environment gets the seed + i, in 32 bits with a sign.
        found, info = self._envs.reset(seed=seed % 2**30 if isinstance(seed, int) else None)
        self._frame = info["episode_frame_number"]
        return channels_last(found), {}

    def step(self, actions: Any) -> tuple[Pictures, Any, Any, Any, dict[str, Any]]:
        """As Gymnasium says."""
        found, score, terminated, truncated, info = self._envs.step(actions)
        frame = info["episode_frame_number"]
        # A game that goes on behind a lost life counts its frames on. That of a new one begins again.
        over = (terminated | truncated) & (frame != self._frame + self._frameskip)
        self._frame = frame
        reward = np.clip(score, -1, 1) if self._clip_reward else score
        infos = {SCORE: score.astype(np.float32), OVER: over}
        if over.any():
            infos |= {"final_obs": channels_last(info["final_obs"]), "_final_obs": over}
        return channels_last(found), reward, terminated, truncated, infos

    def close_extras(self, **kwargs: Any) -> None:
        """As Gymnasium says."""
        self._envs.close()


def channels_last(pictures: Any) -> Pictures:
    """Stacked pictures [N, stack, size, size] or [N, stack, size, size, 3] as [N, size, size, channels], uint8."""
    count, stack, height, width = pictures.shape[:4]
    colours = pictures.reshape(count, stack, height, width, -1)
    channels = colours.shape[-1]
    found = np.empty((count, height, width, stack * channels), np.uint8)
    # One picture after the other takes a third of the time of a transpose.
    for i in range(stack):
        found[..., channels * i : channels * (i + 1)] = colours[:, i]
    return found
