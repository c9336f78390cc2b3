"""Extracts from real servers: exact values, one snapshot, the cursor, and everything that goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pytest
import sqlalchemy as sa

from orchestration.lib.contract import ColumnContract, TableContract
from orchestration.lib.errors import InputError
from orchestration.lib.remote import database, database_extract
from orchestration.lib.remote.address import place_of
from orchestration.lib.remote.database import open_snapshot
from orchestration.lib.remote.database_extract import extract_table
from orchestration.lib.remote.extract import Extract
from tests.database_servers import PASSWORD, DatabaseServer

AT = datetime(2025, 6, 1)


def contract_of(name: str, columns: list[str], **keys: Any) -> TableContract:
    declared = tuple(
        ColumnContract(name=f"column_{position}", data_type="varchar", data_class="none",
                       source_column=column)
        for position, column in enumerate(columns)
    )  # fmt: skip
    keys.setdefault("location", f"database://{name}")
    return TableContract(
        system="dms", name="customers", identifier="dms__customers", description="Test.",
        format="database", columns=declared, **keys,
    )  # fmt: skip


def extract(url: sa.URL, table: TableContract, folder: Path, **keys: Any) -> Extract:
    with open_snapshot("dms", url, sleep=lambda _: None) as connection:
        return extract_table(
            connection, table, folder, place=place_of(url), address="test", at=AT, **keys
        )


def rows_of(extracted: Extract) -> list[tuple[str | None, ...]]:
    return duckdb.sql(f"from '{extracted.path}'").fetchall()


@pytest.fixture
def postgresql(postgresql_server: DatabaseServer) -> Iterator[tuple[DatabaseServer, str]]:
    name = f"test_{uuid4().hex[:12]}"
    postgresql_server.make_database(name)
    yield postgresql_server, name
    postgresql_server.drop_database(name)


@pytest.fixture
def mariadb(mariadb_server: DatabaseServer) -> Iterator[tuple[DatabaseServer, str]]:
    name = f"test_{uuid4().hex[:12]}"
    mariadb_server.make_database(name)
    yield mariadb_server, name
    mariadb_server.drop_database(name)


def run_sql(place: tuple[DatabaseServer, str], *statements: str) -> None:
    server, name = place
    engine = sa.create_engine(server.url(name), poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_every_postgresql_type_comes_as_exact_text(
    postgresql: tuple[DatabaseServer, str], tmp_path: Path
) -> None:
    server, name = postgresql
    run_sql(
        postgresql,
        """create table everything (
            small smallint, big bigint, exact numeric, amount numeric(38, 10), real_number float8,
            is_on boolean, born date, naive timestamp, zoned timestamptz, lasted interval,
            document jsonb, tags text[], id uuid, words text, padded char(5))""",
        """insert into everything values (
            -1, 9223372036854775807, 123456789012345678901234567890.123456789012345678901234567890,
            0.0000000001, 0.1, true, '2024-02-29', '2024-01-31 12:34:56.123456',
            '2024-01-31 12:34:56+01', '1 day', '{"a": [1, "ñ"]}', '{a,"b c"}',
            '7b1dcb5c-4f3d-4a6c-9d4a-0a4e6d2f3b1c', 'Núñez; "x"', 'ab')""",
        "insert into everything (born, naive) values ('infinity', '0044-03-15 12:00:00 BC')",
        "insert into everything (exact) values ('NaN')",
    )  # fmt: skip
    columns = [
        "small", "big", "exact", "amount", "real_number", "is_on", "born", "naive", "zoned",
        "lasted", "document", "tags", "id", "words", "padded",
    ]  # fmt: skip
    first, second, third = rows_of(
        extract(server.url(name), contract_of("everything", columns), tmp_path)
    )
    assert first == (
        "-1", "9223372036854775807", "123456789012345678901234567890.123456789012345678901234567890",
        "0.0000000001", "0.1", "true", "2024-02-29", "2024-01-31 12:34:56.123456",
        "2024-01-31 11:34:56+00", "1 day", '{"a": [1, "ñ"]}', '["a","b c"]',
        "7b1dcb5c-4f3d-4a6c-9d4a-0a4e6d2f3b1c", 'Núñez; "x"', "ab   ",
    )  # fmt: skip
    assert second[6:8] == ("infinity", "0044-03-15 12:00:00 BC")
    assert third[2] == "NaN"


def test_every_mariadb_type_comes_as_exact_text(
    mariadb: tuple[DatabaseServer, str], tmp_path: Path
) -> None:
    server, name = mariadb
    run_sql(
        mariadb,
        """create table everything (
            tiny tinyint(1), big bigint unsigned, amount decimal(30, 10), real_number double,
            born date, naive datetime(6), zoned timestamp(6) null, flags bit(8), words text,
            choice enum('a', 'b'))""",
        "set time_zone = '+02:00'",
        """insert into everything values (1, 18446744073709551615, 12345678901234567890.0123456789, 0.1,
            '2024-02-29', '2024-01-31 12:34:56.000001', '2024-01-31 12:34:56', b'101', 'Núñez', 'b')""",
    )  # fmt: skip
    columns = [
        "tiny", "big", "amount", "real_number", "born", "naive", "zoned", "flags", "words", "choice",
    ]  # fmt: skip
    (row,) = rows_of(extract(server.url(name), contract_of("everything", columns), tmp_path))
    assert row == (
        "1", "18446744073709551615", "12345678901234567890.0123456789", "0.1", "2024-02-29",
        "2024-01-31 12:34:56.000001", "2024-01-31 10:34:56+00:00", "5", "Núñez", "b",
    )  # fmt: skip


@pytest.fixture(params=["postgresql", "mariadb"])
def either(request: pytest.FixtureRequest) -> tuple[DatabaseServer, str]:
    found: tuple[DatabaseServer, str] = request.getfixturevalue(request.param)
    return found


def quoted(place: tuple[DatabaseServer, str], name: str) -> str:
    mark = '"' if place[0].drivername == "postgresql" else "`"
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def test_names_from_the_contract_are_looked_up_and_quoted_never_run(
    either: tuple[DatabaseServer, str], tmp_path: Path
) -> None:
    server, name = either
    awkward = "Order"
    hostile = "x; drop table safe --"
    run_sql(
        either,
        "create table safe (id int)",
        f"create table {quoted(either, awkward)} ("
        f"{quoted(either, hostile)} int, {quoted(either, 'sélect')} int)",
        f"insert into {quoted(either, awkward)} values (1, 2)",
    )  # fmt: skip
    table = contract_of(awkward, [hostile, "SÉLECT"])
    assert rows_of(extract(server.url(name), table, tmp_path)) == [("1", "2")]
    with pytest.raises(InputError, match="no table or view"):
        extract(server.url(name), contract_of("safe; drop table safe", ["id"]), tmp_path)
    assert rows_of(extract(server.url(name), contract_of("safe", ["id"]), tmp_path)) == []


def test_the_cursor_takes_equal_moments_again_and_rows_without_one(
    either: tuple[DatabaseServer, str], tmp_path: Path
) -> None:
    server, name = either
    kind = "timestamp" if server.drivername == "postgresql" else "datetime(6)"
    run_sql(
        either,
        f"create table customers (id int, updated_at {kind} null)",
        "insert into customers values (1, '2024-01-01 00:00:00'), "
        "(2, '2024-01-02 00:00:00.123456'), (3, null)",
    )  # fmt: skip
    table = contract_of("customers", ["id", "updated_at"], cursor="column_1")
    first = extract(server.url(name), table, tmp_path)
    assert first.row_count == 3
    assert first.cursor_value == "2024-01-02 00:00:00.123456"
    assert not first.is_incremental
    run_sql(
        either,
        "insert into customers values (4, '2024-01-02 00:00:00.123456'), "
        "(5, '2024-01-03'), (6, '2024-01-01')",
    )  # fmt: skip
    second = extract(server.url(name), table, tmp_path, cursor_from=first.cursor_value)
    assert sorted(row[0] or "" for row in rows_of(second)) == ["2", "3", "4", "5"]
    assert second.is_incremental
    assert (second.cursor_value or "").startswith("2024-01-03 00:00:00")
    # A time that lies ahead comes each time, but the cursor does not follow it.
    run_sql(either, "insert into customers values (7, '2999-01-01')")
    ahead = extract(server.url(name), table, tmp_path, cursor_from=second.cursor_value)
    assert sorted(row[0] or "" for row in rows_of(ahead)) == ["3", "5", "7"]
    assert ahead.cursor_value == second.cursor_value
    run_sql(either, "delete from customers where id = 7")
    gone = extract(server.url(name), table, tmp_path, cursor_from="2025-01-01 00:00:00")
    assert (gone.row_count, gone.is_incremental) == (6, False)
    assert gone.cursor_value == second.cursor_value


@pytest.mark.parametrize("server_name", ["postgresql", "mariadb"])
def test_a_cursor_with_a_zone_goes_on_from_the_same_moment(
    request: pytest.FixtureRequest, tmp_path: Path, server_name: str
) -> None:
    place: tuple[DatabaseServer, str] = request.getfixturevalue(server_name)
    server, name = place
    kind = "timestamptz" if server_name == "postgresql" else "timestamp(6) null"
    zone = "set time zone '+02:00'" if server_name == "postgresql" else "set time_zone = '+02:00'"
    run_sql(
        place,
        zone,
        f"create table customers (id int, updated_at {kind})",
        "insert into customers values (1, '2024-01-01 01:00:00'), (2, '2024-01-02 01:30:00.5')",
    )
    table = contract_of("customers", ["id", "updated_at"], cursor="column_1")
    first = extract(server.url(name), table, tmp_path)
    second = extract(server.url(name), table, tmp_path, cursor_from=first.cursor_value)
    assert [row[0] for row in rows_of(second)] == ["2"]
    assert second.cursor_value == first.cursor_value


def test_the_hash_is_of_the_rows_in_any_order(
    postgresql: tuple[DatabaseServer, str], tmp_path: Path
) -> None:
    server, name = postgresql
    run_sql(
        postgresql,
        "create table one as select n as id, mod(n, 7) as rest from generate_series(1, 1000) as n",
        "create table two as select id, rest from one order by id desc",
        "create table three as select id, case when id = 500 then 0 else rest end as rest from one",
    )
    hashes = [
        extract(server.url(name), contract_of(table, ["id", "rest"]), tmp_path).content_sha256
        for table in ("one", "two", "three")
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_tables_of_one_extract_agree_while_others_write(
    either: tuple[DatabaseServer, str], tmp_path: Path
) -> None:
    server, name = either
    run_sql(
        either,
        "create table customers (id int)",
        "create table orders (customer_id int)",
        "insert into customers values (1)",
        "insert into orders values (1)",
    )
    url = server.url(name)
    with open_snapshot("dms", url) as connection:
        before = extract_table(
            connection,
            contract_of("customers", ["id"]),
            tmp_path,
            place="it",
            address="test",
            at=AT,
        )
        assert before.row_count == 1
        run_sql(either, "insert into customers values (2)", "insert into orders values (2)")
        orders = contract_of("orders", ["customer_id"])
        after = extract_table(connection, orders, tmp_path, place="it", address="test", at=AT)
    assert after.row_count == 1


def test_a_read_only_transaction_can_write_nothing(either: tuple[DatabaseServer, str]) -> None:
    server, name = either
    run_sql(either, "create table customers (id int)")
    with (
        open_snapshot("dms", server.url(name)) as connection,
        pytest.raises(sa.exc.DBAPIError, match=r"read-only|READ ONLY"),
    ):
        connection.exec_driver_sql("insert into customers values (1)")


def test_schemas_are_named_before_the_table(
    postgresql: tuple[DatabaseServer, str], tmp_path: Path
) -> None:
    server, name = postgresql
    run_sql(
        postgresql,
        'create schema "Sales"',
        'create table "Sales".customers (id int)',
        'insert into "Sales".customers values (7)',
    )
    table = contract_of("sales.customers", ["id"])
    assert rows_of(extract(server.url(name), table, tmp_path)) == [("7",)]
    with pytest.raises(InputError, match=r"no schema 'sale'\. Did you mean 'Sales'"):
        extract(server.url(name), contract_of("sale.customers", ["id"]), tmp_path)


@pytest.mark.parametrize(
    ("location", "column", "sentence"),
    [
        ("customer", "id", "no table or view 'customer' .* Did you mean 'customers'"),
        ("customers", "emial", "lacks the column.* 'emial'; it has id, email, photo. Did you mean 'email'"),
        ("customers", "photo", "the column 'photo' holds bytes"),
    ],
)  # fmt: skip
def test_what_the_catalogue_lacks_is_named(
    either: tuple[DatabaseServer, str], tmp_path: Path, location: str, column: str, sentence: str
) -> None:
    server, name = either
    binary = "bytea" if server.drivername == "postgresql" else "blob"
    run_sql(either, f"create table customers (id int, email text, photo {binary})")
    with pytest.raises(InputError, match=sentence) as caught:
        extract(server.url(name), contract_of(location, [column]), tmp_path)
    assert str(caught.value).startswith("dms.customers: ")


def test_a_wrong_password_is_said_once_and_never_shown(
    either: tuple[DatabaseServer, str], tmp_path: Path
) -> None:
    server, name = either
    waits: list[float] = []
    with (
        pytest.raises(InputError, match="CADENCIA_SOURCE_DMS_URL") as caught,
        open_snapshot("dms", server.url(name, password="wr0ng/secret"), sleep=waits.append),
    ):
        pytest.fail("it let us in")
    assert waits == []
    assert "wr0ng" not in str(caught.value)
    assert f"127.0.0.1:{server.port}" in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_unreachable_host_is_asked_three_times(tmp_path: Path) -> None:
    url = sa.make_url("postgresql+psycopg://reader:hush@127.0.0.1:1/dms")
    waits: list[float] = []
    with (
        pytest.raises(
            InputError, match=r"can't connect to the postgresql database 'dms'"
        ) as caught,
        open_snapshot("dms", url, sleep=waits.append),
    ):
        pytest.fail("it let us in")
    assert len(waits) == 2
    assert waits[0] < waits[1]
    assert "hush" not in str(caught.value)


def test_a_connection_lost_midway_ends_in_a_sentence_without_rows(
    postgresql: tuple[DatabaseServer, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, name = postgresql
    run_sql(
        postgresql,
        "create table customers as select n as id, 'María ' || n || repeat('x', 500) as full_name "
        "from generate_series(1, 20000) as n",
    )
    monkeypatch.setattr(database_extract, "ROWS_PER_CHUNK", 500)
    add = database_extract.RowSetHash.add
    is_killed = threading.Event()

    def add_then_kill(self: database_extract.RowSetHash, row: str) -> None:
        add(self, row)
        if self.row_count == 1000 and not is_killed.is_set():
            is_killed.set()
            with server.admin().connect() as connection:
                connection.exec_driver_sql(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    f"where datname = '{name}' and pid <> pg_backend_pid()"
                )
            time.sleep(0.2)

    monkeypatch.setattr(database_extract.RowSetHash, "add", add_then_kill)
    with pytest.raises(InputError, match="was lost after 1,000 rows") as caught:
        extract(server.url(name), contract_of("customers", ["id", "full_name"]), tmp_path)
    assert is_killed.is_set()
    sentence = str(caught.value)
    assert sentence.startswith("dms.customers: ")
    assert "María" not in sentence
    assert PASSWORD not in sentence


def test_a_query_that_fails_on_a_row_does_not_quote_it(
    postgresql: tuple[DatabaseServer, str], tmp_path: Path
) -> None:
    server, name = postgresql
    run_sql(
        postgresql,
        "create table people as select 'María Núñez' as full_name",
        "create view customers as select cast(full_name as integer) as id from people",
    )
    with pytest.raises(InputError, match="refused the query") as caught:
        extract(server.url(name), contract_of("customers", ["id"]), tmp_path)
    assert "María" not in str(caught.value)
    assert "22P02" in str(caught.value)


def test_a_table_without_leave_to_read(
    postgresql: tuple[DatabaseServer, str], tmp_path: Path
) -> None:
    server, name = postgresql
    role = f"guest_{uuid4().hex[:8]}"
    run_sql(
        postgresql,
        "create table customers (id int)",
        f"create role {role} login password 'guest'",
    )
    url = server.url(name, password="guest").set(username=role)
    with pytest.raises(InputError, match="Check that the user may read the table"):
        extract(url, contract_of("customers", ["id"]), tmp_path)
    run_sql(postgresql, f"drop role {role}")


def test_a_locked_table_is_not_waited_for_without_end(
    either: tuple[DatabaseServer, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, name = either
    run_sql(either, "create table customers (id int)")
    monkeypatch.setattr(database, "LOCK_TIMEOUT_SECONDS", 1)
    is_postgresql = server.drivername == "postgresql"
    lock = (
        "lock table customers in access exclusive mode"
        if is_postgresql
        else ("lock tables customers write")
    )
    engine = sa.create_engine(server.url(name), poolclass=sa.NullPool)
    with engine.connect() as holder:
        holder.exec_driver_sql(lock)
        with pytest.raises(InputError, match="nobody holds a lock"):
            extract(server.url(name), contract_of("customers", ["id"]), tmp_path)


def test_a_full_disk_ends_in_a_sentence(
    postgresql: tuple[DatabaseServer, str], tmp_path: Path
) -> None:
    server, name = postgresql
    run_sql(
        postgresql, "create table customers as select n as id from generate_series(1, 1000) as n"
    )
    (tmp_path / "dms__customers.parquet").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"dms\.customers: the extract can't be written"):
        extract(server.url(name), contract_of("customers", ["id"]), tmp_path)


def test_a_view_is_read_like_a_table(either: tuple[DatabaseServer, str], tmp_path: Path) -> None:
    server, name = either
    run_sql(either, "create view customers as select 1 as id")
    assert rows_of(extract(server.url(name), contract_of("customers", ["id"]), tmp_path)) == [
        ("1",)
    ]


def test_memory_does_not_grow_with_the_table(
    postgresql: tuple[DatabaseServer, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, name = postgresql
    run_sql(
        postgresql, "create table customers as select n as id from generate_series(1, 5000) as n"
    )
    monkeypatch.setattr(database_extract, "ROWS_PER_CHUNK", 100)
    largest = 0
    chunks = database_extract._chunks

    def watched(*arguments: Any) -> Iterator[Any]:
        nonlocal largest
        for chunk in chunks(*arguments):
            largest = max(largest, len(chunk))
            yield chunk

    monkeypatch.setattr(database_extract, "_chunks", watched)
    found = extract(server.url(name), contract_of("customers", ["id"]), tmp_path)
    assert (found.row_count, largest) == (5000, 100)
