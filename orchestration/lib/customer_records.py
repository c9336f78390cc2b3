"""Keep ``identity.customer_records`` in step with the records that dbt collected.

Belongs here: which records are new or changed, and storing them. Does not: what becomes of a value
(`ml/identity/normalise`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from ml.identity.normalise import (
    NORMALISER_VERSION,
    RecordNormaliser,
    Reference,
)
from orchestration.lib.errors import ContractError
from orchestration.lib.name_frequencies import (
    given_name_bearers,
    second_surname_bearers,
    surname_bearers,
)
from orchestration.lib.sql_text import quoted_name

SOURCE = "intermediate.int_customer_records__unioned"
TARGET = "identity.customer_records"
# A frame of this many records takes some 300 MB while it is worked on.
CHUNK_RECORDS = 100_000


@dataclass(frozen=True)
class RefreshCounts:
    """What a refresh did."""

    records: int
    normalised: int
    removed: int


def read_reference(connection: duckdb.DuckDBPyConnection) -> Reference:
    """Return places from the seeds and names from the package: half a second, so only when needed."""
    return Reference(
        provinces=connection.execute("from reference.provinces").df(),
        municipalities=connection.execute("from reference.municipalities").df(),
        postal_codes=connection.execute("from reference.postal_codes").df(),
        given_names=given_name_bearers(),
        surnames=surname_bearers(),
        second_surnames=second_surname_bearers(),
    )


def places_fingerprint(connection: duckdb.DuckDBPyConnection) -> str:
    """Return a short hash of the seeds: records that were normalised with other ones are stale."""
    ((fingerprint,),) = connection.execute(
        """select left(md5(string_agg(line, '' order by line)), 12) from (
            select province_code || province_name || shopify_code as line from reference.provinces
            union all
            select municipality_code || municipality_name from reference.municipalities
            union all
            select postal_code || municipality_code from reference.postal_codes)"""
    ).fetchall()
    return str(fingerprint)


def refresh_customer_records(
    connection: duckdb.DuckDBPyConnection, columns: Mapping[str, str], is_full_refresh: bool
) -> RefreshCounts:
    """Normalise new and changed records, forget vanished ones; the rest stays as it is.

    A record is judged by itself alone, so that this gives the same rows as normalising all of them.

    Raises
    ------
    ContractError
        When the normaliser does not give exactly the declared columns.
    """
    normalised_with = f"{NORMALISER_VERSION}-{places_fingerprint(connection)}"
    _prepare_target(connection, columns, is_full_refresh)
    connection.execute(
        f"""create or replace temp table changed_records as
        select
            incoming.*,
            (row_number() over () - 1) // {CHUNK_RECORDS} as chunk
        from {SOURCE} as incoming
        anti join {TARGET} as kept
            on kept.source_system = incoming.source_system
            and kept.source_customer_id = incoming.source_customer_id
            and kept.record_hash = incoming.record_hash
            and kept.normalised_with = '{normalised_with}'"""
    )
    connection.execute("begin")
    (removed,) = connection.execute(
        f"""delete from {TARGET} as kept where not exists (
            select 1 from {SOURCE} as incoming
            where kept.source_system = incoming.source_system
                and kept.source_customer_id = incoming.source_customer_id
                and kept.record_hash = incoming.record_hash
                and kept.normalised_with = '{normalised_with}')"""
    ).fetchall()[0]
    chunks, changed = connection.execute(
        "select coalesce(max(chunk) + 1, 0), count(*) from changed_records"
    ).fetchall()[0]
    if changed:
        normaliser = RecordNormaliser(read_reference(connection))
    for chunk in range(chunks):
        frame = connection.execute(
            "select * exclude (chunk) from changed_records where chunk = ?", [chunk]
        ).df()
        normalised = normaliser.normalise(frame)
        normalised["normalised_with"] = normalised_with
        if set(normalised.columns) != set(columns):
            raise ContractError(
                f"{TARGET}: the normaliser and identity_sources.yml differ in the column(s) "
                f"{', '.join(sorted(set(columns) ^ set(normalised.columns)))}. Make them agree."
            )
        connection.register("normalised_records", normalised)
        connection.execute(f"insert into {TARGET} by name from normalised_records")
        connection.unregister("normalised_records")
    connection.execute("commit")
    connection.execute("drop table changed_records")
    (records,) = connection.execute(f"select count(*) from {TARGET}").fetchall()[0]
    return RefreshCounts(records=records, normalised=changed, removed=removed)


def _prepare_target(
    connection: duckdb.DuckDBPyConnection, columns: Mapping[str, str], is_full_refresh: bool
) -> None:
    """Make the table, anew when its columns are not the declared ones."""
    connection.execute("create schema if not exists identity")
    existing = connection.execute(
        "select column_name from duckdb_columns() where schema_name = 'identity' "
        "and table_name = 'customer_records' order by column_index"
    ).fetchall()
    if is_full_refresh or [row[0] for row in existing] != list(columns):
        ddl = ", ".join(f"{quoted_name(name)} {kind}" for name, kind in columns.items())
        connection.execute(f"create or replace table {TARGET} ({ddl})")
