"""Which deliveries are of one kind and rhythm, and how many days each stands for.

Belongs here: names and days. Does not: reading files, or finding the date in a name (ingestion).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from datetime import date


def series_of(source_file: str) -> str:
    """Return the name with every digit as 9: deliveries of one kind and rhythm share it."""
    return re.sub(r"\d", "9", source_file)


def day_of(delivery_date: str | None) -> date | None:
    """Return the day of a delivery from the ledger's digits (a month is its first day)."""
    digits = (delivery_date or "").partition("_")[0]
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8] or 1))
    except ValueError:
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
