"""Scrubbing takes out what was decided about and leaves every other row as it was, in each format."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.lib.contract import ColumnContract, TableContract
from orchestration.lib.privacy.byte_search import compile_patterns, search_file
from orchestration.lib.privacy.scrubbing import (
    DeliveredRows,
    RowDecisions,
    ScrubError,
    remove_leftovers,
    scrub_by_patterns,
    scrub_file,
)
from orchestration.lib.privacy.scrubbing import atomic as atomic_module
from orchestration.lib.privacy.scrubbing import sqlite as sqlite_module

PEOPLE = [
    ("K1", "Ana Núñez", "ana@correo.example", "12,5", "2024-01-01"),
    ("K2", 'Íñigo "Iñaki" Gil', "inigo@correo.example", "1", "2024-01-02"),
    ("K3", "Begoña Ruiz\nde la Torre", "begona@correo.example", "x", "2024-01-03"),
    ("K1", "Ana Núñez", "ana@correo.example", "3", "no date"),
    ("K4", "", "", "4", "2024-01-05"),
]
NAMES = ("id", "name", "email", "amount", "sold_on")


def column(name: str, data_type: str = "varchar", **keys: Any) -> ColumnContract:
    return ColumnContract(
        **{
            "name": name,
            "data_type": data_type,
            "data_class": "none",
            "source_column": name,
            **keys,
        }
    )


COLUMNS = (
    column("id", is_required=True),
    column("name"),
    column("email"),
    column("amount", "decimal(18,4)"),
    column("sold_on", "date"),
)


def contract(location: str = "*", name: str = "sales", **keys: Any) -> TableContract:
    return TableContract(
        **{
            "system": "shop",
            "name": name,
            "identifier": f"shop__{name}",
            "description": "",
            "location": f"landing://{location}",
            "format": "auto",
            "columns": COLUMNS,
            **keys,
        }
    )


class Asked:
    """Decides by the id, and remembers the rows it was shown."""

    def __init__(self, delete: str = "", blank: str = "", **more: Any) -> None:
        self.delete, self.blank, self.more = delete, blank, more
        self.seen: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def __call__(self, delivered: DeliveredRows) -> RowDecisions:
        rows = delivered.rows.to_pylist()
        self.seen[(delivered.table.name, delivered.source_file)] = rows
        ids = [row.get("id") for row in rows]
        blank = np.array([each == self.blank for each in ids], bool)
        return RowDecisions(
            delete=np.array([each == self.delete for each in ids], bool),
            blank={name: blank for name in self.more.get("columns", ("name", "email"))},
            blank_undeclared=blank,
        )

    @property
    def rows(self) -> list[dict[str, Any]]:
        (rows,) = self.seen.values()
        return rows


def read(path: Path, *tables: TableContract) -> list[dict[str, Any]]:
    asked = Asked()
    scrub_file(path, tables or [contract()], asked)
    return asked.rows


def without_numbers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "_row_number"} for row in rows]


def expected(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what is left when K1 is deleted and K2's name and e-mail are emptied."""
    kept = [dict(row) for row in rows if row["id"] != "K1"]
    for row in kept:
        if row["id"] == "K2":
            row["name"] = row["email"] = None
    return without_numbers(kept)


def csv_bytes(
    encoding: str, delimiter: str, line_end: str, quoting: int = csv.QUOTE_MINIMAL
) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerow(NAMES)
    writer.writerows(PEOPLE)
    return text.getvalue().encode(encoding)


def excel_bytes() -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Datos")
        sheet.write(0, 0, "Listado")
        for number, row in enumerate([NAMES, *PEOPLE], start=2):
            sheet.write_row(number, 0, row)
        sheet.write(2, 6, "Teléfono")
        sheet.write_number(4, 6, 612345678)
        book.add_worksheet("Otra").write(0, 0, "Ana Núñez")
    return buffer.getvalue()


def dictionaries() -> list[dict[str, str]]:
    return [dict(zip(NAMES, row, strict=True)) for row in PEOPLE]


def fixed_bytes() -> bytes:
    lines = [
        f"{row[0]:<3}{row[1][:12]:<14}{row[2]:<22}{row[3]:>5}{row[4]:>11}".replace("\n", " ")
        for row in PEOPLE
    ]
    return ("\n".join(lines) + "\n").encode("cp1252")


