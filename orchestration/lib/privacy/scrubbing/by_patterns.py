"""Scrub files that have no contract by the identifiers that stand in them.

Belongs here: logs, pages, rejected rows set aside, the truth of a simulation, Dagster's storage, files
in a drop folder that no table reads. Does not: delivered files of a contract (`files`).
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.lib.contract import TableContract
from orchestration.lib.errors import InputError
from orchestration.lib.ingest.archives import is_gzip, is_zip, unpack
from orchestration.lib.ingest.files import content_hash
from orchestration.lib.ingest.text import TextFile
from orchestration.lib.privacy.byte_search import PatternSet, is_text, search_file
from orchestration.lib.privacy.byte_search.tables import rows_with_parted_names
from orchestration.lib.privacy.scrubbing.archives import rewrite_gzip, rewrite_zip
from orchestration.lib.privacy.scrubbing.atomic import WORKING_PREFIX, replace_file
from orchestration.lib.privacy.scrubbing.content import Replacement, TextContent, text_content
from orchestration.lib.privacy.scrubbing.decisions import ScrubError, ScrubResult
from orchestration.lib.privacy.scrubbing.excel import is_workbook, scrub_workbook
from orchestration.lib.privacy.scrubbing.parquet import name_columns, rows_with, write_like
from orchestration.lib.privacy.scrubbing.sqlite import (
    database_of_log,
    is_sqlite,
    scrub_sqlite_by_patterns,
)

MASKED_ENDINGS = (".html", ".htm", ".json", ".yaml", ".yml", ".svg", ".md")
"""Files that would be broken without a line: what is found is overwritten with ``*``."""

HEAD_BYTES = 8192


def _content(path: Path, head: bytes) -> TextContent:
    if b"\0" not in head:
        return TextContent(path.read_bytes(), "utf-8")
    is_big = head[0::2].count(0) > head[1::2].count(0)
    return text_content(path, TextFile(path, "utf-16-be" if is_big else "utf-16-le", True))


def _scrub_text(
    content: TextContent, name: str, patterns: PatternSet, result: ScrubResult, target: Path
) -> bool:
    """Write a text without the records that hold an identifier; return whether there are any.

    A record is a line, or several where quotes hold them together. In pages and documents the
    identifier is overwritten instead.
    """
    matches = content.matches(patterns)
    if not matches:
        return False
    if name.lower().endswith(MASKED_ENDINGS):
        replacements = _masked(matches)
        result.cells_blanked += len(replacements)
    else:
        starts, stops = _records(content)
        indexes = {
            int(np.searchsorted(starts, place, side="right")) - 1
            for start, end in matches
            for place in (start, end - 1)
        }
        replacements = [
            Replacement(int(starts[index]), int(stops[index]))
            for index in sorted(indexes)
            if index >= 0
        ]
        result.broken_deleted += len(replacements)
    target.touch(mode=0o600)
    target.write_bytes(content.replaced(replacements))
    return True


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


def _scrub_parquet(path: Path, patterns: PatternSet, result: ScrubResult, target: Path) -> bool:
    with pq.ParquetFile(path) as file:
        table = file.read()
    rows: set[int] = set()
    for column in table.columns:
        rows |= rows_with(column, patterns)
    names = [table[name].to_pylist() for name in name_columns(table.schema)]
    rows |= {int(row) for row in rows_with_parted_names(patterns, names)}
    if not rows:
        return False
    kept = np.ones(table.num_rows, bool)
    kept[sorted(rows)] = False
    result.rows_deleted += len(rows)
    write_like(path, table.filter(pa.array(kept)), target)
    return True


def _scrub_members(
    path: Path, name: str, patterns: PatternSet, result: ScrubResult, target: Path, folder: Path
) -> bool:
    changed: dict[str, Path | bytes] = {}
    with zipfile.ZipFile(path) as archive:
        members = [info.filename for info in archive.infolist() if not info.is_dir()]
    for number, member in enumerate(members):
        own = folder / str(number)
        own.mkdir(mode=0o700)
        plain, written = own / "member", own / "written"
        unpack(_nameless(name), path, member, plain)
        if _write(plain, f"{name}/{member}", patterns, result, written, own):
            changed[member] = written
    if changed:
        rewrite_zip(path, target, changed)
    return bool(changed)


def _nameless(name: str) -> TableContract:
    """Return a contract for the messages about a file that no table reads."""
    return TableContract("files", PurePosixPath(name).name, "", "", f"landing://{name}", "auto", ())


def _write(
    path: Path, name: str, patterns: PatternSet, result: ScrubResult, target: Path, folder: Path
) -> bool:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if is_gzip(path):
        plain, written = folder / "plain", folder / "plain_written"
        unpack(_nameless(name), path, None, plain)
        own = folder / "packed"
        own.mkdir(mode=0o700)
        inner = name.lower().removesuffix(".gz")
        if not _write(plain, inner, patterns, result, written, own):
            return False
        rewrite_gzip(path, written, target)
        return True
    if head.startswith(b"PAR1"):
        return _scrub_parquet(path, patterns, result, target)
    if is_sqlite(path):
        shutil.copyfile(path, target)
        found = scrub_sqlite_by_patterns(target, patterns, deletes_rows=True)
        result.rows_deleted += found.rows_deleted
        return found.is_rewritten
    if is_zip(path):
        if is_workbook(path):
            return scrub_workbook(path, patterns, result, target)
        return _scrub_members(path, name, patterns, result, target, folder)
    if is_text(head):
        return _scrub_text(_content(path, head), name, patterns, result, target)
    _require_clean(path, name, patterns)
    return False


def _require_clean(path: Path, name: str, patterns: PatternSet) -> None:
    """Refuse a file of a kind that can't be rewritten unless a search finds nothing in it."""
    report = search_file(path, patterns)
    if report.hits:
        raise ScrubError(
            f"The file {name} holds identifiers and is of a kind that can't be rewritten. Delete it, or "
            "make it anew without these people."
        )
    if not report.is_complete:
        raise ScrubError(
            f"The file {name} can't be searched: {report.not_searched[0].reason}. Delete it, or deliver it "
            "anew."
        )


