"""Erased people and old files: refused without a trace, unlinked, or taken when they come anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.lib.contract import TableContract, load_contracts
from orchestration.lib.errors import ConfigurationError
from orchestration.lib.ingest.files import load_table
from orchestration.lib.ingest.ledger import LoadResult
from orchestration.lib.privacy.redelivery import scrub_redelivered
from orchestration.lib.privacy.subjects import STAGING_DIR
from orchestration.lib.privacy.targets import Targets
from orchestration.lib.privacy.tombstones import (
    Recogniser,
    add_tombstones,
    read_tombstones,
    tombstones_file,
)

CONTRACTS = load_contracts(STAGING_DIR)
ERASED_AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
CUSTOMERS = next(each for each in CONTRACTS["erp"].tables if each.name == "customers")
LINES = next(each for each in CONTRACTS["ecommerce"].tables if each.name == "order_lines")
FORMS = next(each for each in CONTRACTS["forms"].tables if each.name == "submissions")


def plain(table: TableContract, location: str) -> TableContract:
    """Return a table whose files are plain CSV with the columns' own names."""
    columns = tuple(
        replace(each, source_column=each.name, date_format=None) for each in table.columns
    )
    return replace(
        table, columns=columns, location=f"landing://{location}", format="csv", records=None,
        explode=None, timezone="UTC", decimal=".", thousands="", encoding="auto", delimiter="auto",
    )  # fmt: skip


ERP, SHOP, WEB_FORMS = (
    plain(CUSTOMERS, "clientes_*.csv"),
    plain(LINES, "orders_*.csv"),
    plain(FORMS, "forms_*.csv"),
)


@pytest.fixture
def recogniser(tmp_path: Path) -> Recogniser:
    stones = {
        "record": {"erp:1001"},
        "email": {"ana@example.com"},
        "loyalty_card": {"2900000000001"},
        "group:ecommerce__order_lines": {"#7"},
    }
    targets = Targets({kind: frozenset(values) for kind, values in stones.items()})
    add_tombstones(tmp_path / "home", targets, ERASED_AT, "r1")
    found = Recogniser.of(tmp_path / "home")
    assert found is not None
    return found


