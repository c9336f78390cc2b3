"""One writer at a time, across the CLI, the Dagster UI and the schedule.

A kernel file lock: it dies with its process, so a killed run never leaves the warehouse locked.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from orchestration.lib.errors import RunLockedError
from orchestration.lib.private_files import private_folder


def read_lock_holder(lock_file: Path) -> dict[str, str]:
    """Return what the last holder wrote: ``run_id``, ``pid``, ``started_at`` (empty if unreadable)."""
    try:
        holder: dict[str, str] = json.loads(lock_file.read_text() or "{}")
    except (OSError, json.JSONDecodeError):
        return {}
    return holder


@contextmanager
def hold_run_lock(warehouse_dir: Path, run_id: str) -> Iterator[None]:
    """Hold the warehouse's lock for the length of a run.

    Raises
    ------
    RunLockedError
        When another process holds it; the message names that run and since when.
    """
    private_folder(warehouse_dir)
    lock_file = warehouse_dir / ".run.lock"
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = read_lock_holder(lock_file)
            raise RunLockedError(
                f"Run {holder.get('run_id', 'unknown')} (process {holder.get('pid', 'unknown')}, "
                f"started {holder.get('started_at', 'unknown')}) is still writing the warehouse in "
                f"{warehouse_dir}. Wait until it ends (`cadencia status` shows it) and start again; "
                "nothing was changed."
            ) from None
        os.ftruncate(descriptor, 0)
        holder_now = {
            "run_id": run_id,
            "pid": str(os.getpid()),
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.pwrite(descriptor, json.dumps(holder_now).encode(), 0)
        yield
    finally:
        os.close(descriptor)
