"""SQL that merges typed rows into a raw table, so that the result does not depend on arrival.

Belongs here: which row of a key wins, what is unchanged. Does not: typing, the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from orchestration.lib.contract import TableContract
from orchestration.lib.sql_text import quoted_name, quoted_text

FILES = "_files"
INCOMING = "_incoming"
LOSERS = "_losers"
SAME = "_same"
REPEATED = "_repeated"
# Codes of the reasons, as `table_load` keeps them in the column _problems.
REPEATS = "repeats"
CONFLICTS = "conflicts"
KEY_REASONS = {
    REPEATS: "repeats the primary key of an earlier row of the file",
    CONFLICTS: (
        "has the primary key of another row of the file, with other values and no newer version"
    ),
}


@dataclass(frozen=True)
class Chunk:
    """A temporary table of typed rows; without numbers, the order of the table numbers them."""

    relation: str
    is_numbered: bool = True
    file_index: int | None = None

    def row_number(self, alias: str) -> str:
        """Return SQL of a row's number."""
        return f"{alias}._row_number" if self.is_numbered else f"{alias}.rowid + 1"


def row_hash_sql(table: TableContract, alias: str = "") -> str:
    """Return SQL of the hash of a row's typed values."""
    prefix = f"{alias}." if alias else ""
    values = ", ".join(
        f"coalesce(cast({prefix}{quoted_name(column.name)} as varchar), chr(0))"
        for column in table.columns
    )
    return f"md5(concat_ws(chr(31), {values}))"


def create_empty(connection: duckdb.DuckDBPyConnection, table: TableContract) -> None:
    """Make the raw table without rows.

    The hash of a row is computed when somebody asks: most loads need few of them, and writing them
    took as long as reading the file.
    """
    columns = ", ".join(f"{quoted_name(each.name)} {each.stored_type}" for each in table.columns)
    connection.execute(
        f"""create table {table.relation} (
            {columns}, _source_file varchar, _row_number bigint, _loaded_at timestamp,
            _batch_id varchar, _row_hash varchar generated always as ({row_hash_sql(table)}) virtual,
            _delivery varchar
        )"""
    )


def _names(table: TableContract) -> str:
    return ", ".join(quoted_name(column.name) for column in table.columns)


def _version_sql(table: TableContract, relation: str) -> str:
    """Return a struct that sorts the rows of a key: version, delivery's date, stem, content."""
    versions = [
        part
        for position, name in enumerate(table.version_by)
        for part in (
            f"has_{position} := {relation}.{quoted_name(name)} is not null",
            f"version_{position} := {relation}.{quoted_name(name)}",
        )
    ]
    rest = [
        f"day := split_part({relation}._delivery, '|', 1)",
        f"delivery := {relation}._delivery",
        f"content := {relation}._row_hash",
    ]
    return f"struct_pack({', '.join([*versions, *rest])})"


def _key_join(table: TableContract, left: str, right: str) -> str:
    return " and ".join(
        f"{left}.{quoted_name(name)} is not distinct from {right}.{quoted_name(name)}"
        for name in table.primary_key
    )


def _stage_incoming(
    connection: duckdb.DuckDBPyConnection, table: TableContract, chunk: Chunk
) -> None:
    """Make the view of the chunk's good rows, with their file's name, label and batch."""
    names = "files.delivery as _delivery, files.source_file as _source_file, files.batch_id as _batch_id"
    join = f"inner join {FILES} as files using (_file_index)"
    if chunk.file_index is not None:
        # One file: constants spare the join.
        ((name, label, batch_id),) = connection.execute(
            f"select source_file, delivery, batch_id from {FILES} where _file_index = ?",
            [chunk.file_index],
        ).fetchall()
        names = (
            f"{quoted_text(label)} as _delivery, {quoted_text(name)} as _source_file, "
            f"{quoted_text(batch_id)} as _batch_id"
        )
        join = ""
    connection.execute(
        f"""create or replace temp view {INCOMING} as
        select typed._file_index, {chunk.row_number("typed")} as _row_number,
            {", ".join(f"typed.{quoted_name(column.name)}" for column in table.columns)},
            {row_hash_sql(table, "typed")} as _row_hash, {names}
        from {chunk.relation} as typed {join}
        where typed._problems is null"""
    )
    # Who does not get in (reason null: unchanged), and who gets in though nothing changes.
    for name in (LOSERS, SAME):
        connection.execute(
            f"""create or replace temp table {name} (
                _file_index integer, _row_number bigint, reason varchar)"""
        )


def _has_repeated_keys(connection: duckdb.DuckDBPyConnection, table: TableContract) -> bool:
    """Make the table of keys that come more than once; mostly it is empty and all else is spared."""
    keys = ", ".join(quoted_name(name) for name in table.primary_key)
    connection.execute(
        f"""create or replace temp table {REPEATED} as
        select {keys} from {INCOMING} group by {keys} having count(*) > 1"""
    )
    return not _is_empty(connection, REPEATED)


