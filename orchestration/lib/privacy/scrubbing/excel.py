"""Scrub workbooks (.xlsx, .xlsm): cells are taken out of the XML; everything else stays as it is.

Belongs here: sheets, cells and shared strings as XML. Does not: other spreadsheet formats, which can't
be written back.

A deleted row becomes an empty one: rows below keep their numbers, and formulas and merged cells stay.
"""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from orchestration.lib.ingest.archives import is_zip
from orchestration.lib.ingest.readers.excel import sheet_places
from orchestration.lib.privacy.byte_search import PatternSet
from orchestration.lib.privacy.scrubbing.archives import rewrite_zip
from orchestration.lib.privacy.scrubbing.decisions import (
    ScrubError,
    ScrubResult,
    TableEdits,
    not_aligned,
    touched_rows,
)
from orchestration.lib.privacy.scrubbing.delivered import StagedTable

ROW = re.compile(rb"<((?:\w+:)?)row\b([^>]*?)(?:/>|>(.*?)</\1row>)", re.DOTALL)
CELL = re.compile(rb"<((?:\w+:)?)c\b([^>]*?)(?:/>|>(.*?)</\1c>)", re.DOTALL)
ITEM = re.compile(rb"<((?:\w+:)?)si\b[^>]*?(?:/>|>(.*?)</\1si>)", re.DOTALL)
TEXT = re.compile(rb"<(?:\w+:)?t\b[^>]*?>(.*?)</(?:\w+:)?t>", re.DOTALL)
VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*?>(.*?)</(?:\w+:)?v>", re.DOTALL)
ATTRIBUTE = re.compile(rb'([\w:]+)\s*=\s*"([^"]*)"')
REFERENCE = re.compile(rb"([A-Z]+)(\d+)")
SHEET = re.compile(rb"<(?:\w+:)?sheet\b([^>]*?)/?>")
RELATION = re.compile(rb"<(?:\w+:)?Relationship\b([^>]*?)/?>")
STRINGS = "xl/sharedStrings.xml"


@dataclass
class _Cell:
    """A cell: its place in the sheet and in the XML, and its value as text."""

    row: int
    column: int
    start: int
    end: int
    shell: bytes
    text: str
    shared: int | None
    is_string: bool


@dataclass
class _Sheet:
    member: str
    xml: bytes
    cells: list[_Cell] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)


def _attributes(raw: bytes) -> dict[str, str]:
    return {
        name.decode(): html.unescape(value.decode("utf-8", "replace"))
        for name, value in ATTRIBUTE.findall(raw)
    }


