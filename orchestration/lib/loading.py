"""Load one delivered file into ``raw``: typed by the contract, every row loaded or rejected.

Belongs here: typing, rejecting and the ledger. Does not: reading a format (`delivered_files`), and
which tables a run loads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import duckdb

from orchestration.lib.contract import ColumnContract, TableContract
from orchestration.lib.delivered_files import STAGE, content_hash, find_file
from orchestration.lib.errors import InputError
from orchestration.lib.sql_text import quoted_name, quoted_text

INTEGER_TYPES = ("bigint", "integer")

LEDGER_DDL = """
create schema if not exists raw;
create table if not exists raw._batches (
    batch_id varchar, source_system varchar, table_name varchar, source_file varchar,
    content_sha256 varchar, contract_sha256 varchar, file_bytes bigint,
    rows_delivered bigint, rows_loaded bigint, rows_rejected bigint, rows_unchanged bigint,
    undeclared_columns varchar, loaded_at timestamp, run_id varchar
);
create table if not exists raw._rejects (
    batch_id varchar, source_system varchar, table_name varchar, source_file varchar,
    row_number bigint, column_name varchar, reason varchar, raw_line varchar, rejected_at timestamp
);
"""


@dataclass(frozen=True)
class LoadResult:
    """What became of one file: ``rows_delivered = rows_loaded + rows_rejected`` unless unchanged."""

    batch_id: str
    source_file: str
    rows_delivered: int
    rows_loaded: int
    rows_rejected: int
    is_unchanged: bool
    undeclared_columns: tuple[str, ...]

    @property
    def is_balanced(self) -> bool:
        """Whether every delivered row is accounted for."""
        return self.rows_delivered == self.rows_loaded + self.rows_rejected

    @property
    def reject_share(self) -> float:
        """Rejected rows as a share of the delivered ones."""
        return self.rows_rejected / self.rows_delivered if self.rows_delivered else 0.0


def _typed(column: ColumnContract, timezone: str) -> str:
    """Return SQL that gives the typed value, NULL where it can't be read; timestamps in UTC."""
    value = _read_as_declared(column)
    if column.data_type == "timestamp" and timezone != "UTC":
        return f"timezone('UTC', timezone({quoted_text(timezone)}, {value}))"
    return value


def _read_as_declared(column: ColumnContract) -> str:
    source = f"delivered.{quoted_name(column.source_column)}"
    if column.date_format:
        parsed = f"try_strptime(cast({source} as varchar), {quoted_text(column.date_format)})"
        return f"try_cast({parsed} as {column.data_type})"
    if column.data_type == "varchar":
        return f"nullif(trim(cast({source} as varchar)), '')"
    return f"try_cast({source} as {column.data_type})"


def _problems(column: ColumnContract, loaded_at: datetime) -> list[tuple[str, str]]:
    """Return (condition, reason) pairs of SQL for what makes a value of this column unacceptable."""
    source = f"delivered.{quoted_name(column.source_column)}"
    value = f"delivered.typed.{quoted_name(column.name)}"
    text = f"trim(cast({source} as varchar))"
    found: list[tuple[str, str]] = []
    if column.is_required:
        found.append((f"coalesce({text}, '') = ''", "is missing but required"))
    unreadable = f"coalesce({text}, '') <> '' and {value} is null"
    if column.data_type in INTEGER_TYPES:
        # A cast would silently round 12.7 to 13.
        unreadable = (
            f"({unreadable}) or coalesce(try_cast({source} as double) <> "
            f"try_cast({value} as double), false)"
        )
    if column.data_type != "varchar":
        how = f" in the format {column.date_format}" if column.date_format else ""
        found.append((unreadable, f"can't be read as {column.data_type}{how}"))
    if column.minimum is not None:
        found.append((f"{value} < {column.minimum}", f"is below the minimum {column.minimum:g}"))
    if column.maximum is not None:
        found.append((f"{value} > {column.maximum}", f"is above the maximum {column.maximum:g}"))
    if not column.is_future_allowed:
        moment = loaded_at.strftime("%Y-%m-%d %H:%M:%S")
        found.append(
            (
                f"{value} > timestamp '{moment}'",
                f"lies in the future (the file was loaded {moment} UTC)",
            )
        )
    return found


