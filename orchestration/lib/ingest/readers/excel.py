"""Excel workbooks by calamine: title lines, merged headers, dates, serial dates and error cells.

Belongs here: cells to text. Does not: types and rules (`values`).
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

import pyarrow as pa
from python_calamine import CalamineSheet, CalamineWorkbook

from orchestration.lib.contract import TableContract
from orchestration.lib.errors import InputError
from orchestration.lib.ingest.archives import FREE_BYTES, MAXIMUM_RATIO
from orchestration.lib.ingest.headers import (
    MAXIMUM_COLUMNS,
    count_known,
    match_columns,
    repeated_needed,
    unique_names,
)
from orchestration.lib.ingest.staging import DELIVERED, Source, Staged, reset_staging
from orchestration.lib.ingest.text import empty
from orchestration.lib.sql_text import quoted_name

HEADER_SEARCH_ROWS = 20
# Day 0 of Excel's calendar, which has a 29 February 1900 that never was.
EXCEL_EPOCH = datetime(1899, 12, 30)
LAST_SERIAL = 2_958_465
MAXIMUM_CELLS = 200_000_000
ERROR_CELL = re.compile(
    rb'<c [^>]*?r="([A-Z]+)(\d+)"[^>]*?t="e"[^>]*>.*?<v>(#[^<]*)</v>', re.DOTALL
)
SHEET_FILE = re.compile(r"xl/worksheets/sheet(\d+)\.xml")

Cell = str | float | int | bool | datetime | date | time | timedelta
Row = list[Cell]


def _refused(source: Source, what: str, remedy: str = "Deliver it again.") -> InputError:
    table = source.table
    return InputError(f"{table.system}.{table.name}: the workbook {source.shown} {what}. {remedy}")


def _require_proportion(source: Source) -> None:
    """Refuse a workbook (a zip archive within) that would grow out of proportion."""
    if not zipfile.is_zipfile(source.path):
        return
    try:
        with zipfile.ZipFile(source.path) as archive:
            size = sum(info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise _refused(source, "is damaged or cut off") from None
    if size > max(FREE_BYTES, MAXIMUM_RATIO * source.path.stat().st_size):
        raise _refused(source, "grows out of proportion to its size", "Save it anew in Excel.")


def _open(source: Source) -> CalamineWorkbook:
    _require_proportion(source)
    try:
        return CalamineWorkbook.from_path(str(source.path))
    except BaseException as error:  # calamine's panics are no Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
            raise
        what = (
            "is protected by a password" if "assword" in type(error).__name__ else "can't be read"
        )
        raise _refused(source, f"{what} as Excel") from None


def _sheet_names(source: Source, workbook: CalamineWorkbook) -> list[str]:
    names = workbook.sheet_names
    wanted = source.table.sheet
    chosen = [name for name in names if wanted is None or fnmatchcase(name, wanted)]
    if not chosen:
        raise _refused(
            source,
            f"has no sheet '{wanted}'; it has {', '.join(names[:20]) or 'none'}",
            "Correct the export, or sheet in the contract.",
        )
    return chosen[:1] if wanted is None else chosen


def _rows_of(source: Source, sheet: CalamineSheet) -> list[Row]:
    if sheet.total_height * sheet.total_width > MAXIMUM_CELLS:
        raise _refused(source, "spans too many cells", "Delete the empty rows and columns.")
    try:
        rows: list[Row] = sheet.to_python(skip_empty_area=False)
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
            raise
        raise _refused(source, "can't be read as Excel") from None
    return rows


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _mark_errors(path: Path, sheet_number: int, rows: list[Row]) -> None:
    """Put the text of error cells (#N/A, #REF!) back, which calamine gives as blank."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        numbered = sorted(
            (int(found[1]), name)
            for name in archive.namelist()
            if (found := SHEET_FILE.fullmatch(name))
        )
        if sheet_number >= len(numbered):
            return
        try:
            content = archive.read(numbered[sheet_number][1])
        except (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError):
            return  # calamine read it all the same, and its cells are what counts
    if b't="e"' not in content:
        return
    for letters, number, text in ERROR_CELL.findall(content):
        row, column = int(number) - 1, _column_number(letters)
        if row < len(rows) and column < len(rows[row]):
            rows[row][column] = text.decode("ascii", errors="replace")


def _fill_merged(sheet: CalamineSheet, rows: list[Row], header_index: int) -> None:
    """Write the text of a merged header cell over its first column only; name the others by it."""
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if top <= header_index <= bottom and top < len(rows):
            text = rows[top][left] if left < len(rows[top]) else ""
            for column in range(left, min(right + 1, len(rows[header_index]))):
                suffix = f" {column - left + 1}" if column > left else ""
                rows[header_index][column] = f"{text}{suffix}"


