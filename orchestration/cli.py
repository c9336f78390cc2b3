"""The command `cadencia`: run, status, sql, identity, audit, simulate, doctor, rollback.

Belongs here: options, output and exit codes (0 done, 1 a check failed and nothing was published,
2 bad configuration or input). Does not: the work, which is in `lib` and the Dagster job; the commands
about personal data, which are in `cli_privacy`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from orchestration.cli_privacy import app as privacy_app
from orchestration.lib.errors import CadenciaError
from orchestration.settings import DBT_PROJECT_DIR, Settings, get_settings
from orchestration.terminal import console, errors

app = typer.Typer(
    help="Cadencia: the open predictive-CRM warehouse.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(privacy_app)


def _say(error: CadenciaError) -> int:
    errors.print(f"[bold red]cadencia:[/] {_escape(str(error))}", soft_wrap=True)
    return error.exit_code


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


@app.command()
def run(
    sources: Annotated[
        str, typer.Option(help="Source systems, comma separated (default: CADENCIA_SOURCES).")
    ] = "",
    as_of: Annotated[
        str, typer.Option(help="First day that the run does not know, YYYY-MM-DD.")
    ] = "",
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Load every file again, even unchanged ones.")
    ] = False,
) -> None:
    """Run the whole graph and publish the warehouse: the Dagster job `daily`."""
    started = time.monotonic()
    if sources:
        os.environ["CADENCIA_SOURCES"] = sources
    settings = get_settings()
    _check_options(settings, as_of)
    console.print(
        f"Cadencia run: {', '.join(settings.sources)} → {settings.warehouse_dir}", soft_wrap=True
    )
    # Imported late: dagster and dbt take seconds, and a wrong option should be told at once.
    from orchestration.lib.simulated_market import provide_demo

    provide_demo(settings, console)
    from orchestration.lib.summary import print_summary
    from orchestration.run_job import RunOptions, run_daily

    outcome = run_daily(settings, RunOptions(as_of=as_of, full_refresh=full_refresh), console)
    if not outcome.is_success:
        for sentence in outcome.errors:
            errors.print(f"[bold red]✗[/] {_escape(sentence)}", soft_wrap=True)
        errors.print(
            f"Run {outcome.run_id[:8]} failed. [bold]Nothing was published[/]: readers keep the "
            "version before. `make ui` shows the run in Dagster.",
            soft_wrap=True,
        )
        raise typer.Exit(outcome.exit_code)
    print_summary(settings.warehouse_dir / "crm.duckdb", console)
    console.print(f"Run {outcome.run_id[:8]} published in {time.monotonic() - started:.0f} s.")


def _check_options(settings: Settings, as_of: str) -> None:
    """Refuse wrong options before anything slow is imported."""
    from datetime import UTC, datetime

    from orchestration.lib.as_of import parse_as_of
    from orchestration.lib.contract import load_contracts, select_systems

    select_systems(load_contracts(DBT_PROJECT_DIR / "models" / "staging"), settings.sources)
    parse_as_of(as_of, datetime.now(UTC).date())


@app.command()
def status() -> None:
    """Show the last runs, what is published, its checks and its row counts."""
    from orchestration.lib.status import print_status

    print_status(get_settings(), console)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="The query; without one, a prompt opens.")] = "",
    database: Annotated[
        str, typer.Option(help="analytics (pseudonymised) or crm (personal data).")
    ] = "analytics",
    output: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    limit: Annotated[int, typer.Option(help="Rows shown as a table; csv and json show all.")] = 100,
) -> None:
    """Query the published warehouse, read-only."""
    from orchestration.lib.sql_shell import run_query, run_shell

    settings = get_settings()
    if query:
        run_query(settings, database, query, output, limit, console)
    else:
        run_shell(settings, database, output, limit, console)


@app.command()
def identity(
    explain: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="Two records ('<system>:<key>') or customer ids: why."),
    ] = None,
    review: Annotated[
        bool, typer.Option("--review", help="What a data steward should look at.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Rows of the review queue shown.")] = 20,
    is_with_values: Annotated[
        bool,
        typer.Option("--show-personal-values", help="Show values and keys that are personal data."),
    ] = False,
) -> None:
    """Tell how finding people went, why two records are one person, or what to review."""
    from orchestration.lib.identity_console import print_explanation, print_report, print_review

    settings = get_settings()
    crm_file = settings.warehouse_dir / "crm.duckdb"
    if is_with_values and (explain or review):
        _record(
            settings, "identity_show_personal_values", {"view": "explain" if explain else "review"}
        )
    if explain:
        print_explanation(crm_file, *explain, is_with_values, console)
    elif review:
        print_review(crm_file, limit, is_with_values, console)
    else:
        print_report(crm_file, console)


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder: <system>/ for the files, truth/ beside them.")],
    people: Annotated[
        int | None, typer.Option(help="People of the market (default: 20000).")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="Days of history, or days to add.")] = 730,
    seed: Annotated[
        int | None, typer.Option(help="Equal options and seed give equal files (default: 1).")
    ] = None,
    start: Annotated[
        str, typer.Option(help="First day of the history, YYYY-MM-DD (default: 2024-01-01).")
    ] = "",
    is_continued: Annotated[
        bool, typer.Option("--continue", help="Add days to the market in the folder.")
    ] = False,
) -> None:
    """Write the files that the systems of a simulated Spanish group would export, and the truth."""
    from orchestration.lib.simulated_market import simulate as write_market

    write_market(
        out.expanduser().resolve(),
        people=people,
        days=days,
        seed=seed,
        start=start,
        is_continued=is_continued,
        console=console,
    )


@app.command()
def doctor() -> None:
    """Check the environment and the configuration; say what to mend."""
    from orchestration.lib.doctor import examine

    findings = examine(get_settings())
    table = Table(show_header=False, box=None)
    for finding in findings:
        bad = "[yellow]![/]" if finding.is_warning else "[red]✗[/]"
        mark = "[green]✓[/]" if finding.is_good else bad
        table.add_row(mark, finding.name, _escape(finding.detail))
    console.print(table)
    if not all(finding.is_good or finding.is_warning for finding in findings):
        raise typer.Exit(2)


@app.command()
def audit(
    out: Annotated[
        Path | None, typer.Option(help="File to write (default: audit.html in CADENCIA_HOME).")
    ] = None,
    language: Annotated[
        str, typer.Option(help="Language that opens, en or es; the page holds both.")
    ] = "en",
) -> None:
    """Write the initial audit of the published warehouse as one self-contained HTML page."""
    from orchestration.lib.audit.page import write_audit

    settings = get_settings()
    target = out or settings.home / "audit.html"
    write_audit(settings.warehouse_dir / "crm.duckdb", target.expanduser().resolve(), language)
    console.print(f"Written: {target} (open it in a browser; it holds no personal data).")


@app.command()
def rollback(
    run_id: Annotated[
        str, typer.Argument(metavar="[RUN]", help="First characters of a kept run's id.")
    ] = "",
) -> None:
    """Publish an earlier version again: RUN, or the one before the current."""
    from orchestration.lib.publishing import rollback as publish_again
    from orchestration.lib.publishing import version_to_go_back_to
    from orchestration.lib.run_lock import hold_run_lock

    settings = get_settings()
    with hold_run_lock(settings.warehouse_dir, "rollback"):
        chosen = version_to_go_back_to(settings.warehouse_dir, run_id or None)
        _record(settings, "rollback", {"run_id": chosen.run_id, **chosen.details})
        publish_again(settings.warehouse_dir, chosen.run_id)
    console.print(
        f"Published again: run {chosen.run_id[:8]} of {chosen.published_at[:19]} "
        f"(as of {chosen.details.get('as_of_date', 'unknown')}). "
        f"`cadencia status` lists the versions that are kept."
    )


def _record(settings: Settings, action: str, details: Mapping[str, str]) -> None:
    """Note an action in the audit log."""
    from datetime import UTC, datetime

    from orchestration.lib.privacy.audit_log import append

    append(settings.home, action, details, now=datetime.now(UTC))


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Open the Dagster UI and its daemon on 127.0.0.1, over the same runs as the command line."""
    from orchestration.lib.dagster_ui import serve

    serve(get_settings(), port, console)


def main() -> None:
    """Run the command line; an error that a person can act on is one sentence, not a traceback."""
    os.umask(0o077)
    try:
        app()
    except Exception as error:
        told = _cause(error)
        if told is None:
            raise
        sys.exit(_say(told))


def _cause(error: BaseException | None) -> CadenciaError | None:
    """Return the error for people in a chain of causes; Dagster wraps those of loading twice."""
    while error is not None:
        if isinstance(error, CadenciaError):
            return error
        error = error.__cause__ or error.__context__
    return None


if __name__ == "__main__":
    main()
