"""The commands about personal data: audit-log, erase, retention, export-person, suppress and others.

Belongs here: options, output and exit codes. Does not: the work, which is in `lib/privacy`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.settings import get_settings
from orchestration.terminal import console, errors

app = typer.Typer()


@app.command("audit-log")
def audit_log(
    is_verified: Annotated[
        bool, typer.Option("--verify", help="Tell whether any entry was changed or removed.")
    ] = False,
    expected: Annotated[
        str, typer.Option("--expect", help="With --verify: a head as it was printed before.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="Newest entries shown as a table.")] = 20,
    output: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
) -> None:
    """Show who did what to personal data, or verify that the record is whole."""
    from orchestration.lib.privacy.audit_log_console import print_entries, print_verification

    if is_verified or expected:
        print_verification(get_settings(), expected, console)
    else:
        print_entries(get_settings(), output, limit, console)


@app.command()
def erase(
    customer_ids: Annotated[
        list[str] | None, typer.Option("--customer-id", help="A golden customer, also a former id.")
    ] = None,
    emails: Annotated[list[str] | None, typer.Option("--email", help="An e-mail address.")] = None,
    phones: Annotated[list[str] | None, typer.Option("--phone", help="A telephone number.")] = None,
    national_ids: Annotated[
        list[str] | None, typer.Option("--national-id", help="A NIF, NIE or CIF.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="CSV of several people: customer_id, email, phone or national_id a row."),
    ] = None,
    is_dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show whom it means and what would go.")
    ] = False,
    is_confirmed: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    is_resumed: Annotated[
        bool, typer.Option("--resume", help="Finish erasures that were begun and stopped.")
    ] = False,
) -> None:
    """Erase people everywhere (GDPR art. 17): files, tables, kept versions; with a certificate."""
    from orchestration.lib.privacy.erasure import console as erasure
    from orchestration.lib.privacy.erasure.journal import Request

    settings = get_settings()
    if is_resumed:
        erasure.resume(settings, console)
        return
    listed = erasure.read_requests(file) if file else Request()
    request = Request(
        (*(customer_ids or ()), *listed.customer_ids),
        (*(emails or ()), *listed.emails),
        (*(phones or ()), *listed.phones),
        (*(national_ids or ()), *listed.national_ids),
    )
    if is_dry_run:
        erasure.preview(settings, request, console)
    else:
        erasure.erase(settings, request, is_confirmed=is_confirmed, console=console)


@app.command()
def retention(
    as_of: Annotated[
        str, typer.Option(help="Periods count back from this day (default: the warehouse's).")
    ] = "",
    is_dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be deleted.")
    ] = False,
) -> None:
    """Delete what is older than its retention period, and publish: the Dagster job `retention`."""
    from datetime import UTC, datetime

    from orchestration.lib.as_of import parse_as_of
    from orchestration.lib.privacy import retention_console

    settings = get_settings()
    published = retention_console.published_as_of(settings)
    day = parse_as_of(as_of, datetime.now(UTC).date()) or published
    if is_dry_run:
        retention_console.print_preview(settings, day, console)
        return
    from orchestration.run_job import RunOptions, run_daily

    options = RunOptions(as_of=str(published), job="retention", retention_as_of=str(day))
    outcome = run_daily(settings, options, console)
    if not outcome.is_success:
        for sentence in outcome.errors:
            errors.print(sentence, style="red", markup=False, soft_wrap=True)
        errors.print("Retention failed. What was published before is still there; run it again.")
        raise typer.Exit(outcome.exit_code)
    retention_console.print_results(settings, outcome.run_id, console)
    console.print("What else was deleted stands in `cadencia audit-log`.")


@app.command()
def leaks(
    people: Annotated[
        int, typer.Option(min=1, help="People whose identifiers are looked for.")
    ] = 200,
    seed: Annotated[int, typer.Option(help="Draws the people; another one draws others.")] = 1,
) -> None:
    """Look for identifiers where none may stand: analysts' database, logs, Dagster, documents."""
    from orchestration.lib.privacy.leak_places import print_places

    settings = get_settings()
    if not (settings.warehouse_dir / "crm.duckdb").exists():
        errors.print("Nothing is published yet, so nobody is known; run `cadencia run` first.")
        raise typer.Exit(2)
    if not print_places(settings, people, seed, console):
        raise typer.Exit(1)


