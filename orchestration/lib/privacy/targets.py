"""Which rows of any table or file are of the people of a request: one set of values, one SQL condition.

Belongs here: the values by which rows are recognised, staging them, the condition of a table. Does not:
finding people (`subjects`), what becomes of their rows (`erasure`, `person_export`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from orchestration.lib.contract import SystemContract, TableContract
from orchestration.lib.privacy.identifier_forms import STRONG_KINDS, form_sql
from orchestration.lib.privacy.raw_rows import (
    RawTable,
    group_key_sql,
    policy_of,
    raw_tables,
    record_expressions,
    row_key_sql,
    rows_of_table,
)
from orchestration.lib.privacy.subjects import Subject
from orchestration.lib.sql_text import quoted_name, quoted_text

THEIRS = "_theirs"
# A record's key without the word that says what it is, e.g. guest:, tel:
BARE_KEY = "regexp_replace(records.source_customer_id, '^[a-z]+:', '')"
CUSTOMER, RECORD, THING = "customer", "record", "thing"
CUSTOMER_COLUMN = re.compile(r"(^|_)customer_id(_|$)")
# A cluster is called after one of its records.
RECORD_COLUMN = re.compile(r"(^|_)record_id(_|$)|^person_cluster$")


@dataclass(frozen=True)
class Targets:
    """What rows of the people are recognised by: values of a kind, in the form of that kind.

    Kinds are ``customer`` (golden ids, in the version that is looked at), ``record``
    ('<system>:<key>'), ``thing`` (numbers of their cars), the strong identifier kinds (unshared ones
    only), ``group:<table>`` and ``row:<table>`` (keys of rows that nothing else in them tells apart).
    """

    values: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def merged(self, other: Targets) -> Targets:
        """Return the values of both."""
        kinds = {*self.values, *other.values}
        return Targets(
            {
                kind: self.values.get(kind, frozenset()) | other.values.get(kind, frozenset())
                for kind in kinds
            }
        )

    def without(self, *kinds: str) -> Targets:
        """Return the values of the other kinds."""
        return Targets({kind: each for kind, each in self.values.items() if kind not in kinds})

    def as_json(self) -> dict[str, list[str]]:
        """Return the values in an order that does not change."""
        return {kind: sorted(values) for kind, values in sorted(self.values.items())}

    @classmethod
    def from_json(cls, stored: Mapping[str, Sequence[str]]) -> Targets:
        """Return what `as_json` gave."""
        return cls({kind: frozenset(values) for kind, values in stored.items()})


def stage(connection: duckdb.DuckDBPyConnection, targets: Targets) -> None:
    """Make the temporary table ``_theirs`` (kind, value) that the conditions read."""
    pairs = [(kind, value) for kind, values in targets.values.items() for value in values]
    frame = pa.table(  # noqa: F841 - DuckDB finds it by name
        {
            "kind": pa.array([kind for kind, _ in pairs], pa.string()),
            "value": pa.array([value for _, value in pairs], pa.string()),
        }
    )
    connection.execute(f"create or replace temp table {THEIRS} as from frame")


def is_in(kind: str, expression: str) -> str:
    """Return SQL that tells whether a text is one of the values of the kind; never NULL."""
    values = f"(select value from {THEIRS} where kind = {quoted_text(kind)})"
    return f"coalesce({expression} in {values}, false)"


def content_condition(table: TableContract, prefix: str = "") -> str:
    """Return SQL that tells, from the text of a row alone, whether it is of one of the people.

    All columns of the contract must be there, as text; ``prefix`` is the alias of the row and a point.
    """
    parts = [is_in(RECORD, f"({each})") for each in record_expressions(table)]
    parts += [
        is_in(kind, form_sql(kind, f"{prefix}{quoted_name(column.name)}"))
        for column in table.columns
        if (kind := column.identifier_kind or "") in STRONG_KINDS
    ]
    group, row = group_key_sql(table, prefix), row_key_sql(table, prefix)
    if group:
        parts.append(is_in(f"group:{table.identifier}", group))
    if row:
        parts.append(is_in(f"row:{table.identifier}", row))
    return "(" + (" or ".join(parts) or "false") + ")"


def raw_rows_query(connection: duckdb.DuckDBPyConnection, table: RawTable) -> str | None:
    """Return a query of the ``_row_id`` of the people's rows in a raw table; None when it has none."""
    if policy_of(table.contract) == "keep":
        return None
    by_record = (
        f"list_has_any(_records, (select list(value) from {THEIRS} where kind = '{RECORD}'))"
    )
    return (
        f"select _row_id from ({rows_of_table(connection, table)}) as delivered "
        f"where coalesce({by_record}, false) or {content_condition(table.contract, 'delivered.')}"
    )


def _matches(names: Iterable[str], kinds: Mapping[str, str]) -> list[str]:
    """Return the conditions of a table that is not raw: by golden ids, records and identifiers."""
    present = list(names)
    parts = [is_in(CUSTOMER, quoted_name(name)) for name in present if CUSTOMER_COLUMN.search(name)]
    parts += [is_in(RECORD, quoted_name(name)) for name in present if RECORD_COLUMN.search(name)]
    if {"source_system", "source_customer_id"} <= set(present):
        parts.append(is_in(RECORD, "source_system || ':' || source_customer_id"))
    parts += [
        is_in(kind, form_sql(kind, f"cast({quoted_name(name)} as varchar)"))
        for name in present
        if (kind := kinds.get(name, "")) in STRONG_KINDS
    ]
    # whose a car is may be told by the car alone
    parts += [
        is_in(THING, form_sql("vehicle", f"cast({quoted_name(name)} as varchar)"))
        for name in present
        if kinds.get(name) == "vehicle"
    ]
    return parts