FIXED = tuple(
    column(each.name, each.data_type, position=position)
    for each, position in zip(COLUMNS, [(1, 3), (4, 14), (18, 22), (40, 5), (45, 11)], strict=True)
)


def parquet_bytes() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(dictionaries()), buffer, compression="zstd")
    return buffer.getvalue()


def zip_bytes(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("sales_1.csv", (2024, 1, 2, 3, 4, 6)), content)
        archive.writestr("readme.txt", "Nothing of note.\n")
    return buffer.getvalue()


CSV = csv_bytes("utf-8", ",", "\n")
NDJSON = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in dictionaries()).encode()
CASES: list[tuple[str, bytes, dict[str, Any]]] = [
    ("a.csv", CSV, {}),
    ("windows.csv", csv_bytes("cp1252", ";", "\r\n", csv.QUOTE_ALL), {"encoding": "cp1252"}),
    ("bom.csv", csv_bytes("utf-8-sig", "\t", "\r\n"), {}),
    ("wide.csv", csv_bytes("utf-16", ";", "\r\n"), {}),
    ("plain.csv", csv_bytes("utf-8", "|", "\n").replace(b"Ruiz\nde", b"Ruiz de"), {}),
    ("ragged.csv", CSV + b"K9,too,few\nK8,a,b@c.example,1,2024-01-01,,,\n\n\n", {}),
    ("packed.csv.gz", gzip.compress(CSV), {}),
    ("packed.zip", zip_bytes(CSV), {"member": "sales_*.csv", "format": "csv"}),
    ("a.ndjson", NDJSON, {}),
    ("bom.ndjson", b"\xef\xbb\xbf" + NDJSON, {}),
    (
        "a.json",
        json.dumps({"n": 5, "data": dictionaries()}, indent=1).encode(),
        {"records": "data"},
    ),
    ("flat.json", json.dumps(dictionaries(), ensure_ascii=False).encode("cp1252"), {}),
    ("a.txt", fixed_bytes(), {"format": "fixed_width", "columns": FIXED}),
    ("a.parquet", parquet_bytes(), {}),
    ("a.xlsx", excel_bytes(), {"header_row": 3, "sheet": "Datos"}),
]


@pytest.fixture(params=CASES, ids=[name for name, _, _ in CASES])
def delivered(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, TableContract]:
    name, content, keys = request.param
    path = tmp_path / name
    path.write_bytes(content)
    path.chmod(0o640)
    os.utime(path, ns=(10**18, 10**18))
    return path, contract(**keys)


def test_the_reader_gives_exactly_the_rows_that_were_kept(delivered):
    path, table = delivered
    before = read(path, table)
    result = scrub_file(path, [table], Asked("K1", "K2"))
    after = read(path, table)
    assert without_numbers(after) == expected(before)
    cells = 2 + (path.suffix == ".xlsx")  # its column that nobody declared
    assert (result.rows_deleted, result.rows_blanked, result.cells_blanked) == (
        2,
        1,
        cells,
    )
    assert result.is_rewritten and result.old_hash != result.new_hash
    kept = np.array([row["_row_number"] for row in before if row["id"] != "K1"], np.int64)
    (source_file,) = (each for _, each in result.deleted)
    numbers = result.renumbered("sales", source_file, kept)
    assert numbers.tolist() == [row["_row_number"] for row in after]
    state = path.stat()
    assert (state.st_mtime_ns, state.st_mode & 0o777) == (10**18, 0o640)


def test_scrubbing_twice_is_scrubbing_once(delivered):
    path, table = delivered
    first = scrub_file(path, [table], Asked("K1", "K2"))
    content = path.read_bytes()
    second = scrub_file(path, [table], Asked("K1", "K2"))
    assert not second.is_rewritten and second.old_hash == second.new_hash == first.new_hash
    assert path.read_bytes() == content


def test_without_anything_to_do_the_file_is_not_touched(delivered):
    path, table = delivered
    before = path.read_bytes(), path.stat().st_ino
    result = scrub_file(
        path, [table], Asked("nobody"), patterns=compile_patterns([("email", "no@body.example")])
    )
    assert not result.is_rewritten
    assert (path.read_bytes(), path.stat().st_ino) == before


