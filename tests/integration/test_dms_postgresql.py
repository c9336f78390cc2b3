"""The system `dms` through the real job, from PostgreSQL and as from SQLite; a database that goes away."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from orchestration.lib.contract import load_contract_file
from orchestration.lib.remote.remote_load import load_remote_table
from orchestration.lib.remote.run_extracts import RunExtracts
from orchestration.resources import STAGING_DIR
from tests.conftest import cadencia
from tests.database_servers import PASSWORD, DatabaseServer
from tests.dms_sample import Rows, make_rows, write_postgresql, write_sqlite

pytestmark = pytest.mark.slow
AS_OF = ("--as-of", "2025-01-01")
DATABASE = "dms_of_the_job"


@pytest.fixture(scope="module")
def rows() -> Rows:
    return make_rows()


@pytest.fixture(scope="module")
def postgresql(postgresql_server: DatabaseServer, rows: Rows) -> Iterator[DatabaseServer]:
    postgresql_server.make_database(DATABASE)
    write_postgresql(postgresql_server.url(DATABASE), rows)
    yield postgresql_server
    postgresql_server.drop_database(DATABASE)


def run(home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return cadencia("run", "--sources", "dms", *AS_OF, home=home, **variables)


@pytest.fixture(scope="module")
def by_postgresql(
    tmp_path_factory: pytest.TempPathFactory, postgresql: DatabaseServer
) -> tuple[Path, dict[str, str]]:
    """Return a deployment that was loaded from PostgreSQL once, and its variables."""
    home = tmp_path_factory.mktemp("postgresql")
    variables = {"CADENCIA_SOURCE_DMS_URL": postgresql.text(DATABASE)}
    done = run(home, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return home, variables


def read(home: Path, query: str) -> list[Any]:
    with duckdb.connect(str((home / "warehouse" / "crm.duckdb").resolve()), read_only=True) as crm:
        return crm.execute(query).fetchall()


def test_sqlite_gives_the_raw_tables_that_postgresql_gave_the_job(
    tmp_path: Path, rows: Rows, by_postgresql: tuple[Path, dict[str, str]]
) -> None:
    """The marts follow from the raw tables alone; a run on SQLite is what every demo is."""
    write_sqlite(tmp_path / "landing" / "dms" / "dms.sqlite", rows)
    (system,) = load_contract_file(STAGING_DIR / "dms" / "sources.yml")
    extracts = RunExtracts(tmp_path / "work", tmp_path / "landing")
    with duckdb.connect() as warehouse:
        warehouse.execute("set timezone = 'UTC'")
        for table in system.tables:
            load_remote_table(
                warehouse,
                system,
                table,
                extracts,
                wanted=system.tables,
                loaded_at=datetime(2025, 6, 1),
                run_id="run",
            )
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            query = f"select {names} from {table.relation} order by all"
            found = warehouse.execute(query).fetchall()
            assert len(found) == len(rows[table.name])
            assert found == read(by_postgresql[0], query), table.name
    ((customers,),) = read(by_postgresql[0], "select count(*) from marts.dim_customers")
    assert customers >= len(rows["customers"])
    ((total,),) = read(by_postgresql[0], "select sum(net_price) from raw.dms__vehicle_orders")
    assert float(total) == pytest.approx(sum(row["net_price"] for row in rows["vehicle_orders"]))


def test_the_second_run_takes_what_changed(
    by_postgresql: tuple[Path, dict[str, str]], postgresql: DatabaseServer
) -> None:
    home, variables = by_postgresql
    engine = sa.create_engine(postgresql.url(DATABASE), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "update customers set city = 'Segovia', updated_at = '2024-12-01' "
            "where customer_no in ('000001', '000002')"
        )
    done = run(home, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    ((delivered, loaded, unchanged),) = read(
        home,
        "select rows_delivered, rows_loaded, rows_unchanged from raw._batches "
        "where source_file = 'database:dms.customers' order by loaded_at desc limit 1",
    )
    assert (loaded, delivered) == (2, 2 + unchanged)
    assert unchanged <= 1
    cities = read(home, "select customer_no from raw.dms__customers where city = 'Segovia'")
    assert sorted(cities) == [("000001",), ("000002",)]


def _kill_backend_when_it_reads(server: DatabaseServer, over: threading.Event) -> None:
    """Cut the run's connection while it reads the table that a lock holds up."""
    with server.admin().connect() as admin:
        while not over.is_set():
            waiting = admin.exec_driver_sql(
                "select pid from pg_stat_activity where application_name = 'cadencia' "
                "and wait_event_type = 'Lock'"
            ).scalar()
            if waiting is not None:
                admin.exec_driver_sql(f"select pg_terminate_backend({waiting})")
                return
            time.sleep(0.05)


def test_a_database_that_goes_away_leaves_the_published_warehouse(
    by_postgresql: tuple[Path, dict[str, str]], postgresql: DatabaseServer
) -> None:
    home, variables = by_postgresql
    published = (home / "warehouse" / "current").resolve()
    before = {path.name: path.read_bytes() for path in published.iterdir()}
    engine = sa.create_engine(postgresql.url(DATABASE), poolclass=sa.NullPool)
    over = threading.Event()
    killer = threading.Thread(target=_kill_backend_when_it_reads, args=(postgresql, over))
    with engine.connect() as holder:
        # A lock makes the extract wait in the middle: some tables are read, some are not.
        holder.exec_driver_sql("lock table vehicle_orders in access exclusive mode")
        killer.start()
        done = run(home, **variables)
        over.set()
        killer.join()
        holder.rollback()
    assert done.returncode == 2, done.stdout + done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    assert "dms.vehicle_orders" in said
    assert "was lost" in said
    assert PASSWORD not in said
    assert (home / "warehouse" / "current").resolve() == published
    assert {path.name: path.read_bytes() for path in published.iterdir()} == before
    assert list((home / "warehouse" / "work").iterdir()) == []


def test_a_wrong_password_ends_the_run_with_2(
    by_postgresql: tuple[Path, dict[str, str]], postgresql: DatabaseServer
) -> None:
    home, _ = by_postgresql
    wrong = postgresql.text(DATABASE, password="wr0ng")
    published = (home / "warehouse" / "current").resolve()
    done = run(home, CADENCIA_SOURCE_DMS_URL=wrong)
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "CADENCIA_SOURCE_DMS_URL" in said
    assert "wr0ng" not in said
    assert (home / "warehouse" / "current").resolve() == published
    looked = cadencia("doctor", home=home, CADENCIA_SOURCE_DMS_URL=wrong, CADENCIA_SOURCES="dms")
    assert looked.returncode != 0
    assert f"127.0.0.1:{postgresql.port}" in looked.stdout
    assert "wr0ng" not in looked.stdout + looked.stderr


def test_the_doctor_names_the_place_and_counts_the_tables(
    by_postgresql: tuple[Path, dict[str, str]], postgresql: DatabaseServer
) -> None:
    home, variables = by_postgresql
    looked = cadencia("doctor", home=home, CADENCIA_SOURCES="dms", **variables)
    said = " ".join(looked.stdout.split())
    assert f"on 127.0.0.1:{postgresql.port}: all 8 tables found" in said
    assert PASSWORD not in said
