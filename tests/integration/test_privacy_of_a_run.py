"""Privacy of what the job leaves behind, on the simulated market with the files of all its systems.

Nothing is changed here: the deployment is shared with other test files.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.privacy.leak_places import search_deployment
from orchestration.settings import Settings

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