def test_patterns_empty_the_cells_that_nobody_decided_about(delivered):
    path, table = delivered
    before = read(path, table)
    patterns = compile_patterns([("email", "INIGO@correo.example")])
    result = scrub_file(path, [table], Asked(), patterns=patterns)
    assert result.cells_blanked == 1 and result.left == 0
    for row in before:
        row["email"] = None if row["id"] == "K2" else row["email"]
    assert read(path, table) == before
    assert search_file(path, patterns).hits == ()


def test_what_was_kept_is_equal_byte_for_byte(tmp_path):
    for name, content, _ in CASES[:3]:
        path = tmp_path / name
        path.write_bytes(content)
        scrub_file(path, [contract()], Asked("K1"))
        lines = content.split(b"\r\n" if b"\r\n" in content else b"\n")
        kept = [line for line in lines if b"ana@" not in line]
        assert path.read_bytes() == (b"\r\n" if b"\r\n" in content else b"\n").join(kept)


def test_broken_lines_with_an_identifier_go_and_others_stay(tmp_path):
    path = tmp_path / "a.csv"
    broken = b"K7,ana@correo.example\nK8,other@correo.example\n\x00,ana@correo.example,\n"
    path.write_bytes(
        b"id,name,email,amount,sold_on\nK5,a,b,1,2024-01-01\n" + broken + b"K6,a,b,1,x\n"
    )
    result = scrub_file(
        path, [contract()], Asked(), patterns=compile_patterns([("email", "ana@correo.example")])
    )
    assert (result.broken_deleted, result.rows_deleted, result.cells_blanked) == (2, 0, 0)
    assert path.read_bytes() == (
        b"id,name,email,amount,sold_on\nK5,a,b,1,2024-01-01\nK8,other@correo.example\nK6,a,b,1,x\n"
    )


def test_undeclared_columns_are_emptied_with_the_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(
        b'id,Street,name,email,amount,sold_on,Note\nK2,"Sol, 1",a,b,1,,x\nK3,Mar 2,c,d,2,,y\n'
    )
    result = scrub_file(path, [contract()], Asked("", "K2"))
    assert result.cells_blanked == 4
    assert path.read_bytes() == (
        b'id,Street,name,email,amount,sold_on,Note\nK2,"",,,1,,\nK3,Mar 2,c,d,2,,y\n'
    )


def test_a_file_that_no_run_accepts_is_scrubbed_by_its_identifiers(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"wrong;header\n1;ana@correo.example\n2;other\n")
    patterns = compile_patterns([("email", "ana@correo.example")])
    result = scrub_file(path, [contract()], Asked(), patterns=patterns)
    assert result.broken_deleted == 1
    assert path.read_bytes() == b"wrong;header\n2;other\n"


EXPLODED = {
    "columns": (
        column("id"),
        column("line", source_column="lines.n"),
        column("sku", source_column="lines.sku"),
        column("email", source_column="who.email"),
    ),
    "explode": "lines",
    "name": "lines",
}
TICKETS = [
    {
        "id": "T1",
        "who": {"email": "a@b.example"},
        "lines": [{"n": 1, "sku": "x"}, {"n": 2, "sku": "y"}],
    },
    {"id": "T2", "who": {"email": "c@d.example"}, "lines": []},
    {"id": "T3", "who": None, "lines": [{"n": 1, "sku": "z"}]},
]