def _header_index(table: TableContract, rows: list[Row]) -> int:
    """Return the row of the header: as declared, or the first rows' best when that can't be it."""
    declared = table.header_row - 1
    counts = [count_known(table, [str(cell) for cell in row]) for row in rows[:HEADER_SEARCH_ROWS]]
    if declared < len(counts) and counts[declared]:
        return declared
    best = max(counts, default=0)
    return counts.index(best) if best else declared


def cell_text(cell: Cell, *, is_time: bool) -> str | None:
    """Return a cell as text: ISO dates, whole numbers without '.0', serials as dates if wanted."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float | int):
        if is_time and 1 <= cell <= LAST_SERIAL:
            # Serials carry the time as a fraction of a day; seconds are what Excel shows.
            seconds = round(cell * 86_400)
            return (EXCEL_EPOCH + timedelta(seconds=seconds)).isoformat(sep=" ")
        return str(int(cell)) if cell == int(cell) and abs(cell) < 1e15 else repr(float(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, timedelta):
        return str(cell)
    if isinstance(cell, date | time):
        return cell.isoformat()
    return cell or None


def _header(source: Source, rows: list[Row], index: int) -> tuple[str, ...]:
    if index >= len(rows):
        raise empty(source)
    names = [str(cell) for cell in rows[index]]
    while names and not names[-1].strip():
        names.pop()
    if len(names) > MAXIMUM_COLUMNS:
        raise _refused(source, f"has {len(names):,} columns", "Export only those that are needed.")
    repeated = repeated_needed(source.table, names)
    if repeated:
        raise _refused(
            source, f"has the column '{repeated}' twice", "Correct the export: which one is meant?"
        )
    return unique_names(names)


def sheet_places(source: Source) -> Iterator[tuple[str, int, tuple[str, ...], int]]:
    """Yield the sheets that are read: name, row of the header (from 1), its names, and the offset.

    Row ``number`` of the delivery stands in row ``header + number - offset`` of the first sheet for
    which that number is greater than the offset and no greater than the next one's.
    """
    workbook = _open(source)
    offset = 0
    for name in _sheet_names(source, workbook):
        rows = _rows_of(source, workbook.get_sheet_by_name(name))
        header = _header_index(source.table, rows) + 1
        names, texts = _sheet_rows(source, workbook, name)
        yield name, header, names, offset
        offset += max((number for number, _ in texts), default=0)


def _sheet_rows(
    source: Source, workbook: CalamineWorkbook, name: str
) -> tuple[tuple[str, ...], Iterator[tuple[int, list[str | None]]]]:
    sheet = workbook.get_sheet_by_name(name)
    rows = _rows_of(source, sheet)
    _mark_errors(source.path, workbook.sheet_names.index(name), rows)
    index = _header_index(source.table, rows)
    if index < len(rows):
        _fill_merged(sheet, rows, index)
    names = _header(source, rows, index)
    match = match_columns(source.table, names, source.shown)
    times = {
        match.source_of[column.name]
        for column in source.table.columns
        if column.data_type in ("date", "timestamp")
    }
    is_time = [each in times for each in names]

    def texts() -> Iterator[tuple[int, list[str | None]]]:
        for number, row in enumerate(rows[index + 1 :], start=1):
            cells = [
                cell_text(cell, is_time=wanted) for cell, wanted in zip(row, is_time, strict=False)
            ]
            if any(cell is not None for cell in cells):
                yield number, cells + [None] * (len(names) - len(cells))

    return names, texts()


def _columns(
    numbers: Sequence[int], rows: Sequence[Sequence[str | None]], names: Sequence[str]
) -> pa.Table:
    data = {name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)}
    return pa.table({**data, "_row_number": pa.array(numbers, pa.int64())})


def stage_excel(source: Source) -> Staged:
    """Make ``_delivered`` from one sheet, or from several with the same columns in turn.

    Raises
    ------
    InputError
        When the workbook can't be read, or has no such sheet or header.
    """
    reset_staging(source.connection)
    workbook = _open(source)
    tables: list[pa.Table] = []
    offset = 0
    for name in _sheet_names(source, workbook):
        names, texts = _sheet_rows(source, workbook, name)
        numbered = list(texts)
        numbers = [offset + number for number, _ in numbered]
        tables.append(_columns(numbers, [cells for _, cells in numbered], names))
        offset = max(numbers, default=offset)
    whole = pa.concat_tables(tables, promote_options="default")
    names = tuple(name for name in whole.column_names if name != "_row_number")
    fields = ", ".join(f"coalesce({quoted_name(name)}, '')" for name in names)
    source.connection.register("_workbook", whole)
    source.connection.execute(
        f"""create temp table {DELIVERED} as
        select *, concat_ws(';', {fields}) as _raw_line from _workbook order by _row_number"""
    )
    source.connection.unregister("_workbook")
    return Staged(names)
