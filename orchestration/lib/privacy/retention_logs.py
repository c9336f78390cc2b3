"""Runs, events and logs of the orchestrator, and old entries of the audit log.

Belongs here: what Dagster's own interface deletes, and shortening the audit log so that its chain still
holds. Does not: data of the warehouse (`retention`, `retention_files`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg

from orchestration.lib.privacy.audit_log import (
    PRUNED,
    append_locked,
    locked,
    log_file,
    parse_line,
    read_entries,
)
from orchestration.lib.private_files import replace_file

ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


def old_runs(instance: dg.DagsterInstance, cut: date) -> list[str]:
    """Return the ids of ended runs from before the cut."""
    before = datetime(cut.year, cut.month, cut.day, tzinfo=UTC)
    records = instance.get_run_records(filters=dg.RunsFilter(statuses=ENDED, created_before=before))
    return [record.dagster_run.run_id for record in records]


def delete_runs(instance: dg.DagsterInstance, run_ids: list[str]) -> int:
    """Delete runs with their events and captured output; return how many."""
    for run_id in run_ids:
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        instance.delete_run(run_id)
    return len(run_ids)


def old_entries(home: Path, cut: date) -> int:
    """Return how many entries of the audit log lie before the cut."""
    return sum(entry.at[:10] < str(cut) for entry in read_entries(home))


def prune_audit_log(home: Path, cut: date, *, now: datetime) -> int:
    """Remove the entries before the cut from the start of the log; return how many.

    A new entry says up to which one, sealed like all others, so that the verification takes the
    shortened beginning for what it is and any other for what it is not. An altered log is left alone.
    """
    if not old_entries(home, cut):
        return 0
    with locked(home) as key:
        lines = log_file(home).read_bytes().split(b"\n")[:-1]
        entries = [parse_line(line) for line in lines]
        going = 0
        for entry in entries:
            if entry is None or entry.at[:10] >= str(cut):
                break
            going += 1
        last = entries[going - 1] if going else None
        if last is None or going == len(lines):
            return 0
        append_locked(home, key, PRUNED, {"through": last.sequence, "hash": last.hash}, now=now)
        rest = log_file(home).read_bytes().split(b"\n")[going:]
        replace_file(log_file(home), b"\n".join(rest))
    return going
