"""Workshop visits: yearly maintenance, the ITV inspection by Spanish rule, repairs, tyres.

The vehicles are `fleet`; who owns what when is `car_sales`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from simulation.behaviour.daytime import OFFICE_HOURS, draw_time_of_day
from simulation.behaviour.fleet import DAYS_PER_YEAR, Fleet
from simulation.behaviour.state import DAY, SECOND, Columns, StatefulProcess, Window
from simulation.frames import NO_ID, WORKSHOP_VISITS, categorical
from simulation.randomness import Floats, Integers, Times

KINDS: Final = ("maintenance", "inspection", "repair", "tyres", "recall")
MAINTENANCE, INSPECTION, REPAIR, TYRES, RECALL = range(len(KINDS))
MAINTENANCE_DAYS: Final = 365.0
MAINTENANCE_REGULARITY: Final = 40.0
TYRES_KM: Final = 42_000.0
TYRES_REGULARITY: Final = 10.0
REPAIRS_PER_YEAR_NEW, REPAIRS_PER_YEAR_AGEING = 0.08, 0.035
RECALL_ATTENDANCE: Final = 0.6
# Cars are inspected at these ages, then every year.
ITV_YEARS: Final = (4, 6, 8, 10)
_ITV_EARLY_DAYS: Final = 25
_ITV_AT_OUR_WORKSHOP: Final = 0.7
_LABOUR: Final = np.array([110.0, 45.0, 180.0, 60.0, 0.0])
_PARTS: Final = np.array([140.0, 15.0, 260.0, 380.0, 0.0])


def next_inspection_age(age_years: Floats) -> Floats:
    """Return the age at which a car is next due for inspection."""
    age = np.asarray(age_years, dtype=np.float64)
    steps = np.array(ITV_YEARS, dtype=np.float64)
    place = np.searchsorted(steps, age, side="right")
    return np.where(place < len(steps), steps[np.minimum(place, 3)], np.floor(age) + 1.0)


def inspection_dates(registered_on: Times, age_years: Floats) -> Times:
    """Return the anniversaries of registration at whole ages."""
    day = registered_on.astype("datetime64[D]")
    years = day.astype("datetime64[Y]")
    within = day - years.astype("datetime64[D]")
    birthday: Times = (years + age_years.astype(np.int64)).astype("datetime64[D]") + within
    return birthday.astype("datetime64[us]")


class Workshop(StatefulProcess):
    """Numbers the visits; the due days stand in the fleet."""

    counters = ("next_visit",)

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.next_visit = 500_001

    def schedule(
        self, rng: np.random.Generator, window_origin: np.datetime64, vehicle: Integers, at: Times
    ) -> None:
        """Set the due days of vehicles that come into an owner's hands."""
        fleet = self._fleet
        day = (at - window_origin) / DAY
        count = len(vehicle)
        fleet.maintenance_day[vehicle] = day + _maintenance(rng, count)
        fleet.repair_day[vehicle] = day + rng.exponential(1.0, count) * DAYS_PER_YEAR / _repairs(
            (at - fleet.registered_on[vehicle]) / DAY / DAYS_PER_YEAR
        )
        fleet.tyres_day[vehicle] = day + _tyres(rng, fleet.km_per_year[vehicle])
        self._schedule_inspection(window_origin, vehicle, at)

    def _schedule_inspection(self, origin: np.datetime64, vehicle: Integers, after: Times) -> None:
        fleet = self._fleet
        registered = fleet.registered_on[vehicle]
        # A day's grace keeps an inspection on its own anniversary from coming up twice.
        age = (after - registered) / DAY / DAYS_PER_YEAR + 1.5 / DAYS_PER_YEAR
        due = inspection_dates(registered, next_inspection_age(age))
        fleet.inspection_day[vehicle] = (due - origin) / DAY

    def advance(self, window: Window, driven: Columns) -> pd.DataFrame:
        """Return the visits of a slice (WORKSHOP_VISITS)."""
        rng = window.rng("workshop")
        parts = [
            self._maintenance(rng, window),
            self._inspections(rng, window),
            self._repairs(rng, window),
            self._tyre_changes(rng, window),
            self._recalls(rng, window),
            self._driven(driven),
        ]
        vehicle, kind, at, campaign = (
            np.concatenate([part[place] for part in parts]) for place in range(4)
        )
        order = np.argsort(at, kind="stable")
        return self._frame(rng, vehicle[order], kind[order], at[order], campaign[order])

    def _maintenance(
        self, rng: np.random.Generator, window: Window
    ) -> tuple[Integers, Integers, Times, Integers]:
        fleet = self._fleet
        due = np.flatnonzero(fleet.maintenance_day < window.end_day)
        day = fleet.maintenance_day[due]
        fleet.maintenance_day[due] = day + _maintenance(rng, len(due))
        return self._attended(rng, window, due, day, MAINTENANCE, 1.0)

    def _inspections(
        self, rng: np.random.Generator, window: Window
    ) -> tuple[Integers, Integers, Times, Integers]:
        fleet = self._fleet
        # Owners come up to some weeks before the day; that is decided as the day comes near.
        due = np.flatnonzero(fleet.inspection_day < window.end_day + _ITV_EARLY_DAYS)
        day = fleet.inspection_day[due]
        self._schedule_inspection(window.origin, due, window.at(day))
        early = day - rng.integers(1, _ITV_EARLY_DAYS, len(due))
        early = np.clip(early, window.first_day, window.end_day - 1)
        return self._attended(rng, window, due, early, INSPECTION, _ITV_AT_OUR_WORKSHOP)

    def _repairs(
        self, rng: np.random.Generator, window: Window
    ) -> tuple[Integers, Integers, Times, Integers]:
        fleet = self._fleet
        due = np.flatnonzero(fleet.repair_day < window.end_day)
        day = fleet.repair_day[due]
        age = (window.end - fleet.registered_on[due]) / DAY / DAYS_PER_YEAR
        wait = rng.exponential(1.0, len(due)) * DAYS_PER_YEAR / _repairs(age)
        fleet.repair_day[due] = np.maximum(day, window.first_day) + np.maximum(wait, 3.0)
        return self._attended(rng, window, due, day, REPAIR, 1.0)

    def _tyre_changes(
        self, rng: np.random.Generator, window: Window
    ) -> tuple[Integers, Integers, Times, Integers]:
        fleet = self._fleet
        due = np.flatnonzero(fleet.tyres_day < window.end_day)
        day = fleet.tyres_day[due]
        fleet.tyres_day[due] = day + _tyres(rng, fleet.km_per_year[due])
        return self._attended(rng, window, due, day, TYRES, 0.6)

    def _recalls(
        self, rng: np.random.Generator, window: Window
    ) -> tuple[Integers, Integers, Times, Integers]:
        """One version and year is called back now and then; owners come within the slice."""
        fleet = self._fleet
        calls = rng.random() < min(window.days / 45.0, 1.0)
        if not calls or not len(fleet):
            return self._attended(rng, window, np.empty(0, np.int64), np.empty(0), RECALL, 1.0)
        example = int(rng.integers(0, len(fleet)))
        year = fleet.registered_on.astype("datetime64[Y]")
        called = (fleet.model == fleet.model[example]) & (year == year[example])
        called &= np.isfinite(fleet.maintenance_day)
        rows = np.flatnonzero(called & (rng.random(len(fleet)) < RECALL_ATTENDANCE))
        day = rng.uniform(window.first_day, window.end_day, len(rows))
        return self._attended(rng, window, rows, day, RECALL, 1.0, always=True)

    def _attended(
        self,
        rng: np.random.Generator,
        window: Window,
        vehicle: Integers,
        day: Floats,
        kind: int,
        share: float,
        *,
        always: bool = False,
    ) -> tuple[Integers, Integers, Times, Integers]:
        """Keep the visits to our workshops: loyalty fades with the vehicle's age."""
        fleet = self._fleet
        at = _workday(window, np.clip(day, window.first_day, window.end_day - 1))
        age = (at - fleet.registered_on[vehicle]) / DAY / DAYS_PER_YEAR
        chance = fleet.loyalty[vehicle] * np.clip(1.05 - 0.05 * age, 0.25, 1.0) * share
        came = np.full(len(vehicle), True) if always else rng.random(len(vehicle)) < chance
        came &= (at < window.end) & (at >= fleet.acquired_at[vehicle])
        at = draw_time_of_day(rng, at[came], OFFICE_HOURS)
        count = int(came.sum())
        return vehicle[came], np.full(count, kind), at, np.full(count, NO_ID)

    def _driven(self, driven: Columns) -> tuple[Integers, Integers, Times, Integers]:
        """Visits a campaign made happen: maintenance of the owner's car."""
        fleet = self._fleet
        held = np.flatnonzero(np.isfinite(fleet.maintenance_day))
        car_of: dict[int, int] = dict(zip(fleet.owner[held].tolist(), held.tolist(), strict=True))
        vehicle = np.array([car_of.get(person, NO_ID) for person in driven["person"].tolist()])
        known = vehicle.astype(np.int64) >= 0
        vehicle = vehicle[known].astype(np.int64)
        kind = np.full(len(vehicle), MAINTENANCE)
        return vehicle, kind, driven["at"][known], driven["campaign"][known]

    def _frame(
        self,
        rng: np.random.Generator,
        vehicle: Integers,
        kind: Integers,
        at: Times,
        campaign: Integers,
    ) -> pd.DataFrame:
        fleet, count = self._fleet, len(vehicle)
        labour = np.round(_LABOUR[kind] * rng.lognormal(-0.08, 0.4, count), 2)
        parts = np.round(_PARTS[kind] * rng.lognormal(-0.12, 0.5, count), 2)
        return WORKSHOP_VISITS.build(
            {
                "visit_id": self.numbers("next_visit", count),
                "vehicle_id": vehicle,
                "vin": fleet.vin(vehicle),
                "person_id": fleet.owner[vehicle],
                "dealer_id": fleet.dealer[vehicle],
                "kind": categorical(kind, KINDS),
                "odometer_km": fleet.odometer(vehicle, at),
                "labour_amount": labour,
                "parts_amount": parts,
                "net_amount": np.round(labour + parts, 2),
                "opened_at": at,
                "closed_at": at + rng.integers(3_600, 28_800, count) * SECOND,
                "campaign_id": campaign,
            }
        )


def _maintenance(rng: np.random.Generator, count: int) -> Floats:
    return rng.gamma(MAINTENANCE_REGULARITY, MAINTENANCE_DAYS / MAINTENANCE_REGULARITY, count)


def _tyres(rng: np.random.Generator, km_per_year: Floats) -> Floats:
    mean = TYRES_KM / np.maximum(km_per_year, 2_000.0) * DAYS_PER_YEAR
    return rng.gamma(TYRES_REGULARITY, mean / TYRES_REGULARITY)


def _repairs(age_years: Floats) -> Floats:
    return REPAIRS_PER_YEAR_NEW + REPAIRS_PER_YEAR_AGEING * np.maximum(age_years, 0.0)


def _workday(window: Window, day: Floats) -> Times:
    """Return the day, or the Monday after where it is a Sunday, within the slice."""
    at = window.origin + np.floor(day).astype(np.int64) * DAY
    weekday = (at.astype("datetime64[D]").astype(np.int64) + 3) % 7
    moved = np.where((weekday == 6) & (at + DAY < window.end), at + DAY, at)
    return moved.astype("datetime64[us]")
