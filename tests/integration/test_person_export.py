"""Exports of people of a simulated market: every column that the registry names, and no other person."""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.connection import open_published
from orchestration.lib.dbt_project import read_manifest
from orchestration.lib.privacy.identifier_forms import STRONG_KINDS
from orchestration.lib.privacy.registry import personal_columns
from orchestration.lib.privacy.subjects import Subject, find_subjects
from orchestration.settings import DBT_PROJECT_DIR
from tests.conftest import cadencia
from tests.shared_runs import copy_home

PEOPLE = 3
NAMED_AFTER_ONE = re.compile("household|cluster|_part$")
Exported = dict[str, list[dict[str, object]]]


def people_of_many_systems(crm_file: Path) -> list[str]:
    """Return customers known to as many systems as possible: they have the most to tell."""
    with open_published(crm_file) as connection:
        rows = connection.execute(
            """select customer_id from marts.customer_identities where valid_to is null
            group by customer_id order by count(distinct source_system) desc, customer_id limit ?""",
            [PEOPLE],
        ).fetchall()
    return [row[0] for row in rows]


def read_package(path: Path) -> Exported:
    with zipfile.ZipFile(path) as archive:
        return {
            name.removeprefix("json/").removesuffix(".json"): json.loads(archive.read(name))
            for name in archive.namelist()
            if name.startswith("json/")
        }


def own_values(subjects: list[Subject]) -> dict[str, set[str]]:
    """Return what only these people have, by identifier kind; keys of records with their system."""
    values: dict[str, set[str]] = {"customer": set(), "record": set()}
    for subject in subjects:
        values["customer"].add(subject.customer_id)
        values["record"] |= {f"{system}:{key}" for system, key in subject.records}
        for identifier in subject.identifiers:
            if identifier.kind in STRONG_KINDS and not identifier.is_shared:
                values.setdefault(identifier.kind, set()).add(identifier.value)
    return values


def require_every_column_of_the_registry(
    connection: duckdb.DuckDBPyConnection, subjects: list[Subject], exported: Exported
) -> int:
    """Compare, column by column of the registry, how often each own value stands in table and ZIP.

    The oracle is plain equality of values, not the conditions by which the export selects.
    """
    own = own_values(subjects)
    looked_at = 0
    for column in personal_columns(read_manifest(DBT_PROJECT_DIR), connection):
        # A household and a cluster are named after one of their records: the others' rows have it too.
        if not column.is_identifying or NAMED_AFTER_ONE.search(column.column):
            continue
        expected_values = own.get(column.identifier_kind or "", set())
        if column.identifier_kind == "customer_key":
            expected_values = own["customer"] | own["record"]
        if not expected_values:
            continue
        in_table = Counter(
            {
                str(value): count
                for value, count in connection.execute(
                    f"""select "{column.column}", count(*) from {column.relation}
                    where cast("{column.column}" as varchar) in (select unnest(?)) group by all""",
                    [sorted(expected_values)],
                ).fetchall()
            }
        )
        rows = exported.get(f"{column.schema}.{column.table}", [])
        in_package = Counter(
            str(row[column.column])
            for row in rows
            if row[column.column] is not None and str(row[column.column]) in expected_values
        )
        assert in_package == in_table, f"{column.schema}.{column.table}.{column.column}"
        looked_at += len(in_table)
    return looked_at


def require_nobody_else(
    connection: duckdb.DuckDBPyConnection, subjects: list[Subject], text: str
) -> None:
    """Look for each customer id, and each strong identifier, that only others have."""
    mine = {value.lower() for values in own_values(subjects).values() for value in values}
    mine |= {each.value.lower() for subject in subjects for each in subject.identifiers}
    mine |= {key.lower() for subject in subjects for _, key in subject.records}
    everybody = connection.execute(
        """select customer_id from marts.dim_customers
        union select email from identity.customer_records
        union select email_raw from identity.customer_records
        union select national_id from identity.customer_records
        union select loyalty_card from identity.customer_records
        union select phone from identity.customer_records
        union select mobile_phone from identity.customer_records"""
    ).fetchall()
    for (value,) in everybody:
        if value and len(value) > 7 and value.lower() not in mine and value.lower() in text:
            # An address may be the end of one's own (ana@ in juana@).
            assert any(value.lower() in each for each in mine), "another person's identifier"


@pytest.fixture(scope="module")
def exporting_home(market_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_home(market_home, tmp_path_factory.mktemp("exporting") / "home")


def test_exports_hold_every_column_of_the_registry_and_nobody_else(
    exporting_home: Path, tmp_path: Path
) -> None:
    crm_file = exporting_home / "warehouse" / "crm.duckdb"
    for customer_id in people_of_many_systems(crm_file):
        target = tmp_path / f"{customer_id}.zip"
        outcome = cadencia(
            "export-person", "--customer-id", customer_id, "--out", str(target), home=exporting_home
        )
        assert outcome.returncode == 0, outcome.stderr
        exported = read_package(target)
        with duckdb.connect(str(crm_file.resolve()), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            subjects = find_subjects(connection, customer_ids=[customer_id])
            looked_at = require_every_column_of_the_registry(connection, subjects, exported)
            assert looked_at > 50
            with zipfile.ZipFile(target) as archive:
                text = "\n".join(archive.read(name).decode() for name in archive.namelist())
            require_nobody_else(connection, subjects, text.lower())
        assert {"marts.dim_customers", "marts.customer_360"} <= set(exported)
        assert any(name.startswith("raw.") for name in exported)


def test_who_is_unknown_is_told_so_and_exports_are_recorded(
    exporting_home: Path, tmp_path: Path
) -> None:
    target = tmp_path / "nobody.zip"
    outcome = cadencia(
        "export-person", "--email", "nobody@example.org", "--out", str(target), home=exporting_home
    )
    assert outcome.returncode == 2
    assert "Nobody is known by the value of --email" in outcome.stderr
    assert "nobody@" not in outcome.stderr
    assert not target.exists()
    assert cadencia("export-person", home=exporting_home).returncode == 2
    log = cadencia("audit-log", "--format", "json", home=exporting_home)
    exports = [entry for entry in json.loads(log.stdout) if entry["action"] == "export"]
    assert all(entry["subject"].startswith("S") for entry in exports)
    assert cadencia("audit-log", "--verify", home=exporting_home).returncode == 0
