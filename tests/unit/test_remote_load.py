"""Extracts in the warehouse: snapshots, the cursor, what counts as unchanged, what a failure leaves."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.lib.contract import ColumnContract, SystemContract, TableContract
from orchestration.lib.contract_rest import RestContract
from orchestration.lib.errors import InputError
from orchestration.lib.ingest.ledger import LoadResult
from orchestration.lib.remote.remote_load import load_remote_table
from orchestration.lib.remote.run_extracts import RunExtracts
from tests.rest_service import RECORD_COUNT, RECORDS, Answer, Asked, run_rest_service

CUSTOMERS = TableContract(
    system="dms",
    name="customers",
    identifier="dms__customers",
    description="Test.",
    location="database://customers",
    format="database",
    columns=(
        ColumnContract("customer_no", "varchar", "customer_key", "customer_no", is_required=True),
        ColumnContract("city", "varchar", "none", "city"),
        ColumnContract("updated_at", "timestamp", "none", "updated_at"),
    ),
    primary_key=("customer_no",),
    timezone="Europe/Madrid",
    delivery="upsert",
    version_by=("updated_at",),
    cursor="updated_at",
)
DEALERS = replace(
    CUSTOMERS,
    name="dealers",
    identifier="dms__dealers",
    location="database://dealers",
    columns=(ColumnContract("code", "varchar", "none", "code"),),
    primary_key=("code",),
    delivery="snapshot",
    version_by=(),
    cursor=None,
)


class Deployment:
    """A source in SQLite and a warehouse that is loaded from it, run after run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "landing" / "dms" / "dms.sqlite"
        self.path.parent.mkdir(parents=True)
        self.warehouse = duckdb.connect(config={})
        self.warehouse.execute("set timezone = 'UTC'")
        self.now = datetime(2024, 6, 1, 5)
        self.runs = 0
        self.sql(
            "create table customers (customer_no text, city text, updated_at text)",
            "create table dealers (code text)",
            "insert into dealers values ('D1'), ('D2')",
            "insert into customers values ('1', 'Ávila', '2024-01-01 12:00:00'), "
            "('2', 'Soria', '2024-01-02 12:00:00')",
        )

    def sql(self, *statements: str) -> None:
        with sqlite3.connect(self.path) as source:
            for statement in statements:
                source.execute(statement)

    def run(self, table: TableContract = CUSTOMERS, **keys: Any) -> LoadResult:
        """Extract and load one table, as a run of its own."""
        self.now += timedelta(days=1)
        self.runs += 1
        default_url = keys.pop("default_url", "sqlite:///{landing}/dms.sqlite")
        tables = keys.pop("tables", (CUSTOMERS, DEALERS))
        system = SystemContract(
            "dms", "DMS", "Test.", "EUR", "Europe/Madrid", False, 0.0, tables, default_url
        )
        extracts = RunExtracts(
            self.folder / f"work{self.runs}", self.folder / "landing", sleep=lambda _: None
        )
        try:
            return load_remote_table(
                self.warehouse,
                system,
                table,
                extracts,
                wanted=tables,
                loaded_at=self.now,
                run_id=f"run{self.runs}",
                **keys,
            )
        finally:
            extracts.close()

    def rows(self, columns: str = "customer_no, city", table: str = "customers") -> list[Any]:
        return self.warehouse.execute(
            f"select {columns} from raw.dms__{table} order by all"
        ).fetchall()

    def cursor(self) -> Any:
        return self.warehouse.execute(
            "select cursor_value from raw._batches where table_name = 'customers' "
            "order by loaded_at desc limit 1"
        ).fetchall()[0][0]


@pytest.fixture
def dms(tmp_path: Path) -> Deployment:
    return Deployment(tmp_path)


def counts(result: LoadResult) -> tuple[int, int, int, int]:
    return (
        result.rows_delivered,
        result.rows_loaded,
        result.rows_rejected,
        result.rows_unchanged,
    )


def test_the_first_extract_loads_everything_typed_and_in_utc(dms: Deployment) -> None:
    result = dms.run()
    assert counts(result) == (2, 2, 0, 0)
    assert result.source_file == "database:dms.customers"
    assert dms.rows("customer_no, updated_at") == [
        ("1", datetime(2024, 1, 1, 11)),
        ("2", datetime(2024, 1, 2, 11)),
    ]
    assert dms.cursor() == "2024-01-02 12:00:00"


