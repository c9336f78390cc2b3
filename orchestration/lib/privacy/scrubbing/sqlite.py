"""Scrub SQLite files: rows deleted, cells set to NULL, freed pages overwritten, logs folded in.

Belongs here: databases that lie in a drop folder, and Dagster's own storage. Does not: databases of
other machines, which are not ours to change.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa

from orchestration.lib.contract import TableContract
from orchestration.lib.ingest.files import content_hash
from orchestration.lib.ingest.headers import normal_name
from orchestration.lib.privacy.byte_search import PatternSet
from orchestration.lib.privacy.byte_search.tables import (
    as_bytes,
    is_name,
    rows_with_parted_names,
)
from orchestration.lib.privacy.scrubbing.atomic import replace_file
from orchestration.lib.privacy.scrubbing.decisions import (
    Decide,
    DeliveredRows,
    ScrubError,
    ScrubResult,
)
from orchestration.lib.sql_text import quoted_name

LOCK_SECONDS = 10
ROWS_AT_ONCE = 5_000
LOG_ENDINGS = ("-wal", "-shm", "-journal")
MAGIC = b"SQLite format 3\x00"


def is_sqlite(path: Path) -> bool:
    """Whether a file is a SQLite database."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return connection


def _fold_logs(path: Path) -> str:
    """Write the write-ahead log into the file and remove it; return the journal mode."""
    with closing(_open(path)) as connection:
        ((mode,),) = connection.execute("pragma journal_mode").fetchall()
        ((busy, *_),) = connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        if busy:
            raise _in_use(path)
    return str(mode)


def _edit(path: Path, write: Callable[[sqlite3.Connection], bool], result: ScrubResult) -> None:
    """Change a copy of a database and put it in the place of the file; logs are gone afterwards."""
    mode = _fold_logs(path)
    is_changed = False

    def build(target: Path) -> None:
        nonlocal is_changed
        with closing(_open(path)) as source, closing(_open(target)) as copy:
            source.backup(copy)
        with closing(_open(target)) as copy:
            copy.execute("pragma journal_mode = off")
            copy.execute("pragma secure_delete = on")
            copy.execute("begin")
            is_changed = write(copy)
            copy.execute("commit")
            if not is_changed:
                raise _Unchanged
            copy.execute("vacuum")
            copy.execute(f"pragma journal_mode = {mode}")
        for ending in LOG_ENDINGS:
            target.with_name(target.name + ending).unlink(missing_ok=True)

    try:
        result.new_hash = replace_file(path, build)
    except _Unchanged:
        return
    except sqlite3.Error as error:
        raise ScrubError(
            f"The database {path} can't be rewritten ({type(error).__name__}). Close the programs that "
            "use it and run again."
        ) from None
    result.is_rewritten = is_changed
    for ending in LOG_ENDINGS:
        Path(f"{path}{ending}").unlink(missing_ok=True)


class _Unchanged(Exception):
    """There was nothing to change."""


