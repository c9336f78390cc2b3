"""Load an extract as a delivery of its table: how far it goes back, and what the ledger keeps of it.

Belongs here: the cursor in the ledger, rebuilds of remote tables. Does not: asking the source
(`run_extracts`), typing and merging (`ingest.table_load`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import duckdb

from orchestration.lib.contract import SystemContract, TableContract
from orchestration.lib.errors import InputError
from orchestration.lib.ingest.deliveries import Delivery
from orchestration.lib.ingest.ledger import (
    HeldBatch,
    LoadResult,
    ensure_ledger,
    held_batches,
    raw_table_exists,
    result_of,
)
from orchestration.lib.ingest.readers.json_documents import stage_json
from orchestration.lib.ingest.readers.parquet import stage_parquet
from orchestration.lib.ingest.staging import Source
from orchestration.lib.ingest.table_load import TableLoad
from orchestration.lib.privacy.tombstones import Recogniser
from orchestration.lib.remote.extract import Extract, label_of
from orchestration.lib.remote.run_extracts import RunExtracts

STAGE = {"database": stage_parquet, "rest": stage_json}
FORMAT = {"database": "parquet", "rest": "ndjson"}


def _held_under(
    connection: duckdb.DuckDBPyConnection, table: TableContract, *, full_refresh: bool
) -> tuple[HeldBatch, ...]:
    """Return the batches that what comes can be added to: none when the table starts anew."""
    held = held_batches(connection, table)
    if full_refresh or not raw_table_exists(connection, table):
        return ()
    contract_sha256 = table.fingerprint()
    if any(batch.contract_sha256 != contract_sha256 for batch in held):
        return ()
    return held


def _address_of(batch: HeldBatch) -> str:
    return batch.delivery.stem.rpartition("@")[2]


def earlier_cursor(held: Sequence[HeldBatch], address: str) -> str | None:
    """Return how far the last load came, unless it came from another place."""
    if not held or _address_of(held[-1]) != address:
        return None
    return held[-1].delivery.cursor_value


def _delivery_of(extract: Extract, loaded_at: datetime) -> Delivery:
    return Delivery(
        source_file=extract.name,
        content_sha256=extract.content_sha256,
        size_bytes=extract.path.stat().st_size,
        date=loaded_at.strftime("%Y%m%d_%H%M%S"),
        stem=f"{extract.name}@{extract.address}",
        cursor_value=extract.cursor_value,
    )


def _is_known(extract: Extract, held: Sequence[HeldBatch]) -> bool:
    """Whether the extract tells nothing that the last one did not."""
    if not held:
        return False
    last = held[-1].delivery
    is_same = last.content_sha256 == extract.content_sha256
    return is_same or (extract.is_incremental and extract.row_count == 0)


def load_remote_table(
    connection: duckdb.DuckDBPyConnection,
    system: SystemContract,
    table: TableContract,
    extracts: RunExtracts,
    *,
    wanted: Sequence[TableContract],
    loaded_at: datetime,
    run_id: str,
    full_refresh: bool = False,
    recogniser: Recogniser | None = None,
) -> LoadResult:
    """Extract the table and load what came; ``wanted`` are the system's tables of this run.

    A table with a cursor grows by what is new; without one, or when contract or place changed, it is
    built from all rows. ``loaded_at`` is UTC without zone.

    Raises
    ------
    InputError
        When the source can't be asked, or gives no row for a table that isn't optional.
    """
    ensure_ledger(connection)

    def cursor_of(asked: TableContract, address: str) -> str | None:
        held = _held_under(connection, asked, full_refresh=full_refresh)
        return earlier_cursor(held, address) if asked.cursor else None

    extract = extracts.extract_of(system, table, wanted, cursor_of, loaded_at)
    held = _held_under(connection, table, full_refresh=full_refresh)
    try:
        if _is_known(extract, held):
            return result_of(connection, table, held[-1:], held, is_unchanged=True)
        if not extract.row_count and not extract.is_incremental and not table.is_optional:
            raise InputError(
                f"{label_of(table)}: the source has no row of {extract.name}, which would empty the "
                "table. Check the source; declare is_optional where that is in order."
            )
        is_whole = table.cursor is not None and not extract.is_incremental
        is_rebuild = not held or is_whole or not extract.row_count
        load = TableLoad(
            connection, table, loaded_at, run_id, is_rebuild=is_rebuild, recogniser=recogniser
        )
        if extract.row_count:
            asked = replace(table, records=None)
            source = Source(
                connection, asked, extract.path, extract.name, extracts.folder, FORMAT[table.scheme]
            )
            load.take(_delivery_of(extract, loaded_at), STAGE[table.scheme](source))
        return load.finish()
    finally:
        extract.path.unlink(missing_ok=True)