def _repeated_in_snapshot(connection: duckdb.DuckDBPyConnection, table: TableContract) -> None:
    """Reject the rows of a snapshot that repeat the key of an earlier good row."""
    keys = ", ".join(quoted_name(name) for name in table.primary_key)
    connection.execute(
        f"""insert into {LOSERS}
        select _file_index, _row_number, {quoted_text(REPEATS)}
        from (
            select _file_index, _row_number,
                row_number() over (partition by {keys} order by _file_index, _row_number) as place
            from {INCOMING} as incoming
            where exists (
                select 1 from {REPEATED} as repeated
                where {_key_join(table, "incoming", "repeated")}
            )
        )
        where place > 1"""
    )


def _repeated_in_upsert(connection: duckdb.DuckDBPyConnection, table: TableContract) -> None:
    """Let the newest row of each key through; older and equal ones are unchanged, others rejected."""
    keys = ", ".join(quoted_name(name) for name in table.primary_key)
    versions = ["_delivery", *(quoted_name(name) for name in table.version_by)]
    is_conflict = " and ".join(
        f"{each} is not distinct from best_{i}" for i, each in enumerate(versions)
    )
    best = ", ".join(f"first({each}) over by_key as best_{i}" for i, each in enumerate(versions))
    connection.execute(
        f"""insert into {LOSERS}
        select _file_index, _row_number,
            case when _row_hash <> best_hash and {is_conflict} then {quoted_text(CONFLICTS)} end
        from (
            select *, row_number() over by_key as place, first(_row_hash) over by_key as best_hash,
                {best}
            from {INCOMING} as incoming
            where exists (
                select 1 from {REPEATED} as repeated
                where {_key_join(table, "incoming", "repeated")}
            )
            window by_key as (
                partition by {keys}
                order by {_version_sql(table, "incoming")} desc, _file_index, _row_number
            )
        )
        where place > 1"""
    )


def _against_held(connection: duckdb.DuckDBPyConnection, table: TableContract) -> None:
    """Compare with the held rows of the same key: the older lose, the newer replace."""
    connection.execute(
        f"""create or replace temp table _held as
        select incoming._file_index, incoming._row_number, held.rowid as held_row,
            incoming._row_hash = held._row_hash as is_same,
            {_version_sql(table, "incoming")} > {_version_sql(table, "held")} as is_newer
        from {INCOMING} as incoming
        inner join {table.relation} as held on {_key_join(table, "incoming", "held")}
        where not exists (
            select 1 from {LOSERS} as losers
            where losers._file_index = incoming._file_index
                and losers._row_number = incoming._row_number
        )"""
    )
    connection.execute(
        f"insert into {LOSERS} select _file_index, _row_number, null from _held where not is_newer"
    )
    connection.execute(
        f"insert into {SAME} select _file_index, _row_number, null from _held "
        "where is_newer and is_same"
    )
    connection.execute(
        f"delete from {table.relation} where rowid in (select held_row from _held where is_newer)"
    )
    connection.execute("drop table _held")


def _fast_hash_sql(table: TableContract, alias: str) -> str:
    """Return SQL of a number that equal rows share: cheap, but others may share it too."""
    return f"hash({', '.join(f'{alias}.{quoted_name(each.name)}' for each in table.columns)})"


def _has_equal_rows(
    connection: duckdb.DuckDBPyConnection, table: TableContract, has_held: bool
) -> bool:
    """Make the table of the fast hashes that come again; mostly it is empty and all else is spared."""
    held = (
        f"union all select {_fast_hash_sql(table, 'held')}, false from {table.relation} as held"
        if has_held
        else ""
    )
    connection.execute(
        f"""create or replace temp table {REPEATED} as
        select fast_hash
        from (
            select {_fast_hash_sql(table, "incoming")} as fast_hash, true as is_incoming
            from {INCOMING} as incoming {held}
        )
        group by fast_hash
        having count(*) > 1 and bool_or(is_incoming)"""
    )
    return not _is_empty(connection, REPEATED)


def _repeated_in_append(connection: duckdb.DuckDBPyConnection, table: TableContract) -> None:
    """Keep of equal rows as many as their fullest delivery has, the first delivery's first."""
    of_incoming, of_held = _fast_hash_sql(table, "incoming"), _fast_hash_sql(table, "held")
    connection.execute(
        f"""insert into {LOSERS}
        with numbered as (
            select _file_index, _row_number, _row_hash, _delivery,
                row_number() over (
                    partition by _file_index, _row_hash order by _row_number
                ) as copy
            from {INCOMING} as incoming where {of_incoming} in (select fast_hash from {REPEATED})
        ),

        placed as (
            select *, row_number() over (
                partition by _row_hash, copy
                order by split_part(_delivery, '|', 1), _delivery, _file_index
            ) as place
            from numbered
        ),

        held as (
            select _row_hash, count(*) as copies from {table.relation} as held
            where {of_held} in (select fast_hash from {REPEATED}) group by _row_hash
        )

        select placed._file_index, placed._row_number, null
        from placed
        left join held on placed._row_hash = held._row_hash
        where placed.place > 1 or placed.copy <= coalesce(held.copies, 0)"""
    )