@pytest.mark.parametrize("kind", ["json", "ndjson"])
def test_a_file_of_two_tables_with_lists_in_its_records(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    text = json.dumps(TICKETS) if kind == "json" else "\n".join(map(json.dumps, TICKETS))
    path.write_text(text)
    parents = contract(
        columns=(column("id"), column("email", source_column="who.email")), name="tickets"
    )
    lines = contract(**EXPLODED)

    def decide(delivered: DeliveredRows) -> RowDecisions:
        rows = delivered.rows.to_pylist()
        if delivered.table.name == "tickets":
            return RowDecisions(delete=np.array([row["id"] == "T3" for row in rows]))
        return RowDecisions(
            delete=np.array([row["line"] == "2" for row in rows]),
            blank={
                "email": np.array([row["id"] == "T1" for row in rows]),
                "sku": np.array([row["sku"] == "x" for row in rows]),
            },
        )

    result = scrub_file(path, [parents, lines], decide)
    text = path.read_text()
    left = json.loads(text) if kind == "json" else [json.loads(each) for each in text.splitlines()]
    assert left == [
        {"id": "T1", "who": {"email": None}, "lines": [{"n": 1, "sku": None}]},
        TICKETS[1],
    ]
    assert (result.rows_deleted, result.cells_blanked) == (2, 2)
    assert result.deleted[("tickets", path.name)].tolist() == [3]
    assert result.deleted[("lines", path.name)].tolist() == [2, 3]
    assert not scrub_file(path, [parents, lines], decide).is_rewritten


def test_parquet_keeps_schema_and_layout_and_reaches_nested_values(tmp_path):
    path = tmp_path / "events.parquet"
    params = [
        [{"key": "email", "value": {"s": "a@b.example"}}, {"key": "n", "value": {"s": "1"}}],
        None,
    ]
    table = pa.table(
        {
            "id": pa.array(["K1", "K2", "K3", "K4"]).dictionary_encode(),
            "params": pa.array([*params, *params]),
            "user": pa.array([{"mail": "c@d.example", "n": 1}] * 4),
            "at": pa.array([1, 2, 3, None], pa.timestamp("us", "UTC")),
        }
    ).replace_schema_metadata({"made by": "test"})
    pq.write_table(table, path, compression="gzip", row_group_size=2)
    table = pq.read_table(path)  # it names the elements of lists as Parquet does
    declared = contract(
        columns=(
            column("id"),
            column("email", source_column="params[email].s"),
            column("mail", source_column="user.mail"),
        )
    )
    result = scrub_file(path, [declared], Asked("K2", "K3", columns=("email", "mail")))
    after = pq.read_table(path)
    assert after.schema.equals(table.schema, check_metadata=True)
    assert pq.read_metadata(path).row_group(0).num_rows == 2
    assert pq.read_metadata(path).row_group(0).column(0).compression == "GZIP"
    wanted = [row for row in table.to_pylist() if row["id"] != "K2"]
    wanted[1]["user"]["mail"] = None
    wanted[1]["params"] = [{"key": "email", "value": {"s": None}}, params[0][1]]
    wanted[1]["at"] = None  # nobody declared it
    assert after.to_pylist() == wanted
    assert result.cells_blanked == 3


def test_a_workbook_lets_go_of_strings_that_no_cell_uses(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(excel_bytes())
    patterns = compile_patterns(
        [("email", "inigo@correo.example"), ("email", "ana@correo.example"), ("full_name", "Ana Núñez"),
         ("phone", "612345678")]
    )  # fmt: skip
    table = contract(header_row=3, sheet="Datos")
    scrub_file(path, [table], Asked("K1", "K2"))
    assert {hit.position for hit in search_file(path, patterns).hits} == {2}  # on the other sheet
    scrub_file(path, [table], Asked(), patterns=patterns)
    assert search_file(path, patterns).hits == ()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


def dms(path: Path, *, in_log: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute(f"pragma journal_mode = {'wal' if in_log else 'delete'}")
    connection.executescript(
        """create table people (id text, name text, email text, amount numeric, sold_on text, phone int);
        create index by_email on people (email);
        create table other (note text);
        create table keyed (code text primary key, name text not null) without rowid;"""
    )
    connection.executemany("insert into people values (?, ?, ?, ?, ?, 612345678)", PEOPLE)
    connection.execute("insert into other values ('call ana@correo.example'), ('nothing')")
    connection.execute("insert into keyed values ('c', 'ana@correo.example')")
    connection.commit()
    return connection


@pytest.mark.parametrize("in_log", [False, True])
def test_a_database_in_the_drop_folder(tmp_path, in_log):
    path = tmp_path / "a.sqlite"
    held = dms(path, in_log=in_log)
    if not in_log:
        held.close()
    schema = (
        held.execute("select sql from sqlite_master order by name").fetchall() if in_log else None
    )
    table = contract(location="x", name="people")
    table = contract(name="people", format="database")
    table = TableContract(**{**vars(table), "location": "database://people"})
    patterns = compile_patterns(
        [("email", "ana@correo.example"), ("email", "inigo@correo.example")]
    )
    asked = Asked("K1", "K2")
    result = scrub_file(path, [table], asked, patterns=patterns)
    held.close()
    assert [row["id"] for row in asked.rows] == [row[0] for row in PEOPLE]
    assert (result.rows_deleted, result.is_rewritten) == (2, True)
    assert search_file(path, patterns).hits == () and search_file(path, patterns).inside == ()
    assert not path.with_name("a.sqlite-wal").exists()
    with sqlite3.connect(path) as connection:
        assert connection.execute("select id, name, email, phone from people").fetchall() == [
            ("K2", None, None, None),
            ("K3", PEOPLE[2][1], PEOPLE[2][2], 612345678),
            ("K4", "", "", 612345678),
        ]
        assert connection.execute("select * from other").fetchall() == [(None,), ("nothing",)]
        assert connection.execute("select * from keyed").fetchall() == [("c", "")]
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        if schema:
            assert (
                connection.execute("select sql from sqlite_master order by name").fetchall()
                == schema
            )
    connection.close()
    assert not scrub_file(path, [table], asked, patterns=patterns).is_rewritten


@pytest.mark.parametrize("at_log", [False, True])
def test_a_database_that_a_program_has_open_is_scrubbed_in_place(tmp_path, at_log):
    path = tmp_path / "event_log.db"
    server = dms(path, in_log=True)
    patterns = compile_patterns([("email", "ana@correo.example")])
    assert search_file(path, patterns).hits
    log = path.with_name("event_log.db-wal")
    result = scrub_by_patterns(log if at_log else path, patterns, deletes_rows=False)
    assert result.is_rewritten and result.cells_blanked == 4
    assert log.stat().st_size == 0
    report = search_file(path, patterns)
    assert report.hits == () and report.inside == ()
    server.execute("insert into other values ('goes on')")
    server.commit()
    server.close()
    with sqlite3.connect(path) as reader:
        assert reader.execute("select * from other").fetchall()[-1] == ("goes on",)
    reader.close()


def test_a_database_that_is_written_to_just_now_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "event_log.db"
    server = dms(path)
    server.execute("begin exclusive")
    monkeypatch.setattr(sqlite_module, "LOCK_SECONDS", 0.05)
    with pytest.raises(ScrubError, match="in use"):
        scrub_by_patterns(path, compile_patterns([("email", "ana@correo.example")]))
    server.close()


def test_a_killed_scrub_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_bytes(CSV)
    monkeypatch.setattr(atomic_module.Path, "replace", lambda *_: os._exit(9))
    child = os.fork()
    if child == 0:
        scrub_file(path, [contract()], Asked("K1"))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    monkeypatch.undo()
    assert os.waitstatus_to_exitcode(status) == 9
    assert path.read_bytes() == CSV
    assert remove_leftovers(tmp_path) == 1
    assert scrub_file(path, [contract()], Asked("K1")).rows_deleted == 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_written_to_meanwhile_is_left_alone(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(CSV)

    def decide(delivered: DeliveredRows) -> RowDecisions:
        return Asked("K1")(delivered)

    original = atomic_module.content_hash
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            atomic_module.shutil, "copymode", lambda *_: path.write_bytes(CSV + b"K9,,,,\n")
        )
        with pytest.raises(ScrubError, match="written to while"):
            scrub_file(path, [contract()], decide)
    assert original(path) and path.read_bytes() == CSV + b"K9,,,,\n"
    assert list(tmp_path.iterdir()) == [path]


def test_packaged_files_are_not_ours(tmp_path):
    with pytest.raises(ScrubError, match="installed package"):
        scrub_file(Path(duckdb.__file__), [contract()], Asked())


# A lone carriage return would end a line: no writer leaves it unquoted on purpose.
CELL = st.lists(st.sampled_from([*"abñ€;,|\"\n\t 'é1", "\r\n"]), max_size=6).map("".join)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from(["K1", "K2", "K3"]), CELL, CELL), max_size=12),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    has_end=st.booleans(),
)
def test_rows_that_were_not_chosen_stay_whatever_they_hold(
    tmp_path_factory, rows, delimiter, line_end, encoding, quoting, has_end
):
    path = tmp_path_factory.mktemp("any") / "a.csv"
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerow(NAMES[:3])
    writer.writerows(rows)
    content = text.getvalue()
    path.write_bytes((content if has_end else content.removesuffix(line_end)).encode(encoding))
    table = contract(
        columns=COLUMNS[:3],
        encoding="cp1252" if encoding == "cp1252" else "auto",
        delimiter=delimiter,
    )
    before = read(path, table)
    scrub_file(path, [table], Asked("K1", "K2"))
    assert without_numbers(read(path, table)) == expected(before)
    kept = [row for row in rows if row[0] == "K3"]
    left = list(
        csv.reader(io.StringIO(path.read_bytes().decode(encoding), newline=""), delimiter=delimiter)
    )
    assert [tuple(row) for row in left if row and row[0] == "K3"] == kept
    once = path.read_bytes()
    scrub_file(path, [table], Asked("K1", "K2"))
    assert path.read_bytes() == once


JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["K1", "K2", "K3"]), JSON_VALUE, st.text(max_size=5)),
        min_size=1,
        max_size=8,
    ),
    indent=st.sampled_from([None, 1]),
    is_ascii=st.booleans(),
    is_lines=st.booleans(),
)
def test_json_records_that_were_not_chosen_stay(tmp_path_factory, rows, indent, is_ascii, is_lines):
    path = tmp_path_factory.mktemp("any") / ("a.ndjson" if is_lines else "a.json")
    records = [{"id": each, "extra": extra, "name": name} for each, extra, name in rows]
    if is_lines:
        text = "".join(json.dumps(each, ensure_ascii=is_ascii) + "\n" for each in records)
        text = text.replace("\x85", "").replace("\u2028", "")
    else:
        text = json.dumps({"x": [1], "data": records}, ensure_ascii=is_ascii, indent=indent)
    path.write_text(text, newline="", encoding="utf-8", errors="replace")
    table = contract(
        columns=(column("id"), column("name", is_optional=True)),
        records=None if is_lines else "data",
    )
    was = path.read_bytes().decode()
    before = (
        [json.loads(line) for line in was.split("\n") if line]
        if is_lines
        else json.loads(was)["data"]
    )
    scrub_file(path, [table], Asked("K1", "K2", columns=("name",)))
    now = path.read_bytes().decode()
    after = (
        [json.loads(line) for line in now.split("\n") if line]
        if is_lines
        else json.loads(now)["data"]
    )
    kept = [each for each in before if each["id"] != "K1"]
    assert [each for each in after if each["id"] == "K3"] == [
        each for each in kept if each["id"] == "K3"
    ]
    assert [each["id"] for each in after] == [each["id"] for each in kept]
    assert all(not each["name"] and not each["extra"] for each in after if each["id"] == "K2")


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["K1", "K2", "K3"]),
            st.text("añ1 ", min_size=1, max_size=4),
            st.text("bé", max_size=3),
        ),
        min_size=1,
        max_size=8,
    ),
    kind=st.sampled_from(["parquet", "xlsx", "txt"]),
)
def test_tables_whose_rows_were_not_chosen_stay(tmp_path_factory, rows, kind):
    path = tmp_path_factory.mktemp("any") / f"a.{kind}"
    keys: dict[str, Any] = {"columns": COLUMNS[:3]}
    if kind == "parquet":
        names = zip(NAMES[:3], zip(*rows, strict=True), strict=True)
        pq.write_table(
            pa.table({name: list(values) for name, values in names}), path, row_group_size=3
        )
    elif kind == "xlsx":
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate([NAMES[:3], *rows]):
                sheet.write_row(number, 0, row)
    else:
        path.write_text("".join(f"{row[0]}{row[1]:<6}{row[2]:<5}|\n" for row in rows))
        places = zip(COLUMNS[:3], [(1, 2), (3, 6), (9, 5)], strict=True)
        columns = tuple(column(each.name, position=place) for each, place in places)
        keys = {"columns": columns, "format": "fixed_width"}
    table = contract(**keys)
    before = read(path, table)
    scrub_file(path, [table], Asked("K1", "K2"))
    assert without_numbers(read(path, table)) == expected(before)
    once = path.read_bytes()
    assert not scrub_file(path, [table], Asked("K1", "K2")).is_rewritten
    assert path.read_bytes() == once


