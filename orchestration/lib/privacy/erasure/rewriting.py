"""Write a DuckDB file anew without some rows and with some cells empty; everything else stays equal.

DuckDB keeps the content of deleted rows in freed blocks, so rows are left out of a new file instead of
being deleted. Belongs here: tables, views, comments, constraints. Does not: which rows (`versions`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.lib.errors import CadenciaError, InputError
from orchestration.lib.sql_text import quoted_name, quoted_text

GENERATED = re.compile(r'"?(\w+)"?\s+[A-Z][A-Z0-9_(), ]*?\s+GENERATED ALWAYS AS', re.ASCII)
OLD = "version_before"


class RewriteError(CadenciaError):
    """A database can't be written anew; the sentence says what to do."""

    exit_code = 2


@dataclass(frozen=True)
class RowChange:
    """What becomes of rows of one table.

    ``rows`` are DuckDB's row ids; with ``blank`` the rows stay and these columns become NULL, without it
    the rows are left out. ``renamed`` gives values of a column another name in all rows that stay.
    """

    rows: pa.Array
    blank: tuple[str, ...] = ()
    renamed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.rows)


Changes = Mapping[tuple[str, str], RowChange]
Update = Callable[[duckdb.DuckDBPyConnection], None]


@dataclass(frozen=True)
class _Column:
    name: str
    comment: str | None


@dataclass(frozen=True)
class _Table:
    schema: str
    name: str
    sql: str
    comment: str | None

    @property
    def quoted(self) -> str:
        return f"{quoted_name(self.schema)}.{quoted_name(self.name)}"


def _tables(connection: duckdb.DuckDBPyConnection, dropped: Sequence[str]) -> list[_Table]:
    rows = connection.execute(
        """select schema_name, table_name, sql, comment from duckdb_tables()
        where database_name = ? and not internal order by table_oid""",
        [OLD],
    ).fetchall()
    tables = [_Table(*row) for row in rows]
    return [each for each in tables if f"{each.schema}.{each.name}" not in dropped]


