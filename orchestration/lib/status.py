"""`cadencia status`: the last runs, the kept versions, checks and row counts."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.lib.connection import open_published
from orchestration.lib.dagster_home import close_orphans, open_instance
from orchestration.lib.publishing import published_runs
from orchestration.lib.summary import table_counts
from orchestration.settings import Settings

LAST_RUNS = 10
WARNINGS_QUERY = """
select relation, check_name, failures, coalesce(message, '') from quality.checks
where run_id = (select run_id from ops.settings) and not is_passed
order by relation, check_name, message
"""


def _runs_table(instance: dg.DagsterInstance) -> Table:
    table = Table(title="Last runs", title_justify="left")
    for heading in ("run", "job", "status", "started (UTC)", "took", "by"):
        table.add_column(heading)
    for record in instance.get_run_records(limit=LAST_RUNS):
        run = record.dagster_run
        started = (
            datetime.fromtimestamp(record.start_time, UTC).strftime("%Y-%m-%d %H:%M:%S")
            if record.start_time
            else "-"
        )
        took = (
            f"{record.end_time - record.start_time:.0f} s"
            if record.start_time and record.end_time
            else "-"
        )
        style = {"SUCCESS": "green", "FAILURE": "red"}.get(run.status.value, "yellow")
        table.add_row(
            run.run_id[:8],
            run.job_name,
            f"[{style}]{run.status.value.lower()}[/]",
            started,
            took,
            run.tags.get("cadencia/started_by", "dagster"),
        )
    return table


def print_status(settings: Settings, console: Console) -> None:
    """Print the state of this deployment."""
    with open_instance(settings.dagster_home) as instance:
        close_orphans(instance)
        console.print(_runs_table(instance))
    versions = published_runs(settings.warehouse_dir)
    if not versions:
        console.print(f"Nothing is published in {settings.warehouse_dir} yet. Run `cadencia run`.")
        return
    kept = Table(title="Published versions", title_justify="left")
    for heading in ("", "run", "published (UTC)", "as of", "sources"):
        kept.add_column(heading)
    for version in versions:
        kept.add_row(
            "→" if version.is_current else "",
            version.run_id[:8],
            version.published_at[:19].replace("T", " "),
            version.details.get("as_of_date", ""),
            version.details.get("source_systems", ""),
        )
    console.print(kept)
    current = next(version for version in versions if version.is_current)
    age = datetime.now(UTC) - datetime.fromisoformat(current.published_at)
    console.print(f"Fresh: published {age.total_seconds() / 3600:.1f} hours ago.")
    crm_file = settings.warehouse_dir / "crm.duckdb"
    with open_published(crm_file) as connection:
        warnings = connection.execute(WARNINGS_QUERY).fetchall()
    for relation, name, failures, message in warnings:
        told = escape(message) or f"{failures} rows"
        console.print(f"[yellow]warning[/] {relation}: {name} ({told})", soft_wrap=True)
    counts = Table(title="Rows", title_justify="left", show_header=False)
    counts.add_column()
    counts.add_column(justify="right")
    for name, rows in table_counts(crm_file):
        counts.add_row(name, f"{rows:,}")
    console.print(counts)