def write_without(
    path: Path, name: str, patterns: PatternSet, result: ScrubResult, target: Path
) -> bool:
    """Write a file of any kind to ``target`` without what holds an identifier.

    Returns
    -------
    bool
        Whether there was something; ``target`` is not to be used otherwise.

    Raises
    ------
    ScrubError
        When it holds an identifier, or may hold one, and is of a kind that can't be rewritten.
    """
    folder = Path(tempfile.mkdtemp(prefix=WORKING_PREFIX, dir=target.parent))
    try:
        return _write(path, name, patterns, result, target, folder)
    except ScrubError:
        raise
    except (InputError, pa.ArrowException, zipfile.BadZipFile, OSError, ValueError):
        raise ScrubError(
            f"The file {name} is damaged, so nobody can tell whose data it holds. Delete it, or deliver "
            "it anew."
        ) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def scrub_by_patterns(
    path: Path, patterns: PatternSet, *, deletes_rows: bool = True
) -> ScrubResult:
    """Rewrite a file without the records that hold an identifier.

    Text loses lines (pages and documents have the identifier overwritten), Parquet and SQLite lose
    rows, workbooks lose cells, archives have their members done; with ``deletes_rows`` False the cells
    of a SQLite database are emptied instead. A log beside such a database means the database.

    Raises
    ------
    ScrubError
        When the file holds an identifier, or may hold one, and is of a kind that can't be rewritten.
    """
    database = path if is_sqlite(path) else database_of_log(path)
    if database is not None:
        return scrub_sqlite_by_patterns(database, patterns, deletes_rows=deletes_rows)
    result = ScrubResult(path, old_hash=content_hash(path))
    result.new_hash = result.old_hash

    def write(target: Path) -> None:
        if not write_without(path, path.name, patterns, result, target):
            raise _Unchanged

    try:
        result.new_hash = replace_file(path, write)
        result.is_rewritten = True
    except _Unchanged:
        pass
    return result


class _Unchanged(Exception):
    """There was nothing to change."""
