"""Scrub text whose lines are the records: fixed width, and fields parted by blanks.

Belongs here: places of fields in such lines. Does not: quotes (`delimited`), JSON (`json_formats`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from orchestration.lib.ingest.text import as_utf8
from orchestration.lib.privacy.byte_search import PatternSet
from orchestration.lib.privacy.scrubbing.content import Replacement, TextContent, text_content
from orchestration.lib.privacy.scrubbing.decisions import (
    ScrubError,
    ScrubResult,
    TableEdits,
    not_aligned,
)
from orchestration.lib.privacy.scrubbing.delivered import StagedTable


def _skipped(staged: StagedTable) -> int:
    """Return the lines before the first record."""
    return 1 if staged.source.format == "whitespace" else staged.source.table.header_row - 1


def _line_index(content: TextContent, skip: int, number: int) -> int:
    return skip + number - 1 if skip + number <= len(content.line_starts) else -1


def _span(content: TextContent, index: int) -> tuple[int, int]:
    return int(content.line_starts[index]), int(content.line_text_ends[index])


def _field(content: TextContent, staged: StagedTable, index: int, name: str) -> Replacement | None:
    """Return the replacement that empties a fixed-width field by as many blanks."""
    start, end = _span(content, index)
    column = next(each for each in staged.source.table.columns if each.accepted_names[0] == name)
    if column.position is None:
        raise ScrubError(
            f"{staged.source.table.system}.{staged.source.table.name}: a file whose fields are parted by "
            "blanks can't have an empty one. Decide to delete the rows, or have the system export the "
            "file anew."
        )
    first, length = column.position
    line = content.decode(content.data[start:end])
    value = line[first - 1 : first - 1 + length]
    if not value.strip():
        return None
    begin = start + len(content.encode(line[: first - 1]))
    return Replacement(begin, begin + len(content.encode(value)), b" " * len(value))


def scrub_lines(
    staged: Sequence[StagedTable],
    edits: Sequence[TableEdits],
    patterns: PatternSet | None,
    result: ScrubResult,
) -> bytes | None:
    """Return the file without the lines and cells that were decided about; None when none is.

    A line with an identifier that nobody decided about has it blanked by as many blanks.

    Raises
    ------
    ScrubError
        When rows and bytes don't agree, or a cell can't be empty in this format.
    """
    first = staged[0]
    content = text_content(first.source.path, as_utf8(first.source))
    skip = _skipped(first)
    delete = frozenset[int]().union(*(each.delete for each in edits))
    cells: dict[tuple[int, int], tuple[int, Replacement]] = {}
    for each, table in zip(edits, staged, strict=True):
        for number in sorted(each.touched):
            index = _line_index(content, skip, number)
            start, end = _span(content, index) if index >= 0 else (0, 0)
            line = content.decode(content.data[start:end]).replace("\x1f", " ")
            if line.rstrip() != table.lines.get(number, "").rstrip():
                raise not_aligned(each, number, "the line")
        for name, numbers in each.blank.items():
            for number in numbers - delete:
                found = _field(content, table, _line_index(content, skip, number), name)
                if found is not None:
                    cells[(found.start, found.end)] = (number, found)
    is_broken = frozenset(first.broken)
    broken: set[int] = set()
    for start, end in content.matches(patterns):
        index = int(np.searchsorted(content.line_starts, start, side="right")) - 1
        number = index - skip + 1
        if number < 1:
            result.left += 1
        elif number in is_broken:
            broken.add(number)
        elif number not in delete and not _is_covered(cells, start, end):
            text = content.decode(content.data[start:end])
            mark = "-" if first.source.format == "whitespace" else " "
            blank = re.sub(r"\S", mark, text).encode()
            cells[(start, end)] = (number, Replacement(start, end, blank))
    gone = sorted(delete | broken)
    replacements = []
    for number in gone:
        index = _line_index(content, skip, number)
        begin = int(content.line_starts[index])
        replacements.append(Replacement(begin, int(content.line_stops[index])))
    kept = _without_overlaps(content, cells)
    result.rows_deleted += len(delete)
    result.broken_deleted += len(broken)
    result.cells_blanked += len(kept)
    result.rows_blanked += len({number for number, _ in kept})
    for table in staged:
        key = (table.rows.table.name, table.rows.source_file)
        result.deleted[key] = np.array(gone, np.int64)
    if gone and len(gone) >= first.count:
        result.emptied = (*result.emptied, first.rows.source_file)
    if not replacements and not kept:
        return None
    return content.replaced([*replacements, *(each for _, each in kept)])


def _is_covered(
    cells: dict[tuple[int, int], tuple[int, Replacement]], start: int, end: int
) -> bool:
    return any(first <= start and end <= last for first, last in cells)


def _without_overlaps(
    content: TextContent, cells: dict[tuple[int, int], tuple[int, Replacement]]
) -> list[tuple[int, Replacement]]:
    """Return the cells in order; of one that begins within another what goes beyond it."""
    kept: list[tuple[int, Replacement]] = []
    for (start, end), (number, each) in sorted(
        cells.items(), key=lambda one: (one[0][0], -one[0][1])
    ):
        before = kept[-1][1].end if kept else 0
        if start >= before:
            kept.append((number, each))
        elif end > before:
            rest = len(content.decode(content.data[before:end]))
            kept.append((number, Replacement(before, end, b" " * rest)))
    return kept
