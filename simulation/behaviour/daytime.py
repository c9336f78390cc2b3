"""When in the year, the week and the day things happen.

Calendars only: each gives weights of days, and an operational clock that runs with them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from simulation.randomness import Floats, Integers, Times, WeightedDraw

_CALENDAR_DAYS: Final = 366 * 12

# Monday to Sunday; most supermarkets close on Sundays.
GROCERY_WEEKDAYS: Final = (0.95, 0.90, 0.95, 1.00, 1.25, 1.50, 0.30)
GROCERY_MONTHS: Final = (0.95, 0.94, 1.0, 1.0, 1.0, 1.0, 0.98, 0.86, 1.02, 1.02, 1.03, 1.2)

# Weight of each hour of the day.
STORE_HOURS: Final = (0,) * 9 + (5, 8, 11, 12, 9, 5, 4, 5, 8, 11, 12, 8, 2) + (0,) * 2
WEB_HOURS: Final = (0,) * 7 + (1, 2, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 7, 8, 9, 8, 0)
OFFICE_HOURS: Final = (0,) * 8 + (4, 9, 10, 10, 8, 5, 3, 6, 8, 8, 6, 2) + (0,) * 4


class OperationalClock:
    """A clock that runs fast on busy days: a renewal process on it keeps its regularity.

    Parameters
    ----------
    origin
        First day of the history.
    weekdays
        Weights from Monday to Sunday.
    months
        Weights from January to December.
    """

    def __init__(
        self, origin: np.datetime64, weekdays: tuple[float, ...], months: tuple[float, ...]
    ) -> None:
        days = origin.astype("datetime64[D]") + np.arange(_CALENDAR_DAYS)
        weekday = (days.astype(np.int64) + 3) % 7
        month = days.astype("datetime64[M]").astype(np.int64) % 12
        weights = np.array(weekdays)[weekday] * np.array(months)[month]
        weights /= weights[: 7 * 209].mean()
        self._elapsed = np.concatenate([[0.0], np.cumsum(weights)])

    def elapsed(self, day: int) -> float:
        """Return the operational time at the beginning of a day."""
        return float(self._elapsed[day])

    def day_of(self, elapsed: Floats) -> Integers:
        """Return the day on which an operational time falls."""
        return np.searchsorted(self._elapsed, elapsed, side="right") - 1


def draw_time_of_day(rng: np.random.Generator, days: Times, hours: tuple[int, ...]) -> Times:
    """Return times of whole seconds on the given days, by the weights of the hours."""
    hour = WeightedDraw(hours)(rng, len(days))
    seconds = hour * 3600 + rng.integers(0, 3600, len(days))
    midnight = days.astype("datetime64[D]").astype("datetime64[us]")
    times: Times = midnight + seconds.astype("timedelta64[s]")
    return times
