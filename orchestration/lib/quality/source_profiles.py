"""`quality.source_profiles`: profile what was delivered since the last run, judge it, append it.

Belongs here: which batches are new, and the table. Does not: the queries (`profiling`), or what a
change means (`ml.quality`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import duckdb
import pandas as pd

from ml.quality import TABLE_ROW, judge_profiles
from ml.quality.deliveries import day_of, days_covered, series_of
from orchestration.lib.contract import SystemContract, TableContract
from orchestration.lib.ingest.headers import RENAMED_NOTE
from orchestration.lib.quality.profiling import profile_table, sample_steps

RELATION = "quality.source_profiles"
DATE_TYPES = ("date", "timestamp")


def ensure_profiles(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, str]) -> None:
    """Create the table, or add the columns that the declaration has and the table lacks."""
    connection.execute("create schema if not exists quality")
    ddl = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    connection.execute(f"create table if not exists {RELATION} ({ddl})")
    for name, kind in columns.items():
        connection.execute(f'alter table {RELATION} add column if not exists "{name}" {kind}')


def new_batches(
    connection: duckdb.DuckDBPyConnection, systems: Sequence[SystemContract]
) -> pd.DataFrame:
    """Return the ledger's batches of these systems that have no profile yet."""
    return connection.execute(
        f"""select batches.batch_id, batches.source_system, batches.table_name,
            batches.source_file, batches.rows_delivered, batches.undeclared_columns,
            batches.loaded_at, batches.delivery_date, batches.note,
            coalesce(batches.status, 'loaded') = 'loaded' as is_read
        from raw._batches as batches
        where list_contains(cast(? as varchar[]), batches.source_system)
            -- A file that came twice, or whose name came with other content, is no delivery to judge.
            and coalesce(batches.status, 'loaded') in ('loaded', 'superseded')
            and not exists (
                select 1 from {RELATION} as known where known.batch_id = batches.batch_id
            )
        order by batches.source_system, batches.table_name, batches.source_file""",
        [[system.name for system in systems]],
    ).df()


def profile_new_batches(
    connection: duckdb.DuckDBPyConnection,
    systems: Sequence[SystemContract],
    *,
    run_id: str,
    profiled_at: datetime,
) -> pd.DataFrame:
    """Return judged profiles of every batch that has none; empty when nothing new was delivered."""
    batches = new_batches(connection, systems)
    if batches.empty:
        return pd.DataFrame()
    tables = {(table.system, table.name): table for system in systems for table in system.tables}
    history = connection.execute(
        f"""select profiles.* from {RELATION} as profiles
        semi join (select distinct source_system, table_name from batches) as touched
            using (source_system, table_name)"""
    ).df()
    rows: list[dict[str, Any]] = []
    for key, delivered in batches.groupby(["source_system", "table_name"], sort=True):
        table = tables.get((str(key[0]), str(key[1])))
        if table is not None:
            rows += _profile_deliveries(connection, table, delivered, history)
    if not rows:
        return pd.DataFrame()
    profiles = pd.DataFrame(rows).assign(run_id=run_id, profiled_at=profiled_at)
    return judge_profiles(_complete(profiles), history)


