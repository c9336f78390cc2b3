"""What retention deletes outside the tables, or would delete: files, versions, runs, old audit entries.

Belongs here: the order of the clean-up after the publish, and counting it in advance. Does not: how each
kind is found and deleted (`retention_files`, `retention_logs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

import dagster as dg

from orchestration.lib.connection import open_published
from orchestration.lib.contract import load_contracts
from orchestration.lib.privacy.audit_log import append
from orchestration.lib.privacy.retention import (
    read_cuts,
    state_file,
    state_files,
    write_cuts,
)
from orchestration.lib.privacy.retention_files import (
    delete_expired,
    delete_paths,
    old_folders,
    old_versions,
)
from orchestration.lib.privacy.retention_logs import (
    delete_runs,
    old_entries,
    old_runs,
    prune_audit_log,
)
from orchestration.lib.privacy.retention_policy import RetentionPolicy, load_policy
from orchestration.lib.privacy.retention_scrubbing import scrub_mixed_files
from orchestration.settings import DBT_PROJECT_DIR, Settings


def _cut(policy: RetentionPolicy, name: str, as_of: date) -> date:
    return policy.classes[name].cut(as_of) or date.min


def count_outside(
    settings: Settings, instance: dg.DagsterInstance, as_of: date
) -> Mapping[str, int]:
    """Return how much of each kind lies before its cut; nothing is changed."""
    policy = load_policy(settings.home)
    return {
        "quarantine": len(old_folders(settings.quarantine_dir, _cut(policy, "rejects", as_of))),
        "versions": len(old_versions(settings.warehouse_dir, _cut(policy, "versions", as_of))),
        "runs": len(old_runs(instance, _cut(policy, "logs", as_of))),
        "audit_entries": old_entries(settings.home, _cut(policy, "audit", as_of)),
    }


def clean_up(
    settings: Settings, instance: dg.DagsterInstance, as_of: date, *, run_id: str, now: datetime
) -> Mapping[str, int]:
    """Delete, after the publish of a run that moved the cuts; each step may be repeated after a kill.

    Parameters
    ----------
    settings, instance
        The deployment and its Dagster instance.
    as_of
        Periods count back from here.
    run_id
        The run that moved the cuts: it stays.
    now
        Time for the audit log.
    """
    policy = load_policy(settings.home)
    cuts = read_cuts(settings.home)
    write_cuts(state_file(settings.home), cuts)
    scrubbed = scrub_mixed_files(
        cuts.mixed_files,
        load_contracts(DBT_PROJECT_DIR / "models" / "staging"),
        policy,
        cuts.by_table,
        settings.landing_dir,
    )
    for path in state_files(settings.home):
        write_cuts(path, replace(cuts, mixed_files=scrubbed.left))
    with open_published(settings.warehouse_dir / "crm.duckdb") as connection:
        files = delete_expired(connection, settings.landing_dir)
        ((rows,),) = connection.execute(
            "select coalesce(sum(rows_deleted), 0) from privacy.retention where run_id = ?",
            [run_id],
        ).fetchall()
    versions = old_versions(settings.warehouse_dir, _cut(policy, "versions", as_of))
    runs = [each for each in old_runs(instance, _cut(policy, "logs", as_of)) if each != run_id]
    counts = {
        "rows": int(rows),
        "files": files,
        "files_rewritten": scrubbed.rewritten,
        "files_left": len(scrubbed.left),
        "quarantine": delete_paths(
            old_folders(settings.quarantine_dir, _cut(policy, "rejects", as_of))
        ),
        "versions": delete_paths(settings.warehouse_dir / "runs" / each for each in versions),
        "runs": delete_runs(instance, runs),
        "audit_entries": prune_audit_log(settings.home, _cut(policy, "audit", as_of), now=now),
    }
    append(
        settings.home,
        "retention_completed",
        {"run_id": run_id, "as_of_date": str(as_of), **counts},
        now=now,
    )
    return counts
