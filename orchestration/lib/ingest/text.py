"""Text files: which encoding they are in, and a copy in UTF-8 when it is another.

Belongs here: bytes and characters. Does not: delimiters and records (`readers`).
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from orchestration.lib.errors import InputError
from orchestration.lib.ingest.staging import Source

CHUNK_BYTES = 1 << 20
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Windows writes 0x80-0x9F as cp1252 also where latin-1 was asked for; the five bytes that cp1252
# leaves open are read as latin-1 does, so that decoding never fails.
WESTERN = {
    value: ord(bytes([value]).decode("cp1252", errors="ignore") or chr(value))
    for value in range(256)
}


@dataclass(frozen=True)
class TextFile:
    """A file in UTF-8: the delivered one or a copy. Broken bytes and NULs want a tolerant reader."""

    path: Path
    encoding: str
    is_clean: bool


@dataclass
class _Scan:
    has_nul: bool = False
    is_utf8: bool = True
    lines_valid: int = 0
    lines_broken: int = 0


def _mark_of(head: bytes) -> str | None:
    return next((name for mark, name in BYTE_ORDER_MARKS if head.startswith(mark)), None)


def _looks_like_utf16(head: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark: every other byte of Western text is 0."""
    if len(head) < 4 or len(head) % 2:
        head = head[: len(head) // 2 * 2]
    even, odd = head[0::2], head[1::2]
    if not even:
        return None
    if odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.7 * len(even) and odd.count(0) < 0.1 * len(odd):
        return "utf-16-be"
    return None


def _count_lines(chunk: bytes, scan: _Scan) -> None:
    """Count the lines beyond ASCII that are UTF-8, and those that are not."""
    for line in chunk.split(b"\n"):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            scan.lines_valid += 1
        except UnicodeDecodeError:
            scan.lines_broken += 1


def _scan(path: Path) -> _Scan:
    """Look at all bytes: a byte that is not UTF-8 may come late."""
    scan = _Scan()
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            scan.has_nul = scan.has_nul or b"\0" in chunk
            if scan.is_utf8:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    scan.is_utf8 = False
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            scan.is_utf8 = False
        if not scan.is_utf8:
            file.seek(0)
            rest = b""
            while chunk := file.read(CHUNK_BYTES):
                head, newline, tail = (rest + chunk).rpartition(b"\n")
                _count_lines(head, scan)
                rest = tail if newline or len(tail) < 8 * CHUNK_BYTES else b""
            _count_lines(rest, scan)
    return scan


def _transcode(source: Source, encoding: str) -> Path:
    """Write a copy in UTF-8 to the working folder, streaming; only its owner may read it."""
    target = source.copy_path(".txt")
    target.touch(mode=0o600)
    with (
        source.path.open("rb") as delivered,
        target.open("w", encoding="utf-8", newline="") as copy,
    ):
        if encoding == "western":
            while chunk := delivered.read(CHUNK_BYTES):
                copy.write(codecs.charmap_decode(chunk, "strict", WESTERN)[0])
            return target
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        while chunk := delivered.read(CHUNK_BYTES):
            copy.write(decoder.decode(chunk))
        copy.write(decoder.decode(b"", final=True))
    return target


def empty(source: Source) -> InputError:
    """Return the refusal of a file without content."""
    table = source.table
    return InputError(
        f"{table.system}.{table.name}: the file {source.shown} is empty. Deliver it again; to keep an "
        "earlier delivery, put that file back."
    )


def as_utf8(source: Source) -> TextFile:
    """Return the file in UTF-8, as declared or as its bytes say.

    A byte order mark tells; else valid UTF-8 is UTF-8. A file of mostly valid UTF-8 lines keeps that
    encoding (its broken lines are for the tolerant reader); anything else is Western (cp1252).
    """
    with source.path.open("rb") as file:
        head = file.read(4096)
    declared = source.table.encoding
    marked = _mark_of(head)
    if marked in ("utf-16", "utf-32"):
        return TextFile(_transcode(source, marked), marked, is_clean=True)
    if marked is None and declared in ("auto", "utf-16"):
        wide = _looks_like_utf16(head) or ("utf-16-le" if declared == "utf-16" else None)
        if wide:
            return TextFile(_transcode(source, wide), wide, is_clean=True)
    if marked is None and declared in ("latin-1", "cp1252"):
        path = _transcode(source, "western")
        return TextFile(path, declared, is_clean=b"\0" not in head and not _has_nul(path))
    scan = _scan(source.path)
    if scan.is_utf8 or marked or declared == "utf-8" or scan.lines_valid > scan.lines_broken:
        return TextFile(source.path, "utf-8", is_clean=scan.is_utf8 and not scan.has_nul)
    return TextFile(_transcode(source, "western"), "cp1252", is_clean=not scan.has_nul)


def _has_nul(path: Path) -> bool:
    with path.open("rb") as file:
        return any(b"\0" in chunk for chunk in iter(lambda: file.read(CHUNK_BYTES), b""))