def _column_of(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _text_of(xml: bytes) -> str:
    return html.unescape(b"".join(TEXT.findall(xml)).decode("utf-8", "replace"))


def _cells(xml: bytes, strings: Sequence[str]) -> Iterator[_Cell]:
    number = 0
    for row in ROW.finditer(xml):
        attributes = _attributes(row[2])
        number = int(attributes.get("r", number + 1))
        column = -1
        for cell in CELL.finditer(xml, row.start(3), row.end(3)) if row[3] else ():
            own = _attributes(cell[2])
            place = REFERENCE.fullmatch(own.get("r", "").encode())
            column = _column_of(place[1]) if place else column + 1
            content = cell[3] or b""
            value = VALUE.search(content)
            text, shared = _text_of(content), None
            if value is not None:
                text = html.unescape(value[1].decode("utf-8", "replace"))
                if own.get("t") == "s" and text.strip().isdecimal() and int(text) < len(strings):
                    shared = int(text)
                    text = strings[shared]
            kept = "".join(f' {name}="{own[name]}"' for name in ("r", "s") if name in own)
            shell = b"<" + cell[1] + b"c" + kept.encode() + b"/>"
            is_string = shared is not None or own.get("t") == "inlineStr"
            yield _Cell(number, column, cell.start(), cell.end(), shell, text, shared, is_string)


def _sheet_members(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the member of each sheet by its name, in the order of the workbook."""
    relations = {}
    for found in RELATION.findall(archive.read("xl/_rels/workbook.xml.rels")):
        own = _attributes(found)
        target = own.get("Target", "")
        relations[own.get("Id", "")] = (
            target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        )
    sheets = {}
    for found in SHEET.findall(archive.read("xl/workbook.xml")):
        own = _attributes(found)
        member = relations.get(own.get("r:id", ""))
        if member in archive.namelist():
            sheets[own.get("name", "")] = str(member)
    return sheets


@dataclass
class _Workbook:
    """The sheets of a workbook and its shared strings."""

    sheets: dict[str, _Sheet]
    strings_xml: bytes
    strings: list[str]

    @classmethod
    def open(cls, path: Path) -> _Workbook:
        with zipfile.ZipFile(path) as archive:
            strings_xml = archive.read(STRINGS) if STRINGS in archive.namelist() else b""
            strings = [_text_of(found[2] or b"") for found in ITEM.finditer(strings_xml)]
            sheets = {}
            for name, member in _sheet_members(archive).items():
                sheet = _Sheet(member, archive.read(member))
                sheet.cells = list(_cells(sheet.xml, strings))
                sheets[name] = sheet
        return cls(sheets, strings_xml, strings)

    def changed_members(self) -> dict[str, bytes]:
        """Return the XML of what changed: sheets without cells, strings that nobody uses emptied."""
        used = {
            cell.shared
            for sheet in self.sheets.values()
            for index, cell in enumerate(sheet.cells)
            if index not in sheet.gone and cell.shared is not None
        }
        let_go = {
            cell.shared
            for sheet in self.sheets.values()
            for index, cell in enumerate(sheet.cells)
            if index in sheet.gone and cell.shared is not None
        } - used
        changed: dict[str, bytes] = {}
        for sheet in self.sheets.values():
            if sheet.gone:
                places = [sheet.cells[index] for index in sorted(sheet.gone)]
                changed[sheet.member] = _without(
                    sheet.xml, [(cell.start, cell.end, cell.shell) for cell in places]
                )
        if let_go:
            items = list(ITEM.finditer(self.strings_xml))
            empty = [
                (items[index].start(), items[index].end(), _empty_item(items[index][1]))
                for index in sorted(index for index in let_go if index is not None)
            ]
            changed[STRINGS] = _without(self.strings_xml, empty)
        return changed


def _empty_item(prefix: bytes) -> bytes:
    return b"<" + prefix + b"si><" + prefix + b"t/></" + prefix + b"si>"


def _without(xml: bytes, places: Sequence[tuple[int, int, bytes]]) -> bytes:
    parts: list[bytes] = []
    position = 0
    for start, end, content in places:
        parts += [xml[position:start], content]
        position = end
    return b"".join([*parts, xml[position:]])


def _apply(workbook: _Workbook, staged: StagedTable, edits: TableEdits) -> tuple[int, set[int]]:
    """Mark the cells that were decided about; return how many had a value, and rows with some."""
    cells = 0
    blanked_rows: set[int] = set()
    places = list(sheet_places(staged.source))
    touched = dict(touched_rows(edits))
    texts = {
        source: column.name
        for column in edits.table.columns
        if column.data_type == "varchar" and (source := staged.match.source_of[column.name])
    }
    for index, (name, header, names, offset) in enumerate(places):
        until = places[index + 1][3] if index + 1 < len(places) else None
        sheet = workbook.sheets.get(name)
        if sheet is None:
            raise ScrubError(
                f"{staged.source.table.system}.{staged.source.table.name}: the sheet {name} of "
                f"{staged.source.shown} can't be followed. Save the workbook anew in Excel and run again."
            )
        for cell_index, cell in enumerate(sheet.cells):
            number = offset + cell.row - header
            if number <= offset or (until is not None and number > until):
                continue
            row = touched.get(number)
            if row is None:
                continue
            name_of = texts.get(names[cell.column]) if cell.column < len(names) else None
            if cell.is_string and name_of and not _is_same(cell.text, row[name_of]):
                raise not_aligned(edits, number, f"column {name_of}")
            if number in edits.delete:
                sheet.gone.add(cell_index)
                continue
            column = names[cell.column] if cell.column < len(names) else ""
            is_wanted = number in edits.blank.get(column, ())
            if is_wanted and cell.text and cell_index not in sheet.gone:
                cells += 1
                blanked_rows.add(number)
                sheet.gone.add(cell_index)
    return cells, blanked_rows


def _is_same(text: str, delivered: str | None) -> bool:
    # _x000D_ and the like are characters that Excel escapes.
    return "_x" in text or text.split() == (delivered or "").split()


def _apply_patterns(workbook: _Workbook, patterns: PatternSet) -> tuple[int, int]:
    """Mark the cells that hold an identifier or a part of one, on all sheets; return cells and rows."""
    cells = 0
    rows = set()
    for name, sheet in workbook.sheets.items():
        by_row: dict[int, list[int]] = {}
        for index, cell in enumerate(sheet.cells):
            if cell.text and index not in sheet.gone:
                by_row.setdefault(cell.row, []).append(index)
        lines = [";".join(sheet.cells[index].text for index in each) for each in by_row.values()]
        hits = {int(row) for row in patterns.find_in_values(pa.array(lines, pa.string()))[0]}
        for position, (row, indexes) in enumerate(by_row.items()):
            if position not in hits:
                continue
            found = _touched(sheet, indexes, lines[position], patterns)
            sheet.gone |= found
            cells += len(found)
            rows.add((name, row))
    return cells, len(rows)


def _touched(sheet: _Sheet, indexes: Sequence[int], line: str, patterns: PatternSet) -> set[int]:
    """Return the cells of a row, joined by semicolons, that a match touches."""
    matches = [(match.start, match.end) for match in patterns.find(line.encode())]
    touched = set()
    start = 0
    for index in indexes:
        end = start + len(sheet.cells[index].text.encode())
        if any(first < end and start < last for first, last in matches):
            touched.add(index)
        start = end + 1
    return touched


def scrub_excel(
    path: Path,
    staged: Sequence[StagedTable],
    edits: Sequence[TableEdits],
    patterns: PatternSet | None,
    result: ScrubResult,
    target: Path,
) -> bool:
    """Write the workbook without the rows and cells decided about; return whether there are any.

    Raises
    ------
    ScrubError
        When it is a spreadsheet that can't be written back (.xls, .xlsb, .ods) and has such rows.
    """
    if not is_workbook(path):
        if any(not each.is_idle for each in edits) or _has_hits(staged, patterns):
            first = staged[0]
            raise ScrubError(
                f"{first.source.table.system}.{first.source.table.name}: {first.source.shown} is a "
                "spreadsheet of a kind that can't be rewritten and holds rows of these people. Save it as "
                ".xlsx without them, or delete it, and run again."
            )
        return False
    workbook = _Workbook.open(path)
    deleted = 0
    for each, table in zip(edits, staged, strict=True):
        cells, rows = _apply(workbook, table, each)
        result.cells_blanked += cells
        result.rows_blanked += len(rows)
        deleted += len(each.delete)
        result.deleted[(table.rows.table.name, table.rows.source_file)] = np.empty(0, np.int64)
    result.rows_deleted += deleted
    if patterns is not None:
        cells, found = _apply_patterns(workbook, patterns)
        result.cells_blanked += cells
        result.rows_blanked += found
    if deleted and all(len(each.delete) == each.rows.rows.num_rows for each in edits):
        result.emptied = (*result.emptied, staged[0].rows.source_file)
    changed = workbook.changed_members()
    if not changed:
        return False
    rewrite_zip(path, target, changed)
    return True


def is_workbook(path: Path) -> bool:
    """Whether a file is a workbook whose XML can be edited."""
    if not is_zip(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "xl/workbook.xml" in archive.namelist()


def scrub_workbook(path: Path, patterns: PatternSet, result: ScrubResult, target: Path) -> bool:
    """Write a workbook without the cells that hold an identifier; return whether there are any."""
    workbook = _Workbook.open(path)
    cells, rows = _apply_patterns(workbook, patterns)
    result.cells_blanked += cells
    result.rows_blanked += rows
    changed = workbook.changed_members()
    if changed:
        rewrite_zip(path, target, changed)
    return bool(changed)


def _has_hits(staged: Sequence[StagedTable], patterns: PatternSet | None) -> bool:
    if patterns is None:
        return False
    return any(
        len(patterns.find_in_values(table.rows.rows[name])[0])
        for table in staged
        for name in table.rows.rows.column_names
        if name != "_row_number"
    )
