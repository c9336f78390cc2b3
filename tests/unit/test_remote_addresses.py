"""Addresses and secrets of sources; the query that each database is sent; SQLite without a server."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from orchestration.lib.contract import ColumnContract, SystemContract, TableContract
from orchestration.lib.errors import ConfigurationError, InputError
from orchestration.lib.remote.address import (
    database_url_of,
    fingerprint_of,
    place_of,
    secrets_of,
    service_url_of,
    without_secrets,
)
from orchestration.lib.remote.database import make_engine, open_snapshot
from orchestration.lib.remote.database_extract import RemoteTable, build_query, extract_table
from orchestration.lib.remote.extract import RowSetHash
from orchestration.lib.remote.values import as_text

TABLE = TableContract(
    system="dms",
    name="customers",
    identifier="dms__customers",
    description="Test.",
    location="database://customers",
    format="database",
    columns=(
        ColumnContract("customer_no", "varchar", "customer_key", ("customer_no", "customer_id")),
        ColumnContract("updated_at", "timestamp", "none", "updated_at", is_optional=True),
    ),
    primary_key=("customer_no",),
    delivery="upsert",
    cursor="updated_at",
)

AT = datetime(2025, 6, 1)


def system_of(default_url: str | None = None) -> SystemContract:
    return SystemContract(
        "dms", "DMS", "Test.", "EUR", "Europe/Madrid", False, 0.0, (TABLE,), default_url
    )


def extract_from(path: Path, folder: Path, **keys: Any) -> list[tuple[str | None, ...]]:
    url = sa.make_url(f"sqlite:///{path}")
    with open_snapshot("dms", url, sleep=lambda _: None) as connection:
        found = extract_table(connection, TABLE, folder, place="it", address="test", at=AT, **keys)
    return duckdb.sql(f"from '{found.path}'").fetchall()


def test_the_environment_wins_over_the_contract(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    system = system_of("sqlite:///{landing}/dms.sqlite")
    assert database_url_of(system, tmp_path).database == f"{tmp_path}/dms/dms.sqlite"
    monkeypatch.setenv("CADENCIA_SOURCE_DMS_URL", "postgres://reader:x@db/dms")
    assert database_url_of(system, tmp_path).drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "nothing says where this source is. Set CADENCIA_SOURCE_DMS_URL"),
        ("postgresql//reader:hush@db/dms", "can't be read as a database URL"),
        ("postgresql://reader:hush@db:port/dms", "can't be read as a database URL"),
        ("oracle://reader:hush@db/dms", "names the database 'oracle'"),
    ],
)
def test_a_url_that_cannot_be_used_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, sentence: str
) -> None:
    monkeypatch.setenv("CADENCIA_SOURCE_DMS_URL", url)
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        database_url_of(system_of(), tmp_path)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://files",
        "https://",
        "https://user:hush@api",
        "https://api/?token=hush",
        "http://api:x/",
    ],
)
def test_a_service_address_holds_no_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str
) -> None:
    monkeypatch.setenv("CADENCIA_SOURCE_DMS_URL", url)
    with pytest.raises(ConfigurationError) as caught:
        service_url_of(system_of(), tmp_path)
    assert "hush" not in str(caught.value)


def test_a_place_is_named_without_user_password_and_options() -> None:
    url = sa.make_url("mssql+pymssql://reader:h%2Fsh@db.example:1433/crm?key=hidden")
    assert place_of(url) == "mssql database 'crm' on db.example:1433"
    said = without_secrets("login h/sh or h%2Fsh with hidden failed\nline two", secrets_of(url))
    assert said == "login *** or *** with *** failed"
    assert fingerprint_of(url) != fingerprint_of(url.set(database="other"))
    assert fingerprint_of(url) == fingerprint_of(url.set(password="changed"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql+psycopg://h/x",
            'SELECT "dbo"."a""b"."c%%d" FROM "dbo"."a""b" WHERE "dbo"."a""b"."c%%d" >= %(cursor_from)s '
            'OR "dbo"."a""b"."c%%d" IS NULL',
        ),
        (
            "mysql+pymysql://h/x",
            'SELECT `dbo`.`a"b`.`c%%d` FROM `dbo`.`a"b` WHERE `dbo`.`a"b`.`c%%d` >= %(cursor_from)s '
            'OR `dbo`.`a"b`.`c%%d` IS NULL',
        ),
        (
            "mssql+pymssql://h/x",
            'SELECT [dbo].[a"b].[c%d] FROM [dbo].[a"b] WHERE [dbo].[a"b].[c%d] >= '
            'CAST(%(cursor_from)s AS DATETIME2(7)) OR [dbo].[a"b].[c%d] IS NULL',
        ),
    ],
)
def test_each_dialect_quotes_every_name(url: str, expected: str) -> None:
    remote = RemoteTable('a"b', "dbo", {"c%d": sa.DateTime()}, "c%d")
    engine = make_engine(sa.make_url(url))
    query = build_query(engine.dialect, remote, "2024-01-01 00:00:00.5")
    assert " ".join(str(query.compile(dialect=engine.dialect)).split()) == expected


def test_a_missing_sqlite_file_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "dms.sqlite"
    with pytest.raises(InputError, match=r"no SQLite file at .*dms\.sqlite"):
        extract_from(path, tmp_path)
    assert not path.exists()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "dms.sqlite"
    path.write_text("this is no database at all" * 100)
    with pytest.raises(InputError, match=r"dms.*: "):
        extract_from(path, tmp_path)


def test_sqlite_values_come_as_delivered_also_mixed_in_a_column(tmp_path: Path) -> None:
    path = tmp_path / "dms.sqlite"
    with sqlite3.connect(path) as made:
        made.execute("create table Customers (customer_no, updated_at text)")
        made.executemany(
            "insert into customers values (?, ?)",
            [("00123", "2024-01-01"), (7, None), (0.1, "not a date"), (b"Mu\xf1oz", "2024-02-01")],
        )
    assert extract_from(path, tmp_path) == [
        ("00123", "2024-01-01"),
        ("7", None),
        ("0.1", "not a date"),
        ("Muñoz", "2024-02-01"),
    ]
    assert extract_from(path, tmp_path, cursor_from="2024-01-15") == [
        ("7", None),
        ("0.1", "not a date"),
        ("Muñoz", "2024-02-01"),
    ]


def test_a_renamed_column_is_found_and_an_optional_one_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "dms.sqlite"
    with sqlite3.connect(path) as made:
        made.execute('create table customers (" CUSTOMER_ID" text)')
        made.execute("insert into customers values ('1')")
    assert extract_from(path, tmp_path) == [("1",)]


@given(st.lists(st.text(max_size=5), max_size=8), st.randoms(use_true_random=False))
def test_the_hash_of_rows_ignores_order_but_not_number(rows: list[str], random: Any) -> None:
    def hash_of(values: list[str]) -> str:
        counted = RowSetHash(["name"])
        for value in values:
            counted.add(value)
        return counted.hexdigest()

    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert hash_of(rows) == hash_of(shuffled)
    assert hash_of(rows) != hash_of([*rows, "one more"])


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals_are_exact(value: Any) -> None:
    text = as_text(value)
    assert text is not None and "E" not in text
    assert type(value)(text) == value
