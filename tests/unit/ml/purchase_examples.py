"""Purchase logs with a known truth, drawn purchase by purchase. Knows no model."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd

from tests.unit.ml import cdnow

FIRST_DAY = dt.date(2020, 1, 1)


def market(
    *, customers: int, days: int, seed: int, gaps_a_purchase: int = 1, leaving_weeks: float = 60.0
) -> pd.DataFrame:
    """
    Draw customers with own gamma rates, who leave after an exponential time.

    `gaps_a_purchase` above 1 makes them regular: each wait is a sum of so many exponential ones.
    """
    random = np.random.default_rng(seed)
    start = random.uniform(0, days / 4, customers)
    rate = random.gamma(1.2, 1 / 30.0, customers)
    gone = start + random.exponential(leaving_weeks * 7, customers)
    owner, day = [np.arange(customers)], [start]
    now = start
    for _ in range(600):
        now = now + random.gamma(gaps_a_purchase, 1 / (rate * gaps_a_purchase))
        buys = now < np.minimum(gone, days)
        if not buys.any():
            break
        owner.append(np.flatnonzero(buys))
        day.append(now[buys])
        now = np.where(buys, now, np.inf)
    codes, at = np.concatenate(owner), np.floor(np.concatenate(day)).astype(int)
    level = random.lognormal(3.0, 0.6, customers)
    return pd.DataFrame(
        {
            "customer_id": [f"C{code:05}" for code in codes],
            "purchase_date": pd.Timestamp(FIRST_DAY) + pd.to_timedelta(at, unit="D"),
            "net_amount": np.round(level[codes] * random.lognormal(0.0, 0.4, codes.size), 2),
        }
    )


def unrelated_future(frame: pd.DataFrame, until: dt.date, period_days: int) -> pd.DataFrame:
    """
    Return the log with customers drawn anew in each period: no past tells anything of a future.

    Who is known at `until` stays known: first purchases keep their owner.
    """
    random = np.random.default_rng(5)
    first = frame.groupby("customer_id")["purchase_date"].transform("min")
    is_first = frame["purchase_date"] == first
    ids = frame["customer_id"].unique()
    period = (frame["purchase_date"] - pd.Timestamp(FIRST_DAY)).dt.days // period_days
    shuffled = frame.copy()
    for number in period.unique():
        other = dict(zip(ids, random.permutation(ids), strict=True))
        rows = (period == number) & ~is_first
        shuffled.loc[rows, "customer_id"] = frame.loc[rows, "customer_id"].map(other)
    return shuffled


def cdnow_purchases() -> pd.DataFrame:
    """Return the purchases of the CDNOW 1/10 sample."""
    query = r"""
        with lines as (
            select regexp_split_to_array(trim(line), ' +') as fields
            from read_csv($path, columns = {'line': 'varchar'}, delim = '\x01', header = false,
                quote = '', escape = '')
        )
        select fields[1] as customer_id, strptime(fields[3], '%Y%m%d') as purchase_date,
            fields[5]::double as net_amount
        from lines
    """
    with duckdb.connect() as connection:
        return connection.execute(query, {"path": str(cdnow.sample_file())}).df()
