"""Scrub one delivered file: unpack it, ask about its rows, write it anew, put it in place at once.

Belongs here: which format is scrubbed how, and archives. Does not: the formats themselves.
"""

from __future__ import annotations

import shutil
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestration.lib.contract import TableContract
from orchestration.lib.errors import InputError
from orchestration.lib.ingest.archives import is_gzip, is_zip, unpack
from orchestration.lib.ingest.discovery import glob_expression, is_in_progress
from orchestration.lib.ingest.files import FORMAT_OF_ENDING, content_hash, format_of
from orchestration.lib.privacy.byte_search import PatternSet
from orchestration.lib.privacy.scrubbing.archives import rewrite_gzip, rewrite_zip
from orchestration.lib.privacy.scrubbing.atomic import replace_file
from orchestration.lib.privacy.scrubbing.by_patterns import write_without
from orchestration.lib.privacy.scrubbing.content import TextContent
from orchestration.lib.privacy.scrubbing.decisions import (
    Decide,
    ScrubError,
    ScrubResult,
    TableEdits,
)
from orchestration.lib.privacy.scrubbing.delimited import scrub_delimited
from orchestration.lib.privacy.scrubbing.delivered import StagedTable, scratch_connection, stage
from orchestration.lib.privacy.scrubbing.excel import scrub_excel
from orchestration.lib.privacy.scrubbing.json_formats import scrub_json
from orchestration.lib.privacy.scrubbing.line_formats import scrub_lines
from orchestration.lib.privacy.scrubbing.parquet import scrub_parquet
from orchestration.lib.privacy.scrubbing.sqlite import is_sqlite, scrub_sqlite

TEXT_SCRUBS = {
    "csv": scrub_delimited,
    "tsv": scrub_delimited,
    "json": scrub_json,
    "ndjson": scrub_json,
    "fixed_width": scrub_lines,
    "whitespace": scrub_lines,
}
TABLE_SCRUBS = {"parquet": scrub_parquet, "excel": scrub_excel}


@dataclass
class _Scrub:
    """What the steps of one file's scrub share."""

    decide: Decide
    patterns: PatternSet | None
    result: ScrubResult
    folder: Path

    def new_path(self, ending: str = "") -> Path:
        """Return a path in the working folder."""
        return self.folder / f"{len(list(self.folder.iterdir()))}{ending}"


def scrub_file(
    path: Path,
    tables: Sequence[TableContract],
    decide: Decide,
    *,
    patterns: PatternSet | None = None,
    name: str | None = None,
    working_dir: Path | None = None,
) -> ScrubResult:
    """Rewrite a delivered file without some rows and with some cells emptied; all else stays.

    Parameters
    ----------
    path
        The file, of any format that the ingestion reads, or a SQLite database in a drop folder.
    tables
        The tables whose contract reads the file.
    decide
        Called once per table and delivery (a file, or a member of an archive) with its rows; says which
        rows go and which cells are emptied.
    patterns
        Identifiers of the people who are erased and of nobody else. A line that can't be read is
        deleted when it holds one; of other rows the cells with one are emptied.
    name
        The file's name relative to the system's drop folder, as the ledger keeps it.
    working_dir
        Private folder for unpacked copies; the system's by default.

    Returns
    -------
    ScrubResult
        Counts, hashes before and after, and the deleted row numbers. Without anything to do the file is
        not touched.

    Raises
    ------
    ScrubError
        When the file holds such rows and can't be rewritten. It is as it was then.
    """
    if Path(sysconfig.get_paths()["purelib"]).resolve() in path.resolve().parents:
        raise ScrubError(
            f"The file {path} is part of an installed package and not ours to change. Drop a copy "
            "without these people into the landing folder; it takes the package's place."
        )
    result = ScrubResult(path, old_hash=content_hash(path))
    result.new_hash = result.old_hash
    if is_sqlite(path):
        return scrub_sqlite(path, tables, decide, patterns=patterns, result=result)
    with _working_folder(working_dir) as folder:
        scrub = _Scrub(decide, patterns, result, folder)
        written = _scrub_content(scrub, path, tables, name or path.name)
        if written is not None:
            result.new_hash = replace_file(path, lambda target: _copy(written, target))
            result.is_rewritten = True
    return result


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as file, target.open("wb") as copy:
        shutil.copyfileobj(file, copy, 1 << 20)