def _stage_typed(
    connection: duckdb.DuckDBPyConnection, table: TableContract, loaded_at: datetime
) -> None:
    """Make temp tables ``_typed`` (all rows) and ``_problems`` (one row per bad value)."""
    checks = [
        (column.name, condition, f"{column.name} {reason}")
        for column in table.columns
        for condition, reason in _problems(column, loaded_at)
    ]
    if table.format == "whitespace":
        checks.insert(
            0, ("(line)", "delivered._is_ragged", "the line has not as many fields as the header")
        )
    packed = ", ".join(
        f"{quoted_name(column.name)} := {_typed(column, table.timezone)}"
        for column in table.columns
    )
    with_types = f"""(
        select delivered.*, struct_pack({packed}) as typed from _delivered as delivered
    ) as delivered"""
    is_bad = " or ".join(f"({condition})" for _, condition, _ in checks) or "false"
    columns = ", ".join(
        f"delivered.typed.{quoted_name(c.name)} as {quoted_name(c.name)}" for c in table.columns
    )
    connection.execute(
        f"""create or replace temp table _typed as
        select _row_number, {columns}, coalesce({is_bad}, false) as _is_bad from {with_types}"""
    )
    entries = ",\n".join(
        f"case when {condition} then struct_pack(column_name := {quoted_text(name)}, "
        f"reason := {quoted_text(reason)}) end"
        for name, condition, reason in checks
    )
    # Only bad rows are read a second time, for their raw line and the reasons.
    connection.execute(
        f"""create or replace temp table _problems as
        with bad as (
            select _row_number, _raw_line,
                unnest(list_filter([{entries}], lambda entry: entry is not null)) as entry
            from {with_types}
            where _row_number in (select _row_number from _typed where _is_bad)
        )
        select _row_number, _raw_line, entry.column_name, entry.reason from bad"""
    )
    if table.primary_key:
        _stage_repeats(connection, table)


def _stage_repeats(connection: duckdb.DuckDBPyConnection, table: TableContract) -> None:
    """Add to ``_problems`` the good rows that repeat the key of an earlier good row."""
    keys = ", ".join(quoted_name(name) for name in table.primary_key)
    connection.execute(
        f"""insert into _problems
        select _row_number, _raw_line, {quoted_text(", ".join(table.primary_key))},
            'repeats the primary key of an earlier row of the file'
        from _delivered
        where _row_number in (
            select typed._row_number
            from _typed as typed
            inner join (
                select {keys}, min(_row_number) as _first_row_number
                from _typed where not _is_bad group by {keys} having count(*) > 1
            ) as repeated using ({keys})
            where not typed._is_bad and typed._row_number > repeated._first_row_number
        )"""
    )


def _write(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    batch: dict[str, object],
    loaded_at: datetime,
) -> None:
    """Replace the raw table by the batch's good rows, and write the ledger, in one transaction."""
    names = ", ".join(quoted_name(column.name) for column in table.columns)
    hashed = ", ".join(
        f"coalesce(cast({quoted_name(column.name)} as varchar), chr(0))" for column in table.columns
    )
    connection.execute("begin")
    try:
        connection.execute(
            f"""create or replace table {table.relation} as
            select {names},
                cast(? as varchar) as _source_file, _row_number,
                cast(? as timestamp) as _loaded_at, cast(? as varchar) as _batch_id,
                md5(concat_ws(chr(31), {hashed})) as _row_hash
            from _typed
            where _row_number not in (select _row_number from _problems)
            order by _row_number""",
            [batch["source_file"], loaded_at, batch["batch_id"]],
        )
        (loaded,) = connection.execute(f"select count(*) from {table.relation}").fetchall()[0]
        batch["rows_loaded"] = loaded
        for ledger in ("_batches", "_rejects"):
            connection.execute(f"delete from raw.{ledger} where batch_id = ?", [batch["batch_id"]])
        connection.execute(
            """insert into raw._rejects
            select ?, ?, ?, ?, _row_number, column_name, reason, cast(_raw_line as varchar), ?
            from _problems order by _row_number, column_name""",
            [batch["batch_id"], table.system, table.name, batch["source_file"], loaded_at],
        )
        connection.execute(
            f"insert into raw._batches by name select "
            f"{', '.join(f'? as {quoted_name(key)}' for key in batch)}",
            list(batch.values()),
        )
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _unchanged(
    connection: duckdb.DuckDBPyConnection, table: TableContract, batch_id: str
) -> LoadResult | None:
    """Return the earlier result when exactly this batch is what the raw table holds."""
    row = connection.execute(
        """select source_file, rows_delivered, rows_loaded, rows_rejected, undeclared_columns
        from raw._batches
        where batch_id = ? and batch_id = (
            select arg_max(batch_id, loaded_at) from raw._batches
            where source_system = ? and table_name = ?)""",
        [batch_id, table.system, table.name],
    ).fetchall()
    exists = connection.execute(
        "select count(*) from information_schema.tables where table_schema = 'raw' and table_name = ?",
        [table.identifier],
    ).fetchall()[0][0]
    if not row or not exists:
        return None
    source_file, delivered, loaded, rejected, undeclared = row[0]
    return LoadResult(
        batch_id=batch_id,
        source_file=source_file,
        rows_delivered=delivered,
        rows_loaded=loaded,
        rows_rejected=rejected,
        is_unchanged=True,
        undeclared_columns=tuple(name for name in (undeclared or "").split(",") if name),
    )


