"""Search files: their names, their bytes in one pass, and what is packed in them.

Belongs here: walking a tree, streams, archives. Does not: tables of databases (`tables`).
"""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, cast

import duckdb
import pyarrow as pa

from orchestration.lib.privacy.byte_search.matcher import PatternSet
from orchestration.lib.privacy.byte_search.packing import (
    CLOSED_FORMATS,
    OLE_MAGIC,
    SQLITE_MAGIC,
    Bounded,
    Opener,
    Stream,
    is_container,
    is_text,
    unpacker_of,
)
from orchestration.lib.privacy.byte_search.patterns import MARGIN
from orchestration.lib.privacy.byte_search.report import SearchReport
from orchestration.lib.privacy.byte_search.tables import (
    search_duckdb,
    search_numpy,
    search_parquet,
    search_sqlite,
)
from orchestration.lib.privacy.byte_search.workbooks import is_workbook, search_workbook

CHUNK_BYTES = 1 << 20
HEAD_BYTES = 8192
DEEPEST = 6
UNREADABLE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, ValueError)


@dataclass
class _Search:
    """One search: the patterns, what was found so far, and a private folder for what is unpacked."""

    patterns: PatternSet
    report: SearchReport = field(default_factory=SearchReport)
    working_dir: Path | None = None
    threads: int = 1

    @contextmanager
    def spooled(self, stream: Stream) -> Iterator[Path]:
        """Write a stream to a private file, for formats that are not read from front to end."""
        folder = Path(tempfile.mkdtemp(prefix="search_", dir=self.working_dir))
        try:
            path = folder / "unpacked"
            with path.open("wb") as file:
                while chunk := stream.read(CHUNK_BYTES):
                    file.write(chunk)
            yield path
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def found(self, path: Path, where: str, position: int, *, is_whole: bool = True) -> None:
        """Count a hit."""
        kind = self.patterns.kinds[position]
        self.report.add(path, where, kind, position, is_whole=is_whole)


def _search_stream(search: _Search, stream: Stream, path: Path, where: str) -> None:
    """Search the bytes of a stream; memory is bounded by the chunk."""
    held = b""
    taken = 0  # bytes at the beginning of ``held`` whose patterns were reported already
    offset = 0  # of ``held`` in the stream
    last_end: dict[int, int] = {}
    is_plain: bool | None = None
    while True:
        chunk = stream.read(CHUNK_BYTES)
        is_last = not chunk
        if is_plain is None:
            is_plain = is_text(chunk[:HEAD_BYTES])
        content = held + chunk
        # A pattern belongs to the chunk in which it begins, with a margin behind that confirms it.
        until = len(content) if is_last else max(taken, len(content) - MARGIN)
        matches = search.patterns.find(content, is_text=is_plain)
        for match in sorted(matches, key=lambda each: (each.start, -each.end)):
            # Two spellings of one identifier may overlap: +34 612 345 678 and 612 345 678.
            is_new = offset + match.start >= last_end.get(match.position, 0)
            if taken <= match.start < until and is_new:
                last_end[match.position] = offset + match.end
                search.found(path, where, match.position, is_whole=match.is_whole)
        search.report.bytes_read += len(chunk)
        if is_last:
            return
        start = max(0, until - MARGIN)
        held, taken, offset = content[start:], until - start, offset + start


def _search_zip(search: _Search, path: Path, file: Path, where: str, depth: int) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                inside = _within(
                    where, info.filename if _is_clean(search, info.filename) else "member"
                )
                for position in search.patterns.positions_in(info.filename):
                    search.found(path, _within(where, "name of a member"), position)
                if info.is_dir():
                    continue
                if info.flag_bits & 1:
                    search.report.skip(path, inside, "it is protected by a password")
                    continue
                try:
                    member = partial(archive.open, info)
                    _search_content(search, path, member, inside, depth + 1)
                except (*UNREADABLE, NotImplementedError, RuntimeError) as error:
                    search.report.skip(path, inside, f"it is damaged ({type(error).__name__})")
    except (*UNREADABLE, NotImplementedError, RuntimeError) as error:
        search.report.skip(path, where, f"the archive is damaged ({type(error).__name__})")


def _is_clean(search: _Search, name: str) -> bool:
    """Whether a name may be repeated in a report."""
    return not search.patterns.positions_in(name)


def _within(where: str, part: str) -> str:
    return f"{where} > {part}" if where else part


def _search_content(
    search: _Search, path: Path, opener: Opener, where: str, depth: int, real: Path | None = None
) -> None:
    """Search the bytes that ``opener`` gives, and what they pack; ``real`` is the file with them."""
    with closing(opener()) as stream:
        _search_stream(search, stream, path, _within(where, "bytes") if where else "bytes")
    with closing(opener()) as stream:
        head = stream.read(HEAD_BYTES)
    closed = next((name for magic, name in CLOSED_FORMATS.items() if head.startswith(magic)), None)
    if closed:
        search.report.skip(path, where, f"what a {closed} file packs can't be opened here")
    unpack = unpacker_of(head)
    if unpack is None and not is_container(head):
        return
    if depth >= DEEPEST:
        search.report.skip(path, where, f"it is packed more than {DEEPEST} times")
        return
    if unpack is not None:
        _search_packed(search, path, opener, unpack, where, depth)
        return
    with _on_disk(search, opener, real) as file:
        _search_container(search, path, file, head, where, depth)


