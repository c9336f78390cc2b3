"""The purchase log: one element per customer and purchase day, sorted, checked, cut at a date.

No features and no models in here; reading files and SQL happen elsewhere.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.lifetime_value.config import LifetimeValueError
from ml.lifetime_value.frames import require_columns

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

PURCHASE_COLUMNS = ("customer_id", "purchase_date", "net_amount")
EPOCH = dt.date(1970, 1, 1)


def day_number(date: dt.date) -> int:
    """Return days since 1970-01-01, the clock of the log."""
    return (date - EPOCH).days


def totals(codes: IntArray, size: int, weights: FloatArray | None = None) -> FloatArray:
    """Count, or add up weights, by code; one element a code from 0 to `size` - 1."""
    return np.bincount(codes, weights=weights, minlength=size).astype(np.float64)


@dataclass(frozen=True)
class PurchaseLog:
    """
    Purchase days, sorted by customer and day.

    Parameters
    ----------
    customer_ids
        Every customer once, sorted; codes are positions in it.
    customer, day, amount
        Code, day number and net amount of each purchase day; amount is 0 without amounts.
    return_customer, return_day, return_amount
        Days on which a customer gave back more than was bought; amounts are positive.
    has_amounts
        Whether the amounts mean anything.
    """

    customer_ids: NDArray[np.object_]
    customer: IntArray
    day: IntArray
    amount: FloatArray
    return_customer: IntArray
    return_day: IntArray
    return_amount: FloatArray
    has_amounts: bool

    @property
    def first_day(self) -> int:
        """Day number of the first purchase; the log must not be empty."""
        return int(self.day.min())

    @property
    def last_day(self) -> int:
        """Day number of the last purchase; the log must not be empty."""
        return int(self.day.max())

    def known_customers(self, day: int) -> IntArray:
        """Return the codes of the customers who had bought before a day, sorted."""
        return np.unique(self.customer[self.day < day])

    def before(self, day: int) -> PurchaseLog:
        """Return what was known on the morning of a day; customers who came later are gone."""
        kept, kept_returns = self.day < day, self.return_day < day
        past = PurchaseLog(
            self.customer_ids,
            self.customer[kept],
            self.day[kept],
            self.amount[kept],
            self.return_customer[kept_returns],
            self.return_day[kept_returns],
            self.return_amount[kept_returns],
            self.has_amounts,
        )
        return past.of_customers(np.unique(past.customer))

    def of_customers(self, codes: IntArray) -> PurchaseLog:
        """Return the log of some customers (codes sorted, each once), coded anew."""
        new_code = np.full(self.customer_ids.size, -1, dtype=np.int64)
        new_code[codes] = np.arange(codes.size)
        kept, kept_returns = new_code[self.customer] >= 0, new_code[self.return_customer] >= 0
        return PurchaseLog(
            self.customer_ids[codes],
            new_code[self.customer[kept]],
            self.day[kept],
            self.amount[kept],
            new_code[self.return_customer[kept_returns]],
            self.return_day[kept_returns],
            self.return_amount[kept_returns],
            self.has_amounts,
        )


def purchase_log(frame: pd.DataFrame) -> PurchaseLog:
    """
    Return the log of a frame of transactions or purchase days.

    Rows of one customer and day are one purchase day, their amounts added up. A day on which as
    much or more was given back is no purchase, but its amount counts against the customer's value.
    A customer who never bought anything is not in the log.

    Parameters
    ----------
    frame
        `customer_id`, `purchase_date` (dates or timestamps without zone), and `net_amount` where
        amounts are known.

    Raises
    ------
    LifetimeValueError
        When a column is missing or a row has no customer, no date or no finite amount.
    """
    require_columns(frame, PURCHASE_COLUMNS[:2], "purchases")
    has_amounts = "net_amount" in frame.columns
    if frame["customer_id"].isna().any():
        raise LifetimeValueError(
            f"The purchases frame has {int(frame['customer_id'].isna().sum())} rows without "
            "customer_id; guests must be left out upstream."
        )
    codes, ids = pd.factorize(frame["customer_id"], sort=True)
    day = _day_numbers(frame)
    amount = _amounts(frame) if has_amounts else np.zeros(len(frame))
    # One integer a customer-day: hashing it is many times quicker than a group by of two columns.
    earliest = int(day.min(initial=0))
    radix = int(day.max(initial=0)) - earliest + 1
    key, position = np.unique(codes * radix + (day - earliest), return_inverse=True)
    total = totals(position, key.size, amount)
    gives_back = np.zeros(key.size, dtype=bool)
    gives_back[position[amount < 0]] = True
    # Bought and given back to the cent on one day: no purchase happened.
    bought = (total > 0) | ~gives_back
    customer, days = key // radix, key % radix + earliest
    log = PurchaseLog(
        np.asarray(ids, dtype=object),
        customer[bought],
        days[bought],
        total[bought],
        customer[~bought],
        days[~bought],
        -total[~bought],
        has_amounts,
    )
    return log.of_customers(np.unique(log.customer))


def _day_numbers(frame: pd.DataFrame) -> IntArray:
    """Return the day number of each row."""
    try:
        dates = pd.to_datetime(frame["purchase_date"])
    except (TypeError, ValueError) as error:
        raise LifetimeValueError(
            f"The purchases frame's column purchase_date holds something that is no date: {error}."
        ) from error
    if dates.isna().any():
        raise LifetimeValueError(
            f"The purchases frame has {int(dates.isna().sum())} rows without purchase_date; "
            "leave them out upstream."
        )
    return dates.to_numpy(dtype="datetime64[D]").astype(np.int64)


def _amounts(frame: pd.DataFrame) -> FloatArray:
    """Return the amount of each row."""
    try:
        amount = pd.to_numeric(frame["net_amount"]).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise LifetimeValueError(
            f"The purchases frame's column net_amount holds something that is no number: {error}."
        ) from error
    if not np.isfinite(amount).all():
        raise LifetimeValueError(
            f"The purchases frame has {int((~np.isfinite(amount)).sum())} rows whose net_amount is "
            "missing or infinite; leave the column out when amounts are unknown."
        )
    return amount
