"""CSV and TSV: DuckDB reads a clean file as it is; a damaged one is copied record by record first.

Belongs here: delimiters, headers, quotes. Does not: types; lines and broken records (`lines`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from orchestration.lib.errors import InputError
from orchestration.lib.ingest.headers import (
    MAXIMUM_COLUMNS,
    count_known,
    repeated_needed,
    unique_names,
)
from orchestration.lib.ingest.readers.lines import (
    LINE_BYTES,
    RecordReader,
    read_lines,
    split_record,
)
from orchestration.lib.ingest.staging import (
    DELIVERED,
    BrokenRecord,
    Source,
    Staged,
    add_broken,
    reset_staging,
)
from orchestration.lib.ingest.text import TextFile, as_utf8, empty
from orchestration.lib.sql_text import quoted_name, quoted_text

DELIMITERS = (",", ";", "\t", "|")
BROKEN_AT_ONCE = 10_000
# A record of two long lines, every character a quote that the copy doubles.
COPIED_LINE_BYTES = 4 * LINE_BYTES


@dataclass(frozen=True)
class Header:
    """The header of a delimited file: how it is parted, its names, and the lines it ends at."""

    delimiter: str
    names: tuple[str, ...]
    lines: int


def _candidates(source: Source) -> Sequence[str]:
    if source.table.delimiter != "auto":
        return (source.table.delimiter,)
    return ("\t",) if source.format == "tsv" else DELIMITERS


def _refused(source: Source, what: str, remedy: str) -> InputError:
    table = source.table
    return InputError(f"{table.system}.{table.name}: the file {source.shown} {what}. {remedy}")


def _header_text(source: Source, path: Path) -> tuple[str, int]:
    """Return the header's text, which may span lines inside quotes, and where it ends."""
    table = source.table
    lines = read_lines(path)
    head = list(islice(lines, table.header_row - 1, table.header_row))
    if not head:
        raise empty(source)
    if head[0].problem:
        raise _refused(source, f"has no readable header: {head[0].problem}", "Deliver it again.")
    text, taken = head[0].text, table.header_row
    while table.quote and text.count(table.quote) % 2 and taken < table.header_row + 20:
        line = next(lines, None)
        if line is None or line.problem:
            break
        text, taken = f"{text}\n{line.text}", taken + 1
    return text, taken


def read_header(source: Source, path: Path) -> Header:
    """Return the header; an undeclared delimiter is the one that gives the most declared columns.

    Raises
    ------
    InputError
        When there is none, it is too wide, or it names a declared column twice.
    """
    table = source.table
    text, taken = _header_text(source, path)
    splits = {
        delimiter: split_record(text, delimiter, table.quote) or text.split(delimiter)
        for delimiter in _candidates(source)
    }
    delimiter = max(splits, key=lambda each: (count_known(table, splits[each]), len(splits[each])))
    names = splits[delimiter]
    while len(names) > 1 and not names[-1].strip():
        names.pop()
    if len(names) > MAXIMUM_COLUMNS:
        raise _refused(
            source,
            f"has {len(names):,} columns; at most {MAXIMUM_COLUMNS:,} are read",
            "Export only the columns that are needed.",
        )
    repeated = repeated_needed(table, names)
    if repeated:
        raise _refused(
            source, f"has the column '{repeated}' twice", "Correct the export: which one is meant?"
        )
    if table.delimiter != "auto" and not count_known(table, names):
        other = next((d for d in DELIMITERS if d != delimiter and d in text), None)
        if other and count_known(table, text.split(other)):
            raise _refused(
                source,
                f"is parted by {other!r} and not by {delimiter!r} as declared",
                "Correct the export, or the delimiter in the contract.",
            )
    return Header(delimiter, unique_names(names), taken)


def _scan_sql(path: Path, header: Header, quote: str, skip: int, first: str = "") -> str:
    line_bytes = COPIED_LINE_BYTES if first else LINE_BYTES
    columns = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(len(header.names)))
    return f"""read_csv({quoted_text(str(path))}, auto_detect = false, header = false,
        skip = {skip}, columns = {{{first}{columns}}}, delim = {quoted_text(header.delimiter)},
        quote = {quoted_text(quote)}, escape = {quoted_text(quote)}, max_line_size = {line_bytes})"""


def _raw_line_sql(header: Header) -> str:
    fields = ", ".join(f"coalesce(delivered.{quoted_name(name)}, '')" for name in header.names)
    return f"concat_ws({quoted_text(header.delimiter)}, {fields})"


def _view_sql(header: Header, scan: str, row_number: str = "") -> str:
    named = ", ".join(
        f"c{position} as {quoted_name(name)}" for position, name in enumerate(header.names)
    )
    return f"create temp view {DELIVERED} as select {row_number}{named} from {scan}"


def _stage_tolerantly(source: Source, text: TextFile, header: Header) -> Staged:
    """Copy the good records with their numbers, set the broken ones aside, and read the copy."""
    reset_staging(source.connection)
    quote = source.table.quote or '"'
    copy = source.copy_path(".csv")
    copy.touch(mode=0o600)
    lines = islice(read_lines(text.path), header.lines, None)
    records = RecordReader(lines, header.delimiter, source.table.quote, len(header.names))
    broken: list[BrokenRecord] = []
    with copy.open("w", encoding="utf-8", newline="") as file:
        for number, record in enumerate(records, start=1):
            if record.problem:
                broken.append(BrokenRecord(number, record.raw, record.problem))
                if len(broken) == BROKEN_AT_ONCE:
                    add_broken(source.connection, broken)
                    broken.clear()
                continue
            fields = header.delimiter.join(
                quote + field.replace(quote, quote * 2) + quote for field in record.fields
            )
            file.write(f"{number}{header.delimiter}{fields}\n")
    add_broken(source.connection, broken)
    scan = _scan_sql(copy, header, quote, 0, first="'_row_number': 'BIGINT', ")
    source.connection.execute(_view_sql(header, scan, "_row_number, "))
    return Staged(header.names, raw_line=_raw_line_sql(header))


def stage_delimited(source: Source) -> Staged:
    """Make ``_delivered`` from a CSV or TSV file.

    Raises
    ------
    InputError
        When the file has no header that could be meant.
    """
    text = as_utf8(source)
    header = read_header(source, text.path)
    # DuckDB counts skipped lines its own way where there are quotes or blank lines, and takes a
    # blank line of a single column for a row.
    if not text.is_clean or header.lines > 1 or len(header.names) == 1:
        return _stage_tolerantly(source, text, header)
    reset_staging(source.connection)
    scan = _scan_sql(text.path, header, source.table.quote, header.lines)
    source.connection.execute(_view_sql(header, scan))
    return Staged(
        header.names,
        has_row_numbers=False,
        raw_line=_raw_line_sql(header),
        fallback=lambda: _stage_tolerantly(source, text, header),
    )
