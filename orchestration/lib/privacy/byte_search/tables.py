"""Search the values of tables: DuckDB, SQLite and Parquet files, and arrays of numpy.

Belongs here: reading every value of a file that compresses or scatters them. Does not: bytes (`files`).

A row's name-like columns are also searched side by side, because a full name may be parted over two.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from orchestration.lib.privacy.byte_search.matcher import PatternSet
from orchestration.lib.sql_text import quoted_name, quoted_text

Found = Callable[[str, int], None]
Skipped = Callable[[str, str], None]

ROWS_AT_ONCE = 100_000
SMALLEST_NUMBER = 10**8 - 1
NAME_COLUMN = re.compile(r"name|nombre|apellid|surname|given", re.IGNORECASE)
INTEGERS = ("BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "INTEGER", "UINTEGER")
NO_TEXT = (
    *("BOOLEAN", "TINYINT", "SMALLINT", "UTINYINT", "USMALLINT", "DOUBLE", "FLOAT", "DATE"),
    *("TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "INTERVAL", "UUID"),
    *("TIMESTAMP WITH TIME ZONE", "TIME WITH TIME ZONE"),
)
CATALOG = (
    ("definition of a table", "select sql from duckdb_tables() where database_name = $1"),
    ("definition of a view", "select sql from duckdb_views() where database_name = $1"),
    ("definition of an index", "select sql from duckdb_indexes() where database_name = $1"),
    (
        "macro",
        "select macro_definition from duckdb_functions() where database_name = $1 and not internal",
    ),
    ("comment on a table", "select comment from duckdb_tables() where database_name = $1"),
    ("comment on a view", "select comment from duckdb_views() where database_name = $1"),
    ("comment on a column", "select comment from duckdb_columns() where database_name = $1"),
    ("type", "select type_name || labels::varchar from duckdb_types() where database_name = $1"),
)


def _numbers_in(patterns: PatternSet, values: pa.ChunkedArray) -> Iterator[int]:
    """Yield the positions of identifiers that a column of whole numbers holds."""
    numbers, positions = patterns.numbers
    if not len(numbers):
        return
    for chunk in values.chunks:
        integers = np.asarray(chunk.drop_null())
        big = integers[integers > SMALLEST_NUMBER]
        if not len(big):
            continue
        found = np.searchsorted(numbers, big)
        found[found == len(numbers)] = 0
        for number in np.unique(big[numbers[found] == big]):
            yield from map(int, positions[numbers == number])


def _search_relation(
    patterns: PatternSet,
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Sequence[tuple[str, str]],
    where: str,
    found: Found,
) -> None:
    """Search the columns (name, type) of something to select from."""
    selected: list[tuple[str, str, bool]] = []
    for name, kind in columns:
        column = quoted_name(name)
        if kind in NO_TEXT or kind.startswith("DECIMAL"):
            continue
        if kind in INTEGERS:
            # Bigger ones than a bigint can hold are no telephone and no card.
            selected.append((name, f"try_cast({column} as bigint)", True))
        elif kind in ("VARCHAR", "BLOB") or kind.startswith("ENUM"):
            is_blob = kind == "BLOB"
            selected.append((name, column if is_blob else f"cast({column} as varchar)", False))
        else:
            selected.append((name, f"cast({column} as varchar)", False))
    names = [quoted_name(name) for name, kind in columns if kind == "VARCHAR" and is_name(name)]
    if len(names) > 1:
        selected.append(("(names side by side)", f"concat_ws(' ', {', '.join(names)})", False))
    if not selected:
        return
    fields = ", ".join(f"{sql} as c{index}" for index, (_, sql, _) in enumerate(selected))
    reader = connection.execute(f"select {fields} from {relation}").to_arrow_reader(ROWS_AT_ONCE)
    for batch in reader:
        for index, (name, _, is_number) in enumerate(selected):
            column = pa.chunked_array([batch.column(index)])
            hits: Iterable[int]
            if is_number:
                hits = _numbers_in(patterns, column)
            else:
                hits = map(int, patterns.find_in_values(column)[1])
            for position in hits:
                found(f"{where} column {name}", position)


def is_name(column: str) -> bool:
    """Whether a column may hold a part of a person's name, by its own name."""
    return NAME_COLUMN.search(column) is not None


def rows_with_parted_names(
    patterns: PatternSet, names: Sequence[Sequence[str | None]]
) -> NDArray[np.int64]:
    """Return the rows in which name-like columns, side by side, hold an identifier."""
    if len(names) < 2:
        return np.empty(0, np.int64)
    joined = [" ".join(part for part in parts if part) for parts in zip(*names, strict=True)]
    return np.unique(patterns.find_in_values(pa.array(joined, pa.string()))[0])


def _search_texts(patterns: PatternSet, texts: Iterable[object], where: str, found: Found) -> None:
    for text in texts:
        if text is not None:
            for position in patterns.positions_in(str(text)):
                found(where, position)