@contextmanager
def _on_disk(search: _Search, opener: Opener, real: Path | None) -> Iterator[Path]:
    if real is not None:
        yield real
        return
    with closing(opener()) as stream, search.spooled(stream) as file:
        yield file


def _search_packed(
    search: _Search,
    path: Path,
    opener: Opener,
    unpack: Callable[[IO[bytes]], Stream],
    where: str,
    depth: int,
) -> None:
    def unpacked() -> Stream:
        return Bounded(unpack(cast(IO[bytes], opener())))

    try:
        _search_content(search, path, unpacked, _within(where, "unpacked"), depth + 1)
    except (*UNREADABLE, pa.ArrowException) as error:
        search.report.skip(path, where, f"it is damaged ({type(error).__name__})")


def _search_container(
    search: _Search, path: Path, file: Path, head: bytes, where: str, depth: int
) -> None:
    """Search the tables and members of a file that can be opened."""
    if head.startswith(b"PK"):
        _search_zip(search, path, file, where, depth)
        if not is_workbook(file):
            return

    def found(inside: str, position: int) -> None:
        search.found(path, _within(where, inside), position)

    def skipped(inside: str, reason: str) -> None:
        search.report.skip(path, _within(where, inside), reason)

    try:
        if head.startswith((b"PK", OLE_MAGIC)):
            search_workbook(search.patterns, file, found)
        elif head.startswith(b"PAR1"):
            search_parquet(search.patterns, file, found, threads=search.threads)
        elif head.startswith(SQLITE_MAGIC):
            search_sqlite(search.patterns, file, found, skipped, working_dir=search.working_dir)
        elif head.startswith(b"\x93NUMPY"):
            search_numpy(search.patterns, file, found)
        else:
            search_duckdb(search.patterns, file, found, skipped, threads=search.threads)
    except (duckdb.Error, pa.ArrowException, *UNREADABLE) as error:
        search.report.skip(path, where, f"its tables can't be read ({type(error).__name__})")


def _search_one(search: _Search, path: Path, shown: str) -> None:
    for position in search.patterns.positions_in(shown):
        search.found(path, "name", position)
    search.report.files += 1
    try:
        _search_content(search, path, lambda: path.open("rb"), "", 0, real=path)
    except OSError as error:
        search.report.skip(path, "", f"it can't be read ({error.strerror or type(error).__name__})")


def search_file(
    path: Path, patterns: PatternSet, *, working_dir: Path | None = None, threads: int = 1
) -> SearchReport:
    """Search one file: name, bytes, and tables or members if it has any.

    Parameters
    ----------
    path
        A regular file.
    patterns
        What to look for.
    working_dir
        Private folder for packed files that must be unpacked to be read; the system's by default.
    threads
        Threads of DuckDB.

    Returns
    -------
    SearchReport
        Hits, and what could not be looked into.
    """
    search = _Search(patterns, working_dir=working_dir, threads=threads)
    _search_one(search, path, path.name)
    return search.report


def search_tree(
    roots: Path | Sequence[Path],
    patterns: PatternSet,
    *,
    leave_out: Iterable[Path] = (),
    working_dir: Path | None = None,
    threads: int = 1,
) -> SearchReport:
    """Search every file under the roots, names included.

    Links are not followed: what they lead to is searched where it lies, or lies outside. A file with
    several names is read once. Pipes, sockets and devices are left alone.

    Parameters
    ----------
    roots
        Folders or files.
    patterns
        What to look for.
    leave_out
        Files and folders that are not entered.
    working_dir
        Private folder for packed files that must be unpacked to be read.
    threads
        Files that are searched at a time.

    Returns
    -------
    SearchReport
        Hits, and what could not be looked into: nothing passes silently.
    """
    search = _Search(patterns, working_dir=working_dir)

    def search_one(found: tuple[Path, str]) -> SearchReport:
        own = _Search(patterns, working_dir=working_dir)
        _search_one(own, *found)
        return own.report

    with ThreadPoolExecutor(threads) as pool:
        for report in pool.map(search_one, list(_regular_files(search, roots, leave_out))):
            search.report.merge(report)
    return search.report


def _regular_files(
    search: _Search, roots: Path | Sequence[Path], leave_out: Iterable[Path]
) -> Iterator[tuple[Path, str]]:
    """Yield the files to search, each once, and the names by which they count."""
    seen: set[tuple[int, int]] = set()
    left_out = {path.absolute() for path in leave_out}
    for root in [each.resolve() for each in ([roots] if isinstance(roots, Path) else roots)]:
        for path in _files_under(search, root, left_out):
            try:
                state = path.lstat()
            except OSError as error:
                search.report.skip(path, "", f"it can't be read ({error.strerror})")
                continue
            if not stat.S_ISREG(state.st_mode) or (state.st_dev, state.st_ino) in seen:
                continue
            seen.add((state.st_dev, state.st_ino))
            yield path, str(path.relative_to(root)) if path != root else path.name


def _files_under(search: _Search, root: Path, left_out: set[Path]) -> Iterator[Path]:
    if not root.exists():
        search.report.skip(root, "", "it is not there")
        return
    if not root.is_dir():
        yield root
        return

    def failed(error: OSError) -> None:
        search.report.skip(Path(str(error.filename)), "", "the folder can't be read")

    for folder, folders, names in os.walk(root, onerror=failed):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if (here / name).absolute() not in left_out)
        for name in sorted(names):
            if (here / name).absolute() not in left_out:
                yield here / name
