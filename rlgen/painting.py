"""A page on which somebody paints, and sees at once what a model makes of it: served to this machine."""

from __future__ import annotations

import importlib.resources
import io
import json
import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from rlgen import listening, pictures, runtime
from rlgen.errors import RlgenError, UserError
from rlgen.summary import png_bytes
from rlgen.translating import Translator

# Of a picture that is sent; one of 1,024 x 1,024 pixels in colour has 3 MB at most.
MOST_BYTES = 8_000_000
SHOWN = 12
PAGE = {
    "/": ("paint.html", "text/html; charset=utf-8"),
    "/paint.css": ("paint.css", "text/css; charset=utf-8"),
    "/paint.js": ("paint.js", "text/javascript; charset=utf-8"),
}
# Nothing from elsewhere, and in no frame of somebody else's page.
POLICY = "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'; form-action 'none'; base-uri 'none'"
PNG = "image/png"


class Server(listening.Server):
    """Serves the page and translates what comes from it, one picture at a time.

    Attributes:
        url: where the page is.
    """

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
        self._model, self._turn = model, threading.Lock()
        super().__init__(Handler, host=host, port=port)
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

    def _blank(self) -> bytes:
        return png_bytes(np.full(self._model.inputs.shape, 255, np.uint8))


class Handler(listening.Handler):
    """One line from a browser."""

    always = {**listening.Handler.always, "Content-Security-Policy": POLICY}
    server: Server

    def do_GET(self) -> None:
        """The page, what it is about, and pictures to begin with."""
        if self._refused():
            return
        place = urlsplit(self.path).path
        if place in PAGE:
            name, kind = PAGE[place]
            self.answer(200, kind, (importlib.resources.files("rlgen") / "page" / name).read_bytes())
        elif place == "/about.json":
            self.answer(200, "application/json", json.dumps(self.server.about).encode())
        elif (example := self._example(place)) is not None:
            self.answer(200, PNG, example)
        else:
            self.say(404, f"There is nothing at {place}.")

    def do_POST(self) -> None:
        """A picture for a picture, at /translate?seed=0."""
        if self._refused():
            return
        whole = urlsplit(self.path)
        seed = parse_qs(whole.query).get("seed", ["0"])[0]
        if whole.path != "/translate":
            self.say(404, f"Nothing is taken at {whole.path}: send pictures to /translate.")
        elif self.headers.get("Content-Type") != PNG:
            # Which a page from elsewhere cannot send without asking first.
            self.say(415, f"Send a picture as {PNG}.")
        elif (length := self.body_bytes(most=MOST_BYTES, what="a picture")) is None:
            return
        elif not (seed.isascii() and seed.isdigit() and len(seed) < 10):
            self.say(400, "A seed is a whole number from 0 to 999999999.")
        else:
            self._translate(self.rfile.read(length), int(seed))

    def _translate(self, picture: bytes, seed: int) -> None:
        try:
            made = self.server.translated(picture, seed=seed)
        except UserError as error:
            self.say(400, str(error))
        else:
            self.answer(200, PNG, made)

    def _refused(self) -> bool:
        if self.server.answers_to(self.headers.get("Host", "")):
            return False
        self.say(403, f"This page is at {self.server.url} alone.")
        return True

    def _example(self, place: str) -> bytes | None:
        names = {f"/examples/{i}.png": picture for i, picture in enumerate(self.server.examples)}
        return names.get(place)


def _examples(model: Translator) -> Any:
    """Pictures to begin with; none where the data are not here."""
    try:
        return model.inputs_to_show(SHOWN)
    except RlgenError as error:
        runtime.tell(f"There are no pictures to begin with: {error}")
        return ()
