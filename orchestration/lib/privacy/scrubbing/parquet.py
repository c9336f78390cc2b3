"""Scrub Parquet: rows left out and values set to NULL, nested ones too; schema and layout stay.

Belongs here: columns of Arrow. Does not: text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from orchestration.lib.ingest.paths import Step, parse_path
from orchestration.lib.privacy.byte_search import PatternSet
from orchestration.lib.privacy.byte_search.tables import is_name, rows_with_parted_names
from orchestration.lib.privacy.scrubbing.decisions import ScrubError, ScrubResult, TableEdits
from orchestration.lib.privacy.scrubbing.delivered import StagedTable

Rows = NDArray[np.int64]
NO_ROWS: Rows = np.empty(0, np.int64)


def _named(record: dict[str, Any], name: str) -> str | None:
    return next((each for each in record if each.casefold() == name.casefold()), None)


def _without(value: Any, steps: Sequence[Step]) -> tuple[Any, bool]:  # noqa: ANN401
    """Return a nested value without what the steps lead to, and whether anything was there."""
    if not steps:
        return None, value is not None
    step, rest = steps[0], steps[1:]
    if not isinstance(value, dict) or (name := _named(value, step.name)) is None:
        return value, False
    inner = value[name]
    if step.key is None:
        changed, was_there = _without(inner, rest)
        return {**value, name: changed}, was_there
    items, was_there = _without_item(inner, step.key, rest)
    return {**value, name: items}, was_there


def _without_item(items: Any, key: str, rest: Sequence[Step]) -> tuple[Any, bool]:  # noqa: ANN401
    if not isinstance(items, list):
        return items, False
    changed = list(items)
    for index, item in enumerate(items):
        if key.isdecimal():
            if index == int(key):
                changed[index], was_there = _without(item, rest)
                return changed, was_there
        elif isinstance(item, dict) and item.get("key") == key:
            value, was_there = _without(item.get("value"), rest)
            changed[index] = {**item, "value": value}
            return changed, was_there
    return items, False


def _without_patterns(value: Any, patterns: PatternSet) -> tuple[Any, int]:  # noqa: ANN401
    """Return a value without the texts that hold an identifier, and how many there were."""
    if isinstance(value, str | bytes):
        return (None, 1) if patterns.positions_in(value) else (value, 0)
    if isinstance(value, list):
        parts = [_without_patterns(each, patterns) for each in value]
        return [each for each, _ in parts], sum(count for _, count in parts)
    if isinstance(value, dict):
        named = {name: _without_patterns(each, patterns) for name, each in value.items()}
        return {name: each for name, (each, _) in named.items()}, sum(
            count for _, count in named.values()
        )
    if isinstance(value, int) and not isinstance(value, bool) and patterns.positions_in(str(value)):
        return None, 1
    return value, 0


class _Table:
    """A table of Arrow whose cells are changed row by row."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.changed: set[int] = set()
        self.cells = 0

    def column_of(self, name: str) -> int | None:
        """Return the place of a column, whatever its case."""
        names = self.table.column_names
        for compare in (str, str.casefold):
            for index, each in enumerate(names):
                if compare(each) == compare(name):
                    return index
        return None

    def set_cells(self, column: int, values: dict[int, Any]) -> None:
        """Put new values into some rows of a column."""
        field = self.table.schema.field(column)
        if not field.nullable and any(value is None for value in values.values()):
            raise ScrubError(
                f"The Parquet column {field.name} may not be empty. Decide to delete the rows, or have "
                "the system export the file anew without these people."
            )
        before = self.table.column(column)
        rows = np.array(sorted(values), np.int64)
        new = pa.array([values[int(row)] for row in rows], field.type)
        places = np.arange(self.table.num_rows)
        places[rows] = self.table.num_rows + np.arange(len(rows))
        merged = pa.chunked_array([*before.chunks, new], field.type).take(pa.array(places))
        self.table = self.table.set_column(column, field, merged)
        self.changed |= set(values)

    def empty(self, name: str, rows: Sequence[int]) -> None:
        """Set a column, or what a path leads to within one, to NULL in some rows."""
        whole = self.column_of(name)
        steps = [] if whole is not None else list(parse_path(name))
        column = whole if whole is not None else self.column_of(steps[0].name)
        if column is None or not rows:
            return
        before = self.table.column(column).take(pa.array(rows)).to_pylist()
        values: dict[int, Any] = {}
        for row, value in zip(rows, before, strict=True):
            if whole is not None:
                changed, was_there = None, value is not None and value != ""
            else:
                root, was_there = _without({steps[0].name: value}, steps)
                changed = root[steps[0].name]
            if was_there:
                values[row] = changed
        if values:
            self.set_cells(column, values)
            self.cells += len(values)

    def empty_patterns(self, patterns: PatternSet, gone: frozenset[int]) -> None:
        """Set the texts that hold an identifier to NULL."""
        for index in range(self.table.num_columns):
            rows = rows_with(self.table.column(index), patterns) - gone
            if not rows:
                continue
            chosen = sorted(rows)
            before = self.table.column(index).take(pa.array(chosen)).to_pylist()
            values: dict[int, Any] = {}
            for row, value in zip(chosen, before, strict=True):
                changed, count = _without_patterns(value, patterns)
                if count:
                    values[row] = changed
                    self.cells += count
            if values:
                self.set_cells(index, values)
        self._empty_parted_names(patterns, gone)

    def _empty_parted_names(self, patterns: PatternSet, gone: frozenset[int]) -> None:
        names = name_columns(self.table.schema)
        texts = [self.table[name].to_pylist() for name in names]
        rows = {int(row) for row in rows_with_parted_names(patterns, texts)} - gone
        for name in names:
            self.empty(name, sorted(rows))


