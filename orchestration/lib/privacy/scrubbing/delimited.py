"""Scrub CSV and TSV: records and fields by their places in the bytes.

Belongs here: places of records and fields. Does not: reading values (`ingest.readers.delimited`), of
which the records are the same by number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from orchestration.lib.ingest.readers.delimited import Header, read_header
from orchestration.lib.ingest.readers.lines import Line, RecordReader, read_lines
from orchestration.lib.ingest.text import TextFile, as_utf8
from orchestration.lib.privacy.byte_search import PatternSet
from orchestration.lib.privacy.scrubbing.content import Replacement, TextContent, text_content
from orchestration.lib.privacy.scrubbing.decisions import (
    ScrubError,
    ScrubResult,
    TableEdits,
    not_aligned,
    touched_rows,
)
from orchestration.lib.privacy.scrubbing.delivered import StagedTable

BLANKS = b" "


@dataclass(frozen=True)
class Records:
    """The records of a file by number - 1: where they begin, where their text and line ends end."""

    starts: NDArray[np.int64]
    text_ends: NDArray[np.int64]
    stops: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def number_at(self, place: int) -> int | None:
        """Return the number of the record at a place, if there is one."""
        index = int(np.searchsorted(self.starts, place, side="right")) - 1
        return index + 1 if index >= 0 and place < self.text_ends[index] else None


class _CountingReader(RecordReader):
    """Tells how many lines were used up after each record."""

    def __init__(
        self, lines: Iterator[Line], delimiter: str, quote: str, width: int | None
    ) -> None:
        super().__init__(self._counted(lines), delimiter, quote, width)
        self._pulled = 0

    def _counted(self, lines: Iterator[Line]) -> Iterator[Line]:
        for line in lines:
            self._pulled += 1
            yield line

    @property
    def used(self) -> int:
        """Lines that the records so far, and blank lines between them, took."""
        return self._pulled - len(self._waiting)


def _is_blank(content: TextContent, index: int) -> bool:
    text = content.data[content.line_starts[index] : content.line_text_ends[index]]
    return not text.strip(BLANKS)


def _records_by_line(content: TextContent, header: Header) -> Records:
    """Return the records where none spans lines: every line that isn't blank is one."""
    starts, ends, stops = content.line_starts, content.line_text_ends, content.line_stops
    is_record = ends > starts
    is_record[: header.lines] = False
    # A line of blanks alone is none either; such lines begin with a blank.
    first = np.frombuffer(content.data, np.uint8)[np.minimum(starts, len(content.data) - 1)]
    for index in np.flatnonzero(is_record & (first == BLANKS[0])):
        is_record[index] = not _is_blank(content, int(index))
    return Records(starts[is_record], ends[is_record], stops[is_record])


def _quotes_stay_in_lines(content: TextContent, header: Header, quote: bytes) -> bool:
    """Whether every line has an even number of quotes, so that no record spans two of them."""
    if not quote or quote not in content.data:
        return True
    if len(quote) > 1:
        return False
    places = content.places_of(quote[0])
    before = np.searchsorted(places, content.line_stops[header.lines :])
    first = np.searchsorted(places, content.line_stops[header.lines - 1])
    return not np.any(np.diff(np.concatenate([[first], before])) % 2)


def _records_by_reader(content: TextContent, text: TextFile, header: Header, quote: str) -> Records:
    """Return the records as the tolerant reader finds them, line by line."""
    lines = islice(read_lines(text.path), header.lines, None)
    reader = _CountingReader(lines, header.delimiter, quote, len(header.names))
    firsts: list[int] = []
    lasts: list[int] = []
    used = 0
    for _ in reader:
        first = header.lines + used
        while first < header.lines + reader.used - 1 and _is_blank(content, first):
            first += 1
        used = reader.used
        firsts.append(first)
        lasts.append(header.lines + used - 1)
    return Records(
        content.line_starts[firsts], content.line_text_ends[lasts], content.line_stops[lasts]
    )


def field_places(record: bytes, delimiter: bytes, quote: bytes) -> list[tuple[int, int]]:
    """Return where the fields of a record stand, quotes included."""
    places: list[tuple[int, int]] = []
    position = 0
    while True:
        end = position
        if quote and record.startswith(quote, position):
            end = position + len(quote)
            while (found := record.find(quote, end)) >= 0:
                end = found + len(quote)
                if not record.startswith(quote, end):
                    break
                end += len(quote)
        stop = record.find(delimiter, end)
        stop = len(record) if stop < 0 else stop
        places.append((position, stop))
        if stop == len(record):
            return places
        position = stop + len(delimiter)


def _plain(field: str, quote: str) -> str:
    """Return a field's value as the reader gives it, blanks around left away."""
    if quote and field.startswith(quote) and field.endswith(quote) and len(field) > 1:
        field = field[len(quote) : -len(quote)].replace(quote * 2, quote)
    return field.replace("\r\n", "\n").replace("\r", "\n").strip(" ")


