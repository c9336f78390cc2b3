"""Tables in which a run records itself: settings, checks, runs. SQL only, no dagster."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import duckdb

RUN_TABLES_DDL = """
create schema if not exists ops;
create schema if not exists quality;
create table if not exists ops.settings (
    as_of_date date, reporting_currency varchar, source_systems varchar, run_id varchar,
    set_at timestamp
);
create table if not exists ops.runs (
    run_id varchar, started_at timestamp, finished_at timestamp, as_of_date date,
    source_systems varchar, is_full_refresh boolean, checks_passed bigint, checks_warned bigint
);
create table if not exists quality.checks (
    run_id varchar, checked_at timestamp, relation varchar, check_name varchar,
    severity varchar, is_passed boolean, failures bigint, message varchar
);
"""


def ensure_run_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables of this module where they don't exist."""
    connection.execute(RUN_TABLES_DDL)


def record_checks(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    checked_at: datetime,
    checks: Sequence[tuple[str, str, bool, str]],
    severity: str = "error",
) -> None:
    """Append checks, given as (relation, check_name, is_passed, message); ``error`` ones block."""
    ensure_run_tables(connection)
    for relation, name, is_passed, message in checks:
        connection.execute(
            "insert into quality.checks values (?, ?, ?, ?, ?, ?, ?, ?)",
            [run_id, checked_at, relation, name, severity, is_passed, int(not is_passed), message],
        )


def record_run(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    started_at: datetime,
    finished_at: datetime,
    is_full_refresh: bool,
) -> None:
    """Append the run's own row, with its checks counted."""
    ensure_run_tables(connection)
    connection.execute(
        """insert into ops.runs
        select ?, ?, ?, settings.as_of_date, settings.source_systems, ?,
            (select count(*) from quality.checks where run_id = ? and is_passed),
            (select count(*) from quality.checks where run_id = ? and not is_passed)
        from ops.settings as settings""",
        [run_id, started_at, finished_at, is_full_refresh, run_id, run_id],
    )