def drop(tmp_path: Path, table: TableContract, name: str, *rows: dict[str, str]) -> Path:
    path = tmp_path / "landing" / table.system / name
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [column.name for column in table.columns]
    lines = [",".join(names), *(",".join(row.get(each, "") for each in names) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def load(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    table: TableContract,
    recogniser: Recogniser | None,
    run_id: str = "run",
) -> LoadResult:
    return load_table(
        connection, table, landing_dir=tmp_path / "landing", run_id=run_id,
        loaded_at=datetime(2025, 7, 1), recogniser=recogniser,
    )  # fmt: skip


def customer(code: str, email: str, registered_on: str = "2024-01-01") -> dict[str, str]:
    return {
        "customer_code": code, "given_name": "Ana", "surnames": "García", "email": email,
        "registered_on": registered_on, "modified_at": f"{registered_on} 10:00:00",
    }  # fmt: skip


def test_a_tombstone_tells_nothing(tmp_path: Path, recogniser: Recogniser) -> None:
    content = tombstones_file(tmp_path / "home").read_text()
    assert "ana" not in content
    assert "1001" not in content
    assert tombstones_file(tmp_path / "home").stat().st_mode & 0o777 == 0o600
    again = add_tombstones(
        tmp_path / "home", Targets({"email": frozenset({"ana@example.com"})}), ERASED_AT, "r1"
    )
    assert again == []
    assert len(read_tombstones(tmp_path / "home")) == len(recogniser.tombstones)


def test_without_key_or_file_nothing_is_loaded(tmp_path: Path, recogniser: Recogniser) -> None:
    (tmp_path / "home" / "keys" / "erasure.key").unlink()
    with pytest.raises(ConfigurationError, match=r"The key of .* is gone"):
        Recogniser.of(tmp_path / "home")
    tombstones_file(tmp_path / "home").write_text("{")
    with pytest.raises(ConfigurationError, match="can't be read"):
        Recogniser.of(tmp_path / "home")


def test_erased_people_are_rejected_without_a_value(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, recogniser: Recogniser
) -> None:
    drop(
        tmp_path, ERP, "clientes_20250101.csv",
        customer("1001", "other@example.com"),
        customer("1002", " Ana@Example.com"),
        {**customer("1003", ""), "loyalty_card": "2900000000001"},
        customer("1004", "luis@example.com"),
    )  # fmt: skip
    result = load(connection, tmp_path, ERP, recogniser)
    assert (result.rows_delivered, result.rows_loaded, result.rows_rejected) == (4, 1, 3)
    assert result.is_balanced
    # whom we refuse is no fault of the export
    assert result.over_limit(0.01) == ()
    codes = connection.execute("select customer_code from raw.erp__customers").fetchall()
    assert codes == [("1004",)]
    rejects = connection.execute(
        "select distinct reason, column_name, raw_line from raw._rejects"
    ).fetchall()
    assert rejects == [("erased_person", "(row)", None)]


def test_a_broken_line_of_an_erased_person_is_forgotten(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, recogniser: Recogniser
) -> None:
    path = drop(tmp_path, ERP, "clientes_20250101.csv", customer("1004", "luis@example.com"))
    path.write_text(path.read_text() + "1009;Ana;ana@example.com\n" + "1010;Eva;eva@example.com\n")
    load(connection, tmp_path, ERP, recogniser)
    lines = [row[0] for row in connection.execute("select raw_line from raw._rejects").fetchall()]
    assert lines.count(None) == 1
    assert any("eva@example.com" in line for line in lines if line)


@pytest.mark.parametrize(
    ("code", "registered_on", "is_taken"),
    [
        ("1001", "2024-01-01", False),
        ("1001", "2025-06-02", True),
        ("2001", "2024-01-01", False),
        ("2001", "2025-06-01", False),
        ("2001", "2025-06-02", True),
    ],
)
def test_who_comes_anew_is_taken(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    recogniser: Recogniser,
    code: str,
    registered_on: str,
    is_taken: bool,
) -> None:
    """The record's own registration decides; one of the same day may be from before."""
    row = customer(code, "ana@example.com", registered_on)
    drop(tmp_path, ERP, "clientes_20250701.csv", row, customer("1004", "luis@example.com"))
    result = load(connection, tmp_path, ERP, recogniser)
    assert result.rows_loaded == 1 + is_taken
    assert result.rows_anew == int(is_taken)


def test_an_order_stays_without_its_person_however_often_it_comes(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, recogniser: Recogniser
) -> None:
    order = {
        "order_name": "#1", "email": "ana@example.com", "line_sku": "A", "line_quantity": "1",
        "line_price": "10", "total": "10", "created_at": "2025-01-05 10:00:00",
        "billing_name": "Ana García", "billing_postal_code": "28001",
    }  # fmt: skip
    shared = {**order, "order_name": "#7", "email": "family@example.com"}
    later = {**order, "order_name": "#9", "created_at": "2025-06-20 10:00:00"}
    for name in ("orders_2025-01.csv", "orders_2025-02.csv"):
        drop(tmp_path, SHOP, name, order, shared, later)
    result = load(connection, tmp_path, SHOP, recogniser)
    assert result.rows_rejected == 0
    rows = connection.execute(
        """select order_name, email, billing_name, billing_postal_code, total
        from raw.ecommerce__order_lines order by order_name"""
    ).fetchall()
    assert [row[:4] for row in rows] == [
        ("#1", None, None, None),
        ("#7", None, None, None),
        ("#9", "ana@example.com", "Ana García", "28001"),
    ]
    assert [float(row[4]) for row in rows] == [10, 10, 10]


def test_the_file_that_brought_them_is_scrubbed_and_known_by_its_new_content(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    recogniser: Recogniser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contracts = {"erp": replace(CONTRACTS["erp"], tables=(ERP,))}
    path = drop(
        tmp_path, ERP, "clientes_20250101.csv",
        customer("1001", "ana@example.com"), customer("1004", "luis@example.com"),
    )  # fmt: skip
    twin = path.with_name("clientes_20250101_reenvio.csv")
    twin.write_bytes(path.read_bytes())
    load(connection, tmp_path, ERP, recogniser, "run-1")
    names = scrub_redelivered(
        connection,
        contracts,
        tmp_path / "home",
        tmp_path / "landing",
        "run-1",
        recogniser,
        tmp_path,
    )
    assert names == ["erp/clientes_20250101.csv", "erp/clientes_20250101_reenvio.csv"]
    assert "ana@" not in path.read_text() + twin.read_text()
    assert "luis@example.com" in path.read_text()
    again = load(connection, tmp_path, ERP, recogniser, "run-2")
    assert again.is_unchanged


@settings(deadline=None, max_examples=25)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["1001", "1002", "1003"]),
            st.sampled_from(["ana@example.com", "luis@example.com", ""]),
            st.sampled_from(["2024-01-01", "2025-06-02"]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_row_is_loaded_or_rejected_and_no_old_one_of_hers_is_held(
    rows: list[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("refusing")
    targets = Targets({"record": frozenset({"erp:1001"}), "email": frozenset({"ana@example.com"})})
    add_tombstones(folder / "home", targets, ERASED_AT, "r1")
    drop(folder, ERP, "clientes_20250701.csv", *(customer(*row) for row in rows))
    with duckdb.connect() as connection:
        result = load(connection, folder, ERP, Recogniser.of(folder / "home"))
        assert result.is_balanced
        ((held,),) = connection.execute(
            """select count(*) from raw.erp__customers where registered_on < date '2025-06-02'
            and (customer_code = '1001' or email = 'ana@example.com')"""
        ).fetchall()
        assert held == 0
        kept = connection.execute(
            "select raw_line from raw._rejects where reason = 'erased_person'"
        ).fetchall()
        assert {row[0] for row in kept} <= {None}
