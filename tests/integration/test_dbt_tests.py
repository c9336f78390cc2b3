"""dbt's unit tests and the tests of the seeds: what tests the code runs here, not every morning."""

from __future__ import annotations

from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner

from orchestration.settings import DBT_PROJECT_DIR
from tests.conftest import cadencia, drop_journey_sample


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
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop_journey_sample(home)
    outcome = cadencia("run", "--sources", "complete_journey", home=home)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    # A unit test needs the relations that its model reads, so both currencies' systems are built once.
    market = ("--people", "1000", "--days", "120", "--seed", "3", "--out", str(home / "landing"))
    simulated = cadencia("simulate", *market, home=home)
    assert simulated.returncode == 0, simulated.stdout + simulated.stderr
    outcome = cadencia("run", "--sources", "demo", home=home)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    copy = tmp_path / "crm.duckdb"
    copy.write_bytes((home / "warehouse" / "crm.duckdb").read_bytes())
    monkeypatch.setenv("CADENCIA_DBT_DATABASE", str(copy))
    unit = dbt("test", "--select", "test_type:unit", target=tmp_path / "target")
    assert len(unit) >= 8
    assert set(unit.values()) == {"pass"}, unit
    seeds = dbt("test", "--select", "resource_type:test,path:seeds", target=tmp_path / "target")
    assert len(seeds) >= 10
    assert set(seeds.values()) == {"pass"}, seeds
