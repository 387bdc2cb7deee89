"""Emoji to be told apart by what they are about: six groups as classes."""

from __future__ import annotations

from rlgen.data.emoji import Emoji

# The six largest besides people, who would be a quarter of all, and flags, which are rectangles and told at once.
GROUPS = ("animals-nature", "food-drink", "objects", "smileys-emotion", "symbols", "travel-places")


class EmojiGroups(Emoji):
    """1,153 of Microsoft's Fluent emoji in six classes: animals, food, objects, smileys, symbols, travel.

    `x` is uint8 [N, size, size, 3], `y` int32 [N]. The largest group, objects, has 22.6 % of them. Parts are those of
    `emoji`: 925 to train, 117 to validate, 111 to test.
    """

    name = "emoji_groups"

    def __init__(self, *, size: int = 64, background: str = "white") -> None:
        """See that the files are there; they are read when somebody asks for examples.

        Args:
            size: pixels along either side; the pictures have 256.
            background: what is behind them: white, black, grey or hexadecimal digits.

        Raises:
            UserError: they are not there; a size or a colour that is none.
        """
        super().__init__(size=size, groups=GROUPS, background=background)
