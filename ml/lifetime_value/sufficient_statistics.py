"""Collapse customers to the distinct histories that BTYD models see, with a weight each.

Nothing is fitted here: two customers with the same history have the same likelihood and the same
forecast, so both need computing only once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.lifetime_value.config import Clock

FloatArray = NDArray[np.float64]

# The published parameters (CDNOW) are weekly, so weeks are the time unit of all models.
DAYS_PER_WEEK = 7.0


@dataclass(frozen=True)
class History:
    """
    Purchase histories in weeks, one element a history.

    Parameters
    ----------
    frequency
        Repeat purchase days (x).
    age_at_last_purchase
        Weeks from the first to the last purchase (t_x).
    age
        Weeks from the first purchase to the last observed day (T).
    """

    frequency: FloatArray
    age_at_last_purchase: FloatArray
    age: FloatArray


@dataclass(frozen=True)
class CollapsedHistories:
    """
    Distinct histories, how many customers share each, and each customer's row among them.

    Parameters
    ----------
    history
        The distinct histories, sorted by frequency, age at last purchase and age.
    weight
        Customers a history.
    row_of_customer
        For each row of the frame that was collapsed, its position in `history`.
    """

    history: History
    weight: FloatArray
    row_of_customer: NDArray[np.int64]

    @property
    def customers(self) -> int:
        """Number of customers before collapsing."""
        return int(self.row_of_customer.size)

    @property
    def repeat_customers(self) -> int:
        """Number of customers with at least one repeat purchase."""
        return int(self.weight[self.history.frequency > 0].sum())


def collapse(frame: pd.DataFrame, clock: Clock = "day") -> CollapsedHistories:
    """
    Collapse a customer frame to distinct histories.

    Parameters
    ----------
    frame
        `repeat_frequency`, `age_at_last_purchase_days`, `t_days`: whole numbers, one row a
        customer, any order.
    clock
        "day" keeps the exact ages, "week" rounds both up to whole weeks first.

    Returns
    -------
    CollapsedHistories
        Sorted, so that the sums of a fit do not depend on the order of the rows.
    """
    frequency, age_at_last, age = (
        frame[name].to_numpy().astype(np.int64)
        for name in ("repeat_frequency", "age_at_last_purchase_days", "t_days")
    )
    ticks_per_week = DAYS_PER_WEEK
    if clock == "week":
        age_at_last, age = (-(-days // int(DAYS_PER_WEEK)) for days in (age_at_last, age))
        ticks_per_week = 1.0
    # One integer a history, so that hashing is cheap (0.02 s a million customers) and its order is
    # the order of the three columns. Ages of centuries in days still leave no overflow.
    radix = int(age.max(initial=0)) + 1
    key = (frequency * radix + age_at_last) * radix + age
    codes, found = pd.factorize(key)
    order = np.argsort(found)
    position = np.empty_like(order)
    position[order] = np.arange(order.size)
    distinct = np.asarray(found)[order]
    history = History(
        frequency=(distinct // (radix * radix)).astype(np.float64),
        age_at_last_purchase=(distinct // radix % radix) / ticks_per_week,
        age=(distinct % radix) / ticks_per_week,
    )
    row_of_customer = position[codes].astype(np.int64)
    weight = np.bincount(row_of_customer, minlength=order.size).astype(np.float64)
    return CollapsedHistories(history, weight, row_of_customer)
