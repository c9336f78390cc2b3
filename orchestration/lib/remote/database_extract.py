"""Extract the declared columns of database tables into Parquet files, in one snapshot.

Belongs here: the catalogue, the query and the stream of rows. Does not: connecting (`database`), typing
and merging rows (shared with files).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, mysql
from sqlalchemy.exc import DBAPIError, NoSuchTableError, SQLAlchemyError
from sqlalchemy.sql import quoted_name
from sqlalchemy.types import NullType, TypeEngine

from orchestration.lib.contract import ColumnContract, TableContract
from orchestration.lib.errors import InputError
from orchestration.lib.remote.database import told
from orchestration.lib.remote.extract import (
    Extract,
    RowSetHash,
    found_name,
    label_of,
    latest_cursor,
    look_up,
    not_written,
    similar_to,
)
from orchestration.lib.remote.values import as_texts, is_binary, writer_of

ROWS_PER_CHUNK = 20_000
TEMPORAL_TYPES = (sa.DateTime, sa.Date)


@dataclass(frozen=True)
class RemoteTable:
    """A table as the database's own catalogue spells it, with the columns to read."""

    name: str
    schema: str | None
    columns: dict[str, TypeEngine[Any]]
    cursor: str | None
    is_cursor_temporal: bool = False

    def clause(self) -> sa.TableClause:
        """Return the table for a query; the dialect quotes every name."""
        return sa.table(
            quoted_name(self.name, quote=True),
            *(sa.column(quoted_name(name, quote=True), NullType()) for name in self.columns),
            schema=None if self.schema is None else quoted_name(self.schema, quote=True),
        )


def _catalogue_name(inspector: sa.Inspector, table: TableContract) -> tuple[str, str | None]:
    """Return the table's (name, schema) as the catalogue has them."""
    rest = table.location.partition("://")[2]
    schema_wanted, _, name_wanted = rest.rpartition(".")
    schema: str | None = None
    if schema_wanted:
        schemas = inspector.get_schema_names()
        schema = look_up(schema_wanted, schemas)
        if schema is None:
            raise InputError(
                f"{label_of(table)}: the database has no schema '{schema_wanted}'. "
                f"{similar_to(schema_wanted, schemas)}Correct the location in "
                f"staging/{table.system}/sources.yml, or grant the user access."
            )
    names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    name = look_up(name_wanted, names)
    if name is None:
        raise InputError(
            f"{label_of(table)}: the database has no table or view '{rest}' that this user can see. "
            f"{similar_to(name_wanted, names)}Correct the location in "
            f"staging/{table.system}/sources.yml, or grant the user access."
        )
    return name, schema


def find_table(inspector: sa.Inspector, table: TableContract) -> RemoteTable:
    """Check the contract's names against the database's catalogue.

    Raises
    ------
    InputError
        When the schema, table or a column is missing, or a declared column holds bytes.
    """
    name, schema = _catalogue_name(inspector, table)
    try:
        types = {column["name"]: column["type"] for column in inspector.get_columns(name, schema)}
    except NoSuchTableError:
        raise InputError(
            f"{label_of(table)}: the table '{name}' went away while it was looked at. Run again."
        ) from None
    columns: dict[str, TypeEngine[Any]] = {}
    missing: list[str] = []
    cursor: ColumnContract | None = None
    cursor_name: str | None = None
    for column in table.columns:
        found = found_name(column, list(types))
        if found is None:
            if not column.is_optional:
                missing.append(column.accepted_names[0])
            continue
        if is_binary(types[found]):
            raise InputError(
                f"{label_of(table)}: the column '{found}' holds bytes ({types[found]!r}), which a "
                "contract can't type. Take it out of the contract, or read a view that turns it "
                "into text."
            )
        columns[found] = types[found]
        if column.name == table.cursor:
            cursor, cursor_name = column, found
    if missing:
        raise InputError(
            f"{label_of(table)}: the table '{name}' lacks the column(s) "
            f"{', '.join(repr(column) for column in missing)}; it has {', '.join(types)}. "
            f"{''.join(similar_to(column, list(types)) for column in missing)}Correct the table, or "
            f"declare the new name as source_column in staging/{table.system}/sources.yml."
        )
    is_temporal = cursor_name is not None and isinstance(columns[cursor_name], TEMPORAL_TYPES)
    is_temporal = is_temporal or (cursor is not None and cursor.data_type in ("timestamp", "date"))
    return RemoteTable(name, schema, columns, cursor_name, is_temporal)


def _bound(
    dialect: sa.Dialect, remote: RemoteTable, value: str, name: str = "cursor_from"
) -> sa.ColumnElement[Any]:
    """Return the earlier cursor as the database compares it; a text literal takes the column's type."""
    kind = remote.columns[remote.cursor or ""]
    if isinstance(kind, mysql.TIMESTAMP):
        # The session is in UTC, and MariaDB takes no zone in a text.
        value = value.removesuffix("+00:00")
    literal: sa.ColumnElement[Any] = sa.bindparam(name, value, NullType())
    if dialect.name == "mssql" and isinstance(kind, sa.DateTime):
        # SQL Server's older `datetime` doesn't take the microseconds of a text.
        return sa.cast(literal, mssql.DATETIME2(7))  # type: ignore[no-untyped-call]
    return literal