def _profile_deliveries(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    delivered: pd.DataFrame,
    history: pd.DataFrame,
) -> list[dict[str, Any]]:
    """Return the profiles of one table's new batches: a row for the table and one per column."""
    batches: dict[str, dict[str, Any]] = {
        batch["batch_id"]: {
            "source_system": table.system,
            "table_name": table.name,
            "batch_id": batch["batch_id"],
            "source_file": batch["source_file"],
            "delivery": _text_day(batch["delivery_date"]),
            "delivery_series": series_of(batch["source_file"]),
            "loaded_at": batch["loaded_at"],
            "undeclared_columns": (batch["undeclared_columns"] or "") if batch["is_read"] else None,
            "renamed_columns": _renamed(batch["note"]) if batch["is_read"] else None,
            "rows_delivered": int(batch["rows_delivered"]),
        }
        for batch in delivered.to_dict("records")
    }
    is_snapshot = table.delivery == "snapshot"
    covered = {} if is_snapshot else _days_covered(table, list(batches.values()), history)
    moving = {*table.primary_key, *table.version_by, table.event_time, table.cursor}
    by_name = {column.name: column for column in table.columns}
    rows = [
        {
            **batch,
            "column_name": TABLE_ROW,
            "rows": batch["rows_delivered"],
            "rows_per_day": batch["rows_delivered"] / covered.get(batch["source_file"], 1.0),
        }
        for batch in batches.values()
    ]
    steps = sample_steps(connection, table, list(batches))
    for profile in profile_table(connection, table, steps):
        name = profile["column_name"]
        is_compared = by_name[name].data_type not in DATE_TYPES and name not in moving
        batch = batches[profile["batch_id"]]
        rows.append(
            {**batch, **profile, "rows_per_day": 0.0, "is_distribution_compared": is_compared}
        )
    return rows


def _text_day(delivery_date: str | None) -> str | None:
    day = day_of(delivery_date)
    return day.isoformat() if day else None


def _renamed(note: str | None) -> str:
    """Return the names under which the ledger says that columns came, comma separated."""
    return note.removeprefix(RENAMED_NOTE) if note and note.startswith(RENAMED_NOTE) else ""


def _days_covered(
    table: TableContract, batches: Sequence[Mapping[str, Any]], history: pd.DataFrame
) -> dict[str, float]:
    """Return how many days each delivered file stands for, by its name."""
    found = {str(batch["source_file"]): batch["delivery"] for batch in batches}
    if len(history):
        is_table = (history["source_system"] == table.system) & (
            history["table_name"] == table.name
        )
        known = history[is_table]
        found |= dict(zip(known["source_file"].astype(str), known["delivery"], strict=True))
    by_series: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for file, delivery in found.items():
        by_series[series_of(file)].append((delivery or "", file))
    covered: dict[str, float] = {}
    for deliveries in by_series.values():
        deliveries.sort()
        days = [date.fromisoformat(day) if day else None for day, _ in deliveries]
        covered |= dict(zip((file for _, file in deliveries), days_covered(days), strict=True))
    return covered


def _complete(profiles: pd.DataFrame) -> pd.DataFrame:
    """Give the rows of tables and of columns the same columns."""
    for name in ("pattern", "pattern_share", "common_values", "quantiles"):
        if name not in profiles.columns:
            profiles[name] = None
    filled: dict[str, int | float | bool | str] = {
        "rows_sampled": 0,
        "nulls": 0,
        "null_share": 0.0,
        "pattern_share": 0.0,
        "is_distribution_compared": False,
        "sample": "all rows",
    }
    for name, value in filled.items():
        profiles[name] = [value if pd.isna(found) else found for found in profiles[name]]
    return profiles


def append_profiles(
    connection: duckdb.DuckDBPyConnection, profiles: pd.DataFrame, columns: Mapping[str, str]
) -> None:
    """Append profiles; a batch that is profiled again replaces its earlier profile."""
    if profiles.empty:
        return
    frame = profiles.reindex(columns=list(columns))
    connection.register("incoming_profiles", frame)
    connection.execute(
        f"delete from {RELATION} where batch_id in (select batch_id from incoming_profiles)"
    )
    connection.execute(f"insert into {RELATION} by name from incoming_profiles")
    connection.unregister("incoming_profiles")


def newest_warnings(profiles: pd.DataFrame) -> pd.DataFrame:
    """Return the warnings about each table's newest delivery: what older ones did is history."""
    if profiles.empty:
        return profiles
    keys = ["source_system", "table_name", "delivery_series"]
    order = profiles["delivery"].fillna("") + profiles["loaded_at"].astype(str)
    newest = order == order.groupby([profiles[key] for key in keys]).transform("max")
    return profiles[newest & (profiles["drift_severity"] == "warning")].sort_values(
        ["source_system", "table_name", "column_name"]
    )