@contextmanager
def _working_folder(parent: Path | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="scrub_", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_archive(path: Path, tables: Sequence[TableContract], name: str) -> bool:
    if not is_zip(path):
        return False
    kind = FORMAT_OF_ENDING.get(PurePosixPath(name.lower()).suffix)
    is_book = any(table.format == "excel" for table in tables) or kind in ("excel", "parquet")
    return name.lower().endswith(".zip") or not is_book


def _scrub_content(
    scrub: _Scrub, path: Path, tables: Sequence[TableContract], name: str
) -> Path | None:
    """Return a new version of a file, packed as the old one; None when nothing changes."""
    if _is_archive(path, tables, name):
        return _scrub_archive(scrub, path, tables, name)
    if is_gzip(path):
        plain = scrub.new_path()
        unpack(_any_table(tables, name), path, None, plain)
        written = _scrub_plain(scrub, plain, tables, name)
        if written is None:
            return None
        packed = scrub.new_path(".gz")
        rewrite_gzip(path, written, packed)
        return packed
    return _scrub_plain(scrub, path, tables, name)


def _any_table(tables: Sequence[TableContract], name: str) -> TableContract:
    """Return a table for messages; a file that no table reads is named by itself."""
    if tables:
        return tables[0]
    return TableContract("landing", name, name, "", f"landing://{name}", "auto", ())


def _scrub_archive(
    scrub: _Scrub, path: Path, tables: Sequence[TableContract], name: str
) -> Path | None:
    changed: dict[str, Path | bytes] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError):
        raise ScrubError(
            f"The archive {path} is damaged. Delete it, or deliver it again."
        ) from None
    for member in members:
        hidden = "__MACOSX" in member or is_in_progress(PurePosixPath(member).name)
        reading = [
            table
            for table in tables
            if not hidden and glob_expression(f"**/{table.member or '*'}").fullmatch(member)
        ]
        plain = scrub.new_path(PurePosixPath(member.lower()).suffix)
        unpack(_any_table(tables, name), path, member, plain)
        written = _scrub_plain(scrub, plain, reading, f"{name}/{member}")
        if written is not None:
            changed[member] = written
    if not changed:
        return None
    packed = scrub.new_path(".zip")
    rewrite_zip(path, packed, changed)
    return packed


def _scrub_plain(
    scrub: _Scrub, path: Path, tables: Sequence[TableContract], source_file: str
) -> Path | None:
    """Return a new version of an unpacked file; None when nothing changes."""
    if not tables:
        return _scrub_unread(scrub, path, source_file)
    kind = format_of(tables[0], source_file)
    staged: list[StagedTable] = []
    edits: list[TableEdits] = []
    with scratch_connection() as connection:
        try:
            for table in tables:
                read = stage(
                    connection,
                    table,
                    path,
                    kind=kind,
                    source_file=source_file,
                    folder=_subfolder(scrub),
                )
                decided = read.edits(scrub.decide(read.rows))
                read.keep_lines(decided.touched)
                staged.append(read)
                edits.append(decided)
        except ScrubError:
            raise
        except InputError:
            if scrub.patterns is None:
                raise
            # A file that no run accepts has no rows to decide about; it may hold people all the same.
            return _scrub_unread(scrub, path, source_file)
        target = scrub.new_path(path.suffix)
        if kind in TEXT_SCRUBS:
            if all(each.is_idle for each in edits) and not _has_hits(path, scrub.patterns):
                return None
            content = TEXT_SCRUBS[kind](staged, edits, scrub.patterns, scrub.result)
            if content is None:
                return None
            target.touch(mode=0o600)
            target.write_bytes(content)
            return target
        is_written = TABLE_SCRUBS[kind](path, staged, edits, scrub.patterns, scrub.result, target)
        return target if is_written else None


def _has_hits(path: Path, patterns: PatternSet | None) -> bool:
    """Whether the bytes of a file may hold an identifier; finding places takes longer than this."""
    if patterns is None:
        return False
    content = TextContent(path.read_bytes(), "utf-8")
    return bool(content.matches(patterns))


def _scrub_unread(scrub: _Scrub, path: Path, source_file: str) -> Path | None:
    """Return a new version of a file of which no table takes rows, by the identifiers in it."""
    if scrub.patterns is None:
        return None
    target = scrub.new_path()
    target.touch(mode=0o600)
    is_written = write_without(path, source_file, scrub.patterns, scrub.result, target)
    return target if is_written else None


def _subfolder(scrub: _Scrub) -> Path:
    folder = scrub.new_path(".d")
    folder.mkdir(mode=0o700)
    return folder
