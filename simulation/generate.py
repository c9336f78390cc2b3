"""From a configuration to the landing files of all systems and the truth: a history, or more days of it.

Belongs here: the order of engine, writers and truth, and what survives a crash. Does not: behaviour
(`engine`) or layouts (`systems`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pandas as pd

from simulation.config import SimulationConfig
from simulation.delivery import Desk, Period, SystemWriter
from simulation.engine import Simulation
from simulation.faults import FaultConfig
from simulation.files import Delivery, Landing
from simulation.frames import Market, Slice
from simulation.members import Members
from simulation.systems.contact_center import ContactCenterWriter
from simulation.systems.dms import DmsWriter
from simulation.systems.ecommerce import EcommerceWriter
from simulation.systems.erp import ErpWriter
from simulation.systems.forms import FormsWriter
from simulation.systems.mailing import MailingWriter
from simulation.systems.market import MarketWriter
from simulation.systems.pos import PosWriter
from simulation.systems.web import WebWriter
from simulation.truth import Truth

WRITERS: Final[dict[str, type[SystemWriter]]] = {
    "erp": ErpWriter,
    "pos": PosWriter,
    "ecommerce": EcommerceWriter,
    "dms": DmsWriter,
    "mailing": MailingWriter,
    "web": WebWriter,
    "contact_center": ContactCenterWriter,
    "forms": FormsWriter,
    "market": MarketWriter,
}
Progress = Callable[[date, date], None]


class SimulationError(Exception):
    """A market can't be written where or as asked for; the message is a sentence with the remedy."""


@dataclass(frozen=True)
class Outcome:
    """What a run delivered.

    Parameters
    ----------
    deliveries
        The files, in order of writing.
    people
        People of the market.
    simulated_until
        First day that has not been simulated.
    """

    deliveries: tuple[Delivery, ...]
    people: int
    simulated_until: date


@dataclass(frozen=True)
class Places:
    """Where a market's files go.

    Parameters
    ----------
    landing
        One folder a system in it.
    truth
        What only tests and benchmarks may read, and the state for a continuation.
    """

    landing: Path
    truth: Path

    @property
    def state(self) -> Path:
        """Folder of what a continuation goes on from."""
        return self.truth / "state"

    @property
    def note(self) -> Path:
        """The file that says which market this is and how far it is written."""
        return self.state / "simulation.json"

    def holds_files(self) -> bool:
        """Tell whether any system's folder has a file in it, whoever wrote it."""
        folders = (self.landing / system for system in WRITERS)
        return any(
            not path.name.startswith(".")
            for folder in folders
            if folder.is_dir()
            for path in folder.iterdir()
        )

    def read_note(self) -> dict[str, Any] | None:
        """Return the note, or None when no market was written here."""
        if not self.note.exists():
            return None
        note: dict[str, Any] = json.loads(self.note.read_text(encoding="utf-8"))
        return note

    def write_note(self, note: dict[str, Any]) -> None:
        """Replace the note at one stroke."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self.note.with_suffix(".partial")
        temporary.write_text(json.dumps(note, indent=1, default=str) + "\n", encoding="utf-8")
        temporary.chmod(0o600)
        temporary.replace(self.note)


def is_complete(places: Places) -> bool:
    """Tell whether a whole market is written there."""
    note = places.read_note()
    return note is not None and note["status"] == "complete"


def generate(
    config: SimulationConfig,
    places: Places,
    *,
    rates: FaultConfig | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Write the history of a market.

    Parameters
    ----------
    config
        The market.
    places
        Where to; must be free of files, but for those of a run of this very market that was stopped.
    rates
        How often which fault occurs.
    progress
        Called with the first day not yet written and the first day after the history.

    Raises
    ------
    SimulationError
        When the folders hold something else.
    """
    _require_free(config, places)
    places.write_note({"status": "writing", "config": asdict(config)})
    simulation = Simulation(config)
    until = config.start + timedelta(days=config.days)
    with _desk(simulation.market, config, places, rates or FaultConfig(), config.start) as desk:
        return _run(simulation, simulation.history(), until, desk, places, progress, is_daily=False)


