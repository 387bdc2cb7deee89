"""A page on which somebody paints, and sees at once what a model makes of it: served to this machine."""

from __future__ import annotations

import importlib.resources
import io
import ipaddress
import json
import socket
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from rlgen import pictures, runtime
from rlgen.errors import RlgenError, UserError
from rlgen.summary import png_bytes
from rlgen.translating import Translator

# Of a picture that is sent; one of 1,024 x 1,024 pixels in colour has 3 MB at most.
MOST_BYTES = 8_000_000
SHOWN = 12
# Until a line that says nothing is given up.
IDLE_SECONDS = 60
PAGE = {
    "/": ("paint.html", "text/html; charset=utf-8"),
    "/paint.css": ("paint.css", "text/css; charset=utf-8"),
    "/paint.js": ("paint.js", "text/javascript; charset=utf-8"),
}
# Nothing from elsewhere, and in no frame of somebody else's page.
POLICY = "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'; form-action 'none'; base-uri 'none'"
PNG = "image/png"


class Server(ThreadingHTTPServer):
    """Serves the page and translates what comes from it, one picture at a time.

    Attributes:
        url: where the page is.
    """

    daemon_threads = True

    def __init__(self, model: Translator, *, host: str = "127.0.0.1", port: int = 0, title: str = "") -> None:
        """Listen; `serve` answers.

        Args:
            model: that translates.
            host: the address to listen at.
            port: 0: one that is free.
            title: of the page.

        Raises:
            UserError: the address cannot be had.
        """
        self._model, self._turn, self._host = model, threading.Lock(), host.strip("[]").lower()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((self._host, port), Handler)
        except (OSError, UnicodeError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(
                f"Nobody can listen at {host}, port {port}: {reason}. Choose another --port (0: one that is free), "
                "or another --host."
            ) from error
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self.url = f"http://{shown}:{self.server_port}/"
        self.examples = [png_bytes(each) for each in _examples(model)]
        height, width, channels = model.inputs.shape
        self.about = {
            "title": title,
            "height": height,
            "width": width,
            "colour": channels == 3,
            "examples": len(self.examples),
            "by_chance": model.translates_by_chance,
        }

    def server_bind(self) -> None:
        """As the base, which would ask the network for a name that nobody needs."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self._host, self.socket.getsockname()[1]

    def serve(self) -> None:
        """Answer until Ctrl-C."""
        try:
            self.translated(self.examples[0] if self.examples else self._blank(), seed=0)  # What is slow only once.
            self.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            self.server_close()

    def translated(self, picture: bytes, *, seed: int) -> bytes:
        """PNG to PNG.

        Raises:
            UserError: it is no picture.
        """
        x = self._model.read(io.BytesIO(picture), name="What was sent")
        with self._turn:
            made = self._model.translate(x[None], seed=seed)[0]
        return png_bytes(pictures.to_uint8(made))

    def answers_to(self, host: str) -> bool:
        """Whether a request's Host means this server: a page from elsewhere may have its own name lead here."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in ("localhost", self._host):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return not self._loopback and name == socket.gethostname().lower()
        return address.is_loopback or not self._loopback

    @property
    def _loopback(self) -> bool:
        return ipaddress.ip_address(self.socket.getsockname()[0]).is_loopback

    def _blank(self) -> bytes:
        return png_bytes(np.full(self._model.inputs.shape, 255, np.uint8))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """As the base; that somebody has gone is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One line from a browser."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: Server

    def do_GET(self) -> None:
        """The page, what it is about, and pictures to begin with."""
        if self._refused():
            return
        place = urlsplit(self.path).path
        if place in PAGE:
            name, kind = PAGE[place]
            self._answer(200, kind, (importlib.resources.files("rlgen") / "page" / name).read_bytes())
        elif place == "/about.json":
            self._answer(200, "application/json", json.dumps(self.server.about).encode())
        elif (example := self._example(place)) is not None:
            self._answer(200, PNG, example)
        else:
            self._say(404, f"There is nothing at {place}.")

    def do_POST(self) -> None:
        """A picture for a picture, at /translate?seed=0."""
        if self._refused():
            return
        whole = urlsplit(self.path)
        seed = parse_qs(whole.query).get("seed", ["0"])[0]
        length = self.headers.get("Content-Length", "")
        if whole.path != "/translate":
            self._say(404, f"Nothing is taken at {whole.path}: send pictures to /translate.")
        elif self.headers.get("Content-Type") != PNG:
            # Which a page from elsewhere cannot send without asking first.
            self._say(415, f"Send a picture as {PNG}.")
        elif not (length.isascii() and length.isdigit()):
            self._say(411, "Say with Content-Length how many bytes the picture has.")
        elif len(length) > 12 or int(length) > MOST_BYTES:
            self._say(413, f"A picture may have {MOST_BYTES:,} bytes at most.")
        elif not (seed.isascii() and seed.isdigit() and len(seed) < 10):
            self._say(400, "A seed is a whole number from 0 to 999999999.")
        else:
            self._translate(self.rfile.read(int(length)), int(seed))

    def _translate(self, picture: bytes, seed: int) -> None:
        try:
            made = self.server.translated(picture, seed=seed)
        except UserError as error:
            self._say(400, str(error))
        else:
            self._answer(200, PNG, made)

    def _refused(self) -> bool:
        if self.server.answers_to(self.headers.get("Host", "")):
            return False
        self._say(403, f"This page is at {self.server.url} alone.")
        return True

    def _example(self, place: str) -> bytes | None:
        names = {f"/examples/{i}.png": picture for i, picture in enumerate(self.server.examples)}
        return names.get(place)

    def _say(self, code: int, sentence: str) -> None:
        # What was sent may still be on its way, and nobody reads it.
        self.close_connection = True
        self._answer(code, "text/plain; charset=utf-8", sentence.encode())

    def _answer(self, code: int, kind: str, content: bytes) -> None:
        self.send_response(code)
        about = {
            "Content-Type": kind,
            "Content-Length": len(content),
            "Cache-Control": "no-store",
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            **({"Connection": "close"} if self.close_connection else {}),
        }
        for name, value in about.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: each line of a brush would be one."""


def _examples(model: Translator) -> Any:
    """Pictures to begin with; none where the data are not here."""
    try:
        return model.inputs_to_show(SHOWN)
    except RlgenError as error:
        runtime.tell(f"There are no pictures to begin with: {error}")
        return ()
