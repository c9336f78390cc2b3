"""How old the newest of a table is at the as-of date. Who warns about it: `defs.ingest`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from orchestration.lib.contract import TableContract
from orchestration.lib.ingest.ledger import held_batches, raw_table_exists
from orchestration.lib.sql_text import quoted_name

FORMATS = ("%Y%m%d", "%Y%m")


@dataclass(frozen=True)
class Freshness:
    """Newest day of a table, and whether it is recent enough."""

    newest: date | None
    is_fresh: bool
    sentence: str


def _as_day(digits: str) -> date | None:
    for form in FORMATS:
        try:
            return datetime.strptime(digits.partition("_")[0], form).date()
        except ValueError:
            continue
    return None


def _newest(
    connection: duckdb.DuckDBPyConnection, table: TableContract, as_of: date
) -> date | None:
    """Return the last day of the events before the as-of date, else of the deliveries."""
    if not raw_table_exists(connection, table):
        return None
    if table.event_time:
        ((newest,),) = connection.execute(
            f"""select max(cast({quoted_name(table.event_time)} as date)) from {table.relation}
            where {quoted_name(table.event_time)} < cast(? as date)""",
            [as_of],
        ).fetchall()
        found: date | None = newest
        return found
    days = (_as_day(batch.delivery.date) for batch in held_batches(connection, table))
    return max((day for day in days if day is not None), default=None)


def freshness_of(
    connection: duckdb.DuckDBPyConnection, table: TableContract, as_of: date
) -> Freshness:
    """Return how fresh a table is at the as-of date, by its ``freshness_days``."""
    newest = _newest(connection, table, as_of)
    limit = table.freshness_days
    if newest is None:
        return Freshness(None, False, f"{table.identifier}: nothing dates the data.")
    age_days = (as_of - newest).days
    return Freshness(
        newest,
        limit is None or age_days <= limit,
        f"{table.identifier}: the newest is of {newest}, {age_days} days before {as_of}"
        f" ({limit} allowed).",
    )
