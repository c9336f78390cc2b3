"""Text without delimiters: fields parted by blanks, or at fixed positions of the line.

Belongs here: these two formats, and lines as rows for others. Does not: quotes (`delimited`).
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.lib.errors import InputError
from orchestration.lib.ingest.headers import unique_names
from orchestration.lib.ingest.readers.lines import LINE_BYTES, read_lines
from orchestration.lib.ingest.staging import (
    DELIVERED,
    STRUCTURAL,
    BrokenRecord,
    Source,
    Staged,
    add_broken,
    reset_staging,
)
from orchestration.lib.ingest.text import as_utf8, empty
from orchestration.lib.sql_text import quoted_name, quoted_text

LINES = "_lines"


def _lines_sql(path: Path, skip: int) -> str:
    """Return SQL that gives one row per line: no text holds the delimiter, and nothing quotes."""
    return f"""select row_number() over () as _row_number, line as _raw_line
        from read_csv({quoted_text(str(path))}, columns = {{'line': 'VARCHAR'}}, header = false,
            auto_detect = false, delim = '\x1f', quote = '', escape = '', skip = {skip},
            max_line_size = {4 * LINE_BYTES})"""


def _clean_copy(source: Source, path: Path, skip: int) -> Path:
    """Copy the readable lines; broken ones become blank lines and broken records."""
    copy = source.copy_path(".txt")
    copy.touch(mode=0o600)
    broken: list[BrokenRecord] = []
    with copy.open("w", encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(read_lines(path), start=1):
            text = line.text.replace("\x1f", " ")
            if line.problem and number > skip:
                broken.append(BrokenRecord(number - skip, text, line.problem))
                text = ""
            # A space keeps a blank line a row, so that the numbers stay those of the file.
            file.write((text or " ") + "\n")
    add_broken(source.connection, broken)
    return copy


def stage_lines(source: Source, skip: int) -> Path:
    """Make the temporary table ``_lines``: one row per line behind the first ``skip`` ones.

    Lines that can't be read as text are in ``_structural``; returns the file that was read.
    """
    text = as_utf8(source)
    path = text.path if text.is_clean else _clean_copy(source, text.path, skip)
    create = f"create or replace temp table {LINES} as "
    try:
        source.connection.execute(create + _lines_sql(path, skip))
    except duckdb.Error:
        path = _clean_copy(source, text.path, skip)
        source.connection.execute(create + _lines_sql(path, skip))
    return path


def stage_whitespace(source: Source) -> Staged:
    """Make ``_delivered`` from a UTF-8 file with a header line and fields parted by blanks.

    Raises
    ------
    InputError
        When the file is not UTF-8.
    """
    table, connection = source.table, source.connection
    reset_staging(connection)
    text = as_utf8(source)
    if text.encoding == "cp1252" and table.encoding == "auto":
        raise InputError(
            f"{table.system}.{table.name}: the file {source.shown} is not UTF-8 text. "
            "Convert it and deliver it again, or declare its encoding."
        )
    first = next(iter(read_lines(text.path)), None)
    found = unique_names(first.text.split()) if first else ()
    if not found:
        raise empty(source)
    stage_lines(source, skip=1)
    fields = "".join(
        f"_fields[{position}] as {quoted_name(name)}, "
        for position, name in enumerate(found, start=1)
    )
    split = "regexp_split_to_array(trim(_raw_line, ' \t'), '[ \\t]+')"
    connection.execute(
        f"""insert into {STRUCTURAL}
        select _row_number, _raw_line, '(line)', 'the line has not as many fields as the header'
        from {LINES} where trim(_raw_line, ' \t') <> '' and len({split}) <> {len(found)}"""
    )
    connection.execute(
        f"""create temp view {DELIVERED} as
        select {fields}_row_number, _raw_line
        from (select *, {split} as _fields from {LINES} where trim(_raw_line, ' \t') <> '')
        where len(_fields) = {len(found)}"""
    )
    return Staged(found)


def stage_fixed_width(source: Source) -> Staged:
    """Make ``_delivered`` from lines whose fields stand at declared positions; there is no header."""
    table, connection = source.table, source.connection
    reset_staging(connection)
    stage_lines(source, skip=table.header_row - 1)
    positions = {
        column.accepted_names[0]: column.position for column in table.columns if column.position
    }
    shortest = max(start for start, _ in positions.values())
    fields = ", ".join(
        f"substr(_raw_line, {start}, {length}) as {quoted_name(name)}"
        for name, (start, length) in positions.items()
    )
    connection.execute(
        f"""insert into {STRUCTURAL}
        select _row_number, _raw_line, '(line)',
            'the line is shorter than the place of its last field'
        from {LINES} where trim(_raw_line) <> '' and length(_raw_line) < {shortest}"""
    )
    connection.execute(
        f"""create temp view {DELIVERED} as
        select {fields}, _row_number, _raw_line
        from {LINES} where trim(_raw_line) <> '' and length(_raw_line) >= {shortest}"""
    )
    return Staged(tuple(positions))
