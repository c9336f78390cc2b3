"""One load of a table: type what readers staged, merge it by key, write the ledger, all or nothing.

Belongs here: the steps after reading, shared by files, databases and REST. Does not: choosing what
to read (`files`, `plan`), SQL of one value (`values`) or of merging (`merging`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import duckdb

from orchestration.lib.contract import TableContract
from orchestration.lib.errors import InputError
from orchestration.lib.ingest.deliveries import Delivery, batch_id_of
from orchestration.lib.ingest.headers import ColumnMatch, match_columns
from orchestration.lib.ingest.ledger import (
    DUPLICATE,
    LOADED,
    REPLACED,
    SUPERSEDED,
    FileResult,
    LoadResult,
    held_batches,
    known_batch_ids,
    result_of,
    set_status,
    write_batch,
)
from orchestration.lib.ingest.merging import KEY_REASONS, Chunk, create_empty, merge_chunk
from orchestration.lib.ingest.refusals import (
    ERASED_COLUMN,
    ERASED_PERSON,
    Refusals,
    refuse_broken,
    refuse_rows,
)
from orchestration.lib.ingest.staging import DELIVERED, STRUCTURAL, Staged
from orchestration.lib.ingest.values import DeliveredColumn, problems_of, typed_sql
from orchestration.lib.privacy.tombstones import Recogniser
from orchestration.lib.sql_text import quoted_name

SMALL_FILES = "_typed_small"
FILES = "_files"
BROKEN = "_broken"
REASONS = "_reasons"
EMPTY_SNAPSHOT = "a delivery without rows: the table is empty"
BAD_CONTENT = (
    duckdb.InvalidInputException,
    duckdb.ConversionException,
    duckdb.SerializationException,
)
# Below this size one thread reads as fast as two.
SMALL_BYTES = 32 << 20


@dataclass
class _File:
    delivery: Delivery
    match: ColumnMatch
    batch_id: str
    is_repeat: bool


@dataclass(frozen=True)
class _Note:
    delivery: Delivery
    status: str
    rows: int | None
    note: str | None


@dataclass
class TableLoad:
    """Takes staged deliveries one by one, then merges them in one transaction.

    ``take`` may be called again and again after a reader has made ``_delivered``; nothing of the
    warehouse changes before ``finish``. With ``is_rebuild`` the table starts empty.
    """

    connection: duckdb.DuckDBPyConnection
    table: TableContract
    loaded_at: datetime
    run_id: str
    is_rebuild: bool = False
    recogniser: Recogniser | None = None
    _files: list[_File] = field(default_factory=list)
    _chunks: list[Chunk] = field(default_factory=list)
    _notes: list[_Note] = field(default_factory=list)
    _codes: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._contract_sha256 = self.table.fingerprint()
        self._known_ids = known_batch_ids(self.connection, self.table)
        self.connection.execute(
            f"""create or replace temp table {BROKEN} (
                _file_index integer, _row_number bigint, _raw_line varchar, column_name varchar,
                reason varchar)"""
        )

    def take(
        self, delivery: Delivery, staged: Staged, *, shown: str = "", is_repeat: bool = False
    ) -> None:
        """Type the rows of ``_delivered``; ``shown`` names the source in messages.

        Raises
        ------
        InputError
            When a declared column is missing or the source can't be read to its end.
        """
        where = shown or delivery.source_file
        match = match_columns(self.table, staged.columns, where)
        index = len(self._files)
        batch_id = self._batch_id(delivery)
        self._files.append(_File(delivery, match, batch_id, is_repeat))
        try:
            self._type_rows(index, staged, match)
        except duckdb.Error as error:
            if staged.fallback is None:
                raise self._unreadable(where, error) from None
            staged = staged.fallback()
            try:
                self._type_rows(index, staged, match)
            except duckdb.Error as second:
                raise self._unreadable(where, second) from None
        self.connection.execute(
            f"insert into {BROKEN} select {index}, * from {STRUCTURAL} order by _row_number"
        )

    def count_only(self, delivery: Delivery, staged: Staged, *, shown: str = "") -> None:
        """Count the rows of a snapshot that is older than what is held; nothing of it is loaded."""
        count = f"select count(*) from {DELIVERED}"
        try:
            ((readable,),) = self.connection.execute(count).fetchall()
        except duckdb.Error as error:
            if staged.fallback is None:
                raise self._unreadable(shown or delivery.source_file, error) from None
            staged.fallback()
            ((readable,),) = self.connection.execute(count).fetchall()
        ((broken,),) = self.connection.execute(
            f"select count(distinct _row_number) from {STRUCTURAL}"
        ).fetchall()
        rows = readable + broken
        self.note(delivery, SUPERSEDED, rows, "an older delivery than the one that is held")

    def note(
        self, delivery: Delivery, status: str, rows: int | None, note: str | None = None
    ) -> None:
        """Write a delivery that changes nothing into the ledger: all its rows are unchanged.

        With ``rows`` None they are as many as those of the file with the same content.
        """
        self._notes.append(_Note(delivery, status, rows, note))

    def finish(self) -> LoadResult:
        """Merge and write the ledger in one transaction; return what became of each file."""
        refusals = self._refuse_erased()
        delivered = self._delivered_rows()
        is_empty = self._is_empty_snapshot(delivered)
        same = self._rows_by_content(delivered)
        self.connection.execute("begin")
        try:
            self._start_table()
            rejected, unchanged, loaded = self._merge()
            self._write_rejects()
            for index, file in enumerate(self._files):
                is_same = file.is_repeat and not loaded[index]
                result = FileResult(
                    batch_id=file.batch_id,
                    source_file=file.delivery.source_file,
                    status=DUPLICATE if is_same and self.table.delivery != "snapshot" else LOADED,
                    rows_delivered=delivered[index],
                    rows_loaded=loaded[index],
                    rows_rejected=rejected[index],
                    rows_unchanged=unchanged[index],
                    rows_refused=refusals.refused[index],
                    rows_unlinked=refusals.unlinked[index],
                )
                told = EMPTY_SNAPSHOT if is_empty else file.match.note
                self._write(result, file.delivery, file.match.undeclared, told)
            for note in self._notes:
                rows = same.get(note.delivery.content_sha256, 0) if note.rows is None else note.rows
                batch_id = self._batch_id(note.delivery)
                result = FileResult(
                    batch_id, note.delivery.source_file, note.status, rows, 0, 0, rows
                )
                self._write(result, note.delivery, (), note.note)
            self.connection.execute("commit")
        except BaseException:
            self.connection.execute("rollback")
            raise
        finally:
            self._drop_temporary()
        emptied = tuple(file.delivery.source_file for file in self._files) if is_empty else ()
        return replace(self._result(), emptied_by=emptied, rows_anew=refusals.anew)

    def _refuse_erased(self) -> Refusals:
        """Keep people out who were erased: their rows are rejected, or taken without them."""
        refusals = Refusals()
        if self.recogniser is not None:
            code = self._code(ERASED_COLUMN, ERASED_PERSON)
            for chunk in self._chunks:
                refuse_rows(
                    self.connection, self.table, chunk.relation, self.recogniser, code, refusals
                )
            refuse_broken(self.connection, BROKEN, self.recogniser, refusals)
        return refusals

    def _batch_id(self, delivery: Delivery) -> str:
        known = (delivery.source_file, delivery.content_sha256, self._contract_sha256)
        return self._known_ids.get(known) or batch_id_of(
            self.table.system, self.table.name, delivery, self._contract_sha256
        )

    def _unreadable(self, where: str, error: duckdb.Error) -> InputError:
        """Return the refusal; DuckDB's own words may quote the data, so only the kind is told."""
        kind = type(error).__name__.removesuffix("Exception")
        if not isinstance(error, BAD_CONTENT):
            raise error  # a full disk, too little memory, or a fault of ours
        return InputError(
            f"{self.table.system}.{self.table.name}: {where} can't be read to its end ({kind}). "
            "Deliver it again."
        )

    def _code(self, column_name: str, reason: str) -> str:
        """Return the short code of a reason: rows carry codes, the ledger gets the words."""
        return self._codes.setdefault((column_name, reason), str(len(self._codes)))

    def _columns(self, match: ColumnMatch) -> list[DeliveredColumn]:
        relation = self.connection.sql(f"select * from {DELIVERED} limit 0")
        types = dict(zip(relation.columns, map(str, relation.types), strict=True))
        return [
            DeliveredColumn(
                column,
                match.source_of[column.name],
                types.get(match.source_of[column.name] or "", "VARCHAR"),
                position,
            )
            for position, column in enumerate(self.table.columns)
        ]

    def _typed_query(self, index: int, staged: Staged, match: ColumnMatch, row_number: str) -> str:
        """Return the query that types all rows in one pass; bad ones carry line and reasons."""
        table = self.table
        columns = self._columns(match)
        checks = [
            (column.contract.name, condition, f"{column.contract.name} {reason}")
            for column in columns
            for condition, reason in problems_of(column, table, self.loaded_at)
        ]
        typed = ", ".join(f"{typed_sql(column, table)} as {column.alias}" for column in columns)
        is_bad = " or ".join(f"({condition})" for _, condition, _ in checks) or "false"
        codes = ", ".join(
            f"case when {condition} then '{self._code(name, reason)}' end"
            for name, condition, reason in checks
        )
        values = ", ".join(
            f"{column.typed} as {quoted_name(column.contract.name)}" for column in columns
        )
        return f"""
            select {index} as _file_index, {row_number}{values}, delivered._problems,
                case when delivered._problems is not null then cast({staged.raw_line} as varchar)
                end as _raw_line
            from (
                select delivered.*,
                    case when {is_bad} then concat_ws(',', {codes or "null"}) end as _problems
                from (
                    select delivered.*, {typed} from {DELIVERED} as delivered
                ) as delivered
            ) as delivered"""

    def _type_rows(self, index: int, staged: Staged, match: ColumnMatch) -> None:
        """Write typed rows to a temporary table: one for all small files, one for each big one."""
        if staged.has_row_numbers or self._files[index].delivery.size_bytes < SMALL_BYTES:
            number = (
                "_row_number, "
                if staged.has_row_numbers
                else ("row_number() over () as _row_number, ")
            )
            query = self._typed_query(index, staged, match, number)
            if any(chunk.relation == SMALL_FILES for chunk in self._chunks):
                self.connection.execute(f"insert into {SMALL_FILES} {query}")
            else:
                self.connection.execute(f"create or replace temp table {SMALL_FILES} as {query}")
                self._chunks.append(Chunk(SMALL_FILES))
            return
        # Numbering rows while reading would read with one thread only. The table keeps the order of
        # the file, so that its row ids number the rows.
        relation = f"_typed_{index}"
        query = self._typed_query(index, staged, match, "")
        self.connection.execute(f"create or replace temp table {relation} as {query}")
        self._chunks.append(Chunk(relation, is_numbered=False, file_index=index))

    def _delivered_rows(self) -> list[int]:
        """Return the rows of each file, readable or not, counted before anything is merged."""
        parts = [f"select _file_index from {chunk.relation}" for chunk in self._chunks]
        parts.append(f"select distinct on (_file_index, _row_number) _file_index from {BROKEN}")
        counted = dict(
            self.connection.execute(
                f"select _file_index, count(*) from ({' union all '.join(parts)}) group by all"
            ).fetchall()
        )
        return [counted.get(index, 0) for index in range(len(self._files))]

    def _rows_by_content(self, delivered: list[int]) -> dict[str, int]:
        held = held_batches(self.connection, self.table)
        rows = {each.delivery.content_sha256: each.result.rows_delivered for each in held}
        rows |= {
            note.delivery.content_sha256: note.rows for note in self._notes if note.rows is not None
        }
        taken = zip(self._files, delivered, strict=True)
        return rows | {file.delivery.content_sha256: count for file, count in taken}

    def _is_empty_snapshot(self, delivered: list[int]) -> bool:
        """Return whether what comes empties the table: an optional one may be, others are refused."""
        if self.table.delivery != "snapshot" or not self._files or any(delivered):
            return False
        if not self.table.is_optional:
            raise InputError(
                f"{self.table.system}.{self.table.name}: the file "
                f"{self._files[-1].delivery.source_file} is empty. Deliver it again; to keep an "
                "earlier delivery, put that file back. Where no rows are in order, declare is_optional."
            )
        return True

    def _start_table(self) -> None:
        """Prepare table and ledger for what comes: what is replaced counts no more."""
        if self.is_rebuild:
            held = (LOADED, DUPLICATE, SUPERSEDED)
            set_status(self.connection, self.table, held, REPLACED)
            self.connection.execute(f"drop table if exists {self.table.relation}")
            create_empty(self.connection, self.table)
        elif self.table.delivery == "snapshot" and self._files:
            set_status(self.connection, self.table, (LOADED,), SUPERSEDED)
        self.connection.execute(
            f"""create or replace temp table {FILES} (
                _file_index integer, source_file varchar, delivery varchar, batch_id varchar)"""
        )
        if self._files:
            self.connection.executemany(
                f"insert into {FILES} values (?, ?, ?, ?)",
                [
                    (index, file.delivery.source_file, file.delivery.label, file.batch_id)
                    for index, file in enumerate(self._files)
                ],
            )

    def _merge(self) -> tuple[Mapping[int, int], Mapping[int, int], Mapping[int, int]]:
        counts: tuple[defaultdict[int, int], ...] = tuple(defaultdict(int) for _ in range(3))
        if self.table.delivery == "snapshot" and len(self._chunks) > 1:
            self._join_chunks()
        for chunk in self._chunks:
            for index, rejected, unchanged, loaded in merge_chunk(
                self.connection, self.table, chunk, self.loaded_at
            ):
                for total, count in zip(counts, (rejected, unchanged, loaded), strict=True):
                    total[index] += count
        for index, rows in self.connection.execute(
            f"select _file_index, count(distinct _row_number) from {BROKEN} group by all"
        ).fetchall():
            counts[0][index] += rows
        return counts[0], counts[1], counts[2]

    def _join_chunks(self) -> None:
        """Make one chunk of all: the files of a snapshot are one delivery."""
        parts = [
            f"select *{'' if chunk.is_numbered else ', rowid + 1 as _row_number'} "
            f"from {chunk.relation} as typed"
            for chunk in self._chunks
        ]
        query = " union all by name ".join(parts)
        self.connection.execute(f"create or replace temp table _typed_all as {query}")
        for chunk in self._chunks:
            self.connection.execute(f"drop table {chunk.relation}")
        self._chunks = [Chunk("_typed_all")]

    def _write_rejects(self) -> None:
        self.connection.execute(
            f"delete from raw._rejects where batch_id in (select batch_id from {FILES})"
        )
        keys = ", ".join(self.table.primary_key)
        words = [(code, name, reason) for (name, reason), code in self._codes.items()]
        words += [(code, keys, reason) for code, reason in KEY_REASONS.items()]
        self.connection.execute(
            f"create or replace temp table {REASONS} (code varchar, column_name varchar, reason varchar)"
        )
        self.connection.executemany(f"insert into {REASONS} values (?, ?, ?)", words)
        parts = [
            f"""select _file_index, _row_number, column_name, reason, _raw_line
            from (
                select _file_index, {chunk.row_number("typed")} as _row_number, _raw_line,
                    unnest(string_split(_problems, ',')) as code
                from {chunk.relation} as typed where _problems is not null
            ) as coded
            inner join {REASONS} as reasons using (code)"""
            for chunk in self._chunks
        ]
        parts.append(
            f"select _file_index, _row_number, column_name, reason, _raw_line from {BROKEN}"
        )
        self.connection.execute(
            f"""insert into raw._rejects
            select files.batch_id, ?, ?, files.source_file, _row_number, column_name, reason,
                _raw_line, ?
            from ({" union all ".join(parts)}) as found
            inner join {FILES} as files using (_file_index)
            order by _file_index, _row_number, column_name""",
            [self.table.system, self.table.name, self.loaded_at],
        )

    def _write(
        self,
        result: FileResult,
        delivery: Delivery,
        undeclared: Iterable[str],
        note: str | None = None,
    ) -> None:
        write_batch(
            self.connection,
            self.table,
            result,
            delivery,
            contract_sha256=self._contract_sha256,
            loaded_at=self.loaded_at,
            run_id=self.run_id,
            undeclared_columns=tuple(undeclared),
            note=note,
        )

    def _drop_temporary(self) -> None:
        for name in (FILES, BROKEN, REASONS, *(chunk.relation for chunk in self._chunks)):
            self.connection.execute(f"drop table if exists {name}")

    def _result(self) -> LoadResult:
        done = {file.batch_id for file in self._files}
        done |= {self._batch_id(note.delivery) for note in self._notes}
        held = held_batches(self.connection, self.table)
        new = [batch for batch in held if batch.result.batch_id in done]
        return result_of(self.connection, self.table, new, held, is_unchanged=False)
