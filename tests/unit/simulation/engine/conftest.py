"""A simulated market with its whole history, shared by the tests of the engine."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest

from simulation import Market, Simulation, SimulationConfig
from simulation.frames import SLICE_FRAMES, concatenate

CONFIG = SimulationConfig(people=10_000, days=730, seed=11)


@dataclass(frozen=True)
class History:
    """A market, the frames of its months put together, and the latent states at the end."""

    market: Market
    frames: dict[str, pd.DataFrame]
    latent: pd.DataFrame

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.frames[name]


@pytest.fixture(scope="session")
def history() -> History:
    simulation = Simulation(CONFIG)
    parts = {schema.name: [] for schema in SLICE_FRAMES}
    for month in simulation.history():
        for name in month:
            parts[name].append(month[name])
    frames = {schema.name: concatenate(schema, parts[schema.name]) for schema in SLICE_FRAMES}
    return History(simulation.market, frames, simulation.latent())


@pytest.fixture(scope="session")
def people(history: History) -> pd.DataFrame:
    return history.market.people
