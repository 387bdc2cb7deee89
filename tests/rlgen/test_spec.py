"""What an example looks like, from what a file says of it."""

from __future__ import annotations

from typing import Any

import pytest

from rlgen.spec import Spec


def test_sizes() -> None:
    assert [(spec.size, spec.bytes) for spec in (Spec(()), Spec((2, 3)), Spec((4, 4, 3), "uint8"))] == [
        (1, 4),
        (6, 24),
        (48, 48),
    ]
    assert Spec((4, 4, 1)).picture and not Spec((4, 4)).picture
    assert str(Spec((4, 2), "bool")) == "bool [4, 2]"


def test_channels_that_come_first_show() -> None:
    shapes = {
        (3, 64, 64): True,
        (1, 84, 84): True,
        (4, 10, 10): True,
        (64, 64, 3): False,
        (4, 4, 3): False,
        (3, 9): False,
    }
    assert {shape: Spec(shape, "uint8").channels_first for shape in shapes} == shapes


def test_it_comes_back_from_a_file() -> None:
    for spec in (Spec(()), Spec((2, 0)), Spec((4, 4, 3), "uint8")):
        assert Spec.of_row({"shape": list(spec.shape), "dtype": spec.dtype, "more": 1}) == spec


@pytest.mark.parametrize("shape", [None, "ab", 5, [-1], ["8"], [8.0], [True], {}], ids=str)
def test_what_is_no_shape(shape: Any) -> None:
    with pytest.raises(TypeError, match="is no shape"):
        Spec.of_row({"shape": shape, "dtype": "float32"})


@pytest.mark.parametrize("dtype", [None, 5, "nothing", "object", "str", "datetime64[s]", [], "float32, int32"], ids=str)
def test_what_is_no_type_of_numbers(dtype: Any) -> None:
    with pytest.raises(TypeError):
        Spec.of_row({"shape": [1], "dtype": dtype})
