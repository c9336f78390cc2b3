"""Which id a record had on which day: periods that a rerun of a day replaces and a later day inherits.

Belongs here: the tables of periods and how a run writes its day into them. Does not: choosing ids.
"""

from __future__ import annotations

from datetime import date

import duckdb

ASSIGNMENTS = "identity.id_assignments"
KNOWN_RECORDS = "identity.known_records"
RUN_DATES = "identity.id_run_dates"
TRIES = "identity.id_tries"
# What the steps of one run hand each other.
MEMBERS = "golden_members"
ASSIGNED = "golden_assigned"
COLUMNS = (
    "record_id", "source_system", "source_customer_id", "origin_record_id", "customer_id", "household_id"
)  # fmt: skip

TABLES_DDL = f"""
create schema if not exists identity;
create table if not exists {ASSIGNMENTS} (
    record_id varchar, source_system varchar, source_customer_id varchar, origin_record_id varchar,
    customer_id varchar, household_id varchar, from_date date, to_date date
);
create table if not exists {KNOWN_RECORDS} (
    record_id varchar, source_system varchar, origin_record_id varchar, content_hash varchar
);
create table if not exists {RUN_DATES} (source_system varchar, as_of_date date);
create table if not exists {TRIES} (
    origin_record_id varchar, customer_id varchar, household_id varchar, as_of_date date, try_number bigint
);
"""


def prepare_assignments(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables where they don't exist; what they hold is kept for ever."""
    connection.execute(TABLES_DDL)


def state_before(as_of: date) -> str:
    """Return the query of the assignments of the last day before ``as_of``."""
    return (
        f"(select * from {ASSIGNMENTS} where from_date < date '{as_of}' "
        f"and (to_date is null or to_date >= date '{as_of}'))"
    )


def history_before(as_of: date) -> str:
    """Return the query of every id that a record had before the day, in order of from_date, try_number.

    An id that a later run of the same day replaced was published too: its record may get it back.
    """
    return (
        f"(select origin_record_id, customer_id, household_id, from_date, cast(null as bigint) as try_number"
        f" from {ASSIGNMENTS} where from_date < date '{as_of}' union all by name"
        f" select * rename (as_of_date as from_date) from {TRIES} where as_of_date < date '{as_of}')"
    )


def is_newest_day(connection: duckdb.DuckDBPyConnection, as_of: date, systems: str) -> bool:
    """Whether no later day is recorded of any of the systems (quoted, as of ``quoted_systems``).

    A run that looks back leaves no trace in periods and ledgers.
    """
    ((found,),) = connection.execute(
        f"select coalesce(max(as_of_date) <= ?, true) from {RUN_DATES} where source_system in ({systems})",
        [as_of],
    ).fetchall()
    return bool(found)


def find_differences(
    connection: duckdb.DuckDBPyConnection, systems: str, looked_at: str = "true"
) -> None:
    """Set the records whose ids the run changes apart: ``golden_outgoing`` and ``golden_incoming``.

    ``systems`` are the quoted source systems of the run; records of others are not looked at, nor those
    for which the condition ``looked_at`` does not hold.
    """
    old, new = (
        ", ".join(f"{side}.{name} as {side}_{name}" for name in COLUMNS) for side in ("old", "new")
    )
    connection.execute(
        f"""create or replace temp table golden_differences as
        select {old}, old.from_date, {new}
        from (select * from {ASSIGNMENTS} where to_date is null and source_system in ({systems})
            and {looked_at}) as old
        full outer join {ASSIGNED} as new on new.record_id = old.record_id
        where old.record_id is null or new.record_id is null or old.customer_id <> new.customer_id
            or old.household_id <> new.household_id or old.origin_record_id <> new.origin_record_id"""
    )
    for name, side, more in (("outgoing", "old", ", from_date"), ("incoming", "new", "")):
        columns = ", ".join(f"{side}_{column} as {column}" for column in COLUMNS)
        connection.execute(
            f"""create or replace temp table golden_{name} as
            select {columns}{more} from golden_differences where {side}_record_id is not null"""
        )


def write_day(connection: duckdb.DuckDBPyConnection, as_of: date, systems: str) -> int:
    """Write the differences into the periods of the newest day; return the records that differ."""
    connection.execute(
        f"""insert into {TRIES}
        select origin_record_id, customer_id, household_id, from_date,
            (select coalesce(max(try_number), 0) + 1 from {TRIES})
        from golden_outgoing where from_date = date '{as_of}'"""
    )
    connection.execute(
        f"""delete from {ASSIGNMENTS} where to_date is null and from_date = date '{as_of}'
            and record_id in (select record_id from golden_outgoing)"""
    )
    connection.execute(
        f"""update {ASSIGNMENTS} set to_date = date '{as_of}' where to_date is null
            and record_id in (select record_id from golden_outgoing)"""
    )
    # an earlier try of the day had ended a period that goes on
    connection.execute(
        f"""update {ASSIGNMENTS} as old set to_date = null
        from golden_incoming as new
        where old.record_id = new.record_id and old.to_date = date '{as_of}'
            and old.customer_id = new.customer_id and old.household_id = new.household_id
            and old.origin_record_id = new.origin_record_id"""
    )
    connection.execute(
        f"""insert into {ASSIGNMENTS} by name
        select new.*, date '{as_of}' as from_date, cast(null as date) as to_date
        from golden_incoming as new
        where not exists (select 1 from {ASSIGNMENTS} as old
            where old.record_id = new.record_id and old.to_date is null)"""
    )
    connection.execute(
        f"""insert into {RUN_DATES}
        select system, date '{as_of}' from (select unnest([{systems}]) as system)
        where (system, date '{as_of}') not in (select (source_system, as_of_date) from {RUN_DATES})"""
    )
    ((changed,),) = connection.execute("select count(*) from golden_differences").fetchall()
    return int(changed)
