"""Which rows of a version's two files are of the people, and what becomes of them.

Belongs here: finding the rows of every table. Does not: writing the files anew (`versions`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from ml.identity.relations import has_table
from orchestration.lib.analytics import EXPORTED_SCHEMAS, pseudonyms
from orchestration.lib.privacy.erasure.policies import DROPPED_PREFIX, mentions
from orchestration.lib.privacy.erasure.rewriting import RowChange
from orchestration.lib.privacy.erasure.rules import Rules
from orchestration.lib.privacy.targets import (
    CUSTOMER,
    CUSTOMER_COLUMN,
    RECORD,
    Targets,
    stage,
    table_condition,
)
from orchestration.lib.sql_text import quoted_name

HOUSEHOLD = "household"
# Whatever its yml says of it.
DEVICE = {"device_id": "device_id"}


def version_targets(connection: duckdb.DuckDBPyConnection, targets: Targets) -> Targets:
    """Return the golden ids and households that the people have in a version.

    An id is theirs when one of their records has it, or when it became theirs and nobody else has it.
    A household is theirs when nobody of it stays.
    """
    stage(connection, targets)
    has_ledger = has_table(connection, "identity.id_assignments")
    assignments = (
        "union all select customer_id, household_id, record_id from identity.id_assignments"
        if has_ledger
        else ""
    )
    households = has_table(connection, "identity.customer_ids")
    current = (
        "select customer_id, household_id, record_id from identity.customer_ids"
        if households
        else "select customer_id, null as household_id, "
        "source_system || ':' || source_customer_id as record_id from marts.customer_identities"
    )
    connection.execute(
        f"""create or replace temp table _version_records as
        select customer_id, household_id, record_id, {mentions("record_id", RECORD)} as is_theirs
        from ({current} {assignments})"""
    )
    connection.execute(
        """create or replace temp table _version_customers as
        select distinct customer_id from _version_records where is_theirs
        union
        select from_customer_id from marts.customer_id_history
        where to_customer_id in (select customer_id from _version_records where is_theirs)
            and from_customer_id not in (
                select customer_id from _version_records where not is_theirs)"""
    )
    customers = connection.execute("select customer_id from _version_customers").fetchall()
    houses = connection.execute(
        """select household_id from _version_records where household_id is not null
        group by household_id
        having bool_and(customer_id in (select customer_id from _version_customers))"""
    ).fetchall()
    return Targets(
        {
            CUSTOMER: frozenset(row[0] for row in customers if row[0]),
            HOUSEHOLD: frozenset(row[0] for row in houses),
        }
    )


def _stored_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = connection.execute(
        """select schema_name, table_name from duckdb_tables()
        where database_name = current_database() and not temporary order by all"""
    ).fetchall()
    return rows


def dropped_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return what is left out as a whole: the linking makes it anew."""
    return [
        f"{schema}.{table}"
        for schema, table in _stored_tables(connection)
        if schema == "identity" and table.startswith(DROPPED_PREFIX)
    ]


def _household_condition(columns: list[str]) -> str | None:
    """Return the condition of a table about households and nobody in particular."""
    named = [each for each in columns if each == "household_id" or each.endswith("_household_id")]
    if not named or any(CUSTOMER_COLUMN.search(each) for each in columns):
        return None
    return " or ".join(mentions(each, HOUSEHOLD) for each in named)


def changes_of(
    connection: duckdb.DuckDBPyConnection, rules: Rules, targets: Targets
) -> dict[tuple[str, str], RowChange]:
    """Return what becomes of the people's rows in every table of a ``crm.duckdb``."""
    stage(connection, targets)
    present: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in connection.execute(
        """select schema_name, table_name, column_name from duckdb_columns()
        where database_name = current_database()"""
    ).fetchall():
        present.setdefault((schema, table), []).append(column)
    dropped = set(dropped_tables(connection))
    changes: dict[tuple[str, str], RowChange] = {}
    for schema, table in _stored_tables(connection):
        if f"{schema}.{table}" in dropped:
            continue
        if (schema, table) == ("raw", "_rejects"):
            rows = _rejects_of(connection, rules)
        else:
            columns = present[schema, table]
            kinds = DEVICE | rules.kinds(schema, table, columns)
            condition = table_condition(
                connection, rules.contracts, schema, table, kinds
            ) or _household_condition(columns)
            if condition is None or rules.policy(schema, table, columns).action == "keep":
                continue
            rows = _row_ids(connection, schema, table, condition)
        if len(rows):
            policy = rules.policy(schema, table, present[schema, table])
            changes[schema, table] = RowChange(rows, policy.blank)
    clusters = ("identity", "record_clusters")
    if clusters in present and (renamed := _renamed_households(connection)):
        rows = changes[clusters].rows if clusters in changes else pa.array([], pa.int64())
        changes[clusters] = RowChange(rows, renamed={"household_cluster": renamed})
    return changes


