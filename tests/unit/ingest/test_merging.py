"""Which row wins: never a matter of arrival, of splits or of repeated deliveries."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.lib.errors import InputError
from orchestration.lib.ingest import merging
from orchestration.lib.ingest.deliveries import delivery_date, file_delivery, stem_of
from tests.unit.ingest.conftest import Shop, column, contract

UPSERT = contract(
    column("id", "bigint", is_required=True),
    column("version", "bigint"),
    column("value"),
    location="sales_*.csv",
    delivery="upsert",
    primary_key=("id",),
    version_by=("version",),
)
BY_DATE = contract(
    column("id", "bigint", is_required=True),
    column("value"),
    location="sales_*.csv",
    delivery="upsert",
    primary_key=("id",),
)
APPEND = contract(
    column("id", "bigint"), column("value"), location="sales_*.csv", delivery="append"
)
SNAPSHOT = contract(column("id", "bigint"), column("value"), location="sales_*.csv")

Row = tuple[int, int | None, str]


def text_of(rows: list[Row]) -> str:
    lines = [f"{key},{'' if version is None else version},{value}" for key, version, value in rows]
    return "\n".join(["id,version,value", *lines]) + "\n"


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("clientes_20240131.csv", "20240131"),
        ("tickets_2024-01-31.ndjson.gz", "20240131"),
        ("tickets_2024-01.ndjson.gz", "202401"),
        ("events_202401.parquet", "202401"),
        ("stock_20240131_093000.csv", "20240131_093000"),
        ("clientes.csv", ""),
        ("order_20241399.csv", ""),
        ("renta_2022.csv", ""),
    ],
)
def test_the_date_of_a_delivery_is_the_first_in_its_name(name: str, date: str) -> None:
    assert delivery_date(name) == date


def test_a_stem_has_no_endings() -> None:
    assert stem_of("a/tickets_2024-01.ndjson.gz") == "tickets_2024-01"
    member = file_delivery("audience_20240131.zip/members_x.csv", "h", 1, "audience_20240131.zip")
    assert member.label == "20240131|audience_20240131/members_x"


def test_a_newer_version_wins_whenever_it_comes(shop: Shop) -> None:
    shop.drop("sales_20240201.csv", text_of([(1, 5, "old"), (2, 1, "only")]))
    first = shop.load(UPSERT)
    assert (first.rows_loaded, first.rows_unchanged) == (2, 0)
    shop.drop("sales_20240101.csv", text_of([(1, 9, "new"), (2, 0, "older")]))
    second = shop.load(UPSERT)
    assert (second.rows_loaded, second.rows_unchanged) == (1, 1)
    assert shop.rows("select id, value from sales order by id") == [(1, "new"), (2, "only")]


def test_without_a_version_the_newer_delivery_wins(shop: Shop) -> None:
    shop.drop("sales_20240201.csv", "id,value\n1,february\n")
    shop.load(BY_DATE)
    shop.drop("sales_20240101.csv", "id,value\n1,january\n2,january\n")
    shop.load(BY_DATE)
    assert shop.rows("select id, value from sales order by id") == [(1, "february"), (2, "january")]


def test_equal_rows_are_unchanged_and_advance_their_delivery(shop: Shop) -> None:
    """January's A must not lose to a late February B when March said A again."""
    shop.drop("sales_20240131.csv", "id,value\n1,a\n")
    shop.load(BY_DATE)
    shop.drop("sales_20240331.csv", "id,value\n1,a\n2,x\n")
    result = shop.load(BY_DATE)
    assert (result.rows_loaded, result.rows_unchanged) == (1, 1)
    shop.drop("sales_20240229.csv", "id,value\n1,b\n")
    assert shop.load(BY_DATE).rows_loaded == 0
    assert shop.rows("select value, _delivery from sales where id = 1") == [
        ("a", "20240331|sales_20240331")
    ]


def test_one_key_twice_in_a_file(shop: Shop) -> None:
    """The same row again is unchanged, an older version too; a contradiction is rejected."""
    shop.drop(
        "sales_1.csv",
        text_of([(1, 1, "a"), (1, 1, "a"), (2, 2, "new"), (2, 1, "old"), (3, 1, "x"), (3, 1, "y")]),
    )
    result = shop.load(UPSERT)
    assert (result.rows_loaded, result.rows_unchanged, result.rows_rejected) == (3, 2, 1)
    ((_, name, reason),) = shop.reasons()
    assert name == "id"
    assert "with other values and no newer version" in reason