@dataclass
class DelimitedScrub:
    """One CSV file: its bytes, its header and its records."""

    content: TextContent
    header: Header
    quote: str
    records: Records

    @classmethod
    def open(cls, staged: StagedTable) -> DelimitedScrub:
        """Find the records of a file that a reader has staged.

        Raises
        ------
        ScrubError
            When they are not as many as the reader found.
        """
        source = staged.source
        text = as_utf8(source)
        header = read_header(source, text.path)
        content = text_content(source.path, text)
        quote = source.table.quote
        quote_bytes = content.encode(quote) if quote else b""
        records = None
        if not staged.staged.has_row_numbers and _quotes_stay_in_lines(
            content, header, quote_bytes
        ):
            records = _records_by_line(content, header)
        if records is None or len(records) != staged.count:
            records = _records_by_reader(content, text, header, quote)
        if len(records) != staged.count:
            raise ScrubError(
                f"{source.table.system}.{source.table.name}: the records of {source.shown} can't be told "
                "apart in its bytes. Have the system export the file anew without these people."
            )
        return cls(content, header, quote, records)

    def fields(self, number: int) -> list[tuple[int, int]]:
        """Return where the fields of a record stand in the file."""
        start, end = self.records.starts[number - 1], self.records.text_ends[number - 1]
        found = field_places(
            self.content.data[start:end],
            self.content.encode(self.header.delimiter),
            self.content.encode(self.quote) if self.quote else b"",
        )
        return [(int(start) + first, int(start) + last) for first, last in found]

    def require_same(self, edits: TableEdits, staged: StagedTable) -> None:
        """Compare the rows about which something was decided with what stands at their places.

        Raises
        ------
        ScrubError
            When they differ: nothing is rewritten then.
        """
        positions = {name: index for index, name in enumerate(self.header.names)}
        compared = [
            (column.name, positions[source])
            for column in edits.table.columns
            if (source := staged.match.source_of[column.name]) is not None
        ]
        for number, row in touched_rows(edits):
            places = self.fields(number)
            for name, position in compared:
                start, end = places[position] if position < len(places) else (0, 0)
                found = _plain(self.content.decode(self.content.data[start:end]), self.quote)
                if found != _plain(row[name] or "", ""):
                    raise not_aligned(edits, number, f"column {name}")

    def blanked(self, place: tuple[int, int]) -> Replacement | None:
        """Return the replacement that empties a field; a quoted one stays quoted."""
        start, end = place
        field = self.content.data[start:end]
        quote = self.content.encode(self.quote) if self.quote else b""
        is_only = len(self.header.names) == 1
        empty = quote * 2 if (quote and field.startswith(quote)) or is_only else b""
        return None if field in (empty, b"") else Replacement(start, end, empty)


def scrub_delimited(
    staged: Sequence[StagedTable],
    edits: Sequence[TableEdits],
    patterns: PatternSet | None,
    result: ScrubResult,
) -> bytes | None:
    """Return the file without the rows and cells that were decided about; None when none is.

    Identifiers that stand elsewhere: a broken line with one is deleted, a cell with one is emptied.

    Raises
    ------
    ScrubError
        When rows and bytes don't agree.
    """
    scrub = DelimitedScrub.open(staged[0])
    for each, table in zip(edits, staged, strict=True):
        scrub.require_same(each, table)
    delete = frozenset[int]().union(*(each.delete for each in edits))
    cells: dict[tuple[int, int], int] = {}
    positions = {name: index for index, name in enumerate(scrub.header.names)}
    for each in edits:
        for name, numbers in each.blank.items():
            for number in numbers - delete:
                places = scrub.fields(number)
                if positions[name] < len(places):
                    cells[places[positions[name]]] = number
    broken: set[int] = set()
    is_broken = frozenset(staged[0].broken)
    for start, end in scrub.content.matches(patterns):
        found = scrub.records.number_at(start)
        if found is None:
            result.left += 1
        elif found in is_broken:
            broken.add(found)
        elif found not in delete:
            cells |= {
                place: found for place in scrub.fields(found) if place[0] < end and start < place[1]
            }
    replacements = [
        Replacement(int(scrub.records.starts[number - 1]), int(scrub.records.stops[number - 1]))
        for number in sorted(delete | broken)
    ]
    emptied = {
        place: replacement for place in cells if (replacement := scrub.blanked(place)) is not None
    }
    result.rows_deleted += len(delete)
    result.broken_deleted += len(broken)
    result.cells_blanked += len(emptied)
    result.rows_blanked += len({cells[place] for place in emptied})
    gone = np.array(sorted(delete | broken), np.int64)
    for table in staged:
        result.deleted[(table.rows.table.name, table.rows.source_file)] = gone
    if len(gone) == len(scrub.records) > 0:
        result.emptied = (*result.emptied, staged[0].rows.source_file)
    if not replacements and not emptied:
        return None
    return scrub.content.replaced([*replacements, *emptied.values()])
