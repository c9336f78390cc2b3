"""Files of a simulated market, for `cadencia simulate` and for a first run of the demo.

Belongs here: where they go, what is told meanwhile and afterwards. Does not: the market (`simulation`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from orchestration.lib.errors import ConfigurationError
from orchestration.lib.run_lock import hold_run_lock
from orchestration.settings import DEMO_SYSTEMS, Settings

if TYPE_CHECKING:
    from simulation.config import SimulationConfig
    from simulation.generate import Outcome

DEMO_PEOPLE: Final = 20_000
DEMO_DAYS: Final = 730
DEMO_SEED: Final = 1
DEFAULT_START: Final = date(2024, 1, 1)


def simulate(
    out: Path,
    *,
    people: int | None,
    days: int,
    seed: int | None,
    start: str,
    is_continued: bool,
    console: Console,
) -> None:
    """Write a market's files to a folder, or more days of the market that is there.

    Raises
    ------
    ConfigurationError
        When the options make no market, or the folder holds something else.
    """
    # Imported late: numpy, pandas and the engine take seconds, a wrong option is told at once.
    from simulation.generate import Places, continue_market, generate, read_config

    places = Places(landing=out, truth=out / "truth")
    first_day = _parse_day(start) if start else None
    started = time.monotonic()
    if is_continued:
        _require_same(read_config(places), people, seed, first_day)
        with _told_errors(), _progress(console) as progress:
            outcome = continue_market(days, places, progress=progress)
    else:
        config = _config(
            DEMO_PEOPLE if people is None else people,
            days,
            DEMO_SEED if seed is None else seed,
            first_day or DEFAULT_START,
        )
        with _told_errors(), _progress(console) as progress:
            outcome = generate(config, places, progress=progress)
    _print_deliveries(outcome, console)
    console.print(
        f"{outcome.people:,} people until {outcome.simulated_until}, written to {out} in "
        f"{time.monotonic() - started:.0f} s. What was planted is in {out / 'truth'}.",
        soft_wrap=True,
    )


def wants_demo(settings: Settings) -> bool:
    """Return whether the next run of the command line would simulate the demo's market first."""
    if not set(DEMO_SYSTEMS) <= set(settings.sources):
        return False
    from simulation.generate import Places, is_complete

    places = Places(landing=settings.landing_dir, truth=settings.simulated_truth_dir)
    return not (places.holds_files() and (places.read_note() is None or is_complete(places)))


def provide_demo(settings: Settings, console: Console) -> None:
    """Write the demo's market into the landing folder when its systems are asked for and have no files.

    Raises
    ------
    ConfigurationError
        When the folder of its truth holds another market.
    """
    if not wants_demo(settings):
        return
    from simulation.generate import Places, generate

    places = Places(landing=settings.landing_dir, truth=settings.simulated_truth_dir)
    console.print(
        f"No files of the demo's systems in {settings.landing_dir} yet: simulating {DEMO_PEOPLE:,} "
        f"people for {DEMO_DAYS} days."
    )
    started = time.monotonic()
    config = _config(DEMO_PEOPLE, DEMO_DAYS, DEMO_SEED, DEFAULT_START)
    with (
        hold_run_lock(settings.warehouse_dir, "simulate"),
        _told_errors(),
        _progress(console) as progress,
    ):
        outcome = generate(config, places, progress=progress)
    files = {(delivery.system, delivery.file) for delivery in outcome.deliveries}
    console.print(f"{len(files)} files in {time.monotonic() - started:.0f} s.")


def _config(people: int, days: int, seed: int, start: date) -> SimulationConfig:
    from simulation.config import SimulationConfig

    try:
        return SimulationConfig(people=people, days=days, seed=seed, start=start)
    except ValueError as error:
        raise ConfigurationError(f"{error} Change --people, --days or --seed.") from None


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"--start {text!r} is no day. Write it as YYYY-MM-DD.") from None


def _require_same(
    known: SimulationConfig | None, people: int | None, seed: int | None, start: date | None
) -> None:
    """Refuse options of a continuation that contradict the market that is there."""
    if known is None:
        return
    for option, given, there in (
        ("--people", people, known.people),
        ("--seed", seed, known.seed),
        ("--start", start, known.start),
    ):
        if given is not None and given != there:
            raise ConfigurationError(
                f"The market to continue has {option} {there}, not {given}. Leave the option out, "
                "or choose the folder of the other market."
            )


@contextmanager
def _told_errors() -> Iterator[None]:
    from simulation.generate import SimulationError

    try:
        yield
    except SimulationError as error:
        raise ConfigurationError(str(error)) from None


class ProgressCall:
    """Moves a bar along the days that are written.

    Parameters
    ----------
    bar
        The display.
    """

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("simulating", total=None)
        self._first: date | None = None

    def __call__(self, reached: date, until: date) -> None:
        """Show the first day not yet written."""
        self._first = self._first or reached
        self._bar.update(
            self._task,
            total=(until - self._first).days,
            completed=(reached - self._first).days,
            description=f"simulating {reached:%Y-%m}",
        )


@contextmanager
def _progress(console: Console) -> Iterator[ProgressCall]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        yield ProgressCall(bar)


def _print_deliveries(outcome: Outcome, console: Console) -> None:
    """Print files and rows by system and table."""
    table = Table(box=None)
    for heading in ("system", "table"):
        table.add_column(heading)
    for heading in ("files", "rows"):
        table.add_column(heading, justify="right")
    totals: dict[tuple[str, str], tuple[int, int]] = {}
    for delivery in outcome.deliveries:
        files, rows = totals.get((delivery.system, delivery.table), (0, 0))
        totals[delivery.system, delivery.table] = (files + 1, rows + delivery.rows)
    for (system, name), (files, rows) in sorted(totals.items()):
        table.add_row(system, name, f"{files:,}", f"{rows:,}")
    console.print(table)
