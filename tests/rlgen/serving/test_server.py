"""A server and real clients: what TensorFlow Serving's REST interface promises, and what it refuses."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from answering import answering

from rlgen.errors import UserError
from rlgen.exporting.bundle import Bundle, Signature
from rlgen.exporting.exported import Exported
from rlgen.serving.server import Server
from rlgen.spec import Spec

MOST = 10_000
SIGNATURES = {
    "scale": Signature(
        about="Twice each, and their sum.",
        inputs={"x": Spec((2,))},
        outputs={"sum": Spec(()), "twice": Spec((2,))},
        labels={"sum": ("a", "b")},
    ),
    "add": Signature(
        about="A sum.", inputs={"a": Spec((), "int32"), "b": Spec((), "int32")}, outputs={"sum": Spec((), "int32")}
    ),
}


def answer(name: str, inputs: Any) -> dict[str, Any]:
    if name == "add":
        return {"sum": inputs["a"] + inputs["b"]}
    if (inputs["x"] == 13).any():
        raise RuntimeError("a model's own fault")
    return {"twice": 2 * inputs["x"], "sum": inputs["x"].sum(-1)}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    bundle = Bundle(name="scaler", format="run", version=7, signatures=SIGNATURES, run={})
    with answering(Server(Exported(bundle, answer), most_bytes=MOST)) as made:
        yield made
    made.close()


def ask(server: Server, method: str, place: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    line = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    line.request(method, place, content, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = line.getresponse()
    said = answer.read()
    line.close()
    return answer.status, json.loads(said) if answer.headers["Content-Type"] == "application/json" else said.decode()


def predict(server: Server, body: Any, place: str = "/v1/models/scaler:predict") -> tuple[int, Any]:
    return ask(server, "POST", place, body)


def test_rows_come_back_as_rows(server: Server) -> None:
    code, said = predict(server, {"instances": [[1, 2], [3, 4.5]]})
    assert code == 200
    assert said == {"predictions": [{"sum": 3.0, "twice": [2.0, 4.0]}, {"sum": 7.5, "twice": [6.0, 9.0]}]}
    assert predict(server, {"instances": [{"x": [1, 2]}]})[1] == {"predictions": [{"sum": 3.0, "twice": [2.0, 4.0]}]}


def test_columns_come_back_as_columns(server: Server) -> None:
    wanted = {"outputs": {"sum": [3.0], "twice": [[2.0, 4.0]]}}
    assert predict(server, {"inputs": {"x": [[1, 2]]}}) == (200, wanted)
    assert predict(server, {"inputs": [[1, 2]], "signature_name": "serving_default"}) == (200, wanted)


def test_a_single_output_has_no_name_around_it(server: Server) -> None:
    asked = {"signature_name": "add", "instances": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}
    assert predict(server, asked) == (200, {"predictions": [3, 7]})
    asked = {"signature_name": "add", "inputs": {"a": [1], "b": [2]}}
    assert predict(server, asked) == (200, {"outputs": [3]})


def test_by_version(server: Server) -> None:
    assert predict(server, {"instances": [[1, 2]]}, "/v1/models/scaler/versions/7:predict")[0] == 200
    code, said = predict(server, {"instances": [[1, 2]]}, "/v1/models/scaler/versions/8:predict")
    assert code == 404 and "has version 7" in said["error"]


def test_what_there_is(server: Server) -> None:
    code, said = ask(server, "GET", "/v1/models/scaler")
    status = said["model_version_status"][0]
    assert code == 200 and (status["version"], status["state"]) == ("7", "AVAILABLE")
    signatures = ask(server, "GET", "/v1/models/scaler/metadata")[1]["metadata"]["signature_def"]["signature_def"]
    given = signatures["scale"]["inputs"]["x"]
    assert given["dtype"] == "DT_FLOAT" and [dim["size"] for dim in given["tensor_shape"]["dim"]] == ["-1", "2"]
    assert signatures["scale"]["labels"] == {"sum": ["a", "b"]}
    assert ask(server, "GET", "/healthz") == (200, "ok\n")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "is no JSON"),
        (b"[" * 5000, "is no JSON"),
        (b"\xff", "is no JSON"),
        ([1], "is no object"),
        ({}, 'either "instances"'),
        ({"instances": [[1, 2]], "inputs": {}}, 'either "instances"'),
        ({"instances": 3}, '"instances" is a list'),
        ({"instances": []}, "no row was sent"),
        ({"instances": [[1, 2], [3]]}, "differ in length"),
        ({"instances": [[1, 2, 3]]}, "and not int64"),
        ({"instances": [{"x": [1, 2]}, {}]}, r"instances\[1\] has no x"),
        ({"instances": [{"y": [1, 2]}]}, "takes no 'y'"),
        ({"instances": [["a", "b"]]}, "'x' is float32"),
        ({"instances": [None]}, "'x' is float32"),
        ({"inputs": {"z": 1}}, "takes no 'z'"),
        ({"instances": [[1, 2]], "signature_name": "scal"}, "Did you mean 'scale'"),
        ({"instances": [[1, 2]], "signature_name": 3}, "is no text"),
        ({"instance": [[1, 2]]}, "Did you mean 'instances'"),
    ],
)
def test_what_is_no_request_gets_400_and_a_sentence(server: Server, body: Any, said: str) -> None:
    import re

    code, found = predict(server, body)
    assert code == 400 and re.search(said, found["error"]), found


def test_what_is_too_large_gets_413_before_it_is_read(server: Server) -> None:
    code, said = predict(server, b" " * (MOST + 1))
    assert code == 413 and "10,000 bytes at most" in said["error"]
    assert predict(server, {"instances": [[1, 2]]})[0] == 200


def test_other_places_get_404(server: Server) -> None:
    for method, place in (("GET", "/"), ("GET", "/v1/models/scaler/x"), ("POST", "/v1/models/scaler")):
        code, said = ask(server, method, place, {} if method == "POST" else None)
        assert code == 404 and "/v1/models/scaler" in said["error"]
    assert predict(server, {}, "/v1/models/another:predict")[0] == 404


def test_a_page_from_elsewhere_is_refused(server: Server) -> None:
    code, said = ask(server, "POST", "/v1/models/scaler:predict", {"instances": [[1, 2]]}, Host="evil.example")
    assert code == 403 and said["error"].endswith("alone.")


def test_a_models_own_fault_is_500_and_the_next_request_is_answered(server: Server) -> None:
    code, said = predict(server, {"instances": [[13, 0]]})
    assert (code, said["error"]) == (500, "The model failed: RuntimeError.")
    assert predict(server, {"instances": [[1, 2]]})[0] == 200


def test_without_a_length_411(server: Server) -> None:
    line = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    line.putrequest("POST", "/v1/models/scaler:predict")
    line.endheaders()
    assert line.getresponse().status == 411
    line.close()


def test_sixteen_clients_and_a_thousand_requests_lose_nothing(server: Server) -> None:
    found: dict[int, Any] = {}
    before = server.counters.text("scaler")

    def client(first: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
        for i in range(first, 1000, 16):
            line.request(
                "POST", "/v1/models/scaler:predict", json.dumps({"instances": [[i, 1]] if i != 13 else [[0, 0]]})
            )
            answer = line.getresponse()
            found[i] = (answer.status, json.loads(answer.read())["predictions"][0]["sum"])
        line.close()

    clients = [threading.Thread(target=client, args=(i,)) for i in range(16)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    assert found == {i: (200, float(i + 1) if i != 13 else 0.0) for i in range(1000)}
    after = server.counters.text("scaler")
    assert counted(after) - counted(before) == 1000
    assert 'rlgen_request_seconds_bucket{model="scaler",le="+Inf"}' in after
    assert ask(server, "GET", "/monitoring/prometheus/metrics")[1].startswith("# HELP rlgen_requests_total")


def counted(text: str) -> int:
    line = next(
        line for line in text.splitlines() if line.startswith('rlgen_requests_total{model="scaler",code="200"}')
    )
    return int(line.split()[-1])


def test_an_address_that_somebody_has_is_named(server: Server) -> None:
    with pytest.raises(UserError, match=f"port {server.server_port}"):
        Server(server.model, port=server.server_port)


def test_numbers_are_the_models_own(server: Server) -> None:
    x = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    said = predict(server, {"instances": x.tolist()})[1]["predictions"]
    np.testing.assert_array_equal(np.float32([row["twice"] for row in said]), 2 * x)
