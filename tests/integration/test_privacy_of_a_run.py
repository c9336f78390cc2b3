"""Privacy of what the job leaves behind, on the simulated market with the files of all its systems.

Nothing is changed here: the deployment is shared with other test files.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.contract import load_contracts
from orchestration.lib.dbt_project import build_nodes, read_manifest
from orchestration.lib.ingest.merging import create_empty
from orchestration.lib.privacy.leak_places import search_deployment
from orchestration.lib.privacy.registry import personal_columns
from orchestration.resources import STAGING_DIR
from orchestration.settings import DBT_PROJECT_DIR, Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.fixture
def settings(market_home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith("CADENCIA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CADENCIA_HOME", str(market_home))
    return Settings()


@pytest.fixture
def crm(market_home: Path) -> duckdb.DuckDBPyConnection:
    path = (market_home / "warehouse" / "crm.duckdb").resolve()
    return duckdb.connect(str(path), read_only=True)


def test_the_registry_has_every_column_of_every_table(crm: duckdb.DuckDBPyConnection) -> None:
    missing = crm.execute(
        """select schema_name, table_name, column_name from duckdb_columns() where not internal
        except select schema_name, table_name, column_name from privacy.personal_columns"""
    ).fetchall()
    assert missing == []
    ((schemas, identifiers, without_kind),) = crm.execute(
        """select count(distinct schema_name), count(*) filter (where identifier_kind is not null),
            count(*) filter (where identifier_kind is null
                and data_class in ('direct_identifier', 'customer_key'))
        from privacy.personal_columns"""
    ).fetchall()
    assert (schemas >= 10, identifiers > 500, without_kind) == (True, True, 0)


def test_nobody_stands_in_logs_storage_documents_or_the_analysts_database(
    settings: Settings,
) -> None:
    found = search_deployment(settings, people=60, seed=7)
    assert found.identifiers > 300
    assert found.report.is_complete, found.report.not_searched
    assert found.report.bytes_read > 10_000_000
    assert found.report.hits == (), found.report.sentence()


def test_what_a_run_writes_is_for_its_owner_only(market_home: Path) -> None:
    """The test started it under the usual umask; the command sets its own."""
    others = [
        path
        for path in [market_home, *market_home.rglob("*")]
        if not path.is_symlink() and path.stat().st_mode & 0o077
    ]
    assert others == []


def test_every_column_of_the_systems_that_the_market_lacks_has_a_class(
    market_home: Path, tmp_path: Path
) -> None:
    """Their staging models over empty tables have the columns that a run would have."""
    copy = tmp_path / "crm.duckdb"
    copy.write_bytes((market_home / "warehouse" / "crm.duckdb").read_bytes())
    systems = ("cdnow", "complete_journey", "online_retail")
    with duckdb.connect(str(copy)) as warehouse:
        for system in systems:
            for table in load_contracts(STAGING_DIR)[system].tables:
                create_empty(warehouse, table)
    manifest = read_manifest(DBT_PROJECT_DIR)
    models = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and Path(node["path"]).parts[1] in systems
    ]
    built = build_nodes(DBT_PROJECT_DIR, copy, models, {"source_systems": list(systems)})
    views = {result.name for result in built if result.has_succeeded}
    assert set(models) <= views
    with duckdb.connect(str(copy), read_only=True) as warehouse:
        tables = {(column.schema, column.table) for column in personal_columns(manifest, warehouse)}
    assert {("staging", model) for model in models} <= tables
