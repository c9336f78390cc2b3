"""The simulated dealers' database from SQLite and, typed, from PostgreSQL: the same raw tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from orchestration.lib.contract import SystemContract, load_contract_file
from orchestration.lib.remote.remote_load import load_remote_table
from orchestration.lib.remote.run_extracts import RunExtracts
from orchestration.resources import STAGING_DIR
from simulation.config import SimulationConfig
from simulation.generate import Places, generate
from tests.database_servers import DatabaseServer

DATABASE = "simulated_dms"
TYPES = {"integer": "integer", "boolean": "boolean", "date": "date", "timestamp": "timestamp"}


def copy_typed(path: Path, system: SystemContract, url: sa.URL) -> int:
    """Copy the tables into PostgreSQL, each column with its contract's type where the values allow.

    Returns the number of columns that are no text.
    """
    typed = 0
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with sqlite3.connect(path) as source, engine.begin() as target:
        for table in system.tables:
            names = [column.name for column in table.columns]
            rows = source.execute(f"select {', '.join(names)} from {table.name}").fetchall()
            target.exec_driver_sql(f"create table {table.name} ({' text, '.join(names)} text)")
            target.exec_driver_sql(
                f"insert into {table.name} values ({', '.join('%s' for _ in names)})",
                [tuple(None if value is None else str(value) for value in row) for row in rows],
            )
            for column in table.columns:
                kind = TYPES.get(column.data_type)
                if column.data_type.startswith("decimal"):
                    kind = "numeric(18, 4)"
                if kind is None:
                    continue
                try:
                    with target.begin_nested():
                        target.exec_driver_sql(
                            f"alter table {table.name} alter {column.name} type {kind} "
                            f"using nullif({column.name}, '')::{kind}"
                        )
                    typed += 1
                except sa.exc.DBAPIError:
                    continue  # a planted fault: the column stays text there, as it would in life
    return typed


@pytest.fixture(scope="module")
def system() -> SystemContract:
    (found,) = load_contract_file(STAGING_DIR / "dms" / "sources.yml")
    return found


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market")
    config = SimulationConfig(people=1_000, days=200, seed=5)
    generate(config, Places(landing=folder / "landing", truth=folder / "truth"))
    return folder / "landing"


@pytest.fixture
def url(postgresql_server: DatabaseServer) -> Iterator[sa.URL]:
    postgresql_server.make_database(DATABASE)
    yield postgresql_server.url(DATABASE)
    postgresql_server.drop_database(DATABASE)


def load(system: SystemContract, landing: Path, work: Path) -> duckdb.DuckDBPyConnection:
    warehouse = duckdb.connect()
    warehouse.execute("set timezone = 'UTC'")
    extracts = RunExtracts(work, landing)
    for table in system.tables:
        result = load_remote_table(
            warehouse,
            system,
            table,
            extracts,
            wanted=system.tables,
            loaded_at=datetime(2025, 6, 1),
            run_id="run",
        )
        assert result.is_balanced
    return warehouse


def test_both_databases_give_the_same_raw_tables(
    system: SystemContract,
    landing: Path,
    tmp_path: Path,
    url: sa.URL,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_sqlite = load(system, landing, tmp_path / "sqlite")
    assert copy_typed(landing / "dms" / "dms.sqlite", system, url) > 20
    monkeypatch.setenv("CADENCIA_SOURCE_DMS_URL", url.render_as_string(hide_password=False))
    by_postgresql = load(system, landing, tmp_path / "postgresql")
    for table in system.tables:
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        query = f"select {names} from {table.relation} order by all"
        rows = by_sqlite.execute(query).fetchall()
        assert rows, table.name
        assert by_postgresql.execute(query).fetchall() == rows, table.name
