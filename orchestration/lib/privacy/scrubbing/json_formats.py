"""Scrub JSON documents and NDJSON: records, elements of their lists, and values at paths.

Belongs here: which record and element a row number means. Does not: JSON as characters (`json_text`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

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
from orchestration.lib.privacy.scrubbing.json_text import (
    DECODER,
    Node,
    NotJson,
    emptied,
    find_list,
    nodes_at,
    read_node,
    values_at,
    without_elements,
)


@dataclass
class _Changes:
    """What becomes of the records, by index."""

    delete: set[int] = field(default_factory=set)
    elements: dict[tuple[int, str], set[int]] = field(default_factory=dict)
    cells: dict[int, dict[tuple[int, int], Replacement]] = field(default_factory=dict)

    def empty(self, index: int, replacement: Replacement | None) -> None:
        """Note a value to be emptied."""
        if replacement is not None:
            place = (replacement.start, replacement.end)
            self.cells.setdefault(index, {})[place] = replacement


@dataclass
class JsonScrub:
    """A JSON file: its text by bytes, and the places of its records by number - 1."""

    content: TextContent
    text: str
    places: list[tuple[int, int]]
    is_lines: bool
    list_at: int = 0
    _nodes: dict[int, Node] = field(default_factory=dict)
    _counts: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def open(cls, staged: StagedTable) -> JsonScrub:
        """Find the records of a file that a reader has staged.

        Raises
        ------
        ScrubError
            When the file is no JSON that can be followed.
        """
        source = staged.source
        content = text_content(source.path, as_utf8(source))
        text = content.data.decode("latin-1")
        if source.format == "ndjson":
            places = list(
                zip(content.line_starts.tolist(), content.line_text_ends.tolist(), strict=True)
            )
            return cls(content, text, places, is_lines=True)
        records = source.table.records
        scrub = cls(content, text, [], is_lines=False)
        try:
            scrub.list_at, scrub.places = find_list(
                text[content.mark :], records.split(".") if records else (), scrub.decoded
            )
        except NotJson:
            raise ScrubError(
                f"{source.table.system}.{source.table.name}: {source.shown} can't be followed as JSON. "
                "Have the system export the file anew without these people."
            ) from None
        scrub.places = [(start + content.mark, end + content.mark) for start, end in scrub.places]
        return scrub

    def decoded(self, name: str) -> str:
        """Return a name of the text as it is meant."""
        try:
            return self.content.decode(name.encode("latin-1"))
        except UnicodeEncodeError:
            return name  # it was written with \\u and is decoded already

    def node(self, index: int) -> Node:
        """Return a record with everything in it.

        Raises
        ------
        NotJson
            When it is none.
        """
        found = self._nodes.get(index)
        if found is None:
            start, end = self.places[index]
            try:
                found = read_node(self.text, start, self.decoded)
            except RecursionError:
                raise NotJson from None
            if found.end > end:
                raise NotJson
            self._nodes[index] = found
        return found

    def elements(self, path: str) -> list[int]:
        """Return how many elements the list at a path has in each record."""
        if path not in self._counts:
            names = path.split(".")
            self._counts[path] = [
                _elements(self.document(index), names) for index in range(len(self.places))
            ]
        return self._counts[path]

    def document(self, index: int) -> str:
        """Return the text of a record."""
        start, end = self.places[index]
        return self.content.decode(self.content.data[start:end])


def _is_same(document: str, line: str) -> bool:
    if document.strip() == line.strip():
        return True
    try:
        return bool(DECODER.decode(document.strip()) == DECODER.decode(line.strip()))
    except ValueError:
        return False


def _rows_of(scrub: JsonScrub, staged: StagedTable) -> Iterator[tuple[int, int, int | None]]:
    """Yield (row number, index of the record, index of the element) of all rows of a table.

    Elements are numbered behind the broken records, record by record, as the reader does it.
    """
    explode = staged.source.table.explode
    if not explode:
        for index in range(len(scrub.places)):
            yield index + 1, index, None
        return
    broken = frozenset(staged.broken)
    number = max(broken, default=0)
    for index, count in enumerate(scrub.elements(explode)):
        for element in range(count):
            number += 1
            yield number, index, element


def _elements(document: str, path: Sequence[str]) -> int:
    """Return how many elements a record's list has."""
    try:
        value = DECODER.decode(document.strip())
    except (ValueError, RecursionError):
        return 0
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return len(value) if isinstance(value, list) else 0


