"""The vehicles the dealers know: growing arrays by vehicle, their numbers and their frame.

Bookkeeping; visits are `workshop`, sales `car_sales`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from simulation.behaviour.state import NEVER, StatefulProcess
from simulation.frames import VEHICLES
from simulation.population.national_ids import padded
from simulation.randomness import Booleans, Floats, Integers, Times

DAYS_PER_YEAR: Final = 365.25
_PLATE_LETTERS: Final = "BCDFGHJKLMNPRSTVWXYZ"
_VIN_DIGITS: Final = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
_VIN_MAKERS: Final = {"SEAT": "VSSZZZ", "CUPRA": "VSSZZZ", "Škoda": "TMBZZZ"}
# Plates run from 0000 BBB (September 2000) at about this pace.
_PLATES_PER_DAY: Final = 4_300
_PLATES_SINCE: Final = np.datetime64("2000-09-18", "us")

_COLUMNS: Final = {
    "model": "int64",
    "registered_on": "datetime64[us]",
    "is_new": "bool",
    "owner": "int64",
    "acquired_at": "datetime64[us]",
    "sold_at": "datetime64[us]",
    "km_per_year": "float64",
    "loyalty": "float64",
    "dealer": "int64",
    "renewal_day": "float64",
    "maintenance_day": "float64",
    "inspection_day": "float64",
    "repair_day": "float64",
    "tyres_day": "float64",
}


class Fleet(StatefulProcess):
    """Vehicles by number; a vehicle's id is its row.

    Parameters
    ----------
    models
        The versions of cars.
    """

    arrays = tuple(_COLUMNS)

    model: Integers
    registered_on: Times
    is_new: Booleans
    owner: Integers
    acquired_at: Times
    sold_at: Times
    km_per_year: Floats
    loyalty: Floats
    dealer: Integers
    renewal_day: Floats
    maintenance_day: Floats
    inspection_day: Floats
    repair_day: Floats
    tyres_day: Floats

    def __init__(self, models: pd.DataFrame) -> None:
        for name, dtype in _COLUMNS.items():
            setattr(self, name, np.empty(0, dtype=dtype))
        self._makers = np.array([_VIN_MAKERS[make] for make in models["make"]], dtype=object)

    def __len__(self) -> int:
        return len(self.model)

    def add(self, **columns: Any) -> Integers:  # noqa: ANN401 - arrays or scalars
        """Add vehicles; return their rows."""
        size = len(columns["model"])
        first = len(self)
        for name, dtype in _COLUMNS.items():
            added = np.broadcast_to(np.asarray(columns[name]), (size,)).astype(dtype)
            setattr(self, name, np.concatenate([getattr(self, name), added]))
        return np.arange(first, first + size)

    def odometer(self, vehicle: Integers, at: Times) -> Integers:
        """Return the kilometres driven by a time."""
        days = (at - self.registered_on[vehicle]) / np.timedelta64(1, "D")
        return np.round(self.km_per_year[vehicle] * np.maximum(days, 1.0) / DAYS_PER_YEAR).astype(
            np.int64
        )

    def vin(self, vehicle: Integers) -> pd.api.extensions.ExtensionArray:
        """Return vehicle identification numbers: 17 characters, unique."""
        digits = np.array(list(_VIN_DIGITS), dtype=object)
        scrambled = (vehicle + 12_345) * 48_271 % 33**5
        text = pd.Series(self._makers[self.model[vehicle]], dtype="string[pyarrow]")
        for place in range(4, -1, -1):
            text = text + pd.Series(digits[scrambled // 33**place % 33], dtype="string[pyarrow]")
        return (text + padded(vehicle, 6)).array

    def plate(self, vehicle: Integers) -> pd.api.extensions.ExtensionArray:
        """Return plates (0000 BBB) that fit the registration date; unique enough for a market."""
        since = (self.registered_on[vehicle] - _PLATES_SINCE) / np.timedelta64(1, "D")
        number = (np.maximum(since, 0.0) * _PLATES_PER_DAY).astype(np.int64) + vehicle * 37 % 4_000
        letters = np.array(list(_PLATE_LETTERS), dtype=object)
        text = padded(number % 10_000, 4) + " "
        for place in (2, 1, 0):
            code = number // 10_000 // 20**place % 20
            text = text + pd.Series(letters[code], dtype="string[pyarrow]")
        return text.array

    def frame(self, vehicle: Integers, updated_at: Times) -> pd.DataFrame:
        """Return vehicles as they stand (VEHICLES)."""
        registered = self.registered_on[vehicle]
        return VEHICLES.build(
            {
                "vehicle_id": vehicle,
                "vin": self.vin(vehicle),
                "plate": self.plate(vehicle),
                "model_id": self.model[vehicle],
                "model_year": registered.astype("datetime64[Y]").astype(np.int64) + 1970,
                "registered_on": registered,
                "is_new": self.is_new[vehicle],
                "owner_person_id": self.owner[vehicle],
                "acquired_at": self.acquired_at[vehicle],
                "sold_at": self.sold_at[vehicle],
                "odometer_km": self.odometer(vehicle, updated_at),
                "updated_at": updated_at,
            }
        )

    def owners(self) -> Integers:
        """Return the people who own a vehicle the dealers look after."""
        return np.unique(self.owner[np.isfinite(self.maintenance_day)])

    def retire(self, vehicle: Integers, at: Times) -> None:
        """Take vehicles off their owners: sold to the dealer, or gone without notice (NaT)."""
        self.sold_at[vehicle] = at
        for name in ("renewal_day", "maintenance_day", "inspection_day", "repair_day", "tyres_day"):
            getattr(self, name)[vehicle] = np.inf


def no_times(count: int) -> Times:
    """Return absent times."""
    return np.full(count, NEVER)
