"""Compressed deliveries: gzip streams and zip archives, unpacked with limits into the working folder.

Nothing is ever written under a name that an archive gives. Reading what is unpacked: `readers`.
"""

from __future__ import annotations

import gzip
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from orchestration.lib.contract import TableContract
from orchestration.lib.errors import InputError
from orchestration.lib.ingest.discovery import glob_expression, is_in_progress

CHUNK_BYTES = 1 << 20
MAXIMUM_MEMBERS = 10_000
# Deflate can't shrink more than 1,032 times; real exports stay below 100. Small files may exceed it.
MAXIMUM_RATIO = 200
FREE_BYTES = 64 << 20
MAXIMUM_BYTES = 100 << 30
ARCHIVE_ENDINGS = (".zip", ".gz", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz")


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most that many bytes."""


@dataclass(frozen=True)
class Member:
    """A readable member of a zip archive."""

    name: str
    size_bytes: int


def is_zip(path: Path) -> bool:
    """Whether a file starts as a zip archive does."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def is_gzip(path: Path) -> bool:
    """Whether a file starts as a gzip stream does."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _refused(table: TableContract, path: Path, what: str, remedy: str) -> InputError:
    return InputError(f"{table.system}.{table.name}: the archive {path} {what}. {remedy}")


def _leaves_the_folder(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name


def _problem_of(info: zipfile.ZipInfo) -> str | None:
    """Return why a member must not be read, as the end of a sentence."""
    if _leaves_the_folder(info.orig_filename) or _leaves_the_folder(info.filename):
        return "has a member whose name leads out of the archive"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "has a member that is a link"
    if info.flag_bits & 1:
        return "is encrypted"
    return None


def list_members(table: TableContract, path: Path) -> tuple[tuple[Member, ...], int]:
    """Return the members that the table reads, and how many others the archive has.

    Raises
    ------
    InputError
        When the archive is damaged, encrypted, tries to write elsewhere, or has nothing to read.
    """
    resend = "Deliver it again."
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise _refused(table, path, "is damaged or cut off", resend) from None
    if len(infos) > MAXIMUM_MEMBERS:
        raise _refused(table, path, f"has more than {MAXIMUM_MEMBERS:,} members", resend)
    fits = glob_expression(f"**/{table.member or '*'}").fullmatch
    taken: list[Member] = []
    for info in infos:
        problem = _problem_of(info)
        if problem:
            raise _refused(
                table,
                path,
                problem,
                "Pack the plain files without a password and deliver it again.",
            )
        hidden = "__MACOSX" in info.filename or is_in_progress(Path(info.filename).name)
        if info.is_dir() or hidden or not fits(info.filename):
            continue
        if info.filename.lower().endswith(ARCHIVE_ENDINGS):
            raise _refused(
                table, path, "has an archive inside", "Pack the plain files and deliver it again."
            )
        taken.append(Member(info.filename, info.file_size))
    names = [member.name for member in taken]
    if len(set(names)) < len(names):
        raise _refused(table, path, "has two members of one name", resend)
    if not taken:
        raise _refused(
            table,
            path,
            f"has no member that fits '{table.member or '*'}'",
            "Deliver it again, or correct member in the contract.",
        )
    return tuple(taken), len([info for info in infos if not info.is_dir()]) - len(taken)


def _copy(
    source: Readable, target: Path, packed_bytes: int, stop: Callable[[str], InputError]
) -> str:
    """Unpack a stream with a limit on what it may grow to; return the content's hash."""
    limit = min(MAXIMUM_BYTES, max(FREE_BYTES, MAXIMUM_RATIO * max(packed_bytes, 1)))
    digest = sha256()
    written = 0
    target.touch(mode=0o600)
    with target.open("wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            written += len(chunk)
            if written > limit:
                raise stop(f"grows to more than {limit >> 20:,} MiB, out of proportion to its size")
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def unpack(table: TableContract, path: Path, member: str | None, target: Path) -> None:
    """Write the content of a gzip stream, or of a member of a zip archive, to ``target``.

    Raises
    ------
    InputError
        When the content is damaged, cut off, or grows out of proportion.
    """

    def stop(what: str) -> InputError:
        return _refused(table, path, what, "Deliver the file unpacked or packed anew.")

    try:
        if member is None:
            with gzip.open(path, "rb") as unpacked:
                _copy(unpacked, target, path.stat().st_size, stop)
            return
        with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
            _copy(stream, target, archive.getinfo(member).compress_size, stop)
    except (EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, KeyError):
        raise stop("is damaged or cut off") from None
    except gzip.BadGzipFile:
        raise stop("is damaged") from None