def _tables(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the tables by their compared name."""
    rows = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
    return {normal_name(name): name for (name,) in rows}


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    rows = connection.execute(f"pragma table_info({quoted_name(table)})").fetchall()
    return {normal_name(row[1]): row[1] for row in rows}


def _key_of(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    """Return the columns that name a row: the row id, or the key of a table without one."""
    try:
        connection.execute(f"select rowid from {quoted_name(table)} limit 0")
    except sqlite3.OperationalError:
        info = connection.execute(f"pragma table_info({quoted_name(table)})").fetchall()
        return tuple(row[1] for row in sorted(info, key=lambda row: row[5]) if row[5])
    return ("rowid",)


def _set_null(
    connection: sqlite3.Connection, table: str, column: str, keys: Sequence[tuple[object, ...]]
) -> None:
    where = " and ".join(
        f"{quoted_name(each)} = ?" if each != "rowid" else "rowid = ?"
        for each in _key_of(connection, table)
    )
    for value in ("null", "''"):
        try:
            connection.executemany(
                f"update {quoted_name(table)} set {quoted_name(column)} = {value} where {where}",
                keys,
            )
            return
        except sqlite3.IntegrityError:
            continue  # NOT NULL: the empty text is what is left
    raise ScrubError(
        f"The column {table}.{column} can't be emptied: a constraint of the database forbids it. "
        "Decide to delete the rows, or change them in the source system."
    )


def _delete(connection: sqlite3.Connection, table: str, keys: Sequence[tuple[object, ...]]) -> None:
    where = " and ".join(
        f"{quoted_name(each)} = ?" if each != "rowid" else "rowid = ?"
        for each in _key_of(connection, table)
    )
    connection.executemany(f"delete from {quoted_name(table)} where {where}", keys)


def _apply(
    connection: sqlite3.Connection, contract: TableContract, decide: Decide, result: ScrubResult
) -> bool:
    """Ask about the rows of a declared table and do what was decided."""
    wanted = contract.location.partition("://")[2].rpartition(".")[2]
    table = _tables(connection).get(normal_name(wanted))
    if table is None:
        return False
    key = _key_of(connection, table)
    columns = _columns(connection, table)
    source_of = {
        column.name: next(
            (
                columns[normal_name(name)]
                for name in column.accepted_names
                if normal_name(name) in columns
            ),
            None,
        )
        for column in contract.columns
    }
    named = [(name, source) for name, source in source_of.items() if source is not None]
    keys_sql = ", ".join(quoted_name(each) if each != "rowid" else "rowid" for each in key)
    texts = "".join(f", cast({quoted_name(source)} as text)" for _, source in named)
    rows = connection.execute(
        f"select {keys_sql}{texts} from {quoted_name(table)} order by {keys_sql}"
    ).fetchall()
    keys = [row[: len(key)] for row in rows]
    data: dict[str, pa.Array] = {"_row_number": pa.array(range(1, len(rows) + 1), pa.int64())}
    for name in source_of:
        data[name] = pa.nulls(len(rows), pa.string())
    for index, (name, _) in enumerate(named, start=len(key)):
        values = [None if row[index] is None else row[index].strip(" ") or None for row in rows]
        data[name] = pa.array([_valid(value) for value in values], pa.string())
    undeclared = tuple(name for name in columns.values() if name not in source_of.values())
    label = f"database:{contract.system}.{contract.name}"
    decisions = decide(DeliveredRows(contract, label, pa.table(data), undeclared))
    delete = np.zeros(len(rows), bool) if decisions.delete is None else np.asarray(decisions.delete)
    blank: dict[str, np.ndarray] = {
        source: np.asarray(decisions.blank[name], bool) & ~delete
        for name, source in named
        if name in decisions.blank
    }
    if decisions.blank_undeclared is not None:
        blank |= {name: np.asarray(decisions.blank_undeclared) & ~delete for name in undeclared}
    touched = np.zeros(len(rows), bool)
    for column, mask in blank.items():
        filled = _filled(connection, table, column, keys_sql)
        chosen = np.flatnonzero(mask & filled)
        if len(chosen):
            _set_null(connection, table, column, [keys[index] for index in chosen])
            touched[chosen] = True
            result.cells_blanked += len(chosen)
    _delete(connection, table, [keys[index] for index in np.flatnonzero(delete)])
    result.rows_deleted += int(delete.sum())
    result.rows_blanked += int(touched.sum())
    if len(rows) and delete.all():
        result.emptied = (*result.emptied, label)
    return bool(delete.any() or touched.any())


def _as_text(value: object) -> str | None:
    return _valid(value) if isinstance(value, str) else None


def _valid(value: str | None) -> str | None:
    return None if value is None else value.encode("utf-8", "replace").decode()


def _filled(connection: sqlite3.Connection, table: str, column: str, order: str) -> np.ndarray:
    rows = connection.execute(
        f"""select {quoted_name(column)} is not null and {quoted_name(column)} <> ''
        from {quoted_name(table)} order by {order}"""
    ).fetchall()
    return np.array([bool(each) for (each,) in rows], bool)


def _remove_found(
    connection: sqlite3.Connection,
    patterns: PatternSet,
    result: ScrubResult,
    *,
    deletes_rows: bool,
) -> bool:
    """Empty the cells that hold an identifier, or delete their rows; all tables are looked at."""
    is_changed = False
    for table in _tables(connection).values():
        if table.startswith("sqlite_"):
            continue
        key = _key_of(connection, table)
        keys_sql = ", ".join(quoted_name(each) if each != "rowid" else "rowid" for each in key)
        cursor = connection.execute(f"select {keys_sql}, * from {quoted_name(table)}")
        columns = [name for name, *_ in cursor.description][len(key) :]
        found: dict[str, list[tuple[object, ...]]] = {}
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            for index, column in enumerate(columns, start=len(key)):
                values = pa.array(
                    [None if row[index] is None else as_bytes(row[index]) for row in rows],
                    pa.large_binary(),
                )
                hits = sorted({int(row) for row in patterns.find_in_values(values)[0]})
                if hits:
                    found.setdefault(column, []).extend(rows[hit][: len(key)] for hit in hits)
            named = [
                index for index, column in enumerate(columns, start=len(key)) if is_name(column)
            ]
            texts = [[_as_text(row[index]) for row in rows] for index in named]
            for hit in rows_with_parted_names(patterns, texts).tolist():
                for index in named:
                    if rows[hit][index] not in (None, ""):
                        found.setdefault(columns[index - len(key)], []).append(
                            rows[hit][: len(key)]
                        )
        if not found:
            continue
        is_changed = True
        touched = {each for keys in found.values() for each in keys}
        if deletes_rows:
            _delete(connection, table, sorted(touched, key=repr))
            result.rows_deleted += len(touched)
            continue
        for column, keys in found.items():
            distinct = sorted(set(keys), key=repr)
            _set_null(connection, table, column, distinct)
            result.cells_blanked += len(distinct)
        result.rows_blanked += len(touched)
    return is_changed


def scrub_sqlite(
    path: Path,
    tables: Sequence[TableContract],
    decide: Decide,
    *,
    patterns: PatternSet | None = None,
    result: ScrubResult | None = None,
) -> ScrubResult:
    """Scrub a SQLite database of a source system: declared tables by decision, cells by pattern.

    Other tables, the schema, indexes and triggers stay. The file is replaced at once; freed pages and
    logs hold nothing afterwards.

    Raises
    ------
    ScrubError
        When the database is in use or a constraint forbids what was decided.
    """
    outcome = ScrubResult(path) if result is None else result

    def write(connection: sqlite3.Connection) -> bool:
        changed = [_apply(connection, each, decide, outcome) for each in tables]
        if patterns is not None:
            changed.append(_remove_found(connection, patterns, outcome, deletes_rows=False))
        return any(changed)

    _edit(path, write, outcome)
    return outcome


def scrub_sqlite_by_patterns(
    path: Path, patterns: PatternSet, *, deletes_rows: bool
) -> ScrubResult:
    """Empty every cell that holds an identifier, or delete its row, in any SQLite database.

    It is done in place: a program that has the database open, as Dagster's web server has, goes on
    with it. Freed pages are overwritten and the write-ahead log is folded in and cut to nothing.

    Raises
    ------
    ScrubError
        When the database is in use just now.
    """
    result = ScrubResult(path, old_hash=content_hash(path))
    try:
        with closing(_open(path)) as connection:
            connection.execute("pragma secure_delete = on")
            connection.execute("begin immediate")
            is_changed = _remove_found(connection, patterns, result, deletes_rows=deletes_rows)
            connection.execute("commit")
            if is_changed:
                connection.execute("vacuum")
            ((is_busy, *_),) = connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    except sqlite3.OperationalError:
        raise _in_use(path) from None
    except sqlite3.Error as error:
        raise ScrubError(
            f"The database {path} can't be read ({type(error).__name__}). Delete it, or mend it and run "
            "again."
        ) from None
    if is_busy:
        raise _in_use(path)
    result.new_hash = content_hash(path)
    result.is_rewritten = is_changed
    return result


def _in_use(path: Path) -> ScrubError:
    return ScrubError(f"The database {path} is in use. Stop what writes to it and run again.")


def database_of_log(path: Path) -> Path | None:
    """Return the database whose log a file is, if it is one."""
    for ending in LOG_ENDINGS:
        base = path.with_name(path.name.removesuffix(ending))
        if base != path and base.is_file() and is_sqlite(base):
            return base
    return None
