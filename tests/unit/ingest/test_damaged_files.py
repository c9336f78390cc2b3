"""A damaged delivery ends loaded, rejected with a reason, refused or skipped in a sentence: no other way."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.errors import InputError
from orchestration.lib.ingest import files, table_load
from orchestration.lib.ingest.files import load_table
from tests.unit.ingest.conftest import LOADED_AT, Shop, column, contract
from tests.unit.ingest.damaged_files import (
    LOADED,
    REFUSED,
    REJECTED,
    SKIPPED,
    Damaged,
    all_cases,
    csv_text,
)

CASES = all_cases()
COLUMNS = (
    column("id", is_required=True),
    column("name"),
    column("amount", "double"),
    column("sold_on", "date"),
)


def test_there_are_at_least_three_hundred() -> None:
    assert len(CASES) >= 300
    assert len({each.label for each in CASES}) > 290


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_each_ends_in_one_of_the_right_ways(shop: Shop, case: Damaged) -> None:
    case.drop(shop.folder)
    keys = {"primary_key": ("id",), **case.keys}
    table = contract(*COLUMNS, location=case.name, **keys)
    try:
        result = shop.load(table)
    except InputError as error:
        message = str(error)
        assert case.name in message, "names the file"
        assert message.startswith("shop.sales: "), "names the table"
        assert message.count(". ") >= 1, "says what to do"
        assert "Traceback" not in message
        assert not shop.connection.execute(
            "select 1 from raw._batches where rows_delivered > 0"
        ).fetchall()
        end = REFUSED if not is_only_skipped(message) else SKIPPED
        assert end in case.ends, message
        return
    assert result.files or result.skipped
    if case.rows is not None:
        assert result.rows_delivered == case.rows
    end = REJECTED if result.rows_rejected else LOADED
    assert end in case.ends, (end, shop.reasons())
    assert len(shop.rows("select id from sales")) == result.rows_loaded
    if result.rows_rejected:
        assert all(reason for _, _, reason in shop.reasons())


def is_only_skipped(message: str) -> bool:
    return "still being written" in message or "is a folder" in message or "no regular" in message


def test_a_file_that_changes_while_it_is_read_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shop.drop("a.csv", csv_text())
    read = files.READERS["csv"]

    def slow_reader(source):
        with path.open("a") as file:
            file.write("K9,late,1.00,2024-01-01\n")
        return read(source)

    monkeypatch.setattr(files, "READERS", {**files.READERS, "csv": slow_reader})
    with pytest.raises(InputError, match=r"a\.csv changed while it was read"):
        shop.load(contract(*COLUMNS, location="a.csv"))
    assert not shop.connection.execute("select * from raw._batches").fetchall()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(shop: Shop) -> None:
    shop.drop("a.csv", csv_text()).chmod(0)
    with pytest.raises(InputError, match="may not be read"):
        shop.load(contract(*COLUMNS, location="a.csv"))


def test_no_value_of_the_data_is_in_a_message(shop: Shop) -> None:
    for name, content in (
        ("a.csv", "id,name\nSECRET,SECRET\n"),
        ("a.ndjson", '{"ident": "SECRET"}\n'),
        ("a.json", '[{"id": "SECRET"'),
        ("a.xlsx", "SECRET"),
        ("a.parquet", "SECRET"),
    ):
        shop.drop(name, content)
        with pytest.raises(InputError) as caught:
            shop.load(contract(*COLUMNS, location=name))
        assert "SECRET" not in str(caught.value)


def test_copies_are_for_their_owner_and_go_in_any_case(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = tmp_path / "working"
    working.mkdir()
    modes: list[int] = []
    take = table_load.TableLoad.take

    def watching(self, delivery, staged, **options):
        modes.extend(path.stat().st_mode & 0o077 for path in working.rglob("*"))
        return take(self, delivery, staged, **options)

    monkeypatch.setattr(table_load.TableLoad, "take", watching)
    shop.drop("a.csv", csv_text().encode("cp1252"))
    shop.load(contract(*COLUMNS, location="a.csv"), working_dir=working)
    assert modes
    assert not any(modes)
    assert not list(working.iterdir())


FULL_DISK = """
import resource, sys
from pathlib import Path
import duckdb
from orchestration.lib.ingest.files import load_table
from tests.unit.ingest.conftest import LOADED_AT
from tests.unit.ingest.test_damaged_files import FULL_TABLE
folder = Path(sys.argv[1])
connection = duckdb.connect(str(folder / "crm.duckdb"))
limit = 3 << 20
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    load_table(connection, FULL_TABLE, landing_dir=folder, loaded_at=LOADED_AT, run_id="r")
    connection.execute("checkpoint")
except (duckdb.Error, OSError) as error:
    print(type(error).__name__)
    sys.exit(3)
"""
FULL_TABLE = contract(
    column("id", is_required=True), column("text"), location="a_*.csv", delivery="append"
)


def test_a_full_disk_stops_the_load_and_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """The limit on the size of files stands for a disk without room."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "a_1.csv").write_text("id,text\n1,a\n")
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as connection:
        load_table(connection, FULL_TABLE, landing_dir=tmp_path, loaded_at=LOADED_AT, run_id="r")
    noise = "".join(f"{number},{os.urandom(100).hex()}\n" for number in range(60_000))
    (tmp_path / "shop" / "a_2.csv").write_text("id,text\n" + noise)
    outcome = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert outcome.returncode == 3, outcome.stdout + outcome.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as connection:
        assert connection.execute('select id from raw."shop__sales"').fetchall() == [("1",)]
        assert connection.execute("select count(*) from raw._batches").fetchall() == [(1,)]
