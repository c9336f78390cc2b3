"""Loading one file: every delivered row is loaded or rejected with its reason, or the file is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.contract import ColumnContract, TableContract
from orchestration.lib.errors import InputError
from orchestration.lib.ingest.files import content_hash, load_table
from orchestration.lib.ingest.ledger import LoadResult
from orchestration.lib.privacy.landing_files import follow_rewritten

LOADED_AT = datetime(2026, 11, 22, 10)


def column(name: str, data_type: str, **rules: object) -> ColumnContract:
    return ColumnContract(
        **{
            "name": name,
            "data_type": data_type,
            "data_class": "none",
            "source_column": name,
            **rules,
        }
    )


SALES = TableContract(
    system="shop",
    name="sales",
    identifier="shop__sales",
    description="One row per sale.",
    location="landing://sales.parquet",
    format="parquet",
    columns=(
        column("sale_id", "varchar", is_required=True),
        column("units", "integer", minimum=0),
        column("amount", "decimal(18,4)", minimum=0, maximum=1000),
        column("sold_at", "timestamp", is_required=True, is_future_allowed=False),
    ),
    primary_key=("sale_id",),
    event_time="sold_at",
)
TEXT = replace(
    SALES,
    location="landing://sales.txt",
    format="whitespace",
    primary_key=(),
    columns=(
        column("sale_id", "varchar", is_required=True),
        column("amount", "decimal(18,4)", source_column="euros"),
        column("sold_at", "date", source_column="day", date_format="%Y%m%d"),
    ),
)


def drop(folder: Path, query: str, name: str = "sales.parquet") -> Path:
    landing = folder / "shop"
    landing.mkdir(exist_ok=True)
    duckdb.execute(f"copy ({query}) to '{landing / name}' (format parquet)")
    return landing / name


def load(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    table: TableContract = SALES,
    **options: bool,
) -> LoadResult:
    return load_table(
        connection, table, landing_dir=folder, loaded_at=LOADED_AT, run_id="run-1", **options
    )


def rows(*values: str) -> str:
    return f"from (values {', '.join(values)}) as sales(sale_id, units, amount, sold_at)"


def reasons(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str, str]]:
    return connection.execute(
        "select row_number, column_name, reason from raw._rejects order by all"
    ).fetchall()


def test_good_rows_keep_their_values_and_ledger(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    drop(
        tmp_path,
        rows("('a', 1, 9.99, timestamp '2026-01-02 03:04:05')", "('b', null, null, '2026-01-03')"),
    )
    result = load(connection, tmp_path)
    assert (result.rows_delivered, result.rows_loaded, result.rows_rejected) == (2, 2, 0)
    loaded = connection.execute(
        "select sale_id, units, amount, sold_at, _row_number, _source_file, _loaded_at, _batch_id "
        "from raw.shop__sales order by sale_id"
    ).fetchall()
    assert loaded[0][0:2] == ("a", 1)
    assert float(loaded[0][2]) == 9.99
    assert loaded[0][4:] == (1, "sales.parquet", LOADED_AT, result.batch_id)
    assert loaded[1][1] is None


def test_a_file_rewritten_without_somebody_is_the_same_batch(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """The ledger follows its content, and loading all again replaces its rows, rejects and counts."""
    bad = "('b', -1, 1.0, timestamp '2026-01-02 03:04:05')"
    path = drop(tmp_path, rows("('a', 1, 9.99, timestamp '2026-01-02 03:04:05')", bad))
    before = load(connection, tmp_path)
    old = content_hash(path)
    drop(tmp_path, rows(bad, "('c', 2, 9.99, timestamp '2026-01-02 03:04:05')"))
    follow_rewritten(connection, {old: (content_hash(path), path.stat().st_size)})
    assert load(connection, tmp_path).is_unchanged
    again = load(connection, tmp_path, full_refresh=True)
    assert again.batch_id == before.batch_id
    assert reasons(connection) == [(1, "units", "units is below the minimum 0")]
    (counted,) = connection.execute(
        "select count(*), max(rows_loaded) from raw._batches"
    ).fetchall()
    assert counted == (1, 1)


@pytest.mark.parametrize(
    ("value", "bad_column", "reason"),
    [
        ("(null, '1', '1', '2026-01-01')", "sale_id", "sale_id is missing but required"),
        ("('  ', '1', '1', '2026-01-01')", "sale_id", "sale_id is missing but required"),
        ("('a', 'x', '1', '2026-01-01')", "units", "units can't be read as integer"),
        ("('a', '12.7', '1', '2026-01-01')", "units", "units can't be read as integer"),
        ("('a', '1', '-0.01', '2026-01-01')", "amount", "amount is below the minimum 0"),
        ("('a', '1', '1001', '2026-01-01')", "amount", "amount is above the maximum 1000"),
        ("('a', '1', '1', '2026-02-30')", "sold_at", "sold_at can't be read as timestamp"),
        ("('a', '1', '1', '2031-01-01')", "sold_at", "sold_at lies in the future"),
    ],
)
def test_a_bad_value_is_rejected_with_its_reason(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, value: str, bad_column: str, reason: str
) -> None:
    drop(tmp_path, rows("('good', '1', '1', '2026-01-01')", value))
    result = load(connection, tmp_path)
    assert (result.rows_delivered, result.rows_loaded, result.rows_rejected) == (2, 1, 1)
    ((row_number, name, said),) = reasons(connection)
    assert (row_number, name) == (2, bad_column)
    assert said.startswith(reason)


def test_one_row_with_two_faults_is_one_rejected_row(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    drop(tmp_path, rows("('a', 'x', '-5', '2026-01-01')"))
    result = load(connection, tmp_path)
    assert (result.rows_loaded, result.rows_rejected) == (0, 1)
    assert [name for _, name, _ in reasons(connection)] == ["amount", "units"]


def test_a_repeated_key_keeps_the_first_good_row(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    drop(
        tmp_path,
        rows(
            "('a', '-1', '1', '2026-01-01')",
            "('a', '1', '1', '2026-01-01')",
            "('a', '2', '1', '2026-01-01')",
        ),
    )
    result = load(connection, tmp_path)
    assert (result.rows_delivered, result.rows_loaded, result.rows_rejected) == (3, 1, 2)
    assert connection.execute("select units from raw.shop__sales").fetchall() == [(1,)]
    assert reasons(connection)[1][2] == "repeats the primary key of an earlier row of the file"


def test_the_rejected_line_is_kept(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    drop(tmp_path, rows("('a', 'x', '1', '2026-01-01')"))
    load(connection, tmp_path)
    ((line,),) = connection.execute("select raw_line from raw._rejects").fetchall()
    assert '"units":"x"' in line


def test_the_same_file_twice_changes_nothing(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    drop(tmp_path, rows("('a', 1, 1, '2026-01-01')", "('b', -1, 1, '2026-01-01')"))
    first, second = load(connection, tmp_path), load(connection, tmp_path)
    assert not first.is_unchanged
    assert second == replace(first, is_unchanged=True)
    assert connection.execute("select count(*) from raw._batches").fetchall() == [(1,)]
    assert connection.execute("select count(*) from raw._rejects").fetchall() == [(1,)]
    assert not load(connection, tmp_path, full_refresh=True).is_unchanged


def test_a_new_file_replaces_the_snapshot_and_going_back_too(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    query_a, query_b = rows("('a', 1, 1, '2026-01-01')"), rows("('b', 1, 1, '2026-01-01')")
    for query, name in ((query_a, "a"), (query_b, "b"), (query_a, "a")):
        drop(tmp_path, query)
        load_table(connection, SALES, landing_dir=tmp_path, loaded_at=datetime.now(), run_id="r")
        assert connection.execute("select sale_id from raw.shop__sales").fetchall() == [(name,)]


def test_a_changed_contract_loads_the_same_file_again(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    drop(tmp_path, rows("('a', 1, 999, '2026-01-01')"))
    load(connection, tmp_path)
    stricter = replace(
        SALES, columns=(*SALES.columns[:2], replace(SALES.columns[2], maximum=10), SALES.columns[3])
    )
    assert load(connection, tmp_path, stricter).rows_rejected == 1


def test_a_missing_column_names_file_column_and_a_likely_new_name(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = drop(
        tmp_path, "select 'a' as sale_id, 1 as units, 1 as ammount, '2026-01-01' as sold_at"
    )
    with pytest.raises(InputError) as caught:
        load(connection, tmp_path)
    message = str(caught.value)
    assert str(path) in message
    assert "lacks the column(s) 'amount'" in message
    assert "'ammount' looks like 'amount'" in message


def test_undeclared_columns_are_told(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    drop(
        tmp_path,
        "select 'a' as sale_id, 1 as units, 1 as amount, '2026-01-01' as sold_at, 7 as vat",
    )
    assert load(connection, tmp_path).undeclared_columns == ("vat",)


def test_an_empty_file_is_refused_and_keeps_what_was_there(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    drop(tmp_path, rows("('a', 1, 1, '2026-01-01')"))
    load(connection, tmp_path)
    drop(tmp_path, rows("('a', 1, 1, '2026-01-01')") + " where false")
    with pytest.raises(InputError, match=r"sales\.parquet is empty"):
        load(connection, tmp_path)
    assert connection.execute("select count(*) from raw.shop__sales").fetchall() == [(1,)]


def test_zero_bytes_and_garbage_are_refused(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "shop").mkdir()
    for content in (b"", b"this is no parquet file"):
        (tmp_path / "shop" / "sales.parquet").write_bytes(content)
        with pytest.raises(InputError, match="can't be read as Parquet"):
            load(connection, tmp_path)


def test_a_missing_file_and_a_missing_package_say_what_to_do(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="Drop the export there"):
        load(connection, tmp_path)
    packaged = replace(
        SALES, location="package://no_such_package/sales.parquet", distribution="no-such"
    )
    with pytest.raises(InputError, match=r"'no_such_package'.*not installed.*pip install no-such"):
        load(connection, tmp_path, packaged)
    absent = replace(SALES, location="package://lifetimes/nothing.parquet")
    with pytest.raises(InputError, match=r"has no file nothing\.parquet"):
        load(connection, tmp_path, absent)


def write_text(folder: Path, text: str | bytes) -> None:
    (folder / "shop").mkdir(exist_ok=True)
    content = text.encode() if isinstance(text, str) else text
    (folder / "shop" / "sales.txt").write_bytes(content)


def test_whitespace_text_is_read_by_header_name(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write_text(
        tmp_path, " day  sale_id   euros\r\n 20260101  0007  3.50\r\n\r\n 20260102  '8\"  4\r\n"
    )
    result = load(connection, tmp_path, TEXT)
    assert (result.rows_delivered, result.rows_rejected) == (2, 0)
    loaded = connection.execute(
        "select sale_id, amount::double, sold_at::varchar from raw.shop__sales"
    )
    assert loaded.fetchall() == [("0007", 3.5, "2026-01-01"), ("'8\"", 4.0, "2026-01-02")]


def test_whitespace_text_rejects_ragged_lines_and_wrong_dates(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write_text(tmp_path, "sale_id euros day\na 1 20260101\nb 1\nc 1 20261301\nd 1 20260101 x\n")
    result = load(connection, tmp_path, TEXT)
    assert (result.rows_delivered, result.rows_loaded, result.rows_rejected) == (4, 1, 3)
    said = {(number, reason) for number, _, reason in reasons(connection)}
    assert (2, "the line has not as many fields as the header") in said
    assert (3, "sold_at can't be read as date in the format %Y%m%d") in said


def test_whitespace_text_refuses_renamed_columns_empty_files_and_other_encodings(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write_text(tmp_path, "sale_id dollars day\na 1 20260101\n")
    with pytest.raises(InputError, match="lacks the column"):
        load(connection, tmp_path, TEXT)
    for empty in ("", "sale_id euros day\n"):
        write_text(tmp_path, empty)
        with pytest.raises(InputError, match="is empty"):
            load(connection, tmp_path, TEXT)
    write_text(tmp_path, "sale_id euros day\nñ 1 20260101\n".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        load(connection, tmp_path, TEXT)


def test_a_failure_in_the_middle_leaves_the_ledger_as_it_was(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    drop(tmp_path, rows("('a', 1, 1, '2026-01-01')"))
    load(connection, tmp_path)
    drop(tmp_path, rows("('b', 1, 1, '2026-01-01')"))
    connection.execute("alter table raw._rejects rename to _rejects_gone")
    connection.execute("create view raw._rejects as from raw._rejects_gone")
    with pytest.raises(duckdb.Error):
        load(connection, tmp_path)
    assert connection.execute("select sale_id from raw.shop__sales").fetchall() == [("a",)]
    assert connection.execute("select count(*) from raw._batches").fetchall() == [(1,)]


def test_times_are_stored_in_utc(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Madrid is one hour ahead of UTC in winter, two in summer."""
    drop(
        tmp_path,
        rows("('w', '1', '1', '2026-01-15 12:00:00')", "('s', '1', '1', '2026-07-15 12:00:00')"),
    )
    load(connection, tmp_path, replace(SALES, timezone="Europe/Madrid"))
    stored = connection.execute(
        "select sale_id, cast(sold_at as varchar) from raw.shop__sales order by sale_id"
    ).fetchall()
    assert stored == [("s", "2026-07-15 10:00:00"), ("w", "2026-01-15 11:00:00")]
