"""`cadencia audit-log`: the entries, or whether they are as they were written.

Belongs here: layout. Does not: the chain (`audit_log`, `audit_log_verification`).
"""

from __future__ import annotations

import csv
import json
import re
import sys

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.lib.connection import open_published
from orchestration.lib.errors import CheckFailedError, ConfigurationError
from orchestration.lib.privacy.audit_log import Entry, read_entries
from orchestration.lib.privacy.audit_log_verification import Head, verify
from orchestration.lib.publishing import published_runs
from orchestration.settings import Settings

FORMATS = ("table", "csv", "json")


def print_entries(settings: Settings, output: str, limit: int, console: Console) -> None:
    """Print the newest entries, the newest last; csv and json have all of them.

    Raises
    ------
    ConfigurationError
        When the format is none of `FORMATS`.
    """
    if output not in FORMATS:
        raise ConfigurationError(f"--format is '{output}'; choose {', '.join(FORMATS)}.")
    entries = read_entries(settings.home)
    if output == "json":
        sys.stdout.write(json.dumps([vars(entry) for entry in entries], indent=2) + "\n")
    elif output == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(["sequence", "at", "actor", "action", "subject", "details"])
        writer.writerows([*_cells(entry)] for entry in entries)
    elif not entries:
        console.print("The audit log is empty: nothing was done to personal data yet.")
    else:
        table = Table()
        for heading in ("", "at (UTC)", "actor", "action", "subject", "details"):
            table.add_column(heading, overflow="fold")
        for entry in entries[-limit:]:
            sequence, at, actor, action, subject, _ = _cells(entry)
            moment = at[:19].replace("T", " ")
            cells = (actor, action, subject, _sentence(entry))
            table.add_row(sequence, moment, *map(escape, cells))
        console.print(table)
        if len(entries) > limit:
            console.print(f"The newest {limit} of {len(entries)}; see more with --limit.")


def _cells(entry: Entry) -> tuple[str, ...]:
    details = json.dumps(dict(entry.details), ensure_ascii=False) if entry.details else ""
    return (
        str(entry.sequence),
        entry.at,
        entry.actor,
        entry.action,
        entry.subject or "",
        details,
    )


def _sentence(entry: Entry) -> str:
    return "; ".join(
        f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in entry.details.items()
    )


def print_verification(settings: Settings, expected: str, console: Console) -> None:
    """Print OK with the count and the head, or the first entry that is wrong.

    Raises
    ------
    CheckFailedError
        When the log is not as it was written.
    """
    heads = [*heads_of_versions(settings), *_noted_head(expected)]
    result = verify(settings.home, heads)
    if not result.is_good:
        raise CheckFailedError(
            f"The audit log is not as it was written. {result.fault} {result.count} entries before it are "
            "whole. Keep the file as evidence, compare it with a backup, and find out who could write it."
        )
    console.print(f"OK: {result.count} entries, head {result.count}:{result.head}", soft_wrap=True)
    for note in result.notes:
        console.print(f"Note: {note}", soft_wrap=True)
    console.print(
        "Note the head outside this machine; `cadencia audit-log --verify --expect <head>` tells later "
        "whether the log still has it.",
        soft_wrap=True,
    )


def _noted_head(expected: str) -> list[Head]:
    if not expected:
        return []
    match = re.fullmatch(r"(\d+):([0-9a-f]{64})", expected.strip())
    if match is None:
        raise ConfigurationError(
            f"--expect is '{expected}'; give it a head as `cadencia audit-log --verify` printed it, "
            "e.g. 12:4f0c…"
        )
    return [Head(int(match[1]), match[2], "the noted head")] if int(match[1]) else []


def heads_of_versions(settings: Settings) -> list[Head]:
    """Return the newest entry that each kept version of the warehouse knows."""
    heads = []
    for run in published_runs(settings.warehouse_dir):
        crm_file = settings.warehouse_dir / "runs" / run.run_id / "crm.duckdb"
        try:
            with open_published(crm_file) as connection:
                rows = connection.execute(
                    "select sequence, hash from privacy.audit_log order by sequence desc limit 1"
                ).fetchall()
        except (duckdb.Error, ConfigurationError):
            continue  # a version from before the log, or one that is being written or pruned
        heads += [
            Head(sequence, digest, f"the version of run {run.run_id[:8]}")
            for sequence, digest in rows
        ]
    return heads