def continue_market(
    days: int,
    places: Places,
    *,
    rates: FaultConfig | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Write more days of a market: files of each day, with what is new or changed.

    Parameters
    ----------
    days
        How many.
    places
        Where the market is.
    rates
        How often which fault occurs.
    progress
        Called with the first day not yet written and the first day after the continuation.

    Raises
    ------
    SimulationError
        When there is no whole market to continue.
    """
    note = places.read_note()
    if note is None or "state" not in note:
        raise SimulationError(
            f"There is no simulated market to continue in {places.truth}. "
            "Write one first: the same command without --continue."
        )
    simulation = Simulation.load(places.state / note["state"] / "engine")
    since = simulation.simulated_until
    until = since + timedelta(days=days)
    with _desk(simulation.market, simulation.config, places, rates or FaultConfig(), since) as desk:
        frames = _read_frames(places.state / note["state"] / "writers")
        desk.members.restore(frames["members"])
        return _run(
            simulation,
            simulation.continue_for(days),
            until,
            desk,
            places,
            progress,
            is_daily=True,
            restored=frames,
        )


def read_config(places: Places) -> SimulationConfig | None:
    """Return which market is written there, or None."""
    note = places.read_note()
    if note is None:
        return None
    stored = note["config"]
    return SimulationConfig(**{**stored, "start": date.fromisoformat(stored["start"])})


def _require_free(config: SimulationConfig, places: Places) -> None:
    known = read_config(places)
    if known is None and places.holds_files():
        raise SimulationError(
            f"The folders in {places.landing} hold files already. Choose an empty folder, or remove them."
        )
    if known is not None and (known != config or is_complete(places)):
        raise SimulationError(
            f"{places.landing} holds the simulated market of {known.people:,} people and "
            f"{known.days} days from {known.start} (seed {known.seed}) already. Choose another "
            "folder, remove it, or add days to it with --continue."
        )


@contextmanager
def _desk(
    market: Market, config: SimulationConfig, places: Places, rates: FaultConfig, since: date
) -> Iterator[Desk]:
    """Open the common ground of the writers; what is unfinished when it fails is dropped."""
    places.landing.mkdir(mode=0o700, parents=True, exist_ok=True)
    truth = Truth(places.truth, market.people["household_id"].to_numpy())
    try:
        with duckdb.connect(config={"threads": 2, "memory_limit": "3GB"}) as connection:
            yield Desk(
                config=config,
                market=market,
                landing=Landing(places.landing, connection),
                truth=truth,
                members=Members(market.people),
                rates=rates,
                simulated_until=since,
            )
    finally:
        truth.abandon()


def _run(
    simulation: Simulation,
    slices: Iterator[Slice],
    until: date,
    desk: Desk,
    places: Places,
    progress: Progress | None,
    *,
    is_daily: bool,
    restored: dict[str, dict[str, pd.DataFrame]] | None = None,
) -> Outcome:
    """Write slices while the engine makes the next one, then complete truth and state."""
    writers = {system: writer(desk) for system, writer in WRITERS.items()}
    try:
        if restored is not None:
            for system, writer in writers.items():
                writer.restore(restored.get(system, {}))
        with ThreadPoolExecutor(max_workers=1) as executor:
            pending: Future[None] | None = None
            for happened in slices:
                if pending is not None:
                    pending.result()
                period = Period(
                    starts_on=_day(happened.starts_at),
                    ends_on=_day(happened.ends_at),
                    is_daily=is_daily,
                    is_first=not is_daily and _day(happened.starts_at) == desk.config.start,
                )
                pending = executor.submit(_write, happened, period, desk, writers)
                if progress is not None:
                    progress(period.starts_on, until)
            if pending is not None:
                pending.result()
        for writer in writers.values():
            writer.finish()
    except BaseException:
        for writer in writers.values():
            writer.abandon()
        raise
    _complete_truth(simulation, desk)
    _save_state(simulation, desk, writers, places)
    if progress is not None:
        progress(until, until)
    return Outcome(
        tuple(desk.landing.deliveries), len(desk.market.people), simulation.simulated_until
    )


def _write(happened: Slice, period: Period, desk: Desk, writers: dict[str, SystemWriter]) -> None:
    desk.members.absorb(happened)
    for writer in writers.values():
        writer.write(happened, period)
    desk.truth.absorb(happened)


def _complete_truth(simulation: Simulation, desk: Desk) -> None:
    market, truth = desk.market, desk.truth
    truth.replace("latent", simulation.latent())
    truth.replace("service_questions", market.service_questions)
    traits = market.true_people.drop(columns=["person_id", "household_id"])
    truth.replace("people", pd.concat([market.people, traits], axis=1))
    truth.finish()


def _save_state(
    simulation: Simulation, desk: Desk, writers: dict[str, SystemWriter], places: Places
) -> None:
    """Write what a continuation goes on from; the note points to it last."""
    name = f"{simulation.simulated_until:%Y-%m-%d}"
    folder = places.state / name
    shutil.rmtree(folder, ignore_errors=True)
    simulation.save(folder / "engine")
    states = {"members": desk.members.state()} | {
        system: writer.state() for system, writer in writers.items()
    }
    (folder / "writers").mkdir(mode=0o700, parents=True)
    for owner, frames in states.items():
        for frame_name, frame in frames.items():
            frame.to_parquet(folder / "writers" / f"{owner}.{frame_name}.parquet", index=False)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    places.write_note({"status": "complete", "config": asdict(desk.config), "state": name})
    for other in places.state.iterdir():
        if other.is_dir() and other.name != name:
            shutil.rmtree(other)


def _read_frames(folder: Path) -> dict[str, dict[str, pd.DataFrame]]:
    frames: dict[str, dict[str, pd.DataFrame]] = {}
    for path in sorted(folder.glob("*.parquet")):
        owner, _, name = path.stem.partition(".")
        frames.setdefault(owner, {})[name] = pd.read_parquet(path)
    return frames


def _day(moment: Any) -> date:  # noqa: ANN401 - numpy's datetime64
    return pd.Timestamp(moment).date()


def without_damage(rates: FaultConfig) -> FaultConfig:
    """Return rates under which every delivered row can be loaded."""
    return replace(rates, files=replace(rates.files, damaged_row=0.0))
