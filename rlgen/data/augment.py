"""Random changes of training pictures, inside the training program: pure functions of pictures and a seed.

Where a target has the rows and columns of its example (another picture, a mask), what moves the one moves the
other; colours change in the example alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import tensorflow as tf

from rlgen import draws
from rlgen.errors import UserError
from rlgen.spec import Spec

Augmentation = Literal["flip", "jitter", "shift", "brightness", "contrast", "noise"]

SHIFT = 8  # At most this part of the height and of the width: an eighth.
JITTER = 286 / 256  # Isola et al. (2017), 6.2.
BRIGHTNESS, CONTRAST, NOISE = 0.2, 0.3, 0.05


def augmented(x: Any, y: Any, seed: Any, names: Sequence[Augmentation]) -> tuple[Any, Any]:
    """Examples and targets, changed by each augmentation in the order given.

    Args:
        x: pictures in [0, 1], float32 [N, H, W, C].
        y: targets; None without.
        seed: a stateless seed, int32 [2]; the same seed changes the same.
        names: which augmentations.
    """
    aligned = y is not None and y.shape.rank >= 3 and y.shape[1:3] == x.shape[1:3]
    for number, name in enumerate(names):
        # One seed an augmentation: two that drew alike would go together.
        own = seed + tf.constant([number, 0])
        if name in GEOMETRY:
            move = GEOMETRY[name](x.shape, own)
            x, y = move(x), move(y) if aligned else y
        else:
            x = COLOUR[name](x, own)
    return x, y


def check(names: Sequence[str], spec: Spec) -> None:
    """Raise `UserError` where there is something to augment and no picture."""
    if names and not spec.picture:
        raise UserError(f"augment={','.join(names)} changes pictures, and these examples are {spec}. Leave it out.")


def flip(shape: Any, seed: Any) -> Callable[[Any], Any]:
    """Left to right, half of the pictures."""
    chosen = draws.uniform((shape[0],), seed) < 0.5

    def move(x: Any) -> Any:
        return tf.where(tf.reshape(chosen, (-1, *[1] * (x.shape.rank - 1))), tf.reverse(x, [2]), x)

    return move


def shift(shape: Any, seed: Any) -> Callable[[Any], Any]:
    """Up to an eighth of the height and of the width in each direction; the edge fills what becomes free."""
    reach = [max(1, shape[1] // SHIFT), max(1, shape[2] // SHIFT)]
    coins = draws.uniform((2, shape[0]), seed)
    steps = [tf.cast(tf.floor(coins[i] * (2 * reach[i] + 1)), tf.int32) - reach[i] for i in (0, 1)]
    rows, columns = (
        tf.clip_by_value(tf.range(shape[i + 1])[None] + steps[i][:, None], 0, shape[i + 1] - 1) for i in (0, 1)
    )

    return lambda x: _gathered(x, rows, columns)


def jitter(shape: Any, seed: Any) -> Callable[[Any], Any]:
    """Enlarged by 286/256, a pixel at least, and cut out of that at a place drawn for each picture."""
    large = [max(side + 1, round(side * JITTER)) for side in shape[1:3]]
    coins = draws.uniform((2, shape[0]), seed)
    rows, columns = (
        tf.range(shape[i + 1])[None] + tf.cast(tf.floor(coins[i] * (large[i] - shape[i + 1] + 1)), tf.int32)[:, None]
        for i in (0, 1)
    )

    def move(x: Any) -> Any:
        # Between two classes of a mask there is none.
        how = "bilinear" if x.dtype.is_floating else "nearest"
        picture = x if x.shape.rank == 4 else x[..., None]
        enlarged = tf.image.resize(picture, large, method=how)
        moved = _gathered(enlarged if x.shape.rank == 4 else enlarged[..., 0], rows, columns)
        return tf.ensure_shape(moved, x.shape)

    return move


def _gathered(x: Any, rows: Any, columns: Any) -> Any:
    """Of each picture its own rows and columns, both [N, ...]."""
    moved = tf.gather(x, rows, axis=1, batch_dims=1)
    # Columns are gathered as rows of the transposed picture.
    return _transposed(tf.gather(_transposed(moved), columns, axis=1, batch_dims=1))


def _transposed(x: Any) -> Any:
    return tf.transpose(x, [0, 2, 1, *range(3, x.shape.rank)])


def brightness(x: Any, seed: Any) -> Any:
    """One number in [-0.2, 0.2] for each picture, added; the result stays in [0, 1]."""
    amount = draws.uniform((x.shape[0], 1, 1, 1), seed, -BRIGHTNESS, BRIGHTNESS)
    return tf.clip_by_value(x + amount, 0.0, 1.0)


def contrast(x: Any, seed: Any) -> Any:
    """Distances from the picture's mean times one number in [0.7, 1.3] for each; the result stays in [0, 1]."""
    factor = draws.uniform((x.shape[0], 1, 1, 1), seed, 1 - CONTRAST, 1 + CONTRAST)
    mean = tf.reduce_mean(x, axis=[1, 2, 3], keepdims=True)
    return tf.clip_by_value(mean + factor * (x - mean), 0.0, 1.0)


def noise(x: Any, seed: Any) -> Any:
    """Normal noise of standard deviation 0.05 on every number; the result stays in [0, 1]."""
    return tf.clip_by_value(x + NOISE * draws.normal(x.shape, seed), 0.0, 1.0)


GEOMETRY: dict[str, Callable[..., Callable[[Any], Any]]] = {"flip": flip, "jitter": jitter, "shift": shift}
COLOUR: dict[str, Callable[..., Any]] = {"brightness": brightness, "contrast": contrast, "noise": noise}