@pytest.mark.parametrize("has_collisions", [False, True])
def test_append_keeps_as_many_as_the_fullest_delivery(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, has_collisions: bool
) -> None:
    if has_collisions:
        # The fast hash only says where to look: rows that share it by chance stay apart.
        monkeypatch.setattr(merging, "_fast_hash_sql", lambda _table, alias: f"{alias}.id // 100")
    shop.drop("sales_1.csv", "id,value\n1,a\n1,a\n2,b\n")
    shop.load(APPEND)
    shop.drop("sales_2.csv", "id,value\n1,a\n1,a\n1,a\n3,c\n")
    result = shop.load(APPEND)
    assert (result.rows_loaded, result.rows_unchanged) == (2, 2)
    assert Counter(shop.rows("select id, value from sales")) == {
        (1, "a"): 3,
        (2, "b"): 1,
        (3, "c"): 1,
    }


def test_snapshot_is_the_newest_whenever_it_comes(shop: Shop) -> None:
    shop.drop("sales_20240229.csv", "id,value\n1,new\n2,same\n")
    shop.load(SNAPSHOT)
    shop.drop("sales_20240131.csv", "id,value\n1,old\n2,same\n3,gone\n")
    result = shop.load(SNAPSHOT)
    assert (result.rows_loaded, result.rows_unchanged) == (0, 3)
    assert shop.statuses()["sales_20240131.csv"] == "superseded"
    shop.drop("sales_20240331.csv", "id,value\n1,newest\n2,same\n")
    third = shop.load(SNAPSHOT)
    assert (third.rows_loaded, third.rows_unchanged) == (1, 1)
    assert shop.rows("select id, value from sales order by id") == [(1, "newest"), (2, "same")]


@pytest.mark.parametrize("table", [UPSERT, APPEND, SNAPSHOT], ids=["upsert", "append", "snapshot"])
def test_the_same_content_under_another_name_changes_nothing(shop: Shop, table) -> None:
    shop.drop("sales_20240131.csv", text_of([(1, 1, "a"), (2, 1, "b")]))
    shop.load(table)
    before = shop.rows("select id, value from sales order by all")
    shop.drop("sales_20240131 (copy).csv", text_of([(1, 1, "a"), (2, 1, "b")]))
    result = shop.load(table)
    assert (result.rows_loaded, result.rows_unchanged) == (0, 2)
    assert shop.rows("select id, value from sales order by all") == before
    shop.drop("sales_20230101.csv", text_of([(1, 1, "a"), (2, 1, "b")]))
    shop.load(table)
    assert shop.statuses()["sales_20230101.csv"] == "duplicate"
    assert shop.load(table).is_unchanged


def test_a_corrected_file_rebuilds_the_table(shop: Shop) -> None:
    shop.drop("sales_1.csv", "id,value\n1,wrong\n9,mistake\n")
    shop.drop("sales_2.csv", "id,value\n2,b\n")
    shop.load(BY_DATE)
    shop.drop("sales_1.csv", "id,value\n1,right\n")
    result = shop.load(BY_DATE)
    assert shop.rows("select id, value from sales order by id") == [(1, "right"), (2, "b")]
    assert {file.source_file for file in result.files} == {"sales_1.csv", "sales_2.csv"}


def test_a_rebuild_that_would_lose_rows_is_refused(shop: Shop) -> None:
    path = shop.drop("sales_1.csv", "id,value\n1,a\n")
    shop.drop("sales_2.csv", "id,value\n2,b\n")
    shop.load(BY_DATE)
    path.unlink()
    assert shop.load(BY_DATE).is_unchanged
    with pytest.raises(InputError, match=r"sales_1\.csv was loaded earlier.*Put it back"):
        shop.load(BY_DATE, full_refresh=True)
    assert len(shop.rows("select id from sales")) == 2
    shop.drop("sales_3.csv", "id,value\n1,a\n")  # the same content under another name will do
    shop.load(BY_DATE, full_refresh=True)
    assert len(shop.rows("select id from sales")) == 2


def test_the_newest_snapshot_gone_is_kept_and_a_rebuild_refused(shop: Shop) -> None:
    shop.drop("sales_20240131.csv", "id,value\n1,a\n")
    newest = shop.drop("sales_20240229.csv", "id,value\n1,b\n")
    shop.load(SNAPSHOT)
    newest.unlink()
    assert shop.load(SNAPSHOT).is_unchanged
    assert shop.rows("select value from sales") == [("b",)]
    with pytest.raises(InputError, match=r"sales_20240229\.csv"):
        shop.load(SNAPSHOT, full_refresh=True)


