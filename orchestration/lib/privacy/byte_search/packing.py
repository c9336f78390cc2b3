"""What files pack: compressed streams, archives, databases, by their first bytes.

Belongs here: telling formats and unpacking streams. Does not: searching (`files`, `tables`).
"""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from typing import IO, Protocol

import pyarrow as pa

LARGEST_UNPACKED = 64 << 30
SQLITE_MAGIC = b"SQLite format 3\x00"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Workbooks of Excel 97 (.xls), and other documents of that age."""

CLOSED_FORMATS = {
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!\x1a\x07": "RAR",
    b"%PDF-": "PDF",
}


class Stream(Protocol):
    """Something to read from front to end."""

    def read(self, size: int, /) -> bytes:
        """Return at most that many bytes."""

    def close(self) -> None:
        """Let go of it."""


Opener = Callable[[], Stream]


class Bounded:
    """A stream that refuses to give more than a limit: a small file may unpack to anything."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._left = LARGEST_UNPACKED

    def read(self, size: int, /) -> bytes:
        """Return at most that many bytes."""
        content = self._stream.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise ValueError("unpacks to more than the limit")
        return content

    def close(self) -> None:
        """Let go of the stream beneath."""
        self._stream.close()


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file are text: no NUL, or every second byte one (UTF-16)."""
    if b"\0" not in head:
        return True
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    even, odd = head[0::2].count(0), head[1::2].count(0)
    return max(even, odd) > 0.4 * len(head) and min(even, odd) < 0.02 * len(head)


def unpacker_of(head: bytes) -> Callable[[IO[bytes]], Stream] | None:
    """Return what unpacks a compressed stream, by its first bytes."""
    if head.startswith(b"\x1f\x8b"):
        return lambda stream: gzip.GzipFile(fileobj=stream, mode="rb")
    if head.startswith(b"BZh"):
        return bz2.BZ2File
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return lambda stream: pa.CompressedInputStream(stream, "zstd")
    if head.startswith(b"\x04\x22\x4d\x18"):
        return lambda stream: pa.CompressedInputStream(stream, "lz4")
    return None


def is_container(head: bytes) -> bool:
    """Whether a file has members or tables that are searched one by one."""
    return (
        head.startswith(
            (b"PK\x03\x04", b"PK\x05\x06", b"PAR1", SQLITE_MAGIC, b"\x93NUMPY", OLE_MAGIC)
        )
        or head[8:12] == b"DUCK"
    )