def name_columns(schema: pa.Schema) -> list[str]:
    """Return the columns of text that may hold parts of names."""
    return [
        field.name
        for field in schema
        if is_name(field.name)
        and (pa.types.is_string(field.type) or pa.types.is_large_string(field.type))
    ]


def rows_with(column: pa.ChunkedArray, patterns: PatternSet) -> set[int]:
    """Return the rows of a column whose value holds an identifier."""
    found: set[int] = set()
    start = 0
    for chunk in column.chunks:
        found |= {start + int(row) for row in _rows_in(chunk, patterns)}
        start += len(chunk)
    return found


def _rows_in(array: pa.Array, patterns: PatternSet) -> Rows:
    """Return the rows of an array that hold an identifier, at any depth."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.cast(kind.value_type), kind.value_type
    if pa.types.is_integer(kind):
        numbers, _ = patterns.numbers
        wide = array.cast(pa.int64(), safe=False).fill_null(0).to_numpy(zero_copy_only=False)
        return np.flatnonzero(np.isin(wide, numbers)) if len(numbers) else NO_ROWS
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
        return np.unique(patterns.find_in_values(array)[0])
    if pa.types.is_struct(kind):
        parts = [_rows_in(each, patterns) for each in array.flatten()]
        return np.unique(np.concatenate(parts)) if parts else NO_ROWS
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = _rows_in(pc.list_flatten(array), patterns)
        parents = pc.list_parent_indices(array).to_numpy(zero_copy_only=False)
        return np.unique(parents[inner])
    if pa.types.is_nested(kind):
        texts = pa.array([str(value.as_py()) for value in array], pa.string())
        return np.unique(patterns.find_in_values(texts)[0])
    return NO_ROWS


def write_like(source: Path, table: pa.Table, target: Path) -> None:
    """Write a table with the compression, row groups and version of another file."""
    metadata = pq.read_metadata(source)
    compression: dict[str, str] | str = "snappy"
    rows = 0
    if metadata.num_row_groups:
        group = metadata.row_group(0)
        compression = {
            group.column(index).path_in_schema: group.column(index).compression.lower()
            for index in range(group.num_columns)
        }
        compression = {
            path: "none" if codec == "uncompressed" else codec
            for path, codec in compression.items()
        }
        rows = group.num_rows
    pq.write_table(
        table,
        target,
        compression=compression,
        row_group_size=rows or None,
        version="1.0" if metadata.format_version == "1.0" else "2.6",
        store_schema=b"ARROW:schema" in (metadata.metadata or {}),
    )


def scrub_parquet(
    path: Path,
    staged: Sequence[StagedTable],
    edits: Sequence[TableEdits],
    patterns: PatternSet | None,
    result: ScrubResult,
    target: Path,
) -> bool:
    """Write the file without the rows and values decided about; return whether there are any.

    Raises
    ------
    ScrubError
        When a column may not be empty.
    """
    # Not read_table(path): a folder like year=2024/ would add a column that is not in the file.
    with pq.ParquetFile(path) as file:
        scrub = _Table(file.read())
    gone = frozenset(number - 1 for each in edits for number in each.delete)
    for each in edits:
        for name, numbers in each.blank.items():
            scrub.empty(name, sorted({number - 1 for number in numbers} - gone))
    if patterns is not None:
        scrub.empty_patterns(patterns, gone)
    result.rows_deleted += len(gone)
    result.cells_blanked += scrub.cells
    result.rows_blanked += len(scrub.changed)
    for table in staged:
        key = (table.rows.table.name, table.rows.source_file)
        result.deleted[key] = np.array(sorted(row + 1 for row in gone), np.int64)
    if gone and len(gone) == scrub.table.num_rows:
        result.emptied = (*result.emptied, *(table.rows.source_file for table in staged[:1]))
    if not gone and not scrub.cells:
        return False
    kept = np.ones(scrub.table.num_rows, bool)
    kept[sorted(gone)] = False
    write_like(path, scrub.table.filter(pa.array(kept)), target)
    return True
