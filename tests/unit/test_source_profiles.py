"""Profiles of raw tables: right numbers, no value of a person, each batch once.

Belongs here: the queries on small tables. Does not: what counts as drift.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import duckdb
import pandas as pd
import pytest

from orchestration.lib.contract import ColumnContract, SystemContract, TableContract
from orchestration.lib.dbt_project import declared_columns, read_manifest
from orchestration.lib.ingest.ledger import LEDGER_DDL
from orchestration.lib.quality import profiling
from orchestration.lib.quality.source_profiles import (
    append_profiles,
    ensure_profiles,
    newest_warnings,
    profile_new_batches,
)
from orchestration.settings import DBT_PROJECT_DIR

NOW = datetime(2024, 6, 1)
SECRET = "Fulgencia"
COLUMNS = (
    ("code", "varchar", "none"),
    ("name", "varchar", "direct_identifier"),
    ("amount", "decimal(18,4)", "none"),
    ("income", "bigint", "quasi_identifier"),
    ("bought_at", "timestamp", "none"),
)
TABLE = TableContract(
    system="shop",
    name="people",
    identifier="shop__people",
    description="People.",
    location="landing://people_*.csv",
    format="csv",
    columns=tuple(ColumnContract(n, t, data_class=c, source_column=n) for n, t, c in COLUMNS),
)
SHOP = SystemContract("shop", "Shop", "A shop.", "EUR", "UTC", False, 0.1, (TABLE,))


@pytest.fixture
def raw(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    connection.execute(LEDGER_DDL)
    names = ", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)
    connection.execute(
        f"create table raw.shop__people ({names}, _source_file varchar, _row_number bigint, "
        "_batch_id varchar)"
    )
    ensure_profiles(connection, columns())
    return connection


def columns() -> dict[str, str]:
    return declared_columns(read_manifest(DBT_PROJECT_DIR), "quality", "source_profiles")


def deliver(
    raw: duckdb.DuckDBPyConnection,
    month: int,
    rows: int,
    code: str = "'A' || i % 3",
    status: str = "loaded",
    note: str | None = None,
) -> None:
    batch, file = f"batch{month}", f"people_2024{month:02d}01.csv"
    raw.execute(
        f"""insert into raw.shop__people
        select {code}, case when i % 4 > 0 then '{SECRET} ' || i end, i / 10.0, i,
            timestamp '2024-01-01' + interval (i) minute, '{file}', i, '{batch}'
        from range(1, {rows} + 1) as numbers (i)"""
    )
    raw.execute(
        """insert into raw._batches by name select ? as batch_id, 'shop' as source_system,
        'people' as table_name, ? as source_file, ? as rows_delivered, '' as undeclared_columns,
        timestamp '2024-06-01' as loaded_at, ? as delivery_date, ? as status, ? as note""",
        [batch, file, rows, f"2024{month:02d}01", status, note],
    )


def profile(
    raw: duckdb.DuckDBPyConnection, systems: Sequence[SystemContract] = (SHOP,)
) -> pd.DataFrame:
    found = profile_new_batches(raw, systems, run_id="run", profiled_at=NOW)
    append_profiles(raw, found, columns())
    return found.set_index("column_name") if len(found) else found


def test_the_numbers_are_those_of_the_rows(raw: duckdb.DuckDBPyConnection) -> None:
    deliver(raw, 1, 200)
    found = profile(raw)
    assert list(found.index) == ["*", "code", "name", "amount", "income", "bought_at"]
    assert found.loc["*", "rows"] == 200
    assert found.loc["name", "nulls"] == 50
    assert found.loc["code", "distinct_count"] == 3
    assert (found.loc["code", "minimum"], found.loc["code", "maximum"]) == ("A0", "A2")
    assert found.loc["code", "pattern"] == "A9"
    assert set(json.loads(found.loc["code", "common_values"])) == {"A0", "A1", "A2"}
    assert found.loc["amount", "mean"] == pytest.approx(10.05)
    assert len(json.loads(found.loc["amount", "quantiles"])) == 19
    assert found.loc["bought_at", "minimum"].startswith("2024-01-01")


def test_no_value_of_a_person_is_kept(raw: duckdb.DuckDBPyConnection) -> None:
    deliver(raw, 1, 200)
    profile(raw)
    kept = raw.execute("from quality.source_profiles").df()
    assert SECRET not in kept.to_json()
    personal = kept[kept["data_class"].isin(["direct_identifier", "quasi_identifier"])]
    assert personal["minimum"].isna().all()
    assert personal["maximum"].isna().all()
    assert personal["common_values"].isna().all()
    name = kept[kept["column_name"] == "name"].iloc[0]
    assert (name["pattern"], name["shortest"]) == ("A 999", len(SECRET) + 2)


def test_quantiles_of_few_people_are_not_kept(raw: duckdb.DuckDBPyConnection) -> None:
    deliver(raw, 1, 20)
    found = profile(raw)
    assert pd.isna(found.loc["income", "quantiles"])
    assert found.loc["amount", "quantiles"] is not None


def test_each_batch_is_profiled_once(raw: duckdb.DuckDBPyConnection) -> None:
    deliver(raw, 1, 50)
    assert len(profile(raw)) == 6
    assert profile(raw).empty
    deliver(raw, 2, 50)
    assert set(profile(raw)["batch_id"]) == {"batch2"}
    assert raw.execute("select count(*) from quality.source_profiles").fetchall() == [(12,)]


def test_a_changed_format_of_the_newest_delivery_warns(raw: duckdb.DuckDBPyConnection) -> None:
    for month in (1, 2, 3):
        deliver(raw, month, 400)
    profile(raw)
    deliver(raw, 4, 400, code="'ES-' || i % 3")
    warnings = newest_warnings(profile(raw).reset_index())
    assert list(warnings["column_name"]) == ["code"]
    assert "ES-" in warnings["drift_reason"].iloc[0]


def test_old_changes_are_history_and_do_not_warn(raw: duckdb.DuckDBPyConnection) -> None:
    for month in (1, 2, 3, 5, 6, 7):
        deliver(raw, month, 400)
    deliver(raw, 4, 400, code="'ES-' || i % 3")
    found = profile(raw).reset_index()
    assert (found["drift_severity"] == "warning").any()
    assert newest_warnings(found).empty


def test_large_batches_are_sampled_and_say_so(
    raw: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiling, "SAMPLE_ROWS", 50)
    deliver(raw, 1, 200)
    found = profile(raw)
    assert found.loc["code", "sample"] == "one row in 4"
    assert (found.loc["code", "rows"], found.loc["code", "rows_sampled"]) == (200, 50)
    assert found.loc["name", "nulls"] == 50


def test_prose_is_not_shown_even_where_nobody_declared_it_personal(
    raw: duckdb.DuckDBPyConnection,
) -> None:
    deliver(raw, 1, 50, code="'my neighbour told me that she wants her money back ' || i")
    found = profile(raw)
    assert found.loc["code", "minimum"] is None
    assert pd.isna(found.loc["code", "common_values"])


def test_a_file_that_came_twice_is_not_profiled(raw: duckdb.DuckDBPyConnection) -> None:
    deliver(raw, 1, 50)
    deliver(raw, 2, 50, status="duplicate")
    assert set(profile(raw)["batch_id"]) == {"batch1"}


def test_renamed_columns_are_taken_from_the_ledger(raw: duckdb.DuckDBPyConnection) -> None:
    deliver(raw, 1, 50)
    deliver(raw, 2, 50, note="columns under another name: COD, C.P.")
    found = profile(raw)
    table = found.loc["*"].set_index("batch_id")
    assert table.loc["batch2", "renamed_columns"] == "COD, C.P."
    assert table.loc["batch2", "drift_kinds"] == "renamed_columns"
