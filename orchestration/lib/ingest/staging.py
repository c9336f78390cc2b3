"""What a reader gets and what it hands on: the temporary ``_delivered`` and the broken records.

This is the seam between reading (files, databases, REST) and everything after it (`table_load`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa

from orchestration.lib.contract import TableContract

DELIVERED = "_delivered"
STRUCTURAL = "_structural"
RAW_LINE_CHARACTERS = 4_000


@dataclass(frozen=True)
class Source:
    """One thing to read: the file itself, the name to use in messages, and a folder for copies."""

    connection: duckdb.DuckDBPyConnection
    table: TableContract
    path: Path
    shown: str
    folder: Path
    format: str

    def copy_path(self, ending: str) -> Path:
        """Return a new path in the working folder."""
        return self.folder / f"copy_{len(list(self.folder.iterdir()))}{ending}"


@dataclass(frozen=True)
class Staged:
    """What a reader made.

    The temporary view or table ``_delivered`` has one row per readable record: the columns by the
    names in ``columns`` and ``_raw_line``. Records that can't be read stand in ``_structural``.
    With ``has_row_numbers`` there is a ``_row_number`` too (from 1, broken records counted in);
    without it the rows come in the order of the file and none of them is broken. ``fallback`` makes
    ``_delivered`` anew, tolerantly, when reading it fails. ``raw_line`` is SQL over ``delivered`` that
    gives a record as it was delivered; it is evaluated for rejected rows only.
    """

    columns: tuple[str, ...]
    has_row_numbers: bool = True
    raw_line: str = "delivered._raw_line"
    fallback: Callable[[], Staged] | None = None


class Reader(Protocol):
    """Reads one format."""

    def __call__(self, source: Source) -> Staged:
        """Make ``_delivered`` from the source; raise InputError when it can't be meant."""


@dataclass(frozen=True)
class BrokenRecord:
    """A record that is no row: where, what was there, and why."""

    row_number: int
    raw_line: str
    reason: str


def reset_staging(connection: duckdb.DuckDBPyConnection) -> None:
    """Forget what was staged before; ``_structural`` is empty afterwards."""
    kind = connection.execute(
        "select table_type from information_schema.tables where table_name = ?", [DELIVERED]
    ).fetchall()
    for (table_type,) in kind:
        connection.execute(f"drop {'view' if table_type == 'VIEW' else 'table'} {DELIVERED}")
    connection.execute(
        f"""create or replace temp table {STRUCTURAL} (
            _row_number bigint, _raw_line varchar, column_name varchar, reason varchar)"""
    )


def add_broken(connection: duckdb.DuckDBPyConnection, records: Sequence[BrokenRecord]) -> None:
    """Add records to ``_structural``; long ones are cut."""
    if not records:
        return
    incoming = pa.table(
        {
            "_row_number": pa.array([record.row_number for record in records], pa.int64()),
            "_raw_line": pa.array(
                [record.raw_line[:RAW_LINE_CHARACTERS] for record in records], pa.string()
            ),
            "reason": pa.array([record.reason for record in records], pa.string()),
        }
    )
    connection.register("_broken_records", incoming)
    connection.execute(
        f"""insert into {STRUCTURAL}
        select _row_number, _raw_line, '(line)', reason from _broken_records"""
    )
    connection.unregister("_broken_records")
