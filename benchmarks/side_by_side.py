"""How much of one process's time two take for eight seeds, from the start of the command to its end; rounds are added.

python -m benchmarks.side_by_side [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "side_by_side.json"
COMMAND = "train a2c --env CartPole-v1 --steps 100000 --seeds 8"
BAR_SHARE = 0.62


def seconds(workers: int) -> float:
    """Of the command with so many workers."""
    with tempfile.TemporaryDirectory() as directory:
        command = [
            sys.executable,
            "-m",
            "rlgen",
            *COMMAND.split(),
            "--workers",
            str(workers),
            "--run",
            f"{directory}/runs",
        ]
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    load = os.getloadavg()[0]
    # Rounds of earlier days count as well: the share hangs on what else the machine does.
    earlier = json.loads(RESULTS.read_text())["seconds_of_one_and_two"] if RESULTS.exists() else []
    rounds = [*earlier, *((seconds(1), seconds(2)) for _ in range(parser.parse_args().rounds))]
    result = {
        "command": f"rlgen {COMMAND}",
        "seconds_of_one_and_two": [[round(each, 1) for each in pair] for pair in rounds],
        "share": round(statistics.median(two / one for one, two in rounds), 3),
        "bar_share": BAR_SHARE,
        "load_before": round(load, 1),
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
