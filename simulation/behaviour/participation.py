"""Who buys in which line of business: households' cross-line affinity and income.

Also the members of each system. How often they buy is each line's module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from simulation.behaviour.state import NEVER, StatefulProcess, Window
from simulation.config import SimulationConfig
from simulation.frames import NEW_MEMBERS, categorical, concatenate
from simulation.population import Population
from simulation.population.households import ADULT_1, ADULT_2, FLATMATE
from simulation.randomness import Booleans, Floats, Integers, Times, stream

SYSTEMS: Final = ("erp", "ecommerce", "dms", "mailing")
_SECOND_SHOPPER_SHARE: Final = 0.3
_INCOME_PULL: Final = {"electronics": 0.5, "cars": 0.9}
_CONFIRMED_SHARE: Final = 0.88


@dataclass(frozen=True)
class Participation:
    """Rows of the people who take part in each line."""

    shoppers: Integers
    electronics_buyers: Integers
    drivers: Integers
    car_prospects: Integers


def draw_participation(config: SimulationConfig, population: Population) -> Participation:
    """Return who takes part: a Gaussian copula over a household's lines, shifted by income."""
    rng = stream(config.seed, "participation")
    households = population.households
    count = len(households.size)
    household = households.household
    common = rng.normal(size=count) * np.sqrt(config.cross_line_correlation)
    own = np.sqrt(1.0 - config.cross_line_correlation)
    income = np.log(np.clip(population.income_index[households.first], 0.2, 5.0))
    groceries = common + own * rng.normal(size=count)
    cars = common + own * rng.normal(size=count) + _INCOME_PULL["cars"] * income
    taste = common[household] + own * rng.normal(size=len(household))
    taste += _INCOME_PULL["electronics"] * income[household]
    # The young buy more electronics online.
    taste -= np.clip((households.age_years - 45.0) / 40.0, -0.5, 1.5)

    buys = _top_share(groceries, config.grocery_household_share)[household]
    is_head = (households.role == ADULT_1) | (households.role == FLATMATE)
    is_second = (households.role == ADULT_2) & (rng.random(len(household)) < _SECOND_SHOPPER_SHARE)
    shoppers = np.flatnonzero(buys & (is_head | is_second) & population.is_adult)

    adult = np.flatnonzero(population.is_adult & population.has_email)
    chosen = _top_share(taste[adult], config.electronics_adult_share)
    buyers = adult[chosen]

    drives = _top_share(cars, config.car_household_share)
    driver_age = (households.age_years >= 18) & (households.age_years < 88)
    driver = _one_a_household(rng, household, driver_age & population.is_adult, count)
    drivers = driver[drives & (driver >= 0)]
    prospects = driver[~drives & (driver >= 0) & _top_share(cars, 0.5)]
    return Participation(shoppers, buyers, drivers, prospects)


def _top_share(values: Floats, share: float) -> Booleans:
    chosen: Booleans = values > np.quantile(values, 1.0 - share)
    return chosen


def _one_a_household(
    rng: np.random.Generator, household: Integers, eligible: Booleans, count: int
) -> Integers:
    rows = np.flatnonzero(eligible)
    order = rng.permutation(len(rows))
    chosen = np.full(count, -1)
    chosen[household[rows[order]]] = rows[order]
    return chosen


class Memberships(StatefulProcess):
    """Since when each person is a member of each system."""

    arrays = tuple(f"since_{system}" for system in SYSTEMS)

    def __init__(self, people: int) -> None:
        for system in SYSTEMS:
            setattr(self, f"since_{system}", np.full(people, NEVER))
        self._joined: list[dict[str, Any]] = []

    def since(self, system: str) -> Times:
        """Return the time of joining by person; NaT for those who have not."""
        times: Times = getattr(self, f"since_{system}")
        return times

    def is_member(self, system: str) -> Booleans:
        """Return who is a member."""
        member: Booleans = ~np.isnat(self.since(system))
        return member

    def join(
        self, system: str, people: Integers, times: Times, confirmed: Booleans | None = None
    ) -> Integers:
        """Make people members who are not yet; return the rows that joined."""
        order = np.argsort(times, kind="stable")
        unique, first = np.unique(people[order], return_index=True)
        is_new = np.isnat(self.since(system)[unique])
        rows = order[first[is_new]]
        self.since(system)[people[rows]] = times[rows]
        self._joined.append(
            {
                "person_id": people[rows],
                "system": categorical(np.full(len(rows), SYSTEMS.index(system)), SYSTEMS),
                "joined_at": times[rows],
                "is_confirmed": np.full(len(rows), True) if confirmed is None else confirmed[rows],
            }
        )
        return rows

    def join_mailing(self, window: Window, population: Population) -> None:
        """Subscribe the slice's new members who accept e-mail (once, at the end of a slice)."""
        if not self._joined:
            return
        people = np.concatenate([part["person_id"] for part in self._joined])
        times = np.concatenate([part["joined_at"] for part in self._joined])
        accepts = population.people["accepts_email"].to_numpy()[people]
        willing = accepts & population.has_email[people]
        rng = window.rng("mailing members")
        confirmed = rng.random(int(willing.sum())) < _CONFIRMED_SHARE
        self.join("mailing", people[willing], times[willing], confirmed)

    def new_members(self) -> pd.DataFrame:
        """Return and forget who joined since the last call (NEW_MEMBERS)."""
        joined, self._joined = self._joined, []
        return concatenate(NEW_MEMBERS, [NEW_MEMBERS.build(part) for part in joined])
