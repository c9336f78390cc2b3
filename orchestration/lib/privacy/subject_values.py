"""Every identifier of the people staged by `subjects`: from their raw rows and their normalised records.

Belongs here: collecting values by kind, and telling which of them somebody else has too. Does not:
finding the people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import duckdb
import pandas as pd

from ml.identity.normalise.emails import normalise_emails
from ml.identity.normalise.national_ids import normalise_national_ids
from ml.identity.normalise.phones import normalise_phones
from ml.identity.relations import has_table
from orchestration.lib.contract import SystemContract
from orchestration.lib.privacy.identifier_forms import STRONG_KINDS, form_sql
from orchestration.lib.privacy.raw_rows import (
    RawTable,
    group_key_sql,
    identifying_columns,
    raw_tables,
    rows_of_table,
)
from orchestration.lib.sql_text import quoted_name, quoted_text

VALUES = "_subject_values"
GROUPS = "_subject_groups"
# What tells a person by form; the rest is kept for the search for leaks.
COMPARED_KINDS = (*STRONG_KINDS, "full_name", "address", "vehicle")
NORMALISED = {
    "email": ("email_raw", "email", "email_key"),
    "phone": ("phone_raw", "phone", "mobile_phone_raw", "mobile_phone"),
    "national_id": ("national_id_raw", "national_id"),
    "loyalty_card": ("loyalty_card",),
    "given_name": ("given_name_raw", "given_name"),
    "surname": ("surnames_raw", "surname_1_raw", "surname_2_raw", "surname_1", "surname_2"),
    "full_name": ("full_name_raw",),
    "address": ("street_raw", "street"),
    "birth_date": ("birth_date_raw", "birth_date_text_raw", "birth_date"),
}
# The pairs by which somebody is called, put together of the fields of one record.
PAIRS = (
    ("given_name_raw", "surnames_raw"),
    ("given_name_raw", "surname_1_raw"),
    ("given_name", "surname_1"),
    ("given_name", "surname_1", "surname_2"),
)

# Judges of single values, and where they say what is wrong.
JUDGES: Mapping[str, tuple[Callable[[pd.Series], pd.DataFrame], str]] = {
    "email": (normalise_emails, "email_issue"),
    "phone": (normalise_phones, "phone_issue"),
    "national_id": (normalise_national_ids, "national_id_issue"),
}
NOBODYS = ("placeholder", "role_email")


def write_values(
    connection: duckdb.DuckDBPyConnection, contracts: Mapping[str, SystemContract]
) -> None:
    """Make ``_subject_values`` (customer_id, kind, value) and ``_subject_groups`` of the staged people."""
    connection.execute(
        f"create or replace temp table {VALUES} (customer_id varchar, kind varchar, value varchar)"
    )
    connection.execute(
        f"""create or replace temp table {GROUPS} (
            customer_id varchar, table_name varchar, group_key varchar)"""
    )
    _from_records(connection)
    for table in raw_tables(connection, contracts):
        if identifying_columns(table.contract):
            _from_raw(connection, table)
    forms = " ".join(
        f"when {quoted_text(kind)} then {form_sql(kind, 'value')}" for kind in COMPARED_KINDS
    )
    connection.execute(
        f"""create or replace temp table {VALUES} as
        select customer_id, kind, value, case kind {forms} else lower(value) end as form,
            false as is_shared
        from (select distinct customer_id, kind, value from {VALUES})
        where nullif(trim(value), '') is not null"""
    )


def _from_records(connection: duckdb.DuckDBPyConnection) -> None:
    """Take what the normalised records hold, as delivered and as normalised."""
    available = {
        row[0]
        for row in connection.execute(
            """select column_name from duckdb_columns() where schema_name = 'identity'
            and table_name = 'customer_records' and database_name = current_database()"""
        ).fetchall()
    }
    parts = [
        f"select owners.customer_id, '{kind}', cast(records.{column} as varchar) "
        "from records inner join owners using (source_system, source_customer_id)"
        for kind, columns in NORMALISED.items()
        for column in columns
        if column in available
    ]
    parts += [
        f"select owners.customer_id, 'full_name', {' || chr(32) || '.join(pair)} "
        "from records inner join owners using (source_system, source_customer_id)"
        for pair in PAIRS
        if set(pair) <= available
    ]
    if parts:
        connection.execute(
            f"""insert into {VALUES}
            with records as (from identity.customer_records), owners as (from _subject_records)
            {" union ".join(parts)}"""
        )


def _from_raw(connection: duckdb.DuckDBPyConnection, table: RawTable) -> None:
    """Take what the people's rows of a raw table hold, and the rows that go with them."""
    contract = table.contract
    columns = identifying_columns(contract)
    group = group_key_sql(contract, "delivered.")
    names = ", ".join(f"delivered.{quoted_name(column.name)}" for column in columns)
    connection.execute(
        f"""create or replace temp table _their_rows as
        select owners.customer_id as owner_id, {names},
            {group or "cast(null as varchar)"} as group_key
        from (
            select *, unnest(_records) as record_id from ({rows_of_table(connection, table)})
        ) as delivered
        inner join _subject_records as owners using (record_id)"""
    )
    if group:
        connection.execute(
            f"""insert into {GROUPS} select distinct owner_id, ?, group_key from _their_rows""",
            [contract.identifier],
        )
        connection.execute(
            f"""insert into _their_rows
            select groups.customer_id as owner_id, {names}, groups.group_key
            from ({rows_of_table(connection, table)}) as delivered
            inner join {GROUPS} as groups on groups.group_key = {group}
            where groups.table_name = ?""",
            [contract.identifier],
        )
    kinds: dict[str, list[str]] = {}
    for column in columns:
        kind = column.identifier_kind or "other"
        kinds.setdefault(kind, []).append(column.name)
        connection.execute(
            f"""insert into {VALUES}
            select distinct owner_id, ?, {quoted_name(column.name)} from _their_rows
            where {quoted_name(column.name)} is not null""",
            [kind],
        )
    for given in kinds.get("given_name", ()):
        surnames = " || chr(32) || ".join(
            f"coalesce({quoted_name(name)}, '')" for name in kinds.get("surname", ())
        )
        if surnames:
            connection.execute(
                f"""insert into {VALUES}
                select distinct owner_id, 'full_name', trim({quoted_name(given)} || ' ' || {surnames})
                from _their_rows where {quoted_name(given)} is not null"""
            )
    connection.execute("drop table _their_rows")


