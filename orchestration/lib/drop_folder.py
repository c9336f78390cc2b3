"""What lies in the drop folders, as one fingerprint, and since when it has been still.

Belongs here: looking at names, sizes and times. Does not: Dagster (`defs.ingest.drop_folder`), reading
files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

# Names of files that somebody is still writing, among them a SQLite database's own side files.
IN_PROGRESS_ENDINGS = (
    ".part", ".partial", ".tmp", ".crdownload", ".filepart", ".download", ".swp", "~",
    "-journal", "-wal", "-shm",
)  # fmt: skip


@dataclass(frozen=True)
class DropState:
    """The finished files of the enabled systems, each as a short hash of name, size and time."""

    files: frozenset[str]

    @property
    def fingerprint(self) -> str:
        """Hash of all of them."""
        return sha256("".join(sorted(self.files)).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Watch:
    """What a sensor remembers from one look to the next; ``seen_since`` is in seconds since 1970."""

    fingerprint: str = ""
    seen_since: float = 0.0
    handled: frozenset[str] = frozenset()

    @classmethod
    def from_cursor(cls, cursor: str | None) -> Watch:
        """Read the memory; what can't be read counts as none."""
        try:
            memory = json.loads(cursor or "")
            return cls(
                memory["fingerprint"], float(memory["seen_since"]), frozenset(memory["handled"])
            )
        except (ValueError, TypeError, KeyError):
            return cls()

    def to_cursor(self) -> str:
        """Return the memory as text."""
        return json.dumps(
            {
                "fingerprint": self.fingerprint,
                "seen_since": self.seen_since,
                "handled": sorted(self.handled),
            }
        )


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the files under a folder; links are not followed, files that go meanwhile are skipped."""
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in listed:
        if entry.name.startswith((".", "~$")) or entry.name.lower().endswith(IN_PROGRESS_ENDINGS):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        else:
            yield entry


def look(landing_dir: Path, systems: Iterable[str]) -> DropState:
    """Return the state of the systems' drop folders from names, sizes and times of change."""
    files = set()
    for system in systems:
        for entry in _files(landing_dir / system):
            try:
                state = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            relative = Path(entry.path).relative_to(landing_dir)
            text = f"{relative}\0{state.st_size}\0{state.st_mtime_ns}"
            files.add(sha256(os.fsencode(text)).hexdigest()[:12])
    return DropState(frozenset(files))


def is_new(watch: Watch, state: DropState) -> bool:
    """Whether there is a file that no run was asked for; a file that went away is no news."""
    return bool(state.files - watch.handled)


def next_watch(before: Watch, state: DropState, now: float, settle_seconds: float) -> Watch:
    """Return what to remember after a look; a run is due when ``handled`` changed.

    Stillness is what was seen, not what the files' times say: a copy keeps the times of its original
    while it is still growing.
    """
    if state.fingerprint != before.fingerprint:
        return Watch(state.fingerprint, now, before.handled)
    is_due = is_new(before, state) and now - before.seen_since >= settle_seconds
    handled = state.files if is_due else before.handled
    return Watch(state.fingerprint, before.seen_since, handled)
