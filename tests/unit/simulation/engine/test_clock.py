"""Spanish wall-clock time against the time zone database."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulation.clock import to_utc, utc_offset_hours

MADRID = ZoneInfo("Europe/Madrid")


@given(st.datetimes(min_value=datetime(1997, 1, 1), max_value=datetime(2050, 1, 1)))
def test_utc_is_that_of_the_time_zone_database(moment: datetime) -> None:
    local = moment.replace(microsecond=0)
    if local.astimezone(UTC) and _is_skipped(local):
        return
    expected = local.replace(tzinfo=MADRID).astimezone(UTC).replace(tzinfo=None)
    times = np.array([local], dtype="datetime64[us]")
    assert to_utc(times)[0] == np.datetime64(expected, "us")
    assert utc_offset_hours(times)[0] == (local - expected).total_seconds() / 3600


def _is_skipped(local: datetime) -> bool:
    there = local.replace(tzinfo=MADRID).astimezone(UTC).astimezone(MADRID)
    return there.replace(tzinfo=None) != local


def test_absent_times_stay_absent() -> None:
    assert np.isnat(to_utc(np.array(["NaT"], dtype="datetime64[us]")))[0]
