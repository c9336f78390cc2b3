"""How long a warm `cadencia run` takes, and how much of it is Dagster, dbt and Python start-up.

The overhead is what the same graph takes on a handful of households: its data work is close to none.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.journey_sample import write_sample

TINY_HOUSEHOLDS = 50


def timed_run(home: Path) -> float:
    """Run the command line once on a deployment; return seconds of wall clock.

    Raises
    ------
    RuntimeError
        When the run fails; its output follows.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("CADENCIA_")
    }
    started = time.perf_counter()
    outcome = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "run", "--sources", "complete_journey"],
        env={**environment, "CADENCIA_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if outcome.returncode:
        raise RuntimeError(f"The run failed:\n{outcome.stdout}{outcome.stderr}")
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        tiny, whole = Path(folder) / "tiny", Path(folder) / "whole"
        write_sample(tiny, TINY_HOUSEHOLDS)
        first = {name: timed_run(home) for name, home in (("tiny", tiny), ("whole", whole))}
        # Alternating, so that a busy spell of the machine hits both alike.
        pairs = [(timed_run(tiny), timed_run(whole)) for _ in range(repeats)]
    overhead, warm = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"cold run, {TINY_HOUSEHOLDS} households        {first['tiny']:6.1f} s")
    print(f"cold run, Complete Journey      {first['whole']:6.1f} s")
    print(f"warm run, {TINY_HOUSEHOLDS} households        {overhead:6.1f} s  (the overhead)")
    print(f"warm run, Complete Journey      {warm:6.1f} s")
    print(f"overhead share of the warm run  {overhead / warm:6.0%}")


if __name__ == "__main__":
    main()
