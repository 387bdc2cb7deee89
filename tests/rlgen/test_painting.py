"""The page on which somebody paints, without a browser."""

from __future__ import annotations

import http.client
import io
import json
import re
import socket
import threading
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from answering import answering
from inverter import Inverter
from PIL import Image

from rlgen import painting
from rlgen.errors import UserError
from rlgen.painting import MOST_BYTES, Server

PNG = {"Content_Type": "image/png"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with answering(Server(Inverter(), title="negatives")) as made:
        yield made


def ask(server: Server, method: str, place: str, body: Any = None, **headers: str) -> tuple[Any, bytes]:
    line = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    line.request(method, place, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = line.getresponse()
    content = answer.read()
    line.close()
    return answer, content


def png(picture: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def test_the_page_and_all_it_asks_for(server: Server) -> None:
    answer, page = ask(server, "GET", "/")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    for place in re.findall(rb'(?:src|href)="(/[^"]+)"', page):
        answer, content = ask(server, "GET", place.decode())
        assert answer.status == 200 and content, place
    about = json.loads(ask(server, "GET", "/about.json")[1])
    assert about == {
        **{"title": "negatives", "height": 4, "width": 6, "colour": False, "examples": 2, "by_chance": True}
    }
    for i in range(2):
        assert Image.open(io.BytesIO(ask(server, "GET", f"/examples/{i}.png")[1])).size == (6, 4)
    assert ask(server, "GET", "/examples/2.png")[0].status == 404


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    for name, _ in painting.PAGE.values():
        text = files("rlgen").joinpath("page", name).read_text()
        assert not re.search(r"https?:|//\w+\.|@import", text), name


def test_a_picture_comes_back_as_what_the_model_makes_of_it(server: Server) -> None:
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, 30:] = 255
    answer, made = ask(server, "POST", "/translate?seed=9", png(picture), **PNG)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
    pixels = np.asarray(Image.open(io.BytesIO(made)))
    np.testing.assert_array_equal(pixels[..., 0], np.tile([255, 255, 255, 0, 0, 0], (4, 1)))
    assert (pixels[..., 2] == 9).all()


def test_one_line_carries_many_pictures(server: Server) -> None:
    line = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    for shade in (0, 100, 200):
        line.request("POST", "/translate", png(np.full((4, 6), shade, np.uint8)), {"Content-Type": "image/png"})
        answer = line.getresponse()
        assert np.asarray(Image.open(io.BytesIO(answer.read())))[0, 0, 0] == 255 - shade
    line.close()


def test_many_at_once_are_answered_each_with_its_own(server: Server) -> None:
    found: dict[int, int] = {}

    def one(shade: int) -> None:
        made = ask(server, "POST", "/translate", png(np.full((4, 6), shade, np.uint8)), **PNG)[1]
        found[shade] = int(np.asarray(Image.open(io.BytesIO(made)))[0, 0, 0])

    threads = [threading.Thread(target=one, args=(10 * i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {10 * i: 255 - 10 * i for i in range(12)}


@pytest.mark.parametrize(
    ("place", "body", "headers", "code", "words"),
    [
        ("/translate", b"no picture", PNG, 400, "cannot be read as a picture"),
        ("/translate", b"", PNG, 400, "cannot be read as a picture"),
        ("/translate?seed=-1", b"", PNG, 400, "whole number"),
        ("/translate?seed=1e9", b"", PNG, 400, "whole number"),
        ("/translate", b"x", {"Content_Type": "text/plain"}, 415, "image/png"),
        ("/translate", None, {**PNG, "Content_Length": str(MOST_BYTES + 1)}, 413, "8,000,000 bytes"),
        ("/translate", None, {**PNG, "Content_Length": "9" * 500}, 413, "at most"),
        ("/translate", None, {**PNG, "Content_Length": "-1"}, 411, "Content-Length"),
        ("/elsewhere", b"x", PNG, 404, "/translate"),
    ],
)
def test_what_is_no_picture_gets_a_sentence(
    server: Server, place: str, body: Any, headers: dict[str, str], code: int, words: str
) -> None:
    answer, content = ask(server, "POST", place, body, **headers)
    assert answer.status == code and words in content.decode()
    assert ask(server, "GET", "/")[0].status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_name_from_elsewhere_is_refused(server: Server, method: str) -> None:
    for host in ("evil.example", f"evil.example:{server.server_port}", "", "192.0.2.7", "[", "127.0.0.1.evil.example"):
        assert ask(server, method, "/", Host=host)[0].status == 403, host
    for host in ("localhost", f"127.0.0.1:{server.server_port}", "[::1]:80"):
        assert ask(server, method, "/translate", Host=host)[0].status != 403, host


def test_where_all_may_reach_it_addresses_are_its_names_and_names_from_elsewhere_are_not() -> None:
    server = Server(Inverter(), host="0.0.0.0")
    try:
        assert server.answers_to("192.0.2.7:80") and server.answers_to(socket.gethostname())
        assert not server.answers_to("evil.example")
    finally:
        server.server_close()


@pytest.mark.parametrize("host", ["256.0.0.1", "nowhere.invalid", "192.0.2.7"])
def test_where_nobody_can_listen(host: str) -> None:
    with pytest.raises(UserError, match=rf"Nobody can listen at {host}, port 0: .*--host"):
        Server(Inverter(), host=host)


def test_a_port_that_is_taken(server: Server) -> None:
    with pytest.raises(UserError, match=f"port {server.server_port}.*--port"):
        Server(Inverter(), port=server.server_port)


def test_without_the_data_there_are_no_pictures_to_begin_with(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(self: Inverter, count: int) -> Any:
        raise UserError("The data set is not here.")

    monkeypatch.setattr(Inverter, "inputs_to_show", missing)
    server = Server(Inverter())
    server.server_close()
    assert server.about["examples"] == 0
    assert "no pictures to begin with: The data set is not here." in capsys.readouterr().err


def test_ctrl_c_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(model := Inverter())

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(server, "serve_forever", interrupted)
    server.serve()
    assert len(model.seen) == 1, "what is slow only once is done before anybody waits for it"
    assert server.socket.fileno() == -1