def mark_shared(
    connection: duckdb.DuckDBPyConnection, contracts: Mapping[str, SystemContract]
) -> None:
    """Mark the values that a record of anybody else has as well."""
    connection.execute("create or replace temp table _shared_forms (kind varchar, form varchar)")
    connection.execute(
        """create or replace temp table _other_records as
        select distinct record_id from _all_records
        where record_id not in (select record_id from _subject_records)"""
    )
    for table in raw_tables(connection, contracts):
        for column in identifying_columns(table.contract):
            kind = column.identifier_kind or "other"
            if kind not in COMPARED_KINDS:
                continue
            connection.execute(
                f"""insert into _shared_forms
                select distinct ?, form
                from (
                    select {form_sql(kind, quoted_name(column.name))} as form,
                        unnest(_records) as record_id
                    from ({rows_of_table(connection, table)})
                    where {form_sql(kind, quoted_name(column.name))} in (
                        select form from {VALUES} where kind = ?)
                )
                where record_id in (select record_id from _other_records)""",
                [kind, kind],
            )
    _shared_by_records(connection)
    _mark_placeholders(connection)
    connection.execute(
        f"""update {VALUES} set is_shared = true
        where (kind, form) in (select (kind, form) from _shared_forms)"""
    )


def _shared_by_records(connection: duckdb.DuckDBPyConnection) -> None:
    """Look at the normalised records too: a name is a pair of fields there."""
    if not has_table(connection, "identity.customer_records"):
        return
    spelled = [
        (kind, f"cast({column} as varchar)")
        for kind in COMPARED_KINDS
        for column in NORMALISED.get(kind, ())
    ]
    pairs = [("full_name", " || chr(32) || ".join(pair)) for pair in PAIRS]
    for kind, value in pairs:
        # a name that goes on with another surname: the shorter one stands in the longer
        connection.execute(
            f"""insert into _shared_forms
            select distinct 'full_name', mine.form
            from (
                select distinct {form_sql(kind, value)} as form from identity.customer_records
                where source_system || ':' || source_customer_id in (
                    select record_id from _other_records)
            ) as others
            inner join (select distinct form from {VALUES} where kind = 'full_name') as mine
                on starts_with(others.form, mine.form || ' ')"""
        )
    for kind, value in [*spelled, *pairs]:
        connection.execute(
            f"""insert into _shared_forms
            select distinct ?, {form_sql(kind, value)}
            from identity.customer_records as records
            where source_system || ':' || source_customer_id in (select record_id from _other_records)
                and {form_sql(kind, value)} in (select form from {VALUES} where kind = ?)""",
            [kind, kind],
        )


def _mark_placeholders(connection: duckdb.DuckDBPyConnection) -> None:
    """Count what people type when they have none (123456789, no@tengo.es), and info@, as shared.

    Today one person may have typed it; a tombstone of it would keep out whoever types it next.
    """
    for kind, (normalise, issue) in JUDGES.items():
        values = connection.execute(
            f"select distinct value, form from {VALUES} where kind = ? and form is not null", [kind]
        ).fetchall()
        found = normalise(pd.Series([value for value, _ in values], dtype="object"))[issue]
        forms = [
            form
            for (_, form), told in zip(values, found, strict=True)
            if isinstance(told, str) and any(word in told for word in NOBODYS)
        ]
        if forms:
            connection.execute(
                "insert into _shared_forms select ?, unnest(?)", [kind, sorted(set(forms))]
            )