def test_logs_pages_and_set_aside_rows_by_their_identifiers(tmp_path):
    patterns = compile_patterns([("email", "ana@correo.example"), ("phone", "612345678")])
    (tmp_path / "run.log").write_text("start\nfor ana@correo.example\nend\n")
    (tmp_path / "page.html").write_text("<p>tel 612 345 678</p>\n<p>x</p>\n")
    (tmp_path / "rejects.csv").write_text('row,line\n1,"a\nana@correo.example,x"\n2,"b\nc"\n')
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"x\nana@correo.example\ny\n", mtime=1))
    pq.write_table(
        pa.table({"mail": ["ana@correo.example", "b"], "n": [1, 612345678]}), tmp_path / "t.parquet"
    )
    connection = dms(tmp_path / "a.db")
    connection.close()
    book = tmp_path / "book.xlsx"
    book.write_bytes(excel_bytes())
    with zipfile.ZipFile(tmp_path / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv.gz", gzip.compress(b"x\nana@correo.example\ny\n"))
        archive.write(tmp_path / "t.parquet", "t.parquet")
        archive.write(tmp_path / "a.db", "a.db")
        archive.write(book, "book.xlsx")
        archive.writestr("other.txt", "nothing")
    (tmp_path / "wide.txt").write_bytes("x\r\nana@correo.example\r\ny\r\n".encode("utf-16"))
    for path in list(tmp_path.iterdir()):
        assert scrub_by_patterns(path, patterns).is_rewritten, path
        assert not search_file(path, patterns).hits, path
        assert not scrub_by_patterns(path, patterns).is_rewritten, path
    assert (tmp_path / "run.log").read_text() == "start\nend\n"
    assert (tmp_path / "page.html").read_text() == "<p>tel ***********</p>\n<p>x</p>\n"
    assert (tmp_path / "rejects.csv").read_text() == 'row,line\n2,"b\nc"\n'
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == b"x\ny\n"
    assert (tmp_path / "wide.txt").read_bytes().decode("utf-16") == "x\r\ny\r\n"
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "t.parquet").read_bytes()[:-20])
    with pytest.raises(ScrubError, match="damaged"):
        scrub_by_patterns(tmp_path / "cut.parquet", patterns)
    (tmp_path / "a.bin").write_bytes(b"\x00 ana@correo.example \x00")
    with pytest.raises(ScrubError, match="can't be rewritten"):
        scrub_by_patterns(tmp_path / "a.bin", patterns)


