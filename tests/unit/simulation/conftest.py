"""A small market with every fault turned up, written once, and what the engine says of it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from simulation.config import SimulationConfig
from simulation.engine import Simulation
from simulation.faults import PERSON_RATES, FaultConfig, FileFaultRates
from simulation.frames import SLICE_FRAMES, Market, concatenate
from simulation.generate import Outcome, Places, continue_market, generate

CONFIG = SimulationConfig(people=2000, days=152, seed=5, start=date(2024, 1, 1))
CONTINUED_DAYS = 8
# Low enough a rate of damage for most rows to be read, high enough for every kind to occur.
RATES = FaultConfig(
    person={
        system: replace(
            rates,
            **{
                field.name: min(0.3, 3 * getattr(rates, field.name) + 0.02)
                for field in fields(rates)
                if getattr(rates, field.name) > 0
            },
        )
        for system, rates in PERSON_RATES.items()
    },
    files=FileFaultRates(
        duplicated_file=0.4,
        late_file=0.7,
        duplicated_row=0.02,
        damaged_row=0.03,
        rows_for_damage=20,
    ),
)


@dataclass(frozen=True)
class WrittenMarket:
    """A market's folder after its history and after some more days."""

    places: Places
    history: Outcome
    continued: Outcome
    bytes_after_history: dict[str, bytes]
    market: Market
    frames: dict[str, pd.DataFrame]

    def files(self, system: str, pattern: str = "*") -> list[Path]:
        return sorted((self.places.landing / system).glob(pattern))

    def truth(self, table: str) -> pd.DataFrame:
        return pq.read_table(self.places.truth / f"{table}.parquet").to_pandas()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> WrittenMarket:
    folder = tmp_path_factory.mktemp("market")
    places = Places(landing=folder / "landing", truth=folder / "truth")
    history = generate(CONFIG, places, rates=RATES)
    before = contents(places.landing)
    continued = continue_market(CONTINUED_DAYS, places, rates=RATES)
    simulation = Simulation(CONFIG)
    slices = [*simulation.history(), *simulation.continue_for(CONTINUED_DAYS)]
    frames = {
        schema.name: concatenate(schema, [happened[schema.name] for happened in slices])
        for schema in SLICE_FRAMES
    }
    return WrittenMarket(places, history, continued, before, simulation.market, frames)
