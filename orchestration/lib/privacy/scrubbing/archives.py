"""Write archives again with some members changed; everything else stays as it was packed.

Belongs here: zip and gzip. Does not: what stands in a member.
"""

from __future__ import annotations

import gzip
import shutil
import struct
import zipfile
from collections.abc import Mapping
from copy import copy
from pathlib import Path

CHUNK_BYTES = 1 << 20
HEADER = struct.Struct("<BBBBIBB")
HAS_NAME = 8
MOST_EFFORT = 2
USUAL_EFFORT = 6


def rewrite_zip(source: Path, target: Path, changed: Mapping[str, Path | bytes]) -> None:
    """Write a zip archive with other content in some members; names, times and order stay."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as written:
        written.comment = archive.comment
        for info in archive.infolist():
            member = copy(info)
            member.extra = b""
            content = changed.get(info.filename)
            if isinstance(content, bytes):
                written.writestr(member, content)
                continue
            large = (content.stat().st_size if content else info.file_size) > 1 << 31
            with (
                written.open(member, "w", force_zip64=large) as file,
                content.open("rb") if content else archive.open(info) as stream,
            ):
                shutil.copyfileobj(stream, file, CHUNK_BYTES)


def rewrite_gzip(source: Path, content: Path, target: Path) -> None:
    """Compress a content anew; the header keeps its time and name."""
    with source.open("rb") as file:
        head = file.read(HEADER.size)
        _, _, _, flags, modified, effort, _ = HEADER.unpack(head)
        name = b""
        if flags == HAS_NAME:
            name = file.read(256).partition(b"\0")[0]
    with (
        target.open("wb") as written,
        gzip.GzipFile(
            name.decode("latin-1"),
            "wb",
            9 if effort == MOST_EFFORT else USUAL_EFFORT,
            fileobj=written,
            mtime=modified,
        ) as packed,
        content.open("rb") as stream,
    ):
        shutil.copyfileobj(stream, packed, CHUNK_BYTES)
