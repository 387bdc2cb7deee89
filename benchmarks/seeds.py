"""How long ten seeds take in one process, from the start of the command to its end, evaluations included.

python -m benchmarks.seeds
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "seeds.json"
COMMAND = "train a2c --env CartPole-v1 --steps 100000 --seeds 10"
BAR_SECONDS = 60


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        start = time.perf_counter()
        command = [sys.executable, "-m", "rlgen", *COMMAND.split(), "--run", f"{directory}/runs", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    rows = json.loads(done.stdout)
    result = {
        "command": f"rlgen {COMMAND}",
        "seconds": round(seconds, 1),
        "bar_seconds": BAR_SECONDS,
        "seconds_of_each": [row["seconds"] for row in rows],
        "mean_reward": [row["evaluation"]["eval/mean_reward"] for row in rows],
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