def export_rejects(
    connection: duckdb.DuckDBPyConnection, batch_id: str, folder: Path, limit: int = 10_000
) -> Path:
    """Write a batch's rejects to a CSV that outlives the run's working copy; return its path.

    Holds raw lines, so personal data: the file is for its owner only.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    rejects = connection.execute(
        "select * from raw._rejects where batch_id = ? order by row_number, column_name limit ?",
        [batch_id, limit],
    ).df()
    name = f"{rejects['source_system'].iloc[0]}__{rejects['table_name'].iloc[0]}.csv"
    path = folder / name
    path.touch(mode=0o600)
    rejects.to_csv(path, index=False)
    return path


def load_table(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    *,
    landing_dir: Path,
    loaded_at: datetime,
    run_id: str,
    full_refresh: bool = False,
) -> LoadResult:
    """Load the table's file as a snapshot: its good rows replace the raw table.

    The same content under the same contract changes nothing. ``loaded_at`` is UTC without zone.

    Raises
    ------
    InputError
        When the file as a whole can't be loaded: missing, unreadable, empty, a column missing.
    """
    connection.execute(LEDGER_DDL)
    path = find_file(table, landing_dir)
    content = content_hash(path)
    contract_hash = table.fingerprint()
    key = f"{table.system}.{table.name}.{content}.{contract_hash}"
    batch_id = sha256(key.encode()).hexdigest()[:16]
    if not full_refresh and (earlier := _unchanged(connection, table, batch_id)):
        return earlier
    undeclared = STAGE[table.format](connection, table, path)
    (delivered,) = connection.execute("select count(*) from _delivered").fetchall()[0]
    if not delivered:
        raise InputError(
            f"{table.system}.{table.name}: the file {path} is empty. Deliver it again; to keep an "
            "earlier delivery, put that file back."
        )
    _stage_typed(connection, table, loaded_at)
    (rejected,) = connection.execute(
        "select count(distinct _row_number) from _problems"
    ).fetchall()[0]
    batch: dict[str, object] = {
        "batch_id": batch_id,
        "source_system": table.system,
        "table_name": table.name,
        "source_file": path.name,
        "content_sha256": content,
        "contract_sha256": contract_hash,
        "file_bytes": path.stat().st_size,
        "rows_delivered": delivered,
        "rows_loaded": 0,
        "rows_rejected": rejected,
        "rows_unchanged": 0,
        "undeclared_columns": ",".join(undeclared),
        "loaded_at": loaded_at,
        "run_id": run_id,
    }
    _write(connection, table, batch, loaded_at)
    connection.execute("drop view if exists _delivered")
    for name in ("_typed", "_problems", "_lines"):
        connection.execute(f"drop table if exists {name}")
    return LoadResult(
        batch_id=batch_id,
        source_file=path.name,
        rows_delivered=delivered,
        rows_loaded=int(str(batch["rows_loaded"])),
        rows_rejected=rejected,
        is_unchanged=False,
        undeclared_columns=undeclared,
    )
