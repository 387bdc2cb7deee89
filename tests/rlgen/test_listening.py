"""What the house's HTTP servers share."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from answering import answering

from rlgen import listening
from rlgen.errors import UserError

SENTENCE = "What was asked for. "


class Handler(listening.Handler):
    def do_GET(self) -> None:
        self.answer(200, "text/plain", 100 * SENTENCE.encode())

    def do_POST(self) -> None:
        if (length := self.body_bytes(most=10, what="a letter")) is not None:
            self.answer(200, "text/plain", self.rfile.read(length)[::-1])


@pytest.fixture
def server() -> Iterator[listening.Server]:
    with answering(listening.Server(Handler, host="127.0.0.1", port=0)) as made:
        yield made


def post(server: listening.Server, body: Any, **headers: str) -> tuple[int, str]:
    line = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    line.request("POST", "/", body, headers)
    answer = line.getresponse()
    said = answer.read().decode()
    line.close()
    return answer.status, said


def test_an_answer_leaves_at_once_and_whole(server: listening.Server) -> None:
    """In two packets the second one would wait for the first one's receipt, which comes 40 ms later."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert line.recv(65_536).count(SENTENCE.encode()) == 100
    assert Handler.disable_nagle_algorithm


def test_bodies_have_a_length_and_an_end(server: listening.Server) -> None:
    assert post(server, b"abc") == (200, "cba")
    assert post(server, b"x" * 11) == (413, "A letter may have 10 bytes at most.")
    assert post(server, None, **{"Content-Length": "many"})[0] == 411


def test_whom_it_answers(server: listening.Server) -> None:
    for host in ("127.0.0.1:80", "localhost", "[::1]:3"):
        assert server.answers_to(host)
    for host in ("evil.example", "10.0.0.1", "", "[", "localhost.evil.example"):
        assert not server.answers_to(host)


def test_an_address_that_cannot_be_had(server: listening.Server) -> None:
    for host, port in (("127.0.0.1", server.server_port), ("256.0.0.1", 0)):
        with pytest.raises(UserError, match="Nobody can listen at"):
            listening.Server(Handler, host=host, port=port)