def _renamed_households(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return other names for the clusters of households that are called after one of the records."""
    return dict(
        connection.execute(
            f"""select household_cluster, min(record_id) from identity.record_clusters
            where {mentions("household_cluster", RECORD)} and not {mentions("record_id", RECORD)}
            group by household_cluster"""
        ).fetchall()
    )


def _row_ids(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, condition: str
) -> pa.Array:
    name = f"{quoted_name(schema)}.{quoted_name(table)}"
    query = f"select rowid as row_id from {name} where {condition}"
    return connection.execute(query).to_arrow_table()["row_id"].combine_chunks()


def _rejects_of(connection: duckdb.DuckDBPyConnection, rules: Rules) -> pa.Array:
    """Return the rejected rows whose raw line tells one of the people."""
    found = []
    if rules.patterns is not None:
        for row_id, line in connection.execute(
            "select rowid, raw_line from raw._rejects where raw_line is not null"
        ).fetchall():
            if rules.patterns.positions_in(line):
                found.append(row_id)
    return pa.array(found, pa.int64())


def other_keys(
    connection: duckdb.DuckDBPyConnection, changes: Mapping[tuple[str, str], RowChange]
) -> dict[tuple[str, str], tuple[str, frozenset[str]]]:
    """Return, of rows found by a device or the like and of no golden customer, column and key.

    The analysts' file has no such identifiers: it knows these rows by their key, the first column.
    """
    found = {}
    for (schema, table), change in changes.items():
        names = [row[0] for row in _columns_of(connection, schema, table)]
        customers = [each for each in names if CUSTOMER_COLUMN.search(each)]
        if schema not in EXPORTED_SCHEMAS or not customers or names[0] in customers:
            continue
        connection.register("changed_rows", pa.table({"row_id": change.rows}))
        nobody = " and ".join(f"{quoted_name(each)} is null" for each in customers)
        keys = connection.execute(
            f"""select distinct cast({quoted_name(names[0])} as varchar)
            from {quoted_name(schema)}.{quoted_name(table)}
            where rowid in (select row_id from changed_rows) and {nobody}"""
        ).fetchall()
        connection.unregister("changed_rows")
        if keys:
            found[schema, table] = (names[0], frozenset(row[0] for row in keys))
    return found


def _columns_of(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str
) -> list[tuple[str, ...]]:
    return connection.execute(
        """select column_name from duckdb_columns() where schema_name = ? and table_name = ?
        and database_name = current_database() order by column_index""",
        [schema, table],
    ).fetchall()


def analytics_changes(
    connection: duckdb.DuckDBPyConnection,
    rules: Rules,
    targets: Targets,
    keys: Sequence[bytes],
    others: Mapping[tuple[str, str], tuple[str, frozenset[str]]],
) -> dict[tuple[str, str], RowChange]:
    """Return what becomes of the people's rows in an ``analytics.duckdb``, by their pseudonyms."""
    values: dict[str, frozenset[str]] = {
        kind: frozenset(
            each
            for key in keys
            for each in pseudonyms(sorted(targets.values.get(kind, frozenset())), key)
        )
        for kind in (CUSTOMER, HOUSEHOLD)
    }
    stage(
        connection,
        Targets(
            values
            | {
                f"row:{schema}.{table}": found
                | {each for key in keys for each in pseudonyms(sorted(found), key)}
                for (schema, table), (_, found) in others.items()
            }
        ),
    )
    changes: dict[tuple[str, str], RowChange] = {}
    for schema, table in _stored_tables(connection):
        names = [row[0] for row in _columns_of(connection, schema, table)]
        parts = [mentions(each, CUSTOMER) for each in names if CUSTOMER_COLUMN.search(each)]
        if not parts and (of_households := _household_condition(names)):
            parts = [of_households]
        column = others.get((schema, table), ("", frozenset()))[0]
        if column in names:
            parts.append(mentions(column, f"row:{schema}.{table}"))
        policy = rules.policy(schema, table, names)
        if not parts or policy.action == "keep":
            continue
        rows = _row_ids(connection, schema, table, " or ".join(parts))
        if len(rows):
            changes[schema, table] = RowChange(rows, policy.blank)
    return changes
