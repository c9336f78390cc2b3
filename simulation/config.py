"""Configuration of a simulated market: its size, its time and its planted rates.

Numbers only; what they mean for behaviour is written in docs/simulation.md and in `behaviour`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class SimulationConfig:
    """Size, time and rates of a market.

    Parameters
    ----------
    people
        People of the market, children included.
    days
        Days of history from ``start`` on.
    seed
        Every draw derives from it: the same configuration gives the same frames.
    start
        First day of the history.
    """

    people: int = 20_000
    days: int = 730
    seed: int = 1
    start: date = date(2024, 1, 1)

    grocery_household_share: float = 0.68
    electronics_adult_share: float = 0.30
    car_household_share: float = 0.14
    cross_line_correlation: float = 0.4

    moves_per_year: float = 0.05
    email_changes_per_year: float = 0.02
    foreign_household_share: float = 0.085
    campaign_reach_share: float = 0.30
    control_share: float = 0.15
    browsing_sessions_per_year: float = 2.0
    outside_session_share: float = 0.25

    def __post_init__(self) -> None:
        """Refuse what no market can be built from."""
        if self.people < 200:
            raise ValueError(f"A market takes at least 200 people, not {self.people}.")
        if self.days < 1:
            raise ValueError(f"A market takes at least one day of history, not {self.days}.")
        if self.seed < 0:
            raise ValueError(f"The seed is a number from 0 on, not {self.seed}.")
