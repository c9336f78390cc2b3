"""dbt's unit tests and the tests of the seeds: what tests the code runs here, not every morning."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from dbt.cli.main import dbtRunner

from orchestration.lib.contract import load_contracts
from orchestration.lib.ingest.merging import create_empty
from orchestration.resources import STAGING_DIR
from orchestration.settings import DBT_PROJECT_DIR


def dbt(*arguments: str, target: Path) -> dict[str, str]:
    """Run dbt and return the status of each node."""
    outcome = dbtRunner().invoke(
        [
            *arguments,
            "--project-dir", str(DBT_PROJECT_DIR),
            "--profiles-dir", str(DBT_PROJECT_DIR),
            "--target-path", str(target),
            "--log-path", str(target),
            "--quiet",
        ]
    )  # fmt: skip
    assert outcome.result is not None, outcome.exception
    return {result.node.name: str(result.status) for result in outcome.result.results}


def test_unit_tests_and_seed_tests_pass(
    market_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit test needs the relations that its model reads: those of the market, and empty ones."""
    copy = tmp_path / "crm.duckdb"
    copy.write_bytes((market_home / "warehouse" / "crm.duckdb").read_bytes())
    monkeypatch.setenv("CADENCIA_DBT_DATABASE", str(copy))
    with duckdb.connect(str(copy)) as warehouse:
        for table in load_contracts(STAGING_DIR)["complete_journey"].tables:
            create_empty(warehouse, table)
    target = tmp_path / "target"
    built = dbt("run", "--select", "path:models/staging/complete_journey", target=target)
    assert set(built.values()) == {"success"}, built
    unit = dbt("test", "--select", "test_type:unit", target=target)
    assert len(unit) >= 47
    assert set(unit.values()) == {"pass"}, unit
    seeds = dbt("test", "--select", "resource_type:test,path:seeds", target=target)
    assert len(seeds) >= 10
    assert set(seeds.values()) == {"pass"}, seeds
