"""How fast and in how much memory a simulated market is written: `python -m benchmarks.simulation`.

Belongs here: time, peak memory and rows of a run of given size, the engine's share told apart. Does
not: whether the files are right (tests/unit/simulation).
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from simulation import generate as generation
from simulation.config import SimulationConfig
from simulation.engine import Simulation
from simulation.frames import Slice
from simulation.generate import Outcome, Places


class TimedSimulation(Simulation):
    """The engine with a stop watch on its slices; it shares the processor with the writers."""

    seconds = 0.0

    def __init__(self, config: SimulationConfig) -> None:
        started = time.monotonic()
        super().__init__(config)
        TimedSimulation.seconds += time.monotonic() - started

    def history(self) -> Iterator[Slice]:
        """Yield the months, counting the time until each is there."""
        slices = super().history()
        while True:
            started = time.monotonic()
            happened = next(slices, None)
            TimedSimulation.seconds += time.monotonic() - started
            if happened is None:
                return
            yield happened


def main() -> None:
    """Write one market and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--out", type=Path, help="keep the files here (default: a folder thrown away)"
    )
    options = parser.parse_args()
    config = SimulationConfig(options.people, options.days, options.seed, date(2024, 1, 1))
    with tempfile.TemporaryDirectory(prefix="cadencia-simulation-") as folder:
        out = options.out or Path(folder)
        generation.Simulation = TimedSimulation  # type: ignore[attr-defined]
        started = time.monotonic()
        outcome = generation.generate(config, Places(out, out / "truth"))
        seconds = time.monotonic() - started
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    _print(config, outcome, seconds, size)


def _print(config: SimulationConfig, outcome: Outcome, seconds: float, size: int) -> None:
    rows = sum(delivery.rows for delivery in outcome.deliveries)
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    table = Table(
        title=f"{config.people:,} people, {config.days} days", show_header=False, box=None
    )
    for name, value in (
        ("whole", f"{seconds:.1f} s"),
        ("engine, beside the writers", f"{TimedSimulation.seconds:.1f} s"),
        ("rows", f"{rows:,} ({rows / seconds:,.0f} a second)"),
        ("files", f"{len(outcome.deliveries):,}, {size / 2**20:,.0f} MiB"),
        ("peak memory", f"{peak_gib:.2f} GiB"),
    ):
        table.add_row(name, value)
    Console().print(table)


if __name__ == "__main__":
    main()
