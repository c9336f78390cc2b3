"""Files and folders for their owner only, whatever the umask of the process is.

Belongs here: making them. Does not: looking for exposed ones (`privacy/exposure`).
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
