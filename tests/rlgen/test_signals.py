import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import rlgen
from rlgen.signals import Signals, untouched


def test_the_first_is_noted_and_the_second_stops_at_once() -> None:
    before, heard = signal.getsignal(signal.SIGTERM), list[str]()
    with pytest.raises(KeyboardInterrupt), Signals(heard.append) as signals:
        assert signals.received is None
        signal.raise_signal(signal.SIGTERM)
        assert signals.received == "SIGTERM"
        assert heard == ["SIGTERM: saving, then stopping."]
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_leaves_signals_alone() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with Signals(print):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_it_is_said_how_to_go_on(walk: Any, tmp_path: Path) -> None:
    run = rlgen.train("walk", run=tmp_path / "a run", steps=20)
    assert untouched(run) == (
        f"The checkpoint of step 20 in {run.checkpoints} is untouched. "
        f"Go on with: rlgen train walk --run '{run.path}' --resume"
    )
