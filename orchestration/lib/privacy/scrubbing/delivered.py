"""The rows of a table in one delivery, read by the reader that the ingestion uses.

Belongs here: staging and turning it into text by contract column. Does not: deciding, rewriting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.lib.contract import TableContract
from orchestration.lib.ingest.files import READERS
from orchestration.lib.ingest.headers import ColumnMatch, match_columns
from orchestration.lib.ingest.paths import parse_path
from orchestration.lib.ingest.staging import DELIVERED, STRUCTURAL, Source, Staged
from orchestration.lib.ingest.values import DeliveredColumn, typed_sql
from orchestration.lib.privacy.scrubbing.decisions import (
    DeliveredRows,
    Mask,
    RowDecisions,
    ScrubError,
    TableEdits,
)
from orchestration.lib.sql_text import quoted_name


@dataclass
class StagedTable:
    """A table's rows in one delivery, and which delivered column feeds which declared one."""

    source: Source
    staged: Staged
    match: ColumnMatch
    rows: DeliveredRows
    broken: tuple[int, ...]
    lines: dict[int, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of records, readable or not."""
        return int(self.rows.rows.num_rows) + len(self.broken)

    def edits(self, decisions: RowDecisions) -> TableEdits:
        """Return the decisions by row number and delivered column.

        Raises
        ------
        ScrubError
            When a decision names a column that the contract doesn't declare.
        """
        numbers = self.rows.rows["_row_number"].to_numpy()
        delete = _chosen(numbers, decisions.delete)
        blank: dict[str, set[int]] = {}
        for column, mask in decisions.blank.items():
            if column not in self.match.source_of:
                raise ScrubError(
                    f"{self.rows.table.system}.{self.rows.table.name} declares no column '{column}'."
                )
            delivered = self.match.source_of[column]
            if delivered is not None:
                blank.setdefault(delivered, set()).update(_chosen(numbers, mask))
        for name in self.rows.undeclared:
            blank.setdefault(name, set()).update(_chosen(numbers, decisions.blank_undeclared))
        kept = {name: frozenset(chosen - delete) for name, chosen in blank.items()}
        return TableEdits(
            self.rows, frozenset(delete), {name: rows for name, rows in kept.items() if rows}
        )

    def keep_lines(self, numbers: Iterable[int]) -> None:
        """Remember the lines or documents of some rows as the reader saw them, to compare."""
        chosen = list(numbers)
        if not chosen or not self.staged.has_row_numbers:
            return
        self.lines = dict(
            self.source.connection.execute(
                f"""select _row_number, cast({self.staged.raw_line} as varchar)
                from {DELIVERED} as delivered where list_contains($1, _row_number)""",
                [chosen],
            ).fetchall()
        )


def _chosen(numbers: np.ndarray, mask: Mask | None) -> set[int]:
    return set() if mask is None else {int(number) for number in numbers[np.asarray(mask, bool)]}


@contextmanager
def scratch_connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory with the settings under which the ingestion reads."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


def stage(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    path: Path,
    *,
    kind: str,
    source_file: str,
    folder: Path,
) -> StagedTable:
    """Read a file for a table; ``folder`` takes the copies that reading makes.

    Raises
    ------
    InputError
        When the file can't be meant.
    """
    source = Source(connection, table, path, source_file, folder, kind)
    staged = READERS[kind](source)
    match = match_columns(table, staged.columns, source_file)
    try:
        rows = _rows(connection, table, staged, match)
    except duckdb.Error:
        if staged.fallback is None:
            raise ScrubError(
                f"{table.system}.{table.name}: {source_file} can't be read to its end. Delete the file, "
                "or mend it and run again."
            ) from None
        staged = staged.fallback()
        rows = _rows(connection, table, staged, match)
    broken = _broken(connection, staged)
    delivered = DeliveredRows(table, source_file, rows, _undeclared(match))
    return StagedTable(source, staged, match, delivered, broken)


def _broken(connection: duckdb.DuckDBPyConnection, staged: Staged) -> tuple[int, ...]:
    """Return the numbers of the records that are no rows."""
    broken = f"select distinct _row_number from {STRUCTURAL}"
    rows = connection.execute(f"{broken} order by all").fetchall()
    if rows and staged.has_row_numbers:
        # A record whose list is none is told, and may have a row all the same.
        rows = connection.execute(
            f"{broken} where _row_number not in (select _row_number from {DELIVERED}) order by all"
        ).fetchall()
    return tuple(number for (number,) in rows)


def _undeclared(match: ColumnMatch) -> tuple[str, ...]:
    """Return the delivered columns from which no contract takes anything, not even by a path."""
    roots = {
        step.name.casefold()
        for source in match.source_of.values()
        for step in parse_path(source or "")[:1]
    }
    return tuple(name for name in match.undeclared if name.casefold() not in roots)


def _rows(
    connection: duckdb.DuckDBPyConnection, table: TableContract, staged: Staged, match: ColumnMatch
) -> pa.Table:
    relation = connection.sql(f"select * from {DELIVERED} limit 0")
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    fields = ["_row_number" if staged.has_row_numbers else "row_number() over () as _row_number"]
    for position, column in enumerate(table.columns):
        source = match.source_of[column.name]
        delivered = DeliveredColumn(column, source, types.get(source or "", "VARCHAR"), position)
        if source is None:
            text = "cast(null as varchar)"
        elif column.data_type == "varchar":
            text = f"cast({typed_sql(delivered, table)} as varchar)"
        elif types[source] == "VARCHAR":
            text = f"nullif({delivered.text}, '')"
        else:
            text = f"cast({delivered.reference} as varchar)"
        fields.append(f"{text} as {quoted_name(column.name)}")
    result: pa.Table = connection.execute(
        f"select {', '.join(fields)} from {DELIVERED} as delivered"
    ).to_arrow_table()
    return result