def search_duckdb(
    patterns: PatternSet, path: Path, found: Found, skipped: Skipped, *, threads: int = 1
) -> None:
    """Search all tables of all schemas, definitions and comments; the file is opened read-only."""
    with closing(duckdb.connect(config={"threads": threads})) as connection:
        connection.execute(f"attach {quoted_text(str(path))} as searched (read_only)")
        for where, query in CATALOG:
            rows = connection.execute(query, ["searched"]).fetchall()
            _search_texts(patterns, (text for (text,) in rows), where, found)
        tables = connection.execute(
            """select schema_name, table_name, list((column_name, data_type) order by column_index)
            from duckdb_columns()
            where database_name = 'searched' and not internal and table_name not in (
                select view_name from duckdb_views()
                where database_name = 'searched' and schema_name = duckdb_columns.schema_name)
            group by all order by all"""
        ).fetchall()
        for schema, table, columns in tables:
            where = f"table {schema}.{table}"
            relation = f"searched.{quoted_name(schema)}.{quoted_name(table)}"
            try:
                _search_relation(patterns, connection, relation, columns, where, found)
            except duckdb.Error as error:
                skipped(where, f"it can't be read ({type(error).__name__})")


def search_parquet(patterns: PatternSet, path: Path, found: Found, *, threads: int = 1) -> None:
    """Search all columns, nested ones as text, and the metadata of the file."""
    metadata = pq.read_metadata(path).metadata or {}
    _search_texts(
        patterns,
        (part.decode("utf-8", "replace") for pair in metadata.items() for part in pair),
        "metadata",
        found,
    )
    with closing(duckdb.connect(config={"threads": threads})) as connection:
        source = f"read_parquet({quoted_text(str(path))})"
        relation = connection.sql(f"select * from {source} limit 0")
        columns = [
            (name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True)
        ]
        _search_relation(patterns, connection, source, columns, "parquet", found)


def search_numpy(patterns: PatternSet, path: Path, found: Found) -> None:
    """Search an array of texts: numpy keeps four bytes a character."""
    array = np.load(path, allow_pickle=False)
    if array.dtype.kind in "US":
        texts = pa.array(array.ravel().astype(str), pa.string())
        for position in map(int, patterns.find_in_values(texts)[1]):
            found("array", position)


def _unpacked(value: bytes) -> bytes:
    """Return a value of bytes as it was before zlib, as Dagster stores its snapshots."""
    if value[:1] == b"\x78":
        try:
            return zlib.decompress(value)
        except zlib.error:
            return value
    return value


def as_bytes(value: object) -> bytes:
    """Return a value of SQLite as bytes to search, unpacked where it is packed."""
    if isinstance(value, bytes):
        return _unpacked(value)
    return str(value).encode()


def search_sqlite(
    patterns: PatternSet,
    path: Path,
    found: Found,
    skipped: Skipped,
    *,
    working_dir: Path | None = None,
) -> None:
    """Search all tables of a SQLite file and what its write-ahead log adds.

    The file itself is never written: with a log beside it, a copy of both is opened.
    """
    logs = [path.with_name(path.name + ending) for ending in ("-wal", "-journal")]
    if not any(log.exists() and log.stat().st_size for log in logs):
        _search_sqlite(patterns, f"{path.absolute().as_uri()}?immutable=1", found, skipped)
        return
    folder = Path(tempfile.mkdtemp(prefix="search_", dir=working_dir))
    try:
        for each in (path, *logs):
            if each.exists():
                shutil.copyfile(each, folder / each.name)
        uri = (folder / path.name).absolute().as_uri()
        _search_sqlite(patterns, f"{uri}?mode=rw", found, skipped)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _search_sqlite(patterns: PatternSet, uri: str, found: Found, skipped: Skipped) -> None:
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.text_factory = bytes
            schema = connection.execute("select type, name, sql from sqlite_master").fetchall()
            for _, _, sql in schema:
                for position in patterns.positions_in(sql or b""):
                    found("definition of a table", position)
            for name in (name.decode() for kind, name, _ in schema if kind == b"table"):
                try:
                    _search_sqlite_table(patterns, connection, name, found)
                except sqlite3.Error as error:
                    skipped(f"table {name}", f"it can't be read ({type(error).__name__})")
    except sqlite3.Error as error:
        skipped("", f"its tables can't be read ({type(error).__name__})")


def _search_sqlite_table(
    patterns: PatternSet, connection: sqlite3.Connection, table: str, found: Found
) -> None:
    cursor = connection.execute(f"select * from {quoted_name(table)}")
    columns = [name if isinstance(name, str) else name.decode() for name, *_ in cursor.description]
    names = [index for index, column in enumerate(columns) if is_name(column)]
    while rows := cursor.fetchmany(ROWS_AT_ONCE // 10):
        by_column = {
            column: [as_bytes(value) for value in values if value is not None]
            for column, values in zip(columns, zip(*rows, strict=True), strict=True)
        }
        if len(names) > 1:
            by_column["(names side by side)"] = [
                b" ".join(as_bytes(row[index]) for index in names if row[index] is not None)
                for row in rows
            ]
        for column, values in by_column.items():
            _, positions = patterns.find_in_values(pa.array(values, pa.large_binary()))
            for position in map(int, positions):
                found(f"table {table} column {column}", position)