def _unchanged_in_snapshot(connection: duckdb.DuckDBPyConnection, table: TableContract) -> None:
    """Note the rows of a snapshot that the table holds already, each held row once."""
    connection.execute(
        f"""insert into {SAME}
        select incoming._file_index, incoming._row_number, null
        from (
            select _file_index, _row_number, _row_hash, row_number() over (
                partition by _row_hash order by _file_index, _row_number
            ) as copy
            from {INCOMING}
        ) as incoming
        inner join (
            select _row_hash, count(*) as copies from {table.relation} group by _row_hash
        ) as held on incoming._row_hash = held._row_hash and incoming.copy <= held.copies
        where not exists (
            select 1 from {LOSERS} as losers
            where losers._file_index = incoming._file_index
                and losers._row_number = incoming._row_number
        )"""
    )


def _is_empty(connection: duckdb.DuckDBPyConnection, relation: str) -> bool:
    return not connection.execute(f"select 1 from {relation} limit 1").fetchall()


def _insert(
    connection: duckdb.DuckDBPyConnection, table: TableContract, loaded_at: datetime
) -> dict[int, int]:
    """Insert who did not lose; return the rows of each file."""
    without = (
        ""
        if _is_empty(connection, LOSERS)
        else f"""where not exists (
            select 1 from {LOSERS} as losers
            where losers._file_index = incoming._file_index
                and losers._row_number = incoming._row_number
        )"""
    )
    moment = loaded_at.strftime("%Y-%m-%d %H:%M:%S.%f")
    connection.execute(
        f"""insert into {table.relation} by name
        select {_names(table)}, _source_file, _row_number, timestamp '{moment}' as _loaded_at,
            _batch_id, _delivery
        from {INCOMING} as incoming {without}"""
    )
    return dict(
        connection.execute(
            f"""select files._file_index, count(*)
            from {table.relation} as held
            inner join {FILES} as files on held._batch_id = files.batch_id
            group by files._file_index"""
        ).fetchall()
    )


def _reject(connection: duckdb.DuckDBPyConnection, table: TableContract, chunk: Chunk) -> None:
    """Write the key's conflicts to the chunk, where the rejects of a load are taken from."""
    if _is_empty(connection, f"(select 1 from {LOSERS} where reason is not null)"):
        return
    line = ", ".join(
        f"{quoted_name(column.name)} := typed.{quoted_name(column.name)}"
        for column in table.columns
    )
    connection.execute(
        f"""update {chunk.relation} as typed
        set _problems = losers.reason,
            _raw_line = cast(to_json(struct_pack({line})) as varchar)
        from {LOSERS} as losers
        where losers.reason is not null and losers._file_index = typed._file_index
            and losers._row_number = {chunk.row_number("typed")}"""
    )


def _counts(connection: duckdb.DuckDBPyConnection, relation: str) -> Sequence[tuple[int, int]]:
    rows: Sequence[tuple[int, int]] = connection.execute(
        f"select _file_index, count(*) from {relation} group by all"
    ).fetchall()
    return rows


def merge_chunk(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    chunk: Chunk,
    loaded_at: datetime,
) -> list[tuple[int, int, int, int]]:
    """Merge a chunk of typed rows; return (file, rejected, unchanged, loaded) for each file in it.

    A snapshot comes in one chunk, which replaces what is held.
    """
    _stage_incoming(connection, table, chunk)
    has_held = not _is_empty(connection, table.relation)
    if table.delivery == "append":
        if _has_equal_rows(connection, table, has_held):
            _repeated_in_append(connection, table)
    elif table.delivery == "upsert":
        if _has_repeated_keys(connection, table):
            _repeated_in_upsert(connection, table)
        if has_held:
            _against_held(connection, table)
    else:
        if table.primary_key and _has_repeated_keys(connection, table):
            _repeated_in_snapshot(connection, table)
        if has_held:
            _unchanged_in_snapshot(connection, table)
            connection.execute(f"drop table {table.relation}")
            create_empty(connection, table)
    inserted = _insert(connection, table, loaded_at)
    same = dict(_counts(connection, SAME))
    rejected = dict(_counts(connection, f"(select * from {LOSERS} where reason is not null)"))
    unchanged = dict(_counts(connection, f"(select * from {LOSERS} where reason is null)"))
    bad = dict(_counts(connection, f"(select * from {chunk.relation} where _problems is not null)"))
    _reject(connection, table, chunk)
    connection.execute(f"drop view {INCOMING}")
    files = [index for index, _ in _counts(connection, chunk.relation)]
    return [
        (
            index,
            bad.get(index, 0) + rejected.get(index, 0),
            unchanged.get(index, 0) + same.get(index, 0),
            inserted.get(index, 0) - same.get(index, 0),
        )
        for index in files
    ]
