"""What the house's small HTTP servers share: an address to listen at, whom they answer, and sentences as answers."""

from __future__ import annotations

import ipaddress
import socket
import socketserver
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from rlgen.errors import UserError

# Until a line that says nothing is given up.
IDLE_SECONDS = 60


class Server(ThreadingHTTPServer):
    """Listens, each line in a thread of its own.

    Attributes:
        url: where it is.
    """

    daemon_threads = True

    def __init__(self, handler: type[Handler], *, host: str, port: int) -> None:
        """Listen; `serve_forever` answers.

        Args:
            handler: of one line.
            host: the address to listen at.
            port: 0: one that is free.

        Raises:
            UserError: the address cannot be had.
        """
        self._host = host.strip("[]").lower()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((self._host, port), handler)
        except (OSError, UnicodeError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(
                f"Nobody can listen at {host}, port {port}: {reason}. Choose another --port (0: one that is free), "
                "or another --host."
            ) from error
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self.url = f"http://{shown}:{self.server_port}/"

    def server_bind(self) -> None:
        """As the base, which would ask the network for a name that nobody needs."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self._host, self.socket.getsockname()[1]

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

    def handle_error(self, request: Any, client_address: Any) -> None:
        """As the base; that somebody has gone is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One line from a client.

    Attributes:
        always: headers of every answer.
    """

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    # An answer leaves as one packet, at once: otherwise its second part waits 40 ms for the first one's receipt.
    disable_nagle_algorithm = True
    wbufsize = 65_536
    always: dict[str, str] = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

    def body_bytes(self, *, most: int, what: str) -> int | None:
        """How long the body is that comes with a request; None where that was refused, and the client told."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self.say(411, f"Say with Content-Length how many bytes {what} has.")
        elif len(length) > 12 or int(length) > most:
            self.say(413, f"{what[:1].upper()}{what[1:]} may have {most:,} bytes at most.")
        else:
            return int(length)
        return None

    def say(self, code: int, sentence: str) -> None:
        """A sentence, and the end of the line: what was sent may still be on its way, and nobody reads it."""
        self.close_connection = True
        self.answer(code, "text/plain; charset=utf-8", sentence.encode())

    def answer(self, code: int, kind: str, content: bytes) -> None:
        """What was asked for."""
        self.send_response(code)
        about = {"Content-Type": kind, "Content-Length": len(content), **self.always}
        for name, value in {**about, **({"Connection": "close"} if self.close_connection else {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: a client may send hundreds a second."""
