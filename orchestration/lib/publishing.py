"""Working copies, the atomic publish and the rollback of the warehouse files.

Readers open ``warehouse/crm.duckdb`` and ``analytics.duckdb``: links through ``current``, one link
whose replacement is the publish. Belongs here: files. Does not: what is in the tables (`analytics`).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration.lib.errors import ConfigurationError
from orchestration.lib.private_files import private_folder, sync, write_private

DATABASES = ("crm.duckdb", "analytics.duckdb")


@dataclass(frozen=True)
class PublishedRun:
    """One published version of the warehouse."""

    run_id: str
    published_at: str
    details: Mapping[str, str]
    is_current: bool


def _replace_link(link: Path, target: str) -> None:
    """Point ``link`` at ``target`` in one step: a reader sees the old or the new, never none."""
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)
    sync(link.parent)


def current_run_dir(warehouse_dir: Path) -> Path | None:
    """Return the folder that readers see, or None when nothing is published."""
    current = warehouse_dir / "current"
    return current.resolve() if current.exists() else None


def make_working_copy(warehouse_dir: Path, run_id: str) -> Path:
    """Copy the published ``crm.duckdb`` into a private folder and return that folder.

    Call it under the run lock: whatever else lies in ``work/`` was left by a killed run and goes.
    """
    work_dir = warehouse_dir / "work"
    shutil.rmtree(work_dir, ignore_errors=True)
    folder = work_dir / run_id
    private_folder(folder)
    published = current_run_dir(warehouse_dir)
    if published is not None:
        shutil.copyfile(published / "crm.duckdb", folder / "crm.duckdb")
        (folder / "crm.duckdb").chmod(0o600)
    return folder


def publish(warehouse_dir: Path, working_dir: Path, details: Mapping[str, str], keep: int) -> Path:
    """Publish a finished working copy (both files closed) and prune versions beyond ``keep``.

    Returns the folder that is now current. All or nothing: until the last link is replaced readers
    see the version before.
    """
    run_id = working_dir.name
    record = {
        "run_id": run_id,
        "published_at": datetime.now(UTC).isoformat(timespec="microseconds"),
        **details,
    }
    for name in DATABASES:
        (working_dir / name).chmod(0o600)
        sync(working_dir / name)
    write_private(working_dir / "run.json", json.dumps(record, indent=2) + "\n")
    sync(working_dir / "run.json")
    sync(working_dir)
    runs_dir = warehouse_dir / "runs"
    private_folder(runs_dir)
    target = runs_dir / run_id
    working_dir.rename(target)
    sync(runs_dir)
    _point_readers_at(warehouse_dir, target)
    prune(warehouse_dir, keep)
    return target


def _point_readers_at(warehouse_dir: Path, run_dir: Path) -> None:
    _replace_link(warehouse_dir / "current", str(run_dir.relative_to(warehouse_dir)))
    for name in DATABASES:
        link = warehouse_dir / name
        if not link.is_symlink():
            _replace_link(link, f"current/{name}")


def published_runs(warehouse_dir: Path) -> list[PublishedRun]:
    """Return the kept versions, the newest first."""
    current = current_run_dir(warehouse_dir)
    runs = []
    for file in (warehouse_dir / "runs").glob("*/run.json"):
        record = json.loads(file.read_text())
        runs.append(
            PublishedRun(
                run_id=record.pop("run_id"),
                published_at=record.pop("published_at"),
                details=record,
                is_current=file.parent.resolve() == current,
            )
        )
    return sorted(runs, key=lambda run: run.published_at, reverse=True)


def prune(warehouse_dir: Path, keep: int) -> list[str]:
    """Delete versions beyond the newest ``keep``; never the current one. Return their run ids."""
    removed = [run.run_id for run in published_runs(warehouse_dir)[keep:] if not run.is_current]
    for run_id in removed:
        shutil.rmtree(warehouse_dir / "runs" / run_id)
    return removed


def version_to_go_back_to(warehouse_dir: Path, run_id: str | None = None) -> PublishedRun:
    """Return the named version, or the one before the current; ``run_id`` may be its first characters.

    Raises
    ------
    ConfigurationError
        When there is no such version; the message lists those that are kept.
    """
    runs = published_runs(warehouse_dir)
    kept = ", ".join(run.run_id[:8] for run in runs) or "none"
    if run_id is None:
        position = next((i for i, run in enumerate(runs) if run.is_current), None)
        if position is None or position + 1 >= len(runs):
            raise ConfigurationError(
                f"There is no version before the current one to go back to (kept: {kept})."
            )
        return runs[position + 1]
    matching = [run for run in runs if run.run_id.startswith(run_id)]
    if len(matching) != 1:
        raise ConfigurationError(
            f"{'No' if not matching else 'More than one'} kept version has an id that starts "
            f"with '{run_id}' (kept: {kept}). Name one of them."
        )
    return matching[0]


def rollback(warehouse_dir: Path, run_id: str | None = None) -> PublishedRun:
    """Publish an earlier version again (`version_to_go_back_to`). Call it under the run lock."""
    chosen = version_to_go_back_to(warehouse_dir, run_id)
    _point_readers_at(warehouse_dir, warehouse_dir / "runs" / chosen.run_id)
    return chosen
