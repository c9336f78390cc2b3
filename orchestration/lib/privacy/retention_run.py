"""What a run does about retention after loading: move the cuts when it is asked to, and enforce them.

Belongs here: the order of the steps. Does not: any of them (`retention`, `retention_files`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from orchestration.lib.contract import SystemContract
from orchestration.lib.privacy.audit_log import append
from orchestration.lib.privacy.retention import (
    Cuts,
    TableResult,
    contents_of_old_rejects,
    cuts_as_of,
    enforce,
    knows_less,
    read_cuts,
    record_results,
)
from orchestration.lib.privacy.retention_files import OldFile, mark_expired, old_files
from orchestration.lib.privacy.retention_policy import RetentionPolicy, load_policy
from orchestration.lib.run_records import record_checks


@dataclass(frozen=True)
class RetentionRun:
    """The run: its id, its deployment, what it reads, and from which date it moves the cuts (None: not)."""

    run_id: str
    home: Path
    landing_dir: Path
    systems: Sequence[SystemContract]
    moves_to: date | None
    typed_as_of: date | None


@dataclass(frozen=True)
class RetentionOutcome:
    """What was deleted from which table, which files are old, the cuts in force, rows of the table."""

    results: Sequence[TableResult]
    files: Sequence[OldFile]
    cuts: Cuts
    rows: int


def apply_retention(
    connection: duckdb.DuckDBPyConnection,
    run: RetentionRun,
    columns: Mapping[str, str],
    now: datetime,
) -> RetentionOutcome:
    """Enforce the cuts on a run's working copy, moved before when the run is one that does.

    Parameters
    ----------
    connection
        The working copy, after loading.
    run
        The run.
    columns
        Declared columns of ``privacy.retention``.
    now
        Time for the audit log and the checks, with its zone.
    """
    policy = load_policy(run.home)
    cuts, files = read_cuts(run.home), list[OldFile]()
    if run.moves_to is not None:
        details = {"run_id": run.run_id, "as_of_date": str(run.moves_to)}
        append(run.home, "retention", details, now=now)
        cuts, files = _move(connection, run, policy, cuts, run.moves_to)
    results = enforce(connection, policy, cuts)
    mark_expired(connection, files)
    short = knows_less(results, run.typed_as_of) if run.typed_as_of else []
    record_checks(
        connection,
        run.run_id,
        now.astimezone(UTC).replace(tzinfo=None),
        [(table, "history_is_whole", False, sentence) for table, sentence in short],
        severity="warn",
    )
    rows = record_results(
        connection,
        results if run.moves_to else [],
        columns,
        run_id=run.run_id,
        as_of=run.moves_to,
    )
    return RetentionOutcome(results, files, cuts, rows)


def _move(
    connection: duckdb.DuckDBPyConnection,
    run: RetentionRun,
    policy: RetentionPolicy,
    cuts: Cuts,
    as_of: date,
) -> tuple[Cuts, list[OldFile]]:
    """Return the cuts as of a date, and the files with rows before them."""
    moved = cuts_as_of(policy, as_of)
    cleared = cuts.cleared_rejects | contents_of_old_rejects(connection, moved)
    cuts = replace(cuts.merged(moved), cleared_rejects=cleared)
    files = old_files(connection, run.systems, policy, cuts.by_table, run.landing_dir)
    mixed = {f"{file.system}/{file.name}" for file in files if not file.is_whole}
    return replace(cuts, mixed_files=cuts.mixed_files | mixed), files
