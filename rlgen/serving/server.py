"""A server of predictions, in the form of TensorFlow Serving's REST interface: its clients work with it."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from rlgen import listening
from rlgen.errors import UserError
from rlgen.exporting.exported import Exported
from rlgen.serving import requests
from rlgen.serving.batches import Batches, Busy
from rlgen.serving.counters import Counters
from rlgen.spec import Spec

JSON, TEXT = "application/json", "text/plain; version=0.0.4; charset=utf-8"
MODEL = re.compile(r"/v1/models/(?P<name>[^/:]+)(/versions/(?P<version>\d+))?(?P<rest>(:|/).*)?")
METRICS = ("/metrics", "/monitoring/prometheus/metrics")
TENSORFLOW = {"float32": "DT_FLOAT", "float64": "DT_DOUBLE", "int32": "DT_INT32", "int64": "DT_INT64"}
TENSORFLOW |= {"uint8": "DT_UINT8", "int8": "DT_INT8", "bool": "DT_BOOL"}


class Server(listening.Server):
    """Serves one model.

    Attributes:
        model: that answers.
        counters: of requests and batches.
        most_bytes: of a request's body.
        place: where it is asked: ".../v1/models/NAME".
    """

    def __init__(
        self,
        model: Exported,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        batch: int = 64,
        wait_seconds: float = 0.0,
        most_bytes: int = 32_000_000,
        timeout_seconds: float = 60.0,
    ) -> None:
        """Listen, once every function has answered something; `serve` answers.

        Args:
            model: that answers.
            host: the address to listen at; whoever reaches it may use it.
            port: 0: one that is free.
            batch: rows that are answered at once, at most.
            wait_seconds: how long the first of them waits for others.
            most_bytes: of a request's body.
            timeout_seconds: after which a client is told to come again.

        Raises:
            UserError: the address cannot be had.
        """
        self.model, self.counters = model, Counters()
        self.most_bytes, self._timeout = most_bytes, timeout_seconds
        super().__init__(Handler, host=host, port=port)
        self.place = f"{self.url}v1/models/{model.bundle.name}"
        for name, signature in model.signatures.items():
            model(name, **{key: np.zeros((1, *spec.shape), spec.dtype) for key, spec in signature.inputs.items()})
        self._batches = Batches(
            lambda name, inputs: model(name, **inputs),
            most_rows=batch,
            wait_seconds=wait_seconds,
            seen=self.counters.batch,
        )

    def serve(self) -> None:
        """Answer until Ctrl-C or SIGTERM; what has come by then is answered."""

        def stop(*_: Any) -> None:
            threading.Thread(target=self.shutdown).start()

        alone = threading.current_thread() is threading.main_thread()
        before = signal.signal(signal.SIGTERM, stop) if alone else None
        try:
            self.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            pass
        finally:
            self.close()
            if alone:
                signal.signal(signal.SIGTERM, before)

    def close(self) -> None:
        """Let the address go, and answer what waits."""
        self._batches.close()
        self.server_close()

    def predicted(self, body: bytes) -> bytes:
        """The answer to a request.

        Raises:
            UserError: it is none.
            Busy: others wait.
        """
        request = requests.read(body, self.model.signatures)
        found = self._batches.ask(request.signature, request.inputs, timeout_seconds=self._timeout)
        return requests.answer(found, by_rows=request.by_rows)

    def status(self) -> bytes:
        """Which version is served, and that it is."""
        state = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        return _json({"model_version_status": [{"version": str(self.model.bundle.version), **state}]})

    def metadata(self) -> bytes:
        """What each signature takes and gives, as TensorFlow Serving says it, and in words what it answers."""
        bundle = self.model.bundle
        signatures = {
            name: {
                "inputs": {key: _tensor(key, spec) for key, spec in each.inputs.items()},
                "outputs": {key: _tensor(key, spec) for key, spec in each.outputs.items()},
                "method_name": "tensorflow/serving/predict",
                "about": each.about,
                "labels": dict(each.labels),
            }
            for name, each in bundle.signatures.items()
        }
        spec = {"name": bundle.name, "signature_name": "", "version": str(bundle.version)}
        return _json({"model_spec": spec, "metadata": {"signature_def": {"signature_def": signatures}}})


class Handler(listening.Handler):
    """One line from a client.

    Attributes:
        answered: the code of its last answer.
    """

    server: Server
    answered: int

    def do_GET(self) -> None:
        """Health, metrics, what there is."""
        place = urlsplit(self.path).path
        if not self.server.answers_to(self.headers.get("Host", "")):
            self.say(403, f"This server is at {self.server.url} alone.")
        elif place == "/healthz":
            self.answer(200, TEXT, b"ok\n")
        elif place in METRICS:
            self.answer(200, TEXT, self.server.counters.text(self.server.model.bundle.name).encode())
        elif (rest := self._of_model(place)) is None:
            return
        elif rest == "":
            self.answer(200, JSON, self.server.status())
        elif rest == "/metadata":
            self.answer(200, JSON, self.server.metadata())
        else:
            self.say(404, f"There is nothing at {place}. Ask {self.server.place}, or post to it with ':predict'.")

    def do_POST(self) -> None:
        """A prediction."""
        start, place = time.perf_counter(), urlsplit(self.path).path
        if not self.server.answers_to(self.headers.get("Host", "")):
            self.say(403, f"This server is at {self.server.url} alone.")
        elif (rest := self._of_model(place)) is not None:
            if rest == ":predict":
                self._predict()
            else:
                self.say(404, f"Nothing is taken at {place}: post to {self.server.place}:predict.")
        self.server.counters.request(self.answered, time.perf_counter() - start)

    def say(self, code: int, sentence: str) -> None:
        """As the base, in the form in which TensorFlow Serving's clients look for it."""
        self.close_connection = True
        self._fault(code, sentence)

    def answer(self, code: int, kind: str, content: bytes) -> None:
        """As the base; the code is noted."""
        self.answered = code
        super().answer(code, kind, content)

    def _predict(self) -> None:
        length = self.body_bytes(most=self.server.most_bytes, what="a body")
        if length is None:
            return
        body = self.rfile.read(length)
        try:
            content = self.server.predicted(body)
        except UserError as error:
            self._fault(400, str(error))
        except Busy as error:
            self._fault(503, str(error))
        except Exception as error:  # A model of anybody's may raise anything; the next request is not to blame.
            self._fault(500, f"The model failed: {type(error).__name__}.")
        else:
            self.answer(200, JSON, content)

    def _of_model(self, place: str) -> str | None:
        """What is asked of the model; None where it is another one's, and the client was told."""
        bundle, found = self.server.model.bundle, MODEL.fullmatch(place)
        if found is None or found["name"] != bundle.name:
            self.say(404, f"There is nothing at {place}: the model is at {self.server.place}.")
        elif found["version"] not in (None, str(bundle.version)):
            self.say(404, f"There is no version {found['version']}: the model has version {bundle.version}.")
        else:
            return found["rest"] or ""
        return None

    def _fault(self, code: int, sentence: str) -> None:
        self.answer(code, JSON, requests.fault(sentence))


def _tensor(name: str, spec: Spec) -> dict[str, Any]:
    sizes = [{"size": str(size), "name": ""} for size in (-1, *spec.shape)]
    return {"dtype": TENSORFLOW.get(spec.dtype, spec.dtype), "tensor_shape": {"dim": sizes}, "name": name}


def _json(row: Any) -> bytes:
    return json.dumps(row, indent=1).encode()
