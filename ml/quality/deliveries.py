"""What a file's name says of its delivery: which series it belongs to, and of which day it is.

Belongs here: reading names. Does not: reading files.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from datetime import date

_DATE = re.compile(r"(?<!\d)(\d{4})-?(\d{2})(?:-?(\d{2}))?(?!\d)")


def series_of(source_file: str) -> str:
    """Return the name with every digit as 9: deliveries of one kind and rhythm share it."""
    return re.sub(r"\d", "9", source_file)


def day_of(source_file: str) -> date | None:
    """Return the first date-like part of a name (its first day when it is a month), None without."""
    for year, month, day in _DATE.findall(source_file):
        try:
            return date(int(year), int(month), int(day or 1))
        except ValueError:
            continue
    return None


def days_covered(days: Sequence[date | None]) -> list[float]:
    """Return how many days each delivery of a series stands for: since the one before it.

    Parameters
    ----------
    days
        Days of the deliveries, in order.

    Returns
    -------
    list of float
        The first gets what the second covers; 1 where a day is unknown or repeated.
    """
    gaps = [
        float((day - before).days) if day and before and day > before else 1.0
        for before, day in itertools.pairwise(days)
    ]
    return [gaps[0], *gaps] if gaps else [1.0] * len(days)
