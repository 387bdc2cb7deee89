"""A server that answers in a thread while a test asks."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TypeVar

from rlgen.listening import Server

T = TypeVar("T", bound=Server)


@contextlib.contextmanager
def answering(server: T) -> Iterator[T]:
    """Inside it answers; after it its address is free."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