def table_condition(
    connection: duckdb.DuckDBPyConnection,
    contracts: Mapping[str, SystemContract],
    schema: str,
    table: str,
    kinds: Mapping[str, str],
) -> str | None:
    """Return SQL that tells whether a row of a table is of the staged people; None when none can be.

    ``kinds`` is the ``identifier_kind`` of the table's columns by name.
    """
    if schema == "raw":
        found = [each for each in raw_tables(connection, contracts) if each.is_named(table)]
        query = raw_rows_query(connection, found[0]) if found else None
        return f"rowid in ({query})" if query else None
    names = [
        row[0]
        for row in connection.execute(
            """select column_name from duckdb_columns() where schema_name = ? and table_name = ?
            and database_name = current_database() and data_type = 'VARCHAR'
            order by column_index""",
            [schema, table],
        ).fetchall()
    ]
    parts = _matches(names, kinds)
    return "(" + " or ".join(parts) + ")" if parts else None


def targets_of(
    connection: duckdb.DuckDBPyConnection,
    contracts: Mapping[str, SystemContract],
    subjects: Sequence[Subject],
) -> Targets:
    """Return what the rows of people are recognised by; call it after `find_subjects`, same connection."""
    values: dict[str, set[str]] = {
        CUSTOMER: {each.customer_id for each in subjects},
        RECORD: {f"{system}:{key}" for each in subjects for system, key in each.records},
    }
    for kind, form in connection.execute(
        """select distinct kind, form from _subject_values
        where form is not null and not is_shared and kind in (select unnest(?))""",
        [list(STRONG_KINDS)],
    ).fetchall():
        values.setdefault(kind, set()).add(form)
    for table, key in connection.execute(
        "select distinct table_name, group_key from _subject_groups where group_key is not null"
    ).fetchall():
        values.setdefault(f"group:{table}", set()).add(key)
    targets = Targets({kind: frozenset(each) for kind, each in values.items()})
    things = things_of(connection, contracts, targets)
    return targets.merged(Targets({THING: things})) if things else targets


def things_of(
    connection: duckdb.DuckDBPyConnection,
    contracts: Mapping[str, SystemContract],
    targets: Targets,
) -> frozenset[str]:
    """Return the cars that the people keep, in the form of their number."""
    stage(connection, targets)
    found: set[str] = set()
    for table in raw_tables(connection, contracts):
        numbers = [
            column.name
            for column in table.contract.columns
            if column.identifier_kind == "vehicle" and table.contract.primary_key == (column.name,)
        ]
        query = raw_rows_query(connection, table) if numbers else None
        if query is not None:
            number = form_sql("vehicle", f"cast({quoted_name(numbers[0])} as varchar)")
            rows = connection.execute(
                f"select {number} from {table.contract.relation} where rowid in ({query})"
            ).fetchall()
            found |= {row[0] for row in rows if row[0]}
    return frozenset(found)


def tombstone_targets(
    connection: duckdb.DuckDBPyConnection,
    contracts: Mapping[str, SystemContract],
    targets: Targets,
) -> Targets:
    """Return by what the people are to be recognised when old files come again; after `targets_of`.

    Numbers that a system gave out and unshared identifiers. A record whose key is an e-mail address or
    a telephone stands for what others may have too, so its rows are told by the identifier if nobody
    shares it, and else, as all rows that their text doesn't tell, by the key of the row or its group.
    """
    by_contact = connection.execute(
        f"""select distinct record_id from _subject_records as records
        where exists (
            select 1 from _subject_values as held
            where (held.kind = 'email' and held.form = {form_sql("email", BARE_KEY)})
                or (held.kind = 'phone' and held.form = {form_sql("phone", BARE_KEY)})
        )"""
    ).fetchall()
    shared = frozenset(row[0] for row in by_contact)
    known = Targets(
        {
            kind: values - shared if kind == RECORD else values
            for kind, values in targets.values.items()
            if kind in (RECORD, *STRONG_KINDS)
        }
    )
    return known.merged(uncaught(connection, contracts, targets, known))


def uncaught(
    connection: duckdb.DuckDBPyConnection,
    contracts: Mapping[str, SystemContract],
    theirs: Targets,
    known: Targets,
) -> Targets:
    """Return keys of groups and rows of ``theirs`` that the text of the row doesn't tell by ``known``."""
    found: dict[str, frozenset[str]] = {}
    for table in raw_tables(connection, contracts):
        contract = table.contract
        group, row = group_key_sql(contract, "delivered."), row_key_sql(contract, "delivered.")
        key, kind = (group, "group") if group else (row, "row")
        stage(connection, theirs)
        query = raw_rows_query(connection, table)
        if key is None or query is None:
            continue
        connection.execute(f"create or replace temp table _their_row_ids as {query}")
        stage(connection, known)
        rows = connection.execute(
            f"""select distinct {key} from ({table.rows(is_with_lookup=False)}) as delivered
            where _row_id in (select _row_id from _their_row_ids)
                and not {content_condition(contract, "delivered.")}"""
        ).fetchall()
        if rows:
            found[f"{kind}:{contract.identifier}"] = frozenset(each[0] for each in rows)
    return Targets(found)


def rows_of(
    connection: duckdb.DuckDBPyConnection,
    contracts: Mapping[str, SystemContract],
    schema: str,
    table: str,
    kinds: Mapping[str, str],
) -> str | None:
    """Return the query of the staged people's rows of a table; None when the table can't have any."""
    condition = table_condition(connection, contracts, schema, table, kinds)
    if condition is None:
        return None
    return f"select * from {quoted_name(schema)}.{quoted_name(table)} where {condition}"
