"""Export a person: find, note in the audit log, collect, write.

Belongs here: the order of the steps. Does not: any of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.lib.contract import load_contracts
from orchestration.lib.dbt_project import read_manifest
from orchestration.lib.errors import ConfigurationError
from orchestration.lib.privacy.audit_log import append, subject_pseudonym
from orchestration.lib.privacy.person_export.collect import collect
from orchestration.lib.privacy.person_export.facts import plays_of, read_facts
from orchestration.lib.privacy.person_export.package import describe, write_package
from orchestration.lib.privacy.person_export.page import render_page
from orchestration.lib.privacy.registry import published_columns
from orchestration.lib.privacy.retention_policy import load_policy
from orchestration.lib.privacy.subjects import find_subjects
from orchestration.settings import DBT_PROJECT_DIR, Settings


@dataclass(frozen=True)
class Exported:
    """What was written."""

    path: Path
    tables: int
    rows: int


def export_person(
    settings: Settings,
    asked: Mapping[str, Sequence[str]],
    *,
    out: Path | None,
    language: str,
    now: datetime,
) -> Exported:
    """Write the ZIP of everything that is held of one person.

    Parameters
    ----------
    settings
        The deployment.
    asked
        ``customer_ids``, ``emails``, ``phones`` or ``national_ids``, as `find_subjects` takes them.
    out
        File to write; by default one in the current folder, named by the person's pseudonym in the audit
        log.
    language
        Language in which the page opens.
    now
        Time of issue, with its zone.

    Raises
    ------
    InputError
        When nobody is found, or different people are.
    ConfigurationError
        When nothing is asked for or published, the language is unknown, or the file can't be written.
    """
    if not any(asked.values()):
        raise ConfigurationError(
            "Say whom to export: --customer-id, --email, --phone or --national-id."
        )
    crm_file = settings.warehouse_dir / "crm.duckdb"
    if not crm_file.exists():
        raise ConfigurationError(
            f"There is no published warehouse at {crm_file}. Run `cadencia run` first."
        )
    contracts = load_contracts(DBT_PROJECT_DIR / "models" / "staging")
    manifest = read_manifest(DBT_PROJECT_DIR)
    with duckdb.connect(str(crm_file.resolve()), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        subjects = find_subjects(
            connection,
            asked.get("customer_ids", ()),
            asked.get("emails", ()),
            asked.get("phones", ()),
            asked.get("national_ids", ()),
        )
        pseudonym = subject_pseudonym(settings.home, subjects[0].customer_id)
        append(
            settings.home,
            "export",
            {"records": sum(len(subject.records) for subject in subjects)},
            now=now,
            subject=pseudonym,
        )
        registry = published_columns(manifest, connection)
        holdings = collect(connection, contracts, registry, subjects, settings.quarantine_dir)
        facts = read_facts(
            connection,
            subjects,
            holdings,
            policy=load_policy(settings.home),
            system_titles={name: system.title for name, system in contracts.items()},
            plays=plays_of(manifest),
            issued_at=now,
            controller=settings.controller,
            contact=settings.privacy_contact,
        )
    target = (out or Path(f"export-{pseudonym[:13]}.zip")).expanduser().resolve()
    write_package(target, facts, render_page(facts, language), describe(manifest))
    return Exported(target, len(holdings), sum(len(each.rows) for each in holdings))
