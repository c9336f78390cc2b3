"""`cadencia erase`: who is meant, what would go, how far it is, and what was done; never a value.

Belongs here: reading the request, asking, printing. Does not: the work (`process`).
"""

from __future__ import annotations

import csv
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from orchestration.lib.contract import load_contracts
from orchestration.lib.dbt_project import ensure_manifest, read_manifest
from orchestration.lib.errors import ConfigurationError, InputError
from orchestration.lib.privacy.byte_search import compile_patterns
from orchestration.lib.privacy.erasure.changes import changes_of
from orchestration.lib.privacy.erasure.journal import Journal, Lookup, Request, begin, pending
from orchestration.lib.privacy.erasure.lookup import look_up, run_folders
from orchestration.lib.privacy.erasure.process import Erasure
from orchestration.lib.privacy.erasure.rules import Rules
from orchestration.lib.privacy.erasure.versions import reading
from orchestration.lib.privacy.subjects import STAGING_DIR, Subject
from orchestration.lib.run_lock import hold_run_lock
from orchestration.settings import DBT_PROJECT_DIR, Settings

COLUMNS = {
    "customer_id": "customer_ids",
    "email": "emails",
    "phone": "phones",
    "national_id": "national_ids",
}
ROWS_SHOWN = 12


def read_requests(path: Path) -> Request:
    """Read a CSV of people: one a row, in the columns customer_id, email, phone, national_id.

    Raises
    ------
    InputError
        When the file can't be read, a column is unknown, or a row names nobody or by several columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = [name.strip() for name in reader.fieldnames or ()]
            rows = [dict(zip(names, row.values(), strict=False)) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} can't be read ({type(error).__name__}). Give a CSV in UTF-8 with the columns "
            f"{', '.join(COLUMNS)}, one person a row."
        ) from None
    unknown = sorted(set(names) - set(COLUMNS))
    if unknown or not names:
        raise InputError(
            f"{path}: the column(s) {', '.join(unknown) or 'of the heading'} are not known. Those are "
            f"{', '.join(COLUMNS)}."
        )
    found: dict[str, list[str]] = {name: [] for name in COLUMNS.values()}
    for number, row in enumerate(rows, start=2):
        filled = [(name, value.strip()) for name, value in row.items() if value and value.strip()]
        if len(filled) != 1:
            raise InputError(
                f"{path}: row {number} names {'nobody' if not filled else 'a person twice'}. Fill "
                "exactly one column in each row."
            )
        found[COLUMNS[filled[0][0]]].append(filled[0][1])
    return Request(**{name: tuple(values) for name, values in found.items()})


def _print_people(subjects: Sequence[Subject], console: Console) -> None:
    table = Table(box=None)
    for heading, justify in (
        ("customer", "left"),
        ("records", "right"),
        ("systems", "left"),
        ("identifiers", "right"),
        ("shared", "right"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for subject in subjects[:ROWS_SHOWN]:
        systems = sorted({system for system, _ in subject.records})
        shared = sum(each.is_shared for each in subject.identifiers)
        name = subject.customer_id + (" (not linked)" if subject.is_twin else "")
        table.add_row(
            name,
            str(len(subject.records)),
            ", ".join(systems),
            str(len(subject.identifiers)),
            str(shared),
        )
    console.print(table)
    if len(subjects) > ROWS_SHOWN:
        console.print(f"… and {len(subjects) - ROWS_SHOWN} more.")
    twins = sum(each.is_twin for each in subjects)
    if twins:
        console.print(
            f"{twins} of them were not asked for by name: records that the linking left alone, with the "
            "same identifiers and nothing that contradicts."
        )


def _print_counts(deleted: Counter[str], unlinked: Counter[str], console: Console) -> None:
    table = Table(box=None)
    table.add_column("schema")
    table.add_column("rows deleted", justify="right")
    table.add_column("rows that stay, unlinked", justify="right")
    totals: dict[str, list[int]] = {}
    for position, counter in enumerate((deleted, unlinked)):
        for name, count in counter.items():
            totals.setdefault(name.partition(".")[0], [0, 0])[position] += count
    for schema, (gone, kept) in sorted(totals.items()):
        table.add_row(schema, f"{gone:,}", f"{kept:,}")
    console.print(table)


def preview(settings: Settings, request: Request, console: Console) -> None:
    """Show whom a request means and what of them is in the published version; change nothing."""
    contracts = load_contracts(STAGING_DIR)
    working_dir = settings.warehouse_dir / "work" / "erasure-preview"
    with hold_run_lock(settings.warehouse_dir, "erase --dry-run"):
        working_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            lookup, subjects = look_up(settings, request, contracts, working_dir)
            _print_people(subjects, console)
            _print_preview(settings, lookup, working_dir, console)
        finally:
            shutil.rmtree(working_dir, ignore_errors=True)


def _print_preview(settings: Settings, lookup: Lookup, working_dir: Path, console: Console) -> None:
    ensure_manifest(DBT_PROJECT_DIR)
    patterns = compile_patterns(lookup.identifiers)
    rules = Rules(load_contracts(STAGING_DIR), read_manifest(DBT_PROJECT_DIR), patterns)
    current = (settings.warehouse_dir / "crm.duckdb").resolve()
    targets = lookup.targets.merged(lookup.versions[current.parent.name])
    with reading(current, working_dir, settings.threads) as connection:
        changes = changes_of(connection, rules, targets)
    deleted: Counter[str] = Counter()
    unlinked: Counter[str] = Counter()
    for (schema, table), change in changes.items():
        (unlinked if change.blank else deleted)[f"{schema}.{table}"] += change.count
    _print_counts(deleted, unlinked, console)
    console.print(
        f"This is what the published version holds of them; {len(run_folders(settings.warehouse_dir))} "
        f"kept version(s) and {len(lookup.hashes)} delivered files would be gone through. Nothing was "
        "changed."
    )
    _print_outside(lookup.outside, console)


def _print_outside(outside: Sequence[str], console: Console) -> None:
    if outside:
        console.print(
            f"Not ours to rewrite: {', '.join(outside)} (a database or service). Have its owner erase "
            "them there; tombstones keep their rows out of the warehouse meanwhile.",
            soft_wrap=True,
        )


def _confirm(subjects: int, console: Console) -> None:
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "An erasure can't be undone, so it wants a yes: add --yes, or look with --dry-run first."
        )
    answer = console.input(f"Erase these {subjects} customer(s) everywhere, for good? [y/N] ")
    if answer.strip().lower() not in ("y", "yes", "s", "si", "sí"):
        raise ConfigurationError("Nothing was changed.")


def erase(settings: Settings, request: Request, *, is_confirmed: bool, console: Console) -> None:
    """Erase the people of a request.

    Raises
    ------
    ConfigurationError
        When an earlier erasure is unfinished, or nobody said yes.
    """
    if request.is_empty:
        raise ConfigurationError(
            "Say whom: --customer-id, --email, --phone, --national-id, or --file with several people."
        )
    with hold_run_lock(settings.warehouse_dir, "erase"):
        waiting = pending(settings.home)
        if waiting:
            raise ConfigurationError(
                f"The erasure {waiting[0].request_id} was begun and not finished. Run `cadencia erase "
                "--resume` first."
            )
        contracts = load_contracts(STAGING_DIR)
        working_dir = settings.warehouse_dir / "work" / "erasure-lookup"
        working_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lookup, subjects = look_up(settings, request, contracts, working_dir)
        _print_people(subjects, console)
        if not is_confirmed:
            _confirm(len(subjects), console)
        journal = begin(settings.home, request, datetime.now(UTC))
        journal.write_lookup(lookup)
        _carry_out(settings, journal, console)


def resume(settings: Settings, console: Console) -> None:
    """Finish every erasure that was begun."""
    with hold_run_lock(settings.warehouse_dir, "erase --resume"):
        waiting = pending(settings.home)
        if not waiting:
            console.print("No erasure is unfinished.")
        for journal in waiting:
            _carry_out(settings, journal, console)


def _carry_out(settings: Settings, journal: Journal, console: Console) -> None:
    started = time.monotonic()
    stage = ""

    def tell(name: str, item: str) -> None:
        nonlocal stage
        if name != stage:
            stage = name
            console.print(f"[dim]{time.monotonic() - started:6.1f} s[/]  {name}")

    certificate = Erasure(settings, journal, tell).run()
    _print_done(settings, journal, certificate, time.monotonic() - started, console)


def _print_done(
    settings: Settings,
    journal: Journal,
    certificate: dict[str, Any],
    seconds: float,
    console: Console,
) -> None:
    deleted: Counter[str] = Counter()
    unlinked: Counter[str] = Counter()
    for counts in certificate["versions"].values():
        deleted.update(counts["rows_deleted"])
        unlinked.update(counts["rows_unlinked"])
    _print_counts(deleted, unlinked, console)
    verified = certificate["verification"]
    console.print(
        f"{certificate['people']} customer(s) with {certificate['source_records']} records erased from "
        f"{len(certificate['versions'])} version(s), {len(certificate['landing_files'])} delivered and "
        f"{len(certificate['other_files'])} other files in {seconds:.0f} s. Verified: "
        f"{verified['identifiers']} identifiers in {verified['files']} files, "
        f"{verified['bytes'] / 1e6:,.0f} MB: {verified['hits']} hits.",
        soft_wrap=True,
    )
    for place in verified["not_searched"]:
        console.print(f"Could not be looked into: {place}", soft_wrap=True)
    _print_outside(certificate["to_be_erased_there_by_their_owner"], console)
    console.print(f"Certificate: {journal.folder / 'certificate.json'}", soft_wrap=True)