def test_a_ledger_of_an_older_version_is_taken_over(shop: Shop) -> None:
    connection = shop.connection
    connection.execute(
        """create schema raw; create table raw._batches (
            batch_id varchar, source_system varchar, table_name varchar, source_file varchar,
            content_sha256 varchar, contract_sha256 varchar, file_bytes bigint,
            rows_delivered bigint, rows_loaded bigint, rows_rejected bigint, rows_unchanged bigint,
            undeclared_columns varchar, loaded_at timestamp, run_id varchar);
        insert into raw._batches values ('b', 'shop', 'sales', 'sales_1.csv', 'h', 'c', 1, 1, 1, 0,
            0, '', timestamp '2026-01-01', 'r');
        create table raw.shop__sales (id bigint, value varchar);
        create table raw._rejects (
            batch_id varchar, source_system varchar, table_name varchar, source_file varchar,
            row_number bigint, column_name varchar, reason varchar, raw_line varchar,
            rejected_at timestamp)"""
    )
    shop.drop("sales_1.csv", "id,value\n1,a\n")
    shop.load(BY_DATE)
    assert shop.rows("select id, value from sales") == [(1, "a")]
    statuses = connection.execute("select status from raw._batches order by all").fetchall()
    assert statuses == [("loaded",), ("replaced",)]


rows = st.tuples(
    st.integers(1, 4),
    st.one_of(st.none(), st.integers(1, 3)),
    st.sampled_from(
        ["a", "b", "", 'ñ,"x"\n'.replace("\n", " ").replace(",", ";").replace('"', "")]
    ),
)
files = st.lists(st.tuples(st.integers(1, 28), st.lists(rows, max_size=5)), min_size=1, max_size=5)


def content_after(arrivals: list[list[tuple[str, str]]], table, folder: Path) -> list[tuple]:
    """Load wave after wave of (name, text) and return the keyed content."""
    with duckdb.connect() as connection:
        shop = Shop(connection, folder)
        for wave in arrivals:
            for name, text in wave:
                shop.drop(name, text)
            shop.load(table)
        columns = "id, version, value, _delivery" if table is UPSERT else "id, value"
        return shop.rows(f"select {columns} from sales order by all")


@given(files=files, data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.parametrize("table", [UPSERT, APPEND, SNAPSHOT], ids=["upsert", "append", "snapshot"])
def test_no_order_of_arrival_and_no_repetition_changes_the_content(
    tmp_path_factory: pytest.TempPathFactory, table, files, data
) -> None:
    named = {f"sales_202401{day:02}.csv": text_of(rows) for day, rows in files}
    if table is SNAPSHOT:
        named = {name: text for name, text in named.items() if text.count("\n") > 1}
        if not named:
            return
    at_once = content_after([list(named.items())], table, tmp_path_factory.mktemp("one"))
    arrivals = data.draw(st.permutations(list(named.items())))
    waves = [[each] for each in arrivals]
    repeated = data.draw(st.sampled_from(list(named.items())))
    waves.insert(data.draw(st.integers(0, len(waves))), [repeated])
    assert content_after(waves, table, tmp_path_factory.mktemp("many")) == at_once


@given(rows=st.lists(rows, min_size=1, max_size=12), data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_split_changes_the_content(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], data
) -> None:
    """Rows of a key with equal versions need an order: here each version of a key is one row."""
    unique = list(
        {(key, version or 0): (key, version or 0, value) for key, version, value in rows}.values()
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(unique)), max_size=3)))
    bounds = [0, *cuts, len(unique)]
    parts = [unique[left:right] for left, right in itertools.pairwise(bounds)]
    names = [f"sales_{number}.csv" for number in range(len(parts))]
    split = [[(name, text_of(part))] for name, part in zip(names, parts, strict=True)]
    order = data.draw(st.permutations(split))
    whole = content_after(
        [[("sales_x.csv", text_of(unique))]], UPSERT, tmp_path_factory.mktemp("w")
    )
    found = content_after(list(order), UPSERT, tmp_path_factory.mktemp("s"))
    assert [row[:3] for row in found] == [row[:3] for row in whole]


def test_times_of_loading_are_those_of_the_run(shop: Shop) -> None:
    shop.drop("sales_1.csv", "id,value\n1,a\n")
    shop.load(APPEND)
    assert shop.rows("select distinct _loaded_at from sales") == [(datetime(2026, 11, 22, 10),)]