def test_nothing_new_is_unchanged_and_leaves_no_trace(dms: Deployment) -> None:
    dms.run()
    second, third = dms.run(), dms.run()
    # The row at the cursor comes again: once as a delivery of its own, then as one that is known.
    assert counts(second) == (1, 0, 0, 1)
    assert third.is_unchanged
    assert len(dms.rows()) == 2
    assert dms.cursor() == "2024-01-02 12:00:00"


def test_new_and_changed_rows_come_and_equal_moments_are_not_lost(dms: Deployment) -> None:
    dms.run()
    dms.sql(
        "insert into customers values ('3', 'León', '2024-01-02 12:00:00')",
        "update customers set city = 'Burgos', updated_at = '2024-02-01 00:00:00' where customer_no = '1'",
        "insert into customers values ('4', 'Palencia', null)",
    )  # fmt: skip
    assert counts(dms.run()) == (4, 3, 0, 1)
    assert dms.rows() == [("1", "Burgos"), ("2", "Soria"), ("3", "León"), ("4", "Palencia")]
    assert dms.cursor() == "2024-02-01 00:00:00"
    dms.sql("insert into customers values ('5', 'Zamora', '2024-01-15 00:00:00')")
    dms.run()
    assert len(dms.rows()) == 4, "a row before the cursor is not asked for"
    assert counts(dms.run(full_refresh=True))[:2] == (5, 5)
    assert len(dms.rows()) == 5


def test_a_changed_row_at_the_cursor_itself_wins(dms: Deployment) -> None:
    dms.run()
    dms.sql("update customers set city = 'Burgos' where customer_no = '2'")
    assert counts(dms.run()) == (1, 1, 0, 0)
    assert dms.rows() == [("1", "Ávila"), ("2", "Burgos")]


def test_rows_deleted_at_the_source_go_with_a_full_refresh(dms: Deployment) -> None:
    dms.run()
    dms.sql("delete from customers where customer_no = '1'")
    dms.run()
    assert len(dms.rows()) == 2
    dms.run(full_refresh=True)
    assert dms.rows() == [("2", "Soria")]


def test_a_backup_that_was_put_back_is_taken_whole(dms: Deployment) -> None:
    dms.run()
    dms.sql(
        "delete from customers where customer_no = '2'",
        "update customers set city = 'Burgos', updated_at = '2023-12-31 00:00:00'",
    )
    assert counts(dms.run())[:2] == (1, 1)
    assert dms.rows() == [("1", "Burgos")]
    assert dms.cursor() == "2023-12-31 00:00:00"


def test_incremental_equals_full(dms: Deployment) -> None:
    for day in range(1, 6):
        dms.sql(
            f"insert into customers values ('n{day}', 'Soria', '2024-03-0{day} 08:00:00')",
            f"update customers set city = 'c{day}', updated_at = '2024-03-0{day} 08:00:00' "
            f"where customer_no in ('1', 'n{day - 1}')",
        )
        dms.run()
    incremental = dms.rows("customer_no, city, updated_at, _row_hash")
    dms.run(full_refresh=True)
    assert dms.rows("customer_no, city, updated_at, _row_hash") == incremental


def test_a_changed_contract_and_another_place_start_anew(dms: Deployment) -> None:
    dms.run()
    renamed = replace(
        CUSTOMERS,
        columns=(*CUSTOMERS.columns, ColumnContract("town", "varchar", "none", "city")),
    )
    assert counts(dms.run(renamed, tables=(renamed,))) == (2, 2, 0, 0)
    assert dms.rows("customer_no, town") == [("1", "Ávila"), ("2", "Soria")]
    moved = dms.path.with_name("moved.sqlite")
    with sqlite3.connect(moved) as made:
        made.execute("create table customers (customer_no text, city text, updated_at text)")
        made.execute("insert into customers values ('9', 'Toledo', '2020-01-01 00:00:00')")
    url = "sqlite:///{landing}/moved.sqlite"
    assert counts(dms.run(renamed, tables=(renamed,), default_url=url))[:2] == (1, 1)
    assert dms.rows() == [("9", "Toledo")]


def test_a_snapshot_replaces_and_the_same_rows_are_unchanged(dms: Deployment) -> None:
    assert counts(dms.run(DEALERS)) == (2, 2, 0, 0)
    dms.sql("delete from dealers", "insert into dealers values ('D2'), ('D1')")
    assert dms.run(DEALERS).is_unchanged
    dms.sql("delete from dealers where code = 'D1'", "insert into dealers values ('D3')")
    assert counts(dms.run(DEALERS)) == (2, 1, 0, 1)
    assert dms.rows("code", "dealers") == [("D2",), ("D3",)]
    dms.sql("delete from dealers where code = 'D3'", "insert into dealers values ('D1')")
    dms.run(DEALERS)
    assert dms.rows("code", "dealers") == [("D1",), ("D2",)]