def test_a_name_that_is_parted_over_cells_goes_from_all_of_them(tmp_path):
    patterns = compile_patterns([("full_name", "Begoña Núñez Ibáñez")])
    rows = [("1", "Begoña", "Núñez Ibáñez"), ("2", "Begoña", "Gil"), ("3", "Ana", "Núñez Ibáñez")]
    names = ("id", "name", "surname")
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([names, *rows]):
            sheet.write_row(number, 0, row)
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("\n".join(",".join(row) for row in [names, *rows]) + "\n")
    (tmp_path / "a.json").write_text(
        json.dumps([dict(zip(names, row, strict=True)) for row in rows])
    )
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("create table people (id text, name text, surname text)")
        connection.executemany("insert into people values (?, ?, ?)", rows)
    connection.close()
    wanted = [dict.fromkeys(names, None) | {"id": "1"}]
    wanted += [dict(zip(names, row, strict=True)) for row in rows[1:]]
    declared = contract(columns=tuple(map(column, names)))
    database = {**vars(declared), "location": "database://people", "format": "database"}
    for path in sorted(tmp_path.iterdir()):
        table = TableContract(**database) if path.suffix == ".sqlite" else declared
        assert search_file(path, patterns).hits, path
        result = scrub_file(path, [table], Asked(columns=()), patterns=patterns)
        assert (result.cells_blanked, result.rows_blanked) == (2, 1), path
        asked = Asked(columns=())
        scrub_file(path, [table], asked)
        assert without_numbers(asked.rows) == wanted, path
        assert not search_file(path, patterns).hits, path


def test_a_file_that_no_table_reads_is_scrubbed_by_its_identifiers(tmp_path):
    patterns = compile_patterns([("email", "ana@correo.example")])
    path = tmp_path / "book.xlsx"
    path.write_bytes(excel_bytes())
    assert scrub_file(path, [], Asked(), patterns=patterns).cells_blanked == 2
    assert not search_file(path, patterns).hits
