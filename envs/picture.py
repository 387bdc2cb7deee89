"""Pictures of another size, in grey, or with their channels last: whatever an environment shows, as networks see it."""

from __future__ import annotations

import re
from typing import Any, Literal

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlgen.environment import CompiledEnv, Wrapper
from rlgen.envs.gymnasium import spec_of
from rlgen.errors import UserError

CHANNELS = 4  # That OpenCV scales together.
SIZE = re.compile(r"([1-9]\d{0,3})(?:x([1-9]\d{0,3}))?")

Pictures = npt.NDArray[Any]


class Picture(Wrapper):
    """Show pictures of another size, in grey or with their channels last: `picture:84?grey=true&channels=first`."""

    def __init__(
        self, *, size: str | None = None, grey: bool = False, channels: Literal["first", "last"] = "last"
    ) -> None:
        """Set what to change.

        Args:
            size: of the pictures to show in pixels, `84` or height x width, `84x96`; None: as they are.
            grey: their brightness alone, as one channel.
            channels: where the environment has them; agents are shown [height, width, channels].

        Raises:
            UserError: `size` is none.
        """
        self.size, self.grey, self.channels = None if size is None else read_size(size), grey, channels

    def on_host(self, env: gym.Env[Any, Any], compiled: CompiledEnv | None) -> gym.Env[Any, Any]:
        """Around an environment that shows pictures.

        Raises:
            UserError: it shows something else, or pictures that cannot be changed this way.
        """
        return _HostPicture(env, size=self.size, grey=self.grey, channels_first=self.channels == "first")


def read_size(text: str) -> tuple[int, int]:
    """Height and width in pixels of `84` or `84x96`.

    Raises:
        UserError: it is none.
    """
    found = SIZE.fullmatch(text)
    if found is None:
        raise UserError(
            f"picture:{text} is no size: write the pixels of a side, picture:84, or height x width, picture:84x96."
        )
    return int(found[1]), int(found[2] or found[1])


def resized(picture: Pictures, size: tuple[int, int]) -> Pictures:
    """A picture uint8 [H, W, C] with another height and width: each pixel is the mean of the area that it covers."""
    import cv2

    # OpenCV takes no more channels at once, and leaves the axis of a single one out.
    parts = (np.ascontiguousarray(picture[..., i : i + CHANNELS]) for i in range(0, picture.shape[-1], CHANNELS))
    scaled = [cv2.resize(part, size[::-1], interpolation=cv2.INTER_AREA).reshape(*size, -1) for part in parts]
    return scaled[0] if len(scaled) == 1 else np.concatenate(scaled, -1)


def in_grey(picture: Pictures) -> Pictures:
    """The brightness of a picture uint8 [H, W, 3 or 4], uint8 [H, W, 1]; of one channel it is the picture.

    It is .299 red + .587 green + .114 blue, as television weighed them (ITU-R BT.601); opacity does not count.
    """
    if picture.shape[-1] == 1:
        return picture
    import cv2

    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY if picture.shape[-1] == 3 else cv2.COLOR_RGBA2GRAY)[..., None]


class _HostPicture(gym.ObservationWrapper[Any, Any, Any]):
    def __init__(
        self, env: gym.Env[Any, Any], *, size: tuple[int, int] | None, grey: bool, channels_first: bool
    ) -> None:
        super().__init__(env)
        space, spec = env.observation_space, spec_of(env.observation_space)
        # A picture without an axis of channels has none to be moved.
        channels_first = channels_first and space.shape == spec.shape
        if not spec.picture:
            raise UserError(f"picture is for pictures, three axes of bytes, and observations of {space} are none.")
        if spec.dtype == "bool" and (size is not None or grey):
            raise UserError(
                f"The planes of {space} are true or false, which has neither a mean nor a brightness: "
                "leave size and grey out."
            )
        self._size, self._grey, self._channels_first, self._seen = size, grey, channels_first, spec
        depth = spec.shape[0 if channels_first else 2]
        if grey and depth not in (1, 3, 4):
            raise UserError(
                f"grey=true makes one channel of red, green and blue, and {space} has {depth}. "
                "Wrappers go from the inside out: put frame_stack behind picture, and say channels=first where "
                "channels come first."
            )
        height, width = size or (spec.shape[1:] if channels_first else spec.shape[:2])
        shape = (height, width, 1 if grey else depth)
        self.observation_space = (
            gym.spaces.MultiBinary(shape) if spec.dtype == "bool" else gym.spaces.Box(0, 255, shape, np.uint8)
        )

    def observation(self, observation: Any) -> Pictures:
        picture = np.asarray(observation, self._seen.dtype)
        if picture.size != self._seen.size:
            return picture  # What has another shape than its space says is refused where all of that is.
        picture = picture.reshape(self._seen.shape)
        if self._channels_first:
            picture = np.ascontiguousarray(picture.transpose(1, 2, 0))
        if self._grey:
            picture = in_grey(picture)
        return picture if self._size is None else resized(picture, self._size)
