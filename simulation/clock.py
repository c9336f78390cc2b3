"""Spanish wall-clock time: offsets from UTC by the European summer-time rule, vectorised.

Calendar arithmetic only; when something happens is `behaviour`'s matter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.datetime64]

_HOUR = np.timedelta64(1, "h")


def utc_offset_hours(local: Times) -> NDArray[np.int64]:
    """Return 2 in summer time, else 1, for wall-clock times of Europe/Madrid."""
    years = local.astype("datetime64[Y]")
    begins = _last_sunday(years, month=3) + 2 * _HOUR
    ends = _last_sunday(years, month=10) + 3 * _HOUR
    return np.where((local >= begins) & (local < ends), 2, 1)


def to_utc(local: Times) -> Times:
    """Turn wall-clock times of Europe/Madrid into UTC; NaT stays NaT."""
    shifted: Times = local - utc_offset_hours(local).astype("timedelta64[h]")
    return shifted


def _last_sunday(years: Times, month: int) -> Times:
    end = (years.astype("datetime64[M]") + month).astype("datetime64[D]") - 1
    # Day 0 (1970-01-01) was a Thursday; Sunday is 6 counted from Monday.
    weekday = (end.astype(np.int64) + 3) % 7
    sunday: Times = end - ((weekday + 1) % 7).astype("timedelta64[D]")
    return sunday.astype("datetime64[h]")