def test_a_snapshot_without_rows_is_refused_unless_it_may_be_empty(dms: Deployment) -> None:
    dms.run(DEALERS)
    dms.sql("delete from dealers")
    with pytest.raises(InputError, match=r"dms\.dealers: the source has no row"):
        dms.run(DEALERS)
    assert len(dms.rows("code", "dealers")) == 2
    optional = replace(DEALERS, is_optional=True)
    dms.run(optional, tables=(optional,))
    assert dms.rows("code", "dealers") == []


def test_rejected_rows_are_accounted_for_and_the_cursor_moves_on(dms: Deployment) -> None:
    dms.sql("insert into customers values (null, 'Soria', '2024-05-01 00:00:00')")
    result = dms.run()
    assert counts(result) == (3, 2, 1, 0)
    assert result.is_balanced
    assert dms.cursor() == "2024-05-01 00:00:00"
    ((column, line),) = dms.warehouse.execute(
        "select column_name, raw_line from raw._rejects"
    ).fetchall()
    assert column == "customer_no"
    assert "2024-05-01" in line


def test_a_time_that_lies_ahead_does_not_hide_what_comes(dms: Deployment) -> None:
    dms.sql(
        "insert into customers values ('3', 'Soria', '2999-01-01 00:00:00')",
        "insert into customers values ('4', 'Soria', 'infinity')",
    )
    assert counts(dms.run()) == (4, 3, 1, 0)
    assert dms.cursor() == "2024-01-02 12:00:00"
    dms.sql("insert into customers values ('5', 'León', '2024-05-01 00:00:00')")
    dms.run()
    assert ("5", "León") in dms.rows()


def test_one_broken_table_stops_its_system_with_one_remedy(dms: Deployment) -> None:
    system_tables = (CUSTOMERS, replace(DEALERS, location="database://dealrs"))
    system = SystemContract(
        "dms", "DMS", "Test.", "EUR", "UTC", False, 0.0, system_tables,
        "sqlite:///{landing}/dms.sqlite",
    )  # fmt: skip
    extracts = RunExtracts(dms.folder / "work", dms.folder / "landing")
    keys: dict[str, Any] = {"wanted": system_tables, "loaded_at": dms.now, "run_id": "run"}
    with pytest.raises(InputError, match="Did you mean 'dealers'"):
        load_remote_table(dms.warehouse, system, CUSTOMERS, extracts, **keys)
    with pytest.raises(InputError, match="broke off at another table"):
        load_remote_table(dms.warehouse, system, system_tables[1], extracts, **keys)
    extracts.close()
    assert not extracts.folder.exists()


def test_rest_records_are_typed_and_merged_like_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = TableContract(
        system="crm",
        name="people",
        identifier="crm__people",
        description="Test.",
        location="rest://people",
        format="rest",
        records="data",
        columns=(
            ColumnContract("person_id", "bigint", "customer_key", "id", is_required=True),
            ColumnContract("postal_code", "varchar", "none", "address.zip"),
            ColumnContract("updated_at", "timestamp", "none", "updated_at"),
        ),
        primary_key=("person_id",),
        timezone="Europe/Madrid",
        delivery="upsert",
        version_by=("updated_at",),
        cursor="updated_at",
        rest=RestContract(cursor_param="since"),
    )
    system = SystemContract("crm", "CRM", "Test.", "EUR", "UTC", True, 0.0, (table,))

    def answer(asked: Asked, number: int) -> Answer:
        since = asked.params.get("since", "")
        return Answer({"data": [row for row in RECORDS if str(row["updated_at"]) >= since]})

    warehouse = duckdb.connect()
    warehouse.execute("set timezone = 'UTC'")
    results = []
    with run_rest_service(answer) as service:
        monkeypatch.setenv("CADENCIA_SOURCE_CRM_URL", service.url)
        for number in range(3):
            extracts = RunExtracts(tmp_path / f"work{number}", tmp_path)
            results.append(
                load_remote_table(
                    warehouse, system, table, extracts, wanted=(table,),
                    loaded_at=datetime(2024, 6, 1 + number), run_id=str(number),
                )
            )  # fmt: skip
    assert [counts(result) for result in results[:2]] == [
        (RECORD_COUNT, RECORD_COUNT, 0, 0),
        (1, 0, 0, 1),
    ]
    assert results[2].is_unchanged
    first = warehouse.execute(
        "select postal_code, updated_at from raw.crm__people order by person_id limit 1"
    ).fetchall()
    assert first == [("00000", datetime(2024, 1, 1, 9))]
