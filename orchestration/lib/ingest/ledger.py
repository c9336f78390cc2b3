"""The ledger: one row per delivered file (`raw._batches`), one per rejected value (`raw._rejects`).

Belongs here: their tables, what is held of a table, results. Does not: which file to load (`plan`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from ml.identity.relations import has_table
from orchestration.lib.contract import TableContract
from orchestration.lib.ingest.deliveries import Delivery, file_delivery
from orchestration.lib.private_files import private_folder
from orchestration.lib.sql_text import quoted_name

LOADED = "loaded"
DUPLICATE = "duplicate"
SUPERSEDED = "superseded"
REPLACED = "replaced"
SKIPPED = "skipped"
# Its rows are older than their retention period and were deleted, the file as well.
EXPIRED = "expired"
HELD_STATUSES = (LOADED, DUPLICATE, SUPERSEDED)

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
alter table raw._batches add column if not exists status varchar;
alter table raw._batches add column if not exists archive varchar;
alter table raw._batches add column if not exists delivery_date varchar;
alter table raw._batches add column if not exists delivery_stem varchar;
alter table raw._batches add column if not exists cursor_value varchar;
alter table raw._batches add column if not exists note varchar;
alter table raw._batches add column if not exists rows_refused bigint;
alter table raw._batches add column if not exists rows_unlinked bigint;
"""


@dataclass(frozen=True)
class FileResult:
    """What became of one delivered file: delivered = loaded + rejected + unchanged.

    ``rows_refused`` are those rejected rows that are of people who were erased, ``rows_unlinked`` those
    taken rows whose person was.
    """

    batch_id: str
    source_file: str
    status: str
    rows_delivered: int
    rows_loaded: int
    rows_rejected: int
    rows_unchanged: int
    rows_refused: int = 0
    rows_unlinked: int = 0

    @property
    def rows_broken(self) -> int:
        """Rows rejected for what stands in them."""
        return self.rows_rejected - self.rows_refused

    @property
    def is_balanced(self) -> bool:
        """Whether every delivered row is accounted for."""
        return self.rows_delivered == self.rows_loaded + self.rows_rejected + self.rows_unchanged


@dataclass(frozen=True)
class LoadResult:
    """What became of a table's files: of the new ones, or of all held ones when none is new."""

    files: tuple[FileResult, ...]
    is_unchanged: bool
    undeclared_columns: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    emptied_by: tuple[str, ...] = ()
    members_not_read: int = 0
    rows_held: int = 0
    files_held: int = 0
    rows_anew: int = 0

    @property
    def batch_id(self) -> str:
        """Batch of the last file."""
        return self.files[-1].batch_id if self.files else ""

    @property
    def batch_ids(self) -> tuple[str, ...]:
        """Batches of all files."""
        return tuple(file.batch_id for file in self.files)

    @property
    def source_file(self) -> str:
        """Name of the last file."""
        return self.files[-1].source_file if self.files else ""

    @property
    def rows_delivered(self) -> int:
        """Rows of all files."""
        return sum(file.rows_delivered for file in self.files)

    @property
    def rows_loaded(self) -> int:
        """Rows that are new or changed something."""
        return sum(file.rows_loaded for file in self.files)

    @property
    def rows_rejected(self) -> int:
        """Rows in `raw._rejects`."""
        return sum(file.rows_rejected for file in self.files)

    @property
    def rows_refused(self) -> int:
        """Rejected rows of people who were erased."""
        return sum(file.rows_refused for file in self.files)

    @property
    def rows_unchanged(self) -> int:
        """Rows that were held already, or are older than what is held."""
        return sum(file.rows_unchanged for file in self.files)

    @property
    def is_balanced(self) -> bool:
        """Whether every delivered row is accounted for, in each file."""
        return all(file.is_balanced for file in self.files)

    @property
    def reject_share(self) -> float:
        """Rejected rows as a share of the delivered ones; whom we refuse is no fault of the export."""
        broken = sum(file.rows_broken for file in self.files)
        return broken / self.rows_delivered if self.rows_delivered else 0.0

    def over_limit(self, limit: float) -> tuple[FileResult, ...]:
        """Return the files with too many rejects.

        A file so small that a single reject would exceed the limit is judged with the others: all
        files together must keep it.
        """
        if self.reject_share > limit:
            return tuple(file for file in self.files if file.rows_broken)
        return tuple(
            file for file in self.files if file.rows_broken > limit * file.rows_delivered >= 1
        )


@dataclass(frozen=True)
class HeldBatch:
    """A ledger row that counts: a file whose content the raw table knows."""

    result: FileResult
    delivery: Delivery
    contract_sha256: str
    undeclared_columns: tuple[str, ...]