def _refuse_what_is_unknown(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse a file that holds something which would be lost: we write none of these kinds."""
    for kind, query in (
        ("sequences", "select count(*) from duckdb_sequences() where database_name = ?"),
        (
            "macros",
            "select count(*) from duckdb_functions() where database_name = ? and not internal",
        ),
        ("types", "select count(*) from duckdb_types() where database_name = ? and not internal"),
    ):
        ((count,),) = connection.execute(query, [OLD]).fetchall()
        if count:
            raise RewriteError(
                f"The file holds {count} {kind}, which a rewriting would lose. Drop them, or move them "
                "out of the warehouse, and resume the erasure."
            )


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[_Column]]:
    """Return the columns of all relations: asking for each by itself takes longer than copying."""
    found: dict[tuple[str, str], list[_Column]] = {}
    for schema, relation, name, comment in connection.execute(
        """select schema_name, table_name, column_name, comment from duckdb_columns()
        where database_name = ? and not internal order by column_index""",
        [OLD],
    ).fetchall():
        found.setdefault((schema, relation), []).append(_Column(name, comment))
    return found


def _copy(
    connection: duckdb.DuckDBPyConnection,
    table: _Table,
    all_columns: Sequence[_Column],
    change: RowChange | None,
) -> None:
    connection.execute(table.sql)
    # generated columns follow from the others
    generated = set(GENERATED.findall(table.sql))
    columns = [column.name for column in all_columns if column.name not in generated]
    names = ", ".join(map(quoted_name, columns))
    source = f"{OLD}.{table.quoted} as original"
    if change is None or not (change.count or change.renamed):
        connection.execute(f"insert into {table.quoted} ({names}) select {names} from {source}")
        return
    connection.register("changed_rows", pa.table({"row_id": change.rows}))
    is_changed = "original.rowid in (select row_id from changed_rows)"
    values = []
    for name in columns:
        value = f"original.{quoted_name(name)}"
        if name in change.blank:
            value = f"case when {is_changed} then null else {value} end"
        if name in change.renamed:
            pairs = change.renamed[name]
            connection.execute(
                "create or replace temp table renamed_values as "
                "select unnest($old) as old_name, unnest($new) as new_name",
                {"old": list(pairs), "new": list(pairs.values())},
            )
            found = f"(select new_name from renamed_values where old_name = {value})"
            value = f"coalesce({found}, {value})"
        values.append(value)
    where = "" if change.blank else f"where not ({is_changed})"
    connection.execute(
        f"insert into {table.quoted} ({names}) select {', '.join(values)} from {source} {where}"
    )
    connection.unregister("changed_rows")


def _comment(
    connection: duckdb.DuckDBPyConnection,
    kind: str,
    name: str,
    comment: str | None,
    columns: Sequence[_Column],
) -> None:
    if comment:
        connection.execute(f"comment on {kind} {name} is {quoted_text(comment)}")
    for column in columns:
        if column.comment:
            connection.execute(
                f"comment on column {name}.{quoted_name(column.name)} is {quoted_text(column.comment)}"
            )


def _copy_views(
    connection: duckdb.DuckDBPyConnection, columns: Mapping[tuple[str, str], Sequence[_Column]]
) -> None:
    """Create the views again; one that reads another waits for it."""
    waiting = connection.execute(
        """select schema_name, view_name, sql, comment from duckdb_views()
        where database_name = ? and not internal order by view_oid""",
        [OLD],
    ).fetchall()
    while waiting:
        left, problem = [], ""
        for view in waiting:
            try:
                connection.execute(view[2])
            except duckdb.CatalogException as error:
                left.append(view)
                problem = str(error).partition("\n")[0]
                continue
            name = f"{quoted_name(view[0])}.{quoted_name(view[1])}"
            _comment(connection, "view", name, view[3], columns.get((view[0], view[1]), ()))
        if len(left) == len(waiting):
            names = ", ".join(f"{view[0]}.{view[1]}" for view in left[:5])
            raise RewriteError(
                f"The view(s) {names} can't be made again ({problem}). Drop them in the warehouse or "
                "roll back to a version without them, and resume the erasure."
            )
        waiting = left


def rewrite_database(
    source: Path,
    target: Path,
    changes: Changes,
    *,
    dropped: Sequence[str] = (),
    update: Update | None = None,
    memory_limit: str = "6GB",
    threads: int = 2,
) -> None:
    """Write ``source`` anew to ``target``, which has the same file name so that views find themselves.

    ``dropped`` tables ('schema.table') are left out; ``update`` may change small tables of the new file
    before it is closed (its own freed blocks hold nothing of the old file).

    Raises
    ------
    RewriteError
        When something in the file could not be kept.
    InputError
        When the disk is full or the file can't be read.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in (target, target.with_name(f"{target.name}.wal")):
        path.unlink(missing_ok=True)
    try:
        with duckdb.connect(str(target)) as connection:
            target.chmod(0o600)
            connection.execute(f"set threads = {threads}")
            connection.execute(f"set memory_limit = {quoted_text(memory_limit)}")
            connection.execute("set timezone = 'UTC'")
            connection.execute(f"attach {quoted_text(str(source))} as {OLD} (read_only)")
            _refuse_what_is_unknown(connection)
            # One transaction: thousands of comments would each wait for the disk.
            connection.execute("begin")
            _write_all(connection, changes, dropped)
            connection.execute("commit")
            connection.execute(f"detach {OLD}")
            if update is not None:
                update(connection)
            connection.execute("checkpoint")
    except (duckdb.IOException, duckdb.OutOfMemoryException, OSError) as error:
        target.unlink(missing_ok=True)
        raise InputError(
            f"The file {source} can't be written anew beside itself ({type(error).__name__}): see that "
            f"it can be read and that {target.parent} has as much free space as the file takes, then "
            "resume the erasure."
        ) from error


def _write_all(
    connection: duckdb.DuckDBPyConnection, changes: Changes, dropped: Sequence[str]
) -> None:
    for (schema,) in connection.execute(
        "select schema_name from duckdb_schemas() where database_name = ? and not internal order by oid",
        [OLD],
    ).fetchall():
        connection.execute(f"create schema if not exists {quoted_name(schema)}")
    columns = _columns(connection)
    for table in _tables(connection, dropped):
        key = (table.schema, table.name)
        _copy(connection, table, columns[key], changes.get(key))
        _comment(connection, "table", table.quoted, table.comment, columns[key])
    for (sql,) in connection.execute(
        "select sql from duckdb_indexes() where database_name = ? and sql is not null", [OLD]
    ).fetchall():
        connection.execute(sql)
    _copy_views(connection, columns)