def build_query(
    dialect: sa.Dialect, remote: RemoteTable, cursor_from: str | None
) -> sa.Select[Any]:
    """Return the query of the rows: all, or those from the cursor on and those without one.

    The cursor's own value is taken again: rows may have been written at the same moment.
    """
    source = remote.clause()
    query = sa.select(*source.columns)
    if cursor_from is not None and remote.cursor is not None:
        column = source.columns[remote.cursor]
        query = query.where(
            sa.or_(column >= _bound(dialect, remote, cursor_from), column.is_(None))
        )
    return query


def _greatest_cursor(
    connection: sa.Connection, remote: RemoteTable, cursor_from: str | None, latest: str
) -> str | None:
    """Return the greatest cursor from the earlier one on, None when there is none any more.

    A time that lies ahead doesn't count: it would hide everything until then.
    """
    if remote.cursor is None:
        return None
    column = remote.clause().columns[remote.cursor]
    # Asked before the rows: where there is no snapshot, later rows come now and once more.
    query = sa.select(sa.func.max(column))
    if cursor_from is not None:
        query = query.where(column >= _bound(connection.dialect, remote, cursor_from))
    if remote.is_cursor_temporal:
        query = query.where(column <= _bound(connection.dialect, remote, latest, "latest"))
    return writer_of(remote.columns[remote.cursor])(connection.execute(query).scalar())


def _chunks(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Sequence[sa.Row[Any]]]:
    """Stream the rows with a cursor of the server, so that memory doesn't grow with the table."""
    options = {"stream_results": True, "max_row_buffer": ROWS_PER_CHUNK}
    with connection.execute(query, execution_options=options) as result:
        yield from result.partitions(ROWS_PER_CHUNK)


def _write_rows(
    remote: RemoteTable, chunks: Iterator[Sequence[sa.Row[Any]]], path: Path, rows: RowSetHash
) -> None:
    writers = [writer_of(kind) for kind in remote.columns.values()]
    schema = pa.schema([(name, pa.string()) for name in remote.columns])
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for chunk in chunks:
            columns = [
                as_texts(values, write)
                for write, values in zip(writers, zip(*chunk, strict=True), strict=True)
            ]
            rows.add_all(columns)
            file.write_table(
                pa.table([pa.array(values, pa.string()) for values in columns], schema=schema)
            )


@contextmanager
def _told_as_sentences(
    connection: sa.Connection, table: TableContract, folder: Path, place: str, rows: RowSetHash
) -> Iterator[None]:
    """Turn what a driver or the disk raises into what happened, where and what to do."""
    try:
        yield
    except DBAPIError as error:
        is_lost = error.connection_invalidated or connection.closed
        got = f" after {rows.row_count:,} rows" if rows.row_count else ""
        what = (
            f"the connection to the {place} was lost{got}. Check the server, then run again"
            if is_lost
            else f"the {place} refused the query{got}. Check that the user may read the table "
            "and that nobody holds a lock on it"
        )
        raise InputError(
            f"{label_of(table)}: {what} ({told(error)}). Nothing of this run is published."
        ) from None
    except OSError as error:
        raise not_written(table, folder, error) from None
    except SQLAlchemyError as error:
        raise InputError(
            f"{label_of(table)}: the {place} can't be read as the contract says "
            f"({type(error).__name__}). Check the table's location in "
            f"staging/{table.system}/sources.yml."
        ) from None


def extract_table(
    connection: sa.Connection,
    table: TableContract,
    folder: Path,
    *,
    place: str,
    address: str,
    at: datetime,
    cursor_from: str | None = None,
) -> Extract:
    """Extract one table's declared columns into ``folder``; every value is exact text.

    ``at`` is the time of the extract, UTC without zone: the cursor never comes later than a day after.
    When no row is at or after ``cursor_from``, all rows are extracted.

    Raises
    ------
    InputError
        When the contract's names aren't in the catalogue, the database refuses or goes away.
    """
    path = folder / f"{table.identifier}.parquet"
    rows = RowSetHash()
    with _told_as_sentences(connection, table, folder, place, rows):
        remote = find_table(sa.inspect(connection), table)
        rows.columns = tuple(remote.columns)
        cursor_value = _greatest_cursor(connection, remote, cursor_from, latest_cursor(at))
        if cursor_from is not None and cursor_value is None:
            # The row that gave the cursor is gone: a backup was put back, or it was deleted.
            cursor_from = None
            cursor_value = _greatest_cursor(connection, remote, None, latest_cursor(at))
        chunks = _chunks(connection, build_query(connection.dialect, remote, cursor_from))
        _write_rows(remote, chunks, path, rows)
    return Extract(
        path=path,
        name=f"database:{table.system}.{table.location.partition('://')[2]}",
        content_sha256=rows.hexdigest(),
        row_count=rows.row_count,
        is_incremental=cursor_from is not None,
        address=address,
        cursor_value=cursor_value,
    )
