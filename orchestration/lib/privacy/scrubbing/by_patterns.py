"""Scrub files that have no contract by the identifiers that stand in them.

Belongs here: logs, pages, rejected rows set aside, the truth of a simulation, Dagster's storage. Does
not: delivered files of a contract (`files`).
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.lib.ingest.archives import is_gzip
from orchestration.lib.ingest.files import content_hash
from orchestration.lib.privacy.byte_search import PatternSet, search_file
from orchestration.lib.privacy.byte_search.tables import is_name
from orchestration.lib.privacy.scrubbing.archives import rewrite_gzip
from orchestration.lib.privacy.scrubbing.atomic import replace_file
from orchestration.lib.privacy.scrubbing.content import Replacement, TextContent
from orchestration.lib.privacy.scrubbing.decisions import ScrubError, ScrubResult
from orchestration.lib.privacy.scrubbing.parquet import rows_with, write_like
from orchestration.lib.privacy.scrubbing.sqlite import is_sqlite, scrub_sqlite_by_patterns

MASKED_ENDINGS = (".html", ".htm", ".json", ".yaml", ".yml", ".svg", ".md")
"""Files that would be broken without a line: what is found is overwritten with ``*``."""


def scrub_text(
    path: Path, patterns: PatternSet | None, result: ScrubResult, target: Path
) -> Path | None:
    """Write a text file without the records that hold an identifier; None when there are none.

    A record is a line, or several where quotes hold them together. In pages and documents the
    identifier is overwritten instead.
    """
    if patterns is None:
        return None
    content = TextContent(path.read_bytes(), "utf-8")
    matches = content.matches(patterns)
    if not matches:
        return None
    if result.path.suffix.lower() in MASKED_ENDINGS or path.suffix.lower() in MASKED_ENDINGS:
        replacements = _masked(matches)
        result.cells_blanked += len(replacements)
    else:
        starts, stops = _records(content)
        indexes = sorted(
            {int(np.searchsorted(starts, start, side="right")) - 1 for start, _ in matches}
            | {int(np.searchsorted(starts, end - 1, side="right")) - 1 for _, end in matches}
        )
        replacements = [
            Replacement(int(starts[index]), int(stops[index])) for index in indexes if index >= 0
        ]
        result.broken_deleted += len(replacements)
    target.touch(mode=0o600)
    target.write_bytes(content.replaced(replacements))
    return target


def _masked(matches: list[tuple[int, int]]) -> list[Replacement]:
    kept: list[Replacement] = []
    for start, end in matches:
        begin = max(start, kept[-1].end if kept else 0)
        if begin < end:
            kept.append(Replacement(begin, end, b"*" * (end - begin)))
    return kept


def _records(content: TextContent) -> tuple[np.ndarray, np.ndarray]:
    """Return where records begin and end: lines, joined where a quote is open at the line's end."""
    starts, stops = content.line_starts, content.line_stops
    quotes = content.places_of(ord('"'))
    if len(quotes) % 2:
        return starts, stops
    is_closed = np.searchsorted(quotes, stops) % 2 == 0
    firsts = np.concatenate([[True], is_closed[:-1]])
    return starts[firsts], stops[is_closed]


def _scrub_parquet(path: Path, patterns: PatternSet, result: ScrubResult) -> None:
    with pq.ParquetFile(path) as file:
        table = file.read()
    rows: set[int] = set()
    for index, field in enumerate(table.schema):
        rows |= rows_with(table.column(index), field.type, patterns)
    names = [
        field.name
        for field in table.schema
        if is_name(field.name)
        and (pa.types.is_string(field.type) or pa.types.is_large_string(field.type))
    ]
    if len(names) > 1:
        joined = [
            " ".join(part for part in parts if part)
            for parts in zip(*(table[name].to_pylist() for name in names), strict=True)
        ]
        rows |= {int(row) for row in patterns.find_in_values(pa.array(joined, pa.string()))[0]}
    if not rows:
        return
    kept = np.ones(table.num_rows, bool)
    kept[sorted(rows)] = False
    result.rows_deleted += len(rows)
    result.new_hash = replace_file(
        path, lambda target: write_like(path, table.filter(pa.array(kept)), target)
    )
    result.is_rewritten = True


def scrub_by_patterns(
    path: Path, patterns: PatternSet, *, deletes_rows: bool = True
) -> ScrubResult:
    """Rewrite a file without the records that hold an identifier.

    Text loses lines (pages and documents have the identifier overwritten), Parquet and SQLite lose
    rows; with ``deletes_rows`` False the cells of a SQLite database are emptied instead.

    Raises
    ------
    ScrubError
        When the file holds an identifier and is of a kind that can't be rewritten.
    """
    result = ScrubResult(path, old_hash=content_hash(path))
    result.new_hash = result.old_hash
    if is_sqlite(path):
        found = scrub_sqlite_by_patterns(path, patterns, deletes_rows=deletes_rows)
        found.old_hash = result.old_hash
        found.new_hash = found.new_hash or result.old_hash
        return found
    with path.open("rb") as file:
        head = file.read(8192)
    if head.startswith(b"PAR1"):
        _scrub_parquet(path, patterns, result)
        return result
    if b"\0" in head and not is_gzip(path):
        if search_file(path, patterns).hits:
            raise ScrubError(
                f"The file {path} holds identifiers and is of a kind that can't be rewritten. Delete it, "
                "or make it anew without these people."
            )
        return result

    def write(target: Path) -> None:
        if not is_gzip(path):
            written = scrub_text(path, patterns, result, target)
        else:
            plain = target.with_name(f"{target.name}.plain")
            try:
                plain.touch(mode=0o600)
                plain.write_bytes(gzip.decompress(path.read_bytes()))
                written = scrub_text(plain, patterns, result, plain)
                if written is not None:
                    rewrite_gzip(path, plain, target)
            finally:
                plain.unlink(missing_ok=True)
        if written is None:
            raise _Unchanged

    try:
        result.new_hash = replace_file(path, write)
        result.is_rewritten = True
    except _Unchanged:
        pass
    return result


class _Unchanged(Exception):
    """There was nothing to change."""
