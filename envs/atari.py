"""Atari's games as they are learned: stacked grey pictures, by a protocol that says all that changes a score.

`ALE/Pong-v5` follows Machado et al. (2018), "Revisiting the Arcade Learning Environment", `PongNoFrameskip-v4` Mnih et
al. (2015). An agent learns in ale-py's vector environment, which steps, scales and stacks in threads of C++; it is
judged in Gymnasium's environment inside Gymnasium's own wrappers, in whole games whose rewards are not clipped.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable
from typing import Any, Literal

import gymnasium as gym

from rlgen.environment import Prepared
from rlgen.envs import atari_wrappers
from rlgen.errors import UnknownName, UserError, nearest
from rlgen.spec import Stack

SPELLINGS = {"machado": "ALE/*-v5", "nature": "*NoFrameskip-v4"}
# As older versions of the emulator's package called their environments, and as one might guess: not CartPole-v1.
OTHER = re.compile(r"(?:ALE/(?=.*-v\d+$)|(?=.*-v[04]$)|(?=.*-ram))(\w+?)(NoFrameskip|Deterministic)?(-ram\w*)?-v\d+")
# Of Mnih et al. (2015); the screen has 160 x 210.
SIZE, MOST_PIXELS = 84, 210


@dataclasses.dataclass(frozen=True, kw_only=True)
class Protocol:
    """What is played. Names are Gymnasium's where it has one.

    Attributes:
        repeat_action_probability: of an action to be the last one once more, in every frame ("sticky actions").
        life_loss: whether in training a lost life ends an episode; the game goes on behind it.
        noop_max: at most so many frames in which nothing is done begin a game, at random.
        frameskip: frames that an action lasts. Of the last two, each pixel's brighter value is seen.
        clip_reward: whether in training rewards are -1, 0 or 1.
        full_action_space: whether there are all 18 actions or those that the game knows.
        fire_reset: whether the fire button is pressed for a frame first, without which some games do not begin.
        max_num_frames_per_episode: frames after which a game is cut, at 60 a second.
    """

    repeat_action_probability: float
    life_loss: bool
    fire_reset: bool
    noop_max: int = 30
    frameskip: int = 4
    clip_reward: bool = True
    full_action_space: bool = False
    max_num_frames_per_episode: int = 108_000

    def __str__(self) -> str:
        chance = self.repeat_action_probability
        training = ["a lost life ends an episode"] * self.life_loss + ["rewards are clipped to +-1"] * self.clip_reward
        parts = [
            f"an action lasts {self.frameskip} frames, " + (f"sticky with {chance:g}" if chance else "not sticky"),
            "all 18 actions" if self.full_action_space else "the actions that the game knows",
            f"up to {self.noop_max} frames of nothing" + " and fire" * self.fire_reset + " begin a game",
            f"at most {self.max_num_frames_per_episode:,} frames",
        ]
        return "; ".join(parts + [f"in training {' and '.join(training)}"] * bool(training))


# Mnih et al. press no button; without it a greedy agent that waits for a game to begin waits for half an hour.
PROTOCOLS = {
    "nature": Protocol(repeat_action_probability=0.0, life_loss=True, fire_reset=True),
    "machado": Protocol(repeat_action_probability=0.25, life_loss=False, fire_reset=False),
}


class Atari(Prepared):
    """A game by its name: `ALE/Pong-v5`, `PongNoFrameskip-v4`, `ALE/Pong-v5?protocol=nature&noop_max=1`."""

    def __init__(
        self,
        game: str,
        usual: str,
        /,
        *,
        protocol: Literal["nature", "machado"] | None = None,
        repeat_action_probability: float | None = None,
        life_loss: bool | None = None,
        fire_reset: bool | None = None,
        noop_max: int | None = None,
        frameskip: int | None = None,
        clip_reward: bool | None = None,
        full_action_space: bool | None = None,
        max_num_frames_per_episode: int | None = None,
        size: int = SIZE,
        grey: bool = True,
        stack: int = 4,
    ) -> None:
        """Say what is played and how it is seen.

        Args:
            game: as Gymnasium calls it, such as `MsPacman`.
            usual: the protocol that goes with the way it was written.
            protocol: another one, nature or machado.
            repeat_action_probability: as the others up to the frames of a game, in the place of the protocol's.
            life_loss: see `Protocol`.
            fire_reset: see `Protocol`.
            noop_max: see `Protocol`.
            frameskip: see `Protocol`.
            clip_reward: see `Protocol`.
            full_action_space: see `Protocol`.
            max_num_frames_per_episode: see `Protocol`.
            size: pixels along either side of what is seen.
            grey: one channel a picture instead of three.
            stack: pictures seen at once, the newest last.

        Raises:
            UserError: a number that is none of these.
        """
        name = protocol or usual
        own = {
            "repeat_action_probability": repeat_action_probability,
            "life_loss": life_loss,
            "fire_reset": fire_reset,
            "noop_max": noop_max,
            "frameskip": frameskip,
            "clip_reward": clip_reward,
            "full_action_space": full_action_space,
            "max_num_frames_per_episode": max_num_frames_per_episode,
        }
        changes: dict[str, Any] = {key: value for key, value in own.items() if value is not None}
        self.protocol = dataclasses.replace(PROTOCOLS[name], **changes)
        self._game, self._size, self._grey, self._frames = game, size, grey, stack
        _refuse(self.protocol, size, stack)
        self.about = f"{name}{', changed' * (self.protocol != PROTOCOLS[name])}: {self.protocol}"
        self.stack = Stack(stack, "zero")

    def judged(self, *, render_mode: str | None = None) -> gym.Env[Any, Any]:
        """Whole games, with the rewards that they give; observations uint8 [size, size, stack], in colour 3 * stack."""
        protocol = self.protocol
        env: gym.Env[Any, Any] = gym.make(
            f"ALE/{self._game}-v5",
            # The wrapper asks the emulator itself for what it shows; this is what every frame would be drawn as.
            obs_type="grayscale" if self._grey else "rgb",
            frameskip=1,
            repeat_action_probability=protocol.repeat_action_probability,
            full_action_space=protocol.full_action_space,
            max_num_frames_per_episode=protocol.max_num_frames_per_episode,
            render_mode=render_mode,
        )
        if protocol.fire_reset and "FIRE" in env.unwrapped.get_action_meanings():  # type: ignore[attr-defined]
            env = atari_wrappers.FireReset(env)
        env = gym.wrappers.AtariPreprocessing(
            env,
            noop_max=protocol.noop_max,
            frame_skip=protocol.frameskip,
            screen_size=self._size,
            grayscale_obs=self._grey,
        )
        env = gym.wrappers.FrameStackObservation(env, self._frames, padding_type="zero")
        return atari_wrappers.ChannelsLast(env, frameskip=protocol.frameskip)

    def learned(self) -> gym.Env[Any, Any]:
        """One to learn in."""
        env = self.judged()
        if self.protocol.life_loss:
            env = atari_wrappers.LifeLoss(env)
        if self.protocol.clip_reward:
            env = gym.wrappers.TransformReward(env, lambda reward: float(max(-1.0, min(1.0, float(reward)))))
        return env

    def many(self, num_envs: int) -> gym.vector.VectorEnv[Any, Any, Any]:
        """Many to learn in."""
        from ale_py.vector_env import AtariVectorEnv

        protocol = self.protocol
        envs = AtariVectorEnv(
            games()[self._game],
            num_envs,
            max_num_frames_per_episode=protocol.max_num_frames_per_episode,
            repeat_action_probability=protocol.repeat_action_probability,
            full_action_space=protocol.full_action_space,
            autoreset_mode=gym.vector.AutoresetMode.SAME_STEP,
            img_height=self._size,
            img_width=self._size,
            grayscale=self._grey,
            stack_num=self._frames,
            frameskip=protocol.frameskip,
            noop_max=protocol.noop_max,
            # What is told of a life may be learned from; that the game begins anew after it nobody asked for.
            life_loss_info=protocol.life_loss,
            reward_clipping=False,
            use_fire_reset=protocol.fire_reset,
        )
        return atari_wrappers.Many(envs, frameskip=protocol.frameskip, clip_reward=protocol.clip_reward)


def find(name: str) -> Callable[..., Atari] | None:
    """What makes the game that a name stands for, from its arguments; None: it is no name of a game.

    Raises:
        UnknownName: it looks like one; the message has the nearest.
        UserError: it is one in a spelling that stands for no protocol.
    """
    for protocol, spelling in SPELLINGS.items():
        head, tail = spelling.split("*")
        if name.startswith(head) and name.endswith(tail) and (game := name[len(head) : len(name) - len(tail)]):
            if game not in games():
                known = [f"{head}{each}{tail}" for each in games()]
                raise UnknownName(f"There is no game '{game}'.{nearest(name, known)} ale-py has {len(known)}.")
            return functools.partial(Atari, game, protocol)
    other, spec = OTHER.fullmatch(name), gym.registry.get(name)
    foreign = spec is not None and not str(spec.entry_point).startswith("ale_py")
    if other is None or foreign or (game := other[1]) not in games():
        return None
    raise UserError(
        f"'{name}' {_meaning(other)}. Write {game}NoFrameskip-v4 (actions that last 4 frames, lives as episodes: the "
        f"protocol 'nature') or ALE/{game}-v5 (sticky actions, whole games: 'machado'); the screen as the emulator "
        f"gives it, without any of this, is ale_py:ALE/{game}-v5."
    )


@functools.cache
def games() -> dict[str, str]:
    """Games as Gymnasium calls them, and their ROMs' names."""
    import ale_py

    gym.register_envs(ale_py)
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    names = ((rom.title().replace("_", ""), rom) for rom in ale_py.roms.get_all_rom_ids())
    return {game: rom for game, rom in names if f"ALE/{game}-v5" in gym.registry}


