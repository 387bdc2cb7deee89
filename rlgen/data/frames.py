"""Screens of Atari games, played through ale-py: pictures of few colours, with as many as one likes."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rlgen import building, runtime
from rlgen.data import Arrays, Dataset, Part, Target, pixels
from rlgen.data.kept import Made, kept
from rlgen.data.pixels import Pixels
from rlgen.errors import UserError, nearest
from rlgen.spec import Spec

Task = Literal["colour", "edges", "none"]
# Screens without end, from what the player draws from.
Play = Callable[[np.random.Generator], Iterator[Pixels]]
# Emulator frames between two that are kept, which are a third of a second apart.
EVERY_FRAMES = 20
# An action lasts a fifteenth of a second: one that lasts less gets nowhere.
ACTION_FRAMES = 4
# Chance that the last action is repeated, as the emulator's authors have it: no two games are the same.
STICKY = 0.25
# Of all frames, the share of each part; each has games of its own.
SHARES: dict[Part, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}
# Games in which nothing new is seen give fewer frames than were asked for.
MOST_TRIES = 20
# Another way of playing has another number.
VERSION = 1


class Frames(Dataset):
    """Screens of an Atari game, played at random or by a run: `frames/pong`, or `frames/ms_pacman?task=edges`.

    `x` is the screen in grey, or its edges, the target the screen in colour: uint8 [N, size, size, 1] and 3. With
    `task=none` there is no target, and `x` is the screen in colour. Each part has games of its own, and no screen is
    there twice. Frames are played the first time that they are asked for, which takes seconds, and then kept.
    """

    def __init__(
        self, *, game: str, size: int = 64, task: Task = "colour", count: int = 2000, seed: int = 0, player: str = ""
    ) -> None:
        """Look the game up; it is played when somebody asks for examples.

        Args:
            game: its name, in small letters with _ or as Gymnasium writes it: ms_pacman, MsPacman.
            size: pixels along either side; the screen has 160 x 210 and is squeezed into a square.
            task: what the screen is to be told from: its shades of grey (colour), its edges (edges), or nothing.
            count: frames of all parts, 80 : 10 : 10.
            seed: of the player.
            player: the directory of a run that has learned the game; random without one.

        Raises:
            UserError: there is no such game, a size that is none, too few frames for three parts, or a run that has
                learned something else.
        """
        pixels.check_size(size, 3)
        if count < 10:
            raise UserError(f"count={count} frames cannot be cut 80 : 10 : 10: ask for 10 or more.")
        self.game, self._task, self._count, self._seed = _rom(game), task, count, seed
        self._player = None if not player else Player(Path(player), self.game)
        picture = Spec((size, size, 3), "uint8")
        self.spec = picture if task == "none" else Spec((size, size, 1), "uint8")
        self.target = None if task == "none" else Target(picture)
        runtime.require_memory({f"{count:,} frames": 3 * count * picture.size}, advice="Make size or count smaller")

    def split(self, part: Part) -> Arrays:
        """The frames of one part; every call gives the same."""
        y = self._screens[part]
        if self._task == "none":
            return Arrays(y)
        return Arrays(np.array([_told(each, self._task) for each in y]).reshape(-1, *self.spec.shape), y)

    @cached_property
    def _screens(self) -> Made:
        size = self.spec.shape[0]

        def sound(found: Made) -> bool:
            return all(x.dtype == np.uint8 and x.ndim == 4 and x.shape[1:] == (size, size, 3) for x in found.values())

        def play() -> Made:
            runtime.tell(f"Playing {self._count:,} frames of {self.game}, once.")
            screens = functools.partial(_screens, self.game) if self._player is None else self._player.screens
            return _played(self.game, screens, size, self._count, self._seed)

        by = "" if self._player is None else f"-{self._player.digest}"
        return kept(f"frames-{self.game}-{self._count}-{size}-{self._seed}-{VERSION}{by}", tuple(SHARES), sound, play)


class Player:
    """A run that has learned a game, and plays it."""

    def __init__(self, place: Path, game: str) -> None:
        """Open the run.

        Raises:
            UserError: there is none, or it has learned something else.
        """
        self._stored = building.stored(place)
        known = re.fullmatch(r"(?:ALE/)?(\w+?)(?:NoFrameskip)?-v\d+", self._stored.problem.partition("?")[0])
        if known is None or known[1].lower() != game.replace("_", ""):
            raise UserError(f"The run {place} has learned '{self._stored.problem}', which is not the game '{game}'.")

    @property
    def digest(self) -> str:
        """What tells its weights from others."""
        numbers = hashlib.sha256()
        for name, array in sorted(self._stored.arrays.items()):
            numbers.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return numbers.hexdigest()[:12]

    def screens(self, random: np.random.Generator) -> Iterator[Pixels]:
        """Screens [210, 160, 3] of one game after the other, without end."""
        with contextlib.closing(self._stored.make()) as agent:
            while True:
                # It is filmed at each of its actions.
                yield from itertools.islice(
                    agent.frames(seed=int(random.integers(2**31))), 0, None, EVERY_FRAMES // ACTION_FRAMES
                )


def _rom(game: str) -> str:
    """The name of the game's ROM.

    Raises:
        UserError: ale-py has no such game.
    """
    from ale_py import roms

    names = {name.replace("_", ""): name for name in roms.get_all_rom_ids()}
    if (found := names.get(game.replace("_", "").lower())) is None:
        raise UserError(
            f"There is no game '{game}'.{nearest(game.lower(), list(names.values()))} ale-py has {len(names)}: "
            f"{', '.join(sorted(names.values())[:8])} and so on."
        )
    return found


def _played(game: str, play: Play, size: int, count: int, seed: int) -> dict[str, Pixels]:
    """Frames of games of their own for each part, none that is there already."""
    seen: set[bytes] = set()
    found: dict[str, Pixels] = {}
    for number, (part, share) in enumerate(SHARES.items()):
        chosen: list[Pixels] = []
        wanted = max(1, round(share * count))
        screens = play(runtime.generator(seed, "frames", game, number))
        for screen in itertools.islice(screens, MOST_TRIES * wanted):
            small = pixels.resized(screen[None], size)[0]
            if (content := small.tobytes()) not in seen:
                seen.add(content)
                chosen.append(small)
            if len(chosen) == wanted:
                break
        found[part] = np.array(chosen, np.uint8).reshape(-1, size, size, 3)
    return found


def _screens(game: str, random: np.random.Generator) -> Iterator[Pixels]:
    """Screens [210, 160, 3] of one game after the other, without end."""
    import ale_py

    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    ale: Any = ale_py.ALEInterface()
    ale.setInt("random_seed", int(random.integers(2**31)))
    ale.setFloat("repeat_action_probability", STICKY)
    ale.loadROM(ale_py.roms.get_rom_path(game))
    actions = ale.getMinimalActionSet()
    while True:
        ale.reset_game()
        while not ale.game_over():
            for choice in random.integers(len(actions), size=EVERY_FRAMES // ACTION_FRAMES):
                for _ in range(ACTION_FRAMES):
                    ale.act(actions[choice])
            yield ale.getScreenRGB()


def _told(screen: Pixels, task: Task) -> Pixels:
    """What a screen is to be told from, [H, W, 1]."""
    from PIL import Image, ImageFilter

    grey = Image.fromarray(screen).convert("L")
    return np.asarray(grey if task == "colour" else grey.filter(ImageFilter.FIND_EDGES), np.uint8)[..., None]