def _apply(scrub: JsonScrub, staged: StagedTable, edits: TableEdits, changes: _Changes) -> None:
    """Turn row numbers into places of one table's decisions."""
    explode = staged.source.table.explode
    touched = edits.touched
    if not touched:
        return
    last = 0
    compared: set[int] = set()
    for number, index, element in _rows_of(scrub, staged):
        last = number
        if number not in touched:
            continue
        if index not in compared and not _is_same(
            scrub.document(index), staged.lines.get(number, "")
        ):
            raise not_aligned(edits, number, "the record")
        compared.add(index)
        if number in edits.delete:
            if element is None:
                changes.delete.add(index)
            else:
                changes.elements.setdefault((index, explode or ""), set()).add(element)
            continue
        record = scrub.node(index)
        for name, numbers in edits.blank.items():
            if number not in numbers:
                continue
            root, path = record, name
            if explode and element is not None and name.startswith(f"{explode}."):
                (items,) = nodes_at(record, explode)
                root, path = items.elements[element], name.removeprefix(f"{explode}.")
            for node in nodes_at(root, path):
                changes.empty(index, emptied(scrub.text, node))
    most = max((int(each) for each in edits.rows.rows["_row_number"].to_numpy()), default=0)
    if most > last:
        raise not_aligned(edits, most, "the number of rows")


def _apply_patterns(
    scrub: JsonScrub,
    broken: frozenset[int],
    patterns: PatternSet | None,
    changes: _Changes,
    result: ScrubResult,
) -> set[int]:
    """Empty the values that hold identifiers; return the broken records that hold some."""
    found_broken: set[int] = set()
    starts = np.array([start for start, _ in scrub.places], np.int64)
    for start, end in scrub.content.matches(patterns):
        index = int(np.searchsorted(starts, start, side="right")) - 1
        if index < 0 or start >= scrub.places[index][1]:
            result.left += 1
            continue
        if index in changes.delete:
            continue
        try:
            if index + 1 in broken:
                raise NotJson
            values = list(values_at(scrub.node(index), start, end))
        except NotJson:
            found_broken.add(index)
            continue
        result.left += not values
        for node in values:
            changes.empty(index, emptied(scrub.text, node))
    return found_broken


def _replacements(scrub: JsonScrub, changes: _Changes, gone: set[int]) -> list[Replacement]:
    replacements: list[Replacement] = []
    if scrub.is_lines:
        stops = scrub.content.line_stops
        replacements += [
            Replacement(scrub.places[index][0], int(stops[index])) for index in sorted(gone)
        ]
    else:
        replacements += without_elements(scrub.places, frozenset(gone))
    for (index, explode), elements in changes.elements.items():
        if index in gone:
            continue
        (items,) = nodes_at(scrub.node(index), explode)
        places = [(node.start, node.end) for node in items.elements]
        taken = list(without_elements(places, frozenset(elements)))
        replacements += taken
        cells = changes.cells.get(index, {})
        for place in [
            place for place in cells if any(one.start <= place[0] < one.end for one in taken)
        ]:
            del cells[place]
    for index, cells in changes.cells.items():
        if index not in gone:
            replacements += cells.values()
    return replacements


def scrub_json(
    staged: Sequence[StagedTable],
    edits: Sequence[TableEdits],
    patterns: PatternSet | None,
    result: ScrubResult,
) -> bytes | None:
    """Return the file without the records, elements and values decided about; None when none is.

    Values become null. A broken line with an identifier is deleted; a value with one becomes null.

    Raises
    ------
    ScrubError
        When rows and bytes don't agree.
    """
    scrub = JsonScrub.open(staged[0])
    changes = _Changes()
    for each, table in zip(edits, staged, strict=True):
        try:
            _apply(scrub, table, each, changes)
        except NotJson:
            raise not_aligned(each, 0, "a record that is no JSON") from None
    broken = frozenset(number for table in staged for number in table.broken)
    found_broken = _apply_patterns(scrub, broken, patterns, changes, result)
    gone = changes.delete | found_broken
    for table in staged:
        key = (table.rows.table.name, table.rows.source_file)
        result.deleted[key] = _gone_numbers(scrub, table, changes, gone)
    replacements = _replacements(scrub, changes, gone)
    kept_elements = sum(
        len(each) for (index, _), each in changes.elements.items() if index not in gone
    )
    cells = {index: len(each) for index, each in changes.cells.items() if index not in gone}
    result.rows_deleted += len(changes.delete) + kept_elements
    result.broken_deleted += len(found_broken)
    result.cells_blanked += sum(cells.values())
    result.rows_blanked += sum(1 for count in cells.values() if count)
    if gone and len(gone) == len(scrub.places):
        result.emptied = (*result.emptied, staged[0].rows.source_file)
    return scrub.content.replaced(replacements) if replacements else None


def _gone_numbers(
    scrub: JsonScrub, staged: StagedTable, changes: _Changes, gone: set[int]
) -> np.ndarray:
    """Return the row numbers of a table that are no longer there."""
    explode = staged.source.table.explode
    if not explode:
        return np.array(sorted(index + 1 for index in gone), np.int64)
    if not gone and not changes.elements:
        return np.empty(0, np.int64)
    numbers = [
        number
        for number, index, element in _rows_of(scrub, staged)
        if index in gone or element in changes.elements.get((index, explode), ())
    ]
    return np.array(numbers, np.int64)
