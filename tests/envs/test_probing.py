"""The probe: faults are found before anything is trained, with their step."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import pytest
from counting import FAULTS, Counting

from rlgen.envs.probing import probe
from rlgen.errors import EnvironmentFault


@pytest.mark.parametrize(("fault", "message"), FAULTS)
def test_the_probe_names_the_step(fault: dict[str, Any], message: str) -> None:
    with pytest.raises(EnvironmentFault, match=message) as caught:
        probe(lambda: Counting(at=2, **fault), seed=0)
    assert "step 2" in str(caught.value)


def test_a_sound_environment_passes_the_probe(capfd: pytest.CaptureFixture[str]) -> None:
    probe(lambda: Counting(), seed=0)
    probe(lambda: gym.make("CartPole-v1"), seed=0)
    assert capfd.readouterr().err == ""
