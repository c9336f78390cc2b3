"""Files and folders for their owner only, whatever the umask of the process is, durable where asked.

Belongs here: making and replacing them. Does not: looking for exposed ones (`privacy/exposure`).
"""

from __future__ import annotations

import os
from pathlib import Path

OTHERS = 0o077


def private_folder(path: Path) -> Path:
    """Make a folder with mode 0700, missing parents too (`Path.mkdir` gives those the umask's)."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True, mode=0o700)
    return path


def write_private(path: Path, text: str) -> None:
    """Write a text file with mode 0600."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    path.chmod(0o600)


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, survive a crash of the machine."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(new: Path, old: Path) -> None:
    """Put a finished file in the place of another, durably: a crash leaves one of the two."""
    sync(new)
    new.chmod(0o600)
    new.replace(old)
    sync(old.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file with mode 0600, durably; readers see the old or the new."""
    private_folder(path.parent)
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    put_in_place(temporary, path)
