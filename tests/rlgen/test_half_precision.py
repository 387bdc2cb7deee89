"""When bfloat16 is taken: the processor has units for it, and is faster with them by more than a little."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlgen import half_precision


@pytest.mark.parametrize(
    ("told", "units"),
    [
        ("flags : fpu avx512_bf16 amx_bf16 amx_tile\n", ("amx_bf16", "avx512_bf16")),
        ("flags : fpu avx512_bf16\nflags : fpu avx512_bf16\n", ("avx512_bf16",)),
        ("flags : fpu avx512f no_avx512_bf16\n", ()),
        (None, ()),
    ],
)
def test_what_the_processor_has(told: str | None, units: tuple[str, ...], tmp_path: Path) -> None:
    if told is not None:
        (tmp_path / "cpuinfo").write_text(told)
    assert half_precision.units(tmp_path / "cpuinfo") == units


@pytest.mark.parametrize(("half", "taken"), [(0.5, True), (0.9, True), (0.95, False), (1.3, False)])
def test_what_was_measured_decides_once_in_a_process(half: float, taken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(half_precision, "units", lambda file: ("avx512_bf16",))
    monkeypatch.setattr(half_precision, "measured", lambda: calls.append(1) or {"float32": 1.0, "bfloat16": half})
    half_precision.pays.cache_clear()
    assert half_precision.pays() is taken and half_precision.pays() is taken and len(calls) == 1
    half_precision.pays.cache_clear()
    monkeypatch.setattr(half_precision, "units", lambda file: ())
    assert not half_precision.pays() and len(calls) == 1, "without units nothing is measured"
    half_precision.pays.cache_clear()


def test_a_measurement_is_of_both_types() -> None:
    seconds = half_precision.measured(rounds=1)
    assert set(seconds) == {"float32", "bfloat16"} and all(0 < value < 10 for value in seconds.values())
