"""Small groups in what analysts see: rare values are blurred, small aggregates are left out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.lib.analytics import Protection, build_analytics
from orchestration.lib.errors import ContractError
from orchestration.lib.privacy.registry import PersonalColumn
from orchestration.lib.privacy.small_groups import Aggregate, aggregates_of

KEY = b"0123456789abcdef"


def exported(
    folder: Path, ddl: str, classes: dict[str, tuple[str, str | None]], protection: Protection
) -> list[tuple[Any, ...]]:
    """Return the rows of ``marts.t`` as analysts get them."""
    crm, target = folder / "crm.duckdb", folder / "analytics.duckdb"
    crm.unlink(missing_ok=True)
    with duckdb.connect(str(crm)) as connection:
        connection.execute(f"create schema marts; create table marts.t as {ddl}")
    columns = [PersonalColumn("marts", "t", name, *said) for name, said in classes.items()]
    build_analytics(crm, target, columns, KEY, protection)
    with duckdb.connect(str(target), read_only=True) as connection:
        return connection.execute("select * exclude (customer_id) from marts.t").fetchall()


def people(column: str, values: list[str]) -> tuple[str, dict[str, tuple[str, str | None]]]:
    rows = ", ".join(f"('C{n}', {value})" for n, value in enumerate(values))
    return f"select * from (values {rows}) as t(customer_id, {column})", {
        "customer_id": ("customer_key", "customer_key"),
        column: ("quasi_identifier", None),
    }


def test_a_rare_postal_code_keeps_three_digits_or_nothing(tmp_path: Path) -> None:
    codes = ["'28001'"] * 3 + ["'28002'", "'28002'", "'08001'", "null"]
    found = exported(tmp_path, *people("postal_code", codes), Protection(3))
    # Area 280 has five people; 08001 is alone, and so is its area.
    assert Counter(found) == {("28001",): 3, ("280**",): 2, (None,): 2}
    assert Counter(exported(tmp_path, *people("postal_code", codes), Protection(0))) == {
        ("28001",): 3, ("28002",): 2, ("08001",): 1, (None,): 1,
    }  # fmt: skip


def test_a_value_is_rare_by_people_not_by_rows(tmp_path: Path) -> None:
    ddl = "select 'C' || (n % 2) as customer_id, 'Soria' as city from range(10) as r(n)"
    classes = people("city", ["''"])[1]
    assert set(exported(tmp_path, ddl, classes, Protection(3))) == {(None,)}
    assert set(exported(tmp_path, ddl, classes, Protection(2))) == {("Soria",)}


def test_a_date_keeps_its_month(tmp_path: Path) -> None:
    days = ["date '2020-03-01'", "date '2020-03-31'", "date '2021-01-05'"]
    found = exported(tmp_path, *people("registered_on", days), Protection(2))
    assert sorted(map(str, found)) == [
        "(None,)", "(datetime.date(2020, 3, 1),)", "(datetime.date(2020, 3, 1),)",
    ]  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(["10", "20", "31", "31**"]), min_size=1, max_size=30),
    st.integers(2, 6),
)
def test_whatever_is_published_is_shared_by_enough_people(
    tmp_path_factory: pytest.TempPathFactory, values: list[str], minimum: int
) -> None:
    folder = tmp_path_factory.mktemp("groups")
    ddl, classes = people("age_band", [f"'{value}'" for value in values])
    counts = Counter(value for (value,) in exported(folder, ddl, classes, Protection(minimum)))
    before = Counter(values)
    assert counts.pop(None, 0) == sum(n for n in before.values() if n < minimum)
    assert all(n >= minimum for n in counts.values())


def groups(
    folder: Path, counts: list[int], minimum: int, aggregate: Aggregate
) -> list[tuple[Any, ...]]:
    rows = ", ".join(f"('C', {n}, {count}, {count * 10})" for n, count in enumerate(counts))
    ddl = f"select * from (values {rows}) as t(customer_id, name, customers, net_amount)"
    classes: dict[str, tuple[str, str | None]] = dict.fromkeys(
        ["customer_id", "name", "customers", "net_amount"], ("none", None)
    )
    return exported(folder, ddl, classes, Protection(minimum, {("marts", "t"): aggregate}))


def test_a_small_group_is_left_out_and_not_by_itself(tmp_path: Path) -> None:
    """One row that is missing could be had from the total: the next smallest goes too."""
    found = groups(tmp_path, [100, 60, 30, 7, 3], 5, Aggregate("customers"))
    assert sorted(row[1] for row in found) == [30, 60, 100]
    found = groups(tmp_path, [100, 60, 30, 4, 3], 5, Aggregate("customers"))
    assert sorted(row[1] for row in found) == [30, 60, 100]
    assert len(groups(tmp_path, [100, 60, 30, 7, 5], 5, Aggregate("customers"))) == 5
    assert len(groups(tmp_path, [100, 60, 30, 4, 3], 1, Aggregate("customers"))) == 5


def test_a_dimension_keeps_its_row_and_loses_the_numbers(tmp_path: Path) -> None:
    found = groups(
        tmp_path, [100, 3], 5, Aggregate("customers", blanked=("customers", "net_amount"))
    )
    assert found == [(0, 100, 1000), (1, None, None)]


def test_a_declaration_names_columns_that_exist() -> None:
    node = {
        "schema": "marts",
        "name": "t",
        "config": {"meta": {"cadencia": {"small_groups": {"counted_by": "people"}}}},
        "columns": {"customers": {}},
    }
    with pytest.raises(ContractError, match=r"marts\.t: small_groups names 'people'"):
        aggregates_of({"nodes": {"a": node}, "sources": {}})
