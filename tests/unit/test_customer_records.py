"""The table of normalised customer records: what an incremental run does is what a full one gives."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pytest

from orchestration.lib.customer_records import TARGET, refresh_customer_records
from orchestration.lib.dbt_project import declared_columns, read_manifest
from orchestration.lib.errors import ContractError
from orchestration.settings import DBT_PROJECT_DIR

TEXTS = """full_name given_name surnames surname_1 surname_2 email phone mobile_phone national_id street city
postal_code province_name province_code municipality_code country_code gender loyalty_card age_band
income_band household_size household_composition home_ownership marital_status kids_count
birth_date_text""".split()  # noqa: SIM905
FLAGS = ["has_email", "has_phone", "has_postal_address", "has_push"]


@pytest.fixture(scope="module")
def columns() -> Mapping[str, str]:
    return declared_columns(read_manifest(DBT_PROJECT_DIR), "identity", "customer_records")


@pytest.fixture
def warehouse(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return a database with three records and the places that they name."""
    fields = ", ".join(
        [
            "source_system varchar",
            "source_customer_id varchar",
            *(f"{name} varchar" for name in TEXTS),
        ]
        + [f"{name} boolean" for name in FLAGS]
        + ["birth_date date", "record_updated_at timestamp", "first_seen_at timestamp"]
    )
    connection.execute("create schema intermediate; create schema reference")
    connection.execute(f"create table delivered ({fields})")
    connection.execute(
        """create view intermediate.int_customer_records__unioned as
        select *, md5(cast(delivered as varchar)) as record_hash
        from delivered"""
    )
    for name in ("provinces", "municipalities", "postal_codes"):
        connection.execute(
            f"create table reference.{name} as from read_csv("
            f"'{DBT_PROJECT_DIR}/seeds/{name}.csv', all_varchar = true)"
        )
    connection.execute(
        """insert into delivered by name from (values
            ('erp', '1', 'ANA', '8001', date '1980-01-02', timestamp '2024-01-01'),
            ('erp', '2', 'Paco', '28001', null, timestamp '2024-01-01'),
            ('dms', '1', 'Eva', null, null, timestamp '2024-01-01')
        ) as given (source_system, source_customer_id, given_name, postal_code, birth_date,
            first_seen_at)"""
    )
    return connection


def content(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return connection.execute(
        f"from {TARGET} order by source_system, source_customer_id"
    ).fetchall()


def test_all_records_at_first_and_none_again(warehouse, columns) -> None:
    first = refresh_customer_records(warehouse, columns, is_full_refresh=False)
    assert (first.records, first.normalised, first.removed) == (3, 3, 0)
    assert warehouse.execute(
        f"select given_name, given_name_root, postal_code, province_code, birth_date is null from {TARGET} "
        "order by source_system, source_customer_id"
    ).fetchall() == [
        ("Eva", "eva", None, None, True),
        ("Ana", "ana", "08001", "08", False),
        ("Paco", "francisco", "28001", "28", True),
    ]
    again = refresh_customer_records(warehouse, columns, is_full_refresh=False)
    assert (again.records, again.normalised, again.removed) == (3, 0, 0)


def test_only_what_changed_is_normalised_and_the_result_is_that_of_a_full_run(
    warehouse, columns
) -> None:
    refresh_customer_records(warehouse, columns, is_full_refresh=False)
    warehouse.execute("update delivered set given_name = 'Francisco' where given_name = 'Paco'")
    warehouse.execute("delete from delivered where source_system = 'dms'")
    warehouse.execute(
        "insert into delivered by name select 'pos' as source_system, '9' as source_customer_id, "
        "timestamp '2024-02-01' as first_seen_at"
    )
    counts = refresh_customer_records(warehouse, columns, is_full_refresh=False)
    assert (counts.records, counts.normalised, counts.removed) == (3, 2, 2)
    incremental = content(warehouse)
    full = refresh_customer_records(warehouse, columns, is_full_refresh=True)
    assert full.normalised == 3
    assert content(warehouse) == incremental


def test_other_places_make_records_stale(warehouse, columns) -> None:
    refresh_customer_records(warehouse, columns, is_full_refresh=False)
    warehouse.execute("insert into reference.postal_codes values ('28999', '28079')")
    assert refresh_customer_records(warehouse, columns, is_full_refresh=False).normalised == 3


def test_a_declaration_that_differs_is_named(warehouse, columns) -> None:
    fewer = {name: kind for name, kind in columns.items() if name != "email_key"}
    with pytest.raises(ContractError, match="email_key"):
        refresh_customer_records(warehouse, fewer, is_full_refresh=False)