@app.command()
def suppress(
    email: Annotated[str, typer.Option(help="E-mail address of the person.")] = "",
    phone: Annotated[str, typer.Option(help="Telephone number of the person.")] = "",
    national_id: Annotated[str, typer.Option(help="NIF, NIE or CIF of the person.")] = "",
    customer_id: Annotated[
        str, typer.Option(help="Customer: all records, addresses, numbers and ids of the person.")
    ] = "",
    channel: Annotated[
        str,
        typer.Option(help="email, sms, whatsapp, push, phone (with text messages), post or all."),
    ] = "all",
    is_profiling: Annotated[
        bool, typer.Option("--profiling", help="The person objects to profiling, not to contacts.")
    ] = False,
    reason: Annotated[
        str, typer.Option(help="request, objection, complaint, deceased, legal or other.")
    ] = "request",
    until: Annotated[str, typer.Option(help="Last day on which it holds, YYYY-MM-DD.")] = "",
    is_lift: Annotated[
        bool, typer.Option("--lift", help="Take an entry of our own list back; others' lists stay.")
    ] = False,
) -> None:
    """Keep a person from being contacted (or profiled): at once in delivery, in plans from the next run."""
    from orchestration.lib.privacy.suppress_command import SuppressOptions, suppress_person

    said = suppress_person(
        get_settings(),
        SuppressOptions(
            values={"email": email, "phone": phone, "national_id": national_id},
            customer_id=customer_id,
            channel=channel,
            is_profiling=is_profiling,
            reason=reason,
            until=until,
            is_lift=is_lift,
        ),
    )
    console.print(said, soft_wrap=True)


@app.command("rotate-key")
def rotate_key(
    name: Annotated[str, typer.Argument(help="pseudonym: the key of the analysts' pseudonyms.")],
) -> None:
    """Give every customer another pseudonym in the analysts' database, in all kept versions."""
    from orchestration.lib.dbt_project import read_manifest
    from orchestration.lib.privacy.key_rotation import KEPT_KEYS, ROTATED, rotate_pseudonyms
    from orchestration.settings import DBT_PROJECT_DIR

    if name != ROTATED:
        reason = KEPT_KEYS.get(name, "there is no such key")
        errors.print(f"The key '{name}' is not rotated: {reason}. `pseudonym` can be.")
        raise typer.Exit(2)
    done = rotate_pseudonyms(get_settings(), read_manifest(DBT_PROJECT_DIR))
    source = "the key in CADENCIA_PSEUDONYM_KEY" if done.is_key_from_environment else "a new key"
    console.print(
        f"Published under {source}: run {done.run_id[:8]}. Analysts' databases of {done.rebuilt} "
        "kept version(s) were built anew. Lists, notebooks and reports that hold old pseudonyms match "
        "nobody any more."
    )


@app.command("export-person")
def export_person(
    customer_id: Annotated[str, typer.Option(help="Golden customer.")] = "",
    email: Annotated[str, typer.Option(help="An e-mail address of the person.")] = "",
    phone: Annotated[str, typer.Option(help="A telephone of the person.")] = "",
    national_id: Annotated[str, typer.Option(help="NIF or NIE of the person.")] = "",
    out: Annotated[Path | None, typer.Option(help="ZIP to write (default: here).")] = None,
    language: Annotated[
        str, typer.Option(help="Language that opens, es or en; the page holds both.")
    ] = "es",
) -> None:
    """Write all that is held of one person: a ZIP with a readable page, JSON and CSV."""
    from datetime import UTC, datetime

    from orchestration.lib.privacy.person_export import export

    asked = {
        "customer_ids": [customer_id] if customer_id else [],
        "emails": [email] if email else [],
        "phones": [phone] if phone else [],
        "national_ids": [national_id] if national_id else [],
    }
    written = export.export_person(
        get_settings(), asked, out=out, language=language, now=datetime.now(UTC)
    )
    console.print(
        f"Written: {written.path} ({written.rows} rows of {written.tables} tables). It holds personal "
        "data: hand it over safely, then delete it.",
        soft_wrap=True,
    )
