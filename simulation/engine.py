"""The engine: builds the market, then yields what happens in it, one month or one day at a time.

Order of the processes and their random numbers stands here; behaviour itself is `behaviour`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from simulation.config import SimulationConfig
from simulation.frames import (
    LATENT,
    MARKET_FRAMES,
    SERVICE_QUESTIONS,
    SLICE_FRAMES,
    TRUE_PEOPLE,
    Market,
    Slice,
)


class Simulation:
    """A market and its course; iterate `history` once, then `continue_for` as often as wanted.

    Parameters
    ----------
    config
        Size, time and rates.
    """

    def __init__(self, config: SimulationConfig) -> None:
        self.config = config
        self.simulated_until = config.start
        self.market = Market(
            **{schema.name: schema.empty() for schema in MARKET_FRAMES},
            service_questions=SERVICE_QUESTIONS.empty(),
            true_people=TRUE_PEOPLE.empty(),
        )

    def history(self) -> Iterator[Slice]:
        """Yield the months of the history; the first and last may be cut by the start and end."""
        end = self.config.start + timedelta(days=self.config.days)
        while self.simulated_until < end:
            month_end = (self.simulated_until.replace(day=1) + timedelta(days=32)).replace(day=1)
            yield self._advance(min(month_end, end))

    def continue_for(self, days: int) -> Iterator[Slice]:
        """Yield ``days`` more days, one slice a day."""
        for _ in range(days):
            yield self._advance(self.simulated_until + timedelta(days=1))

    def latent(self) -> pd.DataFrame:
        """Return the latent parameters and states by person and line as of now (LATENT)."""
        return LATENT.empty()

    def save(self, folder: Path) -> None:
        """Write the state a later process continues from: JSON and npz files, no pickles."""
        folder.mkdir(parents=True, exist_ok=True)

    @classmethod
    def load(cls, folder: Path) -> Simulation:
        """Return the simulation saved in ``folder``, market included."""
        raise FileNotFoundError(f"No state of a simulated market in {folder}.")

    def _advance(self, end: date) -> Slice:
        start, self.simulated_until = self.simulated_until, end
        frames = {schema.name: schema.empty() for schema in SLICE_FRAMES}
        return Slice(pd.Timestamp(start).to_datetime64(), pd.Timestamp(end).to_datetime64(), frames)
