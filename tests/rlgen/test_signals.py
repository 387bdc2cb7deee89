import signal
import threading

import pytest

from rlgen.signals import Signals


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