def ensure_ledger(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the ledger's tables, or add what a file published by an older version lacks."""
    has_all = connection.execute(
        """select count(*) from information_schema.columns
        where table_schema = 'raw' and table_name = '_batches' and column_name = 'rows_unlinked'"""
    ).fetchall()[0][0]
    if not has_all:
        connection.execute(LEDGER_DDL)
        connection.execute(f"update raw._batches set status = '{LOADED}' where status is null")


def held_batches(
    connection: duckdb.DuckDBPyConnection, table: TableContract
) -> tuple[HeldBatch, ...]:
    """Return what the ledger holds of a table, oldest load first."""
    rows = connection.execute(
        """select batch_id, source_file, status, rows_delivered, rows_loaded, rows_rejected,
            rows_unchanged, content_sha256, file_bytes, coalesce(archive, ''), delivery_date,
            delivery_stem, cursor_value, contract_sha256, coalesce(undeclared_columns, ''),
            coalesce(rows_refused, 0), coalesce(rows_unlinked, 0)
        from raw._batches
        where source_system = ? and table_name = ? and status in (?, ?, ?)
        order by loaded_at, rowid""",
        [table.system, table.name, *HELD_STATUSES],
    ).fetchall()
    held = []
    for row in rows:
        content, size, archive, date, stem, cursor_value, contract, undeclared = row[7:15]
        by_name = file_delivery(row[1], content, size, archive)
        delivery = Delivery(
            row[1],
            content,
            size,
            archive,
            by_name.date if date is None else date,
            by_name.stem if stem is None else stem,
            cursor_value,
        )
        names = tuple(name for name in undeclared.split(",") if name)
        held.append(HeldBatch(FileResult(*row[:7], *row[15:]), delivery, contract, names))
    return tuple(held)


def known_batch_ids(
    connection: duckdb.DuckDBPyConnection, table: TableContract
) -> dict[tuple[str, str, str], str]:
    """Return the ids of a table's batches by file, content and contract.

    The id of a batch is made when its content first comes. A file that was rewritten without somebody
    keeps it, so that loading it again takes the place of what it was.
    """
    rows = connection.execute(
        """select source_file, content_sha256, contract_sha256, batch_id from raw._batches
        where source_system = ? and table_name = ?""",
        [table.system, table.name],
    ).fetchall()
    return {(name, content, contract): batch_id for name, content, contract, batch_id in rows}


def has_expired(connection: duckdb.DuckDBPyConnection, table: TableContract) -> bool:
    """Whether files of the table were deleted because all their rows were too old."""
    return bool(
        connection.execute(
            """select 1 from raw._batches
            where source_system = ? and table_name = ? and status = ? limit 1""",
            [table.system, table.name, EXPIRED],
        ).fetchall()
    )


def raw_table_exists(connection: duckdb.DuckDBPyConnection, table: TableContract) -> bool:
    """Whether the raw table is there."""
    return has_table(connection, f"raw.{table.identifier}")


def result_of(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    batches: Sequence[HeldBatch],
    held: Sequence[HeldBatch],
    *,
    is_unchanged: bool,
) -> LoadResult:
    """Return the result of some batches, with what is held of the table in all."""
    undeclared = dict.fromkeys(name for batch in batches for name in batch.undeclared_columns)
    ((rows_held,),) = connection.execute(f"select count(*) from {table.relation}").fetchall()
    return LoadResult(
        files=tuple(batch.result for batch in batches),
        is_unchanged=is_unchanged,
        undeclared_columns=tuple(undeclared),
        rows_held=rows_held,
        files_held=len(held),
    )


def write_batch(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    result: FileResult,
    delivery: Delivery,
    *,
    contract_sha256: str,
    loaded_at: datetime,
    run_id: str,
    undeclared_columns: Sequence[str] = (),
    note: str | None = None,
) -> None:
    """Write a file's row of the ledger, in place of an earlier one of the same batch."""
    values: dict[str, object] = {
        **asdict(result),
        "source_system": table.system,
        "table_name": table.name,
        "content_sha256": delivery.content_sha256,
        "contract_sha256": contract_sha256,
        "file_bytes": delivery.size_bytes,
        "archive": delivery.archive,
        "delivery_date": delivery.date,
        "delivery_stem": delivery.stem,
        "cursor_value": delivery.cursor_value,
        "undeclared_columns": ",".join(undeclared_columns),
        "loaded_at": loaded_at,
        "run_id": run_id,
        "note": note,
    }
    connection.execute("delete from raw._batches where batch_id = ?", [result.batch_id])
    connection.execute(
        "insert into raw._batches by name select "
        + ", ".join(f"? as {quoted_name(key)}" for key in values),
        list(values.values()),
    )


def set_status(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    before: Sequence[str],
    after: str,
) -> None:
    """Change the status of a table's batches."""
    marks = ", ".join("?" for _ in before)
    connection.execute(
        f"""update raw._batches set status = ?
        where source_system = ? and table_name = ? and status in ({marks})""",
        [after, table.system, table.name, *before],
    )


def export_rejects(
    connection: duckdb.DuckDBPyConnection,
    batch_ids: Sequence[str],
    folder: Path,
    limit: int = 10_000,
) -> Path:
    """Write the rejects of a table's batches to a CSV that outlives the run's working copy.

    Holds raw lines, so personal data: the file is for its owner only. Returns its path.
    """
    private_folder(folder)
    rejects = connection.execute(
        """select * from raw._rejects where batch_id in (select unnest(?))
        order by source_file, row_number, column_name limit ?""",
        [list(batch_ids), limit],
    ).df()
    name = f"{rejects['source_system'].iloc[0]}__{rejects['table_name'].iloc[0]}.csv"
    path = folder / name
    path.touch(mode=0o600)
    rejects.to_csv(path, index=False)
    return path
