"""An origin cuts the log in two: the statistics of before, the outcome of after.

Which origins to use is `champion.plan`'s matter; nothing is learnt here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.lifetime_value.purchases.log import FloatArray, PurchaseLog, totals


@dataclass(frozen=True)
class Outcome:
    """
    What the customers of an origin did in the horizon after it, in their order.

    Parameters
    ----------
    purchases
        Purchase days.
    value
        Net amount, returns deducted; 0 without amounts.
    """

    purchases: FloatArray
    value: FloatArray


def summary_before(known: PurchaseLog, origin: int) -> pd.DataFrame:
    """
    Return the sufficient statistics as of an origin, one row a customer of the log.

    Parameters
    ----------
    known
        The log before the origin (`PurchaseLog.before`).
    origin
        First day that is not known.

    Returns
    -------
    pandas.DataFrame
        `customer_id`, `repeat_frequency`, `age_at_last_purchase_days`, `t_days`,
        `repeat_monetary_value`: net of the returns, whichever purchase they belong to.
    """
    count = np.bincount(known.customer, minlength=known.customer_ids.size)
    start = np.cumsum(count) - count
    first, last = known.day[start], known.day[start + count - 1]
    frequency = count - 1
    later = np.ones(known.day.size, dtype=bool)
    later[start] = False
    size = count.size
    value = totals(known.customer[later], size, known.amount[later])
    # A return is taken off all purchase days alike, so the repeat days bear their share.
    returned = totals(known.return_customer, size, known.return_amount)
    value = value - returned * frequency / count
    mean = np.divide(value, frequency, out=np.full(size, np.nan), where=frequency > 0)
    return pd.DataFrame(
        {
            "customer_id": known.customer_ids,
            "repeat_frequency": frequency.astype(np.float64),
            "age_at_last_purchase_days": (last - first).astype(np.float64),
            "t_days": (origin - 1 - first).astype(np.float64),
            "repeat_monetary_value": mean if known.has_amounts else np.full(size, np.nan),
        }
    )


def outcome_after(log: PurchaseLog, origin: int, horizon_days: int) -> Outcome:
    """Return what the customers known at the origin did in the `horizon_days` from it on."""
    known, size = log.known_customers(origin), log.customer_ids.size
    inside = (log.day >= origin) & (log.day < origin + horizon_days)
    given_back = (log.return_day >= origin) & (log.return_day < origin + horizon_days)
    purchases = totals(log.customer[inside], size)
    bought = totals(log.customer[inside], size, log.amount[inside])
    returned = totals(log.return_customer[given_back], size, log.return_amount[given_back])
    return Outcome(purchases[known], (bought - returned)[known])
