"""`cadencia retention`: what would be deleted, or what was.

Belongs here: layout, and reading the published warehouse in advance. Does not: deleting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from rich.console import Console
from rich.table import Table

from orchestration.lib.connection import open_published
from orchestration.lib.contract import load_contracts
from orchestration.lib.dagster_home import open_instance
from orchestration.lib.privacy.retention import TableResult, cuts_as_of, preview, read_cuts
from orchestration.lib.privacy.retention_cleaning import count_outside
from orchestration.lib.privacy.retention_files import OldFile, old_files
from orchestration.lib.privacy.retention_policy import load_policy
from orchestration.settings import DBT_PROJECT_DIR, Settings

OUTSIDE = {
    "files": "delivered files, old as a whole",
    "quarantine": "quarantine folders",
    "versions": "earlier versions",
    "runs": "runs with their logs",
    "audit_entries": "entries of the audit log",
}


def published_as_of(settings: Settings) -> date:
    """Return the as-of date of the published version: periods count back from it by default."""
    with open_published(settings.warehouse_dir / "crm.duckdb") as connection:
        as_of: date = connection.execute("select as_of_date from ops.settings").fetchall()[0][0]
    return as_of


def print_preview(settings: Settings, as_of: date, console: Console) -> None:
    """Print what `cadencia retention` would delete as of a date; nothing is changed."""
    policy = load_policy(settings.home)
    cuts = read_cuts(settings.home).merged(cuts_as_of(policy, as_of)).by_table
    contracts = load_contracts(DBT_PROJECT_DIR / "models" / "staging")
    systems = [contracts[name] for name in settings.sources]
    with open_published(settings.warehouse_dir / "crm.duckdb") as connection:
        results = preview(connection, policy, cuts)
        files = old_files(connection, systems, policy, cuts, settings.landing_dir)
    with open_instance(settings.dagster_home) as instance:
        outside = dict(count_outside(settings, instance, as_of))
    outside["files"] = sum(file.is_whole for file in files)
    console.print(f"Dry run as of {as_of}: nothing is deleted.")
    _print_tables(results, "rows that would go", console)
    _print_outside(outside, console)
    _print_mixed(files, console)


def print_results(settings: Settings, run_id: str, console: Console) -> None:
    """Print what a run of the job `retention` deleted, from the version that it published."""
    query = """
        select table_name, retention_class, retention_days, cut_date, rows_deleted, oldest_kept_at
        from privacy.retention where run_id = ? order by table_name"""
    with open_published(settings.warehouse_dir / "crm.duckdb") as connection:
        rows = connection.execute(query, [run_id]).fetchall()
    _print_tables([TableResult(*row) for row in rows], "rows deleted", console)


def _print_tables(results: Sequence[TableResult], heading: str, console: Console) -> None:
    table = Table()
    for name in ("table", "class", "days", "kept from", heading, "oldest left"):
        is_number = name in ("days", heading)
        table.add_column(
            name, justify="right" if is_number else "left", no_wrap=name in ("table", "kept from")
        )
    for each in results:
        table.add_row(
            each.table,
            each.retention_class,
            str(each.days),
            str(each.cut),
            f"{each.rows_deleted:,}",
            str(each.oldest_kept or "-")[:10],
        )
    console.print(table)


def _print_outside(counts: Mapping[str, int], console: Console) -> None:
    table = Table(show_header=False)
    for name, title in OUTSIDE.items():
        table.add_row(title, f"{counts.get(name, 0):,}")
    console.print(table)


def _print_mixed(files: Sequence[OldFile], console: Console) -> None:
    mixed = [file for file in files if not file.is_whole]
    if mixed:
        console.print(
            f"{len(mixed)} delivered file(s) hold old rows beside newer ones, e.g. "
            f"landing/{mixed[0].system}/{mixed[0].name}: they are rewritten without them, but for "
            "files that several tables read.",
            soft_wrap=True,
        )