def _meaning(name: re.Match[str]) -> str:
    """What such a name meant once."""
    if name[3]:
        return f"showed the console's 128 bytes of memory, which is now ale_py:ALE/{name[1]}-v5?obs_type=ram"
    if "Deterministic" in name.groups():
        return "was the raw screen at every fourth frame"
    if "NoFrameskip" in name.groups():
        return "is the raw screen at every frame, with sticky actions"
    if name[0].startswith("ALE/"):
        return "does not exist: the version is v5"
    return "is the raw screen after 2 to 4 frames, as chance has it: scores by it compare with nobody's"


def _refuse(protocol: Protocol, size: int, stack: int) -> None:
    """Raise `UserError` where a number is none that can be played with."""
    ranges: dict[str, tuple[Any, float, float]] = {
        "repeat_action_probability": (protocol.repeat_action_probability, 0, 1),
        "noop_max": (protocol.noop_max, 0, 1000),
        "frameskip": (protocol.frameskip, 1, 60),
        "max_num_frames_per_episode": (protocol.max_num_frames_per_episode, 1, 2**31 - 1),
        "size": (size, 8, MOST_PIXELS),
        "stack": (stack, 1, 16),
    }
    for name, (value, least, most) in ranges.items():
        if not least <= value <= most:
            raise UserError(f"{name}={value}: it has to lie between {least:,} and {most:,}.")
