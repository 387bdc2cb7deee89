"""How exactly exports agree with their runs, and how a server answers many clients.

One short run of each family, exported in every format that can hold it; then 1,000 requests from 16 clients to
`rlgen serve`, each answer held against the run's own.

    python -m benchmarks.export
"""

from __future__ import annotations

import http.client
import json
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import rlgen
from rlgen.errors import UserError

RESULTS = Path(__file__).parent / "results" / "export.json"
# What is trained, on what, and for how long: seconds each.
RUNS: tuple[tuple[str, dict[str, str], int], ...] = (
    ("dueling_dqn", {"env": "CartPole-v1"}, 20_000),
    ("a2c", {"env": "CartPole-v1"}, 50_000),
    ("ppo", {"env": "Pendulum-v1"}, 50_000),
    ("sac", {"env": "Pendulum-v1"}, 5_000),
    ("cnn", {"data": "digits"}, 2_000),
    ("regression", {"data": "diabetes"}, 1_000),
    ("unet", {"data": "shapes"}, 300),
    ("dcgan", {"data": "digits"}, 500),
    ("vae", {"data": "digits"}, 2_000),
    ("autoencoder", {"data": "digits"}, 2_000),
)
FORMATS = (("saved_model", "none"), ("onnx", "none"), ("keras", "none"), ("tflite", "none"))
FORMATS += (("tflite", "float16"), ("tflite", "int8"))
SERVED = ("dueling_dqn", "cnn", "dcgan")
REQUESTS, CLIENTS = 1000, 16


def parity(run: rlgen.Run, place: Path) -> list[dict[str, Any]]:
    """A row for each format: the worst over all functions and outputs."""
    rows = []
    for number, (format, quantize) in enumerate(FORMATS):
        row: dict[str, Any] = {"format": format, "quantize": quantize}
        try:
            written = rlgen.export(run, out=place / str(number), format=format, quantize=quantize, examples=1000)
        except UserError as error:
            rows.append({**row, "refused": str(error)})
            continue
        found = written.bundle.parity.values()
        first = written.bundle.parity[written.bundle.first]
        rows.append(
            {
                **row,
                "bytes": written.size,
                "largest_difference": max(value for each in found for value in each["largest_difference"].values()),
                "agreement": min((value for each in found for value in each["agreement"].values()), default=None),
                "milliseconds": first["milliseconds"],
            }
        )
    return rows


def serving(run: rlgen.Run) -> dict[str, Any]:
    """Requests of one row each, all clients at once: none may be lost, and each answer is the run's own."""
    with rlgen.serve(run, port=0) as here:
        signature = next(iter(here.model.signatures.values()))
        inputs = {key: _rows(spec, REQUESTS) for key, spec in signature.inputs.items()}
        right = here.model(**inputs)
        here.close()
    process = subprocess.Popen(
        [sys.executable, "-m", "rlgen", "serve", str(run.path), "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    place = re.search(r"http://([\d.]+):(\d+)(/\S+:predict)", process.stdout.readline())
    assert place
    answers: dict[int, Any] = {}
    seconds: dict[int, float] = {}

    def client(first: int) -> None:
        line = http.client.HTTPConnection(place[1], int(place[2]), timeout=60)
        for i in range(first, REQUESTS, CLIENTS):
            body = json.dumps({"inputs": {key: array[i : i + 1].tolist() for key, array in inputs.items()}})
            start = time.perf_counter()
            line.request("POST", place[3], body)
            answer = line.getresponse()
            answers[i] = json.loads(answer.read())["outputs"] if answer.status == 200 else None
            seconds[i] = time.perf_counter() - start
        line.close()

    begun = time.perf_counter()
    _all_at_once(client, CLIENTS)
    took = time.perf_counter() - begun
    process.send_signal(signal.SIGTERM)
    process.wait()
    process.stdout.close()
    worst = max(_difference(answers[i], {key: array[i : i + 1] for key, array in right.items()}) for i in answers)
    percentiles = statistics.quantiles(seconds.values(), n=100)
    return {
        "requests": REQUESTS,
        "clients": CLIENTS,
        "lost": REQUESTS - sum(answer is not None for answer in answers.values()),
        "largest_difference": worst,
        "requests_per_second": round(REQUESTS / took, 1),
        "p50_milliseconds": round(1000 * percentiles[49], 2),
        "p99_milliseconds": round(1000 * percentiles[98], 2),
    }


def _all_at_once(client: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=client, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _rows(spec: Any, count: int) -> Any:
    generator = np.random.default_rng(0)
    if spec.dtype == "uint8":
        return generator.integers(0, 256, (count, *spec.shape), dtype=np.uint8)
    return generator.uniform(0, 1, (count, *spec.shape)).astype(spec.dtype)


def _difference(answer: Any, right: dict[str, Any]) -> float:
    if answer is None:
        return float("inf")
    named = answer if isinstance(answer, dict) else {next(iter(right)): answer}
    return max(
        float((np.abs(np.asarray(named[key], np.float64) - array) / np.maximum(np.abs(array), 1)).max())
        for key, array in right.items()
    )


def main() -> None:
    """Train, export, serve, and write it down."""
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, problem, steps in RUNS:
            run = rlgen.train(name, steps=steps, run=Path(scratch) / name, progress=False, **problem)  # type: ignore[arg-type]
            row = {"algorithm": name, **problem, "steps": steps, "parity": parity(run, Path(scratch) / f"{name}-out")}
            if name in SERVED:
                row["serving"] = serving(run)
            print(json.dumps(row), file=sys.stderr, flush=True)
            results.append(row)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
