"""Deleting rows that are older than their period, and keeping them out of every later run.

The cut of a table is the first day that is kept. Cuts only move forward. They stand in
``privacy/retention.json`` and beside each version that enforced them; each run enforces them after
loading, so that neither a file that comes again nor ``--full-refresh`` brings rows back.
Belongs here: rows of tables. Does not: files, versions and logs (`retention_files`, `retention_logs`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd

from ml.identity.relations import has_table
from orchestration.lib.privacy.retention_policy import RetentionPolicy, RetentionRule
from orchestration.lib.private_files import replace_file
from orchestration.lib.sql_text import quoted_name

STATE_NAME = "retention.json"
TARGET = "privacy.retention"
REJECTS = "raw._rejects"


@dataclass(frozen=True)
class Cuts:
    """The first day that each table keeps, and what else a later run has to know.

    ``cleared_rejects`` are contents of files whose rejected lines were deleted, ``mixed_files`` delivered
    files (``system/name``) whose old rows are still to be taken out.
    """

    by_table: Mapping[str, date] = field(default_factory=dict)
    cleared_rejects: frozenset[str] = frozenset()
    mixed_files: frozenset[str] = frozenset()

    def merged(self, other: Mapping[str, date]) -> Cuts:
        """Return the later of both cuts for each table."""
        names = {*self.by_table, *other}
        earliest = date.min
        later = {
            name: max(self.by_table.get(name, earliest), other.get(name, earliest))
            for name in sorted(names)
        }
        return replace(self, by_table=later)


@dataclass(frozen=True)
class TableResult:
    """What a cut did, or would do, to a table."""

    table: str
    retention_class: str
    days: int | None
    cut: date
    rows_deleted: int
    oldest_kept: datetime | None


def cuts_as_of(policy: RetentionPolicy, as_of: date) -> dict[str, date]:
    """Return the cut of each table with a rule, counted back from a date."""
    return {
        rule.name: cut
        for rule in policy.rules
        if (cut := rule.retention_class.cut(as_of)) is not None
    }


def state_file(home: Path) -> Path:
    """Return where the cuts in force stand."""
    return home / "privacy" / STATE_NAME


def state_files(home: Path) -> tuple[Path, Path]:
    """Return `state_file` and that of the published version."""
    return state_file(home), home / "warehouse" / "current" / STATE_NAME


def read_cuts(home: Path) -> Cuts:
    """Return the cuts in force: of the file, and of the published version, should the file lag behind."""
    cuts = Cuts()
    for path in state_files(home):
        if path.exists():
            content = json.loads(path.read_text())
            days = {name: date.fromisoformat(day) for name, day in content["cuts"].items()}
            cuts = replace(
                cuts.merged(days),
                cleared_rejects=cuts.cleared_rejects | frozenset(content["cleared_rejects"]),
                mixed_files=cuts.mixed_files | frozenset(content.get("mixed_files", ())),
            )
    return cuts


def write_cuts(path: Path, cuts: Cuts) -> None:
    """Write the cuts to `state_file`, or to the folder of the version that enforces them."""
    content = {
        "cuts": {name: str(day) for name, day in cuts.by_table.items()},
        "cleared_rejects": sorted(cuts.cleared_rejects),
        "mixed_files": sorted(cuts.mixed_files),
    }
    replace_file(path, (json.dumps(content, indent=1) + "\n").encode())


def rows_before(rule: RetentionRule, cut: date) -> str:
    """Return a query of the row ids that the cut deletes."""
    relation = f"{quoted_name(rule.schema)}.{quoted_name(rule.table)}"
    moment = f"cast({quoted_name(rule.time)} as timestamp)"
    limit = f"timestamp '{cut} 00:00:00'"
    if rule.until_superseded_by:
        keys = ", ".join(map(quoted_name, rule.until_superseded_by))
        return f"""select row_id from (
            select rowid as row_id,
                lead({moment}) over (partition by {keys} order by {moment}, rowid) as superseded_at
            from {relation})
        where superseded_at < {limit}"""
    if rule.whole:
        keys = ", ".join(map(quoted_name, rule.whole))
        return f"""select row_id from (
            select rowid as row_id, max({moment}) over (partition by {keys}) as newest_at
            from {relation})
        where newest_at < {limit}"""
    stays = f" and not coalesce({rule.keeps}, false)" if rule.keeps else ""
    return f"select rowid as row_id from {relation} where {moment} < {limit}{stays}"


def preview(
    connection: duckdb.DuckDBPyConnection, policy: RetentionPolicy, cuts: Mapping[str, date]
) -> list[TableResult]:
    """Return what the cuts would delete, table by table; nothing is changed."""
    results = []
    for rule in policy.rules:
        cut = cuts.get(rule.name)
        if cut is None or not has_table(connection, f"{rule.schema}.{rule.table}"):
            continue
        relation = f"{quoted_name(rule.schema)}.{quoted_name(rule.table)}"
        moment = f"cast({quoted_name(rule.time)} as timestamp)"
        ((rows, oldest),) = connection.execute(
            f"""with going as ({rows_before(rule, cut)})
            select (select count(*) from going),
                (select min({moment}) from {relation} where rowid not in (select row_id from going))"""
        ).fetchall()
        each = rule.retention_class
        results.append(TableResult(rule.name, each.name, each.days, cut, rows, oldest))
    return results


def enforce(
    connection: duckdb.DuckDBPyConnection, policy: RetentionPolicy, cuts: Cuts
) -> list[TableResult]:
    """Delete what lies before the cuts in one transaction; return what was deleted."""
    connection.execute("begin")
    try:
        results = preview(connection, policy, cuts.by_table)
        rules = {rule.name: rule for rule in policy.rules}
        for result in results:
            if result.rows_deleted:
                rule = rules[result.table]
                connection.execute(
                    f"delete from {quoted_name(rule.schema)}.{quoted_name(rule.table)} "
                    f"where rowid in ({rows_before(rule, result.cut)})"
                )
        _delete_cleared_rejects(connection, cuts.cleared_rejects)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return results


def knows_less(results: Sequence[TableResult], as_of: date) -> list[tuple[str, str]]:
    """Return (table, sentence) where a run as of a date knows less than a run on that day did."""
    return [
        (each.table, f"begins on {each.cut}: older rows were deleted by retention")
        for each in results
        if each.days is not None and as_of - timedelta(days=each.days) < each.cut
    ]


def contents_of_old_rejects(
    connection: duckdb.DuckDBPyConnection, cuts: Mapping[str, date]
) -> frozenset[str]:
    """Return the contents of files whose rejected lines the cut deletes: a rebuild rejects them anew."""
    if REJECTS not in cuts or not has_table(connection, "raw._rejects"):
        return frozenset()
    rows = connection.execute(
        f"""select distinct batches.content_sha256 from {REJECTS} as rejects
        inner join raw._batches as batches on rejects.batch_id = batches.batch_id
        where rejects.rejected_at < ?""",
        [cuts[REJECTS]],
    ).fetchall()
    return frozenset(content for (content,) in rows)


def _delete_cleared_rejects(
    connection: duckdb.DuckDBPyConnection, contents: Collection[str]
) -> None:
    if contents and has_table(connection, "raw._rejects"):
        connection.execute(
            f"""delete from {REJECTS} where batch_id in (
                select batch_id from raw._batches where content_sha256 in (select unnest(?)))""",
            [sorted(contents)],
        )


def record_results(
    connection: duckdb.DuckDBPyConnection,
    results: Sequence[TableResult],
    columns: Mapping[str, str],
    *,
    run_id: str,
    as_of: date | None,
) -> int:
    """Append the results of a run that moved the cuts to ``privacy.retention``; return its rows."""
    ddl = ", ".join(f"{quoted_name(name)} {kind}" for name, kind in columns.items())
    connection.execute("create schema if not exists privacy")
    connection.execute(f"create table if not exists {TARGET} ({ddl})")
    rows = [
        {
            "run_id": run_id,
            "as_of_date": as_of,
            "table_name": result.table,
            "retention_class": result.retention_class,
            "retention_days": result.days,
            "cut_date": result.cut,
            "rows_deleted": result.rows_deleted,
            "oldest_kept_at": result.oldest_kept,
        }
        for result in results
    ]
    if rows:
        frame = pd.DataFrame(rows)  # noqa: F841 - DuckDB finds it by name
        connection.execute(f"insert into {TARGET} by name from frame")
    ((count,),) = connection.execute(f"select count(*) from {TARGET}").fetchall()
    return int(count)
