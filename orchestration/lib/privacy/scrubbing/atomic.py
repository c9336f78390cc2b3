"""Replace a file at once, or not at all.

Belongs here: temporary files beside the original, and syncing them to disk. Does not: content.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from orchestration.lib.ingest.files import content_hash
from orchestration.lib.privacy.scrubbing.decisions import ScrubError
from orchestration.lib.private_files import sync

TEMPORARY_ENDING = ".scrubbing.tmp"
WORKING_PREFIX = ".scrubbing_"


def temporary_path(path: Path) -> Path:
    """Return the name of a file's new version while it is written: hidden, and always the same.

    A scrub that was killed leaves it behind, and the next one of the same file begins it anew.
    """
    return path.with_name(f".{path.name}{TEMPORARY_ENDING}")


def remove_leftovers(folder: Path) -> int:
    """Remove what killed scrubs left behind in a folder and below; return how many files."""
    left = [path for path in folder.rglob(f".*{TEMPORARY_ENDING}*") if path.is_file()]
    for path in left:
        path.unlink(missing_ok=True)
    for path in [path for path in folder.rglob(f"{WORKING_PREFIX}*") if path.is_dir()]:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def replace_file(path: Path, write: Callable[[Path], None]) -> str:
    """Write a new version beside a file and put it in its place; return its content hash.

    Mode, owner and times stay: the time tells when the file was delivered.

    Raises
    ------
    ScrubError
        When the file was written to meanwhile.
    """
    before = path.stat()
    target = temporary_path(path)
    target.unlink(missing_ok=True)
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        write(target)
        sync(target)
        shutil.copymode(path, target)
        with suppress(PermissionError):
            os.chown(target, before.st_uid, before.st_gid)
        os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
        now = path.stat()
        if (now.st_size, now.st_mtime_ns, now.st_ino) != (
            before.st_size,
            before.st_mtime_ns,
            before.st_ino,
        ):
            raise ScrubError(
                f"The file {path} was written to while it was scrubbed. Run again when it is complete."
            )
        hashed = content_hash(target)
        target.replace(path)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    sync(path.parent)
    return hashed
