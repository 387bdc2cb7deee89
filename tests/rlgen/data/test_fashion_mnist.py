"""The real set, where it is."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen import data
from rlgen.data.fashion_mnist import FashionMNIST
from rlgen.errors import UserError


def test_the_real_one() -> None:
    if FashionMNIST.origin.find() is None:
        pytest.skip("Fashion-MNIST is not here: `rlgen data get fashion_mnist` brings it.")
    loaded = data.load("fashion_mnist")
    parts = {part: loaded.split(part) for part in data.PARTS}
    assert [len(parts[part]) for part in data.PARTS] == [55_000, 5_000, 10_000]
    counts = sum(np.bincount(parts[part].y, minlength=10) for part in ("train", "validation"))
    assert (counts == 6_000).all() and (np.bincount(parts["test"].y) == 1_000).all()
    pixels = np.concatenate([parts["train"].x, parts["validation"].x]) / 255.0
    assert pixels.mean() == pytest.approx(0.2860, abs=1e-4) and pixels.std() == pytest.approx(0.3530, abs=1e-4)


def test_where_it_is_missing_the_message_has_the_command(data_place: object) -> None:
    with pytest.raises(UserError, match=r"is not here: `rlgen data get fashion_mnist` brings it \(30.9 MB, MIT\)"):
        data.load("fashion_mnist")
